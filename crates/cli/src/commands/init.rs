//! `init`: a first project for a folder, from what is in it.

use std::path::{Path, PathBuf};

use clap::Args;
use import::survey::{self, Found};

use super::import::{Keep, PROJECT_FILE, finish};
use crate::configuration::read_if_there;
use crate::ctx::Ctx;
use crate::failure::{Failure, Outcome, of_files};

const EXAMPLES: &str = "\
Examples:
  ostoja init                    what it would write for this folder
  ostoja init --write            keep it as ostoja.yaml
  ostoja init ../shop --json

Looks at Procfile, process-compose, pm2, compose and supervisord files, which
count alone; else at scripts of package.json, pyproject.toml, programs of
Cargo.toml and go.mod, manage.py, main.py, and targets of the Makefile.";

/// What can be typed behind `init`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// The folder
    #[arg(default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// Keep it as ostoja.yaml in the folder
    #[arg(long)]
    write: bool,
}

pub(super) fn run(ctx: &Ctx, args: &InitArgs) -> Outcome {
    let folder = args.folder.canonicalize().map_err(|error| Failure::io("read", &args.folder, &error))?;
    let name = folder.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut files = Vec::new();
    for file in survey::FILES {
        if let Some(text) = text_of(&folder.join(file))? {
            files.push(Found { name: file.to_owned(), text });
        }
    }
    let proposed = survey::propose(&name, &files).map_err(|errors| of_files(&errors))?;
    let Some(imported) = proposed else {
        let message = format!("nothing in `{}` says how it is run", folder.display());
        let help =
            format!("ostoja run -- COMMAND, or write an {PROJECT_FILE} as `ostoja help concepts` shows");
        return Err(Failure::new("cli::init::not_found", message).help(help).into());
    };
    let keep = if args.write { Keep::In(args.folder.clone()) } else { Keep::Nowhere };
    finish(ctx, &imported, "folder", &args.folder.display().to_string(), &keep)
}

/// A file that is there and no text says nothing about how to run anything.
fn text_of(path: &Path) -> Outcome<Option<String>> {
    if !path.is_file() {
        return Ok(None);
    }
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(_) => read_if_there(path),
    }
}
