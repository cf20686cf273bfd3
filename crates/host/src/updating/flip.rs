//! Trying a version: the slots say it first, then approvals, the link and the module's life follow, and whoever waits is
//! told when it is ready, or that it is what it was.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use abi::{ModuleId, Permissions, Record, Wall};
use kernel::{Answer, Event, Manner, Order};
use protocol::operator::{UpdateDone, UpdatePart, UpdatePhase};
use store::SlotsFileError;
use tokio::sync::oneshot;
use update::{Occupant, Phase, Step, Strategy, TransactionId};

use super::UpdateError;
use super::error::TOGETHER_MAX;
use super::prepare::{self, Course, Part, Ready, Seen};
use super::probation::{self, Trial};
use crate::clock::wall_now;
use crate::effects::save_now;
use crate::files::blueprint::Origin;
use crate::files::discovery::writable;
use crate::files::seal::{Covers, Hashes, Seal};
use crate::files::versions;
use crate::home::Home;
use crate::shell::Shell;
use crate::stock::{Stock, StockError, Stockroom};
use crate::translate::permissions_json;

/// 5 min: longer than a module may take to be ready and to be tried again some times; then it is not.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// 1,000 microseconds in a millisecond.
const US_PER_MS: u64 = 1000;

/// Whether a person has approved what a version asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Exactly what it asks for.
    Given,
    /// What was approved before, and no more.
    AsBefore,
}

type Handle = Rc<RefCell<Shell>>;

/// Where everything lies, and who calls whom as far as is known.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) home: Home,
    pub(super) room: Stockroom,
    pub(super) seen: Seen,
    /// Where files of the kernel's user are.
    pub(super) user_home: PathBuf,
}

/// Packages become their modules' versions: all of them, or none.
///
/// # Errors
/// `UpdateError`; the modules are what they were, unless the error says that it goes on at the next start.
pub(crate) async fn apply(
    shell: &Handle,
    files: Vec<PathBuf>,
    wanted: Option<Strategy>,
    consent: Consent,
) -> Result<UpdateDone, UpdateError> {
    if files.is_empty() || files.len() > TOGETHER_MAX {
        return Err(UpdateError::Packages(files.len()));
    }
    let ground = ground(shell);
    let (at, room) = (wall_now(), ground.room.clone());
    let ready = room.work(move |stock| prepare::stage(stock, &ground, &files, wanted, at)).await?;
    for part in &ready.parts {
        if let Err(error) = check_origin(shell, &part.module) {
            roll_back(shell, ready.id, crate::launch::sentence(&error)).await?;
            return Err(error);
        }
    }
    record_each(shell, &ready, "update.verified");
    match ready.strategy {
        Strategy::Staged => waits(shell, &ready),
        Strategy::Hot | Strategy::Restart => go_on(shell, ready, consent).await,
    }
}

/// A transaction that waits goes on.
///
/// # Errors
/// As [`apply`].
pub(crate) async fn go(shell: &Handle, id: u64, consent: Consent) -> Result<UpdateDone, UpdateError> {
    let ground = ground(shell);
    let (id, room) = (TransactionId(id), ground.room.clone());
    let ready = room.work(move |stock| prepare::ready_of(stock, &ground, id, Course::Forward)).await?;
    go_on(shell, ready, consent).await
}

/// Back to the version before, by a person's word: an open transaction is undone with all its modules, after it the
/// fallback of this one is tried.
///
/// # Errors
/// As [`apply`]; `NoVersions`, `NoFallback`.
pub(crate) async fn roll_back_module(shell: &Handle, module: &ModuleId) -> Result<UpdateDone, UpdateError> {
    let ground = ground(shell);
    let (wanted, room, place) = (module.clone(), ground.room.clone(), ground.clone());
    let open = move |stock: &mut Stock| -> Result<_, UpdateError> {
        let open = stock.slots.slots().open();
        let found = open.iter().find(|(_, transaction)| transaction.changes.contains_key(&wanted));
        let found = found.map(|(id, _)| *id);
        found.map(|id| prepare::ready_of(stock, &place, id, Course::Back)).transpose()
    };
    if let Some(ready) = room.work(open).await? {
        let pause_ms = roll_back(shell, ready.id, "an operator asked to go back".to_owned()).await?;
        return Ok(done(&ready, UpdatePhase::RolledBack, pause_ms));
    }
    let (module, at) = (module.clone(), wall_now());
    let ready = room.work(move |stock| prepare::stage_fallback(stock, &ground, &module, at)).await?;
    go_on(shell, ready, Consent::AsBefore).await
}

