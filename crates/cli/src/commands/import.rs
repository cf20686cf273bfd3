//! `import`: a file of another program as an `ostoja.yaml`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use import::{Format, Imported};

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, of_files};
use crate::output;
use crate::words::Phrase;

mod ecosystem;
mod home;

const EXAMPLES: &str = "\
Examples:
  ostoja import compose.yaml              what it would write, with remarks
  ostoja import Procfile --write          keep it as ostoja.yaml beside it
  ostoja import ecosystem.config.js       pm2; node reads it, if it is here
  ostoja import web.service > ostoja.yaml
  ostoja import deploy.yml --from compose
  ostoja import ./pons-home               a home of the pons kernel

What could not be carried over stands as a comment at its place, with the
reason. A broken file is told with line and column.";

/// The project's file.
pub(super) const PROJECT_FILE: &str = "ostoja.yaml";

/// Readable by others, as the file it was made from.
const MODE: u32 = 0o644;

/// What can be typed behind `import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The file, or the folder of a pons home
    file: PathBuf,
    /// What it is, where name and content don't tell
    #[arg(long, value_enum, value_name = "KIND")]
    from: Option<Kind>,
    /// Keep it as ostoja.yaml beside the file
    #[arg(long)]
    write: bool,
}

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Procfile,
    Compose,
    Pm2,
    Supervisord,
    ProcessCompose,
    Systemd,
    Mcp,
    Pons,
}

impl Kind {
    /// Its format; nothing for a folder.
    fn format(self) -> Option<Format> {
        Some(match self {
            Self::Procfile => Format::Procfile,
            Self::Compose => Format::Compose,
            Self::Pm2 => Format::Pm2,
            Self::Supervisord => Format::Supervisord,
            Self::ProcessCompose => Format::ProcessCompose,
            Self::Systemd => Format::Systemd,
            Self::Mcp => Format::Mcp,
            Self::Pons => return None,
        })
    }
}

pub(super) fn run(ctx: &Ctx, args: &ImportArgs) -> Outcome {
    let (imported, kind, folder) = if args.file.is_dir() {
        (home::read(&args.file)?, "pons", args.file.clone())
    } else {
        let (imported, format) = read(&args.file, args.from)?;
        (imported, format.as_str(), folder_for(&args.file, format))
    };
    let keep = if args.write { Keep::In(folder) } else { Keep::Nowhere };
    finish(ctx, &imported, kind, &args.file.display().to_string(), &keep)
}

/// Where the project goes.
pub(super) enum Keep {
    /// To stdout only.
    Nowhere,
    /// Into this folder.
    In(PathBuf),
}

/// Prints the project, or keeps it, and says what came of it.
///
/// # Errors
/// When there is one already, and when it can't be written.
pub(super) fn finish(ctx: &Ctx, imported: &Imported, kind: &str, source: &str, keep: &Keep) -> Outcome {
    let written = match keep {
        Keep::Nowhere => None,
        Keep::In(folder) => Some(write(ctx, folder, &imported.yaml)?),
    };
    let told = told(imported, kind, source, written.as_deref());
    if ctx.is_json() {
        ctx.document(&told)?;
        return Ok(Exit::Done);
    }
    let counts = [told.modules.len(), told.remarks.len(), told.left_out.len()].map(|count| count.to_string());
    ctx.say_phrase(Phrase::ImportCounts, &[&counts[0], &counts[1], &counts[2]]);
    match &told.written {
        Some(path) => {
            ctx.say_phrase(Phrase::ConfigWritten, &[path]);
            ctx.say_phrase(Phrase::ImportedNext, &[path]);
        }
        None => {
            ctx.print(&imported.yaml)?;
            ctx.say_phrase(Phrase::ImportKeep, &[]);
        }
    }
    Ok(Exit::Done)
}

fn told(imported: &Imported, kind: &str, source: &str, written: Option<&Path>) -> output::Imported {
    let draft = &imported.draft;
    let remark = |module: Option<&str>, text: String| output::ImportRemark {
        module_id: module.map(str::to_owned),
        text,
    };
    let mut remarks: Vec<output::ImportRemark> =
        draft.remarks.iter().map(|text| remark(None, text)).collect();
    for module in draft.modules() {
        remarks.extend(module.remarks.iter().map(|text| remark(Some(&module.id), text)));
    }
    output::Imported {
        kind: kind.to_owned(),
        source: source.to_owned(),
        yaml: imported.yaml.clone(),
        written: written.map(|path| path.display().to_string()),
        modules: draft.modules().map(|module| module.id.clone()).collect(),
        remarks,
        left_out: draft
            .left_out()
            .map(|left| output::ImportLeftOut { name: left.name.clone(), why: left.why.clone() })
            .collect(),
    }
}

/// Keeps it; what a person wrote before is only replaced by a yes.
fn write(ctx: &Ctx, folder: &Path, yaml: &str) -> Outcome<PathBuf> {
    let path = folder.join(PROJECT_FILE);
    if path.exists() && !ctx.global.yes {
        let message = format!("`{}` is there already", path.display());
        let failure = Failure::new("cli::import::present", message);
        return Err(failure.help("add --yes to replace it, or leave --write out and look").into());
    }
    store::write_whole(&path, yaml.as_bytes(), MODE)?;
    Ok(path)
}

/// Paths in most files count from their own folder; units and lists of servers lie where no project is.
fn folder_for(file: &Path, format: Format) -> PathBuf {
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match format {
        Format::Systemd | Format::Mcp => PathBuf::from("."),
        _ => beside.unwrap_or(Path::new(".")).to_owned(),
    }
}

fn read(file: &Path, from: Option<Kind>) -> Outcome<(Imported, Format)> {
    let shown = file.display().to_string();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if from == Some(Kind::Pons) {
        return Err(Failure::usage(format!("`{shown}` is no folder")).help("ostoja import FOLDER").into());
    }
    if ecosystem::is_script(&name) {
        let text = ecosystem::evaluated(file)?;
        let imported = import::import(Format::Pm2, &shown, &text).map_err(|errors| of_files(&errors))?;
        return Ok((imported, Format::Pm2));
    }
    let bytes = std::fs::read(file).map_err(|error| Failure::io("read", file, &error))?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Failure::new("cli::import::no_text", format!("`{shown}` is no text")).into());
    };
    let format = from.and_then(Kind::format).or_else(|| import::detect(&name, &text)).ok_or_else(|| {
        let failure =
            Failure::new("cli::import::unclear", format!("nothing tells which program `{shown}` is of"));
        failure
            .exit(Exit::Usage)
            .help(format!("ostoja import {shown} --from compose (or another KIND of --help)"))
    })?;
    let imported = import::import(format, &shown, &text).map_err(|errors| of_files(&errors))?;
    Ok((imported, format))
}
