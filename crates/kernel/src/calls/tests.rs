//! Calls between modules: the checks in their order with their exact words, the hop, its one end, and streams.

use expect_test::expect;

use std::format;
use std::string::String;

use abi::limits::CALLS_PENDING_MAX;

use crate::testing::{after, check, heard};

/// A caller that may call, a provider, both ready.
const PAIR: &str = "module a may=echo,gone cancel progress stream deadline trace
     module b provides=echo cancel progress stream deadline trace
     discover
     up a b
     quiet\n";

/// The same without any of the optional frames.
const PLAIN_PAIR: &str = "module a may=echo
     module b provides=echo
     discover
     up a b
     quiet\n";

fn pair(script: &str) -> String {
    format!("{PAIR}{script}")
}

#[test]
fn a_call_is_passed_on_and_its_answer_comes_back_under_the_caller_s_number() {
    check(
        &pair(
            "a says call 7 echo say {} trace=00-abc
             b says answer 1 \"hello\"",
        ),
        expect![[r#"
            > a says call 7 echo say {} trace=00-abc
              b#2 <- rpc_request hop-1 from=a echo.say {} trace=00-abc
            > b says answer 1 "hello"
              a#1 <- rpc_response 7 result "hello"
        "#]],
    );
}

#[test]
fn an_error_comes_back_as_it_is() {
    check(
        &pair("a says call 7 echo say\n b says answer 1 error no such method"),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > b says answer 1 error no such method
              a#1 <- rpc_response 7 error: no such method
        "#]],
    );
}

#[test]
fn a_module_without_features_sees_none_of_them() {
    check(
        &format!(
            "{PLAIN_PAIR}a says call 7 echo say {{}} trace=00-abc deadline=50
             b says progress 1 half
             b says chunk 1 0 part
             b says end 1
             a says credit 7 4
             a says cancel 7"
        ),
        expect![[r#"
            > a says call 7 echo say {} trace=00-abc deadline=50
              b#2 <- rpc_request hop-1 from=a echo.say {}
            > b says progress 1 half
            > b says chunk 1 0 part
              b#2 <- credit hop-1 1
            > b says end 1
            > a says credit 7 4
            > a says cancel 7
              a#1 <- rpc_response 7 error: cancelled
        "#]],
    );
}

#[test]
fn a_caller_that_is_not_ready_is_told_so_before_anything_else() {
    check(
        "module a
         discover
         spawned a
         quiet
         a says call 1 nothing at-all
         order 2 stop a
         a says call 2 nothing at-all",
        expect![[r#"
            > a says call 1 nothing at-all
              a#1 <- rpc_response 1 error: Module not ready
            > order 2 stop a
              journal order.stop a#1
              journal module.stopping a#1 reason="requested" grace_ms=5000
              a#1 <- shutdown
            > a says call 2 nothing at-all
              a#1 <- rpc_response 2 error: Module not ready
        "#]],
    );
}

#[test]
fn a_missing_capability_comes_before_a_missing_service() {
    check(
        "settings enforcement=warn
         module a may=echo
         discover
         up a
         quiet
         a says call 1 other say
         a says call 2 echo say",
        expect![[r#"
            > a says call 1 other say
              journal rpc.forbidden a#1 service="other" enforcement="warn"
              a#1 <- rpc_response 1 error: forbidden
              warn a#1 refused: call to `other`, which it has no capability for
            > a says call 2 echo say
              a#1 <- rpc_response 2 error: service_not_found
        "#]],
    );
}

#[test]
fn a_violation_under_strict_enforcement_is_answered_and_then_kills() {
    check(
        "module a
         discover
         up a
         quiet
         a says call 1 other say
         exit a signal 9
         view a",
        expect![[r#"
            > a says call 1 other say
              journal rpc.forbidden a#1 service="other" enforcement="strict"
              a#1 <- rpc_response 1 error: forbidden
              warn a#1 refused: call to `other`, which it has no capability for
              journal module.stopping a#1 reason="security-violation" grace_ms=0
              signal a#1 kill
            > exit a signal 9
              journal module.stopped a#1 reason="security-violation" exit="signal 9"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > view a
              view a restarting restarts=1 restart_at=1.048s reason=security-violation note="ended for trying what it may not: call to `other`, which it has no capability for; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn who_breaks_its_lane_is_ended_under_every_enforcement_and_watchdog() {
    for (settings, comes_back) in [
        ("enforcement=strict", true),
        ("enforcement=off", true),
        ("watchdog=passive", false),
        ("watchdog=strict", false),
    ] {
        let script = format!(
            "settings {settings}
             module a
             discover
             up a
             breaks a a record of 0 bytes
             breaks a a second look
             exit a signal 9"
        );
        let quarantined = heard(&script, &["module.quarantined"]).len();
        assert_eq!(quarantined, usize::from(settings == "watchdog=strict"), "{settings}");
        let told = heard(&script, &["lane.broken", "signal a", "restart.planned"]);
        let lines = ["journal lane.broken a#1 fault=\"a record of 0 bytes\"", "signal a#1 kill"];
        assert_eq!(told[..2], lines, "{settings}");
        assert_eq!(
            told.last().is_some_and(|last| last.contains("restart.planned")),
            comes_back,
            "{settings}: {told:?}"
        );
    }
}

#[test]
fn a_violation_under_a_strict_watchdog_stays_stopped() {
    check(
        "settings watchdog=strict
         module a
         discover
         up a
         a says call 1 other say
         quiet
         exit a signal 9
         view a
         wait 600000",
        expect![[r#"
            > exit a signal 9
              journal module.stopped a#1 reason="security-violation" exit="signal 9"
            > view a
              view a stopped restarts=0 reason=security-violation note="ended for trying what it may not: call to `other`, which it has no capability for"
            > wait 600000
        "#]],
    );
}

#[test]
fn a_violation_under_a_passive_watchdog_only_is_refused() {
    check(
        "settings watchdog=passive
         module a
         discover
         up a
         quiet
         a says call 1 other say
         view a",
        expect![[r#"
            > a says call 1 other say
              journal rpc.forbidden a#1 service="other" enforcement="strict"
              a#1 <- rpc_response 1 error: forbidden
              warn a#1 refused: call to `other`, which it has no capability for
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn enforcement_off_refuses_without_a_warning() {
    check(
        "settings enforcement=off\n module a\n discover\n up a\n quiet\n a says call 1 other say",
        expect![[r#"
            > a says call 1 other say
              journal rpc.forbidden a#1 service="other" enforcement="off"
              a#1 <- rpc_response 1 error: forbidden
        "#]],
    );
}

#[test]
fn a_provider_that_waits_or_ends_is_not_ready() {
    check(
        "module a may=echo
         module b provides=echo requires=x
         discover
         up a b
         quiet
         a says call 1 echo say
         order 5 stop b
         a says call 2 echo say
         exit b 0
         a says call 3 echo say",
        expect![[r#"
            > a says call 1 echo say
              a#1 <- rpc_response 1 error: module_not_ready
            > order 5 stop b
              journal order.stop b#2
              journal module.stopping b#2 reason="requested" grace_ms=5000
              b#2 <- shutdown
            > a says call 2 echo say
              a#1 <- rpc_response 2 error: module_not_ready
            > exit b 0
              journal module.stopped b#2 reason="requested" exit="exit code 0"
              reply 5 done
            > a says call 3 echo say
              a#1 <- rpc_response 3 error: service_not_found
        "#]],
    );
}

#[test]
fn a_call_that_is_not_answered_in_time_is_answered_timeout_once() {
    check(
        &pair(
            "a says call 7 echo say
             wait 29999
             wait 1
             b says answer 1 late",
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > wait 29999
            > wait 1
              at 30.000s
              b#2 <- cancel hop-1
              a#1 <- rpc_response 7 error: timeout
              a#1 <- ping
              b#2 <- ping
            > b says answer 1 late
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
        "#]],
    );
}

#[test]
fn a_deadline_shortens_the_wait_and_never_lengthens_it() {
    let told = heard(
        &pair(
            "a says call 1 echo say deadline=100
             a says call 2 echo say deadline=99999999
             wait 30000",
        ),
        &["at ", "rpc_"],
    );
    assert_eq!(
        told,
        [
            "b#2 <- rpc_request hop-1 from=a echo.say deadline_ms=100",
            "b#2 <- rpc_request hop-2 from=a echo.say deadline_ms=30000",
            "at 0.100s",
            "a#1 <- rpc_response 1 error: timeout",
            "at 30.000s",
            "a#1 <- rpc_response 2 error: timeout",
        ]
    );
}

#[test]
fn a_deadline_of_nothing_is_over_at_once() {
    check(
        &pair("a says call 1 echo say deadline=0\n wait 0"),
        expect![[r#"
        > a says call 1 echo say deadline=0
          b#2 <- rpc_request hop-1 from=a echo.say deadline_ms=0
        > wait 0
          b#2 <- cancel hop-1
          a#1 <- rpc_response 1 error: timeout
    "#]],
    );
}

#[test]
fn an_answer_from_a_module_that_was_not_asked_is_ignored_with_a_warning() {
    check(
        &format!(
            "{}a says call 7 echo say
             a says answer 1 mine
             b says answer 2 mine
             b says answer x mine
             b says answer 1 right
             b says answer 1 twice",
            pair("")
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > a says answer 1 mine
              warn a#1 answered a call that it was not asked, or whose time is over; ignored
            > b says answer 2 mine
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
            > b says answer x mine
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
            > b says answer 1 right
              a#1 <- rpc_response 7 result right
            > b says answer 1 twice
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
        "#]],
    );
}

#[test]
fn two_callers_may_use_the_same_number_at_once() {
    check(
        "module a may=echo
         module c may=echo
         module b provides=echo
         discover
         up a b c
         quiet
         a says call 1 echo say
         c says call 1 echo say
         b says answer 2 for-c
         b says answer 1 for-a",
        expect![[r#"
            > a says call 1 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > c says call 1 echo say
              b#2 <- rpc_request hop-2 from=c echo.say
            > b says answer 2 for-c
              c#3 <- rpc_response 1 result for-c
            > b says answer 1 for-a
              a#1 <- rpc_response 1 result for-a
        "#]],
    );
}

#[test]
fn the_end_of_a_target_is_told_to_its_callers() {
    check(
        &pair("a says call 7 echo say\n exit b 1"),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > exit b 1
              journal module.exited b#2 exit="left with exit code 1" after_ms=0 state="ready"
              a#1 <- rpc_response 7 error: Module b stopped while processing RPC
              journal restart.planned b wait_ms=1048 attempt=1 max_restarts=5
        "#]],
    );
}

#[test]
fn the_end_of_a_caller_ends_its_calls_without_an_answer() {
    check(
        &pair(
            "a says call 7 echo say
             exit a 1
             quiet
             b says answer 1 late
             wait 30000",
        ),
        expect![[r#"
            > b says answer 1 late
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
            > wait 30000
              at 1.048s
              journal module.starting a#3 attempt=1
              spawn a#3
              at 30.000s
              b#2 <- ping
        "#]],
    );
}

#[test]
fn an_answer_never_reaches_a_later_life_of_the_caller() {
    let answers = heard(
        "settings restart_base=1
         module a may=echo
         module b provides=echo
         discover
         up a b
         a says call 7 echo say
         exit a 1
         wait 10
         up a
         b says answer 1 late",
        &["rpc_response"],
    );
    assert!(answers.is_empty(), "{answers:?}");
}

#[test]
fn an_earlier_life_of_the_target_cannot_answer() {
    let answers = heard(
        "settings restart_base=1
         module a may=echo
         module b provides=echo
         discover
         up a b
         exit b 1
         wait 10
         up b
         a says call 7 echo say
         b#2 says answer 1 forged
         b says answer 1 right",
        &["rpc_response", "warn"],
    );
    assert_eq!(answers, ["a#1 <- rpc_response 7 result right"]);
}

#[test]
fn a_module_can_call_itself_and_nobody_hears_of_it_when_it_dies() {
    check(
        "module a provides=echo may=echo cancel
         discover
         up a
         quiet
         a says call 1 echo say
         a says answer 1 me
         a says call 2 echo say
         exit a 1",
        expect![[r#"
            > a says call 1 echo say
              a#1 <- rpc_request hop-1 from=a echo.say
            > a says answer 1 me
              a#1 <- rpc_response 1 result me
            > a says call 2 echo say
              a#1 <- rpc_request hop-2 from=a echo.say
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
        "#]],
    );
}

#[test]
fn a_copy_of_each_call_goes_to_those_who_hear_of_calls() {
    check(
        "module a may=echo
         module b provides=echo
         module c hears=system:rpc
         discover
         up a b c
         order 9 subscribe system:rpc
         quiet
         a says call 7 echo say secret",
        expect![[r#"
            > a says call 7 echo say secret
              c#3 <- deliver system:rpc {a echo.say id=7}
              show 9 system:rpc {a echo.say id=7}
              b#2 <- rpc_request hop-1 from=a echo.say secret
        "#]],
    );
}

#[test]
fn a_cancelled_call_is_answered_cancelled_and_its_target_is_told() {
    check(
        &pair(
            "a says call 7 echo say
             a says cancel 7
             a says cancel 7
             b says answer 1 late",
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > a says cancel 7
              b#2 <- cancel hop-1
              a#1 <- rpc_response 7 error: cancelled
            > a says cancel 7
            > b says answer 1 late
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
        "#]],
    );
}

#[test]
fn progress_gives_a_call_without_a_deadline_its_time_anew() {
    check(
        &pair(
            "a says call 7 echo say
             a says call 8 echo say deadline=30000
             wait 29000
             b says progress 1 half
             b says progress 2 half
             quiet
             wait 1000
             wait 28999",
        ),
        expect![[r#"
            > wait 1000
              at 30.000s
              b#2 <- cancel hop-2
              a#1 <- rpc_response 8 error: timeout
              a#1 <- ping
              b#2 <- ping
            > wait 28999
              at 40.000s
              journal health.missed a#1 failures=1 max=3
              journal health.missed b#2 failures=1 max=3
        "#]],
    );
}

#[test]
fn a_stream_stops_at_its_credit_and_goes_on_with_more() {
    let mut script = pair("a says call 7 echo say\n");
    for seq in 0..16 {
        script += &format!("b says chunk 1 {seq} part\n");
    }
    script += "quiet
         a says credit 7 1
         b says chunk 1 16 part
         b says end 1
         b says chunk 1 17 part
         b says answer 1 all";
    check(
        &script,
        expect![[r#"
        > a says credit 7 1
          b#2 <- credit hop-1 1
        > b says chunk 1 16 part
          a#1 <- chunk 7 hop-1 seq=16 part
        > b says end 1
          a#1 <- end 7 hop-1
        > b says chunk 1 17 part
          b#2 <- cancel hop-1
          a#1 <- rpc_response 7 error: overloaded
        > b says answer 1 all
          warn b#2 answered a call that it was not asked, or whose time is over; ignored
    "#]],
    );
}

#[test]
fn credit_beyond_its_bound_is_not_given() {
    check(
        &pair(
            "a says call 7 echo say
             a says credit 7 4079
             a says credit 7 4294967295
             a says credit 7 1
             a says credit 8 1",
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > a says credit 7 4079
              b#2 <- credit hop-1 4079
            > a says credit 7 4294967295
              b#2 <- credit hop-1 1
            > a says credit 7 1
            > a says credit 8 1
        "#]],
    );
}

#[test]
fn a_stream_that_ends_is_complete_with_its_answer() {
    check(
        &pair(
            "a says call 7 echo say
             b says chunk 1 0 one
             b says end 1
             b says answer 1 done",
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > b says chunk 1 0 one
              a#1 <- chunk 7 hop-1 seq=0 one
            > b says end 1
              a#1 <- end 7 hop-1
            > b says answer 1 done
              a#1 <- rpc_response 7 result done
        "#]],
    );
}

#[test]
fn frames_that_did_not_fit_end_their_call_with_overloaded() {
    check(
        &pair(
            "a says call 7 echo say
             full call 1 b
             a says call 8 echo say
             b says chunk 2 0 part
             full part 2 a
             full part 2 a
             full call 99 b",
        ),
        expect![[r#"
            > a says call 7 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > full call 1 b
              a#1 <- rpc_response 7 error: overloaded
            > a says call 8 echo say
              b#2 <- rpc_request hop-2 from=a echo.say
            > b says chunk 2 0 part
              a#1 <- chunk 8 hop-2 seq=0 part
            > full part 2 a
              b#2 <- cancel hop-2
              a#1 <- rpc_response 8 error: overloaded
            > full part 2 a
            > full call 99 b
        "#]],
    );
}

#[test]
fn the_bound_of_open_calls_is_answered_overloaded_and_frees_itself() {
    let mut script = pair("");
    for id in 1..CALLS_PENDING_MAX {
        script += &format!("a says call {id} echo say\n");
    }
    script += "quiet
         a says call last echo say
         a says call over echo say
         a says call over gone say
         b says answer 1 done
         a says call again echo say";
    check(
        &script,
        expect![[r#"
            > a says call last echo say
              b#2 <- rpc_request hop-1024 from=a echo.say
            > a says call over echo say
              a#1 <- rpc_response over error: overloaded
            > a says call over gone say
              a#1 <- rpc_response over error: service_not_found
            > b says answer 1 done
              a#1 <- rpc_response 1 result done
            > a says call again echo say
              b#2 <- rpc_request hop-1025 from=a echo.say
        "#]],
    );
    let driver = after(&script);
    let slot = driver.kernel.find("a").expect("it was discovered");
    let pending = driver.kernel.view(slot).map(|view| view.calls_pending as usize);
    assert_eq!(pending, Some(CALLS_PENDING_MAX));
}

#[test]
fn operators_call_with_their_own_bound() {
    check(
        &pair(
            "order 1 call echo say {}
             b says answer 1 hello
             order 2 call none say
             order 3 call echo say within=50
             wait 50
             order 4 call echo say within=90000
             wait 60000
             depart 4
             b says answer 3 late
             order 5 call echo say
             exit b 1
             order 6 call echo say",
        ),
        expect![[r#"
            > order 1 call echo say {}
              b#2 <- rpc_request hop-1 from=operator echo.say {}
            > b says answer 1 hello
              reply 1 called result hello
            > order 2 call none say
              reply 2 failed NotFound: service `none`: service_not_found
            > order 3 call echo say within=50
              b#2 <- rpc_request hop-2 from=operator echo.say deadline_ms=50
            > wait 50
              at 0.050s
              b#2 <- cancel hop-2
              reply 3 failed TimedOut: the call was not answered in time
            > order 4 call echo say within=90000
              b#2 <- rpc_request hop-3 from=operator echo.say deadline_ms=90000
            > wait 60000
              at 30.000s
              a#1 <- ping
              b#2 <- ping
              at 40.000s
              journal health.missed a#1 failures=1 max=3
              journal health.missed b#2 failures=1 max=3
              at 60.000s
              a#1 <- ping
              b#2 <- ping
            > depart 4
              at 60.050s
              b#2 <- cancel hop-3
            > b says answer 3 late
              warn b#2 answered a call that it was not asked, or whose time is over; ignored
            > order 5 call echo say
              b#2 <- rpc_request hop-4 from=operator echo.say
            > exit b 1
              journal module.exited b#2 exit="left with exit code 1" after_ms=60050 state="ready"
              reply 5 called error: Module b stopped while processing RPC
              journal restart.now b healthy_ms=60050
              journal module.starting b#3 attempt=0
              spawn b#3
            > order 6 call echo say
              reply 6 failed NotFound: service `echo`: service_not_found
        "#]],
    );
}
