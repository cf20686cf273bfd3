//! The kernel's own sections, typed: `logging`, `lifecycle`, `security`, `watchdog`, `machine`, `pools`,
//! `zones`, `backup`, `restarts`, `update`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use abi::{Permissions, Zone};

use crate::door::LogLevel;
use crate::files::node::{Kind, Node};
use crate::files::policy::read::{limits, minimum};
use crate::files::policy::{Limits, Minimum};
use crate::files::reader::Reader;

mod backup;
mod restarts;

pub use backup::{BackupRule, Backups};
pub use restarts::{Late, Restarts, Schedule, Target};

/// `lifecycle`: the clocks of a module's life. In the file all `*Ms` are whole numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifecycle {
    /// `healthIntervalMs`: from one ping to the next. 30 s.
    pub health_interval: Duration,
    /// `pingTimeoutMs`: how long a pong may take. 10 s.
    pub ping_timeout: Duration,
    /// `healthMaxFailures`: so many missed pongs in a row end a module. 3.
    pub health_max_failures: u32,
    /// `readyTimeoutMs`: from the spawn to `ready`. 30 s.
    pub ready_timeout: Duration,
    /// `requiresTimeoutMs`: how long required services may take. 30 s.
    pub requires_timeout: Duration,
    /// `shutdownGraceMs`: from `shutdown` to SIGKILL. 5 s.
    pub shutdown_grace: Duration,
    /// `maxRestarts`: respawns in a row. 5.
    pub max_restarts: u32,
    /// `restartBaseMs`: the first wait. 1 s.
    pub restart_base: Duration,
    /// `maxRestartBackoffMs`: the longest wait. 60 s.
    pub max_restart_backoff: Duration,
    /// `rpcTimeoutMs`: how long a call may take. 30 s.
    pub rpc_timeout: Duration,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            health_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
            health_max_failures: 3,
            ready_timeout: Duration::from_secs(30),
            requires_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(5),
            max_restarts: 5,
            restart_base: Duration::from_secs(1),
            max_restart_backoff: Duration::from_secs(60),
            rpc_timeout: Duration::from_secs(30),
        }
    }
}

/// `security.enforcementMode`: what happens to a module that tries what it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EnforcementMode {
    /// It is killed.
    #[default]
    Strict,
    /// It is told off.
    Warn,
    /// It is refused and the attempt is journaled; nothing more follows.
    Off,
}

/// `watchdog.mode`: what is done about a module that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WatchdogMode {
    /// It is reported.
    Passive,
    /// It is repaired.
    #[default]
    Active,
    /// It is repaired, and stopped after a violation.
    Strict,
}

/// `machine`: how many modules may be restarted, so that a mass failure is no storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// `restarts_burst`: so many at once. 200: all modules of a busy machine once, with some to spare.
    pub restarts_burst: u32,
    /// `restarts_per_s`: so many more each second. 50: a spawn costs about a millisecond of two cores, so 5 % of them.
    pub restarts_per_s: u32,
}

impl Default for Machine {
    fn default() -> Self {
        Self { restarts_burst: 200, restarts_per_s: 50 }
    }
}

/// `logging`: what is worth writing down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// `level`: from this level on. `info`.
    pub level: LogLevel,
    /// `levels`: other levels for single modules.
    pub levels: BTreeMap<String, LogLevel>,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: LogLevel::Info, levels: BTreeMap::new() }
    }
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What is written down.
    pub logging: Logging,
    /// The clocks of a module's life.
    pub lifecycle: Lifecycle,
    /// What happens to a module that tries what it may not.
    pub enforcement: EnforcementMode,
    /// How much containment every module has to have.
    pub minimum: Minimum,
    /// What is done about a module that fails.
    pub watchdog: WatchdogMode,
    /// The whole machine's restarts.
    pub machine: Machine,
    /// What the zones' pools give.
    pub pools: Pools,
    /// What is backed up, and what of it is kept.
    pub backup: Backups,
    /// Which restarts are planned, and how many there may be.
    pub restarts: Restarts,
    /// How modules move between zones.
    pub zones: Zones,
    /// How modules become new.
    pub update: Update,
}

