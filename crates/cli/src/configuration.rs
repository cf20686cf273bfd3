//! The configuration of a home as a kernel would read it, for looking at it and changing it without one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::files::config::{Config, Layer};
use protocol::files::project::{Project, ProjectModule, Source};
use serde_json::Map;

use crate::failure::{Failure, Outcome, of_files};
use crate::target::Target;

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
    let text = serde_json::Value::Object(sections).to_string();
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

#[cfg(test)]
mod tests;
