//! Guests that loop, allocate, trap, recurse, flood and lie. Each ends with a reason, and the engine goes on.

use std::time::{Duration, Instant};

use wasm::{
    Answer, Bound, Context, Engine, EngineOptions, EntryPoint, Fault, Instance, Limits, Metering, Outcome,
};

use crate::guests::Guest;
use crate::host::{Host, engine, identity, instance, module};

const SHORT: Limits = Limits { deadline: Duration::from_millis(30), ..Limits::MODULE };

/// Passes time without a sleep.
pub(crate) fn spin_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn fault_of(body: &str, limits: Limits) -> (Fault, Instance, Host) {
    let guest = Guest::new().with("on-message", body).text();
    let (mut instance, host) = instance(&engine(), &guest, limits);
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(instance.is_gone());
    assert_eq!(instance.message(Context::default(), 0, b"x"), Err(Fault::Gone));
    assert_eq!(instance.memory_bytes(), 0);
    (fault, instance, host)
}

#[test]
fn loop_without_end_is_ended_at_its_deadline() {
    let start = Instant::now();
    let (fault, _, _) = fault_of("(loop $again (br $again)) (unreachable)", SHORT);
    assert!(matches!(&fault, Fault::Deadline { entry: EntryPoint::Message, .. }), "{fault}");
    assert!(fault.to_string().contains("on-message"), "{fault}");
    assert!(start.elapsed() >= SHORT.deadline);
}

#[test]
fn trap_says_what_and_where() {
    let deep = "(func $inner (unreachable)) (func $outer (call $inner))";
    let guest = Guest::new().function(deep).with("on-message", "(call $outer) (call $ok)").text();
    let (mut instance, _) = instance(&engine(), &guest, Limits::MODULE);
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(fault.to_string().contains("unreachable"), "{fault}");
    let Fault::Trapped { frames, .. } = &fault else { panic!("{fault}") };
    let places: Vec<_> = frames.0.iter().map(|frame| frame.split_once(" @0x").expect("a place")).collect();
    let names: Vec<_> = places.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["inner", "outer", "on-message"]);
    // Offsets in the file, in the order in which the functions stand there.
    let at: Vec<_> = places.iter().map(|(_, at)| u32::from_str_radix(at, 16).unwrap()).collect();
    assert!(at[0] < at[1] && at[1] < at[2], "{at:x?}");
}

#[test]
fn memory_without_end_stops_at_the_limit_and_names_it() {
    let body =
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    let limits = Limits { memory_bytes_max: 4 << 20, ..Limits::MODULE };
    let (fault, _, _) = fault_of(body, limits);
    let Fault::Trapped { bound, .. } = &fault else { panic!("{fault}") };
    assert_eq!(*bound, Some(Bound::Memory(4 << 20)));
    assert!(fault.to_string().contains("4194304 bytes (memory_bytes_max)"), "{fault}");
}

#[test]
fn recursion_without_end_overflows_its_own_stack_only() {
    let deep = "(func $down (param i32) (result i32) (i32.add (call $down (local.get 0)) (i32.const 1)))";
    let guest =
        Guest::new().function(deep).with("on-message", "(drop (call $down (i32.const 1))) (call $ok)");
    let (mut instance, _) = instance(&engine(), &guest.text(), Limits::MODULE);
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(fault.to_string().contains("call stack exhausted"), "{fault}");
    let Fault::Trapped { frames, .. } = fault else { panic!("a trap") };
    assert!(frames.0.len() <= 16);
}

#[test]
fn flood_of_host_calls_ends_at_the_deadline() {
    let (fault, _, host) =
        fault_of("(loop $again (drop (call $monotonic)) (br $again)) (unreachable)", SHORT);
    assert!(matches!(fault, Fault::Deadline { .. }), "{fault}");
    assert!(host.seen.lock().unwrap().clock_asked > 0);
}

#[test]
fn flood_of_log_lines_is_cut_and_counted() {
    let body = "(local $n i32) (local.set $n (i32.const 2500))
        (loop $again (call $log (i32.const 2) (i32.const 1088) (i32.const 20))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $ok)";
    let guest = Guest::new().with("on-message", body).text();
    let (mut instance, host) = instance(&engine(), &guest, Limits::MODULE);
    instance.message(Context::default(), 0, b"x").unwrap();
    let lines = host.seen.lock().unwrap().lines.clone();
    assert_eq!(lines.len(), 1_001);
    assert_eq!(lines.last().unwrap().1, "1500 log lines of one entry were dropped");
}