/// `zones`: how modules move between zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zones {
    /// `promotion`: how a module of the sandbox zone comes to the stable one. `command`.
    pub promotion: Promotion,
    /// `probationMs`: how long it has to be well, where that is what decides. 10 min.
    pub probation: Duration,
    /// `sandbox.ceiling` and `stable.ceiling`: the most that each module of the zone may do; no bound where there is none.
    pub ceilings: BTreeMap<Zone, Permissions>,
    /// `sandbox.restarts_burst`, `sandbox.restarts_per_s`, and the same of `stable`: each zone's own budget of restarts.
    pub budgets: BTreeMap<Zone, RestartBudget>,
}

/// How many restarts of a zone's modules may be begun; what is not said is as the machine's, and half of it for the sandbox
/// zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RestartBudget {
    /// `restarts_burst`: at once.
    pub burst: Option<u32>,
    /// `restarts_per_s`: per second after that.
    pub per_s: Option<u32>,
}

impl Default for Zones {
    fn default() -> Self {
        Self {
            promotion: Promotion::default(),
            probation: PROBATION_DEFAULT,
            ceilings: BTreeMap::new(),
            budgets: BTreeMap::new(),
        }
    }
}

/// 10 min: ten times as long as a module has to be well until its restarts are counted anew.
const PROBATION_DEFAULT: Duration = Duration::from_secs(600);

/// `zones.promotion`: what moves a module from the sandbox zone to the stable one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Promotion {
    /// An operator's word alone.
    #[default]
    Command,
    /// That word, or a probation that the module has passed.
    Probation,
}

/// `update`: how modules become new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// `probation`: how long a new version is watched before it stays; 60 s.
    pub probation: Duration,
}

impl Default for Update {
    fn default() -> Self {
        Self { probation: Duration::from_secs(60) }
    }
}

/// `pools`: what each zone's modules may use, alone (`each`) and all together (`cap`); fields as in a module's `limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pools {
    /// `pools.sandbox`
    pub sandbox: Pool,
    /// `pools.stable`
    pub stable: Pool,
    /// `pools.system`
    pub system: Pool,
}

/// One zone's pool; what it says nothing about is as it is by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pool {
    /// `share`: how much of a contended processor the zone's modules get against other zones', from 1 to 10,000; 100 is as
    /// much as any other. 20 for sandbox, 100 for stable and system.
    pub share: Option<u64>,
    /// `cap`: all of the zone's modules together. What no pool can be held to (`core`, `cpu_seconds`, `deadline`) is refused.
    pub cap: Limits,
    /// `each`: every module of the zone that has no bounds of its own.
    pub each: Limits,
}

/// The sections that belong to the kernel; all others are modules'.
pub const KERNEL_SECTIONS: [&str; 10] = [
    "logging",
    "lifecycle",
    "security",
    "watchdog",
    "machine",
    "pools",
    "zones",
    "backup",
    "restarts",
    "update",
];

/// One year in milliseconds: a longer wait is a slip of the keyboard.
const WAIT_MS_MAX: u64 = 365 * 24 * 60 * 60 * 1000;

/// 1,000 ms: a shorter probation would be over before anything can go wrong.
const PROBATION_MS_LEAST: u64 = 1000;
/// 7 d: a longer probation is a slip of the keyboard.
const PROBATION_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Shares of a processor as the system takes them; 100 is as much as any other pool.
const SHARES: RangeInclusive<u64> = 1..=10_000;

/// 1,000,000: the largest count that is not a slip of the keyboard.
const COUNT_MAX: u64 = 1_000_000;

/// Reads the kernel's sections. What is wrong is noted and left at its default.
pub(in crate::files) fn read(reader: &mut Reader, root: &Node) -> Settings {
    let mut settings = Settings::default();
    for (key, section) in root.entries() {
        if !KERNEL_SECTIONS.contains(&key.text.as_str()) || section.kind == Kind::Null {
            continue;
        }
        let Some(entries) = reader.map(&key.text, section) else { continue };
        for (field, value) in entries {
            let name = field.text.as_str();
            let known = match key.text.as_str() {
                "logging" => logging(reader, &mut settings.logging, name, value),
                "lifecycle" => lifecycle(reader, &mut settings.lifecycle, name, value),
                "security" => security(reader, &mut settings, name, value),
                "watchdog" => watchdog(reader, &mut settings.watchdog, name, value),
                "zones" => zones(reader, &mut settings.zones, name, value),
                "pools" => pools(reader, &mut settings.pools, name, value),
                "restarts" => restarts::field(reader, &mut settings.restarts, name, value),
                "backup" => backup::field(reader, &mut settings.backup, name, value),
                "update" => update(reader, &mut settings.update, name, value),
                _ => machine(reader, &mut settings.machine, name, value),
            };
            if let Known::Not(fields) = known {
                reader.unknown_field(section, field, fields);
            }
        }
    }
    settings
}

