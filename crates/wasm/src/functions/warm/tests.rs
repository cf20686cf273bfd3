//! What gives way, and when.

use super::*;

fn id(number: u8) -> ContentId {
    ContentId::of(&[number])
}

fn warm(bytes_max: u64) -> Warm<u8> {
    Warm::new(bytes_max, Duration::from_secs(10))
}

#[test]
fn the_least_recently_used_gives_way_to_weight() {
    let warm = warm(30);
    for number in 0..3 {
        assert_eq!(warm.insert(Time(0), id(number), Arc::new(number), 10), 0);
    }
    assert!(warm.get(Time(0), &id(0)).is_some());
    assert_eq!(warm.insert(Time(0), id(3), Arc::new(3), 10), 1);
    let left: Vec<_> = (0..4).map(|number| warm.get(Time(0), &id(number)).is_some()).collect();
    assert_eq!(left, [true, false, true, true]);
    assert_eq!(warm.size(), (3, 30));
}

#[test]
fn one_that_is_heavier_than_all_the_room_is_alone_in_it() {
    let warm = warm(30);
    warm.insert(Time(0), id(0), Arc::new(0), 10);
    assert_eq!(warm.insert(Time(0), id(1), Arc::new(1), 100), 1);
    assert_eq!(warm.size(), (1, 100));
    assert_eq!(warm.insert(Time(0), id(2), Arc::new(2), 10), 1);
    assert_eq!(warm.size(), (1, 10));
}

#[test]
fn the_same_content_again_weighs_once() {
    let warm = warm(30);
    warm.insert(Time(0), id(0), Arc::new(0), 10);
    warm.insert(Time(0), id(0), Arc::new(0), 12);
    assert_eq!(warm.size(), (1, 12));
    warm.remove(&id(0));
    assert_eq!(warm.size(), (0, 0));
}

#[test]
fn what_is_unused_for_too_long_is_not_given_and_is_dropped() {
    let warm = warm(100);
    warm.insert(Time(0), id(0), Arc::new(0), 10);
    warm.insert(Time(0), id(1), Arc::new(1), 10);
    assert!(warm.get(Time(10_000), &id(0)).is_some(), "ten seconds are just not too long");
    assert!(warm.get(Time(10_001), &id(1)).is_none());
    assert_eq!(warm.tidy(Time(10_001)), 1);
    assert_eq!(warm.tidy(Time(20_001)), 1);
    assert_eq!(warm.size(), (0, 0));
}

#[test]
fn a_clock_that_lags_makes_nothing_older() {
    let warm = warm(100);
    warm.insert(Time(9_000), id(0), Arc::new(0), 10);
    assert!(warm.get(Time(1), &id(0)).is_some());
    assert!(warm.get(Time(19_000), &id(0)).is_some());
}

#[test]
fn a_clock_that_jumps_there_and_back_keeps_nothing_for_ever() {
    let warm = warm(100);
    warm.insert(Time(0), id(0), Arc::new(0), 10);
    assert!(warm.get(Time(5_000), &id(0)).is_some());
    warm.insert(Time(u64::MAX), id(1), Arc::new(1), 10);
    assert_eq!(warm.tidy(Time(6_000)), 0, "back again");
    assert_eq!(warm.tidy(Time(16_001)), 2);
}

#[test]
fn uses_are_told_once_the_latest_last() {
    let warm = warm(100);
    for number in 0..3 {
        warm.insert(Time(0), id(number), Arc::new(number), 10);
    }
    assert_eq!(warm.take_uses(), [id(0), id(1), id(2)]);
    assert_eq!(warm.take_uses(), []);
    warm.get(Time(0), &id(2));
    assert_eq!(warm.take_uses(), [], "it was the last before");
    warm.get(Time(0), &id(1));
    warm.get(Time(0), &id(0));
    warm.get(Time(0), &id(0));
    assert_eq!(warm.take_uses(), [id(1), id(0)]);
}
