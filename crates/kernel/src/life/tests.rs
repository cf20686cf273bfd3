//! From the first start to ready, by the module door's order of frames, notices and journal entries.

use std::format;

use expect_test::expect;

use crate::testing::{check, heard};

#[test]
fn the_first_start_ever_installs_then_inits_and_is_ready_at_once() {
    check(
        "module a provides=echo version=1.2
         discover
         spawned a
         wait 40
         ready a",
        expect![[r#"
            > module a provides=echo version=1.2
            > discover
              journal module.starting a#1 attempt=0
              spawn a#1
            > spawned a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#1 <- install
              a#1 <- init
            > wait 40
            > ready a
              at 0.040s
              journal module.ready a#1 after_ms=40
              a#1 <- deps_ready
        "#]],
    );
}

#[test]
fn a_later_start_is_not_installed_again() {
    check(
        "module a spawned-before
         discover
         spawned a",
        expect![[r#"
            > module a spawned-before
            > discover
              journal module.starting a#1 attempt=0
              spawn a#1
            > spawned a
              a#1 <- init
        "#]],
    );
}

#[test]
fn a_plain_command_is_watched_instead_of_talked_to() {
    check(
        "module web plain
         discover
         spawned web
         ready web
         view web",
        expect![[r#"
            > module web plain
            > discover
              journal module.starting web#1 attempt=0
              spawn web#1
            > spawned web
              save web base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              watch web#1
            > ready web
              journal module.ready web#1 after_ms=0
            > view web
              view web ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn spawned_told_twice_greets_once() {
    check(
        "module a
         discover
         spawned a
         quiet
         spawned a",
        expect![[r#"
            > spawned a
        "#]],
    );
}

#[test]
fn starts_go_by_priority_then_by_order_found() {
    let spawns = heard(
        "module a priority=200
         module b
         module c priority=1
         discover b a c",
        &["spawn "],
    );
    assert_eq!(spawns, ["spawn c#1", "spawn b#2", "spawn a#3"]);
}

#[test]
fn what_is_not_approved_is_never_started() {
    check(
        "module a unapproved
         discover
         view a
         order 1 start a",
        expect![[r#"
            > module a unapproved
            > discover
              journal module.refused a why="not approved; approve it with: ostoja module approve a"
            > view a
              view a stopped restarts=0 note="not approved; approve it with: ostoja module approve a"
            > order 1 start a
              journal order.start a
              reply 1 failed Denied: not approved; approve it with: ostoja module approve a
        "#]],
    );
}

#[test]
fn what_is_refused_says_why_and_is_never_started() {
    check(
        "module a refused=manifest_hash_mismatch_for_a_-_re-install_required
         discover
         view a
         order 1 start a
         order 2 restart a",
        expect![[r#"
            > module a refused=manifest_hash_mismatch_for_a_-_re-install_required
            > discover
              journal module.refused a why="manifest hash mismatch for a - re-install required"
            > view a
              view a stopped restarts=0 note="manifest hash mismatch for a - re-install required"
            > order 1 start a
              journal order.start a
              reply 1 failed Refused: manifest hash mismatch for a - re-install required
            > order 2 restart a
              journal order.restart a
              reply 2 failed Refused: manifest hash mismatch for a - re-install required
        "#]],
    );
}

#[test]
fn what_is_not_meant_for_boot_waits_for_an_order() {
    check(
        "module a not-at-boot
         discover
         order 1 start a
         up a
         view a",
        expect![[r#"
            > module a not-at-boot
            > discover
            > order 1 start a
              journal order.start a
              journal module.starting a#1 attempt=0
              spawn a#1
            > up a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#1 <- install
              a#1 <- init
              journal module.ready a#1 after_ms=0
              a#1 <- deps_ready
              reply 1 done
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn a_second_provider_is_refused_by_name_and_leaves_nothing_registered() {
    check(
        "module a provides=echo
         module b provides=echo,more hears=topic
         discover
         up a
         quiet
         up b
         exit b 0
         view b
         a says kernel 1 service.discover",
        expect![[r#"
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal service.duplicate b#2 service="echo" provider="a"
              journal module.stopping b#2 reason="duplicate-service" grace_ms=5000
              b#2 <- shutdown
            > exit b 0
              journal module.stopped b#2 reason="duplicate-service" exit="exit code 0"
            > view b
              view b stopped restarts=0 reason=duplicate-service note="offers `echo`, which `a` offers already"
            > a says kernel 1 service.discover
              a#1 <- call:response 1 services echo@a
        "#]],
    );
}

#[test]
fn a_service_that_the_store_gives_to_another_module_is_refused() {
    check(
        "settings provider:echo=a
         module a provides=echo
         module b provides=echo
         discover
         quiet
         spawned b
         ready b",
        expect![[r#"
            > spawned b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
            > ready b
              journal service.duplicate b#2 service="echo" provider="a"
              journal module.stopping b#2 reason="duplicate-service" grace_ms=5000
              b#2 <- shutdown
        "#]],
    );
}

#[test]
fn a_service_of_a_provider_that_is_not_there_is_free() {
    let ready = heard(
        "settings provider:echo=gone
         module b provides=echo
         discover
         up b",
        &["journal module.ready"],
    );
    assert_eq!(ready, ["journal module.ready b#1 after_ms=0"]);
}

#[test]
fn a_circle_of_requires_is_refused_and_named() {
    check(
        "module a provides=x requires=z
         module b provides=y requires=x
         module c provides=z requires=y
         discover
         quiet
         up c
         exit c 0
         view c",
        expect![[r#"
            > up c
              save c base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              c#3 <- install
              c#3 <- init
              journal service.cycle c#3 cycle="c -> b -> a -> c"
              journal module.stopping c#3 reason="circular-dependency" grace_ms=5000
              c#3 <- shutdown
            > exit c 0
              journal module.stopped c#3 reason="circular-dependency" exit="exit code 0"
            > view c
              view c stopped restarts=0 reason=circular-dependency note="what it requires comes back to itself: c -> b -> a -> c"
        "#]],
    );
}

#[test]
fn a_circle_of_needs_between_plain_commands_is_refused_before_a_start() {
    check(
        "module a plain needs=b
         module b plain needs=a
         discover
         view a",
        expect![[r#"
            > module a plain needs=b
            > module b plain needs=a
            > discover
              journal service.cycle a cycle="a -> b -> a"
              journal service.cycle b cycle="b -> a -> b"
            > view a
              view a stopped restarts=0 reason=circular-dependency note="what it requires comes back to itself: a -> b -> a"
        "#]],
    );
}

#[test]
fn a_module_that_requires_its_own_service_is_a_circle_of_one() {
    let cycles = heard(
        "module a provides=x requires=x
         discover
         up a",
        &["service.cycle"],
    );
    assert_eq!(cycles, ["journal service.cycle a#1 cycle=\"a -> a\""]);
}

#[test]
fn optional_services_are_told_at_activation_and_when_they_come() {
    check(
        "module a optional=x,y
         module b provides=x
         module c provides=y
         discover
         up b
         quiet
         up a
         up c",
        expect![[r#"
            > up a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#1 <- install
              a#1 <- init
              journal module.ready a#1 after_ms=0
              a#1 <- deps_ready
              a#1 <- service_available x
            > up c
              save c base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              c#3 <- install
              c#3 <- init
              journal module.ready c#3 after_ms=0
              c#3 <- deps_ready
              a#1 <- service_available y
        "#]],
    );
}

#[test]
fn a_failed_spawn_counts_as_an_exit() {
    check(
        "module a
         discover
         quiet
         spawn-fails a no such file
         view a",
        expect![[r#"
            > spawn-fails a no such file
              journal module.spawn_failed a#1 error="no such file"
              journal module.exited a#1 exit="could not be started: no such file" after_ms=0 state="starting"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > view a
              view a restarting restarts=1 restart_at=1.048s note="could not be started: no such file after 0 ms; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn a_refused_spawn_rests_and_is_not_tried_again() {
    check(
        "module a
         discover
         order 1 start a
         quiet
         spawn-refused a containment below what was asked
         view a
         wait 600000",
        expect![[r#"
            > spawn-refused a containment below what was asked
              journal module.refused a#1 why="containment below what was asked"
              reply 1 failed Denied: containment below what was asked
            > view a
              view a stopped restarts=0 note="containment below what was asked"
            > wait 600000
        "#]],
    );
}

#[test]
fn a_refused_spawn_of_a_module_that_was_told_to_end_is_its_end() {
    check(
        "module a
         discover
         order 1 stop a
         quiet
         spawn-refused a no containment
         view a",
        expect![[r#"
            > spawn-refused a no containment
              journal module.stopped a#1 reason="requested"
              reply 1 done
            > view a
              view a stopped restarts=0 reason=requested note="stopped: requested; no containment"
        "#]],
    );
}

#[test]
fn not_ready_in_time_is_ended_and_tried_again() {
    check(
        "module a
         discover
         spawned a
         order 1 start a
         quiet
         wait 30000
         exit a 0
         view a",
        expect![[r#"
            > wait 30000
              at 30.000s
              journal ready.timeout a#1 after_ms=30000
              reply 1 failed TimedOut: was not ready after 30000 ms
              journal module.stopping a#1 reason="ready-timeout" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="ready-timeout" exit="exit code 0"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > view a
              view a restarting restarts=1 restart_at=31.048s reason=ready-timeout note="was not ready after 30000 ms; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn its_own_time_to_become_ready_counts_instead_of_the_house_s() {
    let timeouts = heard(
        "module a ready-ms=100
         discover
         spawned a
         wait 99
         wait 1",
        &["ready.timeout", "at "],
    );
    assert_eq!(timeouts, ["at 0.100s", "journal ready.timeout a#1 after_ms=100"]);
}

#[test]
fn a_failed_init_is_the_reason_shown() {
    check(
        "module a
         discover
         spawned a
         quiet
         a says nack init the database is missing
         exit a 1
         view a",
        expect![[r#"
            > a says nack init the database is missing
              journal module.init_failed a#1 error="the database is missing"
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="starting"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > view a
              view a restarting restarts=1 restart_at=1.048s note="left with exit code 1 after 0 ms; it said: the database is missing; that early, look at the entry point; restarts after 1048 ms (1 of 5)"
        "#]],
    );
}

#[test]
fn a_long_story_about_a_failed_init_is_cut_between_characters() {
    let kept = |bytes: usize| {
        let said = format!("{}ł", "x".repeat(bytes - 2));
        let told = heard(
            &format!("module a\n discover\n spawned a\n a says nack init {said}"),
            &["module.init_failed"],
        );
        told[0].len() - "journal module.init_failed a#1 error=\"\"".len()
    };
    assert_eq!([1023, 1024, 1025, 5000].map(kept), [1023, 1024, 1023, 1024]);
}

#[test]
fn a_nack_of_a_delivery_is_information_only() {
    check(
        "module a
         discover
         up a
         quiet
         a says nack 7 could not
         a says ack
         a says kernel-answer 3
         a says ready",
        expect![[r#"
            > a says nack 7 could not
            > a says ack
            > a says kernel-answer 3
            > a says ready
        "#]],
    );
}

#[test]
fn an_early_exit_hints_at_the_entry_point() {
    let views = heard(
        "module a
         discover
         spawned a
         wait 999
         exit a 1
         view a",
        &["view a"],
    );
    assert!(views[0].contains("left with exit code 1 after 999 ms; that early, look at the entry point"));
}

#[test]
fn an_exit_after_a_second_has_no_hint() {
    let views = heard(
        "module a
         discover
         spawned a
         wait 1000
         exit a 1
         view a",
        &["view a"],
    );
    assert!(!views[0].contains("entry point"), "{views:?}");
}

#[test]
fn a_passive_watchdog_only_says_that_a_module_was_not_ready_in_time() {
    check(
        "settings watchdog=passive
         module a
         discover
         spawned a
         order 1 settle
         quiet
         wait 100000
         order 2 start a
         view a
         ready a
         view a",
        expect![[r#"
            > wait 100000
              at 30.000s
              journal ready.timeout a#1 after_ms=30000
              journal timeout.reported a#1
              reply 1 settled [a]
            > order 2 start a
              at 100.000s
              reply 2 failed TimedOut: was not ready after 30000 ms
            > view a
              view a starting restarts=0 note="was not ready after 30000 ms"
            > ready a
              journal module.ready a#1 after_ms=100000
              a#1 <- deps_ready
            > view a
              view a ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn one_time_work_has_a_time_limit_where_it_says_so() {
    let told =
        heard("module job plain once ready-ms=50\n discover\n spawned job\n wait 100000", &["journal ready"]);
    assert_eq!(told, ["journal ready.timeout job#1 after_ms=50"]);
}

#[test]
fn a_sandbox_module_takes_no_service_of_a_higher_zone_whoever_comes_first() {
    let lines = heard(
        "module thief sandbox provides=s
         discover
         up thief
         module owner provides=s
         discover
         up owner
         exit thief 0
         order 1 start thief
         up thief",
        &["service.duplicate", "module.ready owner", "reply"],
    );
    let expected = [
        "journal service.duplicate thief#1 service=\"s\" provider=\"owner\"",
        "journal module.ready owner#2 after_ms=0",
        "journal service.duplicate thief#3 service=\"s\" provider=\"owner\"",
    ];
    assert_eq!(lines, expected);
}