/// Where everything lies, and who calls whom as far as is known.
pub(super) fn ground(shell: &Handle) -> Ground {
    let shell = shell.borrow();
    let mut seen = Seen::new();
    for view in shell.kernel.views() {
        let Some(spec) = shell.kernel.spec(view.slot) else { continue };
        for service in spec.requires.iter().chain(&spec.optional_requires) {
            seen.entry(service.clone()).or_default().insert(spec.id.clone());
        }
    }
    let home = shell.files.home.clone();
    let room = Stockroom::of(&home);
    Ground { home, room, seen, user_home: shell.surrounding.user_home() }
}

fn check_origin(shell: &Handle, module: &ModuleId) -> Result<(), UpdateError> {
    let shell = shell.borrow();
    match shell.files.blueprints.get(module).map(|blueprint| blueprint.origin) {
        Some(Origin::Home) | None => Ok(()),
        Some(Origin::Project | Origin::Hand) => Err(UpdateError::NotOfHome(module.clone())),
    }
}

/// The same record for each module of a transaction, so that each one's story tells it.
fn record_each(shell: &Handle, ready: &Ready, code: &'static str) {
    for part in &ready.parts {
        let record = Record::new(code).of(&part.module, None).number("transaction", ready.id.0);
        shell.borrow_mut().record(record.text("version", part.to.version.to_string()));
    }
}

fn done(ready: &Ready, phase: UpdatePhase, pause_ms: Option<u64>) -> UpdateDone {
    let row = |part: &Part| UpdatePart {
        module_id: part.module.to_string(),
        from: part.from.as_ref().map(ToString::to_string),
        to: part.to.version.to_string(),
        asks: permissions_json(&Permissions::default()),
    };
    let mut rows = ready.parts.iter().map(row);
    let first = rows.next().unwrap_or_default();
    UpdateDone {
        transaction: ready.id.0,
        module_id: first.module_id,
        from: first.from,
        to: first.to,
        phase,
        asks: first.asks,
        waits_for_approval: false,
        pause_ms,
        probation_ms: None,
        also: rows.collect(),
    }
}

/// What a version asks for beyond what is approved; nothing when it may run as it is.
fn beyond(shell: &Handle, ready: &Ready, part: &Part) -> Option<Permissions> {
    let shell = shell.borrow();
    let approvals = &shell.files.approvals;
    let base = match ready.course {
        // It ran before, and gets back what was approved with it.
        Course::Back => approvals.approved_with(&part.module, &part.hashes).cloned(),
        Course::Forward => None,
    };
    match base.or_else(|| approvals.grants(&part.module).base) {
        Some(base) if part.permissions.is_subset(&base) => None,
        Some(base) => Some(part.permissions.minus(&base)),
        // What was never approved has to be, whatever it asks for.
        None => Some(part.permissions.clone()),
    }
}

fn waits(shell: &Handle, ready: &Ready) -> Result<UpdateDone, UpdateError> {
    record_each(shell, ready, "update.waits");
    let mut done = done(ready, UpdatePhase::Verified, None);
    let asks: Vec<_> = ready.parts.iter().map(|part| beyond(shell, ready, part)).collect();
    done.waits_for_approval = asks.iter().any(Option::is_some);
    let mut asks = asks.into_iter().map(|asks| permissions_json(&asks.unwrap_or_default()));
    done.asks = asks.next().unwrap_or_default();
    for (row, asks) in done.also.iter_mut().zip(asks) {
        row.asks = asks;
    }
    Ok(done)
}

