//! When policies may restart, what a plan waits for, and that both hold under any load.

use alloc::vec::Vec;

use super::*;
use crate::random::Random;

fn at(seconds: u64) -> Time {
    Time(seconds * 1000)
}

fn web() -> ModuleId {
    ModuleId::parse("web").unwrap()
}

const QUIET: Sight = Sight { load_permille: Some(100), idle: None, calls_open: 0 };

fn planned(late: Late) -> Planned {
    Planned {
        opens: at(1000),
        deadline: at(2000),
        load_permille_max: Some(500),
        idle_for: Some(Duration::from_secs(600)),
        late,
    }
}

#[test]
fn a_young_module_waits_for_its_minimum_uptime() {
    let ledger = Ledger::default();
    let caution = Caution::default();
    assert_eq!(ledger.permit(at(59), &web(), Some(at(0)), caution), Permit::Young(at(60)));
    assert_eq!(ledger.permit(at(60), &web(), Some(at(0)), caution), Permit::Allowed);
    assert_eq!(ledger.permit(at(60), &web(), None, caution), Permit::Down);
}

#[test]
fn after_a_restart_the_cooldown_holds_also_when_a_person_asked_for_it() {
    let mut ledger = Ledger::default();
    ledger.note(at(1000), &web());
    let permit = |now| ledger.permit(at(now), &web(), Some(at(1001)), Caution::default());
    assert_eq!(permit(1100), Permit::Cooling(at(1300)));
    assert_eq!(permit(1300), Permit::Allowed);
    let other = ModuleId::parse("db").unwrap();
    assert_eq!(ledger.permit(at(1100), &other, Some(at(0)), Caution::default()), Permit::Allowed);
}

#[test]
fn the_sixth_within_a_day_waits_until_the_first_is_a_day_old() {
    let mut ledger = Ledger::default();
    for hour in 0..5 {
        ledger.note(at(hour * 3600), &web());
    }
    let permit = |now| ledger.permit(at(now), &web(), Some(at(0)), Caution::default());
    assert_eq!(permit(6 * 3600), Permit::Spent(at(24 * 3600)));
    assert_eq!(permit(24 * 3600), Permit::Allowed);
    let never = Caution { per_day: 0, ..Caution::default() };
    let other = ModuleId::parse("db").unwrap();
    assert!(matches!(ledger.permit(at(90), &other, Some(at(0)), never), Permit::Spent(_)));
}

#[test]
fn a_plan_waits_for_its_window_a_low_load_and_idle_people() {
    let plan = planned(Late::GiveUp);
    let next = |now, sight| plan.next(at(now), sight, Permit::Allowed);
    assert_eq!(next(999, QUIET), Next::Wait(Waits::Window));
    assert_eq!(next(1000, QUIET), Next::Go(None));
    assert_eq!(next(1500, Sight { load_permille: Some(500), ..QUIET }), Next::Wait(Waits::Load));
    let typed = Sight { idle: Some(Duration::from_secs(599)), ..QUIET };
    assert_eq!(next(1500, typed), Next::Wait(Waits::People));
    assert_eq!(next(1500, Sight { calls_open: 1, ..QUIET }), Next::Wait(Waits::People));
    assert_eq!(next(1500, Sight { idle: Some(Duration::from_secs(600)), ..QUIET }), Next::Go(None));
    assert_eq!(next(1500, Sight { load_permille: None, ..QUIET }), Next::Go(None));
}

#[test]
fn at_its_deadline_it_goes_on_or_gives_up_as_told() {
    let busy = Sight { load_permille: Some(900), ..QUIET };
    assert_eq!(planned(Late::GiveUp).next(at(2000), busy, Permit::Allowed), Next::GiveUp(Waits::Load));
    assert_eq!(planned(Late::GoOn).next(at(2000), busy, Permit::Allowed), Next::Go(Some(Waits::Load)));
    let cooling = Permit::Cooling(at(1900));
    assert_eq!(planned(Late::GoOn).next(at(1500), QUIET, cooling), Next::Wait(Waits::Ledger(cooling)));
    assert_eq!(planned(Late::GoOn).next(at(2000), QUIET, cooling), Next::GiveUp(Waits::Ledger(cooling)));
}

