//! State over planned restarts: who is asked, what is handed on, and that every step ends.

use expect_test::expect;

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::testing::{check, heard};

/// One module whose state outlives planned restarts, ready, with nothing kept yet.
const ONE: &str = "module a state keeps-state provides=echo
     discover
     up a
     recalled a nothing
     quiet\n";

fn one(script: &str) -> String {
    format!("{ONE}{script}")
}

/// The same in its second life, which says that it is ready.
const AGAIN: &str = "order 1 restart a
     a says saved 1 {\"n\":7} v1
     exit a 0
     spawned a
     a says ready
     quiet\n";

fn again(script: &str) -> String {
    format!("{ONE}{AGAIN}{script}")
}

#[test]
fn a_restart_hands_state_to_the_next_life_before_it_counts_as_ready() {
    check(
        &one("order 1 restart a
             a says saved 1 {\"n\":7} v1
             exit a 0
             spawned a
             a says ready
             recalled a {\"n\":7} v1
             a says restored 2"),
        expect![[r#"
            > order 1 restart a
              journal order.restart a#1
              journal module.stopping a#1 reason="requested" grace_ms=5000
              a#1 <- state:save 1
            > a says saved 1 {"n":7} v1
              journal state.saved a#1 bytes=7 form="v1"
              keep-state a#1 {"n":7} version=v1
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="requested" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
            > spawned a
              a#2 <- init
            > a says ready
              recall a#2
            > recalled a {"n":7} v1
              a#2 <- state:restore 2 {"n":7} version=v1
            > a says restored 2
              journal state.restored a#2 bytes=7 form="v1"
              settle a#2 Taken
              journal module.ready a#2 after_ms=0
              a#2 <- deps_ready
              reply 1 done
        "#]],
    );
}

#[test]
fn a_refused_state_is_set_aside_and_the_life_begins_without() {
    check(
        &again("recalled a {\"n\":7} v1\n a says nack 2 a form of long ago"),
        expect![[r#"
            > recalled a {"n":7} v1
              a#2 <- state:restore 2 {"n":7} version=v1
            > a says nack 2 a form of long ago
              journal state.refused a#2 form="v1" why="a form of long ago"
              settle a#2 Refused
              journal module.ready a#2 after_ms=0
              a#2 <- deps_ready
              reply 1 done
        "#]],
    );
}

#[test]
fn a_life_that_does_not_answer_begins_without_when_its_time_is_over() {
    for (script, word) in [
        ("recalled a {} v1\n wait 2000", "journal state.refused"),
        ("wait 2000", "journal state.not_taken"),
        ("recalled a {} v1\n wait 1999", ""),
    ] {
        let told = heard(&again(script), &["journal state", "reply 1"]).join("\n");
        assert!(told.contains(word), "{script}: {told}");
        assert_eq!(told.contains("reply 1 done"), !word.is_empty(), "{script}: {told}");
    }
}

#[test]
fn what_comes_late_changes_nothing() {
    let late =
        "recalled a nothing\n quiet\n recalled a {} v1\n a says restored 2\n a says nack 2 no\n wait 2000";
    assert_eq!(heard(&again(late), &["journal", "settle", "a#2 <- state"]), Vec::<String>::new());
}

#[test]
fn who_falls_over_a_state_is_not_offered_it_again() {
    check(
        &again("recalled a {} v1\n exit a 1"),
        expect![[r#"
            > recalled a {} v1
              a#2 <- state:restore 2 {} version=v1
            > exit a 1
              journal state.refused a#2 form="v1" why="it ended while it took it over"
              settle a#2 Refused
              journal module.exited a#2 exit="left with exit code 1" after_ms=0 state="starting"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
              reply 1 failed Failed: left with exit code 1 after 0 ms; that early, look at the entry point
        "#]],
    );
}

#[test]
fn who_is_told_to_end_while_it_takes_a_state_over_leaves_it_to_the_next_life() {
    let script =
        "recalled a {} v1\n order 2 restart a\n a says restored 2\n exit a 0\n spawned a\n a says ready";
    let told = heard(&again(script), &["settle", "recall ", "a#2 <- state:save"]);
    assert_eq!(told, ["recall a#3"]);
}

#[test]
fn who_gives_no_state_is_told_to_end_all_the_same() {
    for (script, why) in [
        ("a says nack 1 nothing to give", "it gave none: nothing to give"),
        ("wait 2000", "it gave none in time"),
    ] {
        let script = one(&format!("order 1 stop a\n {script}\n exit a 0"));
        let told = heard(&script, &["journal state", "a#1 <- shutdown", "keep-state"]);
        assert_eq!(
            told,
            [format!("journal state.not_kept a#1 why={why:?}"), String::from("a#1 <- shutdown")]
        );
    }
    let told = heard(&one("order 1 stop a\n exit a 0"), &["journal state", "a#1 <- shutdown"]);
    assert_eq!(told, ["journal state.not_kept a#1 why=\"it ended before it gave its state\""]);
}

#[test]
fn the_grace_begins_when_it_is_told_to_end() {
    let kill = |wait: u32| {
        let script = one(&format!("order 1 stop a\n wait 1500\n a says saved 1 {{}} v1\n wait {wait}"));
        heard(&script, &["signal"]).len()
    };
    assert_eq!((kill(4999), kill(5000)), (0, 1));
}

#[test]
fn a_shutdown_and_a_change_of_files_ask_and_a_fall_or_a_hang_does_not() {
    let asked = |script: &str| heard(&one(script), &["a#1 <- state:save"]).len();
    assert_eq!(asked("order 1 shutdown"), 1);
    assert_eq!(asked("module a state keeps-state provides=echo print=2\n manner a restart\n discover"), 1);
    assert_eq!(asked("exit a 1"), 0);
    assert_eq!(asked("wait 300000"), 0, "it answered no ping");
    let killed = "order 1 shutdown\n order 2 shutdown\n exit a signal 9";
    assert_eq!(heard(&one(killed), &["signal a#1 kill", "finished"]).len(), 2);
}

#[test]
fn only_who_says_so_is_asked_or_offered_anything() {
    for words in ["state", "state keeps-nothing", ""] {
        let script = format!("module a {words}\n discover\n up a\n order 1 restart a\n exit a 0\n up a");
        assert_eq!(heard(&script, &["recall", "a#1 <- state:save"]), Vec::<String>::new());
    }
}

#[test]
fn who_is_put_back_to_what_is_kept_is_not_asked_and_is_offered_it() {
    let script = "order 1 reinstate a\n exit a 0\n spawned a\n a says ready\n recalled a {} v1";
    let told = heard(&one(script), &["state:", "recall", "a#1 <- shutdown"]);
    assert_eq!(told, ["a#1 <- shutdown", "recall a#2", "a#2 <- state:restore 2 {} version=v1"]);
}

#[test]
fn no_other_kernel_takes_over_while_state_is_on_its_way() {
    use crate::testing::after;
    let between = |script: &str| {
        let driver = after(&one(script));
        driver.kernel.between_lives().len()
    };
    assert_eq!(between(""), 0);
    assert_eq!(between("order 1 restart a"), 1);
    assert_eq!(between("order 1 restart a\n a says saved 1 {} v1"), 0);
    assert_eq!(between("order 1 restart a\n exit a 0\n spawned a\n a says ready"), 1);
}