async fn go_on(shell: &Handle, ready: Ready, consent: Consent) -> Result<UpdateDone, UpdateError> {
    let asks_for_more = ready.parts.iter().any(|part| beyond(shell, &ready, part).is_some());
    if consent == Consent::AsBefore && asks_for_more {
        return waits(shell, &ready);
    }
    let trial = Trial::before(&shell.borrow(), &ready);
    turn_slots(shell, &ready).await?;
    record_each(shell, &ready, "update.tried");
    let manner = if ready.strategy == Strategy::Hot { Manner::SwapAndKeep } else { Manner::Restart };
    let turns = ready.parts.iter().map(|part| TurnOne {
        module: part.module.clone(),
        to: Some((part.to.clone(), part.hashes.clone())),
        approved: (consent == Consent::Given).then(|| part.permissions.clone()),
    });
    let turned = Turn { modules: turns.collect(), manner, course: ready.course };
    match turn(shell, turned).await {
        Ok(pause_ms) => {
            let probation = shell.borrow().files.config.settings().update.probation;
            probation::begin(shell, trial, probation);
            let probation_ms = Some(u64::try_from(probation.as_millis()).unwrap_or(u64::MAX));
            Ok(UpdateDone { probation_ms, ..done(&ready, UpdatePhase::Tried, pause_ms) })
        }
        Err(UpdateError::Stopping) => Err(UpdateError::Stopping),
        Err(error) => {
            let why = crate::launch::sentence(&error);
            if let Err(error) = roll_back(shell, ready.id, why.clone()).await {
                probation::undo_later(shell, trial, why);
                return Err(error);
            }
            let modules = ready.parts.into_iter().map(|part| part.module).collect();
            Err(UpdateError::RolledBack { modules, why })
        }
    }
}

/// The step that flips all of them: it is on the disk when this returns.
async fn turn_slots(shell: &Handle, ready: &Ready) -> Result<(), UpdateError> {
    let room = Stockroom::of(&shell.borrow().files.home);
    let (id, at) = (ready.id, wall_now());
    room.work(move |stock: &mut Stock| -> Result<(), UpdateError> {
        Ok(stock.slots.step(Step::Try(id), at)?)
    })
    .await
}

/// The hashes that the approval of a version is bound to.
pub(super) fn hashes_of(
    stock: &mut Stock,
    home: &Home,
    module: &ModuleId,
    occupant: &Occupant,
    user_home: &std::path::Path,
) -> Result<Hashes, UpdateError> {
    let folder = versions::folder_of(home, module, &occupant.release);
    let permissions = prepare::permissions_of(stock, &occupant.release)?;
    let seal = Seal { folder: folder.clone(), covers: Covers::Tree };
    let writable = writable(&permissions, &seal, user_home);
    Ok(versions::hashes_of(&mut stock.depot, &occupant.release, &folder, &writable)?)
}

/// What modules turn into, together.
struct Turn {
    modules: Vec<TurnOne>,
    /// How their lives follow.
    manner: Manner,
    course: Course,
}

/// What one of them turns into.
struct TurnOne {
    module: ModuleId,
    /// Nothing for a module that goes.
    to: Option<(Occupant, Hashes)>,
    /// What a person approved with it.
    approved: Option<Permissions>,
}

