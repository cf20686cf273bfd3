//! The configuration of a home as a kernel would read it, for looking at it and changing it without one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::files::config::settings::{EnforcementMode, Settings, WatchdogMode};
use protocol::files::config::{Config, Layer};
use protocol::files::project::{Project, ProjectModule, Source};
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome, of_files};
use crate::output::ConfigEntry;
use crate::target::Target;

/// The origin of a value that no file gives.
pub(crate) const DEFAULT_ORIGIN: &str = "default";

/// All files that make up the configuration, those that count most last. They need not exist.
pub(crate) fn files(target: &Target) -> Vec<PathBuf> {
    let mut files = vec![target.home.config()];
    let entries = fs::read_dir(target.home.config_folder()).into_iter().flatten().flatten();
    let is_layer = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        !is_hidden && path.extension().is_some_and(|end| end == "yaml" || end == "yml")
    };
    let mut further: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_layer).collect();
    further.sort();
    files.extend(further);
    files
}

/// Everything laid over each other.
///
/// # Errors
/// The first file that can't be read or understood.
pub(crate) fn load(target: &Target) -> Outcome<Config> {
    load_with(target, None)
}

/// The same, with one file's text as it would be after a change.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_with(target: &Target, changed: Option<(&Path, &str)>) -> Outcome<Config> {
    let mut layers = match &target.project {
        Some(project) => project_layers(project)?,
        None => Vec::new(),
    };
    let mut paths = files(target);
    if let Some((path, _)) = changed
        && !paths.iter().any(|known| known == path)
    {
        paths.push(path.to_owned());
        // The main file stays at the bottom; the others count by their names.
        paths[1..].sort();
    }
    for path in paths {
        let text = match changed {
            Some((changed, text)) if changed == path => Some(text.to_owned()),
            _ => read_if_there(&path)?,
        };
        if let Some(text) = text {
            layers
                .push(Layer::parse(&path.display().to_string(), &text).map_err(|errors| of_files(&errors))?);
        }
    }
    Ok(Config::merge(&layers))
}

/// The text of a file; nothing when it is not there.
///
/// # Errors
/// When it is there and can't be read.
pub(crate) fn read_if_there(path: &Path) -> Outcome<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error).into()),
    }
}

/// The project file, read.
///
/// # Errors
/// When it can't be read or understood.
pub(crate) fn project(path: &Path) -> Outcome<Project> {
    let text = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
    Ok(Project::parse(&path.display().to_string(), &text).map_err(|errors| of_files(&errors))?)
}

fn project_layers(path: &Path) -> Outcome<Vec<Layer>> {
    let project = project(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut sections = Map::new();
    for module in project.modules.iter().filter(|module| !module.config.is_null()) {
        sections.insert(section_of(module, folder), module.config.clone());
    }
    let text = Value::Object(sections).to_string();
    let modules = Layer::parse(&path.display().to_string(), &text).map_err(|errors| of_files(&errors))?;
    Ok(vec![project.config, modules])
}

/// The section that a module of a project reads: its manifest's, else the one named like it.
pub(crate) fn section_of(module: &ProjectModule, folder: &Path) -> String {
    let from_manifest = match &module.source {
        Source::Run(_) => None,
        Source::Folder(path) => {
            crate::offline::manifest(&folder.join(path)).ok().and_then(|found| found.config_key)
        }
    };
    from_manifest.unwrap_or_else(|| module.id.to_string())
}

/// Every value in force, by key: those of files, and the kernel's own settings at their defaults.
pub(crate) fn entries(config: &Config) -> Vec<ConfigEntry> {
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

#[cfg(test)]
mod tests;