/// Whether a section has such a field; if not, the fields that it has.
enum Known {
    Yes,
    Not(&'static [&'static str]),
}

fn level_words() -> [(&'static str, LogLevel); 6] {
    LogLevel::ALL.map(|level| (level.as_str(), level))
}

fn logging(reader: &mut Reader, logging: &mut Logging, field: &str, node: &Node) -> Known {
    match field {
        "level" => {
            if let Some(level) = reader.word(field, node, &level_words()) {
                logging.level = level;
            }
        }
        "levels" => {
            for (key, value) in reader.map(field, node).unwrap_or_default() {
                if let Some(level) = reader.word(&key.text, value, &level_words()) {
                    logging.levels.insert(key.text.clone(), level);
                }
            }
        }
        _ => return Known::Not(&["level", "levels"]),
    }
    Known::Yes
}

const LIFECYCLE_FIELDS: [&str; 10] = [
    "healthIntervalMs",
    "pingTimeoutMs",
    "healthMaxFailures",
    "readyTimeoutMs",
    "requiresTimeoutMs",
    "shutdownGraceMs",
    "maxRestarts",
    "restartBaseMs",
    "maxRestartBackoffMs",
    "rpcTimeoutMs",
];

fn lifecycle(reader: &mut Reader, lifecycle: &mut Lifecycle, field: &str, node: &Node) -> Known {
    let wait = match field {
        "healthIntervalMs" => &mut lifecycle.health_interval,
        "pingTimeoutMs" => &mut lifecycle.ping_timeout,
        "readyTimeoutMs" => &mut lifecycle.ready_timeout,
        "requiresTimeoutMs" => &mut lifecycle.requires_timeout,
        "shutdownGraceMs" => &mut lifecycle.shutdown_grace,
        "restartBaseMs" => &mut lifecycle.restart_base,
        "maxRestartBackoffMs" => &mut lifecycle.max_restart_backoff,
        "rpcTimeoutMs" => &mut lifecycle.rpc_timeout,
        "healthMaxFailures" => {
            count(reader, &mut lifecycle.health_max_failures, field, node, 1);
            return Known::Yes;
        }
        "maxRestarts" => {
            count(reader, &mut lifecycle.max_restarts, field, node, 0);
            return Known::Yes;
        }
        _ => return Known::Not(&LIFECYCLE_FIELDS),
    };
    if let Some(ms) = reader.whole(field, node, 1..=WAIT_MS_MAX) {
        *wait = Duration::from_millis(ms);
    }
    Known::Yes
}

fn count(reader: &mut Reader, target: &mut u32, field: &str, node: &Node, least: u64) {
    let number = reader.whole(field, node, least..=COUNT_MAX);
    if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
        *target = number;
    }
}

fn security(reader: &mut Reader, settings: &mut Settings, field: &str, node: &Node) -> Known {
    let words =
        [("strict", EnforcementMode::Strict), ("warn", EnforcementMode::Warn), ("off", EnforcementMode::Off)];
    match field {
        "enforcementMode" => {
            settings.enforcement = reader.word(field, node, &words).unwrap_or(settings.enforcement);
        }
        "minimum" => settings.minimum = minimum(reader, node).unwrap_or(settings.minimum),
        _ => return Known::Not(&["enforcementMode", "minimum"]),
    }
    Known::Yes
}

