//! Both languages say the same: with the same values, at the same places.

use super::*;

fn places(text: &str) -> Vec<usize> {
    let mut found: Vec<usize> =
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()?.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn both_languages_name_the_same_values() {
    for phrase in Phrase::ALL {
        let (english, polish) = (phrase.template(Lang::En), phrase.template(Lang::Pl));
        assert_eq!(places(english), places(polish), "{phrase:?}");
        assert!(!english.is_empty() && !polish.is_empty(), "{phrase:?}");
    }
}

#[test]
fn places_are_numbered_from_zero_without_a_gap() {
    for phrase in Phrase::ALL {
        let found = places(phrase.template(Lang::En));
        assert_eq!(found, (0..found.len()).collect::<Vec<_>>(), "{phrase:?}");
    }
}

#[test]
fn values_are_put_in_by_number_and_a_missing_one_is_seen() {
    assert_eq!(Phrase::NotReady.fill(Lang::En, &["web", "crashed", "gave up"]), "web is crashed: gave up");
    assert_eq!(Phrase::NotReady.fill(Lang::Pl, &["web", "crashed"]), "web: crashed, ?");
}

#[test]
fn a_value_that_looks_like_a_place_stays_as_it_is() {
    assert_eq!(Phrase::Trouble.fill(Lang::En, &["{0} {1}"]), "trouble: {0} {1}");
}
