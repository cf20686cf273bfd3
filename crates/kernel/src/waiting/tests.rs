//! Waiting for services and modules: activation by cascade, time-outs, revival, and held plain commands.

use std::string::String;

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn activation_cascades_through_all_that_wait() {
    check(
        "module a provides=x
         module b provides=y requires=x
         module c requires=y
         discover
         up c
         up b
         view b
         quiet
         up a",
        expect![[r#"
            > up a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#1 <- install
              a#1 <- init
              journal module.ready a#1 after_ms=0
              a#1 <- deps_ready
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
              journal module.ready c#3 after_ms=0
              c#3 <- deps_ready
        "#]],
    );
}

#[test]
fn what_it_requires_and_does_not_get_in_time_stops_it() {
    check(
        "module a requires=x
         discover
         up a
         order 1 start a
         quiet
         wait 29999
         wait 1
         exit a 0
         view a",
        expect![[r#"
            > wait 29999
            > wait 1
              at 30.000s
              journal requires.timeout a#1 missing="`x`"
              reply 1 failed TimedOut: required `x`, which did not come
              journal module.stopping a#1 reason="requires-timeout" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="requires-timeout" exit="exit code 0"
            > view a
              view a stopped restarts=0 reason=requires-timeout note="required `x`, which did not come"
        "#]],
    );
}

#[test]
fn what_gave_up_waiting_starts_again_when_its_service_comes() {
    check(
        "module a requires=x
         module b provides=x not-at-boot
         discover
         up a
         wait 30000
         exit a 0
         order 1 start b
         quiet
         up b",
        expect![[r#"
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
              reply 1 done
              journal module.starting a#3 attempt=0
              spawn a#3
        "#]],
    );
}

#[test]
fn a_service_that_comes_while_its_user_gives_up_is_not_missed() {
    check(
        "module a requires=x
         module b provides=x not-at-boot
         discover
         up a
         wait 30000
         order 1 start b
         up b
         quiet
         exit a 0",
        expect![[r#"
            > exit a 0
              journal module.stopped a#1 reason="requires-timeout" exit="exit code 0"
              journal module.starting a#3 attempt=0
              spawn a#3
        "#]],
    );
}

#[test]
fn what_an_operator_stopped_after_it_gave_up_waiting_stays_stopped() {
    let starts = heard(
        "module a requires=x
         module b provides=x not-at-boot
         discover
         up a
         wait 30000
         exit a 0
         order 1 stop a
         order 2 start b
         up b",
        &["module.starting a", "reply 1"],
    );
    assert_eq!(starts, ["journal module.starting a#1 attempt=0", "reply 1 already"]);
}

#[test]
fn one_that_may_not_start_again_does_not_keep_the_others_from_it() {
    let starts = heard(
        "module a requires=x
         module c requires=x
         module b provides=x not-at-boot
         discover
         up a c
         wait 30000
         exit a 0
         exit c 0
         grants a none
         order 2 start b
         up b",
        &["module.starting c", "module.starting a"],
    );
    assert_eq!(starts.last().map(String::as_str), Some("journal module.starting c#4 attempt=0"));
}

#[test]
fn dependents_of_a_provider_that_is_coming_back_go_on_waiting() {
    check(
        "settings restart_base=50000
         module a requires=x
         module b provides=x
         discover
         up b
         exit b 1
         up a
         quiet
         wait 40000
         view a",
        expect![[r#"
            > wait 40000
            > view a
              view a waiting restarts=0 note="waits for `x`"
        "#]],
    );
}

#[test]
fn a_plain_command_is_held_until_what_it_needs_is_ready() {
    check(
        "module db plain
         module web plain needs=db
         discover
         view web
         quiet
         up db",
        expect![[r#"
            > up db
              save db base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              watch db#1
              journal module.ready db#1 after_ms=0
              journal module.starting web#2 attempt=0
              spawn web#2
        "#]],
    );
}

#[test]
fn a_one_time_job_that_is_done_meets_a_need() {
    check(
        "module migrate plain restart=on-failure
         module web plain needs=migrate
         discover
         spawned migrate
         quiet
         exit migrate 0
         order 1 stop migrate
         view migrate",
        expect![[r#"
            > exit migrate 0
              journal module.completed migrate#1 exit="left with exit code 0" after_ms=0 state="starting"
              journal module.starting web#2 attempt=0
              spawn web#2
            > order 1 stop migrate
              reply 1 already
            > view migrate
              view migrate stopped restarts=0 note="left with exit code 0 after 0 ms"
        "#]],
    );
}

#[test]
fn whoever_ordered_the_start_of_a_held_module_is_answered_in_time() {
    check(
        "module db plain not-at-boot
         module web plain needs=db
         discover
         order 1 start web
         wait 29999
         quiet
         wait 1
         view web
         order 2 restart web
         wait 30000",
        expect![[r#"
            > wait 1
              at 30.000s
              reply 1 failed TimedOut: waits for `db` before it starts
            > view web
              view web waiting restarts=0 note="waits for `db` before it starts"
            > order 2 restart web
              journal order.restart web
            > wait 30000
              at 60.000s
              reply 2 failed TimedOut: waits for `db` before it starts
        "#]],
    );
}

#[test]
fn longer_patience_counts_for_those_who_wait_already() {
    check(
        "module web plain needs=db
         discover
         order 1 start web
         settings requires_timeout=40000
         quiet
         wait 39999
         wait 1",
        expect![[r#"
            > wait 39999
            > wait 1
              at 40.000s
              reply 1 failed TimedOut: waits for `db` before it starts
        "#]],
    );
}

#[test]
fn one_time_work_lets_others_begin_when_it_is_done_and_takes_the_time_it_takes() {
    check(
        "module job plain once
         module web plain needs=job
         discover
         spawned job
         quiet
         order 1 start web
         order 2 settle
         wait 3600000
         view web
         exit job 0
         view job
         up web",
        expect![[r#"
            > order 1 start web
              journal order.start web
            > order 2 settle
            > wait 3600000
            > view web
              view web waiting restarts=0 note="waits for `job` before it starts"
            > exit job 0
              at 3600.000s
              journal module.completed job#1 exit="left with exit code 0" after_ms=3600000 state="starting"
              journal module.starting web#2 attempt=0
              spawn web#2
            > view job
              view job stopped restarts=0 note="left with exit code 0 after 3600000 ms"
            > up web
              save web base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              watch web#2
              journal module.ready web#2 after_ms=0
              reply 1 done
              reply 2 settled []
        "#]],
    );
}

#[test]
fn one_time_work_that_fails_is_tried_again_and_who_waits_says_why() {
    check(
        "module job plain once max=1
         module web plain needs=job
         discover
         spawned job
         order 2 settle
         quiet
         exit job 3
         view web
         wait 2000
         exit job 3
         view job
         view web",
        expect![[r#"
            > exit job 3
              journal module.exited job#1 exit="left with exit code 3" after_ms=0 state="starting"
              journal restart.planned job wait_ms=1048 attempt=1 max_restarts=1
              reply 2 settled [job,web]
            > view web
              view web waiting restarts=0 note="waits for `job` before it starts; `job` is restarting: left with exit code 3 after 0 ms; that early, look at the entry point; restarts after 1048 ms (1 of 1)"
            > wait 2000
              at 1.048s
              journal module.starting job#2 attempt=1
              spawn job#2
            > exit job 3
              at 2.000s
              journal module.exited job#2 exit="left with exit code 3" after_ms=952 state="starting"
              journal restart.gave_up job restarts=1 action="nothing"
            > view job
              view job crashed restarts=1 note="left with exit code 3 after 952 ms; that early, look at the entry point; given up after 1 restarts"
            > view web
              view web waiting restarts=0 note="waits for `job` before it starts; `job` is crashed: left with exit code 3 after 952 ms; that early, look at the entry point; given up after 1 restarts"
        "#]],
    );
}

#[test]
fn one_time_work_that_speaks_the_door_is_needed_when_it_is_done_and_not_while_it_works() {
    check(
        "module job once
         module web plain needs=job
         discover
         order 1 start job
         order 2 settle
         up job
         quiet
         view web
         exit job 0
         view job",
        expect![[r#"
            > view web
              view web waiting restarts=0 note="waits for `job` before it starts"
            > exit job 0
              journal module.completed job#1 exit="left with exit code 0" after_ms=0 state="ready"
              reply 1 done
              journal module.starting web#2 attempt=0
              spawn web#2
            > view job
              view job stopped restarts=0 note="left with exit code 0 after 0 ms"
        "#]],
    );
}

#[test]
fn a_passive_watchdog_only_says_that_required_services_did_not_come() {
    check(
        "settings watchdog=passive
         module a requires=x
         module b provides=x
         discover a
         up a
         order 1 start a
         quiet
         wait 100000
         view a
         discover a b
         up b
         view a",
        expect![[r#"
            > wait 100000
              at 30.000s
              journal requires.timeout a#1 missing="`x`"
              reply 1 failed TimedOut: required `x`, which did not come
              journal timeout.reported a#1
            > view a
              view a waiting restarts=0 note="required `x`, which did not come"
            > discover a b
              at 100.000s
              journal module.starting b#2 attempt=0
              spawn b#2
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
              journal module.ready a#1 after_ms=100000
              a#1 <- deps_ready
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn a_held_module_waits_with_what_is_coming_back() {
    check(
        "settings restart_base=50000
         module db plain
         module web plain needs=db not-at-boot
         discover
         up db
         exit db 1
         order 1 start web
         quiet
         wait 45000
         view web",
        expect![[r#"
            > wait 45000
            > view web
              view web waiting restarts=0 note="waits for `db` before it starts; `db` is restarting: left with exit code 1 after 0 ms; restarts after 57036 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn a_need_lost_between_start_and_ready_is_waited_for() {
    check(
        "module db plain
         module web plain needs=db
         discover
         up db
         spawned web
         exit db 1
         quiet
         ready web
         view web",
        expect![[r#"
            > ready web
              journal module.waiting web#2 for="`db`"
            > view web
              view web waiting restarts=0 note="waits for `db`; `db` is restarting: left with exit code 1 after 0 ms; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn a_need_can_be_a_module_that_nobody_knows() {
    let held = heard("module a plain needs=ghost\n discover", &["module.held"]);
    assert_eq!(held, ["journal module.held a for=\"`ghost`\""]);
}

#[test]
fn what_the_passive_watchdog_leaves_standing_is_not_coming_back() {
    check(
        "settings watchdog=passive
         module a plain
         module b plain needs=a not-at-boot
         discover
         up a
         order 1 restart a
         exit a 0
         order 2 start b
         quiet
         wait 70000",
        expect![[r#"
            > wait 70000
              at 30.000s
              journal ready.timeout a#2 after_ms=30000
              reply 1 failed TimedOut: was not ready after 30000 ms
              journal timeout.reported a#2
              reply 2 failed TimedOut: waits for `a` before it starts
        "#]],
    );
}

#[test]
fn one_time_work_that_speaks_the_door_has_its_time_for_all_of_it() {
    let told = heard(
        "module job once ready-ms=50
         discover
         up job
         wait 100",
        &["ready.timeout", "journal module.ready"],
    );
    assert_eq!(told, ["journal module.ready job#1 after_ms=0", "journal ready.timeout job#1 after_ms=50"]);
}
