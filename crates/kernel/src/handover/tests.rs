//! A kernel that goes on where another ended: that it does so unnoticed is shown by the simulator; here is what it makes
//! of modules that are gone, and of values that are not what they should be.

use alloc::vec::Vec;
use std::string::{String, ToString};

use crate::testing::{Driver, after};
use crate::{Effect, Ensemble, Event, Known, Saved};

const CALLS: &str = "module a may=echo
     module b provides=echo
     discover
     up a b
     a says call 1 echo say
     a says call 2 echo say";

fn successor(driver: &Driver, known: Vec<Known>) -> (Ensemble, crate::Strays) {
    let mut next = fresh(driver);
    let strays = next.restore(&driver.kernel.save(), known).expect("it was just saved");
    (next, strays)
}

fn fresh(driver: &Driver) -> Ensemble {
    let mut next = Ensemble::new(7);
    next.handle(driver.now, Event::Settings(driver.kernel.settings().clone()));
    while next.poll_effect().is_some() {}
    next
}

#[test]
fn open_calls_and_lives_go_on() {
    let driver = after(CALLS);
    let (next, strays) = successor(&driver, driver.kernel.known());
    assert_eq!(strays.0, []);
    assert_eq!(next.calls_pending(), 2);
    assert_eq!(next.views(), driver.kernel.views());
    assert_eq!(next.poll_timeout(), driver.kernel.poll_timeout());
}

#[test]
fn a_module_that_is_gone_is_a_stray_and_those_who_wait_for_it_are_answered() {
    let driver = after(CALLS);
    let known = driver.kernel.known().into_iter().filter(|one| one.found.spec.id.as_str() == "a");
    let (mut next, strays) = successor(&driver, known.collect());
    let gone = driver.kernel.find("b").expect("it is known");
    assert_eq!(strays.0.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(), [gone]);
    let mut answers = 0;
    while let Some(effect) = next.poll_effect() {
        answers += u32::from(matches!(effect, Effect::Send(..)));
    }
    assert_eq!((answers, next.calls_pending()), (2, 0));
    assert_eq!(next.find("b"), None);
}

#[test]
fn who_waits_at_the_operator_door_is_known_by_number() {
    let driver = after(&(String::from(CALLS) + "\n order 9 call echo say\n order 8 stop a"));
    let (next, _) = successor(&driver, driver.kernel.known());
    let waiting: Vec<u64> = next.requests().into_iter().map(|request| request.0).collect();
    assert_eq!(waiting, [8, 9]);
}

#[test]
fn no_broken_value_is_taken_for_a_whole_kernel_without_a_word_or_panics() {
    let driver = after(CALLS);
    let saved = driver.kernel.save();
    let all = count(&saved);
    assert!(all > 100, "{all}");
    let mut refused = 0;
    for at in 0..all {
        for wrong in [Saved::Number(u64::MAX), Saved::Text(String::from("\u{1}")), Saved::List(Vec::new())] {
            let mut broken = saved.clone();
            replace(&mut broken, &mut { at }, &wrong);
            refused += usize::from(fresh(&driver).restore(&broken, driver.kernel.known()).is_err());
        }
    }
    assert!(refused > all, "{refused} of {all} places");
}

#[test]
fn what_can_not_be_read_is_named_with_the_way_to_it() {
    let driver = after(CALLS);
    let mut saved = driver.kernel.save();
    let Saved::Fields(fields) = &mut saved else { unreachable!("it has fields") };
    fields.insert(String::from("operator"), Saved::fields([]));
    let refused = fresh(&driver).restore(&saved, driver.kernel.known()).expect_err("it lacks its calls");
    assert_eq!(refused.to_string(), "`operator.asked` can't be read");
}

/// How many values there are, in all depths.
fn count(saved: &Saved) -> usize {
    1 + match saved {
        Saved::Number(_) | Saved::Text(_) => 0,
        Saved::List(items) => items.iter().map(count).sum(),
        Saved::Fields(fields) => fields.values().map(count).sum(),
    }
}

/// Puts another value into the place with this number.
fn replace(saved: &mut Saved, at: &mut usize, wrong: &Saved) -> bool {
    if *at == 0 {
        *saved = wrong.clone();
        return true;
    }
    *at -= 1;
    match saved {
        Saved::Number(_) | Saved::Text(_) => false,
        Saved::List(items) => items.iter_mut().any(|item| replace(item, at, wrong)),
        Saved::Fields(fields) => fields.values_mut().any(|item| replace(item, at, wrong)),
    }
}