#[test]
fn flood_of_messages_is_refused_with_full() {
    let body = "(local $n i32) (local.set $n (i32.const 5000))
        (loop $again (call $publish (i32.const 0) (i32.const 1088) (i32.const 20) (i32.const 520))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (if (i32.eq (i32.load8_u (i32.const 521)) (i32.const 3))
          (then (return (call $fail (i32.const 1024) (i32.const 7)))))
        (call $ok)";
    let guest = Guest::new()
        .with("init", "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512)) (call $ok)")
        .with("on-message", body)
        .text();
    let (mut instance, host) = instance(&engine(), &guest, Limits::MODULE);
    instance.init(Context::default()).unwrap();
    let outcome = instance.message(Context::default(), 0, b"x").unwrap();
    assert_eq!(host.seen.lock().unwrap().published.len(), 4_096);
    assert_eq!(outcome, Outcome::Done(Answer::Failed("topic.a".to_owned())));
}

#[test]
fn unopened_topic_number_is_refused_as_a_value() {
    let body = "(call $publish (i32.const 5) (i32.const 1088) (i32.const 20) (i32.const 520))
        (if (i32.eq (i32.load8_u (i32.const 521)) (i32.const 1))
          (then (return (call $fail (i32.const 1024) (i32.const 7)))))
        (call $ok)";
    let guest = Guest::new().with("on-message", body).text();
    let (mut instance, host) = instance(&engine(), &guest, Limits::MODULE);
    let outcome = instance.message(Context::default(), 0, b"x").unwrap();
    assert_eq!(outcome, Outcome::Done(Answer::Failed("topic.a".to_owned())));
    assert!(host.seen.lock().unwrap().published.is_empty());
}

#[test]
fn slow_host_function_uses_up_the_deadline() {
    let guest = Guest::new().with("on-message", "(drop (call $monotonic)) (call $ok)").text();
    let (mut instance, host) = instance(&engine(), &guest, SHORT);
    host.seen.lock().unwrap().on_clock = Some(|| spin_for(Duration::from_millis(90)));
    let start = Instant::now();
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(matches!(fault, Fault::Deadline { .. }), "{fault}");
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(instance.is_gone());
}

#[test]
fn shorter_deadline_of_one_entry_holds() {
    let guest = Guest::new().with("on-message", "(loop $again (br $again)) (unreachable)").text();
    let (mut instance, _) = instance(&engine(), &guest, Limits::MODULE);
    let context = Context { deadline_ms: Some(10), ..Context::default() };
    let fault = instance.message(context, 0, b"x").unwrap_err();
    assert!(
        matches!(fault, Fault::Deadline { deadline, .. } if deadline == Duration::from_millis(10)),
        "{fault}"
    );
}

#[test]
fn state_that_lies_outside_of_memory_is_a_trap() {
    let guest = Guest::new()
        .with("save-state", "(call $saved (i32.const 1) (i32.const 0x7fff0000) (i32.const 0x7fffffff))")
        .text();
    let (mut instance, _) = instance(&engine(), &guest, Limits::MODULE);
    let fault = instance.save(Context::default()).unwrap_err();
    assert!(matches!(fault, Fault::Trapped { .. }), "{fault}");
    assert!(instance.is_gone());
}

#[test]
fn state_above_its_bound_is_not_taken() {
    let guest = Guest::new()
        .with("save-state", "(drop (memory.grow (i32.const 300))) (call $saved (i32.const 1) (i32.const 0) (i32.const 16777217))")
        .text();
    let (mut instance, _) = instance(&engine(), &guest, Limits::MODULE);
    let fault = instance.save(Context::default()).unwrap_err();
    assert!(matches!(fault, Fault::Answer { bytes: 16_777_217, .. }), "{fault}");
}

#[test]
fn foreign_state_is_refused_by_the_guest_and_it_lives_on() {
    let (mut instance, _) = instance(&engine(), &Guest::new().text(), Limits::MODULE);
    let saved = wasm::Saved { version: 9, data: vec![0; 4] };
    let outcome = instance.restore(Context::default(), &saved).unwrap();
    assert_eq!(outcome, Outcome::Done(Answer::Failed("it is not well".to_owned())));
    assert!(!instance.is_gone());
}

#[test]
fn oversize_message_is_refused_before_the_guest_is_entered() {
    let (mut instance, _) = instance(&engine(), &Guest::new().text(), Limits::MODULE);
    let fault = instance.message(Context::default(), 0, &vec![0; (1 << 20) + 1]).unwrap_err();
    assert_eq!(fault, Fault::Oversize { bytes: (1 << 20) + 1, max: 1 << 20 });
    assert!(!instance.is_gone());
    assert!(instance.message(Context::default(), 0, &vec![0; 1 << 20]).is_ok());
}

#[test]
fn oversize_answer_ends_the_instance() {
    let body = "(drop (memory.grow (i32.const 30))) (call $bytes (i32.const 0) (i32.const 1048577))";
    let guest = Guest::new().with("on-call", body).text();
    let (mut instance, _) = instance(&engine(), &guest, Limits::MODULE);
    let fault = instance.call(Context::default(), "s", "m", b"").unwrap_err();
    assert!(matches!(fault, Fault::Answer { bytes: 1_048_577, .. }), "{fault}");
}

#[test]
fn fuel_ends_a_loop_at_the_same_place_every_time() {
    let options = EngineOptions { instances_max: 8, metering: Metering::Fuel, ..EngineOptions::STANDARD };
    let engine = Engine::try_new(options).unwrap();
    let counted =
        Guest::new().with("on-message", "(loop $again (drop (call $monotonic)) (br $again)) (unreachable)");
    let limits = Limits { fuel: Some(100_000), ..Limits::MODULE };
    let mut counts = Vec::new();
    for _ in 0..2 {
        let (mut instance, host) = instance(&engine, &counted.text(), limits);
        let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
        assert!(matches!(fault, Fault::Fuel { fuel: 100_000, .. }), "{fault}");
        counts.push(host.seen.lock().unwrap().clock_asked);
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0] > 100);
}

#[test]
fn full_pool_refuses_the_next_instance_and_takes_it_when_one_left() {
    let options = EngineOptions { instances_max: 2, ..EngineOptions::STANDARD };
    let engine = Engine::try_new(options).unwrap();
    let module = module(&engine, &Guest::new().text());
    let make = || Instance::try_new(&module, identity(), Limits::MODULE, Box::new(Host::default()));
    let first = make().unwrap();
    let _second = make().unwrap();
    let fault = make().unwrap_err();
    assert!(matches!(fault, Fault::NotMade { .. }), "{fault}");
    drop(first);
    assert!(make().is_ok());
}
