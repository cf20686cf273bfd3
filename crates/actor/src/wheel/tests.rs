//! Against a sorted map that does the same slowly.

use alloc::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

fn fired(wheel: &mut Wheel<u32>, now: u64) -> Vec<u32> {
    let mut values = Vec::new();
    wheel.advance(now, |value| values.push(value));
    values
}

#[test]
fn timers_fire_at_their_nanosecond_and_in_order() {
    let mut wheel = Wheel::new(10);
    for (deadline, value) in [(5_000_000_001, 4), (70, 1), (5_000_000_000, 2), (5_000_000_000, 3)] {
        wheel.insert(deadline, value).unwrap();
    }
    assert_eq!(fired(&mut wheel, 69), []);
    assert_eq!(fired(&mut wheel, 70), [1]);
    assert_eq!(wheel.next(), Some(5_000_000_000));
    assert_eq!(fired(&mut wheel, 4_999_999_999), []);
    assert_eq!(fired(&mut wheel, 5_000_000_000), [2, 3]);
    assert_eq!(fired(&mut wheel, u64::MAX), [4]);
    assert_eq!((wheel.next(), wheel.len()), (None, 0));
}

#[test]
fn deadline_in_the_past_and_the_last_one_of_all_fire() {
    let mut wheel = Wheel::new(10);
    assert_eq!(fired(&mut wheel, 1 << 40), []);
    wheel.insert(3, 1).unwrap();
    wheel.insert(u64::MAX, 2).unwrap();
    assert_eq!(fired(&mut wheel, 1 << 40), [1]);
    assert_eq!(fired(&mut wheel, u64::MAX - 1), []);
    assert_eq!(fired(&mut wheel, u64::MAX), [2]);
}

#[test]
fn token_of_a_timer_that_is_gone_names_nothing() {
    let mut wheel = Wheel::new(1);
    let first = wheel.insert(10, 1).unwrap();
    assert_eq!(wheel.cancel(first), Some(1));
    let second = wheel.insert(20, 2).unwrap();
    assert_eq!(wheel.cancel(first), None);
    assert_eq!(wheel.next(), Some(20), "a cancelled timer leaves no wake-up behind");
    assert_eq!(fired(&mut wheel, 20), [2]);
    assert_eq!(wheel.cancel(second), None);
}

#[test]
fn full_wheel_gives_the_value_back() {
    let mut wheel = Wheel::new(2);
    wheel.insert(1, 1).unwrap();
    wheel.insert(1, 2).unwrap();
    assert_eq!(wheel.insert(1, 3), Err(3));
    assert_eq!(fired(&mut wheel, 1), [1, 2]);
    assert!(wheel.insert(1, 3).is_ok());
}

#[test]
fn panic_of_one_timer_leaves_the_others() {
    let mut wheel = Wheel::new(10);
    let tokens: Vec<_> = (1..=4).map(|value| wheel.insert(1, value).unwrap()).collect();
    let mut before = Vec::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        wheel.advance(1, |value| match value {
            2 => std::panic::resume_unwind(alloc::boxed::Box::new(())),
            value => before.push(value),
        });
    }));
    assert!(outcome.is_err());
    assert_eq!(wheel.cancel(tokens[2]), Some(3));
    assert_eq!((before, fired(&mut wheel, 1)), (alloc::vec![1], alloc::vec![4]));
    assert!(wheel.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64),
    Cancel(usize),
    Advance(u64),
}

/// Distances of every size, so that every level is used.
fn distance() -> impl Strategy<Value = u64> {
    (0_u32..64, any::<u64>()).prop_map(|(bits, random)| random >> (63 - bits))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => distance().prop_map(Step::Insert),
        1 => any::<usize>().prop_map(Step::Cancel),
        2 => distance().prop_map(|far| Step::Advance(far >> 8)),
    ]
}

proptest! {
    #[test]
    fn wheel_behaves_as_a_sorted_map(steps in prop::collection::vec(step(), 0..200)) {
        let mut wheel = Wheel::new(100);
        // By deadline, then by the order of setting.
        let mut twin = BTreeMap::new();
        let mut tokens = Vec::new();
        let mut now = 0_u64;
        for (number, step) in steps.into_iter().enumerate() {
            let number = number as u32;
            match step {
                Step::Insert(wait) => {
                    let deadline = now.saturating_add(wait);
                    match wheel.insert(deadline, number) {
                        Ok(token) => {
                            twin.insert((deadline, number), ());
                            tokens.push((token, deadline, number));
                        }
                        Err(_) => prop_assert_eq!(twin.len(), 100),
                    }
                }
                Step::Cancel(which) if !tokens.is_empty() => {
                    let (token, deadline, number) = tokens[which % tokens.len()];
                    let expected = twin.remove(&(deadline, number)).map(|()| number);
                    prop_assert_eq!(wheel.cancel(token), expected);
                }
                Step::Cancel(_) => {}
                Step::Advance(wait) => {
                    now = now.saturating_add(wait);
                    let later = twin.split_off(&(now, u32::MAX));
                    let expected: Vec<_> = twin.into_keys().map(|(_, number)| number).collect();
                    twin = later;
                    prop_assert_eq!(fired(&mut wheel, now), expected);
                }
            }
            prop_assert_eq!(wheel.len(), twin.len());
            let earliest = twin.first_key_value().map(|((deadline, _), ())| *deadline);
            prop_assert_eq!(wheel.next().is_some(), earliest.is_some());
            prop_assert!(wheel.next() <= earliest);
        }
    }

    #[test]
    fn sleeping_until_next_each_time_misses_nothing(waits in prop::collection::vec(distance(), 1..50)) {
        let mut wheel = Wheel::new(100);
        for wait in &waits {
            wheel.insert(*wait, 0).unwrap();
        }
        let mut rounds = 0;
        while let Some(next) = wheel.next() {
            let before = wheel.len();
            let _ = fired(&mut wheel, next);
            prop_assert!(wheel.len() < before, "without cancelling every wake-up is for a timer");
            rounds += 1;
        }
        prop_assert!(rounds <= waits.len());
    }
}
