//! Modules that are stopped in order and started in order, so that no new one runs beside an old one.

use expect_test::expect;

use std::format;
use std::string::String;

use crate::testing::{check, heard};

/// `front` needs what `back` offers; both are ready.
const PAIR: &str = "module front provides=shop requires=stock print=1
     module back provides=stock print=1
     discover
     up back front
     quiet\n";

/// Both change together.
const CHANGED: &str = "together front,back restart
     module front provides=shop requires=stock print=2
     module back provides=stock print=2
     discover\n";

fn changed(script: &str) -> String {
    format!("{PAIR}{CHANGED}{script}")
}

#[test]
fn callers_stop_first_and_start_last() {
    check(
        &changed(
            "exit front 0
             exit back 0
             up back front",
        ),
        expect![[r#"
            > together front,back restart
            > module front provides=shop requires=stock print=2
            > module back provides=stock print=2
            > discover
              journal module.changed back#1
              journal module.changed front#2
              journal turnover.begun modules=2 tiers=2
              journal module.stopping front#2 reason="hot-swap" grace_ms=5000
              front#2 <- shutdown
            > exit front 0
              journal module.stopped front#2 reason="hot-swap" exit="exit code 0"
              journal module.stopping back#1 reason="hot-swap" grace_ms=5000
              back#1 <- shutdown
            > exit back 0
              journal module.stopped back#1 reason="hot-swap" exit="exit code 0"
              journal module.starting back#3 attempt=0
              spawn back#3
              journal module.starting front#4 attempt=0
              spawn front#4
            > up back front
              save back base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              back#3 <- install
              back#3 <- init
              journal module.ready back#3 after_ms=0
              back#3 <- deps_ready
              save front base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              front#4 <- install
              front#4 <- init
              journal module.ready front#4 after_ms=0
              front#4 <- deps_ready
        "#]],
    );
}

#[test]
fn an_order_to_start_meanwhile_waits_for_the_others() {
    let script = "order 1 start front
         exit front 0
         order 2 restart front
         order 3 settle
         quiet
         exit back 0
         up back front";
    let told = heard(&changed(script), &["reply", "spawn back#", "spawn front#"]);
    assert_eq!(told, ["spawn back#3", "spawn front#4", "reply 1 done", "reply 2 done", "reply 3 settled []"]);
}

#[test]
fn what_an_operator_stops_meanwhile_stays_stopped() {
    let script = "order 1 stop front\n exit front 0\n exit back 0\n up back\n view front";
    let told = heard(&changed(script), &["spawn back#", "spawn front#", "view front"]);
    assert_eq!(told, ["spawn back#3", "view front stopped restarts=0 note=\"stopped: hot-swap\""]);
}

#[test]
fn a_new_one_starts_with_the_others_and_one_that_leaves_ends_in_its_turn() {
    let script = format!(
        "{PAIR}together front,back,extra,more restart
         module back provides=stock print=2
         module extra provides=shop requires=stock
         discover back extra
         exit front 0
         exit back 0
         view back"
    );
    let told = heard(&script, &["spawn", "<- shutdown", "forgotten"]);
    let expected = [
        "front#2 <- shutdown",
        "journal module.forgotten front",
        "forgotten front",
        "back#1 <- shutdown",
        "spawn back#3",
        "spawn extra#4",
    ];
    assert_eq!(told, expected);
}

#[test]
fn modules_that_can_not_all_be_swapped_are_all_stopped_and_started() {
    let script = "module front provides=shop requires=stock state print=1
         module back provides=stock print=1
         discover
         up back front
         quiet
         together front,back keep
         module front provides=shop requires=stock state print=2
         module back provides=stock print=2
         discover";
    let told = heard(script, &["spawn", "<-", "not_together"]);
    assert_eq!(
        told,
        [
            "journal swap.not_together why=\"`back`: it neither hands over state nor says that it keeps none\"",
            "front#2 <- shutdown",
        ]
    );
}

#[test]
fn a_shutdown_in_the_middle_starts_nothing() {
    let told = heard(&changed("exit front 0\n order 1 shutdown\n exit back 0"), &["spawn", "finished"]);
    assert_eq!(told, ["finished"]);
}

#[test]
fn a_life_that_does_not_go_in_time_is_killed_and_the_others_follow() {
    let told = heard(
        &changed("wait 5000\n exit front signal 9\n exit back 0"),
        &["signal front", "spawn back#", "spawn front#"],
    );
    assert_eq!(told, ["signal front#2 kill", "spawn back#3", "spawn front#4"]);
}
