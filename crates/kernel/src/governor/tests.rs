//! The governor in a whole kernel: who is held, in which order, with which records, under which watchdog.

use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use abi::{ModuleId, Time, Zone};

use super::{Amounts, Bounds, Measured, Pool, Reading, Resource};
use crate::testing::lines::Names;
use crate::{Discovered, Effect, Ensemble, Event, Grants, Incoming, Settings, Spec, Watchdog};

/// A kernel with modules that are ready, and looks at them.
struct House {
    kernel: Ensemble,
    names: Names,
    now: Time,
}

fn spec(id: &str, zone: Zone, bounds: Bounds) -> Spec {
    Spec { zone, bounds, ..Spec::plain(ModuleId::parse(id).expect("a name")) }
}

fn cpu(permille: u64) -> Bounds {
    Bounds::default().with(Resource::Cpu, Some(permille))
}

fn uses(resource: Resource, amount: u64) -> Amounts {
    Amounts::default().with(resource, amount)
}

impl House {
    fn of(settings: Settings, specs: Vec<Spec>) -> Self {
        let mut house = Self { kernel: Ensemble::new(1), names: Names::default(), now: Time(0) };
        house.tell(Event::Settings(settings));
        let grants = Grants { base: Some(abi::Permissions::default()), ..Grants::default() };
        let found = specs.into_iter().map(|spec| Discovered { spec, grants: grants.clone(), refused: None });
        house.tell(Event::Discovered(found.collect()));
        for view in house.kernel.views() {
            let generation = view.generation.expect("it was started");
            house.tell(Event::Spawned(view.slot, generation));
            house.tell(Event::ReadySeen(view.slot, generation));
        }
        house
    }

    fn tell(&mut self, event: Event) -> Vec<String> {
        self.kernel.handle(self.now, event);
        self.names.learn(&self.kernel);
        let mut lines = Vec::new();
        while let Some(effect) = self.kernel.poll_effect() {
            let wanted = !matches!(effect, Effect::Show(..) | Effect::SaveGrants(..) | Effect::Watch(..));
            lines.extend(wanted.then(|| self.names.line(&effect)));
        }
        lines
    }

    /// One look, a second after the last.
    fn look(&mut self, rows: &[(&str, Amounts)], strain_permille: u64) -> Vec<String> {
        self.now = Time(self.now.0 + 1000);
        let row = |(id, used): &(&str, Amounts)| {
            let slot = self.kernel.find(id)?;
            let generation = self.kernel.view(slot)?.generation?;
            Some(Reading { slot, generation, used: *used })
        };
        let rows = rows.iter().filter_map(row).collect();
        self.tell(Event::Measured(Measured { rows, strain_permille, cores: 2 }))
    }

    fn looks(&mut self, count: u32, rows: &[(&str, Amounts)], strain_permille: u64) -> Vec<String> {
        (0..count).flat_map(|_| self.look(rows, strain_permille)).collect()
    }

