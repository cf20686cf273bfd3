//! From a module's description and what it may do to a launch that the sandbox can carry out as often as needed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use abi::{Explain, Permissions};
use kernel::{Door, SpawnFault};
use sandbox::broker::{Manner, Whose};
use sandbox::{
    Apart, Blame, Confinement, Launch, LaunchError, Limits, Outside, PathRule, Profile, Request, Stdin,
};

use crate::environment::{Surrounding, Wants};
use crate::files::blueprint::{Blueprint, Program};
use crate::governor::Counted;
use crate::home::Home;
use crate::observe::needs::{Places, locate};
use crate::runtime::{Entry, Runtime, Versions};

/// What a launch depends on beside the module itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) home: &'a Home,
    pub(crate) surrounding: &'a Surrounding,
    pub(crate) versions: &'a Versions,
    /// How hosts that a `net` names are told from others here.
    pub(crate) outside: Outside,
    /// What a module's group bounds. The rlimit on processes would count all of the user's, and the one on memory what a
    /// runtime reserves and never uses.
    pub(crate) counted: Counted,
    /// How the life is observed, when it is.
    pub(crate) manner: Option<Manner>,
}

/// The command of a module, program first.
pub(crate) fn command(blueprint: &Blueprint, effective: &Permissions, ground: Ground<'_>) -> Vec<String> {
    match &blueprint.program {
        Program::Words(words) => words.clone(),
        Program::Guest { .. } => blueprint.arguments(),
        Program::Entry { entry, deno_config } => {
            let search_path = ground.surrounding.search_path();
            // What its own guard refuses, the system is never asked for: then nobody would see that an observed life wants it.
            let is_guarded = blueprint.runtime == Runtime::Node && ground.manner.is_none();
            let set: Vec<String> = blueprint.env.keys().chain(&blueprint.env_pass).cloned().collect();
            Entry {
                runtime: blueprint.runtime,
                entry,
                folder: blueprint.folder.as_deref().unwrap_or(&blueprint.cwd),
                deno_config: deno_config.as_deref(),
                user_home: &ground.surrounding.user_home(),
                search_path: &search_path,
                temporary: temporary_folder(blueprint, ground.home).as_deref(),
                set: &set,
                node: is_guarded.then(|| ground.versions.known_node(&search_path)).flatten(),
            }
            .command(effective)
        }
    }
}

/// The words that are run: the module's own, with the bridge before those of an MCP server.
pub(crate) fn bridged(
    blueprint: &Blueprint,
    words: Vec<String>,
    bridge: Option<&[String]>,
) -> Result<Vec<String>, String> {
    if blueprint.bridged.is_empty() {
        return Ok(words);
    }
    let bridge = bridge.ok_or("this program brings no bridge to MCP servers")?;
    let mut all = bridge.to_vec();
    all.extend(["--module".to_owned(), blueprint.id.to_string()]);
    for service in &blueprint.bridged {
        all.extend(["--service".to_owned(), service.to_string()]);
    }
    all.push("--".to_owned());
    all.extend(words);
    Ok(all)
}

/// The program that a bridge starts, if there is one.
fn inner(blueprint: &Blueprint, words: &[String]) -> Option<String> {
    let after = words.iter().position(|word| word == "--").filter(|_| !blueprint.bridged.is_empty())?;
    words.get(after + 1).cloned()
}

