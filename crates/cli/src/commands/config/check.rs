//! Checking the configuration: is every file right, and does every value reach somebody?

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use abi::Explain;
use protocol::files::FileError;
use protocol::files::config::settings::KERNEL_SECTIONS;
use protocol::files::config::{Config, Layer};

use crate::configuration::{self, read_if_there};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Outcome, Stopped};
use crate::output::{Finding, Findings, Grade};
use crate::render;
use crate::target::Target;

pub(super) fn check(ctx: &Ctx, target: &Target) -> Outcome {
    let findings = Findings::new(files(target));
    ctx.show(&findings, |findings| render::findings::findings(&ctx.theme, findings))?;
    Ok(if findings.healthy { Exit::Done } else { Exit::Failed })
}

pub(super) fn doctor(ctx: &Ctx, target: &Target) -> Outcome {
    let mut findings = files(target);
    findings.extend(rights(target));
    if let Ok(config) = configuration::load(target) {
        findings.extend(unread_sections(target, &config));
    }
    let findings = Findings::new(findings);
    ctx.show(&findings, |findings| render::findings::findings(&ctx.theme, findings))?;
    Ok(if findings.healthy { Exit::Done } else { Exit::Degraded })
}

fn finding(what: &str, grade: Grade, text: impl Into<String>, help: Option<String>) -> Finding {
    Finding { area: "config".to_owned(), what: what.to_owned(), grade, text: text.into(), help }
}

/// A complaint about a file, which is named by its place in the home: long paths make lines that nobody reads.
fn complaint(target: &Target, what: &str, error: &FileError) -> Finding {
    let home = format!("{}/", target.home.root().display());
    finding(what, Grade::Bad, error.to_string().replace(&home, ""), error.help())
}

/// Each file by itself, then the kernel's own settings in what they make together.
fn files(target: &Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(project) = &target.project {
        findings.push(match configuration::project(project) {
            Ok(_) => finding(&short(target, project), Grade::Good, "is right", None),
            Err(Stopped::Failed(failure)) => {
                finding(&short(target, project), Grade::Bad, failure.message.clone(), failure.help.clone())
            }
            Err(Stopped::ReaderGone) => return findings,
        });
    }
    for path in configuration::files(target) {
        findings.extend(file(target, &path));
    }
    if let Ok(config) = configuration::load(target) {
        let wrong = config.warnings().iter();
        findings.extend(wrong.map(|warning| complaint(target, "settings", warning)));
    }
    findings
}

fn file(target: &Target, path: &Path) -> Vec<Finding> {
    let name = short(target, path);
    match read_if_there(path) {
        Ok(None) => vec![finding(&name, Grade::Absent, "defaults hold", None)],
        Ok(Some(text)) => match Layer::parse(&path.display().to_string(), &text) {
            Ok(_) => vec![finding(&name, Grade::Good, "is right", None)],
            Err(errors) => errors
                .iter()
                .map(|error| finding(&name, Grade::Bad, error.to_string(), error.help()))
                .collect(),
        },
        Err(Stopped::Failed(failure)) => {
            vec![finding(&name, Grade::Bad, failure.message.clone(), failure.help.clone())]
        }
        Err(Stopped::ReaderGone) => Vec::new(),
    }
}

/// Files of the home by their names in it.
fn short(target: &Target, path: &Path) -> String {
    path.strip_prefix(target.home.root()).unwrap_or(path).display().to_string()
}

/// Files that hold secrets must not be open to others.
fn rights(target: &Target) -> Vec<Finding> {
    let files = configuration::files(target).into_iter();
    let open = files.filter_map(|path| {
        let mode = std::fs::metadata(&path).ok()?.mode() & 0o777;
        (mode & 0o022 != 0).then(|| {
            let text = format!("can be changed by others (mode {mode:o})");
            finding(&short(target, &path), Grade::Bad, text, Some(format!("chmod go-w {}", path.display())))
        })
    });
    open.collect()
}

/// Sections that neither the kernel nor any module of this home reads: often a mistyped name.
fn unread_sections(target: &Target, config: &Config) -> Vec<Finding> {
    let mut readers: BTreeSet<String> = KERNEL_SECTIONS.into_iter().map(str::to_owned).collect();
    for entry in std::fs::read_dir(target.home.modules()).into_iter().flatten().flatten() {
        readers.extend(crate::offline::manifest(&entry.path()).ok().and_then(|manifest| manifest.config_key));
    }
    if let Some(file) = &target.project
        && let Ok(project) = configuration::project(file)
    {
        let folder = file.parent().unwrap_or(Path::new("/"));
        readers.extend(project.modules.iter().map(|module| configuration::section_of(module, folder)));
    }
    readers.insert(host::COMPANION.to_owned());
    let names: Vec<&str> = readers.iter().map(String::as_str).collect();
    let unread = config.values().keys().filter(|section| !readers.contains(*section));
    unread
        .map(|section| {
            let help = crate::door::nearest(section, &names).map(|near| format!("did you mean `{near}`?"));
            finding(section, Grade::Weak, "no module of this home reads this section", help)
        })
        .collect()
}