    fn steps(&self) -> String {
        let steps = self.kernel.views().into_iter().map(|view| format!("{}={}", view.id, view.step.as_str()));
        steps.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn each_step_is_journaled_with_its_reading_before_it_is_taken() {
    let mut house = House::of(Settings::default(), vec![spec("hog", Zone::Stable, cpu(100))]);
    let rows = [("hog", uses(Resource::Cpu, 300))];
    let heard = house.looks(2, &rows, 0);
    assert_eq!(
        heard,
        [
            "journal governor.throttled hog#1 resource=\"cpu\" used=300 bound=100 load_permille=3000",
            "grip hog#1 throttled messages=1000 cpu=100"
        ]
    );
    let heard = house.looks(3, &[("hog", uses(Resource::Cpu, 10))], 0);
    assert_eq!(
        heard,
        [
            "journal governor.eased hog#1 from=\"throttled\" to=\"free\" resource=\"cpu\" used=10 bound=100 load_permille=100",
            "grip hog#1 free"
        ]
    );
}

#[test]
fn what_nothing_milder_helps_against_is_killed_and_started_again() {
    let memory = Bounds::default().with(Resource::Memory, Some(1000));
    let mut house = House::of(Settings::default(), vec![spec("hog", Zone::Sandbox, memory)]);
    let heard = house.looks(4, &[("hog", uses(Resource::Memory, 2000))], 0);
    let kinds: Vec<&str> =
        heard.iter().map(|line| line.split(" resource").next().unwrap_or_default()).collect();
    assert_eq!(
        kinds,
        [
            "journal governor.frozen hog#1",
            "grip hog#1 frozen messages=10000 cpu=250",
            "journal governor.killed hog#1",
            // Thawed first, or it could not end.
            "grip hog#1 free",
            "journal module.stopping hog#1 reason=\"overload\" grace_ms=0",
            "signal hog#1 kill",
        ]
    );
    let slot = house.kernel.find("hog").expect("known");
    let generation = house.kernel.view(slot).and_then(|view| view.generation).expect("ending");
    let heard = house.tell(Event::Exited(slot, generation, abi::ExitKind::Signal(9)));
    assert!(heard.iter().any(|line| line.starts_with("journal restart.planned hog")), "{heard:?}");
}

#[test]
fn a_strict_watchdog_keeps_what_it_had_to_kill_down_until_an_operator_looks() {
    let memory = Bounds::default().with(Resource::Memory, Some(1000));
    let settings = Settings { watchdog: Watchdog::Strict, ..Settings::default() };
    let mut house = House::of(settings, vec![spec("hog", Zone::Stable, memory)]);
    let heard = house.looks(4, &[("hog", uses(Resource::Memory, 2000))], 0);
    assert!(heard.iter().any(|line| line.starts_with("journal module.quarantined hog#1")), "{heard:?}");
    let slot = house.kernel.find("hog").expect("known");
    let generation = house.kernel.view(slot).and_then(|view| view.generation).expect("ending");
    house.tell(Event::Exited(slot, generation, abi::ExitKind::Signal(9)));
    let view = house.kernel.view(slot).expect("known");
    assert_eq!(view.state, abi::State::Stopped);
    assert!(view.note.contains("memory"), "{}", view.note);
    let heard = house.tell(Event::Ordered(abi::RequestId(1), crate::Order::Start(view.id)));
    assert!(heard.iter().any(|line| line.starts_with("spawn hog#2")), "{heard:?}");
}

#[test]
fn a_passive_watchdog_says_it_once_and_touches_nothing() {
    let settings = Settings { watchdog: Watchdog::Passive, ..Settings::default() };
    let mut house = House::of(settings, vec![spec("hog", Zone::Sandbox, cpu(100))]);
    let heard = house.looks(10, &[("hog", uses(Resource::Cpu, 2000))], 900);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].starts_with("journal governor.reported hog#1 resource=\"cpu\" used=2000"), "{heard:?}");
    house.look(&[("hog", uses(Resource::Cpu, 10))], 0);
    assert_eq!(
        house.look(&[("hog", uses(Resource::Cpu, 2000))], 0).len(),
        1,
        "again, as it was well in between"
    );
}

#[test]
fn a_watchdog_that_becomes_passive_lets_go_at_once() {
    let mut house = House::of(Settings::default(), vec![spec("hog", Zone::Sandbox, cpu(100))]);
    let rows = [("hog", uses(Resource::Cpu, 2000))];
    house.looks(2, &rows, 0);
    assert_eq!(house.steps(), "hog=throttled");
    house.tell(Event::Settings(Settings { watchdog: Watchdog::Passive, ..Settings::default() }));
    house.look(&rows, 0);
    assert_eq!(house.steps(), "hog=free");
}

