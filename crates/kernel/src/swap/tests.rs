//! Hot swaps: each step, each fault in each step, what is held and where it goes, falling back, and that all of them end.

use expect_test::expect;

use std::format;
use std::string::String;

use abi::limits::QUEUE_FRAMES_MAX_DEFAULT;

use crate::testing::{check, heard};

/// A caller and a provider with state, both ready.
const PAIR: &str = "module a may=echo cancel
     module b provides=echo state cancel print=1
     discover
     up a b
     quiet\n";

/// The same on the way: the new life is ready and the old one is asked for its state.
const SAVING: &str = "order 1 swap b
     spawned b#3
     b#3 says ready
     quiet\n";

fn pair(script: &str) -> String {
    format!("{PAIR}{script}")
}

fn saving(script: &str) -> String {
    format!("{PAIR}{SAVING}{script}")
}

#[test]
fn a_swap_hands_state_over_and_what_came_meanwhile_goes_to_the_new_life_in_order() {
    check(
        &pair(
            "a says call 1 echo say one
             order 1 swap b
             spawned b#3
             b#3 says ready
             a says call 2 echo say two
             a says call 3 echo say three
             b#2 says saved 3 {} v1
             b#3 says restored 3
             b#3 says pong
             a says call 4 echo say four
             b#3 says answer 1 \"two\"
             b#2 says answer 1 \"one\"
             exit b#2 0",
        ),
        expect![[r#"
            > a says call 1 echo say one
              b#2 <- rpc_request hop-1 from=a echo.say one
            > order 1 swap b
              journal swap.begun b#2 next=3 version="" carries="state"
              spawn b#3
            > spawned b#3
              b#3 <- init
            > b#3 says ready
              journal swap.holding b#2 next=3
              b#2 <- state:save 3
            > a says call 2 echo say two
            > a says call 3 echo say three
            > b#2 says saved 3 {} v1
              b#3 <- state:restore 3 {} version=v1
            > b#3 says restored 3
              b#3 <- ping
            > b#3 says pong
              journal swap.done b#2 next=3 state_bytes=2 after_ms=0
              promoted b#3
              b#3 <- deps_ready
              b#3 <- rpc_request hop-1 from=a echo.say two
              b#3 <- rpc_request hop-2 from=a echo.say three
              reply 1 swapped 2
            > a says call 4 echo say four
              b#3 <- rpc_request hop-3 from=a echo.say four
            > b#3 says answer 1 "two"
              a#1 <- rpc_response 2 result "two"
            > b#2 says answer 1 "one"
              a#1 <- rpc_response 1 result "one"
              b#2 <- shutdown
            > exit b#2 0
        "#]],
    );
}

#[test]
fn a_call_that_was_held_and_given_up_never_reaches_anybody() {
    check(
        &saving(
            "a says call 2 echo say two
             a says cancel 2
             b#2 says saved 3 {} v1
             b#3 says restored 3
             b#3 says pong",
        ),
        expect![[r#"
            > a says call 2 echo say two
            > a says cancel 2
              a#1 <- rpc_response 2 error: cancelled
            > b#2 says saved 3 {} v1
              b#3 <- state:restore 3 {} version=v1
            > b#3 says restored 3
              b#3 <- ping
            > b#3 says pong
              journal swap.done b#2 next=3 state_bytes=2 after_ms=0
              promoted b#3
              b#3 <- deps_ready
              reply 1 swapped 2
              b#2 <- shutdown
        "#]],
    );
}

#[test]
fn a_call_that_was_held_and_moved_can_be_given_up_at_the_new_life() {
    check(
        &saving(
            "a says call 2 echo say two
             b#2 says saved 3 {} v1
             b#3 says restored 3
             b#3 says pong
             quiet
             a says cancel 2",
        ),
        expect![[r#"
            > a says cancel 2
              b#3 <- cancel hop-1
              a#1 <- rpc_response 2 error: cancelled
        "#]],
    );
}

/// What the old life gets after a fault, and what the operator is told.
fn after_fault(script: &str) -> String {
    let script = saving(&format!("a says call 2 echo say two\n quiet\n {script}"));
    heard(&script, &["reply", "rpc_request", "rpc_response"]).join("\n")
}

#[test]
fn whatever_goes_wrong_with_the_new_life_the_old_one_answers_what_was_held() {
    let faults = [
        "b#2 says nack 3 no state here",
        "wait 2000",
        "exit b#3 1",
        "b#2 says saved 3 {} v1\n b#3 says nack 3 unknown version",
        "b#2 says saved 3 {} v1\n exit b#3 1",
        "b#2 says saved 3 {} v1\n wait 2000",
        "b#2 says saved 3 {} v1\n b#3 says restored 3\n wait 2000",
        "b#2 says saved 3 {} v1\n b#3 says restored 3\n exit b#3 signal 9",
        "b#2 says saved 3 {} v1\n breaks b#3 nonsense",
    ];
    for fault in faults {
        let told = after_fault(fault);
        assert!(told.contains("b#2 <- rpc_request hop-1 from=a echo.say two"), "{fault}: {told}");
        assert!(told.contains("reply 1 failed"), "{fault}: {told}");
    }
}

#[test]
fn a_life_that_does_not_start_leaves_everything_as_it_was() {
    check(
        &pair(
            "order 1 swap b
             spawn-fails b#3 no memory
             a says call 1 echo say
             order 2 swap b
             spawned b#4
             wait 30000
             exit b#4 signal 9
             order 3 swap b
             spawned b#5
             b#5 says nack init no database",
        ),
        expect![[r#"
            > order 1 swap b
              journal swap.begun b#2 next=3 version="" carries="state"
              spawn b#3
            > spawn-fails b#3 no memory
              journal swap.refused b#2 next=3 step="starting" why="the new life could not be started: no memory"
              reply 1 failed Failed: while starting: the new life could not be started: no memory
              signal b#3 kill
            > a says call 1 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > order 2 swap b
              journal swap.begun b#2 next=4 version="" carries="state"
              spawn b#4
            > spawned b#4
              b#4 <- init
            > wait 30000
              at 30.000s
              b#2 <- cancel hop-1
              a#1 <- rpc_response 1 error: timeout
              a#1 <- ping
              b#2 <- ping
              journal swap.refused b#2 next=4 step="starting" why="the new life was not ready in time"
              reply 2 failed Failed: while starting: the new life was not ready in time
              signal b#4 kill
            > exit b#4 signal 9
            > order 3 swap b
              journal swap.begun b#2 next=5 version="" carries="state"
              spawn b#5
            > spawned b#5
              b#5 <- init
            > b#5 says nack init no database
              journal swap.refused b#2 next=5 step="starting" why="the new life could not begin: no database"
              reply 3 failed Failed: while starting: the new life could not begin: no database
              signal b#5 kill
        "#]],
    );
}

#[test]
fn an_old_life_that_dies_on_the_way_ends_the_swap_and_is_restarted() {
    check(
        &saving(
            "a says call 2 echo say two
             exit b#2 1
             exit b#3 signal 9",
        ),
        expect![[r#"
            > a says call 2 echo say two
            > exit b#2 1
              journal swap.refused b#2 next=3 step="saving" why="the old life ended"
              reply 1 failed Failed: while saving: the old life ended
              signal b#3 kill
              journal module.exited b#2 exit="left with exit code 1" after_ms=0 state="ready"
              a#1 <- rpc_response 2 error: Module b stopped while processing RPC
              journal restart.planned b wait_ms=1048 attempt=1 max_restarts=5
            > exit b#3 signal 9
        "#]],
    );
}

#[test]
fn two_swaps_at_once_are_one_and_a_refusal() {
    check(
        &pair("order 1 swap b\n order 2 swap b\n order 3 await-swap b\n order 4 await-swap a"),
        expect![[r#"
            > order 1 swap b
              journal swap.begun b#2 next=3 version="" carries="state"
              spawn b#3
            > order 2 swap b
              reply 2 failed Refused: a swap of it is under way
            > order 3 await-swap b
            > order 4 await-swap a
              reply 4 already
        "#]],
    );
}

#[test]
fn who_says_nothing_of_its_state_is_not_swapped_unless_an_operator_says_so() {
    check(
        "module c
         discover
         up c
         quiet
         order 1 swap c
         order 2 swap-empty c
         spawned c#2
         c#2 says ready
         c#2 says pong",
        expect![[r#"
            > order 1 swap c
              reply 1 failed Refused: it neither hands over state nor says that it keeps none
            > order 2 swap-empty c
              journal swap.begun c#1 next=2 version="" carries="nothing"
              spawn c#2
            > spawned c#2
              c#2 <- init
            > c#2 says ready
              c#2 <- ping
            > c#2 says pong
              journal swap.done c#1 next=2 state_bytes=0 after_ms=0
              promoted c#2
              c#2 <- deps_ready
              reply 2 swapped 0
              c#1 <- shutdown
        "#]],
    );
}

#[test]
fn a_full_queue_answers_overloaded_and_the_rest_arrives() {
    let mut script = String::from("quiet\n");
    for number in 0..QUEUE_FRAMES_MAX_DEFAULT + 2 {
        script += &format!("a says call c{number} echo say\n");
    }
    script += "b#2 says saved 3 {} v1\n b#3 says restored 3\n b#3 says pong\n";
    let heard = heard(&saving(&script), &[""]);
    let count = |what: &str| heard.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("overloaded"), 2);
    assert_eq!(count("b#3 <- rpc_request"), QUEUE_FRAMES_MAX_DEFAULT);
    assert_eq!(count("b#2 <- rpc_request"), 0);
    assert_eq!(count("2 calls and messages found no room"), 1);
}

/// A module whose files changed, on probation: the new life answers, the old one is warm.
const TRIED: &str = "manner b keep
     module b provides=echo state cancel print=2 version=2
     discover
     spawned b#3
     b#3 says ready
     b#2 says saved 3 {} v1
     b#3 says restored 3
     b#3 says pong
     quiet\n";

fn tried(script: &str) -> String {
    format!("{PAIR}{TRIED}{script}")
}

#[test]
fn files_that_are_the_earlier_ones_again_are_one_flip_back_to_the_warm_life() {
    check(
        &tried(
            "a says call 1 echo say
             module b provides=echo state cancel print=1
             discover
             a says call 2 echo say
             b#3 says answer 1 \"late\"
             exit b#3 0",
        ),
        expect![[r#"
            > a says call 1 echo say
              b#3 <- rpc_request hop-1 from=a echo.say
            > module b provides=echo state cancel print=1
            > discover
              journal module.changed b#3
              journal swap.fell_back b#3 old=2 why="its files are the earlier ones again" version=""
              promoted b#2
            > a says call 2 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > b#3 says answer 1 "late"
              a#1 <- rpc_response 1 result "late"
              b#3 <- shutdown
            > exit b#3 0
        "#]],
    );
}

#[test]
fn a_new_life_that_dies_on_probation_is_followed_by_the_warm_one_at_once() {
    check(
        &tried(
            "a says call 1 echo say
             exit b#3 1
             a says call 2 echo say
             view b",
        ),
        expect![[r#"
            > a says call 1 echo say
              b#3 <- rpc_request hop-1 from=a echo.say
            > exit b#3 1
              journal swap.fell_back b#3 old=2 why="left with exit code 1" version=""
              promoted b#2
              a#1 <- rpc_response 1 error: Module b stopped while processing RPC
            > a says call 2 echo say
              b#2 <- rpc_request hop-1 from=a echo.say
            > view b
              view b ready restarts=0 note=""
        "#]],
    );
}

#[test]
fn a_released_warm_life_ends_and_is_not_there_any_more() {
    check(
        &tried(
            "order 5 release b
             exit b#2 0
             exit b#3 1",
        ),
        expect![[r#"
            > order 5 release b
              journal swap.released b#3 old=2
              b#2 <- shutdown
              reply 5 done
            > exit b#2 0
            > exit b#3 1
              journal module.exited b#3 exit="left with exit code 1" after_ms=0 state="ready"
              journal restart.planned b wait_ms=1048 attempt=1 max_restarts=5
        "#]],
    );
}

#[test]
fn a_warm_life_may_neither_speak_nor_ask() {
    check(
        "module a hears=news
         module b provides=echo may=echo speaks=news state print=1
         discover
         up a b
         quiet
         manner b keep
         module b provides=echo may=echo speaks=news state print=2
         discover
         spawned b#3
         b#3 says ready
         b#2 says saved 3 {} v1
         b#3 says restored 3
         b#3 says pong
         quiet
         b#2 says publish news 1
         b#2 says call 9 echo say
         b#3 says publish news 2",
        expect![[r#"
            > b#2 says publish news 1
              warn b#2 publish on `news` before it was ready
            > b#2 says call 9 echo say
              b#2 <- rpc_response 9 error: Module not ready
            > b#3 says publish news 2
              a#1 <- deliver news 2
        "#]],
    );
}

#[test]
fn a_stop_in_the_middle_ends_both_lives() {
    check(
        &saving("order 2 stop b\n exit b#3 signal 9\n exit b#2 0"),
        expect![[r#"
            > order 2 stop b
              journal order.stop b#2
              journal swap.refused b#2 next=3 step="saving" why="the module is to end"
              reply 1 failed Failed: while saving: the module is to end
              signal b#3 kill
              journal module.stopping b#2 reason="requested" grace_ms=5000
              b#2 <- shutdown
            > exit b#3 signal 9
            > exit b#2 0
              journal module.stopped b#2 reason="requested" exit="exit code 0"
              reply 2 done
        "#]],
    );
}

#[test]
fn a_shutdown_waits_for_the_lives_beside_too() {
    check(
        &tried("order 9 shutdown\n exit a 0\n exit b#3 0\n exit b#2 0"),
        expect![[r#"
            > order 9 shutdown
              journal order.shutdown
              journal shutdown.begun modules=2 tiers=1
              journal module.stopping a#1 reason="shutdown" grace_ms=5000
              a#1 <- shutdown
              b#2 <- shutdown
              journal module.stopping b#3 reason="shutdown" grace_ms=5000
              b#3 <- shutdown
            > exit a 0
              journal module.stopped a#1 reason="shutdown" exit="exit code 0"
            > exit b#3 0
              journal module.stopped b#3 reason="shutdown" exit="exit code 0"
            > exit b#2 0
              journal shutdown.done
              reply 9 done
              finished
        "#]],
    );
}

#[test]
fn a_module_that_is_to_be_restarted_is_not_swapped() {
    let heard = heard(&pair("manner b restart\n module b provides=echo state print=2\n discover"), &[""]);
    assert!(heard.iter().any(|line| line.contains("b#2 <- shutdown")), "{heard:?}");
}

#[test]
fn files_that_change_back_before_the_flip_end_the_swap() {
    let script = "module b provides=echo state cancel print=2
         discover
         spawned b#3
         module b provides=echo state cancel print=1
         discover
         view b";
    let heard = heard(&pair(script), &[""]);
    assert!(heard.iter().any(|line| line.contains("swap.refused")), "{heard:?}");
    assert!(heard.iter().any(|line| line.contains("signal b#3 kill")), "{heard:?}");
    assert!(heard.iter().any(|line| line.contains("view b ready")), "{heard:?}");
}

#[test]
fn what_comes_late_for_a_swap_that_is_over_changes_nothing() {
    let late = "wait 2000
         quiet
         b#2 says saved 3 {} v1
         b#3 says restored 3
         b#3 says pong
         b#3 says ready";
    let told = heard(&saving(late), &[""]);
    assert!(told.is_empty(), "{told:?}");
}
