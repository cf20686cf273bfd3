//! Restarts: the healthy minute, back-off, giving up and its actions, the watchdog, the machine's pace, strategies.

use expect_test::expect;

use std::format;
use std::string::String;

use crate::testing::{check, heard};
use crate::{Settings, ZoneBudget};

#[test]
fn after_a_healthy_minute_it_starts_again_at_once_and_counts_anew() {
    check(
        "settings health_interval=600000
         module a
         discover
         up a
         wait 1000
         exit a 1
         wait 1200
         up a
         wait 60000
         quiet
         exit a 1
         view a",
        expect![[r#"
            > exit a 1
              at 62.200s
              journal module.exited a#2 exit="left with exit code 1" after_ms=60152 state="ready"
              journal restart.now a healthy_ms=60000
              journal module.starting a#3 attempt=0
              spawn a#3
            > view a
              view a starting restarts=0 note="starting"
        "#]],
    );
}

#[test]
fn a_millisecond_less_is_counted_and_waits() {
    check(
        "settings health_interval=600000
         module a
         discover
         up a
         wait 59999
         quiet
         exit a 0
         view a",
        expect![[r#"
            > exit a 0
              at 59.999s
              journal module.exited a#1 exit="left with exit code 0" after_ms=59999 state="ready"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > view a
              view a restarting restarts=1 restart_at=61.047s note="left with exit code 0 after 59999 ms; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn it_is_given_up_after_its_last_restart() {
    let mut script = String::from("module a max=2 ready-ms=1000000\n discover\n");
    for _ in 0..3 {
        script += "up a\n exit a 1\n wait 70000\n";
    }
    script += "view a\n";
    let told = heard(&script, &["restart.", "view"]);
    assert_eq!(
        told,
        [
            "journal restart.planned a wait_ms=1048 attempt=1 max_restarts=2",
            "journal restart.planned a wait_ms=1715 attempt=2 max_restarts=2",
            "journal restart.gave_up a restarts=2 action=\"nothing\"",
            "view a crashed restarts=2 note=\"left with exit code 1 after 68285 ms; given up after 2 restarts\"",
        ]
    );
}

#[test]
fn giving_up_can_stop_those_who_need_it() {
    check(
        "module db plain max=0 give-up=stop-dependents
         module web plain needs=db
         module page plain needs=web
         module other plain
         discover
         up db web page other
         quiet
         exit db 1
         view web
         view page
         view other",
        expect![[r#"
            > exit db 1
              journal module.exited db#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.gave_up db restarts=0 action="stop-dependents"
              journal module.stopping page#4 reason="strategy" grace_ms=5000
              signal page#4 stop
              journal module.stopping web#3 reason="strategy" grace_ms=5000
              signal web#3 stop
            > view web
              view web killed restarts=0 reason=strategy note=""
            > view page
              view page killed restarts=0 reason=strategy note=""
            > view other
              view other ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn giving_up_can_start_another_in_its_place() {
    check(
        "module a max=0 give-up=start:b
         module b not-at-boot
         discover
         up a
         quiet
         exit a 1
         up b",
        expect![[r#"
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.gave_up a restarts=0 action="start b"
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
fn two_that_stand_in_for_each_other_do_not_start_each_other_for_ever() {
    let starts = heard(
        "module a max=0 give-up=start:b
         module b max=0 give-up=start:a not-at-boot
         discover
         up a
         exit a 1
         up b
         exit b 1
         view a
         view b",
        &["journal module.starting"],
    );
    assert_eq!(starts.len(), 2, "{starts:?}");
}

#[test]
fn one_cannot_stand_in_for_itself() {
    let starts = heard("module a max=0 give-up=start:a\n discover\n up a\n exit a 1", &["spawn a"]);
    assert_eq!(starts, ["spawn a#1"]);
}

#[test]
fn a_stand_in_that_nobody_knows_is_no_help() {
    let told = heard("module a max=0 give-up=start:ghost\n discover\n up a\n exit a 1", &["gave_up"]);
    assert_eq!(told, ["journal restart.gave_up a restarts=0 action=\"start ghost\""]);
}

#[test]
fn giving_up_can_end_everything() {
    check(
        "module a max=0 give-up=shutdown
         module b
         discover
         up a b
         quiet
         exit a 1
         exit b 0",
        expect![[r#"
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.gave_up a restarts=0 action="shutdown"
              journal shutdown.begun modules=1 tiers=1
              journal module.stopping b#2 reason="shutdown" grace_ms=5000
              b#2 <- shutdown
            > exit b 0
              journal module.stopped b#2 reason="shutdown" exit="exit code 0"
              journal shutdown.done
              finished
        "#]],
    );
}

#[test]
fn a_passive_watchdog_restarts_nothing() {
    check(
        "settings watchdog=passive
         module a
         discover
         up a
         quiet
         exit a 1
         view a
         wait 600000",
        expect![[r#"
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.withheld a
            > view a
              view a crashed restarts=0 note="left with exit code 1 after 0 ms; not restarted: the watchdog is passive"
            > wait 600000
        "#]],
    );
}

#[test]
fn rules_of_restart_tell_a_done_job_from_a_failed_one() {
    check(
        "module job plain restart=on-failure
         module once plain restart=never
         module twice plain restart=never
         discover
         up job once twice
         order 1 start job
         quiet
         exit job 0
         exit once 1
         exit twice 0
         view job
         view once
         view twice",
        expect![[r#"
            > exit job 0
              journal module.completed job#1 exit="left with exit code 0" after_ms=0 state="ready"
            > exit once 1
              journal module.exited once#2 exit="left with exit code 1" after_ms=0 state="ready"
            > exit twice 0
              journal module.completed twice#3 exit="left with exit code 0" after_ms=0 state="ready"
            > view job
              view job stopped restarts=0 note="left with exit code 0 after 0 ms"
            > view once
              view once crashed restarts=0 note="left with exit code 1 after 0 ms"
            > view twice
              view twice stopped restarts=0 note="left with exit code 0 after 0 ms"
        "#]],
    );
}

#[test]
fn on_failure_starts_again_after_a_failure() {
    let told =
        heard("module job plain restart=on-failure\n discover\n up job\n exit job signal 11", &["restart."]);
    assert_eq!(told.len(), 1);
}

#[test]
fn a_job_that_is_done_answers_who_waits_for_its_start() {
    let told = heard(
        "module job plain restart=on-failure
         discover
         spawned job
         order 1 start job
         exit job 0",
        &["reply"],
    );
    assert_eq!(told, ["reply 1 done"]);
}

#[test]
fn the_machine_paces_restarts_by_depth_then_priority() {
    let told = heard(
        "settings burst=1 per_s=10 health_interval=600000
         module a plain needs=b priority=1
         module b plain priority=200
         module c plain priority=5
         module z plain
         discover
         up z b c
         up a
         wait 60000
         quiet
         exit z 1
         exit a 1
         exit b 1
         exit c 1
         wait 1000",
        &["at ", "spawn ", "module.held"],
    );
    assert_eq!(
        told,
        [
            "at 60.000s",
            "spawn z#5",
            "at 60.100s",
            "spawn c#6",
            "at 60.200s",
            "spawn b#7",
            "at 60.300s",
            "journal module.held a for=\"`b`\"",
        ]
    );
}

#[test]
fn what_was_started_and_failed_again_while_it_waited_its_turn_keeps_its_new_wait() {
    let told = heard(
        "settings burst=1 per_s=1 health_interval=600000 restart_base=5000
         module a priority=2
         module b
         module c priority=1
         discover
         up a b c
         wait 60000
         exit b 1
         exit c 1
         exit a 1
         order 1 start a
         up a
         exit a 1
         quiet
         wait 3000
         view a",
        &["spawn ", "view"],
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("spawn c#"), "{told:?}");
    assert!(told[1].starts_with("view a restarting restarts=1"), "{told:?}");
}

#[test]
fn all_who_failed_at_once_come_back_within_the_budget() {
    let mut script = String::from("settings burst=10 per_s=10 health_interval=600000\n");
    for number in 0..100 {
        script += &format!("module m{number} plain\n");
    }
    script += "discover\n";
    for number in 0..100 {
        script += &format!("up m{number}\n");
    }
    script += "wait 60000\n";
    for number in 0..100 {
        script += &format!("exit m{number} signal 9\n");
    }
    let at = |wait: &str| heard(&format!("{script}{wait}"), &["spawn "]).len() - 100;
    assert_eq!(at(""), 10);
    assert_eq!(at("wait 1000"), 20);
    assert_eq!(at("wait 9000"), 100);
}

#[test]
fn rest_for_one_takes_its_dependents_with_it() {
    check(
        "module db provides=x strategy=rest
         module web requires=x
         module page needs=web
         module other
         discover
         up db web page other
         quiet
         exit db 1
         exit web 0
         exit page 0",
        expect![[r#"
            > exit db 1
              journal module.exited db#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.planned db wait_ms=1048 attempt=1 max_restarts=5
              journal strategy.restart page#3 because="db"
              journal module.stopping page#3 reason="strategy" grace_ms=5000
              page#3 <- shutdown
              journal strategy.restart web#4 because="db"
              journal module.stopping web#4 reason="strategy" grace_ms=5000
              web#4 <- shutdown
            > exit web 0
              journal module.stopped web#4 reason="strategy" exit="exit code 0"
              journal module.starting web#5 attempt=0
              spawn web#5
            > exit page 0
              journal module.stopped page#3 reason="strategy" exit="exit code 0"
              journal module.starting page#6 attempt=0
              spawn page#6
        "#]],
    );
}

#[test]
fn one_for_all_takes_everything_tied_to_it() {
    let told = heard(
        "module db provides=x
         module web requires=x strategy=all
         module page needs=web
         module other
         discover
         up db web page other
         exit web 1",
        &["strategy.restart"],
    );
    assert_eq!(
        told,
        ["journal strategy.restart db#1 because=\"web\"", "journal strategy.restart page#3 because=\"web\"",]
    );
}

#[test]
fn one_for_one_takes_nobody() {
    let told = heard(
        "module db provides=x
         module web requires=x
         discover
         up db web
         exit db 1",
        &["strategy", "stopping"],
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn many_restarts_later_the_wait_is_at_its_bound() {
    let mut script = String::from("module a max=40 ready-ms=1000000\n discover\n");
    for _ in 0..20 {
        script += "up a\n exit a 1\n wait 72000\n";
    }
    let waits = heard(&script, &["restart.planned"]);
    let wait_of = |line: &String| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix("wait_ms="));
        word.and_then(|number| number.parse::<u64>().ok()).expect("a wait")
    };
    for wait_ms in waits.iter().skip(6).map(wait_of) {
        assert!((48_000..=72_000).contains(&wait_ms), "{wait_ms}");
    }
}

#[test]
fn restarts_of_the_sandbox_leave_room_for_everybody_elses() {
    let lines = heard(
        "settings burst=4 per_s=1 restart_base=0
         module a sandbox
         module b sandbox
         module c sandbox
         module d
         discover
         up a b c d
         quiet
         exit a 1
         exit b 1
         exit c 1
         exit d 1
         wait 10",
        &["spawn"],
    );
    assert_eq!(lines, ["spawn a#5", "spawn b#6", "spawn d#7"]);
}

#[test]
fn restarts_of_the_stable_zone_wait_for_its_own_budget_and_hold_up_no_other_zone() {
    let lines = heard(
        "settings burst=8 per_s=8 stable_burst=1 stable_per_s=1 restart_base=0
         module a
         module b
         module s system
         module t sandbox
         discover
         up a b s t
         quiet
         exit a 1
         exit b 1
         exit s 1
         exit t 1
         wait 10",
        &["spawn"],
    );
    assert_eq!(lines, ["spawn a#5", "spawn s#6", "spawn t#7"]);
}

#[test]
fn a_zone_that_begins_anew_has_its_whole_budget_again() {
    let script = |reset: &str| {
        std::format!(
            "settings burst=8 per_s=8 stable_burst=1 stable_per_s=1 restart_base=0
             module a
             module b
             discover
             up a b
             quiet
             exit a 1
             {reset}
             exit b 1
             wait 10"
        )
    };
    assert_eq!(heard(&script(""), &["spawn"]), ["spawn a#3"]);
    let lines = heard(&script("order 1 reset-zone stable"), &["spawn b"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_zones_budget_follows_from_the_machines_unless_it_is_set() {
    let mut settings =
        Settings { machine_restarts_burst: 10, machine_restarts_per_s: 3, ..Settings::default() };
    let all = |settings: &Settings| {
        abi::Zone::ALL.map(|zone| settings.budget_of(zone)).map(|budget| (budget.burst, budget.per_s))
    };
    assert_eq!(all(&settings), [(5, 1), (10, 3), (10, 3)]);
    settings.budgets.insert(abi::Zone::Stable, ZoneBudget { burst: Some(2), per_s: None });
    assert_eq!(all(&settings), [(5, 1), (2, 3), (10, 3)]);
}

#[test]
fn a_crash_loop_in_the_sandbox_takes_nothing_of_what_the_stable_zone_may_restart() {
    let mut script = String::from("settings burst=4 per_s=1 restart_base=0\n");
    for number in 0..4 {
        script += &format!("module s{number} sandbox\nmodule m{number}\n");
    }
    script += "discover\nup s0 s1 s2 s3 m0 m1 m2 m3\nquiet\n";
    for zone in ["s", "m"] {
        for number in 0..4 {
            script += &format!("exit {zone}{number} 1\n");
        }
    }
    let lines = heard(&format!("{script}wait 10"), &["spawn"]);
    let count = |zone: &str| lines.iter().filter(|line| line.starts_with(&format!("spawn {zone}"))).count();
    assert_eq!((count("s"), count("m")), (2, 4), "{lines:?}");
}

#[test]
fn a_module_that_is_never_restarted_is_not_restarted_for_being_ended_either() {
    check(
        "module a restart=never
         discover
         up a
         quiet
         a says kernel 1 config.get theirs
         exit a 0
         wait 600000
         view a",
        expect![[r#"
            > a says kernel 1 config.get theirs
              journal config.forbidden a#1 key="theirs" verb="read" enforcement="strict"
              a#1 <- call:response 1 error: Security violation: not permitted to read config key "theirs"
              warn a#1 refused: read config key `theirs`
              journal module.stopping a#1 reason="security-violation" grace_ms=0
              signal a#1 kill
            > exit a 0
              journal module.stopped a#1 reason="security-violation" exit="exit code 0"
            > wait 600000
            > view a
              view a crashed restarts=0 reason=security-violation note="ended for trying what it may not: read config key `theirs`; not restarted: its rule is `never`"
        "#]],
    );
}
