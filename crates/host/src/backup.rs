//! What of a home is backed up: its components, the rules for them, and which are due.
//!
//! Secrets are backed up as they lie there, sealed; their key never lies in a home. Sockets, locks, logs and what can be
//! made again are not backed up, and neither are versions in the depot, which the backups themselves share.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use abi::{Record, Wall};
use protocol::files::config::settings::{BackupRule, Backups as Rules};
use store::{
    Backup, BackupError, BackupSource, Backups, DepotLockError, Keep, LocalDisk, Made, Trust, lock_depot,
};

use crate::clock::wall_now;
use crate::files::versions;
use crate::home::Home;
use crate::shell::Shell;

#[cfg(test)]
mod tests;

/// 60 s between two looks at what is due: the shortest time between two backups.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// 1 s to wait for the depot: as long as a kernel looks something up in its versions. Who makes a backup or stages a version
/// holds it for longer, and is told of.
pub const LOCK_WITHIN: Duration = Duration::from_secs(1);

/// The component of the kernel's own files.
pub const KERNEL: &str = "kernel";

/// What begins the component of a module.
const MODULE: &str = "module/";

/// The kernel's own files and folders, from the home's root.
const KERNEL_PLACES: [&str; 11] = [
    "config.yaml",
    "config.d",
    "makers",
    "permissions.yaml",
    "state/context.json",
    "state/good",
    "state/kept",
    "state/lives",
    "state/restarts.json",
    "state/vault",
    "state/web",
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
        // A module that came in a package is a link to the folder of its version.
        let version = versions::version_behind(&home.root().join(&folder));
        let places: Vec<PathBuf> = std::iter::once(folder).chain(version).collect();
        let rule = rules.rule(&component);
        let without = places.iter().flat_map(|folder| rule.without.iter().map(|place| folder.join(place)));
        BackupSource { without: without.collect(), component, places }
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

/// Backs up what is due and prunes by the rules; nothing when nothing is due. Takes as long as the disk does.
///
/// # Errors
/// `Busy` when another command works on the depot: what is due stays due. `Backup`.
pub fn create_due(home: &Home, rules: &Rules, now: Wall) -> Result<Option<Made>, DueError> {
    let mut backups = Backups::new(Arc::new(LocalDisk), &home.state());
    let due = |all: &[Backup]| {
        let mut wanted = sources(home, rules);
        wanted.retain(|source| is_due(rules, all, &source.component, now));
        wanted
    };
    if due(&backups.all().map_err(DueError::Backup)?).is_empty() {
        return Ok(None);
    }
    let _lock = lock_depot(&home.state(), LOCK_WITHIN).map_err(DueError::Busy)?;
    // Somebody may have made one until the lock was free.
    let wanted = due(&backups.all().map_err(DueError::Backup)?);
    if wanted.is_empty() {
        return Ok(None);
    }
    let made = backups.create((now, None), home.root(), &wanted, Trust::Marks).map_err(DueError::Backup)?;
    backups.prune(&|component| keep_of(&rules.rule(component))).map_err(DueError::Backup)?;
    Ok(Some(made))
}

/// Why what is due was not backed up.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// Another command works on the depot.
    #[error("the depot is in use")]
    Busy(#[source] DepotLockError),
    /// It could not be made, or the old ones not be pruned.
    #[error("the backup failed")]
    Backup(#[source] BackupError),
}

/// Backs up what is due for as long as a kernel runs, on a thread of its own each time.
pub(crate) async fn back_up_now_and_then(shell: Rc<RefCell<Shell>>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (home, rules) = {
            let shell = shell.borrow();
            (shell.files.home.clone(), shell.files.config.settings().backup.clone())
        };
        let every = std::iter::once(&rules.all).chain(rules.components.values());
        if !every.filter_map(|rule| rule.every).any(|every| !every.is_zero()) {
            continue;
        }
        let working = tokio::task::spawn_blocking(move || create_due(&home, &rules, wall_now()));
        let Ok(done) = working.await else { continue };
        shell.borrow_mut().tell_backup(done);
    }
}

impl Shell {
    fn tell_backup(&mut self, done: Result<Option<Made>, DueError>) {
        const FAILED: &str = "a backup that was due could not be made";
        match done {
            Ok(None) => {}
            Ok(Some(made)) => {
                self.no_trouble(FAILED);
                let parts = &made.backup.parts;
                let record = Record::new("backup.made")
                    .number("backup", made.backup.number)
                    .number("components", parts.len() as u64)
                    .number("bytes", made.stocked.bytes)
                    .number("skipped", parts.iter().map(|part| part.skipped.count).sum());
                self.record(record);
            }
            // A person's command has it; the next look comes in a minute.
            Err(DueError::Busy(error)) => tracing::debug!(%error, "the backup waits"),
            Err(DueError::Backup(error)) => {
                let told = format!("{FAILED}: {error}");
                self.no_trouble(FAILED);
                self.trouble(told);
            }
        }
        self.end_turn();
    }
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
