//! The planner: what is due, what waits, what is done and told, with made-up clocks and machines.

use abi::{Slot, Zone};
use kernel::{Bounds, Step};
use protocol::files::config::{Config, Layer};

use super::*;

const QUIET: Sight = Sight { load_permille: Some(0), idle: None, calls_open: 0 };
const BUSY: Sight = Sight { load_permille: Some(900), idle: None, calls_open: 0 };

/// 2026-11-22 02:59:55 in UTC.
const BEFORE: u64 = 1_795_316_395_000;

fn plans(more: &str) -> Restarts {
    let text = format!(
        "restarts: {{ schedules: {{ nightly: {{ what: zone/stable, cron: '0 3 * * *', zone: UTC, \
         load: 50%, deadline: 10m{more} }} }} }}"
    );
    let config = Config::merge(&[Layer::parse("config.yaml", &text).unwrap()]);
    assert_eq!(config.warnings(), []);
    config.settings().restarts.clone()
}

fn view(id: &str, zone: Zone, state: State) -> View {
    View {
        slot: Slot(1),
        id: ModuleId::parse(id).unwrap(),
        version: String::new(),
        state,
        is_completed: false,
        generation: Some(Generation(1)),
        since: Time(0),
        restart_count: 0,
        restarts_total: 0,
        restart_at: None,
        reason: None,
        note: String::new(),
        provides: Vec::new(),
        waiting_for: Vec::new(),
        zone,
        bounds: Bounds::default(),
        step: Step::Free,
        swap: None,
        warm: None,
        falls_back: 0,
        calls_pending: 0,
        probation: None,
    }
}

fn house() -> Vec<View> {
    vec![
        view("web", Zone::Stable, State::Ready),
        view("down", Zone::Stable, State::Stopped),
        view("new", Zone::Sandbox, State::Ready),
    ]
}

/// A look so many seconds after [`BEFORE`], in a kernel that then has run for an hour.
fn look(planner: &mut Planner, plans: &Restarts, after_s: u64, sight: Sight) -> Vec<String> {
    let (wall, now) = (Wall(BEFORE + after_s * 1000), Time(3_600_000 + after_s * 1000));
    let told = planner.look((wall, now), plans, &house(), &|| sight);
    told.into_iter()
        .map(|told| match told {
            Told::Due(pending) => format!("due {}", pending.module),
            Told::Go(pending, in_spite) => format!("go {} {:?}", pending.module, in_spite),
            Told::GaveUp(pending, why) => format!("no {} {:?}", pending.module, why),
            Told::Unread(plan, why) => format!("unread {plan}: {why}"),
        })
        .collect()
}

#[test]
fn a_plan_restarts_what_is_ready_in_its_zone_when_all_is_quiet() {
    let (mut planner, plans) = (Planner::default(), plans(""));
    assert!(look(&mut planner, &plans, 0, QUIET).is_empty());
    assert_eq!(look(&mut planner, &plans, 10, BUSY), ["due web"]);
    assert!(look(&mut planner, &plans, 20, BUSY).is_empty());
    assert_eq!(look(&mut planner, &plans, 30, QUIET), ["go web None"]);
    assert!(look(&mut planner, &plans, 40, QUIET).is_empty(), "once a night");
    assert_eq!(look(&mut planner, &plans, 24 * 3600 + 10, QUIET).len(), 2, "and the next night again");
}

#[test]
fn at_the_deadline_it_gives_up_or_goes_on_as_told() {
    for (late, last) in [("", "no web Load"), (", late: go_on", "go web Some(Load)")] {
        let (mut planner, plans) = (Planner::default(), plans(late));
        look(&mut planner, &plans, 0, BUSY);
        assert_eq!(look(&mut planner, &plans, 10, BUSY), ["due web"]);
        assert!(look(&mut planner, &plans, 600, BUSY).is_empty());
        assert_eq!(look(&mut planner, &plans, 610, BUSY), [last]);
    }
}

