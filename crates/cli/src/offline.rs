//! A home without a kernel: what is in it, and what a kernel would start.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::files::manifest::{Manifest, Runtime};
use protocol::files::permissions::Store;
use protocol::files::project::Source;
use protocol::operator::{Plan, PlannedStep};

use crate::configuration::{project, read_if_there};
use crate::environment::Variable;
use crate::failure::{Failure, Outcome, of_files};
use crate::target::Target;

/// The manifest of a module's folder.
///
/// # Errors
/// When it is missing, can't be read or can't be understood.
pub(crate) fn manifest(folder: &Path) -> Outcome<Manifest> {
    let path = folder.join("module.json");
    let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new("cli::module::not_found", format!("`{}` holds no module.json", folder.display()))
        }
        _ => Failure::io("read", &path, &error),
    })?;
    Ok(Manifest::parse(&path.display().to_string(), &text).map_err(|errors| of_files(&errors))?)
}

/// The program that a runtime needs; nothing for one that is a program itself.
pub(crate) fn program_of(runtime: Runtime) -> Option<&'static str> {
    match runtime {
        Runtime::Deno => Some("deno"),
        Runtime::Node => Some("node"),
        Runtime::Bun => Some("bun"),
        Runtime::Python => Some("python3"),
        Runtime::Php => Some("php"),
        Runtime::Go | Runtime::Rust | Runtime::Binary | Runtime::Wasm => None,
    }
}

/// The first file of this name on the path that can be run.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = Variable::Path.value()?;
    let is_program =
        |file: &PathBuf| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(is_program)
}

/// What a kernel would start on this home, in the order of their priorities.
///
/// # Errors
/// A file that can't be read or understood.
pub(crate) fn plan(target: &Target) -> Outcome<Plan> {
    let mut steps: Vec<(i64, PlannedStep)> = Vec::new();
    let approvals = approvals(target)?;
    for folder in folders(&target.home.modules()) {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        steps.push(match manifest(&folder) {
            Ok(found) => {
                let is_approved = approvals.modules.get(&found.id).is_some_and(|entry| entry.is_approved());
                let step = if is_approved {
                    starts(found.id.as_str(), &format!("{} in {}", found.entry, folder.display()))
                } else {
                    refused(found.id.as_str(), "it is not approved")
                };
                (found.priority, step)
            }
            Err(_) => (i64::MAX, refused(&name, "its module.json can't be used; see `ostoja module check`")),
        });
    }
    if let Some(file) = &target.project {
        for module in project(file)?.modules.iter().filter(|module| module.autostart) {
            let what = match &module.source {
                Source::Run(words) => words.join(" "),
                Source::Folder(folder) => format!("the module in {folder}"),
            };
            steps.push((module.priority.unwrap_or(PRIORITY_DEFAULT), starts(module.id.as_str(), &what)));
        }
    }
    steps.sort_by_key(|(priority, _)| *priority);
    Ok(Plan { steps: steps.into_iter().map(|(_, step)| step).collect() })
}

/// 100: the module door's own default.
const PRIORITY_DEFAULT: i64 = 100;

fn starts(id: &str, what: &str) -> PlannedStep {
    PlannedStep {
        module_id: Some(id.to_owned()),
        code: "module.starting".to_owned(),
        text: format!("would start: {what}"),
    }
}

fn refused(id: &str, why: &str) -> PlannedStep {
    PlannedStep {
        module_id: Some(id.to_owned()),
        code: "module.refused".to_owned(),
        text: format!("would be refused: {why}"),
    }
}

fn approvals(target: &Target) -> Outcome<Store> {
    let path = target.home.permissions();
    let Some(text) = read_if_there(&path)?.filter(|text| !text.trim().is_empty()) else {
        return Ok(Store::default());
    };
    let (store, _) = Store::parse(&path.display().to_string(), &text).map_err(|errors| of_files(&errors))?;
    Ok(store)
}

/// The folders of modules, sorted, without hidden ones and those that hold no manifest.
fn folders(modules: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(modules).into_iter().flatten().flatten();
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| !is_hidden(path) && path.join("module.json").is_file())
        .collect();
    folders.sort();
    folders
}