/// Makes approvals, links and lives follow the slots; gives how long a module was not ready. The links come last of what
/// lies on the disk: as long as one is the old one, a start does all of this again for its module, and no kernel looks at
/// any of them before.
async fn turn(shell: &Handle, turn: Turn) -> Result<Option<u64>, UpdateError> {
    approve(shell, &turn);
    save_now(shell).await.map_err(UpdateError::Unsaved)?;
    let begun = Instant::now();
    let ids: Vec<ModuleId> = turn.modules.iter().map(|one| one.module.clone()).collect();
    let is_awaited = |one: &&TurnOne| one.to.is_some() && is_wanted(shell, &one.module);
    let awaited: Vec<ModuleId> =
        turn.modules.iter().filter(is_awaited).map(|one| one.module.clone()).collect();
    link(shell, turn.modules).await?;
    let failed = |why: String| UpdateError::Obstacle { code: "host::reload::refused", why };
    crate::reload::together(shell, ids.clone(), turn.manner).await.map_err(failed)?;
    if awaited.is_empty() {
        return Ok(None);
    }
    if turn.manner == Manner::SwapAndKeep {
        match be_swapped(shell, &awaited).await {
            Ok(Some(pause_ms)) => return Ok(Some(pause_ms)),
            Ok(None) => {}
            Err(UpdateError::Stopping) => return Err(UpdateError::Stopping),
            // Who wants to go back gets there, also from a version that does not hand its state over.
            Err(_) if turn.course == Course::Back => {
                crate::reload::together(shell, ids, Manner::Restart).await.map_err(failed)?;
            }
            Err(error) => return Err(error),
        }
    }
    be_ready(shell, &awaited).await?;
    Ok(Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)))
}

/// Approvals are bound to what the modules turn into.
fn approve(shell: &Handle, turn: &Turn) {
    let mut shell = shell.borrow_mut();
    for one in &turn.modules {
        let Some((_, hashes)) = &one.to else { continue };
        let approvals = &mut shell.files.approvals;
        match (&one.approved, turn.course) {
            (Some(approved), _) => approvals.approve(&one.module, approved, hashes, wall_now()),
            (None, Course::Forward) => approvals.bind(&one.module, hashes),
            (None, Course::Back) => approvals.give_back(&one.module, hashes),
        }
        shell.is_unsaved = true;
    }
}

/// Makes the links lead to what the modules turn into.
async fn link(shell: &Handle, modules: Vec<TurnOne>) -> Result<(), UpdateError> {
    let home = shell.borrow().files.home.clone();
    let places: Vec<PathBuf> = modules.iter().map(|one| home.modules().join(one.module.as_str())).collect();
    let linked = tokio::task::spawn_blocking(move || -> Result<(), UpdateError> {
        for one in &modules {
            let linked = match &one.to {
                Some((occupant, _)) => versions::point(&home, &one.module, &occupant.release),
                None => versions::unpoint(&home, &one.module),
            };
            let path = home.modules().join(one.module.as_str());
            linked.map_err(|source| UpdateError::Disk { doing: "turn", path, source })?;
        }
        Ok(())
    });
    linked.await.unwrap_or_else(|_| Err(StockError::Died.into()))?;
    for place in &places {
        shell.borrow_mut().files.hashes.forget(place);
    }
    Ok(())
}

/// Whether a module is to run: one that an operator stopped stays so.
fn is_wanted(shell: &Handle, module: &ModuleId) -> bool {
    let shell = shell.borrow();
    let view = shell.kernel.find(module.as_str()).and_then(|slot| shell.kernel.view(slot));
    view.is_none_or(|view| view.state != abi::State::Stopped)
}

/// Gives each of these modules an order, all in one turn, and the ways to their answers.
fn order_all(
    shell: &Handle,
    modules: &[ModuleId],
    order: fn(ModuleId) -> Order,
) -> Vec<oneshot::Receiver<Answer>> {
    let mut shell = shell.borrow_mut();
    let mut answers = Vec::new();
    for module in modules {
        let (request, answer) = shell.desk.expect();
        shell.feed(Event::Ordered(request, order(module.clone())));
        answers.push(answer);
    }
    shell.end_turn();
    answers
}

