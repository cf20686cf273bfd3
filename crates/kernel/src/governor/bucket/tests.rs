//! The token bucket: burst, rate, debts, and clocks that misbehave.

use core::time::Duration;

use abi::Time;

use super::TokenBucket;

const TENTH: Duration = Duration::from_millis(100);

#[test]
fn a_full_bucket_gives_its_burst_and_then_its_rate() {
    let mut bucket = TokenBucket::new(Time(0), 100, TENTH);
    assert_eq!((0..20).filter(|_| bucket.take(Time(0))).count(), 10);
    assert!(!bucket.take(Time(9)), "a hundredth of a second is one token");
    assert!(bucket.take(Time(10)));
    assert_eq!((0..999).filter(|at| bucket.take(Time(11 + at))).count(), 99);
}

#[test]
fn a_debt_is_waited_for_as_long_as_it_takes() {
    let mut bucket = TokenBucket::new(Time(0), 1000, TENTH);
    bucket.spend(Time(0), 100);
    assert_eq!(bucket.wait(Time(0)), None, "the burst paid it");
    bucket.spend(Time(0), 50);
    assert_eq!(bucket.wait(Time(0)), Some(Duration::from_millis(50)));
    assert_eq!(bucket.wait(Time(49)), Some(Duration::from_millis(1)));
    assert_eq!(bucket.wait(Time(50)), None);
}

#[test]
fn over_any_time_no_more_is_given_than_rate_and_burst() {
    let mut bucket = TokenBucket::new(Time(0), 7, TENTH);
    let given = (0..60_000).filter(|at| bucket.take(Time(*at))).count();
    assert!((7 * 60 - 1..=7 * 60 + 1).contains(&given), "{given}");
}

#[test]
fn a_clock_that_stands_or_goes_back_and_huge_numbers_are_harmless() {
    let mut bucket = TokenBucket::new(Time(u64::MAX), u64::MAX, Duration::MAX);
    bucket.spend(Time(0), u64::MAX);
    assert!(!bucket.take(Time(5)));
    assert!(bucket.wait(Time(u64::MAX)).is_some());
    let mut least = TokenBucket::new(Time(0), 0, Duration::ZERO);
    assert!(least.take(Time(0)) && !least.take(Time(0)) && least.take(Time(1000)));
}
