//! One life on the ladder: when a step is taken, left out and undone.

use std::vec::Vec;

use super::super::amount::{Load, Resource};
use super::{FREEZES_MAX, Ladder, Move, PATIENCE_MAX, Step};

fn load(resource: Resource, permille: u64) -> Option<Load> {
    Some(Load::new(resource, permille, 1000))
}

/// The steps that follow from so many looks at one load.
fn steps(ladder: &mut Ladder, load: Option<Load>, looks: u32) -> Vec<Move> {
    (0..looks).map(|_| ladder.look(load, Step::Killed)).filter(|made| *made != Move::Stay).collect()
}

#[test]
fn a_load_that_stays_climbs_every_step_and_the_first_at_once() {
    let mut ladder = Ladder::default();
    let flood = load(Resource::Messages, 1001);
    assert_eq!(ladder.look(flood, Step::Killed), Move::Up(Step::Slowed));
    let rest = [Step::Shedding, Step::Throttled, Step::Frozen, Step::Killed].map(Move::Up);
    assert_eq!(steps(&mut ladder, flood, 8), rest);
}

#[test]
fn at_the_bound_itself_nothing_happens() {
    let mut ladder = Ladder::default();
    assert_eq!(steps(&mut ladder, load(Resource::Messages, 1000), 100), []);
}

#[test]
fn steps_that_cannot_help_are_left_out() {
    let mut ladder = Ladder::default();
    assert_eq!(steps(&mut ladder, load(Resource::Cpu, 2000), 2), [Move::Up(Step::Throttled)]);
    let mut ladder = Ladder::default();
    let climb = [Move::Up(Step::Frozen), Move::Up(Step::Killed)];
    assert_eq!(steps(&mut ladder, load(Resource::Memory, 2000), 4), climb);
}

#[test]
fn a_remedy_that_works_stays_on_while_the_load_is_near_the_bound() {
    let mut ladder = Ladder::default();
    steps(&mut ladder, load(Resource::Messages, 5000), 1);
    assert_eq!(steps(&mut ladder, load(Resource::Messages, 1000), 1000), []);
    assert_eq!(ladder.step(), Step::Slowed);
}

#[test]
fn every_step_is_undone_when_the_pressure_is_gone() {
    let mut ladder = Ladder::default();
    steps(&mut ladder, load(Resource::Messages, 5000), 7);
    assert_eq!(ladder.step(), Step::Frozen);
    let way = [Step::Throttled, Step::Shedding, Step::Slowed, Step::Free].map(Move::Down);
    assert_eq!(steps(&mut ladder, None, 12), way);
    let mut ladder = Ladder::default();
    steps(&mut ladder, load(Resource::Cpu, 5000), 2);
    // What was left out on the way up is left out on the way down.
    assert_eq!(steps(&mut ladder, load(Resource::Cpu, 700), 3), [Move::Down(Step::Free)]);
}

#[test]
fn who_comes_back_each_time_it_thaws_is_ended() {
    let mut ladder = Ladder::default();
    let flood = load(Resource::Messages, 5000);
    let mut frozen = 0;
    for _ in 0..1000 {
        // Frozen, it sends nothing; thawed, it floods.
        let seen = if ladder.step() == Step::Frozen { None } else { flood };
        match ladder.look(seen, Step::Killed) {
            Move::Up(Step::Frozen) => frozen += 1,
            Move::Up(Step::Killed) => {
                assert_eq!(frozen, FREEZES_MAX);
                return;
            }
            Move::Up(_) | Move::Down(_) | Move::Stay => {}
        }
    }
    panic!("it swings between frozen and not for ever");
}

#[test]
fn who_relapses_waits_longer_each_time() {
    let mut ladder = Ladder::default();
    let mut waits = Vec::new();
    for _ in 0..8 {
        steps(&mut ladder, load(Resource::Cpu, 5000), 2);
        let mut looks = 1;
        while ladder.look(None, Step::Killed) == Move::Stay {
            looks += 1;
        }
        waits.push(looks);
    }
    assert_eq!(waits, [3, 6, 12, 24, 48, PATIENCE_MAX, PATIENCE_MAX, PATIENCE_MAX]);
    // Long enough without a fault, and it counts as new.
    steps(&mut ladder, None, 4 * PATIENCE_MAX + 1);
    steps(&mut ladder, load(Resource::Cpu, 5000), 2);
    assert_eq!(steps(&mut ladder, None, 3), [Move::Down(Step::Free)]);
}

#[test]
fn no_step_goes_past_the_highest_that_is_allowed_and_a_lower_one_is_obeyed_at_once() {
    let mut ladder = Ladder::default();
    let flood = load(Resource::Messages, 5000);
    for _ in 0..20 {
        ladder.look(flood, Step::Throttled);
    }
    assert_eq!(ladder.step(), Step::Throttled);
    assert_eq!(ladder.look(flood, Step::Free), Move::Down(Step::Free));
    assert_eq!(ladder.look(flood, Step::Free), Move::Stay);
    let mut ladder = Ladder::default();
    for _ in 0..20 {
        assert_eq!(ladder.look(load(Resource::Memory, 5000), Step::Free), Move::Stay);
    }
}

#[test]
fn memory_under_a_highest_step_of_throttled_is_throttled() {
    let mut ladder = Ladder::default();
    let made: Vec<Move> =
        (0..2).map(|_| ladder.look(load(Resource::Memory, 5000), Step::Throttled)).collect();
    assert_eq!(made, [Move::Stay, Move::Up(Step::Throttled)]);
}

#[test]
fn who_is_frozen_while_it_holds_much_of_something_else_thaws_all_the_same() {
    let mut ladder = Ladder::default();
    steps(&mut ladder, load(Resource::Messages, 5000), 7);
    assert_eq!(ladder.step(), Step::Frozen);
    assert_eq!(steps(&mut ladder, load(Resource::Memory, 900), 100), [Move::Down(Step::Throttled)]);
}

#[test]
fn who_relapses_in_the_middle_of_its_way_down_waits_longer_each_time_too() {
    let mut ladder = Ladder::default();
    // A flood first, so that the throttle is not the lowest step of the climb; then a load that the throttle keeps calm.
    steps(&mut ladder, load(Resource::Messages, 5000), 5);
    assert_eq!(ladder.step(), Step::Throttled);
    let mut moves = 0;
    for _ in 0..1000 {
        let seen = if ladder.step() == Step::Throttled { 500 } else { 2000 };
        moves += u32::from(ladder.look(load(Resource::Cpu, seen), Step::Killed) != Move::Stay);
    }
    assert!(moves < 60, "{moves} steps in a thousand looks");
}
