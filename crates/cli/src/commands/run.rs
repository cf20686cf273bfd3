//! `run`: one more command under the running kernel; in front of the person until it ends, or left running.

mod lines;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use protocol::operator::{Acted, Event, EventsRequest, JournalRow, Request};
use serde_json::{Map, Value, json};

use crate::acting::with_last_words;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::interrupt::{Next, on_wish};
use crate::output::RunEnded;
use crate::target::Target;
use crate::words::Phrase;

use self::lines::{Beginning, Lines};

const EXAMPLES: &str = "\
Examples:
  ostoja run -- ./migrate.sh     its output here, its exit code is ours
  ostoja run -d --name web -- python3 -m http.server 8000
  ostoja run -d --name api --ready tcp:8080 --env PORT=8080 -- ./api

In front it runs once, and Ctrl-C stops it; with -d it is kept alive until
`ostoja stop NAME`.";

/// What can be typed behind `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Its name; made from the command when left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Leave it running and return when it is ready
    #[arg(short, long)]
    detach: bool,
    /// A variable of its environment
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// The folder it runs in
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// always, on-failure or never; never in front, always with -d
    #[arg(long, value_name = "WHEN")]
    restart: Option<String>,
    /// When it is ready, as in ostoja.yaml: tcp:8080, log:TEXT, …
    #[arg(long, value_name = "PROBE")]
    ready: Option<String>,
    /// Modules that must be ready first
    #[arg(long, value_name = "MODULE")]
    needs: Vec<String>,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(ctx: &Ctx, args: &RunArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let request = request(args)?;
    if args.detach { detached(ctx, &target, &request) } else { in_front(ctx, &target, &request) }
}

fn detached(ctx: &Ctx, target: &Target, request: &Request) -> Outcome {
    let mut door = Door::open_at(target, ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT))?;
    let added: Acted = door.ask(request)?;
    let Some(id) = added.status.map(|status| status.id) else { return Err(gone().into()) };
    // Adding is answered at once; starting what starts already is answered when it is ready or has failed.
    let started: Outcome<Acted> = door.ask(&Request::ModuleStart { module_id: id.clone(), dry_run: false });
    let acted = match started {
        Ok(acted) => Acted { already: false, ..acted },
        Err(Stopped::Failed(failure)) => return Err(with_last_words(&mut door, &id, *failure).into()),
        Err(Stopped::ReaderGone) => return Err(Stopped::ReaderGone),
    };
    if ctx.is_json() {
        ctx.document(&acted)?;
    } else {
        ctx.say_phrase(Phrase::RunDetached, &[&id, door.command()]);
    }
    Ok(Exit::Done)
}

/// Runs it, shows what it says, and ends as it ends. Decisions are heard before it is started, so that even a command
/// that ends at once is seen to end.
fn in_front(ctx: &Ctx, target: &Target, request: &Request) -> Outcome {
    let timeout = ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    let mut decisions = Door::open_at(target, timeout)?;
    decisions.ask_raw(&Request::Events(EventsRequest::default()))?;
    let mut door = Door::open_at(target, timeout)?;
    let beginning = Beginning::now(target)?;
    let acted: Acted = door.ask(request)?;
    let Some(id) = acted.status.map(|status| status.id) else { return Err(gone().into()) };
    let is_wished = remove_on_wish(target, &id)?;
    let lines = Lines::show(ctx, target, &id, beginning)?;
    let ended = wait_for_end(&mut decisions, &id);
    // What it said last is shown before its end is told.
    let shown = lines.finish(&mut door, &id);
    let _ = door.ask_raw(&Request::ModuleRemove { module_id: id.clone() });
    shown?;
    // Its end is then the person's doing, however it is told.
    if is_wished.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    let code = ended?;
    if ctx.is_json() {
        ctx.document(&RunEnded { module_id: id, exit_code: Some(code) })?;
    } else if code != 0 {
        ctx.say_phrase(Phrase::RunEnded, &[&id, &code.to_string()]);
    }
    Ok(Exit::Child(u8::try_from(code & 0xff).unwrap_or(1)))
}

