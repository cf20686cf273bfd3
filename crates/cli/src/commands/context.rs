//! `context`: the variables that modules keep with the kernel.

use std::time::Duration;

use clap::{Args, Subcommand};
use protocol::operator::{ContextChange, ContextKey, Request, VariableList, VariableRow};
use serde_json::Value;

use super::call::read_value;
use crate::args::parse_duration;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja context list session:chat
  ostoja context get module:web step
  ostoja context set session:chat topic '\"weather\"' --ttl 10m
  ostoja context delete session:chat topic";

/// What can be typed behind `context`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ContextArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List variables, of all scopes or one
    #[command(after_help = "Examples:\n  ostoja context list\n  ostoja context list session:chat")]
    List {
        /// module:NAME or session:NAME
        scope: Option<String>,
    },
    /// Print the value of a variable
    #[command(after_help = "Examples:\n  ostoja context get module:web step")]
    Get {
        /// module:NAME or session:NAME
        scope: String,
        /// Which variable
        key: String,
    },
    /// Keep a variable
    #[command(after_help = "Examples:\n  ostoja context set session:chat topic weather --ttl 10m")]
    Set {
        /// module:NAME or session:NAME
        scope: String,
        /// Which variable
        key: String,
        /// JSON, key=value pairs, @FILE, or - for stdin
        #[arg(required = true)]
        value: Vec<String>,
        /// Forget it after this long; a session's are forgotten after a day
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        ttl: Option<Duration>,
    },
    /// Remove a variable
    #[command(after_help = "Examples:\n  ostoja context delete session:chat topic")]
    Delete {
        /// module:NAME or session:NAME
        scope: String,
        /// Which variable
        key: String,
    },
}

pub(super) fn run(ctx: &Ctx, args: &ContextArgs) -> Outcome {
    let mut door = Door::open(ctx)?;
    match &args.verb {
        Verb::List { scope } => list(ctx, &mut door, scope.clone()),
        Verb::Get { scope, key } => get(ctx, &mut door, wanted(scope, key)),
        Verb::Set { scope, key, value, ttl } => {
            let Some(value) = read_value(value)? else {
                return Err(Failure::usage("there is no value").into());
            };
            let ttl_ms = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
            let change = ContextChange { scope: scope.clone(), key: key.clone(), value, ttl_ms };
            door.ask_raw(&Request::ContextSet(change))?;
            told(ctx, Phrase::ContextSet, scope, key)
        }
        Verb::Delete { scope, key } => {
            door.ask_raw(&Request::ContextDelete(wanted(scope, key)))?;
            told(ctx, Phrase::ContextDeleted, scope, key)
        }
    }
}

fn wanted(scope: &str, key: &str) -> ContextKey {
    ContextKey { scope: scope.to_owned(), key: key.to_owned() }
}

fn told(ctx: &Ctx, phrase: Phrase, scope: &str, key: &str) -> Outcome {
    if ctx.is_json() {
        ctx.document(&wanted(scope, key))?;
    } else {
        ctx.say_phrase(phrase, &[scope, key]);
    }
    Ok(Exit::Done)
}

fn list(ctx: &Ctx, door: &mut Door, scope: Option<String>) -> Outcome {
    let found: VariableList = door.ask(&Request::ContextList { scope })?;
    ctx.show(&found, |found| render::context::list(&ctx.theme, &found.variables, crate::amount::now_ms()))?;
    if found.variables.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoVariables, &[]);
    }
    if found.left_out > 0 && !ctx.is_json() {
        ctx.say_phrase(Phrase::MoreVariables, &[&found.left_out.to_string()]);
    }
    Ok(Exit::Done)
}

fn get(ctx: &Ctx, door: &mut Door, key: ContextKey) -> Outcome {
    let found: VariableRow = door.ask(&Request::ContextGet(key))?;
    ctx.show(&found, |found| match &found.value {
        // A bare text is what a shell wants to go on with.
        Some(Value::String(text)) => format!("{text}\n"),
        Some(value) => format!("{value:#}\n"),
        None => String::new(),
    })?;
    Ok(Exit::Done)
}
