//! What can be typed before or after every verb, and the small value types that several verbs take.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{EnumValueParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, ValueEnum};

use crate::commands::Command;
use crate::commands::new::Language;
use crate::lang::Lang;

const ABOUT: &str = "Runs programs and agents, keeps them alive and carries their messages";

const AFTER_HELP: &str = "\
Begin here:
  ostoja                         how things stand here, and what to type next
  ostoja demo                    a guided tour, nothing needed
  ostoja init                    propose an ostoja.yaml for this folder
  ostoja up                      run the modules of this folder's ostoja.yaml
  ostoja run -- ./server.sh      add one command to the running kernel
  ostoja ps; ostoja why NAME     see them; learn why one is not ready

`ostoja help concepts` says what the words mean, `ostoja help exit-codes` what the
exit codes do; `ostoja help man DIR` writes man pages.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "ostoja",
    version,
    about = ABOUT,
    after_help = AFTER_HELP,
    disable_help_subcommand = true,
    max_term_width = 80
)]
pub struct Cli {
    /// What goes with every verb.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The verb; without one, how things stand is shown.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that go with every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct GlobalArgs {
    /// The home; else $OSTOJA_HOME, the project's, or the user's
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,

    /// Print one JSON document, or JSON lines when following
    #[arg(long, global = true)]
    pub json: bool,

    /// Answer yes to every question
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,

    /// Give up after this long: 500ms, 10s, 2m
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub timeout: Option<Duration>,

    /// Colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorChoice,

    /// Language of sentences, en or pl; LANG decides otherwise
    #[arg(
        long,
        global = true,
        value_name = "LANG",
        value_parser = EnumValueParser::<Lang>::new().map(Spoken::Sentences),
        hide_possible_values = true
    )]
    pub lang: Option<Spoken>,

    /// Say less
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say more; twice for everything
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What `--lang` names. `new` has an option of the same name for the language of a module, and one name can have one
/// type only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// The language of sentences.
    Sentences(Lang),
    /// The language of a new module.
    Program(Language),
}

/// For verbs that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DryRun {
    /// Only tell what would happen
    #[arg(long)]
    pub dry_run: bool,
}

/// How much a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Columns {
    /// What fits 80 columns.
    #[default]
    Short,
    /// Everything, as wide as it gets.
    Wide,
    /// Names only, one a line.
    Name,
}

/// Reads `500ms`, `10s`, `2m`, `1h`, `3d`; a bare number is seconds.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time span; write for example 500ms, 10s, 2m, 1h or 3d");
    let digits = text.find(|found: char| !found.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
