//! Tables keep to their width, and give way where they were told to.

use expect_test::{Expect, expect};

use super::*;
use crate::theme::Glyphs;

const COLUMNS: [Column; 3] = [Column::capped("NAME", 10), Column::number("N"), Column::rest("NOTE")];

fn check(width: usize, fit: Fit, rows: &[[&str; 3]], expected: Expect) {
    let theme = Theme { width, ..Theme::plain(Glyphs::Unicode) };
    let rows = rows.iter().map(|row| row.iter().map(|cell| bare(*cell)).collect()).collect();
    let text = render(&theme, fit, &COLUMNS, rows);
    if fit == Fit::Terminal {
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn short_cells_stand_side_by_side() {
    check(
        40,
        Fit::Terminal,
        &[["web", "1", "fine"], ["db", "22", ""]],
        expect![[r#"
        NAME   N  NOTE
        web    1  fine
        db    22
    "#]],
    );
}

#[test]
fn a_long_note_is_folded_and_then_cut() {
    let long = "a long note that goes on and on and on and on and on and on and on and on and on and on";
    check(
        40,
        Fit::Terminal,
        &[["web", "1", long]],
        expect![[r#"
        NAME  N  NOTE
        web   1  a long note that goes on and on
                 and on and on and on and on and
                 on and on and on and on
    "#]],
    );
}

#[test]
fn a_long_name_is_cut_at_its_cap() {
    check(
        40,
        Fit::Terminal,
        &[["a-very-long-name-indeed", "1", "fine"]],
        expect![[r#"
            NAME        N  NOTE
            a-very-lo…  1  fine
        "#]],
    );
}

#[test]
fn an_unbounded_table_shows_everything() {
    let long = "a long note that goes on and on and on and on";
    check(
        40,
        Fit::Unbounded,
        &[["a-very-long-name-indeed", "1", long]],
        expect![[r#"
        NAME                     N  NOTE
        a-very-long-name-indeed  1  a long note that goes on and on and on and on
    "#]],
    );
}