fn watchdog(reader: &mut Reader, mode: &mut WatchdogMode, field: &str, node: &Node) -> Known {
    if field != "mode" {
        return Known::Not(&["mode"]);
    }
    let words = [
        ("passive", WatchdogMode::Passive),
        ("active", WatchdogMode::Active),
        ("strict", WatchdogMode::Strict),
    ];
    if let Some(word) = reader.word(field, node, &words) {
        *mode = word;
    }
    Known::Yes
}

fn machine(reader: &mut Reader, machine: &mut Machine, field: &str, node: &Node) -> Known {
    match field {
        "restarts_burst" => count(reader, &mut machine.restarts_burst, field, node, 1),
        "restarts_per_s" => count(reader, &mut machine.restarts_per_s, field, node, 1),
        _ => return Known::Not(&["restarts_burst", "restarts_per_s"]),
    }
    Known::Yes
}

fn update(reader: &mut Reader, update: &mut Update, field: &str, node: &Node) -> Known {
    if field != "probation" {
        return Known::Not(&["probation"]);
    }
    if let Some(probation) = reader.duration(field, node) {
        update.probation = probation.min(PROBATION_MAX);
    }
    Known::Yes
}

fn pools(reader: &mut Reader, pools: &mut Pools, zone: &str, node: &Node) -> Known {
    let pool = match zone {
        "sandbox" => &mut pools.sandbox,
        "stable" => &mut pools.stable,
        "system" => &mut pools.system,
        _ => return Known::Not(&["sandbox", "stable", "system"]),
    };
    for (key, value) in reader.map(zone, node).unwrap_or_default() {
        match key.text.as_str() {
            "share" => pool.share = reader.whole("share", value, SHARES),
            "cap" => pool.cap = cap(reader, value),
            "each" => pool.each = limits(reader, value),
            _ => reader.unknown_field(node, key, &["share", "cap", "each"]),
        }
    }
    Known::Yes
}

/// Bounds of one process each say nothing about all of a pool together.
fn cap(reader: &mut Reader, node: &Node) -> Limits {
    for (key, value) in node.entries() {
        if matches!(key.text.as_str(), "core" | "cpu_seconds" | "deadline") {
            let why = "bounds one process and no pool; write it under `each`";
            reader.bad_value(&key.text, value, why);
        }
    }
    Limits { core_bytes: None, cpu_seconds: None, deadline: None, ..limits(reader, node) }
}

fn zones(reader: &mut Reader, zones: &mut Zones, field: &str, node: &Node) -> Known {
    match field {
        "promotion" => {
            let words = [("command", Promotion::Command), ("probation", Promotion::Probation)];
            if let Some(word) = reader.word(field, node, &words) {
                zones.promotion = word;
            }
        }
        "probationMs" => {
            if let Some(ms) = reader.whole(field, node, PROBATION_MS_LEAST..=WAIT_MS_MAX) {
                zones.probation = Duration::from_millis(ms);
            }
        }
        "sandbox" => zone(reader, zones, Zone::Sandbox, node),
        "stable" => zone(reader, zones, Zone::Stable, node),
        _ => return Known::Not(&["promotion", "probationMs", "sandbox", "stable"]),
    }
    Known::Yes
}

/// A ceiling that can't be understood leaves nothing: a slip must not give more than was meant.
fn zone(reader: &mut Reader, zones: &mut Zones, zone: Zone, node: &Node) {
    for (key, value) in reader.map(zone.as_str(), node).unwrap_or_default() {
        let field = key.text.as_str();
        let budget = || zones.budgets.get(&zone).copied().unwrap_or_default();
        match field {
            "ceiling" => {
                zones.ceilings.insert(zone, reader.permissions(field, value).unwrap_or_default());
            }
            "restarts_burst" => {
                let budget = RestartBudget { burst: budget_count(reader, field, value), ..budget() };
                zones.budgets.insert(zone, budget);
            }
            "restarts_per_s" => {
                let budget = RestartBudget { per_s: budget_count(reader, field, value), ..budget() };
                zones.budgets.insert(zone, budget);
            }
            _ => reader.unknown_field(node, key, &["ceiling", "restarts_burst", "restarts_per_s"]),
        }
    }
}

fn budget_count(reader: &mut Reader, field: &str, node: &Node) -> Option<u32> {
    let mut number = 0;
    count(reader, &mut number, field, node, 1);
    (number > 0).then_some(number)
}
