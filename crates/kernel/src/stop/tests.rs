//! Ends: by order, by rule, by force, and of what can't be killed.

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn a_stop_is_told_recorded_signalled_and_answered_when_it_is_gone() {
    check(
        "module a
         module web plain
         discover
         up a web
         quiet
         order 1 stop a
         order 2 stop web
         exit a 0
         exit web signal 15
         view a
         view web",
        expect![[r#"
            > order 1 stop a
              journal order.stop a#1
              journal module.stopping a#1 reason="requested" grace_ms=5000
              a#1 <- shutdown
            > order 2 stop web
              journal order.stop web#2
              journal module.stopping web#2 reason="requested" grace_ms=5000
              signal web#2 stop
            > exit a 0
              journal module.stopped a#1 reason="requested" exit="exit code 0"
              reply 1 done
            > exit web signal 15
              journal module.stopped web#2 reason="requested" exit="signal 15"
              reply 2 done
            > view a
              view a stopped restarts=0 reason=requested note="stopped: requested"
            > view web
              view web stopped restarts=0 reason=requested note="stopped: requested"
        "#]],
    );
}

#[test]
fn grace_then_sigkill_then_the_end() {
    check(
        "module a grace-ms=300
         discover
         up a
         quiet
         order 1 stop a
         wait 299
         wait 1
         exit a signal 9",
        expect![[r#"
            > order 1 stop a
              journal order.stop a#1
              journal module.stopping a#1 reason="requested" grace_ms=300
              a#1 <- shutdown
            > wait 299
            > wait 1
              at 0.300s
              journal module.killed a#1 after_ms=300
              signal a#1 kill
            > exit a signal 9
              journal module.stopped a#1 reason="requested" exit="signal 9"
              reply 1 done
        "#]],
    );
}

#[test]
fn what_can_not_be_killed_is_given_up_and_has_no_second_life_beside_it() {
    check(
        "module a
         discover
         up a
         order 1 restart a
         wait 5000
         quiet
         wait 5000
         view a
         order 2 start a
         exit a#1 signal 9
         view a",
        expect![[r#"
            > wait 5000
              at 10.000s
              journal module.unkillable a#1
              journal module.stopped a#1 reason="requested"
              reply 1 failed Failed: stopped: requested; was killed, yet the operating system has not let it go
            > view a
              view a stopped restarts=0 reason=requested note="stopped: requested; was killed, yet the operating system has not let it go"
            > order 2 start a
              journal order.start a
              reply 2 failed Refused: was killed, yet the operating system has not let it go; it starts when that has happened
            > exit a#1 signal 9
              journal module.reaped_late a exit="signal 9"
              journal module.starting a#2 attempt=0
              spawn a#2
            > view a
              view a starting restarts=0 note="starting"
        "#]],
    );
}

#[test]
fn whoever_wanted_it_gone_hears_that_it_can_not_be_killed() {
    check(
        "module a
         discover
         up a
         order 1 stop a
         wait 5000
         quiet
         wait 5000
         order 2 stop a
         exit a#1 signal 9
         view a",
        expect![[r#"
            > wait 5000
              at 10.000s
              journal module.unkillable a#1
              reply 1 failed Failed: was killed, yet the operating system has not let it go
              journal module.stopped a#1 reason="requested"
            > order 2 stop a
              reply 2 already
            > exit a#1 signal 9
              journal module.reaped_late a exit="signal 9"
            > view a
              view a stopped restarts=0 reason=requested note="stopped: requested"
        "#]],
    );
}

#[test]
fn a_failed_life_that_lingers_is_followed_by_policy_when_it_is_gone() {
    let told = heard(
        "module a
         discover
         up a
         wait 100000
         wait 10000
         exit a#1 signal 9",
        &["unkillable", "reaped", "restart.", "spawn "],
    );
    assert_eq!(
        told,
        [
            "spawn a#1",
            "journal module.unkillable a#1",
            "journal module.reaped_late a exit=\"signal 9\"",
            "journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5",
        ]
    );
}

#[test]
fn late_news_of_a_life_that_is_over_changes_nothing() {
    check(
        "settings restart_base=1
         module a provides=x
         discover
         up a
         exit a 1
         wait 10
         quiet
         exit a#1 1
         spawned a#1
         ready a#1
         spawn-fails a#1 late
         spawn-refused a#1 late
         a#1 says ready
         a#1 says publish t late
         a#1 says kernel 1 module.list
         a#1 says call 1 x y
         ready a#99
         exit a#99 0
         full call 7 a#1
         view a",
        expect![[r#"
            > exit a#1 1
            > spawned a#1
            > ready a#1
            > spawn-fails a#1 late
            > spawn-refused a#1 late
            > a#1 says ready
            > a#1 says publish t late
            > a#1 says kernel 1 module.list
            > a#1 says call 1 x y
            > ready a#99
            > exit a#99 0
            > full call 7 a#1
            > view a
              view a starting restarts=1 note="starting"
        "#]],
    );
}

#[test]
fn a_later_wish_replaces_an_earlier_one() {
    check(
        "module a
         discover
         up a
         quiet
         order 1 restart a
         order 2 stop a
         exit a 0
         order 3 start a
         up a
         quiet
         order 4 stop a
         order 5 start a
         exit a 0
         up a",
        expect![[r#"
            > order 4 stop a
              journal order.stop a#2
              journal module.stopping a#2 reason="requested" grace_ms=5000
              a#2 <- shutdown
            > order 5 start a
              journal order.start a#2
            > exit a 0
              journal module.stopped a#2 reason="requested" exit="exit code 0"
              reply 4 done
              journal module.starting a#3 attempt=0
              spawn a#3
            > up a
              a#3 <- init
              journal module.ready a#3 after_ms=0
              a#3 <- deps_ready
              reply 5 done
        "#]],
    );
}
