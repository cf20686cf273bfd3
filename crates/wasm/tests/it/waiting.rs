//! A guest that waits for another module's answer: no core is kept, nothing else enters, and the deadline holds.

use std::time::Duration;

use wasm::{
    Answer, CallFailure, Context, Engine, EngineOptions, Fault, Instance, Limits, Module, Outcome, Pace,
    Ticket,
};

use crate::guests::Guest;
use crate::host::{Host, engine, grant, identity, instance, module};

/// Calls `adder.add` with its own parameters, and answers with what it got, or fails when it got a failure.
fn asking() -> String {
    Guest::new()
        .calling()
        .with(
            "on-call",
            "(call $call (i32.const 1120) (i32.const 5) (i32.const 1128) (i32.const 3)
               (local.get $at) (local.get $len) (i32.const 0) (i32.const 512))
             (if (i32.load8_u (i32.const 512)) (then (return (call $fail (i32.const 1056) (i32.const 14)))))
             (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))",
        )
        .text()
}

fn waiting(limits: Limits) -> (Instance, Host, Ticket) {
    let (mut instance, host) = instance(&engine(), &asking(), limits);
    let outcome = instance.call(Context::default(), "front", "ask", b"[1,2]").unwrap();
    let Outcome::Waiting(ticket) = outcome else { panic!("it waits for the adder, not {outcome:?}") };
    (instance, host, ticket)
}

#[test]
fn guest_waits_for_an_answer_and_goes_on_with_it() {
    let (mut instance, host, ticket) = waiting(Limits::MODULE);
    let calls = host.seen.lock().unwrap().calls.clone();
    assert_eq!(calls.len(), 1);
    let (asked, service, method, params, deadline_ms) = &calls[0];
    assert_eq!((*asked, service.as_str(), method.as_str()), (ticket, "adder", "add"));
    assert_eq!(params, b"[1,2]");
    assert!((29_000..=30_001).contains(deadline_ms), "{deadline_ms}");
    assert_eq!(instance.waiting(), Some(ticket));
    let answered = instance.resume(ticket, Ok(b"3".to_vec()));
    assert_eq!(answered, Ok(Outcome::Done(Answer::Bytes(b"3".to_vec()))));
    assert_eq!(instance.waiting(), None);
}

#[test]
fn failure_of_the_other_module_is_a_value_for_the_guest() {
    let (mut instance, _, ticket) = waiting(Limits::MODULE);
    let answered = instance.resume(ticket, Err(CallFailure::Gone));
    assert_eq!(answered, Ok(Outcome::Done(Answer::Failed("it is not well".to_owned()))));
}

#[test]
fn nothing_enters_while_it_waits() {
    let (mut instance, _, ticket) = waiting(Limits::MODULE);
    assert_eq!(instance.message(Context::default(), 0, b"x"), Err(Fault::Busy));
    assert_eq!(instance.resume(Ticket(99), Ok(Vec::new())), Err(Fault::NotWaiting));
    assert!(instance.resume(ticket, Ok(Vec::new())).is_ok());
    assert_eq!(instance.resume(ticket, Ok(Vec::new())), Err(Fault::NotWaiting));
}

#[test]
fn time_spent_waiting_counts_against_the_deadline() {
    let limits = Limits { deadline: Duration::from_millis(20), ..Limits::MODULE };
    let (mut instance, _, ticket) = waiting(limits);
    crate::hostile::spin_for(Duration::from_millis(60));
    let fault = instance.resume(ticket, Ok(b"late".to_vec())).unwrap_err();
    assert!(matches!(fault, Fault::Deadline { .. }), "{fault}");
    assert!(instance.is_gone());
}

#[test]
fn waiting_guest_can_be_dropped() {
    let (instance, _, _) = waiting(Limits::MODULE);
    drop(instance);
}

#[test]
fn as_many_can_wait_as_there_are_instances() {
    let engine = Engine::try_new(EngineOptions { instances_max: 300, ..EngineOptions::STANDARD }).unwrap();
    let module = module(&engine, &asking());
    let make = || Instance::try_new(&module, identity(), Limits::MODULE, Box::new(Host::default())).unwrap();
    let mut crowd: Vec<Instance> = (0..300).map(|_| make()).collect();
    for one in &mut crowd {
        assert!(matches!(one.call(Context::default(), "s", "m", b"{}"), Ok(Outcome::Waiting(_))));
    }
    for one in &mut crowd {
        let ticket = one.waiting().unwrap();
        assert_eq!(one.resume(ticket, Ok(b"1".to_vec())), Ok(Outcome::Done(Answer::Bytes(b"1".to_vec()))));
    }
}

/// Reads the secret that its parameters name, and answers with it, or with the number of the refusal.
fn reading() -> String {
    Guest::new()
        .reading_secrets()
        .with(
            "on-call",
            "(call $secret (local.get $at) (local.get $len) (i32.const 512))
             (if (i32.load8_u (i32.const 512)) (then (return (call $bytes (i32.const 516) (i32.const 1)))))
             (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))",
        )
        .text()
}

fn reader() -> (Instance, Host) {
    let mut granted = grant();
    granted.secrets.insert("token".to_owned());
    let module = Module::compile(&engine(), reading().as_bytes(), granted).unwrap();
    assert_eq!(module.pace(), Pace::Waits, "it imports `secrets.read`");
    let host = Host::default();
    (Instance::try_new(&module, identity(), Limits::MODULE, Box::new(host.clone())).unwrap(), host)
}

#[test]
fn a_granted_secret_is_waited_for_and_handed_over() {
    let (mut instance, host) = reader();
    let outcome = instance.call(Context::default(), "front", "ask", b"token").unwrap();
    let Outcome::Waiting(ticket) = outcome else { panic!("it waits for the vault, not {outcome:?}") };
    assert_eq!(host.seen.lock().unwrap().secrets_asked, ["token"]);
    let answered = instance.resume(ticket, Ok(b"hunter2".to_vec()));
    assert_eq!(answered, Ok(Outcome::Done(Answer::Bytes(b"hunter2".to_vec()))));
    let outcome = instance.call(Context::default(), "front", "ask", b"token").unwrap();
    let Outcome::Waiting(ticket) = outcome else { panic!("it waits for the vault, not {outcome:?}") };
    let answered = instance.resume(ticket, Err(CallFailure::Overloaded));
    assert_eq!(answered, Ok(Outcome::Done(Answer::Bytes(vec![1]))), "the host says that it is missing");
}

#[test]
fn a_secret_that_was_not_granted_is_not_even_asked_for() {
    let (mut instance, host) = reader();
    let answered = instance.call(Context::default(), "front", "ask", b"other");
    assert_eq!(answered, Ok(Outcome::Done(Answer::Bytes(vec![0]))));
    assert!(host.seen.lock().unwrap().secrets_asked.is_empty());
}
