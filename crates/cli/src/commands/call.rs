//! `call`: one call of a service, its answer on stdout.

use std::io::Read;
use std::path::Path;

use clap::Args;
use protocol::operator::{OPERATOR_LINE_BYTES_MAX, Request};
use serde_json::{Map, Value};

use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::Called;

const EXAMPLES: &str = "\
Examples:
  ostoja call greeter hello name=Ola
  ostoja call store find '{\"id\": 7}' --timeout 2s
  ostoja call store put @item.json";

/// What can be typed behind `call`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CallArgs {
    /// Which service
    service: String,
    /// What of it
    method: String,
    /// JSON, key=value pairs, @FILE, or - for stdin
    params: Vec<String>,
}

pub(super) fn run(ctx: &Ctx, args: &CallArgs) -> Outcome {
    let params = read_value(&args.params)?;
    let mut door = Door::open(ctx)?;
    let timeout_ms = ctx.global.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let request =
        Request::Call { service: args.service.clone(), method: args.method.clone(), params, timeout_ms };
    let result = door.ask_raw(&request)?.unwrap_or(Value::Null);
    ctx.show(&Called { result }, |called| match &called.result {
        // A bare text is what a shell wants to go on with.
        Value::String(text) => format!("{text}\n"),
        result => format!("{result:#}\n"),
    })?;
    Ok(Exit::Done)
}

/// Reads a value as it was typed: nothing, one JSON text, `key=value` pairs, `@FILE`, or `-` for stdin.
///
/// # Errors
/// A usage failure for what is none of these; a file failure.
pub(super) fn read_value(words: &[String]) -> Outcome<Option<Value>> {
    match words {
        [] => Ok(None),
        [one] if one == "-" => {
            let mut text = String::new();
            let limit = u64::try_from(OPERATOR_LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = std::io::stdin().lock().take(limit).read_to_string(&mut text);
            read.map_err(|error| Failure::io("read", Path::new("stdin"), &error))?;
            Ok(Some(json_or_text(text.trim_end_matches('\n'))))
        }
        [one] if one.starts_with('@') => {
            let path = Path::new(&one[1..]);
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
            Ok(Some(json_or_text(text.trim_end_matches('\n'))))
        }
        [one] => match serde_json::from_str(one) {
            Ok(value) => Ok(Some(value)),
            Err(_) if is_pair(one) => pairs(words).map(Some),
            Err(error) if one.starts_with(['{', '[', '"']) => {
                Err(Failure::usage(format!("`{one}` is no JSON")).caused_by(error.to_string()).into())
            }
            Err(_) => Ok(Some(Value::String(one.clone()))),
        },
        _ => pairs(words).map(Some),
    }
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn is_pair(word: &str) -> bool {
    word.split_once('=').is_some_and(|(key, _)| !key.is_empty() && !key.contains(char::is_whitespace))
}

fn pairs(words: &[String]) -> Outcome<Value> {
    let mut object = Map::new();
    for word in words {
        let Some((key, value)) = word.split_once('=').filter(|_| is_pair(word)) else {
            let failure = Failure::usage(format!("`{word}` is no key=value pair"));
            return Err(failure.help("give one JSON text, or pairs such as name=Ola count=3").into());
        };
        object.insert(key.to_owned(), json_or_text(value));
    }
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests;
