//! Trying a version: the slots say it first, then approvals, the link and the module's life follow, and whoever waits is
//! told when it is ready, or that it is what it was.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use abi::{ModuleId, Permissions, Record, Wall};
use kernel::{Answer, Event, Manner, Order};
use protocol::operator::{UpdateDone, UpdatePhase};
use store::SlotsFileError;
use update::{Occupant, Phase, Step, Strategy, TransactionId};

use super::UpdateError;
use super::prepare::{self, Ready, Seen};
use super::probation::{self, Trial};
use crate::clock::wall_now;
use crate::effects::save_now;
use crate::files::blueprint::Origin;
use crate::files::discovery::writable;
use crate::files::seal::{Covers, Hashes, Seal};
use crate::files::versions;
use crate::home::Home;
use crate::shell::Shell;
use crate::stock::{Stock, Stockroom};
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

/// A package becomes its module's version.
///
/// # Errors
/// `UpdateError`; the module is what it was, unless the error says that it goes on at the next start.
pub(crate) async fn apply(
    shell: &Handle,
    file: PathBuf,
    wanted: Option<Strategy>,
    consent: Consent,
) -> Result<UpdateDone, UpdateError> {
    let (home, room, seen) = ground(shell);
    let at = wall_now();
    let ready = room.work(move |stock| prepare::stage(stock, &home, &file, wanted, &seen, at)).await?;
    if let Err(error) = check_origin(shell, &ready.module) {
        roll_back(shell, ready.id, crate::launch::sentence(&error)).await?;
        return Err(error);
    }
    shell.borrow_mut().record(
        Record::new("update.verified")
            .of(&ready.module, None)
            .number("transaction", ready.id.0)
            .text("version", ready.to.version.to_string()),
    );
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
    let (_, room, _) = ground(shell);
    let ready = room.work(move |stock| prepare::ready_of(stock, TransactionId(id))).await?;
    go_on(shell, ready, consent).await
}

/// Back to the version before, by a person's word: an open transaction is undone, after it the fallback is tried.
///
/// # Errors
/// As [`apply`]; `NoVersions`, `NoFallback`.
pub(crate) async fn roll_back_module(shell: &Handle, module: &ModuleId) -> Result<UpdateDone, UpdateError> {
    let (home, room, _) = ground(shell);
    let wanted = module.clone();
    let open = move |stock: &mut Stock| -> Result<_, UpdateError> {
        let open = stock.slots.slots().open();
        let found = open.iter().find(|(_, transaction)| transaction.changes.contains_key(&wanted));
        let found = found.map(|(id, _)| *id);
        found.map(|id| prepare::ready_of(stock, id)).transpose()
    };
    if let Some(ready) = room.work(open).await? {
        let pause_ms = roll_back(shell, ready.id, "an operator asked to go back".to_owned()).await?;
        return Ok(done(&ready, UpdatePhase::RolledBack, pause_ms));
    }
    let (module, at) = (module.clone(), wall_now());
    let ready = room.work(move |stock| prepare::stage_fallback(stock, &home, &module, at)).await?;
    go_on(shell, ready, Consent::AsBefore).await
}

/// Where everything lies, and who calls whom as far as is known.
pub(super) fn ground(shell: &Handle) -> (Home, Stockroom, Seen) {
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
    (home, room, seen)
}

fn check_origin(shell: &Handle, module: &ModuleId) -> Result<(), UpdateError> {
    let shell = shell.borrow();
    match shell.files.blueprints.get(module).map(|blueprint| blueprint.origin) {
        Some(Origin::Home) | None => Ok(()),
        Some(Origin::Project | Origin::Hand) => Err(UpdateError::NotOfHome(module.clone())),
    }
}

fn done(ready: &Ready, phase: UpdatePhase, pause_ms: Option<u64>) -> UpdateDone {
    UpdateDone {
        transaction: ready.id.0,
        module_id: ready.module.to_string(),
        from: ready.from.as_ref().map(ToString::to_string),
        to: ready.to.version.to_string(),
        phase,
        asks: permissions_json(&Permissions::default()),
        waits_for_approval: false,
        pause_ms,
        probation_ms: None,
    }
}

/// What it asks for beyond what is approved; nothing when it may run as it is.
fn beyond(shell: &Handle, ready: &Ready) -> Option<Permissions> {
    let base = shell.borrow().files.approvals.grants(&ready.module).base;
    match base {
        Some(base) if ready.permissions.is_subset(&base) => None,
        Some(base) => Some(ready.permissions.minus(&base)),
        // What was never approved has to be, whatever it asks for.
        None => Some(ready.permissions.clone()),
    }
}

