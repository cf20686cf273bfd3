//! Records within 80 columns.

use expect_test::expect;
use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::samples::{NOW_MS, row};
use crate::theme::Glyphs;

#[test]
fn records_fit_80_columns() {
    let shutdown = JournalRow {
        module_id: None,
        generation: None,
        ..row(12, "shutdown.begun", "", &[("modules", json!(3))])
    };
    let old = JournalRow {
        ts_ms: NOW_MS - 90_000_000,
        ..row(9, "module.ready", "web", &[("after_ms", json!(40))])
    };
    let long = row(
        11,
        "module.refused",
        "a-module-with-a-very-long-name",
        &[("why", json!("manifest hash mismatch for a-module-with-a-very-long-name - re-install required"))],
    );
    let text = records(&Theme::plain(Glyphs::Unicode), &[old, long, shutdown], NOW_MS, &TimeZone::UTC);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    expect![[r#"
        SEQ  TIME                 CODE            MODULE        FACTS
          9  2026-11-20 09:30:00  module.ready    web#3         after_ms=40
         11  10:29:11             module.refused  a-module-wi…  why=manifest hash
                                                                mismatch for a-module-wi
                                                                th-a-very-long-name -
                                                                re-install required
         12  10:29:12             shutdown.begun                modules=3
    "#]]
    .assert_eq(&text);
}

#[test]
fn facts_cannot_move_the_cursor() {
    let sly = row(1, "module.refused", "x", &[("why", json!("\u{1b}[2Jgone"))]);
    assert_eq!(facts(&sly), "why=gone");
}
