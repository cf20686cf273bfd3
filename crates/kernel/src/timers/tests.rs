//! Order, removal, and an end to what is worked off.

use abi::{Generation, Slot, Time};

use super::{Timer, Timers};

#[test]
fn what_is_due_comes_in_order_of_time_and_the_rest_stays() {
    let mut timers = Timers::default();
    timers.set(Time(30), Timer::Pace);
    timers.set(Time(10), Timer::Restart(Slot(2)));
    timers.set(Time(20), Timer::Ping(Slot(1), Generation(1)));
    assert_eq!(timers.next(), Some(Time(10)));
    let due = timers.take_due(Time(20));
    assert_eq!(due, [(Time(10), Timer::Restart(Slot(2))), (Time(20), Timer::Ping(Slot(1), Generation(1)))]);
    assert_eq!(timers.next(), Some(Time(30)));
    assert!(timers.take_due(Time(29)).is_empty());
}

#[test]
fn a_cleared_timer_does_not_come() {
    let mut timers = Timers::default();
    timers.set(Time(1), Timer::Restart(Slot(1)));
    timers.clear(Time(1), Timer::Restart(Slot(1)));
    timers.clear(Time(1), Timer::Restart(Slot(2)));
    assert_eq!(timers.next(), None);
}

#[test]
fn the_same_twice_comes_once() {
    let mut timers = Timers::default();
    timers.set(Time(1), Timer::Pace);
    timers.set(Time(1), Timer::Pace);
    assert_eq!(timers.take_due(Time(u64::MAX)).len(), 1);
}
