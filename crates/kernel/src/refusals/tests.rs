//! Floods of refused messages: few records, no refusal uncounted.

use std::format;
use std::string::String;

use expect_test::expect;

use crate::testing::{check, heard};

fn flood(count: u64) -> String {
    "a says publish system:x 1\n".repeat(usize::try_from(count).expect("a small number"))
}

#[test]
fn the_first_refusals_of_a_minute_are_told_and_the_others_counted() {
    let script =
        format!("module a plain\n discover\n up a\n {} wait 60000\n {} wait 60000", flood(25), flood(11));
    let told = heard(&script, &["topic.forbidden", "refusals."]);
    let single = r#"journal topic.forbidden a#1 topic="system:x""#;
    let mut wanted = std::vec![single; 10];
    wanted.push("journal refusals.summed_up a#1 count=15 over_ms=60000");
    wanted.extend([single; 10]);
    wanted.push("journal refusals.summed_up a#1 count=1 over_ms=60000");
    assert_eq!(told, wanted);
}

#[test]
fn refused_calls_and_sections_share_the_count_and_are_all_answered() {
    let calls = "a says call 1 theirs m\n a says kernel 2 config.get theirs\n".repeat(6);
    let script = format!("settings enforcement=warn\n module a section=mine\n discover\n up a\n {calls}");
    assert_eq!(heard(&script, &[".forbidden a#1"]).len(), 10);
    assert_eq!(heard(&script, &["forbidden", "Security violation"]).len(), 10 + 12);
}

#[test]
fn ten_in_a_minute_need_no_sum() {
    let script = format!("module a\n discover\n up a\n {} wait 60000", flood(10));
    assert!(heard(&script, &["refusals."]).is_empty());
}

#[test]
fn a_flood_of_one_module_leaves_the_records_of_another_alone() {
    let script = format!("module a\n module b\n discover\n up a b\n {} b says publish system:y 1", flood(30));
    assert_eq!(heard(&script, &["topic.forbidden b#2"]).len(), 1);
}

#[test]
fn what_a_forgotten_module_was_refused_is_summed_up_before_it_is_gone() {
    let script = format!("module a\n discover\n up a\n {} quiet\n discover nothing\n exit a 0", flood(12));
    check(
        &script,
        expect![[r#"
            > discover nothing
              journal module.gone a#1
              journal module.stopping a#1 reason="uninstalled" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="uninstalled" exit="exit code 0"
              journal refusals.summed_up a count=2 over_ms=0
              journal module.forgotten a
              forgotten a
        "#]],
    );
}
