//! Safe mode: what ends, what may not start, and what comes back.

use std::format;
use std::string::String;
use std::vec::Vec;

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn safe_mode_ends_every_module_and_resume_starts_what_starts_at_boot() {
    check(
        "module a
         module b not-at-boot
         discover
         up a
         quiet
         order 1 safe-mode the disk is full
         exit a 0
         order 2 resume",
        expect![[r#"
            > order 1 safe-mode the disk is full
              journal safe_mode.entered why="the disk is full"
              journal module.stopping a#1 reason="safe-mode" grace_ms=5000
              a#1 <- shutdown
              reply 1 done
            > exit a 0
              journal module.stopped a#1 reason="safe-mode" exit="exit code 0"
            > order 2 resume
              journal safe_mode.left
              journal module.starting a#2 attempt=0
              spawn a#2
              reply 2 done
        "#]],
    );
}

#[test]
fn an_alarm_leads_to_safe_mode_unless_the_watchdog_is_passive() {
    for mode in ["active", "strict"] {
        let lines = heard(
            &format!(
                "settings watchdog={mode}\n module a\n discover\n up a\n order 1 alarm the last 3 starts"
            ),
            &["safe_mode.", "a#1 <- shutdown"],
        );
        assert_eq!(
            lines,
            ["journal safe_mode.entered why=\"the last 3 starts\"", "a#1 <- shutdown"],
            "{mode}"
        );
    }
    check(
        "settings watchdog=passive
         module a
         discover
         up a
         quiet
         order 1 alarm the last 3 starts
         order 2 safe-mode somebody wishes it",
        expect![[r#"
            > order 1 alarm the last 3 starts
              journal safe_mode.reported why="the last 3 starts"
              reply 1 done
            > order 2 safe-mode somebody wishes it
              journal safe_mode.entered why="somebody wishes it"
              journal module.stopping a#1 reason="safe-mode" grace_ms=5000
              a#1 <- shutdown
              reply 2 done
        "#]],
    );
}

#[test]
fn in_safe_mode_nothing_starts_and_who_asks_is_told_why() {
    let lines = heard(
        "module a
         order 1 safe-mode asked
         discover
         order 2 start a
         order 3 restart a",
        &["spawn a#", "spawn b#", "reply"],
    );
    assert_eq!(lines.first().map(String::as_str), Some("reply 1 done"));
    assert!(lines.iter().skip(1).all(|line| line.contains("safe mode: asked")), "{lines:?}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_module_that_crashes_or_waits_for_its_restart_stays_down_in_safe_mode() {
    let lines = heard(
        "module a
         discover
         up a
         exit a 1
         order 1 safe-mode asked
         wait 600000",
        &["spawn a#2", "signal"],
    );
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn what_an_operator_stopped_stays_stopped_after_safe_mode_and_a_second_word_changes_nothing() {
    let lines = heard(
        "module a
         module b
         discover
         up a b
         order 1 stop a
         exit a 0
         order 2 safe-mode asked
         order 3 safe-mode again
         exit b 0
         order 4 resume
         order 5 resume",
        &["spawn a#", "spawn b#", "reply"],
    );
    let expected = [
        "spawn a#1",
        "spawn b#2",
        "reply 1 done",
        "reply 2 done",
        "reply 3 already",
        "spawn b#3",
        "reply 4 done",
        "reply 5 already",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn who_is_still_ending_when_safe_mode_is_left_starts_again_after_its_end() {
    let lines = heard(
        "module a
         discover
         up a
         order 1 safe-mode asked
         order 2 resume
         exit a 0",
        &["spawn a#", "spawn b#", "reply"],
    );
    assert_eq!(lines, ["spawn a#1", "reply 1 done", "reply 2 done", "spawn a#2"]);
}
