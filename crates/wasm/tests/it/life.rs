//! What a well-behaved module sees and does.

use wasm::{Answer, Context, Level, Limits, Outcome, Pace, Purpose, Saved};

use crate::guests::Guest;
use crate::host::{engine, instance, module};

const DONE: Outcome = Outcome::Done(Answer::Nothing);

#[test]
fn module_goes_through_its_whole_life() {
    let (mut instance, _) = instance(&engine(), &Guest::new().text(), Limits::MODULE);
    assert_eq!(instance.init(Context::default()), Ok(DONE));
    assert_eq!(instance.message(Context::default(), 0, b"hello"), Ok(DONE));
    assert_eq!(instance.health(Context::default()), Ok(DONE));
    let called = instance.call(Context::default(), "echo", "say", br#"{"a":1}"#);
    assert_eq!(called, Ok(Outcome::Done(Answer::Bytes(br#"{"a":1}"#.to_vec()))));
    assert_eq!(instance.memory_bytes(), 65_536);
    assert_eq!(instance.shutdown(Context::default()), Ok(DONE));
    assert!(!instance.is_gone());
}

#[test]
fn state_goes_from_one_instance_to_its_successor() {
    let engine = engine();
    let (mut old, _) = instance(&engine, &Guest::new().text(), Limits::MODULE);
    for _ in 0..3 {
        old.message(Context::default(), 0, b"x").unwrap();
    }
    let Ok(Outcome::Done(Answer::Saved(saved))) = old.save(Context::default()) else {
        panic!("it saves its state");
    };
    assert_eq!(saved, Saved { version: 1, data: vec![3, 0, 0, 0] });
    let (mut new, _) = instance(&engine, &Guest::new().text(), Limits::MODULE);
    assert_eq!(new.restore(Context::default(), &saved), Ok(DONE));
    assert_eq!(new.save(Context::default()), Ok(Outcome::Done(Answer::Saved(saved))));
}

#[test]
fn guests_own_error_is_an_answer_and_it_lives_on() {
    let unwell = Guest::new().with("health", "(call $fail (i32.const 1056) (i32.const 14))").text();
    let (mut instance, _) = instance(&engine(), &unwell, Limits::MODULE);
    let answer = Outcome::Done(Answer::Failed("it is not well".to_owned()));
    assert_eq!(instance.health(Context::default()), Ok(answer));
    assert_eq!(instance.init(Context::default()), Ok(DONE));
}

#[test]
fn subscribed_topic_has_a_number_under_which_it_publishes() {
    let guest = Guest::new()
        .with("init", "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512)) (call $ok)")
        .with(
            "on-message",
            "(call $publish (i32.load (i32.const 516)) (local.get $at) (local.get $len) (i32.const 520)) (call $ok)",
        );
    let (mut instance, host) = instance(&engine(), &guest.text(), Limits::MODULE);
    instance.init(Context::default()).unwrap();
    instance.message(Context::default(), 0, b"payload").unwrap();
    let seen = host.seen.lock().unwrap();
    assert_eq!(seen.opened, [(0, "topic.a".to_owned(), Purpose::Subscribe)]);
    assert_eq!(seen.published, [(0, b"payload".to_vec())]);
}

#[test]
fn topic_without_capability_is_refused_as_a_value() {
    let guest = Guest::new().with(
        "init",
        "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512))
         (if (i32.and (i32.eq (i32.load8_u (i32.const 512)) (i32.const 1)) (i32.eqz (i32.load8_u (i32.const 516))))
           (then (return (call $fail (i32.const 1024) (i32.const 7)))))
         (call $ok)",
    );
    let (mut instance, host) = instance(&engine(), &guest.text(), Limits::MODULE);
    host.seen.lock().unwrap().denied_topics.push("topic.a".to_owned());
    let answer = Outcome::Done(Answer::Failed("topic.a".to_owned()));
    assert_eq!(instance.init(Context::default()), Ok(answer));
}

#[test]
fn log_lines_reach_the_host_with_their_level() {
    let guest =
        Guest::new().with("init", "(call $log (i32.const 3) (i32.const 1088) (i32.const 20)) (call $ok)");
    let (mut instance, host) = instance(&engine(), &guest.text(), Limits::MODULE);
    instance.init(Context::default()).unwrap();
    let lines = host.seen.lock().unwrap().lines.clone();
    assert_eq!(lines, [(Level::Warn, "hello from the guest".to_owned())]);
}

#[test]
fn only_who_imports_what_can_wait_has_a_stack_of_its_own() {
    let engine = engine();
    assert_eq!(module(&engine, &Guest::new().text()).pace(), Pace::Turn);
    assert_eq!(module(&engine, &Guest::new().calling().text()).pace(), Pace::Waits);
}

#[test]
fn what_it_prints_becomes_log_lines() {
    let guest = Guest::new()
        .printing()
        .with("init", "(call $write (call $stdout) (i32.const 1088) (i32.const 20) (i32.const 512)) (call $ok)")
        .with("health", "(i32.store8 (i32.const 1000) (i32.const 10)) (call $write (call $stdout) (i32.const 1000) (i32.const 1) (i32.const 512)) (call $ok)");
    let engine = engine();
    assert_eq!(module(&engine, &guest.text()).pace(), Pace::Blocks);
    let (mut instance, host) = instance(&engine, &guest.text(), Limits::MODULE);
    instance.init(Context::default()).unwrap();
    assert_eq!(host.seen.lock().unwrap().lines, [], "the line has not ended");
    instance.health(Context::default()).unwrap();
    let lines = host.seen.lock().unwrap().lines.clone();
    assert_eq!(lines, [(Level::Info, "hello from the guest".to_owned())]);
}

#[test]
fn what_can_wait_for_the_world_is_not_entered_inside_of_an_executor() {
    let engine = engine();
    let (mut instance, _) = instance(&engine, &Guest::new().printing().text(), Limits::MODULE);
    let executor = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fault = executor.block_on(async { instance.init(Context::default()) }).unwrap_err();
    assert!(fault.is_survivable(), "{fault}");
    assert_eq!(instance.init(Context::default()), Ok(DONE));
}
