//! When looking is given up and when it is tried again, told by what the next look may cost.

use super::*;

fn spin(budget: Duration) -> Spin {
    Spin { budget, short_sleeps: 0, is_try: false }
}

#[test]
fn each_look_in_vain_halves_the_next_until_there_is_none() {
    let mut spin = spin(SPIN_MAX);
    let mut looks = 0;
    while !spin.budget.is_zero() {
        assert!(!spin.look(|| false));
        looks += 1;
    }
    assert_eq!(looks, 5, "50, 25, 12.5, 6.25 and 3.125 microseconds");
}

#[test]
fn a_look_that_paid_may_take_longer_next_time_up_to_the_bound() {
    let mut spin = spin(SPIN_MAX / 4);
    let seen = std::cell::Cell::new(false);
    assert!(spin.look(|| seen.replace(true)), "it is there at the second glance");
    assert_eq!(spin.budget, SPIN_MAX / 2);
    for _ in 0..8 {
        seen.set(false);
        spin.look(|| seen.replace(true));
    }
    assert_eq!(spin.budget, SPIN_MAX);
}

#[test]
fn many_short_sleeps_in_a_row_are_worth_one_long_look() {
    let mut spin = spin(Duration::ZERO);
    for _ in 1..SLEEPS_PER_TRY {
        spin.slept(SHORT_SLEEP);
    }
    assert!(spin.budget.is_zero());
    spin.slept(SHORT_SLEEP);
    assert_eq!(spin.budget, SPIN_MAX);
    assert!(!spin.look(|| false));
    assert!(spin.budget.is_zero(), "it did not pay, so there is no second one");
}

#[test]
fn one_long_sleep_says_that_there_is_little_traffic() {
    let mut spin = spin(Duration::ZERO);
    for _ in 0..SLEEPS_PER_TRY {
        spin.slept(SHORT_SLEEP);
        spin.slept(SHORT_SLEEP * 2);
    }
    assert!(spin.budget.is_zero());
}

#[test]
fn who_has_given_up_looking_glances_once() {
    let mut spin = spin(Duration::ZERO);
    let glances = std::cell::Cell::new(0);
    assert!(!spin.look(|| {
        glances.set(glances.get() + 1);
        false
    }));
    assert_eq!(glances.get(), 1);
}