fn gone() -> Failure {
    Failure::new("cli::run::gone", "the command was removed before it could be seen")
}

/// Ctrl-C removes the command and ends with the exit of an interruption; a second one does not wait for that. Gives what says
/// whether there was one.
fn remove_on_wish(target: &Target, id: &str) -> Outcome<Arc<AtomicBool>> {
    let (target, id) = (target.clone(), id.to_owned());
    let is_wished = Arc::new(AtomicBool::new(false));
    let wished = is_wished.clone();
    on_wish(move |_| {
        if wished.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(Exit::Interrupted.number()));
        }
        let (target, id) = (target.clone(), id.clone());
        // On a thread of its own, so that a second wish is heard while this one waits.
        let _ = std::thread::Builder::new().spawn(move || {
            if let Some(mut door) = Door::try_open_at(&target, ANSWER_TIMEOUT_DEFAULT) {
                let _ = door.ask_raw(&Request::ModuleRemove { module_id: id });
            }
            std::process::exit(i32::from(Exit::Interrupted.number()));
        });
        Next::GoOn
    })?;
    Ok(is_wished)
}

/// Waits for the decision that says how the command ended; gives its exit code as a shell would.
fn wait_for_end(decisions: &mut Door, id: &str) -> Outcome<i32> {
    loop {
        match decisions.next_event()? {
            Some(Event::Record(row)) if row.module_id.as_deref() == Some(id) => {
                if let Some(code) = exit_code(&row) {
                    return Ok(code);
                }
            }
            Some(Event::End(_)) | None => {
                let failure =
                    Failure::new("cli::run::kernel_gone", "the kernel stopped, and the command with it");
                return Err(Stopped::from(failure.exit(Exit::Unreachable)));
            }
            Some(_) => {}
        }
    }
}

/// The exit code that a record tells of, if it tells of an end.
fn exit_code(row: &JournalRow) -> Option<i32> {
    match row.code.as_str() {
        "module.exited" | "module.completed" | "module.stopped" => {}
        "module.spawn_failed" | "module.refused" => return Some(127),
        _ => return None,
    }
    let how = row.facts.get("exit").and_then(Value::as_str).unwrap_or_default();
    let number = |word: &str| how.rsplit_once(word).and_then(|(_, number)| number.parse::<i32>().ok());
    // A shell shows a signal as 128 and its number.
    number("exit code ").or_else(|| number("signal ").map(|signal| 128 + signal)).or(Some(0))
}

/// The command as one module of an `ostoja.yaml`.
fn request(args: &RunArgs) -> Outcome<Request> {
    let cwd = std::env::current_dir().map_err(|error| {
        Failure::new("cli::run::no_folder", "the working folder can't be told").caused_by(error.to_string())
    })?;
    let mut module = Map::new();
    module.insert("run".to_owned(), json!(args.command));
    let restart = args.restart.as_deref().unwrap_or(if args.detach { "always" } else { "never" });
    module.insert("restart".to_owned(), json!(restart));
    if let Some(folder) = &args.cwd {
        module.insert("cwd".to_owned(), json!(folder));
    }
    if !args.env.is_empty() {
        module.insert("env".to_owned(), Value::Object(variables(&args.env)?));
    }
    if !args.needs.is_empty() {
        module.insert("needs".to_owned(), json!(args.needs));
    }
    if let Some(ready) = &args.ready {
        module.insert("ready".to_owned(), probe(ready));
    }
    Ok(Request::ModuleRun {
        module_id: args.name.clone(),
        module: Value::Object(module),
        cwd: cwd.to_string_lossy().into_owned(),
    })
}

fn variables(pairs: &[String]) -> Outcome<Map<String, Value>> {
    let mut variables = Map::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            // Its value may be a secret, so it is not repeated.
            return Err(Failure::usage("a variable is given as NAME=VALUE").into());
        };
        variables.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    Ok(variables)
}

/// `tcp:8080` as `{"tcp": "8080"}`; a bare word stays one.
fn probe(text: &str) -> Value {
    match text.split_once(':') {
        Some((kind, value)) => json!({ kind: value }),
        None => json!(text),
    }
}

#[cfg(test)]
mod tests;
