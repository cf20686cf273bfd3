//! Every value in force with where it comes from: what files say, and the kernel's own settings at their defaults.

use std::time::Duration;

use serde_json::{Value, json};

use super::Config;
use super::settings::{EnforcementMode, Settings, WatchdogMode};
use crate::operator::ConfigEntry;

/// The origin of a value that no file gives.
pub const DEFAULT_ORIGIN: &str = "default";

/// Every value in force, by key: those of files, and the kernel's own settings at their defaults.
pub(super) fn entries(config: &Config) -> Vec<ConfigEntry> {
    let mut entries: Vec<ConfigEntry> = config
        .leaves()
        .into_iter()
        .map(|(key, value, origin)| ConfigEntry {
            key,
            value,
            origin: format!("{}:{}", origin.file, origin.at.line),
        })
        .collect();
    for (key, value) in settings(config.settings()) {
        if !entries.iter().any(|entry| entry.key == key) {
            entries.push(ConfigEntry { key: key.to_owned(), value, origin: DEFAULT_ORIGIN.to_owned() });
        }
    }
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    entries
}

/// The kernel's own settings by their keys, as files spell them.
fn settings(settings: &Settings) -> Vec<(&'static str, Value)> {
    let ms = |span: Duration| json!(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    let lifecycle = &settings.lifecycle;
    vec![
        ("logging.level", json!(settings.logging.level.as_str())),
        ("lifecycle.healthIntervalMs", ms(lifecycle.health_interval)),
        ("lifecycle.pingTimeoutMs", ms(lifecycle.ping_timeout)),
        ("lifecycle.healthMaxFailures", json!(lifecycle.health_max_failures)),
        ("lifecycle.readyTimeoutMs", ms(lifecycle.ready_timeout)),
        ("lifecycle.requiresTimeoutMs", ms(lifecycle.requires_timeout)),
        ("lifecycle.shutdownGraceMs", ms(lifecycle.shutdown_grace)),
        ("lifecycle.maxRestarts", json!(lifecycle.max_restarts)),
        ("lifecycle.restartBaseMs", ms(lifecycle.restart_base)),
        ("lifecycle.maxRestartBackoffMs", ms(lifecycle.max_restart_backoff)),
        ("lifecycle.rpcTimeoutMs", ms(lifecycle.rpc_timeout)),
        ("security.minimum", json!(settings.minimum.as_str())),
        ("security.enforcementMode", json!(enforcement_word(settings.enforcement))),
        ("watchdog.mode", json!(watchdog_word(settings.watchdog))),
        ("machine.restarts_burst", json!(settings.machine.restarts_burst)),
        ("machine.restarts_per_s", json!(settings.machine.restarts_per_s)),
    ]
}

fn enforcement_word(mode: EnforcementMode) -> &'static str {
    match mode {
        EnforcementMode::Strict => "strict",
        EnforcementMode::Warn => "warn",
        EnforcementMode::Off => "off",
    }
}

fn watchdog_word(mode: WatchdogMode) -> &'static str {
    match mode {
        WatchdogMode::Passive => "passive",
        WatchdogMode::Active => "active",
        WatchdogMode::Strict => "strict",
    }
}
