//! The one binary, `ostoja`: what a person types, turned into requests at the operator door, and the answers turned
//! into tables, sentences or JSON.
//!
//! # What is and isn't in this crate
//! Here: the verbs ([`commands`]), how answers look ([`render`]), the two languages of sentences ([`words`]), exit codes
//! ([`exit`]), the schemas of `--json` ([`schema`]), the demo. Not here: any decision about a module. Everything that
//! changes one goes through the operator door, except `up`, which *is* the kernel's process and only calls `host`.
//!
//! ```text
//! words typed ─► args ─► commands::<verb> ─► door ─► kernel
//!                              │
//!                              └─► render (pure) ─► stdout: data      report, words ─► stderr: talk
//! ```
//!
//! # Invariants
//! - Data on stdout, talk on stderr; with `--json`, stdout carries JSON and nothing else.
//! - Every end of the program is one of [`exit::Exit`].
//! - Nothing is asked where there is no terminal.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod acting;
pub mod amount;
pub mod args;
mod background;
pub mod commands;
mod companion;
mod configuration;
pub mod ctx;
mod demo;
mod dev;
mod door;
mod environment;
pub mod exit;
pub mod failure;
mod follow;
mod foreground;
mod hidden;
mod interrupt;
pub mod lang;
mod offline;
pub mod output;
mod progress;
pub mod render;
mod report;
#[cfg(test)]
mod samples;
pub mod schema;
pub mod table;
mod target;
mod terminal;
pub mod theme;
mod tui;
pub mod words;
mod workshop;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Cli, GlobalArgs};
use crate::commands::Command;
use crate::commands::internal::{self, InternalCli, Process};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Stopped};

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let parsed = if words.get(1).is_some_and(|word| word == internal::WORD) {
        words.remove(1);
        InternalCli::try_parse_from(&words).map(|cli| (cli.global, Verb::Internal(cli.process)))
    } else {
        Cli::try_parse_from(&words).map(|cli| (cli.global, Verb::Typed(cli.command)))
    };
    match parsed {
        Ok((global, verb)) => act(global, &verb).into(),
        Err(error) => refuse(&error, &words).into(),
    }
}

/// What the program is to do.
enum Verb {
    Typed(Option<Command>),
    Internal(Process),
}

fn act(global: GlobalArgs, verb: &Verb) -> Exit {
    let ctx = Ctx::new(global);
    let outcome = match verb {
        Verb::Typed(Some(command)) => command.run(&ctx),
        Verb::Typed(None) => commands::overview::run(&ctx),
        Verb::Internal(process) => process.run(&ctx),
    };
    match outcome {
        Ok(exit) => exit,
        // Whoever closed the pipe has seen enough: `ostoja logs | head` is no failure.
        Err(Stopped::ReaderGone) => Exit::Done,
        Err(Stopped::Failed(failure)) => {
            tell(&ctx, &failure);
            failure.exit
        }
    }
}

/// Tells a failure where it belongs: as JSON on stdout when that was asked for, else to the person.
fn tell(ctx: &Ctx, failure: &Failure) {
    if !ctx.is_json() {
        ctx.say_always(report::render(failure, &ctx.talk).trim_end());
    } else if ctx.json_line(&failure.to_response()).is_err() {
        // Nobody reads stdout, and stderr is not for JSON: the exit code has to do.
    }
}

/// A command line that clap refuses, or a wish for help or the version.
fn refuse(error: &clap::Error, words: &[OsString]) -> Exit {
    let wants_json = words.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let is_refusal = error.use_stderr();
    if is_refusal && wants_json && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: ").map(str::to_owned));
        let help = tip.unwrap_or_else(|| "ostoja --help".to_owned());
        let response = Failure::usage(first).help(help).to_response();
        if let Ok(line) = serde_json::to_string(&response) {
            print_line(&line);
        }
    } else {
        // A closed output is no reason to fail differently.
        let _ = error.print();
    }
    if is_refusal { Exit::Usage } else { Exit::Done }
}

fn print_line(line: &str) {
    use std::io::Write;
    // A closed output is no reason to fail differently.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
