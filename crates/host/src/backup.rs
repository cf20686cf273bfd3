//! What of a home is backed up: its components, the rules for them, and which are due.
//!
//! Secrets are backed up as they lie there, sealed; their key never lies in a home. Sockets, locks, logs and what can be
//! made again are not backed up, and neither are versions in the depot, which the backups themselves share.

use std::fs;
use std::path::{Path, PathBuf};

use abi::Wall;
use protocol::files::config::settings::{BackupRule, Backups as Rules};
use store::{Backup, BackupSource, Backups, Keep};

use crate::home::Home;

#[cfg(test)]
mod tests;

/// The component of the kernel's own files.
pub const KERNEL: &str = "kernel";

/// What begins the component of a module.
const MODULE: &str = "module/";

/// The kernel's own files and folders, from the home's root.
const KERNEL_PLACES: [&str; 7] = [
    "config.yaml",
    "config.d",
    "permissions.yaml",
    "state/context.json",
    "state/good",
    "state/lives",
    "state/vault",
];

/// The component of a module.
pub fn component_of(module: &str) -> String {
    format!("{MODULE}{module}")
}

/// The module of a component; nothing for the kernel's.
pub fn module_of(component: &str) -> Option<&str> {
    component.strip_prefix(MODULE)
}

/// All components of a home, with what the rules leave out of them.
pub fn sources(home: &Home, rules: &Rules) -> Vec<BackupSource> {
    let kernel = BackupSource {
        component: KERNEL.to_owned(),
        places: KERNEL_PLACES.map(PathBuf::from).to_vec(),
        without: rules.rule(KERNEL).without.iter().map(PathBuf::from).collect(),
    };
    let modules = modules(home).into_iter().map(|name| {
        let (component, folder) = (component_of(&name), Path::new("modules").join(&name));
        let without = rules.rule(&component).without.iter().map(|place| folder.join(place)).collect();
        BackupSource { component, places: vec![folder], without }
    });
    std::iter::once(kernel).chain(modules).collect()
}

/// The modules that have a folder in the home, sorted.
fn modules(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.modules()).into_iter().flatten().flatten();
    let names = entries.filter(|entry| entry.path().is_dir());
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// How many backups of a component stay.
pub fn keep_of(rule: &BackupRule) -> Keep {
    let default = Keep::default();
    Keep {
        hourly: rule.hourly.unwrap_or(default.hourly),
        daily: rule.daily.unwrap_or(default.daily),
        weekly: rule.weekly.unwrap_or(default.weekly),
    }
}

/// Whether a component's next backup is due, by the times of those there are.
pub fn is_due(rules: &Rules, all: &[Backup], component: &str, now: Wall) -> bool {
    let Some(every) = rules.rule(component).every.filter(|every| !every.is_zero()) else { return false };
    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    match Backups::last_time(all, component) {
        // A clock that was set back would otherwise wait until it has caught up.
        Some(last) => last > now || now.0 - last.0 >= every_ms,
        None => true,
    }
}
