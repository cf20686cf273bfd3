//! A first project for a folder: what its own files say how it is run.
//!
//! A file that lists processes (Procfile, compose, …) counts alone: whoever wrote it has said what runs. Without one,
//! the scripts and programs of the language's own files are proposed.

use protocol::files::node::{self, Node};
use protocol::files::{Area, FileErrors};

use crate::draft::{Draft, Module, Program};
use crate::{Imported, detect, finish, import};

mod tables;
#[cfg(test)]
mod tests;

/// Files that are looked at, those that list processes first.
pub const FILES: [&str; 16] = [
    "Procfile",
    "process-compose.yaml",
    "process-compose.yml",
    "ecosystem.config.json",
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
    "supervisord.conf",
    "package.json",
    "pyproject.toml",
    "Cargo.toml",
    "Makefile",
    "go.mod",
    "manage.py",
    "main.py",
];

/// The files of the list that name processes.
const LISTS: usize = 9;

/// Scripts and targets that keep running, in the order in which they are looked for; of the first three one is taken.
const MAIN: [&str; 3] = ["start", "serve", "dev"];
const OTHERS: [&str; 4] = ["worker", "server", "scheduler", "jobs"];

/// One file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name, one of [`FILES`].
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Proposes a project; nothing where no file says how to run anything.
///
/// # Errors
/// What is wrong in a file that lists processes.
pub fn propose(folder: &str, files: &[Found]) -> Result<Option<Imported>, FileErrors> {
    let text = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.text.as_str());
    for name in &FILES[..LISTS] {
        if let (Some(found), Some(format)) = (text(name), detect(name, "")) {
            let imported = import(format, name, found)?;
            if imported.draft.modules().next().is_some() {
                return Ok(Some(imported));
            }
        }
    }
    let mut draft = Draft::new(folder);
    for (name, read) in READERS {
        if let Some(text) = text(name) {
            read(text, &mut draft);
        }
    }
    if draft.modules().next().is_none() {
        return Ok(None);
    }
    draft
        .remarks
        .add("A proposal: take out what should not run, and say by `ready` when something is ready.");
    finish(folder, draft).map(Some)
}

type Read = fn(&str, &mut Draft);

const READERS: [(&str, Read); 7] = [
    ("package.json", package),
    ("pyproject.toml", pyproject),
    ("manage.py", django),
    ("main.py", script),
    ("Cargo.toml", cargo),
    ("go.mod", go),
    ("Makefile", make),
];

fn add(draft: &mut Draft, name: &str, command: String, remark: &str) {
    if draft.modules().any(|module| module.id == name) {
        return;
    }
    let mut module = Module::new(name, Program::Text(command));
    if !remark.is_empty() {
        module.remarks.add(remark);
    }
    draft.push(module);
}

fn package(text: &str, draft: &mut Draft) {
    let root = match node::from_json(Area::Import, "package.json", text) {
        Ok(root) => root,
        Err(errors) => {
            return draft.remarks.add(format!("{} was not understood: {}", "package.json", errors.first()));
        }
    };
    let scripts: Vec<&str> = root
        .entry("scripts")
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|(key, _)| key.text.as_str())
        .collect();
    let pnpm = root.entry("packageManager").and_then(Node::literal).unwrap_or_default();
    let runner = ["pnpm", "yarn", "bun"].into_iter().find(|name| pnpm.starts_with(name)).unwrap_or("npm");
    if let Some(main) = MAIN.into_iter().find(|name| scripts.contains(name)) {
        add(draft, "app", format!("{runner} run {main}"), "From `scripts` of package.json.");
    }
    for name in OTHERS.into_iter().filter(|name| scripts.contains(name)) {
        add(draft, name, format!("{runner} run {name}"), "From `scripts` of package.json.");
    }
    let main = root.entry("main").and_then(Node::literal);
    let is_empty = draft.modules().next().is_none();
    if let (true, Some(main)) = (is_empty, main) {
        add(draft, "app", format!("node {}", crate::words::quoted(main)), "From `main` of package.json.");
    }
}

fn pyproject(text: &str, draft: &mut Draft) {
    for name in tables::keys(text, &["project.scripts", "tool.poetry.scripts"]) {
        let remark = "From the scripts of pyproject.toml; install the project first, `pip install -e .`.";
        add(draft, &name, crate::words::quoted(&name), remark);
    }
}

fn django(text: &str, draft: &mut Draft) {
    if text.contains("DJANGO_SETTINGS_MODULE") {
        add(
            draft,
            "web",
            "python3 manage.py runserver --noreload".to_owned(),
            "A server for development; ready at 127.0.0.1:8000.",
        );
    }
}

fn script(_text: &str, draft: &mut Draft) {
    if draft.modules().next().is_none() {
        add(draft, "main", "python3 main.py".to_owned(), "");
    }
}

fn cargo(text: &str, draft: &mut Draft) {
    let mut names = tables::values(text, "[[bin]]", "name");
    if names.is_empty() {
        names = tables::values(text, "[package]", "name");
    }
    for name in names {
        let command = format!("target/release/{}", crate::words::quoted(&name));
        add(draft, &name, command, "Build it first: `cargo build --release`.");
    }
}

fn go(text: &str, draft: &mut Draft) {
    let path = text.lines().find_map(|line| line.trim().strip_prefix("module "));
    if let Some(name) =
        path.and_then(|path| path.trim().trim_matches('"').rsplit('/').next()).filter(|name| !name.is_empty())
    {
        add(
            draft,
            name,
            format!("./{}", crate::words::quoted(name)),
            "Build it first: `go build -o . ./...`.",
        );
    }
}

/// Targets that run something, by their usual names.
fn make(text: &str, draft: &mut Draft) {
    let is_target = |name: &str| {
        text.lines().any(|line| {
            line.strip_prefix(name).is_some_and(|rest| {
                rest.trim_start().starts_with(':') && !rest.trim_start().starts_with(":=")
            })
        })
    };
    let main = ["run"].into_iter().chain(MAIN).find(|name| is_target(name));
    if let Some(name) = main.filter(|_| draft.modules().next().is_none()) {
        add(draft, "app", format!("make {name}"), "From the Makefile.");
    }
    for name in OTHERS.into_iter().filter(|name| is_target(name)) {
        add(draft, name, format!("make {name}"), "From the Makefile.");
    }
}
