//! `ps`: all modules as a table.

use clap::Args;
use protocol::operator::COMPLETED;

use crate::amount;
use crate::args::Columns;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Modules;
use crate::render;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja ps                      name, state, process, restarts, use, note
  ostoja ps -o wide              also containment, runtime, frames, services
  ostoja ps -o name              names only, for scripts
  ostoja ps --json | jq '.data.modules[] | select(.status != \"ready\").id'";

/// What can be typed behind `ps`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PsArgs {
    /// Columns: short, wide or name
    #[arg(short, long, value_enum, default_value_t, hide_default_value = true, hide_possible_values = true)]
    output: Columns,
    /// Only modules in this state
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
}

pub(super) fn run(ctx: &Ctx, args: &PsArgs) -> Outcome {
    list(ctx, args.output, args.state.as_deref())
}

/// Shows the modules; `module list` is the same.
///
/// # Errors
/// As the door, and a state that is none.
pub(super) fn list(ctx: &Ctx, columns: Columns, state: Option<&str>) -> Outcome {
    let mut door = Door::open(ctx)?;
    let mut modules = door.modules()?;
    if let Some(state) = state {
        check_state(state)?;
        modules.retain(|module| module.status == state);
    }
    let is_empty = modules.is_empty();
    ctx.show(&Modules { modules }, |all| {
        if all.modules.is_empty() {
            String::new()
        } else {
            render::modules::table(&ctx.theme, columns, &all.modules, amount::now_ms())
        }
    })?;
    if is_empty && state.is_none() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoModules, &[door.command()]);
    }
    Ok(Exit::Done)
}

fn check_state(state: &str) -> Outcome<()> {
    let states = abi::State::ALL.into_iter().map(abi::State::as_str);
    let words: Vec<&str> = states.chain([COMPLETED]).collect();
    if words.contains(&state) {
        return Ok(());
    }
    let failure = crate::failure::Failure::usage(format!("`{state}` is no state"));
    let help = match crate::door::nearest(state, &words) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("one of {}", words.join(", ")),
    };
    Err(failure.help(help).into())
}
