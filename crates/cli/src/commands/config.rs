//! `config`: what is configured, where it comes from, and changing it. Needs no kernel; a running one takes changes over.

mod change;
mod check;

use clap::{Args, Subcommand};
use protocol::files::config::DEFAULT_ORIGIN;
use protocol::operator::ConfigEntry;
use serde_json::Value;

use crate::args::DryRun;
use crate::configuration;
use crate::ctx::Ctx;
use crate::door::nearest;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::ConfigEntries;
use crate::table::{self, Column, Fit, bare};
use crate::target::Target;
use crate::theme::{Paint, Theme};

const EXAMPLES: &str = "\
Examples:
  ostoja config show --origin    every value in force, and which file says so
  ostoja config set lifecycle.maxRestarts 10
  ostoja config set web.port 8080 --dry-run
  ostoja config check            every file, with line and column

Values that are set go to config.d/90-set.yaml, which counts last; config.yaml
stays yours to edit.";

/// What can be typed behind `config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print one value
    #[command(after_help = "Examples:\n  ostoja config get lifecycle.maxRestarts")]
    Get {
        /// Its dotted key, such as lifecycle.maxRestarts
        key: String,
    },
    /// Set one value; a running kernel takes it over
    #[command(
        after_help = "Examples:\n  ostoja config set web.port 8080\n  ostoja config set logging.level debug --dry-run"
    )]
    Set {
        /// Its dotted key
        key: String,
        /// Its value; numbers, true, false, null and JSON count as such
        #[arg(allow_hyphen_values = true)]
        value: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Take back one value that was set
    #[command(after_help = "Examples:\n  ostoja config unset web.port")]
    Unset {
        /// Its dotted key
        key: String,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// List what files say
    #[command(after_help = "Examples:\n  ostoja config list\n  ostoja config list web.")]
    List {
        /// Only keys that begin so
        prefix: Option<String>,
    },
    /// Show every value in force, defaults too
    #[command(after_help = "Examples:\n  ostoja config show\n  ostoja config show lifecycle --origin")]
    Show {
        /// Only keys that begin so
        prefix: Option<String>,
        /// Also which file and line say so
        #[arg(long)]
        origin: bool,
    },
    /// Check every file; exit 1 when one is wrong
    #[command(after_help = "Examples:\n  ostoja config check\n  ostoja config check --json")]
    Check,
    /// Check, and look for values that nobody reads or that don't count
    #[command(after_help = "Examples:\n  ostoja config doctor")]
    Doctor,
    /// Edit config.yaml with $VISUAL or $EDITOR; taken over only when it is right
    #[command(after_help = "Examples:\n  ostoja config edit")]
    Edit,
    /// Take back everything that was set
    #[command(after_help = "Examples:\n  ostoja config reset --dry-run\n  ostoja config reset --yes")]
    Reset {
        #[command(flatten)]
        dry_run: DryRun,
    },
}

pub(super) fn run(ctx: &Ctx, args: &ConfigArgs) -> Outcome {
    let target = Target::of(ctx)?;
    match &args.verb {
        Verb::Get { key } => get(ctx, &target, key),
        Verb::Set { key, value, dry_run } => change::set(ctx, &target, key, value, *dry_run),
        Verb::Unset { key, dry_run } => change::unset(ctx, &target, key, *dry_run),
        Verb::List { prefix } => list(ctx, &target, prefix.as_deref(), Show::Files),
        Verb::Show { prefix, origin: false } => list(ctx, &target, prefix.as_deref(), Show::InForce),
        Verb::Show { prefix, origin: true } => list(ctx, &target, prefix.as_deref(), Show::Origins),
        Verb::Check => check::check(ctx, &target),
        Verb::Doctor => check::doctor(ctx, &target),
        Verb::Edit => change::edit(ctx, &target),
        Verb::Reset { dry_run } => change::reset(ctx, &target, *dry_run),
    }
}

/// Sets one value without a word, and has a running kernel take it over.
///
/// # Errors
/// As `config set`.
pub(super) fn put(ctx: &Ctx, target: &Target, key: &str, value: Value) -> Outcome<()> {
    change::put(ctx, target, key, &value)
}

fn get(ctx: &Ctx, target: &Target, key: &str) -> Outcome {
    let config = configuration::load(target)?;
    let entries = config.entries();
    let found = match config.get(key) {
        Some(value) => {
            let origin =
                config.origin(key).map_or_else(String::new, |at| format!("{}:{}", at.file, at.at.line));
            Some(ConfigEntry { key: key.to_owned(), value: value.clone(), origin })
        }
        None => entries.iter().find(|entry| entry.key == key).cloned(),
    };
    let Some(found) = found else {
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        return Err(no_key(key, &keys).into());
    };
    ctx.show(&found, |found| format!("{}\n", plain(&found.value)))?;
    Ok(Exit::Done)
}

/// There is no such value.
fn no_key(key: &str, keys: &[&str]) -> Failure {
    let failure = Failure::new("cli::config::not_found", format!("nothing is configured as `{key}`"));
    match nearest(key, keys) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("ostoja config show"),
    }
}

/// A value as a shell wants it: a text bare, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Which values are shown, and what of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Files,
    InForce,
    Origins,
}

fn list(ctx: &Ctx, target: &Target, prefix: Option<&str>, show: Show) -> Outcome {
    let config = configuration::load(target)?;
    let mut entries = config.entries();
    entries.retain(|entry| prefix.is_none_or(|prefix| entry.key.starts_with(prefix)));
    if show == Show::Files {
        entries.retain(|entry| entry.origin != DEFAULT_ORIGIN);
    }
    ctx.show(&ConfigEntries { entries }, |all| match show {
        Show::Files | Show::InForce => lines(&all.entries),
        Show::Origins => origins(&ctx.theme, target, &all.entries),
    })?;
    Ok(Exit::Done)
}

fn lines(entries: &[ConfigEntry]) -> String {
    entries.iter().map(|entry| format!("{} = {}\n", entry.key, entry.value)).collect()
}

fn origins(theme: &Theme, target: &Target, entries: &[ConfigEntry]) -> String {
    const COLUMNS: [Column; 3] = [Column::text("KEY"), Column::capped("VALUE", 24), Column::rest("ORIGIN")];
    let home = format!("{}/", target.home.root().display());
    let rows = entries.iter().map(|entry| {
        // Files of the home are shown by their names in it.
        let origin = entry.origin.strip_prefix(&home).unwrap_or(&entry.origin).to_owned();
        let paint = (entry.origin == DEFAULT_ORIGIN).then_some(Paint::Dim);
        vec![bare(&entry.key), bare(entry.value.to_string()), (origin, paint)]
    });
    table::render(theme, Fit::Terminal, &COLUMNS, rows.collect())
}

#[cfg(test)]
mod tests;