fn waits(shell: &Handle, ready: &Ready) -> Result<UpdateDone, UpdateError> {
    let beyond = beyond(shell, ready);
    let record = Record::new("update.waits").of(&ready.module, None).number("transaction", ready.id.0);
    shell.borrow_mut().record(record.text("version", ready.to.version.to_string()));
    let asks = permissions_json(&beyond.clone().unwrap_or_default());
    let waits_for_approval = beyond.is_some();
    Ok(UpdateDone { asks, waits_for_approval, ..done(ready, UpdatePhase::Verified, None) })
}

async fn go_on(shell: &Handle, ready: Ready, consent: Consent) -> Result<UpdateDone, UpdateError> {
    if consent == Consent::AsBefore && beyond(shell, &ready).is_some() {
        return waits(shell, &ready);
    }
    let (home, room, _) = ground(shell);
    let trial = Trial::before(&shell.borrow(), &ready);
    let approved = (consent == Consent::Given).then(|| ready.permissions.clone());
    let hashes = turn_slots(shell, &room, &home, &ready).await?;
    let record = Record::new("update.tried").of(&ready.module, None).number("transaction", ready.id.0);
    shell.borrow_mut().record(record.text("version", ready.to.version.to_string()));
    let manner = if ready.strategy == Strategy::Hot { Manner::SwapAndKeep } else { Manner::Restart };
    let turned =
        Turn { module: ready.module.clone(), to: Some((ready.to.clone(), hashes)), approved, manner };
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
            Err(UpdateError::RolledBack { module: ready.module, why })
        }
    }
}

/// The step that flips: it is on the disk when this returns.
async fn turn_slots(
    shell: &Handle,
    room: &Stockroom,
    home: &Home,
    ready: &Ready,
) -> Result<Hashes, UpdateError> {
    let user_home = shell.borrow().surrounding.user_home();
    let (home, ready, at) = (home.clone(), ready.clone(), wall_now());
    let step = move |stock: &mut Stock| -> Result<_, UpdateError> {
        let hashes = hashes_of(stock, &home, &ready.module, &ready.to, &user_home)?;
        stock.slots.step(Step::Try(ready.id), at)?;
        Ok(hashes)
    };
    room.work(step).await
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

/// What a module turns into.
struct Turn {
    module: ModuleId,
    /// Nothing for a module that goes.
    to: Option<(Occupant, Hashes)>,
    /// What a person approved with it.
    approved: Option<Permissions>,
    /// How its life follows.
    manner: Manner,
}

/// Makes approval, link and life follow the slots; gives how long the module was not ready. The link comes last of what
/// lies on the disk: as long as it is the old one, a start does all of this again.
async fn turn(shell: &Handle, turn: Turn) -> Result<Option<u64>, UpdateError> {
    let home = shell.borrow().files.home.clone();
    if let Some((_, hashes)) = &turn.to {
        let mut shell = shell.borrow_mut();
        match &turn.approved {
            Some(approved) => shell.files.approvals.approve(&turn.module, approved, hashes, wall_now()),
            None => shell.files.approvals.bind(&turn.module, hashes),
        }
        shell.is_unsaved = true;
    }
    save_now(shell).await.map_err(UpdateError::Unsaved)?;
    let begun = Instant::now();
    let (module, occupant) = (turn.module.clone(), turn.to.map(|(occupant, _)| occupant));
    let place = home.modules().join(module.as_str());
    let (linking, pointed) = (home, occupant.clone());
    let linked = tokio::task::spawn_blocking(move || match &pointed {
        Some(occupant) => versions::point(&linking, &module, &occupant.release),
        None => versions::unpoint(&linking, &module),
    });
    let failed = |source| UpdateError::Disk { doing: "turn", path: place.clone(), source };
    linked.await.unwrap_or_else(|_| Err(std::io::Error::other("the thread has died"))).map_err(failed)?;
    shell.borrow_mut().files.hashes.forget(&place);
    let was_wanted = is_wanted(shell, &turn.module);
    shell.borrow_mut().feed(Event::Manner(turn.module.clone(), turn.manner));
    let failed = |why: String| UpdateError::Obstacle { code: "host::reload::refused", why };
    crate::reload::modules(shell).await.map_err(failed)?;
    if occupant.is_none() || !was_wanted {
        return Ok(None);
    }
    if turn.manner == Manner::SwapAndKeep
        && let Some(pause_ms) = be_swapped(shell, &turn.module).await?
    {
        return Ok(Some(pause_ms));
    }
    be_ready(shell, &turn.module).await?;
    Ok(Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)))
}

