//! `fn`: WebAssembly functions that the kernel keeps compiled: put, run, list, remove, count.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use protocol::operator::{FunctionRow, FunctionStats, Request};
use serde_json::Value;

use super::call::read_value;
use super::permissions::permissions;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Called, Functions};
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja fn put double double.wat        check, compile and keep it
  ostoja fn run double 21                JSON in, JSON out
  ostoja fn put notify notify.wasm run=kernel.publish
  ostoja fn list; ostoja fn stats
  ostoja fn rm double";

/// What can be typed behind `fn`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FunctionArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check, compile and keep a function; one of that name is replaced
    #[command(
        after_help = "Examples:\n  ostoja fn put double double.wat\n  ostoja fn put notify notify.wasm run=kernel.publish"
    )]
    Put {
        /// Its name: small letters, digits, dashes
        name: String,
        /// WebAssembly: text, core module or component
        file: PathBuf,
        /// The most it may do: run=kernel.call, run=kernel.publish
        #[arg(value_name = "KIND=VALUE")]
        permissions: Vec<String>,
    },
    /// Run a function and print what it gives
    #[command(
        after_help = "Examples:\n  ostoja fn run double 21\n  ostoja fn run sum @numbers.json --timeout 5s"
    )]
    Run {
        /// Which
        name: String,
        /// JSON, key=value pairs, @FILE, or - for stdin
        input: Vec<String>,
    },
    /// List functions
    #[command(after_help = "Examples:\n  ostoja fn list\n  ostoja fn list --json")]
    List,
    /// Remove a function
    #[command(after_help = "Examples:\n  ostoja fn rm double")]
    Rm {
        /// Which
        name: String,
    },
    /// Tell what the function cache has done and holds
    #[command(after_help = "Examples:\n  ostoja fn stats --json")]
    Stats,
}

pub(super) fn run(ctx: &Ctx, args: &FunctionArgs) -> Outcome {
    match &args.verb {
        Verb::Put { name, file, permissions } => put(ctx, name, file, permissions),
        Verb::Run { name, input } => call(ctx, name, input),
        Verb::List => list(ctx),
        Verb::Rm { name } => remove(ctx, name),
        Verb::Stats => stats(ctx),
    }
}

fn put(ctx: &Ctx, name: &str, file: &Path, words: &[String]) -> Outcome {
    let permissions = permissions(words)?;
    // The kernel reads it, and has another folder.
    let path = file.canonicalize().map_err(|error| Failure::io("read", file, &error))?;
    let mut door = Door::open(ctx)?;
    let request = Request::FunctionPut {
        name: name.to_owned(),
        file: Some(path.display().to_string()),
        source: None,
        permissions,
    };
    let row: FunctionRow = door.ask(&request)?;
    if ctx.is_json() {
        ctx.document(&row)?;
    } else {
        ctx.say_phrase(Phrase::FunctionPut, &[&row.name, &row.form]);
    }
    Ok(Exit::Done)
}

fn call(ctx: &Ctx, name: &str, words: &[String]) -> Outcome {
    let input = read_value(words)?;
    let mut door = Door::open(ctx)?;
    let timeout_ms = ctx.global.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let request = Request::FunctionRun { name: name.to_owned(), input, timeout_ms };
    let result = door.ask_raw(&request)?.unwrap_or(Value::Null);
    ctx.show(&Called { result }, |called| match &called.result {
        // A bare text is what a shell wants to go on with.
        Value::String(text) => format!("{text}\n"),
        result => format!("{result:#}\n"),
    })?;
    Ok(Exit::Done)
}

fn list(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let functions: Vec<FunctionRow> = door.ask(&Request::FunctionList {})?;
    let is_empty = functions.is_empty();
    ctx.show(&Functions { functions }, |all| match all.functions.is_empty() {
        true => String::new(),
        false => render::functions::table(&ctx.theme, &all.functions),
    })?;
    if is_empty && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoFunctions, &[door.command()]);
    }
    Ok(Exit::Done)
}

fn remove(ctx: &Ctx, name: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let gone = door.ask_raw(&Request::FunctionRemove { name: name.to_owned() })?.unwrap_or(Value::Null);
    if ctx.is_json() {
        ctx.document(&gone)?;
    } else {
        ctx.say_phrase(Phrase::FunctionRemoved, &[name]);
    }
    Ok(Exit::Done)
}

fn stats(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let stats: FunctionStats = door.ask(&Request::FunctionStats {})?;
    ctx.show(&stats, |stats| render::functions::stats(&ctx.theme, stats))?;
    Ok(Exit::Done)
}
