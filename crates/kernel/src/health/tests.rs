//! Pings and pongs.

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn three_missed_pongs_in_a_row_end_the_module() {
    check(
        "module a
         discover
         up a
         quiet
         wait 100000
         exit a signal 9
         view a",
        expect![[r#"
            > wait 100000
              at 30.000s
              a#1 <- ping
              at 40.000s
              journal health.missed a#1 failures=1 max=3
              at 60.000s
              a#1 <- ping
              at 70.000s
              journal health.missed a#1 failures=2 max=3
              at 90.000s
              a#1 <- ping
              at 100.000s
              journal health.missed a#1 failures=3 max=3
              journal module.stopping a#1 reason="health-check-failed" grace_ms=0
              signal a#1 kill
            > exit a signal 9
              journal module.stopped a#1 reason="health-check-failed" exit="signal 9"
              journal restart.now a healthy_ms=100000
              journal module.starting a#2 attempt=0
              spawn a#2
            > view a
              view a starting restarts=0 note="starting"
        "#]],
    );
}

#[test]
fn one_pong_answers_all_pings_before_it() {
    check(
        "settings health_interval=1000 ping_timeout=5000
         module a
         discover
         up a
         wait 4000
         a says pong
         quiet
         wait 4999
         wait 1",
        expect![[r#"
            > wait 4999
              at 5.000s
              a#1 <- ping
              at 6.000s
              a#1 <- ping
              at 7.000s
              a#1 <- ping
              at 8.000s
              a#1 <- ping
            > wait 1
              at 9.000s
              a#1 <- ping
        "#]],
    );
}

#[test]
fn a_pong_starts_the_count_of_misses_anew() {
    let missed = heard(
        "module a
         discover
         up a
         wait 70000
         a says pong
         wait 35000
         wait 20000",
        &["health.missed"],
    );
    assert_eq!(
        missed,
        [
            "journal health.missed a#1 failures=1 max=3",
            "journal health.missed a#1 failures=2 max=3",
            "journal health.missed a#1 failures=1 max=3",
        ]
    );
}

#[test]
fn a_passive_watchdog_reports_and_touches_nothing() {
    check(
        "settings watchdog=passive
         module a
         discover
         up a
         quiet
         wait 130000
         view a",
        expect![[r#"
            > wait 130000
              at 30.000s
              a#1 <- ping
              at 40.000s
              journal health.missed a#1 failures=1 max=3
              at 60.000s
              a#1 <- ping
              at 70.000s
              journal health.missed a#1 failures=2 max=3
              at 90.000s
              a#1 <- ping
              at 100.000s
              journal health.missed a#1 failures=3 max=3
              journal health.reported a#1
              warn a#1 pings left unanswered in a row: 3
              at 120.000s
              a#1 <- ping
              at 130.000s
              journal health.missed a#1 failures=4 max=3
              journal health.reported a#1
              warn a#1 pings left unanswered in a row: 4
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn plain_commands_are_not_pinged() {
    let pings = heard("module a plain\n discover\n up a\n wait 200000", &["ping", "health"]);
    assert!(pings.is_empty(), "{pings:?}");
}

#[test]
fn a_module_that_waits_is_not_pinged() {
    let pings = heard("module a requires=x\n discover\n up a\n wait 29999", &["ping"]);
    assert!(pings.is_empty(), "{pings:?}");
}

#[test]
fn an_interval_of_nothing_does_not_hang_the_kernel() {
    let pings = heard(
        "settings health_interval=0 ping_timeout=0 health_max_failures=100
         module a
         discover
         up a
         wait 3",
        &["<- ping"],
    );
    assert_eq!(pings.len(), 4);
}

#[test]
fn pings_of_an_earlier_life_are_forgotten() {
    check(
        "settings restart_base=1
         module a
         discover
         up a
         wait 30000
         exit a 1
         wait 10
         up a
         quiet
         wait 29000",
        expect![[r#"
            > wait 29000
        "#]],
    );
}