/// Whether a module is to run: one that an operator stopped stays so.
fn is_wanted(shell: &Handle, module: &ModuleId) -> bool {
    let shell = shell.borrow();
    let view = shell.kernel.find(module.as_str()).and_then(|slot| shell.kernel.view(slot));
    view.is_none_or(|view| view.state != abi::State::Stopped)
}

/// Waits for the end of a swap, if one is under way, and gives for how long messages were held; nothing when the module
/// can't be swapped and is stopped and started.
async fn be_swapped(shell: &Handle, module: &ModuleId) -> Result<Option<u64>, UpdateError> {
    let answer = {
        let mut shell = shell.borrow_mut();
        let (request, answer) = shell.desk.expect();
        shell.feed(Event::Ordered(request, Order::AwaitSwap(module.clone())));
        shell.end_turn();
        answer
    };
    let why = match tokio::time::timeout(READY_WITHIN, answer).await {
        Ok(Ok(Answer::Swapped(_))) => {
            let shell = shell.borrow();
            let seat = shell.kernel.find(module.as_str()).and_then(|slot| shell.seat(slot));
            return Ok(Some(seat.map_or(0, |seat| seat.pause_us.div_ceil(US_PER_MS))));
        }
        Ok(Ok(Answer::Failed(_, why))) => why,
        Ok(Ok(_)) => return Ok(None),
        Ok(Err(_)) => return Err(UpdateError::Stopping),
        Err(_) => "it was not swapped in time".to_owned(),
    };
    Err(UpdateError::Obstacle { code: "host::swap::rolled_back", why })
}

/// Waits until a module is ready.
async fn be_ready(shell: &Handle, module: &ModuleId) -> Result<(), UpdateError> {
    let answer = {
        let mut shell = shell.borrow_mut();
        let (request, answer) = shell.desk.expect();
        shell.feed(Event::Ordered(request, Order::Start(module.clone())));
        shell.end_turn();
        answer
    };
    let why = match tokio::time::timeout(READY_WITHIN, answer).await {
        Ok(Ok(Answer::Failed(_, why))) => why,
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(_)) => return Err(UpdateError::Stopping),
        Err(_) => "it was not ready in time".to_owned(),
    };
    Err(UpdateError::Obstacle { code: "host::update::not_ready", why })
}

/// Undoes a transaction, whatever its phase; gives how long the module was not ready.
///
/// # Errors
/// The slots' own when it is not open any more; whatever keeps the module from being what it was.
pub(super) async fn roll_back(
    shell: &Handle,
    id: TransactionId,
    evidence: String,
) -> Result<Option<u64>, UpdateError> {
    let (home, room, _) = ground(shell);
    let user_home = shell.borrow().surrounding.user_home();
    let (at, said, place) = (wall_now(), evidence.clone(), home.clone());
    let step =
        move |stock: &mut Stock| -> Result<_, UpdateError> { undo(stock, &place, id, said, &user_home, at) };
    let Undone { module, version, phase, to } = room.work(step).await?;
    let record = Record::new("update.rolled_back").of(&module, None).number("transaction", id.0);
    shell.borrow_mut().record(record.text("version", version).text("evidence", evidence));
    if phase < Phase::Tried {
        return Ok(None);
    }
    // A life before that is still warm answers again at once; else it is stopped and started.
    turn(shell, Turn { module, to, approved: None, manner: Manner::Restart }).await
}

/// What a transaction that was undone leaves to be done.
struct Undone {
    module: ModuleId,
    /// The version that goes.
    version: String,
    phase: Phase,
    /// The version that is active again; nothing for a module that was new.
    to: Option<(Occupant, Hashes)>,
}

fn undo(
    stock: &mut Stock,
    home: &Home,
    id: TransactionId,
    evidence: String,
    user_home: &std::path::Path,
    at: Wall,
) -> Result<Undone, UpdateError> {
    let missing = || SlotsFileError::Step(update::SlotsError::NoTransaction(id));
    let open = stock.slots.slots().open().get(&id).ok_or_else(missing)?;
    let (module, change) = open.changes.first_key_value().ok_or_else(missing)?;
    let (module, phase, version) = (module.clone(), open.phase, change.to.version.to_string());
    stock.slots.step(Step::RollBack(id, evidence), at)?;
    let active = stock.slots.slots().module(&module).map(|slots| slots.active.clone());
    let mut to = None;
    if let Some(active) = active {
        versions::lay_out(&mut stock.depot, home, &module, &active.release)?;
        let hashes = hashes_of(stock, home, &module, &active, user_home)?;
        to = Some((active, hashes));
    }
    Ok(Undone { module, version, phase, to })
}
