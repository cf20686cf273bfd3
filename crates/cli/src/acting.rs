//! `start`, `stop` and `restart` of one or several modules: the same steps with another request.

use protocol::operator::{Acted, ModuleDetail, Plan, Request};

use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::output::{ActedOn, ActedOnOne};
use crate::render;
use crate::words::Phrase;

/// 10 lines: what of a module's stderr is shown below a failure; `logs` has the rest.
const STDERR_LINES_SHOWN: usize = 10;

/// Does it to each module in turn, tells each, and ends with the first failure's exit.
///
/// # Errors
/// The failure itself when one module was named, or when the kernel can't be reached.
pub(crate) fn act(ctx: &Ctx, ids: &[String], request: impl Fn(&str) -> Request) -> Outcome {
    let mut door = Door::open(ctx)?;
    let mut done = Vec::new();
    let mut exit = Exit::Done;
    for id in ids {
        match door.ask::<Acted>(&request(id)) {
            Ok(acted) => done.push(tell(ctx, id, acted)),
            Err(Stopped::Failed(failure)) if failure.exit == Exit::Unreachable => {
                return Err(Stopped::Failed(failure));
            }
            Err(Stopped::ReaderGone) => return Err(Stopped::ReaderGone),
            Err(Stopped::Failed(failure)) => {
                let failure = with_last_words(&mut door, id, *failure);
                if ids.len() == 1 {
                    return Err(failure.into());
                }
                if exit == Exit::Done {
                    exit = failure.exit;
                }
                done.push(tell_failure(ctx, id, &failure));
            }
        }
    }
    if ctx.is_json() {
        ctx.document(&ActedOn { modules: done })?;
    }
    Ok(exit)
}

/// Tells what would happen to each module.
///
/// # Errors
/// Whatever the kernel refuses.
pub(crate) fn plan(ctx: &Ctx, ids: &[String], request: impl Fn(&str) -> Request) -> Outcome {
    let mut door = Door::open(ctx)?;
    let mut whole = Plan { steps: Vec::new() };
    for id in ids {
        let plan: Plan = door.ask(&request(id))?;
        whole.steps.extend(plan.steps);
    }
    ctx.show(&whole, |whole| render::plan::plan(&ctx.theme, whole))?;
    Ok(Exit::Done)
}

fn tell(ctx: &Ctx, id: &str, acted: Acted) -> ActedOnOne {
    let state = acted.status.as_ref().map_or("", |status| status.status.as_str());
    let phrase = if acted.already { Phrase::Already } else { Phrase::Now };
    if !ctx.is_json() {
        ctx.say_phrase(phrase, &[id, &ctx.talk.state_painted(state)]);
    }
    ActedOnOne {
        module_id: id.to_owned(),
        ok: true,
        already: acted.already,
        status: acted.status,
        failure: None,
    }
}

fn tell_failure(ctx: &Ctx, id: &str, failure: &Failure) -> ActedOnOne {
    if !ctx.is_json() {
        ctx.say_always(crate::report::render(failure, &ctx.talk).trim_end());
    }
    let failure = Some(failure.to_response());
    ActedOnOne { module_id: id.to_owned(), ok: false, already: false, status: None, failure }
}

/// Adds the last lines of the module's stderr, and where to learn more when the kernel gave no help.
pub(crate) fn with_last_words(door: &mut Door, id: &str, failure: Failure) -> Failure {
    // What is not there has said nothing, and the nearest name is the better help.
    if matches!(failure.exit, Exit::NotFound | Exit::Denied) {
        return failure;
    }
    let asked: Outcome<ModuleDetail> = door.ask(&Request::ModuleShow { module_id: id.to_owned() });
    let tail = asked.map(|detail| detail.stderr_tail).unwrap_or_default();
    let from = tail.len().saturating_sub(STDERR_LINES_SHOWN);
    let lines = tail[from..].iter().map(|line| render::logs::clean(line)).collect();
    let help = failure.help.clone().unwrap_or_else(|| format!("{} why {id}", door.command()));
    failure.details(lines).help(help)
}
