//! How a home is named so that a shell takes it.

use super::*;

#[test]
fn plain_words_stay_and_others_are_quoted() {
    assert_eq!(shell_word("/srv/home-1.x"), "/srv/home-1.x");
    assert_eq!(shell_word("/a b"), "'/a b'");
    assert_eq!(shell_word("it's"), r"'it'\''s'");
    assert_eq!(shell_word(""), "''");
    assert_eq!(shell_word("$HOME"), "'$HOME'");
}

#[test]
fn a_home_that_has_to_be_named_is_named() {
    assert_eq!(Target::at(Path::new("/srv/my home")).command(), "ostoja --home '/srv/my home'");
}
