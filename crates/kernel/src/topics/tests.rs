//! Who hears what.

use expect_test::expect;

use std::format;
use std::string::String;

use crate::testing::{check, heard};

#[test]
fn the_sender_is_left_out_and_topics_match_exactly() {
    check(
        "module a hears=t
         module b hears=t trace
         module c hears=t.x
         module d hears=t
         discover
         up a b c
         spawned d
         quiet
         a says publish t hello trace=00-abc
         a says publish t.y hello",
        expect![[r#"
            > a says publish t hello trace=00-abc
              b#2 <- deliver t hello trace=00-abc
            > a says publish t.y hello
        "#]],
    );
}

#[test]
fn subscriptions_are_the_manifest_s_and_the_capabilities_together() {
    let heard = heard(
        "module a
         module b hears=one stored-hears=two
         module c hears=one may-hear=three
         module d hears=four speaks=five
         discover
         up a b c d
         a says publish one 1
         a says publish two 2
         a says publish three 3
         a says publish five 5",
        &["deliver"],
    );
    assert_eq!(
        heard,
        [
            "b#2 <- deliver one 1",
            "c#3 <- deliver one 1",
            "b#2 <- deliver two 2",
            "c#3 <- deliver three 3",
            "d#4 <- deliver five 5",
        ]
    );
}

#[test]
fn a_sender_that_is_not_ready_is_not_heard() {
    check(
        "module a
         module b hears=t
         discover
         up b
         spawned a
         quiet
         a says publish t early",
        expect![[r#"
            > a says publish t early
              warn a#1 publish on `t` before it was ready
        "#]],
    );
}

#[test]
fn modules_and_operators_cannot_speak_as_the_kernel() {
    check(
        "module a
         module b hears=system:module:ready,kernel.x
         discover
         up a b
         quiet
         a says publish system:module:ready forged
         a says publish kernel.x forged
         order 1 publish system:anything forged
         order 2 publish kernel.x forged
         a says publish systematic fine
         a says publish kernel fine",
        expect![[r#"
            > a says publish system:module:ready forged
              journal topic.forbidden a#1 topic="system:module:ready"
              warn a#1 publish on `system:module:ready`, which is the kernel's own, was refused
            > a says publish kernel.x forged
              journal topic.forbidden a#1 topic="kernel.x"
              warn a#1 publish on `kernel.x`, which is the kernel's own, was refused
            > order 1 publish system:anything forged
              reply 1 failed Denied: `system:anything` is the kernel's own
            > order 2 publish kernel.x forged
              reply 2 failed Denied: `kernel.x` is the kernel's own
            > a says publish systematic fine
            > a says publish kernel fine
        "#]],
    );
}

#[test]
fn a_capability_for_all_of_the_life_cycle_hears_every_notice() {
    let notices = heard(
        "settings restart_base=1
         module w may-hear=system:module:*
         module a provides=x version=2
         discover
         up w a
         exit a 3
         wait 10
         up a
         order 1 stop a
         exit a 0",
        &["deliver"],
    );
    assert_eq!(
        notices,
        [
            "w#2 <- deliver system:module:ready {w provides=[] version=}",
            "w#2 <- deliver system:module:ready {a provides=[x] version=2}",
            "w#2 <- deliver system:module:crashed {a exit=exit code 3 restarts=1}",
            "w#2 <- deliver system:module:ready {a provides=[x] version=2}",
            "w#2 <- deliver system:module:stopping {a tier=0}",
            "w#2 <- deliver system:module:stopped {a reason=requested}",
        ]
    );
}

#[test]
fn a_notice_comes_after_its_change_is_complete() {
    check(
        "module w may-hear=system:module:stopped
         module a provides=x
         discover
         up w a
         order 1 stop a
         quiet
         exit a 0
         w says kernel 1 service.resolve x",
        expect![[r#"
            > exit a 0
              journal module.stopped a#1 reason="requested" exit="exit code 0"
              w#2 <- deliver system:module:stopped {a reason=requested}
              reply 1 done
            > w says kernel 1 service.resolve x
              w#2 <- call:response 1 error: Service not found: x
        "#]],
    );
}

#[test]
fn stopping_comes_before_the_shutdown_frame() {
    let told = heard(
        "module a may-hear=system:module:stopping
         discover
         up a
         order 1 stop a",
        &["journal module.stopping", "shutdown", "deliver"],
    );
    assert_eq!(told, ["journal module.stopping a#1 reason=\"requested\" grace_ms=5000", "a#1 <- shutdown"]);
}

#[test]
fn operators_follow_topics_until_they_depart() {
    check(
        "module a
         discover
         order 1 subscribe t system:*
         order 2 subscribe *
         up a
         quiet
         a says publish t one
         a says publish u two
         depart 2
         order 3 publish t three
         a says publish u four
         order 4 stop a",
        expect![[r#"
            > a says publish t one
              show 1 t one
              show 2 t one
            > a says publish u two
              show 2 u two
            > depart 2
            > order 3 publish t three
              show 1 t three
              reply 3 published 0
            > a says publish u four
            > order 4 stop a
              journal order.stop a#1
              journal module.stopping a#1 reason="requested" grace_ms=5000
              show 1 system:module:stopping {a tier=0}
              a#1 <- shutdown
        "#]],
    );
}

#[test]
fn one_request_follows_a_bounded_number_of_topics() {
    let topics = |count: usize| {
        let names: std::vec::Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
        format!("order 1 subscribe {}", names.join(" "))
    };
    for within in [63, 64] {
        assert_eq!(heard(&topics(within), &["reply"]), ["reply 1 done"]);
    }
    let refused = heard(&topics(65), &["reply"]);
    assert_eq!(refused, ["reply 1 failed Refused: 65 topics; one request follows 64 at most"]);
}

#[test]
fn nothing_is_delivered_to_a_module_that_is_ending() {
    let told = heard(
        "module a
         module b hears=t
         discover
         up a b
         order 1 stop b
         a says publish t late",
        &["deliver"],
    );
    assert!(told.is_empty(), "{told:?}");
}