#[test]
fn nobody_is_held_on_account_of_anothers_load() {
    let free = Bounds::default();
    let mut house = House::of(
        Settings::default(),
        vec![
            spec("a", Zone::Stable, free),
            spec("hog", Zone::Sandbox, free),
            spec("meek", Zone::Sandbox, free),
        ],
    );
    let rows = [
        ("a", uses(Resource::Cpu, 900)),
        ("hog", uses(Resource::Cpu, 1100)),
        ("meek", uses(Resource::Cpu, 400)),
    ];
    house.looks(2, &rows, 900);
    // Sandbox is past half of two processors; its heaviest gives way, and nobody else.
    assert_eq!(house.steps(), "a=free hog=throttled meek=free");
    let still_full = [rows[0], ("hog", uses(Resource::Cpu, 250)), ("meek", uses(Resource::Cpu, 550))];
    house.looks(10, &still_full, 900);
    assert_eq!(house.steps(), "a=free hog=throttled meek=free");
    // The strain is gone, and so is what it led to.
    house.looks(4, &[rows[0], ("hog", uses(Resource::Cpu, 250)), rows[2]], 0);
    assert_eq!(house.steps(), "a=free hog=free meek=free");
}

#[test]
fn stable_gives_way_only_when_no_sandbox_culprit_is_left_and_within_its_share_never() {
    let free = Bounds::default();
    let mut house = House::of(
        Settings::default(),
        vec![spec("b", Zone::Stable, free), spec("c", Zone::Stable, free), spec("hog", Zone::Sandbox, free)],
    );
    let both = |hog| {
        [("b", uses(Resource::Cpu, 1500)), ("c", uses(Resource::Cpu, 400)), ("hog", uses(Resource::Cpu, hog))]
    };
    house.looks(2, &both(1200), 900);
    assert_eq!(house.steps(), "b=free c=free hog=throttled");
    house.looks(2, &both(250), 900);
    assert_eq!(house.steps(), "b=throttled c=free hog=throttled");
}

#[test]
fn a_pool_with_a_cap_makes_its_heaviest_give_way_without_any_strain() {
    let mut settings = Settings::default();
    settings.pools.sandbox =
        Pool { cap: Bounds::default().with(Resource::Memory, Some(1000)), ..Pool::default() };
    let free = Bounds::default();
    let mut house = House::of(
        settings,
        vec![spec("a", Zone::Sandbox, free), spec("b", Zone::Sandbox, free), spec("c", Zone::Stable, free)],
    );
    let rows = [
        ("a", uses(Resource::Memory, 900)),
        ("b", uses(Resource::Memory, 450)),
        ("c", uses(Resource::Memory, 9000)),
    ];
    house.looks(2, &rows, 0);
    assert_eq!(house.steps(), "a=frozen b=free c=free");
}

#[test]
fn who_forks_without_end_within_its_bound_of_processes_is_stopped_and_nobody_else_is() {
    let bomb = spec("bomb", Zone::Sandbox, Bounds::default());
    let mut house =
        House::of(Settings::default(), vec![bomb, spec("good", Zone::Sandbox, Bounds::default())]);
    // As many as it may have, and thousands more that it is refused.
    let forks = uses(Resource::Processes, 256).with(Resource::Births, 5000);
    let looks: Vec<String> =
        (0..4).flat_map(|_| house.look(&[("bomb", forks), ("good", Amounts::default())], 0)).collect();
    let text = looks.join("\n");
    let (slow, still) = (text.find("governor.throttled bomb#1"), text.find("governor.frozen bomb#1"));
    assert!(slow.is_some() && slow < still && text.contains("births_per_s"), "{text}");
    assert!(!text.contains("good#2"), "{text}");
}

#[test]
fn system_modules_are_never_frozen_and_never_killed() {
    let mut house = House::of(
        Settings::default(),
        vec![spec("s", Zone::System, cpu(100).with(Resource::Memory, Some(10)))],
    );
    house.looks(50, &[("s", uses(Resource::Cpu, 2000).with(Resource::Memory, 1 << 30))], 1000);
    assert_eq!(house.steps(), "s=throttled");
}

