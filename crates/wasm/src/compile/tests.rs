//! A compilation that takes too long is given up, and what is given up still counts until it ends.

use std::sync::mpsc;

use super::*;

#[test]
fn compilation_is_given_up_and_its_place_counts_until_it_ends() {
    let (go, wait) = mpsc::channel::<()>();
    let slow = within(Duration::from_millis(20), move || {
        let _ = wait.recv();
        Ok(())
    });
    assert!(matches!(slow, Err(CompileError::TookTooLong { .. })), "{slow:?}");
    assert!(*RUNNING.lock().unwrap() >= 1);
    drop(go);
    // The place comes free, so two at once get theirs in the end.
    for _ in 0..COMPILATIONS_MAX + 1 {
        assert_eq!(within(Duration::from_secs(20), || Ok(7)), Ok(7));
    }
}

#[test]
fn compiler_that_panics_is_an_error() {
    let failed: Result<(), _> = within(Duration::from_secs(20), || panic!("on purpose"));
    assert!(matches!(failed, Err(CompileError::Failed { .. })), "{failed:?}");
}
