//! What an engine's numbers mean.

use std::time::Duration;

use super::*;

#[test]
fn deadline_is_never_shorter_than_asked_for() {
    assert_eq!(ticks_of(Duration::ZERO), 2);
    assert_eq!(ticks_of(Duration::from_millis(1)), 2);
    assert_eq!(ticks_of(Duration::from_micros(1_500)), 3);
    assert_eq!(ticks_of(Duration::from_secs(30)), 30_001);
    assert_eq!(ticks_of(Duration::from_nanos(2_000_000_001)), 2_002);
    assert!(ticks_of(Duration::MAX) >= u64::MAX / 4);
}

#[test]
fn clock_moves_while_a_guest_runs() {
    let engine = Engine::try_new(EngineOptions { instances_max: 4, ..EngineOptions::STANDARD }).unwrap();
    let running = engine.running();
    let before = engine.now_ticks();
    let start = std::time::Instant::now();
    while engine.now_ticks() < before + 3 {
        assert!(start.elapsed() < Duration::from_secs(20), "the clock stands still");
        std::thread::yield_now();
    }
    drop(running);
}
