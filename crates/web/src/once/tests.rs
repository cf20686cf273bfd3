//! Keys, their owners and their end.

use super::*;

fn digest(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

#[test]
fn the_same_key_with_the_same_request_is_the_same_place_for_ten_minutes() {
    let once = Once::default();
    let place = |now| once.place("ann", "k", digest("stop"), now).expect("a place");
    let first = place(0);
    assert!(Arc::ptr_eq(&first, &place(KEPT_MS - 1)));
    assert!(!Arc::ptr_eq(&first, &place(KEPT_MS)));
    let others = once.place("bob", "k", digest("start"), 0).expect("a place");
    assert!(!Arc::ptr_eq(&first, &others));
}

#[test]
fn a_key_cannot_come_with_another_request() {
    let once = Once::default();
    once.place("ann", "k", digest("stop"), 0).expect("a place");
    let refused = once.place("ann", "k", digest("start"), 1).expect_err("refused");
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn odd_keys_are_refused_and_the_number_of_keys_is_bounded() {
    let once = Once::default();
    for key in ["", "a b", "ż", &"k".repeat(KEY_CHARS_MAX + 1)] {
        assert!(once.place("ann", key, digest(""), 0).is_err(), "{key}");
    }
    for number in 0..KEYS_MAX as u64 + 5 {
        once.place("ann", &number.to_string(), digest(""), number).expect("a place");
    }
    assert_eq!(once.kept.lock().expect("a lock").len(), KEYS_MAX);
}
