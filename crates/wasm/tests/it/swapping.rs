//! One instance takes another's place with its state, or it does not and the old one goes on.

use wasm::{Answer, Context, Limits, Outcome, SwapError, swap};

use crate::guests::Guest;
use crate::host::{engine, instance};

const STATE_3: [u8; 4] = [3, 0, 0, 0];

fn saved(outcome: Outcome) -> Vec<u8> {
    let Outcome::Done(Answer::Saved(saved)) = outcome else { panic!("{outcome:?}") };
    saved.data
}

#[test]
fn successor_goes_on_with_the_state() {
    let engine = engine();
    let (mut current, _) = instance(&engine, &Guest::new().text(), Limits::MODULE);
    let (new, _) = instance(
        &engine,
        &Guest::new().with("health", "(call $fail (i32.const 1056) (i32.const 14))").text(),
        Limits::MODULE,
    );
    for _ in 0..3 {
        current.message(Context::default(), 0, b"x").unwrap();
    }
    let swapped = swap(&mut current, new, &Context::default()).unwrap();
    assert_eq!(swapped.state_bytes, 4);
    assert!(!swapped.old.is_gone());
    assert_eq!(saved(current.save(Context::default()).unwrap()), STATE_3);
    let health = current.health(Context::default());
    assert_eq!(health, Ok(Outcome::Done(Answer::Failed("it is not well".to_owned()))), "it is the new one");
}

fn refused(new: Guest) -> SwapError {
    let engine = engine();
    let (mut current, _) = instance(&engine, &Guest::new().text(), Limits::MODULE);
    let (new, _) = instance(&engine, &new.text(), Limits::MODULE);
    for _ in 0..3 {
        current.message(Context::default(), 0, b"x").unwrap();
    }
    let error = swap(&mut current, new, &Context::default()).unwrap_err();
    assert_eq!(saved(current.save(Context::default()).unwrap()), STATE_3, "the old one goes on");
    error
}

#[test]
fn successor_that_refuses_the_state_is_dropped_with_its_reason() {
    let error = refused(Guest::new().with("restore-state", "(call $fail (i32.const 1056) (i32.const 14))"));
    assert_eq!(error.to_string(), "its successor refuses the state (version 1, 4 bytes): it is not well");
}

#[test]
fn successor_that_traps_is_dropped() {
    let error = refused(Guest::new().with("restore-state", "(unreachable)"));
    assert!(matches!(error, SwapError::NewFell(_)), "{error}");
}

#[test]
fn predecessor_that_refuses_goes_on() {
    let engine = engine();
    let guest = Guest::new().with("save-state", "(call $fail (i32.const 1056) (i32.const 14))").text();
    let (mut current, _) = instance(&engine, &guest, Limits::MODULE);
    let (new, _) = instance(&engine, &Guest::new().text(), Limits::MODULE);
    let error = swap(&mut current, new, &Context::default()).unwrap_err();
    assert_eq!(error, SwapError::OldRefuses { reason: "it is not well".to_owned() });
    assert!(current.message(Context::default(), 0, b"x").is_ok());
}
