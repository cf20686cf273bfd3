//! What was typed, and what of it is taken.

use super::{take_back, taken};

#[test]
fn a_backspace_takes_a_whole_character_back() {
    let mut line = "zażółć".as_bytes().to_vec();
    take_back(&mut line);
    take_back(&mut line);
    assert_eq!(line, "zażó".as_bytes());
    for _ in 0..10 {
        take_back(&mut line);
    }
    assert!(line.is_empty());
}

#[test]
fn nothing_and_what_is_no_text_are_refused() {
    assert!(taken(Vec::new()).is_err());
    assert!(taken(vec![0xff, 0xfe]).is_err());
    assert_eq!(taken(b"pass word ".to_vec()).expect("a text").expose(), "pass word ");
}
