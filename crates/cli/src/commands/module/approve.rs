//! `module approve`: exactly what is asked for is shown, then asked about, then approved; nothing in between is summed up.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use protocol::operator::{Acted, ModuleDetail, Plan, Request};

use crate::acting::with_last_words;
use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Outcome, Stopped};
use crate::render;
use crate::render::permissions::ByKind;
use crate::words::Phrase;

pub(super) fn run(ctx: &Ctx, module: &str, dry_run: DryRun) -> Outcome {
    let mut door = Door::open(ctx)?;
    if dry_run.dry_run {
        let plan: Plan = door.ask(&Request::ModuleApprove { module_id: module.to_owned(), dry_run: true })?;
        ctx.show(&plan, |plan| render::plan::plan(&ctx.theme, plan))?;
        return Ok(Exit::Done);
    }
    ask(ctx, &mut door, module)
}

/// Whether somebody is there to be asked, or has said yes before.
pub(in crate::commands) fn can_ask(ctx: &Ctx) -> bool {
    ctx.global.yes || (std::io::stdin().is_terminal() && std::io::stderr().is_terminal())
}

/// Shows, asks, approves.
pub(super) fn ask(ctx: &Ctx, door: &mut Door, module: &str) -> Outcome {
    let detail: ModuleDetail = door.ask(&Request::ModuleShow { module_id: module.to_owned() })?;
    let fresh = beyond(&detail.declared, &detail.effective);
    if !ctx.is_json() {
        if detail.effective.values().any(|values| !values.is_empty()) {
            ctx.say_phrase(Phrase::HasAlready, &[module]);
            ctx.say(render::permissions::asked(&ctx.talk, &detail.effective).trim_end());
        }
        ctx.say_phrase(Phrase::AsksFor, &[module]);
        ctx.say_always(render::permissions::asked(&ctx.talk, &fresh).trim_end());
    }
    ctx.confirm(&ctx.phrase(Phrase::ApproveQuestion, &[module]))?;
    let approved: Outcome<Acted> =
        door.ask(&Request::ModuleApprove { module_id: module.to_owned(), dry_run: false });
    match approved {
        Ok(acted) => {
            if ctx.is_json() {
                ctx.document(&acted)?;
            } else {
                ctx.say_phrase(Phrase::Approved, &[module]);
                if let Some(status) = &acted.status {
                    ctx.say_phrase(Phrase::Now, &[module, &ctx.talk.state_painted(&status.status)]);
                }
            }
            Ok(Exit::Done)
        }
        Err(Stopped::Failed(failure)) => Err(with_last_words(door, module, *failure).into()),
        Err(Stopped::ReaderGone) => Err(Stopped::ReaderGone),
    }
}

/// What is asked for and not there yet.
fn beyond(declared: &ByKind, effective: &ByKind) -> ByKind {
    let mut fresh: ByKind = BTreeMap::new();
    for (kind, values) in declared {
        let has = |value: &String| effective.get(kind).is_some_and(|known| known.contains(value));
        let missing: Vec<String> = values.iter().filter(|value| !has(value)).cloned().collect();
        if !missing.is_empty() {
            fresh.insert(kind.clone(), missing);
        }
    }
    fresh
}
