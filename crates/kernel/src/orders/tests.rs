//! Orders in every phase, each answered exactly once; settling.

use expect_test::expect;

use std::format;
use std::string::String;

use crate::testing::{check, heard};

/// Brings module `a` into a phase.
const PHASES: [(&str, &str); 10] = [
    ("fresh", "module a not-at-boot\n discover"),
    ("stopped", "module a\n discover\n up a\n order 90 stop a\n exit a 0"),
    ("crashed", "module a max=0\n discover\n up a\n exit a 1"),
    ("refused", "module a unapproved\n discover"),
    ("held", "module a plain needs=ghost\n discover"),
    ("queued", "module a\n discover\n up a\n exit a 1"),
    ("starting", "module a\n discover\n spawned a"),
    ("waiting", "module a requires=ghost\n discover\n up a"),
    ("ready", "module a\n discover\n up a"),
    ("ending", "module a\n discover\n up a\n order 90 stop a"),
];

/// What an order is answered, in each phase, when its module then ends as told, and comes up when it is started.
fn answers(order: &str) -> String {
    let mut table = String::new();
    for (phase, script) in PHASES {
        // Whatever is not there to exit or come up is left out by the driver's own errors, so each is tried alone.
        let mut driver = crate::testing::after(script);
        let mut told = std::vec::Vec::new();
        for line in
            [&format!("order 1 {order} a"), "exit a 0", "up a", "wait 30000", "exit a 0", "wait 10000"]
        {
            told.extend(driver.step(line).unwrap_or_default());
        }
        let replies: std::vec::Vec<&String> =
            told.iter().filter(|line| line.starts_with("reply 1 ")).collect();
        assert_eq!(replies.len(), 1, "{phase}: {told:#?}");
        table += &format!("{phase}: {}\n", &replies[0]["reply 1 ".len()..]);
    }
    table
}

