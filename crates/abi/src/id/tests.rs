//! What is a name and what is not, at the limits.

use alloc::string::String;

use super::{ModuleId, Name, NameError};

fn long(unit: &str, count: usize) -> String {
    unit.repeat(count)
}

#[test]
fn slugs_are_taken_up_to_their_limit() {
    for text in ["a", "my-module", "A.b_c-9", "_hidden", &long("x", 63), &long("x", 64)] {
        assert_eq!(ModuleId::parse(text).map(|id| String::from(id.as_str())), Ok(String::from(text)));
    }
    assert_eq!(ModuleId::parse(&long("x", 65)), Err(NameError::TooLong(65)));
}

#[test]
fn texts_that_are_unsafe_as_file_names_or_options_are_no_slugs() {
    assert_eq!(ModuleId::parse(""), Err(NameError::Empty));
    for (text, found, at) in
        [("../x", '.', 0), ("-rf", '-', 0), ("a/b", '/', 1), ("a b", ' ', 1), ("ż", 'ż', 0)]
    {
        assert_eq!(ModuleId::parse(text), Err(NameError::BadCharacter(found, at)), "{text}");
    }
}

#[test]
fn names_are_counted_in_utf16_units() {
    assert!(Name::parse(&long("a", 256)).is_ok());
    assert_eq!(Name::parse(&long("a", 257)), Err(NameError::TooLong(257)));
    assert!(Name::parse(&long("ż", 256)).is_ok());
    assert!(Name::parse(&long("😀", 128)).is_ok());
    assert_eq!(Name::parse(&long("😀", 129)), Err(NameError::TooLong(258)));
}