#[test]
fn a_reading_of_a_life_that_is_over_says_nothing_about_its_successor() {
    let mut house = House::of(Settings::default(), vec![spec("hog", Zone::Sandbox, cpu(100))]);
    let slot = house.kernel.find("hog").expect("known");
    let rows = vec![Reading { slot, generation: abi::Generation(77), used: uses(Resource::Cpu, 5000) }];
    for _ in 0..10 {
        let late = Event::Measured(Measured { rows: rows.clone(), strain_permille: 0, cores: 2 });
        assert_eq!(house.tell(late), Vec::<String>::new());
    }
}

/// A module of lines that offers `svc-NAME`, may call both services and hears `news`.
fn lines(id: &str, bounds: Bounds) -> Spec {
    let mut spec = spec(id, Zone::Stable, bounds);
    spec.door = crate::Door::Lines;
    spec.provides = vec![abi::Name::parse(&format!("svc-{id}")).expect("a name")];
    spec.capabilities = Some(crate::Capabilities {
        services: ["svc-a", "svc-b"].into_iter().map(abi::Name::literal).collect(),
        topics: core::iter::once(abi::Name::literal("news")).collect(),
        ..crate::Capabilities::default()
    });
    spec
}

/// Two such modules that are ready.
fn pair(bounds: Bounds) -> House {
    let mut house = House::of(Settings::default(), vec![lines("a", bounds), lines("b", bounds)]);
    for view in house.kernel.views() {
        let generation = view.generation.expect("it runs");
        house.tell(Event::Said(view.slot, generation, Incoming::Ready));
    }
    house
}

fn say(house: &mut House, id: &str, said: Incoming) -> Vec<String> {
    let slot = house.kernel.find(id).expect("known");
    let generation = house.kernel.view(slot).and_then(|view| view.generation).expect("it runs");
    house.tell(Event::Said(slot, generation, said))
}

fn call(service: &'static str) -> Incoming {
    Incoming::Call {
        id: crate::Word::literal("1"),
        service: crate::Word::literal(service),
        method: crate::Word::literal("m"),
        params: None,
        context: crate::CallContext::default(),
    }
}

#[test]
fn what_a_shedding_module_asks_of_others_is_refused_and_what_it_owes_still_passes() {
    let mut house = pair(Bounds::default().with(Resource::Messages, Some(10)));
    let to_a = say(&mut house, "b", call("svc-a"));
    assert!(to_a[0].starts_with("a#1 <- "), "{to_a:?}");
    house.looks(3, &[("a", uses(Resource::Messages, 100))], 0);
    assert_eq!(house.steps(), "a=shedding b=free");
    let refused = say(&mut house, "a", call("svc-b"));
    assert!(refused.len() == 1 && refused[0].contains("overloaded"), "{refused:?}");
    let publish = Incoming::Publish {
        topic: crate::Word::literal("news"),
        payload: abi::Payload::new(b"1"),
        context: crate::CallContext::default(),
    };
    assert_eq!(say(&mut house, "a", publish.clone()), Vec::<String>::new());
    let answer = Incoming::Answer { id: crate::Word::literal("1"), outcome: crate::Outcome::Result(None) };
    let answered = say(&mut house, "a", answer);
    assert!(answered.len() == 1 && answered[0].starts_with("b#2 <- "), "{answered:?}");
    house.looks(6, &[("a", uses(Resource::Messages, 1))], 0);
    assert_eq!(house.steps().to_string(), "a=free b=free");
    assert!(!say(&mut house, "a", publish).is_empty());
}

#[test]
fn calls_past_their_bound_are_refused_at_once_and_pass_again_in_time() {
    let mut house = pair(Bounds::default().with(Resource::Calls, Some(5)));
    let is_refused = |heard: &Vec<String>| heard.iter().any(|line| line.contains("overloaded"));
    let heard: Vec<Vec<String>> = (0..8).map(|_| say(&mut house, "a", call("svc-b"))).collect();
    assert_eq!(heard.iter().filter(|heard| is_refused(heard)).count(), 3, "{heard:?}");
    // What one may is no other's.
    assert!(!is_refused(&say(&mut house, "b", call("svc-a"))));
    house.now = Time(200);
    assert!(!is_refused(&say(&mut house, "a", call("svc-b"))));
    assert!(is_refused(&say(&mut house, "a", call("svc-b"))));
}

