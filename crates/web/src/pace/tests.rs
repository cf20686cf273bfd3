//! A bucket empties, fills evenly, and is its asker's own.

use super::*;

fn taken(pace: &Pace, asker: &str, now_ms: u64, tries: u64) -> u64 {
    (0..tries).map(|_| u64::from(pace.take(asker, now_ms) == Paced::Within)).sum()
}

#[test]
fn a_burst_is_let_through_and_then_as_many_as_come_in_again() {
    let pace = Pace::default();
    assert_eq!(taken(&pace, "a", 0, BURST + 10), BURST);
    assert_eq!(taken(&pace, "a", 1, 10), 1);
    assert_eq!(taken(&pace, "a", 101, PER_S), PER_S / 10);
    assert_eq!(taken(&pace, "a", 1_000_000, BURST + 10), BURST);
}

#[test]
fn one_that_asks_too_fast_takes_nothing_from_another() {
    let pace = Pace::default();
    taken(&pace, "a", 0, BURST + 10);
    assert_eq!(taken(&pace, "b", 0, 3), 3);
}

#[test]
fn a_clock_that_goes_back_gives_nothing_twice() {
    let pace = Pace::default();
    assert_eq!(taken(&pace, "a", 1000, BURST), BURST);
    assert_eq!(taken(&pace, "a", 0, 1), 0);
    assert_eq!(taken(&pace, "a", 1001, 10), 1);
}

#[test]
fn more_askers_than_are_counted_make_the_longest_silent_give_way() {
    let pace = Pace::default();
    for asker in 0..ASKERS_MAX as u64 {
        taken(&pace, &asker.to_string(), asker, BURST);
    }
    assert_eq!(taken(&pace, "new", 1_000, 1), 1);
    assert_eq!(pace.buckets.lock().expect("whole").len(), ASKERS_MAX);
    // The first one gave way, so it begins with a full bucket.
    assert_eq!(taken(&pace, "0", 1_000, BURST), BURST);
}
