//! `module check`: a module's folder, looked at without a kernel and, unless that is asked for, without running anything
//! of it.

use std::path::{Path, PathBuf};

use abi::{Explain, PermissionKind};
use protocol::files::manifest::{Manifest, Runtime};

use super::talk;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Outcome, Stopped};
use crate::offline;
use crate::output::{Finding, Findings, Grade};
use crate::render;
use crate::target::Target;

/// How far a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// The files only.
    Files,
    /// The files, and the conversation of a kernel with it, which runs it.
    Conversation,
}

pub(super) fn run(ctx: &Ctx, named: &Path, depth: Depth) -> Outcome {
    let folder = folder_of(ctx, named)?;
    let findings = match offline::manifest(&folder) {
        Ok(manifest) => {
            let mut all = look(&folder, &manifest);
            // What can't even start has nothing to say.
            let is_whole = all.iter().all(|finding| finding.grade != Grade::Bad);
            if depth == Depth::Conversation && is_whole {
                all.extend(talk::hold(&folder, &manifest)?);
            }
            Findings::new(all)
        }
        Err(Stopped::Failed(failure)) if failure.exit == Exit::NotFound => {
            return Err(Stopped::Failed(failure));
        }
        Err(Stopped::Failed(failure)) => {
            let mut all =
                vec![finding("module.json", Grade::Bad, failure.message.clone(), failure.help.clone())];
            all.extend(
                failure.details.iter().map(|line| finding("module.json", Grade::Bad, line.clone(), None)),
            );
            Findings::new(all)
        }
        Err(Stopped::ReaderGone) => return Err(Stopped::ReaderGone),
    };
    ctx.show(&findings, |findings| render::findings::findings(&ctx.theme, findings))?;
    Ok(if findings.healthy { Exit::Done } else { Exit::Failed })
}

/// The folder that was named, or that of an installed module of this name.
fn folder_of(ctx: &Ctx, named: &Path) -> Outcome<PathBuf> {
    if named.is_dir() {
        return Ok(named.to_owned());
    }
    let installed = Target::of(ctx)?.home.modules().join(named);
    Ok(if installed.is_dir() { installed } else { named.to_owned() })
}

fn finding(what: &str, grade: Grade, text: impl Into<String>, help: Option<String>) -> Finding {
    Finding { area: "module".to_owned(), what: what.to_owned(), grade, text: text.into(), help }
}

fn look(folder: &Path, manifest: &Manifest) -> Vec<Finding> {
    let version = manifest.version.as_deref().unwrap_or("without a version");
    let mut findings = vec![finding(
        "module.json",
        Grade::Good,
        format!("{} ({}), {version}", manifest.id, manifest.name),
        None,
    )];
    findings.extend(
        manifest
            .warnings
            .iter()
            .map(|warning| finding("module.json", Grade::Weak, warning.to_string(), warning.help())),
    );
    findings.push(entry(folder, manifest));
    findings.push(runtime(manifest));
    let asks = PermissionKind::ALL.into_iter().any(|kind| !manifest.permissions.of(kind).is_empty());
    let asked = if asks { manifest.permissions.to_string() } else { "nothing".to_owned() };
    findings.push(finding("asks for", Grade::Good, asked, None));
    if let Some(schema) = &manifest.config_schema {
        let is_there = folder.join(schema).is_file();
        let grade = if is_there { Grade::Good } else { Grade::Bad };
        let text = if is_there { schema.clone() } else { format!("`{schema}` is missing") };
        findings.push(finding("configSchema", grade, text, None));
    }
    findings
}

fn entry(folder: &Path, manifest: &Manifest) -> Finding {
    let name = &manifest.entry;
    let twin = Path::new(name).with_extension("js");
    let found = [folder.join(name), folder.join(&twin)].into_iter().find(|file| file.is_file());
    let Some(found) = found else {
        let help = Some("set `entry` in module.json to the file that runs".to_owned());
        return finding("entry", Grade::Bad, format!("`{name}` is missing"), help);
    };
    let inside = folder.canonicalize().and_then(|folder| Ok(found.canonicalize()?.starts_with(folder)));
    if !inside.unwrap_or(false) {
        return finding("entry", Grade::Bad, format!("`{name}` lies outside the module's folder"), None);
    }
    // WebAssembly is read by the kernel, not run by the system.
    let is_program = manifest.runtime != Runtime::Wasm && offline::program_of(manifest.runtime).is_none();
    if is_program && rustix::fs::access(&found, rustix::fs::Access::EXEC_OK).is_err() {
        let help = Some(format!("chmod +x {}", found.display()));
        return finding("entry", Grade::Bad, format!("`{name}` can't be run"), help);
    }
    finding("entry", Grade::Good, name.clone(), None)
}

fn runtime(manifest: &Manifest) -> Finding {
    let Some(program) = offline::program_of(manifest.runtime) else {
        let what = if manifest.runtime == Runtime::Wasm { "the kernel itself" } else { "the entry itself" };
        return finding("runtime", Grade::Good, what, None);
    };
    match offline::find_program(program) {
        Some(path) => finding("runtime", Grade::Good, path.display().to_string(), None),
        None => finding(
            "runtime",
            Grade::Bad,
            format!("`{program}` is not on PATH"),
            Some("ostoja doctor".to_owned()),
        ),
    }
}
