//! Modules, rules and permissions from words, so that a test states only what matters to it.

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use core::time::Duration;

use abi::{ModuleId, Name, PermissionKind, Permissions};
use kernel::{
    Capabilities, Discovered, Door, Enforcement, GiveUp, Grants, Keeps, RestartRule, Settings, Spec,
    Strategy, Watchdog, Work,
};

type Parsed<T> = Result<T, String>;

/// A module from `id word word=value ...`: approved with nothing, talked with in lines, unless a word says otherwise.
pub(crate) fn discovered(text: &str) -> Parsed<Discovered> {
    let mut words = text.split_whitespace();
    let mut spec = Spec::plain(module_id(words.next().unwrap_or_default())?);
    spec.door = Door::Lines;
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    let mut one = Discovered { spec, grants, refused: None };
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        if !set_grant(&mut one, key, value)? && !set_policy(&mut one.spec, key, value)? {
            set_spec(&mut one.spec, key, value)?;
        }
    }
    Ok(one)
}

fn set_grant(one: &mut Discovered, key: &str, value: &str) -> Parsed<bool> {
    match key {
        "unapproved" => one.grants.base = None,
        "base" => one.grants.base = Some(permissions(value)?),
        "dynamic" => one.grants.dynamic = permissions(value)?,
        "denied" => one.grants.denied = permissions(value)?,
        "spawned-before" => one.grants.spawned_before = true,
        "stored-may" => stored(one).services = set(value)?,
        "stored-hears" => stored(one).topics = set(value)?,
        "forbid-may" => one.grants.forbid.services = set(value)?,
        "forbid-hears" => one.grants.forbid.topics = set(value)?,
        "refused" => one.refused = Some(value.replace('_', " ")),
        _ => return Ok(false),
    }
    Ok(true)
}

fn stored(one: &mut Discovered) -> &mut Capabilities {
    one.grants.capabilities.get_or_insert_default()
}

fn set_policy(spec: &mut Spec, key: &str, value: &str) -> Parsed<bool> {
    match key {
        "restart" => {
            spec.restart = match value {
                "on-failure" => RestartRule::OnFailure,
                "never" => RestartRule::Never,
                _ => RestartRule::Always,
            };
        }
        "strategy" => {
            spec.strategy = match value {
                "rest" => Strategy::RestForOne,
                "all" => Strategy::OneForAll,
                _ => Strategy::OneForOne,
            };
        }
        "give-up" => {
            spec.on_give_up = match value.split_once(':') {
                Some(("start", other)) => GiveUp::Start(module_id(other)?),
                _ if value == "stop-dependents" => GiveUp::StopDependents,
                _ if value == "shutdown" => GiveUp::Shutdown,
                _ => GiveUp::Nothing,
            };
        }
        "max" => spec.max_restarts = Some(number(value)?),
        "ready-ms" => spec.ready_timeout = Some(Duration::from_millis(number(value)?)),
        "grace-ms" => spec.shutdown_grace = Some(Duration::from_millis(number(value)?)),
        "not-at-boot" => spec.start_at_boot = false,
        "sandbox" => spec.zone = abi::Zone::Sandbox,
        "system" => spec.zone = abi::Zone::System,
        _ => return Ok(false),
    }
    Ok(true)
}

fn set_spec(spec: &mut Spec, key: &str, value: &str) -> Parsed<()> {
    match key {
        "plain" => spec.door = Door::Plain,
        "once" => spec.work = Work::Once,
        "version" => spec.version = value.to_string(),
        "priority" => spec.priority = number(value)?,
        "provides" => spec.provides = list(value)?,
        "requires" => spec.requires = list(value)?,
        "optional" => spec.optional_requires = list(value)?,
        "needs" => spec.needs = value.split(',').map(module_id).collect::<Parsed<_>>()?,
        "hears" => spec.subscribes = set(value)?,
        "speaks" => spec.publishes = set(value)?,
        "may" => spec.capabilities.get_or_insert_default().services = set(value)?,
        "may-hear" => spec.capabilities.get_or_insert_default().topics = set(value)?,
        "section" => spec.config_key = Some(value.to_string()),
        "watches" => spec.config_dependencies = value.split(',').map(ToString::to_string).collect(),
        "print" => spec.fingerprint = number(value)?,
        "cancel" => spec.features.cancel = true,
        "progress" => spec.features.progress = true,
        "stream" => spec.features.stream = true,
        "deadline" => spec.features.deadline = true,
        "trace" => spec.features.trace = true,
        "state" => spec.features.state = true,
        "keeps-nothing" => spec.keeps = Keeps::Nothing,
        "keeps-state" => spec.keeps = Keeps::State,
        _ => return Err(format!("no such word for a module: {key}")),
    }
    Ok(())
}