/// Waits for the end of swaps, if some are under way, and gives for how long messages were held at the most; nothing when
/// none is, because the modules can't be swapped and are stopped and started.
async fn be_swapped(shell: &Handle, modules: &[ModuleId]) -> Result<Option<u64>, UpdateError> {
    let mut pause_us: Option<u64> = None;
    for (module, answer) in modules.iter().zip(order_all(shell, modules, Order::AwaitSwap)) {
        let why = match tokio::time::timeout(READY_WITHIN, answer).await {
            Ok(Ok(Answer::Swapped(_))) => {
                let shell = shell.borrow();
                let seat = shell.kernel.find(module.as_str()).and_then(|slot| shell.seat(slot));
                pause_us = pause_us.max(Some(seat.map_or(0, |seat| seat.pause_us)));
                continue;
            }
            Ok(Ok(Answer::Failed(_, why))) => why,
            Ok(Ok(_)) => continue,
            Ok(Err(_)) => return Err(UpdateError::Stopping),
            Err(_) => "it was not swapped in time".to_owned(),
        };
        return Err(UpdateError::Obstacle { code: "host::swap::rolled_back", why: of(modules, module, why) });
    }
    Ok(pause_us.map(|us| us.div_ceil(US_PER_MS)))
}

/// Waits until modules are ready.
async fn be_ready(shell: &Handle, modules: &[ModuleId]) -> Result<(), UpdateError> {
    for (module, answer) in modules.iter().zip(order_all(shell, modules, Order::Start)) {
        let why = match tokio::time::timeout(READY_WITHIN, answer).await {
            Ok(Ok(Answer::Failed(_, why))) => why,
            Ok(Ok(_)) => continue,
            Ok(Err(_)) => return Err(UpdateError::Stopping),
            Err(_) => "it was not ready in time".to_owned(),
        };
        return Err(UpdateError::Obstacle { code: "host::update::not_ready", why: of(modules, module, why) });
    }
    Ok(())
}

/// Of several modules it is said which one it is about.
fn of(modules: &[ModuleId], module: &ModuleId, why: String) -> String {
    if modules.len() > 1 { format!("`{module}`: {why}") } else { why }
}

/// Undoes a transaction, whatever its phase; gives how long a module was not ready.
///
/// # Errors
/// The slots' own when it is not open any more; whatever keeps a module from being what it was.
pub(super) async fn roll_back(
    shell: &Handle,
    id: TransactionId,
    evidence: String,
) -> Result<Option<u64>, UpdateError> {
    let ground = ground(shell);
    let (at, said, room) = (wall_now(), evidence.clone(), ground.room.clone());
    let step = move |stock: &mut Stock| -> Result<_, UpdateError> { undo(stock, &ground, id, said, at) };
    let Undone { modules, phase } = room.work(step).await?;
    for (one, version) in &modules {
        let record = Record::new("update.rolled_back").of(&one.module, None).number("transaction", id.0);
        shell
            .borrow_mut()
            .record(record.text("version", version.as_str()).text("evidence", evidence.as_str()));
    }
    if phase < Phase::Tried {
        return Ok(None);
    }
    // Lives before that are still warm answer again at once; else all are stopped and started.
    let modules = modules.into_iter().map(|(one, _)| one).collect();
    turn(shell, Turn { modules, manner: Manner::Restart, course: Course::Back }).await
}

/// What a transaction that was undone leaves to be done.
struct Undone {
    /// With the versions that go; what each is again is nothing for a module that was new.
    modules: Vec<(TurnOne, String)>,
    phase: Phase,
}

fn undo(
    stock: &mut Stock,
    ground: &Ground,
    id: TransactionId,
    evidence: String,
    at: Wall,
) -> Result<Undone, UpdateError> {
    let missing = || SlotsFileError::Step(update::SlotsError::NoTransaction(id));
    let open = stock.slots.slots().open().get(&id).ok_or_else(missing)?.clone();
    stock.slots.step(Step::RollBack(id, evidence), at)?;
    let mut modules = Vec::new();
    for (module, change) in open.changes {
        let active = stock.slots.slots().module(&module).map(|slots| slots.active.clone());
        let mut to = None;
        if let Some(active) = active {
            versions::lay_out(&mut stock.depot, &ground.home, &module, &active.release)?;
            let hashes = hashes_of(stock, &ground.home, &module, &active, &ground.user_home)?;
            to = Some((active, hashes));
        }
        modules.push((TurnOne { module, to, approved: None }, change.to.version.to_string()));
    }
    Ok(Undone { modules, phase: open.phase })
}
