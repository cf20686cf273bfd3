//! The line itself; that it is drawn on a terminal alone is tested where commands run.

use std::time::Duration;

use super::line;
use crate::lang::Lang;
use crate::theme::{Colors, Glyphs, Theme};

fn theme(glyphs: Glyphs, width: usize) -> Theme {
    Theme { colors: Colors::Off, glyphs, width, lang: Lang::En }
}

#[test]
fn a_bar_grows_with_the_share() {
    let at = |share| line(theme(Glyphs::Ascii, 80), "backing up", Some(share), Duration::from_secs(3));
    assert_eq!(at(0.0), "backing up ........................   0 % 3s");
    assert_eq!(at(0.5), "backing up ############............  50 % 3s");
    assert_eq!(at(1.0), "backing up ######################## 100 % 3s");
}

#[test]
fn without_a_whole_something_wanders() {
    let at = |ms| line(theme(Glyphs::Ascii, 80), "updating", None, Duration::from_millis(ms));
    assert_eq!(at(0), "updating ###..................... 0ms");
    assert_eq!(at(2_300), "updating ##.....................# 2s");
}

#[test]
fn it_is_narrower_than_any_terminal() {
    for width in [0, 1, 10, 40, 80] {
        let drawn = line(theme(Glyphs::Unicode, width), "backing up", Some(0.3), Duration::from_secs(100));
        assert!(drawn.chars().count() <= width.saturating_sub(1), "{width}: {drawn}");
    }
}
