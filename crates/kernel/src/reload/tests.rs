//! Changes of files, approvals and configuration, by difference.

use expect_test::expect;

use std::format;
use std::string::String;

use abi::limits::MODULES_MAX;

use crate::testing::{check, heard};

#[test]
fn the_same_again_changes_nothing() {
    check(
        "module a\n module b plain\n discover\n up a b\n quiet\n discover",
        expect![[r#"
        > discover
    "#]],
    );
}

#[test]
fn a_new_one_starts_and_a_gone_one_ends_and_is_forgotten() {
    check(
        "module a provides=x
         discover
         up a
         quiet
         module b
         discover b
         exit a 0
         discover a b
         up a",
        expect![[r#"
            > module b
            > discover b
              journal module.gone a#1
              journal module.stopping a#1 reason="uninstalled" grace_ms=5000
              a#1 <- shutdown
              journal module.starting b#2 attempt=0
              spawn b#2
            > exit a 0
              journal module.stopped a#1 reason="uninstalled" exit="exit code 0"
              journal module.forgotten a
              forgotten a
            > discover a b
              journal module.starting a#3 attempt=0
              spawn a#3
            > up a
              a#3 <- init
              journal module.ready a#3 after_ms=0
              a#3 <- deps_ready
        "#]],
    );
}

#[test]
fn a_gone_one_without_a_process_is_forgotten_at_once() {
    check(
        "module a unapproved\n discover\n quiet\n discover nothing",
        expect![[r#"
        > discover nothing
          journal module.gone a
          journal module.forgotten a
          forgotten a
    "#]],
    );
}

#[test]
fn a_changed_one_is_swapped() {
    check(
        "module a provides=x
         discover
         up a
         quiet
         module a provides=y print=2
         discover
         exit a 0
         up a
         a says kernel 1 service.discover",
        expect![[r#"
            > module a provides=y print=2
            > discover
              journal module.changed a#1
              journal module.stopping a#1 reason="hot-swap" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="hot-swap" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
            > up a
              save a base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              a#2 <- install
              a#2 <- init
              journal module.ready a#2 after_ms=0
              a#2 <- deps_ready
            > a says kernel 1 service.discover
              a#2 <- call:response 1 services y@a
        "#]],
    );
}

#[test]
fn gone_and_back_while_it_ends_starts_anew() {
    check(
        "module a
         discover
         up a
         discover nothing
         quiet
         discover a
         exit a 0",
        expect![[r#"
            > discover a
              journal module.back a#1
            > exit a 0
              journal module.stopped a#1 reason="uninstalled" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
        "#]],
    );
}

#[test]
fn gone_and_back_and_gone_again_is_gone() {
    let told = heard(
        "module a
         discover
         up a
         discover nothing
         discover a
         discover nothing
         exit a 0",
        &["forgotten a", "spawn a#2"],
    );
    assert_eq!(told, ["journal module.forgotten a", "forgotten a"]);
}

#[test]
fn changed_and_changed_back_while_it_ends_is_as_it_was() {
    let told = heard(
        "module a provides=x
         discover
         up a
         module a provides=y print=2
         discover
         module a provides=x
         discover
         exit a 0
         up a
         a says kernel 1 service.discover",
        &["services"],
    );
    assert_eq!(told, ["a#2 <- call:response 1 services x@a"]);
}

#[test]
fn refused_while_it_runs_is_kept_until_it_ends() {
    check(
        "module a
         discover
         up a
         quiet
         module a refused=hash_mismatch
         discover
         view a
         exit a 1
         wait 2000
         view a
         module a
         discover",
        expect![[r#"
            > module a refused=hash_mismatch
            > discover
              journal module.kept a#1 why="hash mismatch"
            > view a
              view a ready restarts=0 note="keeps running as it was: hash mismatch"
            > exit a 1
              journal module.exited a#1 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.planned a wait_ms=1048 attempt=1 max_restarts=5
            > wait 2000
              at 1.048s
              journal module.refused a why="hash mismatch"
            > view a
              view a stopped restarts=1 note="hash mismatch"
            > module a
            > discover
              at 2.000s
              journal module.starting a#2 attempt=1
              spawn a#2
        "#]],
    );
}

#[test]
fn refused_while_it_runs_does_not_keep_what_is_not_approved_any_more() {
    let told = heard(
        "module a base=net:x spawned-before
         module b base=net:x spawned-before
         discover
         up a b
         quiet
         module a unapproved refused=hash_mismatch
         module b base=net:x spawned-before refused=hash_mismatch
         discover
         exit a 0
         view a",
        &["kept", "permission.", "spawn ", "view"],
    );
    assert_eq!(
        told,
        [
            "journal module.kept a#1 why=\"hash mismatch\"",
            "journal permission.gone a#1",
            "journal module.kept b#2 why=\"hash mismatch\"",
            "view a stopped restarts=0 reason=permissions-revoked note=\"stopped: permissions-revoked\"",
        ]
    );
}

#[test]
fn refused_while_it_waits_answers_who_waits() {
    check(
        "module a plain needs=ghost
         discover
         order 1 start a
         quiet
         module a plain needs=ghost refused=hash_mismatch
         discover
         view a",
        expect![[r#"
            > module a plain needs=ghost refused=hash_mismatch
            > discover
              journal module.refused a why="hash mismatch"
              reply 1 failed Refused: hash mismatch
            > view a
              view a stopped restarts=0 note="hash mismatch"
        "#]],
    );
}

#[test]
fn a_change_gives_what_failed_another_try() {
    for (why, script) in [
        ("crashed", "module a max=0\n discover\n up a\n exit a 1"),
        ("refused", "module a refused=entry_missing\n discover"),
        ("held", "module a plain needs=ghost\n discover"),
        ("queued", "module a\n discover\n up a\n exit a 1"),
        ("duplicate", "module b provides=x\n module a provides=x\n discover\n up b a\n exit a 0"),
        ("starved", "module a requires=x\n discover\n up a\n wait 30000\n exit a 0"),
    ] {
        let told = heard(&format!("{script}\n quiet\n module a print=2\n discover"), &["module.starting a"]);
        assert_eq!(told.len(), 1, "{why}: {told:?}");
    }
}

#[test]
fn a_change_does_not_bring_back_what_an_operator_stopped() {
    for (when, script) in [
        ("stopped", "order 1 stop a\n exit a 0\n quiet\n module a print=2\n discover"),
        ("ending", "order 1 stop a\n quiet\n module a print=2\n discover\n exit a 0"),
        ("ending, approvals", "order 1 stop a\n quiet\n grants a base=net:x\n exit a 0"),
        (
            "refused and not",
            "order 1 stop a\n exit a 0\n quiet\n module a refused=x\n discover\n module a\n discover",
        ),
        ("revoked and not", "order 1 stop a\n exit a 0\n quiet\n grants a none\n grants a base=net:x"),
        ("gone and back", "order 1 stop a\n quiet\n discover nothing\n discover a\n exit a 0"),
    ] {
        let told = heard(&format!("module a\n discover\n up a\n {script}"), &["module.starting"]);
        assert!(told.is_empty(), "{when}: {told:?}");
    }
}

#[test]
fn a_changed_one_that_was_held_for_an_order_still_starts() {
    let told = heard(
        "module a plain needs=ghost not-at-boot
         discover
         order 1 start a
         quiet
         module a plain not-at-boot print=2
         discover
         up a",
        &["reply", "spawn "],
    );
    assert_eq!(told, ["spawn a#1", "reply 1 done"]);
}

#[test]
fn a_done_job_is_not_done_again_for_a_change() {
    let told = heard(
        "module job plain restart=on-failure
         discover
         up job
         exit job 0
         quiet
         module job plain restart=on-failure print=2
         discover",
        &["spawn "],
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn approvals_taken_back_end_a_module_and_given_again_start_it() {
    check(
        "module a
         discover
         up a
         quiet
         grants a none
         exit a 0
         view a
         grants a none
         grants a base=net:x",
        expect![[r#"
            > grants a none
              journal permission.gone a#1
              journal module.stopping a#1 reason="permissions-revoked" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="permissions-revoked" exit="exit code 0"
            > view a
              view a stopped restarts=0 reason=permissions-revoked note="stopped: permissions-revoked"
            > grants a none
            > grants a base=net:x
              journal permission.approved a
              journal module.starting a#2 attempt=0
              spawn a#2
        "#]],
    );
}

#[test]
fn approvals_given_again_while_it_ends_bring_it_back() {
    let told = heard(
        "module a
         discover
         up a
         grants a none
         grants a base=net:x
         exit a 0",
        &["spawn "],
    );
    assert_eq!(told, ["spawn a#1", "spawn a#2"]);
}

#[test]
fn what_the_system_holds_needs_a_new_life_and_what_the_kernel_holds_does_not() {
    check(
        "module a base=net:x
         discover
         up a
         quiet
         grants a base=net:x spawned-before denied=net:y
         grants a base=net:x,net:z spawned-before
         exit a 0
         up a
         grants a base=net:x,net:z spawned-before stored-may=echo",
        expect![[r#"
            > grants a base=net:x spawned-before denied=net:y
            > grants a base=net:x,net:z spawned-before
              journal permission.changed a#1
              journal module.stopping a#1 reason="permission-update" grace_ms=5000
              a#1 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="permission-update" exit="exit code 0"
              journal module.starting a#2 attempt=0
              spawn a#2
            > up a
              a#2 <- init
              journal module.ready a#2 after_ms=0
              a#2 <- deps_ready
            > grants a base=net:x,net:z spawned-before stored-may=echo
              journal permission.applied a#2
        "#]],
    );
}

#[test]
fn rights_on_the_bus_are_narrowed_and_widened_in_the_middle_of_a_life() {
    check(
        "module a may=echo hears=news base=net:x,secrets:s
         module b provides=echo hears=news
         discover
         up a b
         quiet
         grants a base=net:x spawned-before forbid-may=echo forbid-hears=news
         b says publish news 1
         grants a base=net:x spawned-before stored-may=echo stored-hears=other,news
         b says publish news 2
         grants a base=net:x spawned-before stored-may=e.* stored-hears=other",
        expect![[r#"
            > grants a base=net:x spawned-before forbid-may=echo forbid-hears=news
              journal permission.applied a#1
            > b says publish news 1
            > grants a base=net:x spawned-before stored-may=echo stored-hears=other,news
              journal permission.applied a#1
            > b says publish news 2
              a#1 <- deliver news 2
            > grants a base=net:x spawned-before stored-may=e.* stored-hears=other
              journal permission.applied a#1
        "#]],
    );
}

#[test]
fn approvals_changed_while_it_is_swapped_hold_for_its_next_life() {
    let told = heard(
        "module a base=net:x
         discover
         up a
         module a base=net:x print=2
         discover
         grants a none
         exit a 0
         view a",
        &["spawn ", "view"],
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("view a stopped"), "{told:?}");
}

#[test]
fn approvals_of_nobody_are_nothing() {
    check(
        "grants ghost none",
        expect![[r#"
        > grants ghost none
    "#]],
    );
}

#[test]
fn a_changed_section_is_told_to_its_owner_and_restarts_its_dependents() {
    check(
        "module own section=db
         module dep watches=db section=web
         module plain plain section=db
         module other section=other
         discover
         up own dep plain other
         quiet
         config db web
         config
         exit dep 0",
        expect![[r#"
            > config db web
              journal config.changed sections="db, web"
              journal config.restart dep#1 section="db"
              journal module.stopping dep#1 reason="config-update" grace_ms=5000
              dep#1 <- shutdown
              own#3 <- config:update db
            > config
            > exit dep 0
              journal module.stopped dep#1 reason="config-update" exit="exit code 0"
              journal module.starting dep#5 attempt=0
              spawn dep#5
        "#]],
    );
}

#[test]
fn a_module_that_ends_is_not_brought_back_by_a_section() {
    let told = heard(
        "module a watches=db
         discover
         up a
         order 1 stop a
         quiet
         config db
         exit a 0",
        &["spawn ", "config.restart"],
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn adding_by_hand_again_starts_what_an_operator_stopped() {
    let told = heard(
        "module a
         add a
         up a
         order 1 stop a
         exit a 0
         add a",
        &["spawn "],
    );
    assert_eq!(told, ["spawn a#1", "spawn a#2"]);
}

#[test]
fn a_discovery_does_not_miss_what_was_added_by_hand() {
    let told = heard("module a\n add a\n up a\n quiet\n discover nothing", &[""]);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn the_table_holds_a_bounded_number_of_modules() {
    let mut script = String::new();
    for number in 0..MODULES_MAX - 1 {
        script += &format!("module m{number} not-at-boot\n");
    }
    script += "discover\n module last not-at-boot\n module over\n add last\n add over\n add over\n order 1 remove last\n add over";
    let told = heard(&script, &["too_many", "reply", "spawn"]);
    assert_eq!(
        told,
        ["journal module.too_many over", "journal module.too_many over", "reply 1 done", "spawn over#1",]
    );
}