/// Changes the rules of the house by `name=value` words; times in milliseconds.
pub(crate) fn change_settings(settings: &mut Settings, text: &str) -> Parsed<()> {
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("no value: {word}"))?;
        if let Some(service) = key.strip_prefix("provider:") {
            settings.providers.insert(name(service)?, module_id(value)?);
        } else {
            set_rule(settings, key, value)?;
        }
    }
    Ok(())
}

fn set_rule(settings: &mut Settings, key: &str, value: &str) -> Parsed<()> {
    let time = || number(value).map(Duration::from_millis);
    match key {
        "health_interval" => settings.health_interval = time()?,
        "ping_timeout" => settings.ping_timeout = time()?,
        "health_max_failures" => settings.health_max_failures = number(value)?,
        "ready_timeout" => settings.ready_timeout = time()?,
        "requires_timeout" => settings.requires_timeout = time()?,
        "shutdown_grace" => settings.shutdown_grace = time()?,
        "max_restarts" => settings.max_restarts = number(value)?,
        "restart_base" => settings.restart_base = time()?,
        "restart_backoff_max" => settings.restart_backoff_max = time()?,
        "rpc_timeout" => settings.rpc_timeout = time()?,
        "burst" => settings.machine_restarts_burst = number(value)?,
        "probation" => settings.probation = Some(time()?),
        "ceiling:sandbox" => drop(settings.ceilings.insert(abi::Zone::Sandbox, permissions(value)?)),
        "per_s" => settings.machine_restarts_per_s = number(value)?,
        "stable_burst" => settings.budgets.entry(abi::Zone::Stable).or_default().burst = Some(number(value)?),
        "stable_per_s" => settings.budgets.entry(abi::Zone::Stable).or_default().per_s = Some(number(value)?),
        "enforcement" => {
            settings.enforcement = match value {
                "warn" => Enforcement::Warn,
                "off" => Enforcement::Off,
                _ => Enforcement::Strict,
            };
        }
        "watchdog" => {
            settings.watchdog = match value {
                "passive" => Watchdog::Passive,
                "strict" => Watchdog::Strict,
                _ => Watchdog::Active,
            };
        }
        _ => return Err(format!("no such rule: {key}")),
    }
    Ok(())
}

/// Permissions from `kind:value,kind:value`.
pub(crate) fn permissions(text: &str) -> Parsed<Permissions> {
    let mut all = Permissions::default();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let (kind, value) = pair.split_once(':').ok_or_else(|| format!("no kind: {pair}"))?;
        let kind = PermissionKind::from_word(kind).ok_or_else(|| format!("no such kind: {kind}"))?;
        all.of_mut(kind).insert(value.to_string());
    }
    Ok(all)
}

pub(crate) fn module_id(text: &str) -> Parsed<ModuleId> {
    ModuleId::parse(text).map_err(|error| format!("module id {text:?} {error}"))
}

pub(crate) fn name<T: From<Name>>(text: &str) -> Parsed<T> {
    Name::parse(text).map(T::from).map_err(|error| format!("name {error}"))
}

pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Parsed<T> {
    text.parse().map_err(|_| format!("not a number: {text:?}"))
}

fn list(text: &str) -> Parsed<Vec<Name>> {
    text.split(',').map(name).collect()
}

fn set(text: &str) -> Parsed<BTreeSet<Name>> {
    text.split(',').filter(|one| !one.is_empty()).map(name).collect()
}
