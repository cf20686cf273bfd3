//! The verbs of `update` that a running kernel does: applying, going back, looking at what it keeps.

use std::path::PathBuf;

use protocol::operator::{
    Collected, Request, SlotTable, TransactionTable, UpdateDone, UpdateHistory, UpdatePhase, UpdateVerb,
    UpdateWay,
};

use super::Consent;
use crate::amount;
use crate::commands::module::can_ask;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::updates::Pinned;
use crate::progress::Progress;
use crate::render;
use crate::words::Phrase;

pub(super) fn apply(ctx: &Ctx, files: &[PathBuf], way: Option<UpdateWay>, consent: Consent) -> Outcome {
    // The kernel reads them, and has another folder.
    let mut paths = Vec::new();
    for file in files {
        let path = file.canonicalize().map_err(|error| Failure::io("read", file, &error))?;
        paths.push(path.display().to_string());
    }
    let mut paths = paths.into_iter();
    let file = paths.next().unwrap_or_default();
    let mut door = Door::open(ctx)?;
    let approve = consent == Consent::Given;
    let verb = UpdateVerb::Apply { file, also: paths.collect(), way, approve };
    let shown = Progress::begin(ctx, Phrase::Updating, None);
    let done: UpdateDone = door.ask(&Request::Update(verb))?;
    drop(shown);
    if !done.waits_for_approval || ctx.is_json() || !can_ask(ctx) {
        return tell(ctx, &door, &done);
    }
    say_wishes(ctx, &done);
    ctx.confirm(&ctx.phrase(Phrase::ApproveQuestion, &[&names(&done)]))?;
    go_on(ctx, &mut door, done.transaction, Consent::Given)
}

/// What each module of a transaction asks for beyond what is approved.
fn say_wishes(ctx: &Ctx, done: &UpdateDone) {
    let also = done.also.iter().map(|part| (&part.module_id, &part.asks));
    let all = std::iter::once((&done.module_id, &done.asks)).chain(also);
    // One that is new asks to run at all, and so even if it asks for nothing.
    for (module, asks) in all.filter(|(_, asks)| done.also.is_empty() || !asks.is_empty()) {
        ctx.say_phrase(Phrase::AsksFor, &[module]);
        ctx.say(render::permissions::asked(&ctx.talk, asks).trim_end());
    }
}

fn names(done: &UpdateDone) -> String {
    let also = done.also.iter().map(|part| part.module_id.as_str());
    std::iter::once(done.module_id.as_str()).chain(also).collect::<Vec<_>>().join(", ")
}

pub(super) fn status(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let table: TransactionTable = door.ask(&Request::Update(UpdateVerb::Status {}))?;
    ctx.show(&table, |table| render::updates::transactions(&ctx.theme, table, amount::now_ms()))?;
    if table.transactions.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoTransactions, &[]);
    }
    Ok(Exit::Done)
}

pub(super) fn go(ctx: &Ctx, transaction: u64, consent: Consent) -> Outcome {
    go_on(ctx, &mut Door::open(ctx)?, transaction, consent)
}

fn go_on(ctx: &Ctx, door: &mut Door, transaction: u64, consent: Consent) -> Outcome {
    let approve = consent == Consent::Given;
    let shown = Progress::begin(ctx, Phrase::Updating, None);
    let done: UpdateDone = door.ask(&Request::Update(UpdateVerb::Go { transaction, approve }))?;
    drop(shown);
    tell(ctx, door, &done)
}

pub(super) fn roll_back(ctx: &Ctx, module: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    let verb = UpdateVerb::RollBack { module_id: module.to_owned() };
    let shown = Progress::begin(ctx, Phrase::Updating, None);
    let done: UpdateDone = door.ask(&Request::Update(verb))?;
    drop(shown);
    tell(ctx, &door, &done)
}

/// What became of a transaction, as far as it is known now; one that waits for an approval is not done.
fn tell(ctx: &Ctx, door: &Door, done: &UpdateDone) -> Outcome {
    let exit = if done.waits_for_approval { Exit::Denied } else { Exit::Done };
    if ctx.is_json() {
        ctx.document(done)?;
        return Ok(exit);
    }
    let number = done.transaction.to_string();
    let span = |ms: Option<u64>| ms.map_or("-".to_owned(), amount::span);
    if done.waits_for_approval {
        say_wishes(ctx, done);
    }
    let also = done.also.iter().map(|part| (&part.module_id, &part.from, &part.to));
    for (module, from, to) in std::iter::once((&done.module_id, &done.from, &done.to)).chain(also) {
        let from = from.as_deref().unwrap_or("-");
        match done.phase {
            UpdatePhase::RolledBack => ctx.say_phrase(Phrase::UpdateUndone, &[module, from, to]),
            UpdatePhase::Tried | UpdatePhase::Committed => {
                let (pause, probation) = (span(done.pause_ms), span(done.probation_ms));
                ctx.say_phrase(Phrase::UpdateTried, &[module, from, to, &pause, &probation]);
            }
            UpdatePhase::Staged | UpdatePhase::Verified if done.waits_for_approval => {
                ctx.say_phrase(Phrase::UpdateWaits, &[module, to, door.command(), &number]);
            }
            UpdatePhase::Staged | UpdatePhase::Verified => {
                ctx.say_phrase(Phrase::UpdateStaged, &[module, to, door.command(), &number]);
            }
        }
    }
    Ok(exit)
}

pub(super) fn list(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let table: SlotTable = door.ask(&Request::Update(UpdateVerb::List {}))?;
    ctx.show(&table, |table| render::updates::slots(&ctx.theme, table, amount::now_ms()))?;
    if table.modules.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoVersions, &[door.command()]);
    }
    Ok(Exit::Done)
}

pub(super) fn history(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let history: UpdateHistory = door.ask(&Request::Update(UpdateVerb::History {}))?;
    ctx.show(&history, |history| render::updates::history(&ctx.theme, history, amount::now_ms(), &ctx.zone))?;
    Ok(Exit::Done)
}

pub(super) fn pin(ctx: &Ctx, module: &str, name: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    door.ask_raw(&Request::Update(UpdateVerb::Pin { module_id: module.to_owned(), name: name.to_owned() }))?;
    pinned(ctx, name, Phrase::UpdatePinned)
}

pub(super) fn unpin(ctx: &Ctx, name: &str) -> Outcome {
    let mut door = Door::open(ctx)?;
    door.ask_raw(&Request::Update(UpdateVerb::Unpin { name: name.to_owned() }))?;
    pinned(ctx, name, Phrase::UpdateUnpinned)
}

fn pinned(ctx: &Ctx, name: &str, said: Phrase) -> Outcome {
    if ctx.is_json() {
        ctx.document(&Pinned { name: name.to_owned() })?;
    } else {
        ctx.say_phrase(said, &[name]);
    }
    Ok(Exit::Done)
}

pub(super) fn collect(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let collected: Collected = door.ask(&Request::Update(UpdateVerb::Gc {}))?;
    if ctx.is_json() {
        ctx.document(&collected)?;
    } else {
        let (chunks, folders) = (collected.chunks_removed.to_string(), collected.folders_removed.to_string());
        ctx.say_phrase(Phrase::UpdateCollected, &[&chunks, &folders]);
    }
    Ok(Exit::Done)
}