#[test]
fn a_new_life_whoever_wanted_it_counts_for_the_cooldown() {
    let (mut planner, plans) = (Planner::default(), plans(""));
    let mut views = house();
    planner.see_lives(Time(3_500_000), &views);
    views[0].generation = Some(Generation(2));
    planner.see_lives(Time(3_500_000), &views);
    look(&mut planner, &plans, 0, QUIET);
    assert_eq!(look(&mut planner, &plans, 10, QUIET), ["due web"]);
    assert!(look(&mut planner, &plans, 100, QUIET).is_empty());
    assert_eq!(look(&mut planner, &plans, 200, QUIET), ["go web None"]);
}

#[test]
fn a_machine_that_slept_over_two_nights_does_it_once() {
    let (mut planner, plans) = (Planner::default(), plans(""));
    look(&mut planner, &plans, 0, QUIET);
    assert_eq!(look(&mut planner, &plans, 60 * 3600, QUIET), ["due web", "go web None"]);
}

#[test]
fn a_clock_that_is_set_back_does_not_repeat_a_night() {
    let (mut planner, plans) = (Planner::default(), plans(""));
    look(&mut planner, &plans, 0, QUIET);
    assert_eq!(look(&mut planner, &plans, 10, QUIET).len(), 2);
    let back = planner.look((Wall(BEFORE), Time(3_620_000)), &plans, &house(), &|| QUIET);
    assert!(back.is_empty());
    let again = planner.look((Wall(BEFORE + 10_000), Time(3_630_000)), &plans, &house(), &|| QUIET);
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn a_pattern_that_can_not_be_read_is_told_once() {
    let (mut planner, mut plans) = (Planner::default(), plans(""));
    plans.schedules.get_mut("nightly").unwrap().cron = "often".to_owned();
    assert_eq!(look(&mut planner, &plans, 0, QUIET).len(), 1);
    assert!(look(&mut planner, &plans, 10, QUIET).is_empty());
}

#[test]
fn restarts_of_the_last_day_outlive_the_kernel_and_older_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("restarts.json");
    let (web, day) = (ModuleId::parse("web").unwrap(), Duration::from_secs(24 * 60 * 60));
    let mut ledger = Ledger::default();
    // The earlier kernel ran for two days; the first of these is older than a day at its end.
    let hours = [20_u64, 30, 40, 47];
    hours.into_iter().for_each(|hour| ledger.note(Time(hour * 3_600_000), &web));
    let (ended, began) = (Wall(BEFORE), Wall(BEFORE + 1_000));
    std::fs::write(&path, memory::text(&ledger, (ended, Time(48 * 3_600_000)))).unwrap();
    let now = Time(10);
    let read = memory::ledger(&path, (began, now)).unwrap();
    let ages = read.ages(now);
    let expected = [18, 8, 1].map(|hours| Duration::from_secs(hours * 3_600 + 1));
    assert_eq!(ages, [(web.clone(), expected.to_vec())]);
    let caution = Caution { uptime_min: Duration::ZERO, per_day: 3, ..Caution::default() };
    let free = Time(10 + u64::try_from((day - expected[0]).as_millis()).unwrap());
    assert_eq!(read.permit(now, &web, Some(Time(0)), caution), Permit::Spent(free));
    let cooling = Caution { cooldown: Duration::from_secs(3_700), ..caution };
    assert!(matches!(read.permit(now, &web, Some(Time(0)), cooling), Permit::Cooling(_)));
    // A clock that was set back makes them now, never later.
    let back = memory::ledger(&path, (Wall(BEFORE - 40 * 3_600_000), now)).unwrap();
    assert!(back.ages(now)[0].1.iter().all(Duration::is_zero));
}

#[test]
fn a_file_of_restarts_that_is_none_is_told_and_nothing_is_taken_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("restarts.json");
    for text in ["", "{}", "{\"form\":2,\"restarts\":{}}", "[]"] {
        std::fs::write(&path, text).unwrap();
        assert!(memory::ledger(&path, (Wall(0), Time(0))).is_err(), "{text}");
    }
}
