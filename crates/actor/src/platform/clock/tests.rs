//! A clock that never goes back and keeps near the system's.

use super::*;

#[test]
fn clock_never_goes_back_and_keeps_pace_with_the_system() {
    /// A hundred times what calibration may be off, so that a busy machine is no failure.
    const ERROR_PER_MILLE: u128 = 5;
    let clock = Clock::new();
    let (begin, begin_ns) = (Instant::now(), clock.now());
    let mut last = begin_ns;
    while begin.elapsed() < Duration::from_millis(20) {
        let now = clock.now();
        assert!(now >= last);
        last = now;
    }
    let before = clock.now() - begin_ns;
    let real = begin.elapsed().as_nanos();
    let after = clock.now() - begin_ns;
    assert!(u128::from(before) <= real + real * ERROR_PER_MILLE / 1000, "{before} against {real}");
    assert!(u128::from(after) >= real - real * ERROR_PER_MILLE / 1000, "{after} against {real}");
}

#[test]
fn all_clocks_of_a_process_agree() {
    let (first, second) = (Clock::new(), Clock::new());
    let (a, b, c) = (first.now(), second.now(), first.now());
    assert!(a <= b && b <= c);
}

#[test]
fn counter_multiplies_without_overflow() {
    let counter = Counter { start_ticks: 100, rate: 1 << FRACTION_BITS };
    assert_eq!((counter.elapsed_ns(99), counter.elapsed_ns(107)), (0, 7));
    assert_eq!(counter.elapsed_ns(u64::MAX), u64::MAX - 100);
    let slow = Counter { start_ticks: 0, rate: u64::MAX };
    assert_eq!(slow.elapsed_ns(u64::MAX), u64::MAX);
}
