//! The drawn house: its rules and its modules, and how either changes while the house is lived in.

use core::time::Duration;
use std::collections::BTreeSet;

use abi::{ModuleId, Name, Permissions, Scope};
use kernel::{
    Capabilities, Discovered, Door, Enforcement, Forbidden, GiveUp, Grants, RestartRule, Settings, Spec,
    Strategy, Watchdog, Work,
};

use crate::random::Random;

/// 8 modules at most: enough for every kind of tie between them, few enough that they meet often.
pub(crate) const MODULES: u64 = 8;

/// Services that are offered or missed.
const SERVICES: u64 = 6;

/// Topics that are spoken on.
const TOPICS: u64 = 4;

/// Sections of the configuration.
const SECTIONS: u64 = 3;

/// 2,000 ms: no grace that is drawn is longer, which bounds every stop.
pub(crate) const GRACE_MS_MAX: u64 = 2000;

pub(crate) fn module_id(number: u64) -> ModuleId {
    ModuleId::parse(&format!("m{number}")).expect("a letter and a number are a slug")
}

pub(crate) fn name<T: From<Name>>(letter: char, number: u64) -> T {
    T::from(Name::parse(&format!("{letter}{number}")).expect("a letter and a number are short"))
}

pub(crate) fn service<T: From<Name>>(random: &mut Random) -> T {
    name('s', random.below(SERVICES))
}

pub(crate) fn topic<T: From<Name>>(random: &mut Random) -> T {
    match random.below(12) {
        0 => T::from(Name::literal("system:module:ready")),
        1 => T::from(Name::literal("kernel.x")),
        _ => name('t', random.below(TOPICS)),
    }
}

pub(crate) fn section(random: &mut Random) -> String {
    format!("k{}", random.below(SECTIONS))
}

pub(crate) fn permissions(random: &mut Random) -> Permissions {
    let mut all = Permissions::default();
    for _ in 0..random.below(3) {
        all.net.insert(format!("host-{}", random.below(4)));
    }
    if random.happens(40) {
        all.context.insert(session(random).to_string());
    }
    if random.happens(30) {
        all.secrets.insert(format!("s{}", random.below(3)));
    }
    all
}

/// One of two sessions.
pub(crate) fn session(random: &mut Random) -> Scope {
    Scope::Session(ModuleId::parse(&format!("session-{}", random.below(2))).expect("a name is short"))
}

pub(crate) fn settings(random: &mut Random) -> Settings {
    let mut time = |least, most| Duration::from_millis(random.between(least, most));
    let mut settings = Settings {
        health_interval: time(1000, 20_000),
        ping_timeout: time(500, 5000),
        ready_timeout: time(500, 5000),
        requires_timeout: time(500, 5000),
        shutdown_grace: time(GRACE_MS_MAX / 2, GRACE_MS_MAX),
        restart_base: time(10, 1000),
        restart_backoff_max: time(500, 5000),
        rpc_timeout: time(200, 5000),
        ..Settings::default()
    };
    settings.health_max_failures = u32::try_from(random.between(1, 3)).unwrap_or(1);
    settings.max_restarts = u32::try_from(random.below(5)).unwrap_or(0);
    if random.happens(50) {
        settings.machine_restarts_burst = u32::try_from(random.between(1, 4)).unwrap_or(1);
        settings.machine_restarts_per_s = u32::try_from(random.between(1, 5)).unwrap_or(1);
    }
    if random.happens(30) {
        let budget = kernel::ZoneBudget {
            burst: Some(u32::try_from(random.between(1, 3)).unwrap_or(1)),
            per_s: random.happens(50).then_some(1),
        };
        settings.budgets.insert(abi::Zone::Stable, budget);
    }
    change_settings(&mut settings, random);
    settings
}

/// What may change while modules run without moving the bounds that the observer holds the kernel to.
pub(crate) fn change_settings(settings: &mut Settings, random: &mut Random) {
    settings.enforcement =
        *random.pick(&[Enforcement::Strict, Enforcement::Warn, Enforcement::Off, Enforcement::Off]);
    settings.watchdog = *random.pick(&[
        Watchdog::Active,
        Watchdog::Active,
        Watchdog::Active,
        Watchdog::Strict,
        Watchdog::Passive,
    ]);
    settings.providers.clear();
    if random.happens(20) {
        settings.providers.insert(service(random), module_id(random.below(MODULES)));
    }
}

