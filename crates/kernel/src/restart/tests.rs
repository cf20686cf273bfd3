//! The policy against a naive twin, and at its edges.

use core::time::Duration;

use abi::Time;
use proptest::prelude::*;

use super::{Bucket, Policy, Verdict};
use crate::random::Random;

const POLICY: Policy = Policy { base: Duration::from_secs(1), max: Duration::from_secs(60), restarts_max: 5 };

fn wait_of(count: u32) -> Duration {
    match POLICY.decide(count, Duration::ZERO, &mut Random::new(7)) {
        Verdict::After(wait, _) => wait,
        other => panic!("expected a wait, got {other:?}"),
    }
}

#[test]
fn a_module_that_was_well_for_a_minute_starts_at_once() {
    let verdict = POLICY.decide(4, Duration::from_secs(60), &mut Random::new(1));
    assert_eq!(verdict, Verdict::Now);
}

#[test]
fn one_millisecond_short_of_a_minute_is_counted() {
    let verdict = POLICY.decide(0, Duration::from_millis(59_999), &mut Random::new(1));
    assert!(matches!(verdict, Verdict::After(_, 1)));
}

#[test]
fn the_exit_after_the_last_restart_is_given_up() {
    assert!(matches!(POLICY.decide(4, Duration::ZERO, &mut Random::new(1)), Verdict::After(_, 5)));
    assert_eq!(POLICY.decide(5, Duration::ZERO, &mut Random::new(1)), Verdict::GiveUp(5));
}

#[test]
fn waits_double_within_a_fifth() {
    for count in 0..5 {
        let plain_ms = 1000_u128 << count;
        let wait_ms = wait_of(count).as_millis();
        assert!((plain_ms * 8 / 10..=plain_ms * 12 / 10).contains(&wait_ms), "{count}: {wait_ms}");
    }
}

#[test]
fn no_restarts_allowed_means_none_even_when_well() {
    let none = Policy { restarts_max: 0, ..POLICY };
    assert_eq!(none.decide(0, Duration::from_secs(90), &mut Random::new(1)), Verdict::GiveUp(0));
}

#[test]
fn an_empty_bucket_says_when_it_has_one() {
    let mut bucket = Bucket::new(2);
    assert_eq!(bucket.take(Time(0), 2, 10), Ok(()));
    assert_eq!(bucket.take(Time(0), 2, 10), Ok(()));
    assert_eq!(bucket.take(Time(0), 2, 10), Err(Time(100)));
    assert_eq!(bucket.take(Time(99), 2, 10), Err(Time(100)));
    assert_eq!(bucket.take(Time(100), 2, 10), Ok(()));
}

/// The naive twin: floating point, the formula as the contract writes it.
fn twin_bounds(count: u32, base_ms: u64, max_ms: u64) -> (f64, f64) {
    let plain = (base_ms as f64 * 2f64.powi(count as i32)).min(max_ms as f64);
    (plain * 0.8 - 2.0, plain * 1.2 + 2.0)
}

proptest! {
    #[test]
    fn every_wait_lies_within_the_twin(count in 0u32..40, base_ms in 1u64..100_000, max_ms in 1u64..1_000_000,
                                       allowed in 1u32..50, healthy_ms in 0u64..120_000, seed: u64) {
        let policy = Policy {
            base: Duration::from_millis(base_ms),
            max: Duration::from_millis(max_ms),
            restarts_max: allowed,
        };
        let verdict = policy.decide(count, Duration::from_millis(healthy_ms), &mut Random::new(seed));
        if healthy_ms >= 60_000 {
            prop_assert_eq!(verdict, Verdict::Now);
        } else if count >= allowed {
            prop_assert_eq!(verdict, Verdict::GiveUp(count));
        } else if let Verdict::After(wait, next) = verdict {
            let (least, most) = twin_bounds(count, base_ms, max_ms);
            let wait_ms = wait.as_millis() as f64;
            prop_assert!(least <= wait_ms && wait_ms <= most, "{} not in {}..{}", wait_ms, least, most);
            prop_assert_eq!(next, count + 1);
        } else {
            prop_assert!(false, "{:?}", verdict);
        }
    }

    #[test]
    fn a_bucket_never_gives_more_than_burst_and_rate(burst in 1u32..200, per_s in 1u32..500,
                                                     steps in proptest::collection::vec(0u64..200, 1..300)) {
        let (mut bucket, mut now, mut taken) = (Bucket::new(burst), Time(0), 0u64);
        for step_ms in steps {
            now = now + Duration::from_millis(step_ms);
            if bucket.take(now, burst, per_s).is_ok() {
                taken += 1;
            }
            prop_assert!(taken <= u64::from(burst) + now.0 * u64::from(per_s) / 1000);
        }
    }
}
