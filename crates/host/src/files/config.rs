//! The configuration of a running kernel: the project's part at the bottom, `config.yaml` above it, and `config.d/*.yaml`
//! in the order of their names on top, so that what was set by `config.set` (`90-set.yaml`) wins.

use std::io;
use std::path::{Path, PathBuf};

use kernel::{Enforcement, Pool, Pools, Settings, Watchdog, ZoneBudget};
use protocol::files::config::settings::{self, EnforcementMode, Promotion, WatchdogMode};
use protocol::files::config::{Config, Layer};

use super::approvals::Approvals;
use super::blueprint::bounds;
use super::project::ProjectModules;
use super::read_text;
use crate::error::HostError;
use crate::home::Home;

#[cfg(test)]
mod tests;

/// 256 files in `config.d`: more is not written by people.
const LAYERS_MAX: usize = 256;

/// Whether there was a `config.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MainFile {
    Found,
    Missing,
}

/// Reads all layers and lays them over each other.
///
/// # Errors
/// The first file that can't be read or understood.
pub(crate) fn load(home: &Home, project: Option<&ProjectModules>) -> Result<(Config, MainFile), HostError> {
    let mut layers = match project {
        Some(project) => project.layers().map_err(HostError::File)?,
        None => Vec::new(),
    };
    let main = read_layer(&home.config())?;
    let found = if main.is_some() { MainFile::Found } else { MainFile::Missing };
    layers.extend(main);
    for path in folder_files(&home.config_folder()) {
        layers.extend(read_layer(&path)?);
    }
    Ok((Config::merge(&layers), found))
}

/// The same with one file of `config.d` as it would be after a change.
///
/// # Errors
/// As [`load`], and when the changed text is none.
pub(crate) fn load_changed(
    home: &Home,
    project: Option<&ProjectModules>,
    changed: &Path,
    text: &str,
) -> Result<Config, HostError> {
    let mut layers = match project {
        Some(project) => project.layers().map_err(HostError::File)?,
        None => Vec::new(),
    };
    layers.extend(read_layer(&home.config())?);
    let mut paths = folder_files(&home.config_folder());
    if !paths.iter().any(|path| path == changed) {
        paths.push(changed.to_owned());
        paths.sort();
    }
    for path in paths {
        if path == changed {
            layers.push(Layer::parse(&path.display().to_string(), text).map_err(HostError::File)?);
        } else {
            layers.extend(read_layer(&path)?);
        }
    }
    Ok(Config::merge(&layers))
}

fn read_layer(path: &Path) -> Result<Option<Layer>, HostError> {
    match read_text(path) {
        Ok(text) => Layer::parse(&path.display().to_string(), &text).map(Some).map_err(HostError::File),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(HostError::Read { path: path.to_owned(), source }),
    }
}

fn folder_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_layer = |path: &PathBuf| {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        !hidden && path.extension().is_some_and(|end| end == "yaml" || end == "yml")
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_layer).collect();
    files.sort();
    files.truncate(LAYERS_MAX);
    files
}

/// The rules of the house as the kernel takes them.
pub(crate) fn kernel_settings(settings: &settings::Settings, approvals: &Approvals) -> Settings {
    let lifecycle = settings.lifecycle;
    Settings {
        health_interval: lifecycle.health_interval,
        ping_timeout: lifecycle.ping_timeout,
        health_max_failures: lifecycle.health_max_failures,
        ready_timeout: lifecycle.ready_timeout,
        requires_timeout: lifecycle.requires_timeout,
        shutdown_grace: lifecycle.shutdown_grace,
        max_restarts: lifecycle.max_restarts,
        restart_base: lifecycle.restart_base,
        restart_backoff_max: lifecycle.max_restart_backoff,
        rpc_timeout: lifecycle.rpc_timeout,
        machine_restarts_burst: settings.machine.restarts_burst,
        machine_restarts_per_s: settings.machine.restarts_per_s,
        budgets: settings.zones.budgets.iter().map(|(zone, set)| (*zone, budget(*set))).collect(),
        enforcement: match settings.enforcement {
            EnforcementMode::Strict => Enforcement::Strict,
            EnforcementMode::Warn => Enforcement::Warn,
            EnforcementMode::Off => Enforcement::Off,
        },
        watchdog: match settings.watchdog {
            WatchdogMode::Passive => Watchdog::Passive,
            WatchdogMode::Active => Watchdog::Active,
            WatchdogMode::Strict => Watchdog::Strict,
        },
        pools: pools(&settings.pools),
        ceilings: settings.zones.ceilings.clone(),
        probation: (settings.zones.promotion == Promotion::Probation).then_some(settings.zones.probation),
        providers: approvals.providers().map(|(service, id)| (service.clone(), id.clone())).collect(),
    }
}

fn budget(set: settings::RestartBudget) -> ZoneBudget {
    ZoneBudget { burst: set.burst, per_s: set.per_s }
}

/// What the configuration says of the pools, over what they give by default.
fn pools(said: &settings::Pools) -> Pools {
    let default = Pools::default();
    let pool = |said: settings::Pool, below: Pool| Pool {
        share: said.share.unwrap_or(below.share),
        cap: bounds(&said.cap).over(below.cap),
        each: bounds(&said.each).over(below.each),
    };
    Pools {
        sandbox: pool(said.sandbox, default.sandbox),
        stable: pool(said.stable, default.stable),
        system: pool(said.system, default.system),
    }
}