pub(crate) fn module(random: &mut Random, number: u64) -> Discovered {
    let mut spec = Spec::plain(module_id(number));
    spec.door = if random.happens(80) { Door::Lines } else { Door::Plain };
    spec.priority = u32::try_from(random.below(3)).unwrap_or(0);
    spec.fingerprint = random.below(1000);
    spec.start_at_boot = random.happens(85);
    tie(&mut spec, random, number);
    policy(&mut spec, random);
    spec.features.cancel = random.happens(50);
    spec.features.progress = random.happens(50);
    spec.features.stream = random.happens(50);
    spec.features.deadline = random.happens(50);
    spec.features.trace = random.happens(20);
    if random.happens(85) {
        let services: BTreeSet<Name> =
            (0..SERVICES).filter(|_| random.happens(85)).map(|s| name('s', s)).collect();
        spec.capabilities =
            Some(Capabilities { services, topics: topics(random), forbid: forbidden(random) });
    }
    let base = random.happens(92).then(|| permissions(random));
    let refused = random.happens(4).then(|| String::from("files changed"));
    Discovered { spec, grants: Grants { base, ..Grants::default() }, refused }
}

/// Ties go mostly to lower numbers, so that most houses can come up and some have circles.
fn tie(spec: &mut Spec, random: &mut Random, number: u64) {
    if random.happens(90) {
        let own = if random.happens(97) { number % SERVICES } else { random.below(SERVICES) };
        spec.provides.push(name('s', own));
    }
    let tied = |random: &mut Random| {
        if random.happens(97) { random.below(number.max(1)) } else { random.below(SERVICES) }
    };
    if number > 0 && random.happens(35) {
        let wanted = tied(random) % SERVICES;
        spec.requires.push(name('s', wanted));
    }
    if random.happens(30) {
        spec.optional_requires.push(service(random));
    }
    if number > 0 && random.happens(25) {
        let needed = tied(random);
        spec.needs.push(module_id(needed));
    }
    spec.subscribes = topics(random);
    if random.happens(30) {
        spec.publishes.insert(topic(random));
    }
    spec.config_key = random.happens(50).then(|| section(random));
    if random.happens(20) {
        spec.config_dependencies.insert(section(random));
    }
}

/// Now and then something that is allowed is forbidden too.
pub(crate) fn forbidden(random: &mut Random) -> Forbidden {
    let mut forbidden = Forbidden::default();
    if random.happens(15) {
        forbidden.services.insert(service(random));
    }
    if random.happens(15) {
        forbidden.topics.insert(topic(random));
    }
    forbidden
}

fn topics(random: &mut Random) -> BTreeSet<Name> {
    let mut topics: BTreeSet<Name> =
        (0..TOPICS).filter(|_| random.happens(40)).map(|t| name('t', t)).collect();
    if random.happens(15) {
        topics.insert(Name::literal("system:module:*"));
    }
    if random.happens(10) {
        topics.insert(Name::literal("system:rpc"));
    }
    topics
}

fn policy(spec: &mut Spec, random: &mut Random) {
    spec.restart = *random.pick(&[
        RestartRule::Always,
        RestartRule::Always,
        RestartRule::Always,
        RestartRule::OnFailure,
        RestartRule::Never,
    ]);
    spec.strategy = *random.pick(&[
        Strategy::OneForOne,
        Strategy::OneForOne,
        Strategy::OneForOne,
        Strategy::RestForOne,
        Strategy::OneForAll,
    ]);
    spec.on_give_up = match random.below(20) {
        0 => GiveUp::Shutdown,
        1..=3 => GiveUp::StopDependents,
        4..=6 => GiveUp::Start(module_id(random.below(MODULES))),
        _ => GiveUp::Nothing,
    };
    if random.happens(20) {
        spec.max_restarts = u32::try_from(random.below(4)).ok();
    }
    if random.happens(20) {
        spec.ready_timeout = Some(Duration::from_millis(random.between(300, 3000)));
    }
    if random.happens(8) {
        // With a time of its own, or nobody would say that an order to start it takes too long.
        spec.work = Work::Once;
        spec.ready_timeout = Some(Duration::from_millis(random.between(300, 3000)));
    }
    if random.happens(30) {
        spec.shutdown_grace = Some(Duration::from_millis(random.below(GRACE_MS_MAX + 1)));
    }
}
