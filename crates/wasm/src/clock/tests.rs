//! The clock sleeps when nobody runs, wakes for the next one, and ends with its owner.

use super::*;

fn wait_for(what: &str, mut seen: impl FnMut() -> bool) {
    let start = Instant::now();
    while !seen() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited too long for: {what}");
        thread::yield_now();
    }
}

#[test]
fn idle_clock_sleeps_and_the_next_guest_wakes_it() {
    let clock = Clock::try_new(wasmtime::Engine::default(), Duration::from_millis(1)).unwrap();
    wait_for("sleep", || clock.shared.asleep.load(Ordering::SeqCst));
    let asleep_at = clock.now_ticks();
    let running = clock.running();
    wait_for("ticks", || clock.now_ticks() >= asleep_at + 2);
    assert!(!clock.shared.asleep.load(Ordering::SeqCst));
    drop(running);
}

#[test]
fn clock_ends_with_its_owner_even_while_a_guest_runs() {
    let clock = Clock::try_new(wasmtime::Engine::default(), Duration::from_millis(1)).unwrap();
    let shared = Arc::clone(&clock.shared);
    std::mem::forget(clock.running());
    drop(clock);
    assert_eq!(Arc::strong_count(&shared), 1, "the thread is gone");
}
