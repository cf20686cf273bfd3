//! Modules that become new together: the order in which state goes over, the one flip, and that one fault undoes all.

use expect_test::expect;

use std::format;
use std::string::String;

use crate::testing::{check, heard};

/// `front` calls `back`; `user` calls `front`. All are ready.
const THREE: &str = "module user may=shop
     module front provides=shop requires=stock state print=1
     module back provides=stock state print=1
     discover
     up back front user
     quiet\n";

/// Both become new together, and the old lives are kept.
const CHANGED: &str = "together front,back keep
     module front provides=shop requires=stock state print=2
     module back provides=stock state print=2
     discover
     spawned back#4 front#5\n";

/// The same, until both flipped.
const TRIED: &str = "front#5 says ready
     back#4 says ready
     front#2 says saved 5 {} v1
     front#5 says restored 5
     front#5 says pong
     back#1 says saved 4 {} v1
     back#4 says restored 4
     back#4 says pong
     quiet\n";

fn changed(script: &str) -> String {
    format!("{THREE}{CHANGED}quiet\n{script}")
}

fn tried(script: &str) -> String {
    format!("{THREE}{CHANGED}{TRIED}{script}")
}

#[test]
fn callers_hand_over_before_those_they_call_and_all_flip_in_one_step() {
    check(
        &changed(
            "back#4 says ready
             user says call 1 shop buy one
             front#5 says ready
             user says call 2 shop buy two
             front#2 says call 7 stock take
             back#1 says answer 1 \"taken\"
             front#2 says saved 5 {} v1
             front#5 says restored 5
             front#5 says pong
             back#1 says saved 4 {} v1
             back#4 says restored 4
             back#4 says pong",
        ),
        expect![[r#"
            > back#4 says ready
            > user says call 1 shop buy one
              front#2 <- rpc_request hop-1 from=user shop.buy one
            > front#5 says ready
              journal swap.holding front#2 next=5
              front#2 <- state:save 5
            > user says call 2 shop buy two
            > front#2 says call 7 stock take
              back#1 <- rpc_request hop-1 from=front stock.take
            > back#1 says answer 1 "taken"
              front#2 <- rpc_response 7 result "taken"
            > front#2 says saved 5 {} v1
              front#5 <- state:restore 5 {} version=v1
            > front#5 says restored 5
              front#5 <- ping
            > front#5 says pong
              journal swap.holding back#1 next=4
              back#1 <- state:save 4
            > back#1 says saved 4 {} v1
              back#4 <- state:restore 4 {} version=v1
            > back#4 says restored 4
              back#4 <- ping
            > back#4 says pong
              journal swap.done back#1 next=4 state_bytes=2 after_ms=0
              promoted back#4
              back#4 <- deps_ready
              journal swap.done front#2 next=5 state_bytes=2 after_ms=0
              promoted front#5
              front#5 <- deps_ready
              front#5 <- rpc_request hop-1 from=user shop.buy two
        "#]],
    );
}

#[test]
fn whatever_goes_wrong_with_one_of_them_none_becomes_new() {
    let faults = [
        "exit back#4 1",
        "front#5 says ready\n back#4 says nack init no",
        "front#5 says ready\n wait 30000",
        "front#5 says ready\n back#4 says ready\n front#2 says nack 5 no state here",
        "front#5 says ready\n back#4 says ready\n wait 2000",
        "front#5 says ready\n back#4 says ready\n front#2 says saved 5 {} v1\n front#5 says restored 5\n front#5 says pong\n exit back#4 1",
        "front#5 says ready\n back#4 says ready\n front#2 says saved 5 {} v1\n front#5 says restored 5\n front#5 says pong\n exit back#1 1",
        "front#5 says ready\n back#4 says ready\n front#2 says saved 5 {} v1\n front#5 says restored 5\n front#5 says pong\n exit front#5 1",
        "order 9 stop back",
    ];
    for fault in faults {
        let told =
            heard(&changed(&format!("order 1 await-swap front\n order 2 await-swap back\n {fault}")), &[""]);
        let count = |what: &str| told.iter().filter(|line| line.contains(what)).count();
        assert_eq!((count("swap.refused"), count("promoted")), (2, 0), "{fault}: {told:#?}");
        assert_eq!((count("reply 1 failed"), count("reply 2 failed")), (1, 1), "{fault}: {told:#?}");
        assert_eq!(count("signal front#5 kill") + count("signal back#4 kill"), 2, "{fault}: {told:#?}");
    }
}

#[test]
fn a_caller_that_was_held_goes_on_with_its_old_life_when_another_one_fails() {
    let script = "front#5 says ready
         back#4 says ready
         front#2 says saved 5 {} v1
         front#5 says restored 5
         front#5 says pong
         user says call 1 shop buy
         back#1 says saved 4 {} v1
         quiet
         back#4 says nack 4 unknown form";
    let told = heard(&changed(script), &["rpc_request", "promoted"]);
    assert_eq!(told, ["front#2 <- rpc_request hop-1 from=user shop.buy"]);
}

#[test]
fn one_that_falls_on_probation_takes_all_back_to_their_warm_lives() {
    check(
        &tried(
            "user says call 1 shop buy
             exit back#4 1
             user says call 2 shop buy
             view front back",
        ),
        expect![[r#"
            > user says call 1 shop buy
              front#5 <- rpc_request hop-1 from=user shop.buy
            > exit back#4 1
              journal swap.fell_back back#4 old=1 why="left with exit code 1" version=""
              promoted back#1
              journal swap.fell_back front#5 old=2 why="`back`, which became new with it, fell back" version=""
              promoted front#2
            > user says call 2 shop buy
              front#2 <- rpc_request hop-1 from=user shop.buy
            > view front back
              view front ready restarts=0 note=""
              view back ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn files_that_are_the_earlier_ones_again_are_one_flip_back_for_all() {
    check(
        &tried(
            "together front,back restart
             module front provides=shop requires=stock state print=1
             module back provides=stock state print=1
             discover",
        ),
        expect![[r#"
            > together front,back restart
            > module front provides=shop requires=stock state print=1
            > module back provides=stock state print=1
            > discover
              journal module.changed back#4
              journal module.changed front#5
              journal swap.fell_back back#4 old=1 why="its files are the earlier ones again" version=""
              promoted back#1
              journal swap.fell_back front#5 old=2 why="`back`, which became new with it, fell back" version=""
              promoted front#2
              back#4 <- shutdown
              front#5 <- shutdown
        "#]],
    );
}

#[test]
fn once_they_are_released_one_that_falls_is_restarted_alone() {
    let script = "order 5 release front\n order 6 release back\n exit front#2 0\n exit back#1 0\n quiet\n exit back#4 1";
    let told = heard(&tried(script), &[""]);
    assert!(told.iter().any(|line| line.contains("restart.planned back")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("front")), "{told:#?}");
}

/// `front` of the new version offers what `back` offered, and the other way round.
const CROSSED: &str = "together front,back keep
     module front provides=stock requires=shop state print=2
     module back provides=shop state print=2
     discover
     spawned back#4 front#5\n";

#[test]
fn services_may_go_from_one_of_them_to_another_and_back() {
    let script = format!(
        "{THREE}{CROSSED}{TRIED}user says call 1 shop buy
         exit front#5 1
         user says call 2 shop buy"
    );
    let told = heard(&script, &["rpc_request", "fell_back"]);
    assert_eq!(
        told,
        [
            "back#4 <- rpc_request hop-1 from=user shop.buy",
            "journal swap.fell_back front#5 old=2 why=\"left with exit code 1\" version=\"\"",
            "journal swap.fell_back back#4 old=1 why=\"`front`, which became new with it, fell back\" version=\"\"",
            "front#2 <- rpc_request hop-1 from=user shop.buy",
        ]
    );
}

#[test]
fn what_one_requires_may_come_with_another_and_what_nobody_offers_ends_all() {
    let coming = "together front,back keep
         module front provides=shop requires=stock,news state print=2
         module back provides=stock,news state print=2
         discover
         spawned back#4 front#5\n";
    let told = heard(&format!("{THREE}{coming}{TRIED}view front back"), &["view"]);
    assert!(told.iter().all(|line| line.contains("ready")), "{told:?}");
    let lost = coming.replace("provides=stock,news", "provides=stock");
    let told = heard(&format!("{THREE}{lost}front#5 says ready\n back#4 says ready"), &["swap.refused"]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("it requires `news`, which is not there"), "{told:?}");
}

#[test]
fn configuration_that_changes_on_the_way_reaches_the_life_that_answers_in_the_end() {
    let script = |end: &str| {
        format!(
            "module b provides=echo section=b state print=1
             discover
             up b
             manner b keep
             module b provides=echo section=b state print=2
             discover
             spawned b#2
             config b
             b#2 says ready
             quiet
             b#1 says saved 2 {{}} v1
             b#2 says restored 2
             {end}"
        )
    };
    let told = heard(&script("b#2 says pong"), &["config:update", "deps_ready"]);
    assert_eq!(told, ["b#2 <- deps_ready", "b#2 <- config:update b"]);
    let back = "b#2 says pong\n quiet\n config b\n exit b#2 1";
    assert_eq!(
        heard(&script(back), &["config:update"]),
        ["b#2 <- config:update b", "b#1 <- config:update b"]
    );
}