#[test]
fn a_pool_has_caps_of_messages_and_files_too() {
    let mut settings = Settings::default();
    let cap = Bounds::default().with(Resource::Messages, Some(1000)).with(Resource::Files, Some(100));
    settings.pools.stable = Pool { cap, ..Pool::default() };
    let free = Bounds::default();
    let mut house = House::of(settings, vec![spec("a", Zone::Stable, free), spec("b", Zone::Stable, free)]);
    let rows = [("a", uses(Resource::Messages, 900)), ("b", uses(Resource::Messages, 200))];
    house.look(&rows, 0);
    assert_eq!(house.steps(), "a=slowed b=free");
    house.looks(2, &[("a", uses(Resource::Messages, 700)), ("b", uses(Resource::Files, 101))], 0);
    assert_eq!(house.steps(), "a=slowed b=frozen");
}

/// A sandbox pool with this cap, and three modules in it without bounds of their own.
fn pooled(cap: Bounds) -> House {
    let mut settings = Settings::default();
    settings.pools.sandbox = Pool { cap, ..Pool::default() };
    let all = ["a", "b", "c"].map(|id| spec(id, Zone::Sandbox, Bounds::default()));
    House::of(settings, all.to_vec())
}

#[test]
fn a_pool_that_the_system_keeps_at_its_cap_counts_as_full_and_who_filled_it_is_held_to_its_share() {
    let mut house = pooled(cpu(900));
    let rows = |a, b| [("a", uses(Resource::Cpu, a)), ("b", uses(Resource::Cpu, b))];
    // Never past the cap, since the system has taken it from all of them.
    let heard = house.looks(2, &rows(700, 190), 0);
    assert!(heard.iter().any(|line| line == "grip a#1 throttled messages=1000 cpu=450"), "{heard:?}");
    // Its quota is kept to some hundredths; it is not to blame for them.
    house.looks(20, &rows(470, 420), 0);
    assert_eq!(house.steps(), "a=throttled b=free c=free");
    house.looks(3, &rows(450, 100), 0);
    assert_eq!(house.steps(), "a=free b=free c=free");
}

#[test]
fn a_pool_below_its_cap_and_one_that_all_use_alike_hold_nobody() {
    let mut house = pooled(cpu(900));
    let rows = |a, b, c| {
        [("a", uses(Resource::Cpu, a)), ("b", uses(Resource::Cpu, b)), ("c", uses(Resource::Cpu, c))]
    };
    house.looks(20, &rows(840, 5, 5), 0);
    assert_eq!(house.steps(), "a=free b=free c=free", "one may use what the others leave");
    house.looks(20, &rows(320, 300, 310), 0);
    assert_eq!(house.steps(), "a=free b=free c=free", "at its cap, with nobody to blame");
    let mut alone = pooled(cpu(900));
    alone.looks(20, &[("a", uses(Resource::Cpu, 900))], 0);
    assert_eq!(alone.steps(), "a=free b=free c=free");
}

#[test]
fn who_sends_most_into_a_full_pool_is_slowed_to_its_share_and_to_its_own_bound_at_the_most() {
    let cap = Bounds::default().with(Resource::Messages, Some(900));
    let mut house = pooled(cap);
    let rows = [
        ("a", uses(Resource::Messages, 700)),
        ("b", uses(Resource::Messages, 100)),
        ("c", uses(Resource::Messages, 90)),
    ];
    let heard = house.look(&rows, 0);
    assert!(heard.iter().any(|line| line == "grip a#1 slowed messages=300"), "{heard:?}");
    let mut settings = Settings::default();
    settings.pools.sandbox = Pool { cap, ..Pool::default() };
    let own = Bounds::default().with(Resource::Messages, Some(200));
    let mut house = House::of(settings, vec![spec("a", Zone::Sandbox, own)]);
    let heard = house.look(&[("a", uses(Resource::Messages, 890))], 0);
    assert!(heard.iter().any(|line| line == "grip a#1 slowed messages=200"), "{heard:?}");
}