#[test]
fn start_is_answered_once_in_every_phase() {
    expect![[r#"
        fresh: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        stopped: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        crashed: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point; given up after 0 restarts
        refused: failed Denied: not approved; approve it with: ostoja module approve a
        held: failed TimedOut: waits for `ghost` before it starts
        queued: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        starting: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        waiting: failed Failed: left with exit code 0 after 0 ms
        ready: already
        ending: done
    "#]].assert_eq(&answers("start"));
}

#[test]
fn stop_is_answered_once_in_every_phase() {
    expect![[r#"
        fresh: already
        stopped: already
        crashed: already
        refused: already
        held: done
        queued: done
        starting: done
        waiting: done
        ready: done
        ending: done
    "#]]
    .assert_eq(&answers("stop"));
}

#[test]
fn restart_is_answered_once_in_every_phase() {
    expect![[r#"
        fresh: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        stopped: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        crashed: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point; given up after 0 restarts
        refused: failed Denied: not approved; approve it with: ostoja module approve a
        held: failed TimedOut: waits for `ghost` before it starts
        queued: failed Failed: left with exit code 0 after 0 ms; that early, look at the entry point
        starting: done
        waiting: failed TimedOut: required `ghost`, which did not come
        ready: done
        ending: done
    "#]].assert_eq(&answers("restart"));
}

#[test]
fn remove_of_what_files_hold_is_refused_in_every_phase() {
    expect![[r#"
        fresh: failed Refused: `a` was not added by hand; its files say that it is there
        stopped: failed Refused: `a` was not added by hand; its files say that it is there
        crashed: failed Refused: `a` was not added by hand; its files say that it is there
        refused: failed Refused: `a` was not added by hand; its files say that it is there
        held: failed Refused: `a` was not added by hand; its files say that it is there
        queued: failed Refused: `a` was not added by hand; its files say that it is there
        starting: failed Refused: `a` was not added by hand; its files say that it is there
        waiting: failed Refused: `a` was not added by hand; its files say that it is there
        ready: failed Refused: `a` was not added by hand; its files say that it is there
        ending: failed Refused: `a` was not added by hand; its files say that it is there
    "#]]
    .assert_eq(&answers("remove"));
}

#[test]
fn orders_about_nobody_are_not_found() {
    check(
        "order 1 start ghost
         order 2 stop ghost
         order 3 restart ghost
         order 4 remove ghost
         order 5 grant ghost net:x
         order 6 grant-wish 1
         order 7 deny-wish 1",
        expect![[r#"
            > order 1 start ghost
              reply 1 failed NotFound: Module "ghost" not found
            > order 2 stop ghost
              reply 2 failed NotFound: Module "ghost" not found
            > order 3 restart ghost
              reply 3 failed NotFound: Module "ghost" not found
            > order 4 remove ghost
              reply 4 failed NotFound: Module "ghost" not found
            > order 5 grant ghost net:x
              reply 5 failed NotFound: Module "ghost" not found
            > order 6 grant-wish 1
              reply 6 failed NotFound: there is no pending request 00000000-0000-0000-0000-000000000000
            > order 7 deny-wish 1
              reply 7 failed NotFound: there is no pending request 00000000-0000-0000-0000-000000000000
        "#]],
    );
}

#[test]
fn what_was_added_by_hand_can_be_removed() {
    check(
        "module a provides=x
         module b provides=x
         add a
         up a
         discover nothing
         quiet
         order 1 remove a
         order 2 start a
         exit a 0
         add b
         up b",
        expect![[r#"
            > order 1 remove a
              journal order.remove a#1
              journal module.stopping a#1 reason="requested" grace_ms=5000
              a#1 <- shutdown
            > order 2 start a
              journal order.start a#1
            > exit a 0
              journal module.stopped a#1 reason="requested" exit="exit code 0"
              reply 1 done
              reply 2 failed NotFound: it was removed
              journal module.forgotten a
              forgotten a
            > add b
              journal module.starting b#2 attempt=0
              spawn b#2
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
        "#]],
    );
}

#[test]
fn a_start_by_hand_resets_the_count() {
    let views = heard(
        "module a
         discover
         up a
         exit a 1
         view a
         order 1 start a
         up a
         view a",
        &["view"],
    );
    assert!(views[0].contains("restarting restarts=1"), "{views:?}");
    assert!(views[1].contains("ready restarts=0"), "{views:?}");
}

#[test]
fn a_start_while_it_ends_resets_the_count_too() {
    let views = heard(
        "settings health_interval=10 ping_timeout=1 health_max_failures=1 restart_base=1
         module a
         discover
         up a
         exit a 1
         wait 10
         up a
         wait 11
         order 1 start a
         exit a signal 9
         view a",
        &["view"],
    );
    assert!(views[0].contains("starting restarts=0"), "{views:?}");
}

#[test]
fn whoever_departs_is_not_answered() {
    let told = heard(
        "module a
         discover
         order 1 start a
         order 2 settle
         depart 1
         depart 2
         up a",
        &["reply"],
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn settle_waits_for_what_is_on_its_way() {
    check(
        "module a provides=x
         module b requires=x
         module c plain needs=b
         discover
         order 1 settle
         quiet
         up b
         up a
         up c",
        expect![[r#"
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal module.waiting b#2 for="`x`"
            > up a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#1 <- install
              a#1 <- init
              journal module.ready a#1 after_ms=0
              a#1 <- deps_ready
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
              journal module.starting c#3 attempt=0
              spawn c#3
            > up c
              save c base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              watch c#3
              journal module.ready c#3 after_ms=0
              reply 1 settled []
        "#]],
    );
}

#[test]
fn settle_does_not_wait_for_a_crash_loop() {
    check(
        "module a
         module b requires=x
         module c provides=x
         discover
         order 1 settle
         up a b
         quiet
         exit c 1",
        expect![[r#"
            > exit c 1
              journal module.exited c#3 exit="left with exit code 1" after_ms=0 state="starting"
              journal restart.planned c wait_ms=1048 attempt=1 max_restarts=5
              reply 1 settled [b,c]
        "#]],
    );
}

#[test]
fn settle_names_what_is_not_ready_though_it_should_be() {
    let told = heard(
        "module dup provides=x
         module duplicate provides=x
         module unapproved unapproved
         module stopped
         module starved plain needs=ghost
         module later not-at-boot
         discover
         up dup duplicate stopped
         order 1 stop stopped
         exit stopped 0
         exit duplicate 0
         order 2 settle",
        &["reply 2"],
    );
    assert_eq!(told, ["reply 2 settled [duplicate,starved,unapproved]"]);
}

#[test]
fn a_circle_of_waiting_modules_is_settled() {
    let told = heard(
        "module a provides=x requires=y
         module b plain needs=a
         discover
         up a
         order 1 settle",
        &["reply"],
    );
    assert_eq!(told, ["reply 1 settled [a,b]"]);
}

#[test]
fn a_restart_that_a_healthy_module_gets_is_waited_for() {
    let told = heard(
        "settings health_interval=600000
         module a
         discover
         up a
         wait 60000
         exit a 1
         order 1 settle
         up a",
        &["reply 1", "journal module.ready"],
    );
    assert_eq!(told[1..], ["journal module.ready a#2 after_ms=0", "reply 1 settled []"]);
}