#[test]
fn what_the_ledger_will_not_allow_in_time_is_given_up_at_once() {
    let spent = Permit::Spent(at(5000));
    assert_eq!(planned(Late::GoOn).next(at(1000), QUIET, spent), Next::GiveUp(Waits::Ledger(spent)));
}

/// A week of one module under random load, people and persons, with a plan every so often.
fn week(seed: u64, late: Late) -> Vec<(u64, bool)> {
    let mut random = Random::new(seed);
    let caution = Caution {
        uptime_min: Duration::from_secs(random.next() % 600),
        cooldown: Duration::from_secs(random.next() % 4000),
        per_day: u32::try_from(random.next() % 6).unwrap(),
    };
    let (mut ledger, mut ready_since) = (Ledger::default(), at(0));
    let mut restarts: Vec<(u64, bool)> = Vec::new();
    let mut plan: Option<Planned> = None;
    for now in (0..7 * 24 * 3600_u64).step_by(60) {
        let load = u32::try_from(random.next() % 1000).unwrap();
        let idle = Duration::from_secs(random.next() % 2000);
        let sight = Sight {
            load_permille: Some(load),
            idle: Some(idle),
            calls_open: u32::from(load.is_multiple_of(7)),
        };
        if plan.is_none() && random.next().is_multiple_of(40) {
            let opens = now + random.next() % 3600;
            let (opens, deadline) = (at(opens), at(opens + random.next() % 7200));
            plan = Some(Planned { opens, deadline, late, ..planned(late) });
        }
        if random.next().is_multiple_of(2000) {
            ledger.note(at(now), &web());
            restarts.push((now, false));
            ready_since = at(now + random.next() % 60);
        }
        let Some(current) = plan else { continue };
        let ready = (at(now) >= ready_since).then_some(ready_since);
        let permit = ledger.permit(at(now), &web(), ready, caution);
        match current.next(at(now), sight, permit) {
            Next::Wait(_) => assert!(at(now) < current.deadline, "seed {seed}: it waits beyond its deadline"),
            Next::GiveUp(_) => plan = None,
            Next::Go(in_spite) => {
                assert!(at(now) >= current.opens, "seed {seed}: before its window");
                assert_eq!(permit, Permit::Allowed, "seed {seed}");
                let is_quiet = load < 500 && idle.as_secs() >= 600 && sight.calls_open == 0;
                let is_late = at(now) >= current.deadline && late == Late::GoOn;
                assert!(is_quiet || (is_late && in_spite.is_some()), "seed {seed}: into a busy machine");
                assert!(at(now) >= ready_since + caution.uptime_min, "seed {seed}: too young");
                check_counts(&restarts, now, caution, seed);
                ledger.note(at(now), &web());
                restarts.push((now, true));
                ready_since = at(now + random.next() % 60);
                plan = None;
            }
        }
    }
    restarts
}

/// Counted by hand, from all that happened.
fn check_counts(restarts: &[(u64, bool)], now: u64, caution: Caution, seed: u64) {
    let recent = restarts.iter().filter(|(then, _)| now - then < DAY.as_secs()).count();
    assert!(recent < usize::try_from(caution.per_day).unwrap(), "seed {seed}: too many within a day");
    if let Some((last, _)) = restarts.last() {
        assert!(now - last >= caution.cooldown.as_secs(), "seed {seed}: too soon after the last");
    }
}

#[test]
fn under_any_load_policies_keep_their_bounds_and_plans_come_to_an_end() {
    let mut by_policy = [0_usize; 2];
    for seed in 0..60 {
        for (late, done) in [Late::GiveUp, Late::GoOn].into_iter().zip(&mut by_policy) {
            *done += week(seed, late).iter().filter(|(_, by_policy)| *by_policy).count();
        }
    }
    assert!(by_policy.iter().all(|done| *done > 100), "the weeks saw too few restarts: {by_policy:?}");
}
