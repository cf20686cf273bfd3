//! Which language a locale means.

use super::Lang;

#[test]
fn polish_is_found_in_every_spelling_of_its_locale() {
    for locale in ["pl", "pl_PL", "pl_PL.UTF-8", "PL.utf8", "pl@euro"] {
        assert_eq!(Lang::of_locale(locale), Lang::Pl, "{locale}");
    }
}

#[test]
fn every_other_locale_is_english() {
    for locale in ["", "C", "C.UTF-8", "en_GB.UTF-8", "de_DE", "plt_MG"] {
        assert_eq!(Lang::of_locale(locale), Lang::En, "{locale}");
    }
}
