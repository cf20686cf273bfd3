//! When policies may restart and what a plan waits for; that both hold under any load is seen by the simulator.

use super::*;

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
