//! A word is its text, however it is kept.

use std::string::String;

use abi::{Name, NameError};
use proptest::prelude::*;

use super::{INLINE_BYTES, Kept, Word};

#[test]
fn it_is_no_larger_than_five_machine_words() {
    assert_eq!(size_of::<Word>(), 40);
}

#[test]
fn short_texts_lie_in_the_value_and_long_ones_do_not() {
    let (short, long) = ("x".repeat(INLINE_BYTES), "x".repeat(INLINE_BYTES + 1));
    for (text, is_inline) in [(short, true), (long, false), (String::new(), true)] {
        let word = Word::parse(&text).expect("it is within 256 units");
        assert_eq!(word.as_str(), text);
        assert_eq!(matches!(word.0, Kept::Inline { .. }), is_inline);
        assert_eq!(word, Word::from(Name::parse(&text).expect("it is within 256 units")));
    }
}

#[test]
fn its_bound_is_the_one_of_names() {
    assert!(Word::parse(&"ü".repeat(256)).is_ok());
    assert_eq!(Word::parse(&"ü".repeat(257)), Err(NameError::TooLong(257)));
}

proptest! {
    #[test]
    fn words_come_in_the_order_of_their_texts(one in ".{0,45}", other in ".{0,45}") {
        let (first, second) = (Word::parse(&one), Word::parse(&other));
        let (first, second) = (first.expect("it is short"), second.expect("it is short"));
        prop_assert_eq!(first.cmp(&second), one.cmp(&other));
        prop_assert_eq!(first == second, one == other);
    }
}