/// Everything about one module's launch. `words` is its command, or that of a probe under the same confinement.
pub(crate) fn launch(
    blueprint: &Blueprint,
    effective: &Permissions,
    ground: Ground<'_>,
    words: &[String],
    notify: Option<&Path>,
) -> Launch {
    let temporary = temporary_folder(blueprint, ground.home);
    let deno_dir = (blueprint.runtime == Runtime::Deno).then(|| ground.home.cache().join("deno"));
    let notify_folder = notify.and_then(Path::parent).map(Path::to_owned);
    for folder in temporary.iter().chain(&deno_dir).chain(&notify_folder) {
        // A folder that can't be made is one that the module can't use: it says so itself when it needs it.
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    }
    let approved = effective.env.iter().map(String::as_str);
    let wants = Wants {
        home: ground.home.root(),
        temporary: temporary.as_deref(),
        deno_dir: deno_dir.as_deref(),
        names: blueprint.env_pass.iter().map(String::as_str).chain(approved).collect(),
        values: &blueprint.env,
        notify,
    };
    let writable = temporary.iter().chain(&deno_dir).chain(&notify_folder).cloned().collect();
    let request = request(blueprint, effective, ground, writable);
    let confinement = match ground.manner {
        None => request.to_confinement(),
        Some(manner) => request.to_observed(manner),
    };
    Launch {
        argv: words.iter().map(OsString::from).collect(),
        env: ground.surrounding.for_module(&wants),
        cwd: blueprint.cwd.clone(),
        stdin: if blueprint.door == Door::Lines { Stdin::Piped } else { Stdin::Null },
        apart: Apart::Session,
        confinement: match inner(blueprint, words) {
            None => confinement,
            Some(inner) => confinement.with_inner(&inner),
        },
        extra_fds: Vec::new(),
        cgroup: None,
    }
}

/// The paths that an observed life may use, and why.
pub(crate) fn grounds(
    blueprint: &Blueprint,
    effective: &Permissions,
    user_home: &Path,
    confinement: &Confinement,
) -> Vec<(PathRule, Whose)> {
    let folder = folder_of(blueprint);
    let places = Places { folder: &folder, home: user_home };
    let granted: BTreeSet<PathBuf> =
        effective.read.iter().chain(&effective.write).map(|value| locate(value, places)).collect();
    let whose = |rule: &PathRule| match granted.contains(&rule.path) {
        true => Whose::Granted,
        false => Whose::Everybodys,
    };
    confinement.paths().iter().map(|rule| (rule.clone(), whose(rule))).collect()
}

/// Where relative values of a module's permissions start.
pub(crate) fn folder_of(blueprint: &Blueprint) -> PathBuf {
    blueprint.folder.clone().unwrap_or_else(|| blueprint.cwd.clone())
}

fn request(
    blueprint: &Blueprint,
    effective: &Permissions,
    ground: Ground<'_>,
    writable: Vec<PathBuf>,
) -> Request {
    Request {
        profile: blueprint.profile,
        runtime: blueprint.runtime.to_sandbox(),
        permissions: effective.clone(),
        folder: folder_of(blueprint),
        home: ground.surrounding.user_home(),
        writable,
        limits: Limits {
            processes: blueprint.limits.processes.filter(|_| !ground.counted.processes),
            memory_bytes: blueprint.limits.memory_bytes.filter(|_| !ground.counted.memory),
            ..blueprint.limits
        },
        outside: ground.outside,
    }
}

/// A contained module can't write to the shared temporary folder, so it gets one of its own.
fn temporary_folder(blueprint: &Blueprint, home: &Home) -> Option<PathBuf> {
    match blueprint.profile {
        Profile::Contained => Some(home.cache().join("tmp").join(blueprint.id.as_str())),
        Profile::Open => None,
    }
}

/// Whether trying the same launch again can help: what an operator has to mend can't mend itself.
pub(crate) fn fault(error: &LaunchError) -> (SpawnFault, String) {
    let fault = match error.blame() {
        Blame::Operator if matches!(error, LaunchError::Busy { .. }) => SpawnFault::Failed,
        Blame::Operator => SpawnFault::Refused,
        Blame::Machine | Blame::Ours => SpawnFault::Failed,
    };
    (fault, sentence(error))
}

/// An error with its causes, as one line; without what helps, where it is told beside.
pub(crate) fn text_of_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// An error with its causes and what helps, as one line.
pub(crate) fn sentence(error: &dyn Explain) -> String {
    let mut text = text_of_causes(error);
    if let Some(help) = error.help() {
        text.push_str("; ");
        text.push_str(&help);
    }
    text
}
