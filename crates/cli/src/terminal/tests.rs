//! Pictures are drawn over each other without scrolling.

use super::redraw;

#[test]
fn a_picture_clears_what_was_there_and_never_fills_the_last_row() {
    assert_eq!(redraw("one\ntwo\nthree\n", 3), "\x1b[Hone\x1b[K\r\ntwo\x1b[K\r\n\x1b[J");
}

#[test]
fn a_terminal_without_rows_shows_nothing_and_breaks_nothing() {
    assert_eq!(redraw("one\n", 0), "\x1b[H\x1b[J");
}
