//! The ordered shutdown.

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn dependents_go_first_tier_by_tier() {
    check(
        "module db provides=x
         module web requires=x
         module page needs=web
         module other
         discover
         up db web page other
         quiet
         order 1 shutdown
         exit other 0
         exit page 0
         exit web 0
         exit db 0",
        expect![[r#"
            > order 1 shutdown
              journal order.shutdown
              journal shutdown.begun modules=4 tiers=3
              journal module.stopping other#2 reason="shutdown" grace_ms=5000
              other#2 <- shutdown
              journal module.stopping page#3 reason="shutdown" grace_ms=5000
              page#3 <- shutdown
            > exit other 0
              journal module.stopped other#2 reason="shutdown" exit="exit code 0"
            > exit page 0
              journal module.stopped page#3 reason="shutdown" exit="exit code 0"
              journal module.stopping web#4 reason="shutdown" grace_ms=5000
              web#4 <- shutdown
            > exit web 0
              journal module.stopped web#4 reason="shutdown" exit="exit code 0"
              journal module.stopping db#1 reason="shutdown" grace_ms=5000
              db#1 <- shutdown
            > exit db 0
              journal module.stopped db#1 reason="shutdown" exit="exit code 0"
              journal shutdown.done
              reply 1 done
              finished
        "#]],
    );
}

#[test]
fn nothing_to_stop_is_finished_at_once() {
    check(
        "order 1 shutdown\n order 2 shutdown",
        expect![[r#"
        > order 1 shutdown
          journal order.shutdown
          journal shutdown.begun modules=0 tiers=0
          journal shutdown.done
          reply 1 done
          finished
        > order 2 shutdown
          journal order.shutdown
          reply 2 done
    "#]],
    );
}

#[test]
fn what_only_waits_rests_at_once() {
    check(
        "module db plain
         module web plain needs=db
         module a
         discover
         up a
         exit a 1
         quiet
         order 1 shutdown
         exit db 0",
        expect![[r#"
            > order 1 shutdown
              journal order.shutdown
              journal shutdown.begun modules=1 tiers=1
              journal module.stopped a reason="shutdown"
              journal module.stopped web reason="shutdown"
              journal module.stopping db#2 reason="shutdown" grace_ms=5000
              signal db#2 stop
            > exit db 0
              journal module.stopped db#2 reason="shutdown" exit="exit code 0"
              journal shutdown.done
              reply 1 done
              finished
        "#]],
    );
}

#[test]
fn who_outlives_the_grace_is_killed() {
    check(
        "module a
         discover
         up a
         quiet
         order 1 shutdown
         wait 5000
         exit a signal 9",
        expect![[r#"
            > order 1 shutdown
              journal order.shutdown
              journal shutdown.begun modules=1 tiers=1
              journal module.stopping a#1 reason="shutdown" grace_ms=5000
              a#1 <- shutdown
            > wait 5000
              at 5.000s
              journal module.killed a#1 after_ms=5000
              signal a#1 kill
            > exit a signal 9
              journal module.stopped a#1 reason="shutdown" exit="signal 9"
              journal shutdown.done
              reply 1 done
              finished
        "#]],
    );
}

#[test]
fn what_can_not_be_killed_does_not_keep_the_rest_from_leaving() {
    check(
        "module a grace-ms=10
         discover
         up a
         quiet
         order 1 shutdown
         wait 5010",
        expect![[r#"
            > order 1 shutdown
              journal order.shutdown
              journal shutdown.begun modules=1 tiers=1
              journal module.stopping a#1 reason="shutdown" grace_ms=10
              a#1 <- shutdown
            > wait 5010
              at 0.010s
              journal module.killed a#1 after_ms=10
              signal a#1 kill
              at 5.010s
              journal module.unkillable a#1
              journal module.stopped a#1 reason="shutdown"
              journal shutdown.done
              reply 1 done
              finished
        "#]],
    );
}

#[test]
fn a_second_order_does_not_wait_for_anybody() {
    check(
        "module db plain
         module web plain needs=db
         discover
         up db
         up web
         order 1 shutdown
         quiet
         order 2 shutdown
         exit db signal 9
         exit web signal 9",
        expect![[r#"
            > order 2 shutdown
              journal order.shutdown
              journal shutdown.forced
              journal module.stopping db#1 reason="shutdown" grace_ms=5000
              signal db#1 stop
              signal db#1 kill
              signal web#2 kill
            > exit db signal 9
              journal module.stopped db#1 reason="shutdown" exit="signal 9"
            > exit web signal 9
              journal module.stopped web#2 reason="shutdown" exit="signal 9"
              journal shutdown.done
              reply 1 done
              reply 2 done
              finished
        "#]],
    );
}

#[test]
fn nothing_starts_any_more() {
    check(
        "module a
         module b not-at-boot
         discover
         up a
         order 1 shutdown
         quiet
         order 2 start b
         order 3 restart a
         order 4 start a
         module c
         discover
         exit a 1",
        expect![[r#"
            > order 2 start b
              journal order.start b
              reply 2 failed ShuttingDown: the system is being shut down
            > order 3 restart a
              reply 3 failed ShuttingDown: the system is being shut down
            > order 4 start a
              journal order.start a#1
            > module c
            > discover
            > exit a 1
              journal module.stopped a#1 reason="shutdown" exit="exit code 1"
              reply 4 failed ShuttingDown: the system is being shut down
              journal shutdown.done
              reply 1 done
              finished
        "#]],
    );
}

#[test]
fn everyone_who_waits_is_answered() {
    let told = heard(
        "module a
         module b plain needs=c
         module d requires=x
         discover
         spawned a
         up d
         order 1 start a
         order 2 start b
         order 3 start d
         order 4 settle
         order 5 stop a
         order 6 shutdown
         exit a 0
         exit d 0",
        &["reply"],
    );
    assert_eq!(
        told,
        [
            "reply 4 settled [b,d]",
            "reply 2 failed Failed: stopped: shutdown",
            "reply 5 done",
            "reply 1 failed Failed: stopped: requested",
            "reply 3 failed Failed: stopped: shutdown",
            "reply 6 done",
        ]
    );
}

#[test]
fn a_circle_of_needs_shares_a_tier() {
    let told = heard(
        "module a provides=x requires=y
         module b provides=y requires=x
         discover
         spawned a b
         order 1 shutdown",
        &["tiers", "<- shutdown"],
    );
    assert_eq!(told, ["journal shutdown.begun modules=2 tiers=1", "a#1 <- shutdown", "b#2 <- shutdown"]);
}

#[test]
fn an_operator_who_departs_does_not_stop_it() {
    let told =
        heard("module a\n discover\n up a\n order 1 shutdown\n depart 1\n exit a 0", &["reply", "finished"]);
    assert_eq!(told, ["finished"]);
}
