//! Looking at versions, keeping some, removing what nothing needs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use abi::{ModuleId, Permissions};
use protocol::operator::{
    Collected, EndedRow, PinRow, SlotRow, SlotTable, TransactionRow, TransactionTable, UpdateHistory,
    UpdatePart, UpdatePhase,
};
use store::{Backups, LocalDisk};
use update::{FileRef, ModuleSlots, Outcome, Phase, Slots, Step};

use super::UpdateError;
use super::prepare::permissions_of;
use crate::clock::wall_now;
use crate::files::versions;
use crate::home::Home;
use crate::shell::Shell;
use crate::stock::{Stock, Stockroom};
use crate::translate::permissions_json;

/// 12 digits of a release name it for people.
const RELEASE_DIGITS: usize = 12;

/// The versions of every module.
pub(crate) async fn list(home: &Home) -> Result<SlotTable, UpdateError> {
    Stockroom::of(home).work(|stock| Ok(table(stock.slots.slots()))).await
}

fn table(slots: &Slots) -> SlotTable {
    let mut modules: Vec<ModuleId> = slots.modules().keys().cloned().collect();
    modules.extend(slots.open().values().flat_map(|open| open.changes.keys().cloned()));
    modules.sort();
    modules.dedup();
    let row = |module: ModuleId| {
        let open = slots.open().iter().find(|(_, open)| open.changes.contains_key(&module));
        let now = slots.module(&module);
        SlotRow {
            active: now.map(|now| now.active.version.to_string()),
            fallback: now.and_then(|now| now.fallback.as_ref()).map(|before| before.version.to_string()),
            next: slots.next_stable(&module).map(|next| next.version.to_string()),
            transaction: open.map(|(id, _)| id.0),
            phase: open.map(|(_, open)| phase_of(open.phase)),
            since_ms: open.map(|(_, open)| open.since.0),
            module_id: module.to_string(),
        }
    };
    let pin = |(name, release): (&String, &FileRef)| PinRow {
        name: name.clone(),
        release: release.root.to_string().chars().take(RELEASE_DIGITS).collect(),
    };
    SlotTable {
        modules: modules.into_iter().map(row).collect(),
        pins: slots.pins().iter().map(pin).collect(),
    }
}

/// Transactions on their way.
pub(crate) async fn status(shell: &Rc<RefCell<Shell>>) -> Result<TransactionTable, UpdateError> {
    let (room, probation) = {
        let shell = shell.borrow();
        (Stockroom::of(&shell.files.home), shell.files.config.settings().update.probation)
    };
    let read = move |stock: &mut Stock| -> Result<_, UpdateError> {
        let open = stock.slots.slots().open().clone();
        let mut rows = Vec::new();
        for (id, transaction) in open {
            let mut parts = Vec::new();
            for (module, change) in transaction.changes {
                let permissions = permissions_of(stock, &change.to.release)?;
                parts.push((module, change.before, change.to, permissions));
            }
            rows.push((id, transaction.phase, transaction.since, transaction.evidence, parts));
        }
        Ok(rows)
    };
    let rows = room.work(read).await?;
    let shell = shell.borrow();
    let beyond =
        |module: &ModuleId, permissions: &Permissions| match shell.files.approvals.grants(module).base {
            Some(base) => permissions.minus(&base),
            None => permissions.clone(),
        };
    let is_new = |module: &ModuleId| shell.files.approvals.grants(module).base.is_none();
    let transactions = rows.into_iter().map(|(id, phase, since, evidence, parts)| {
        let waits = |(module, _, _, asks): &(ModuleId, _, _, Permissions)| {
            is_new(module) || !beyond(module, asks).is_empty()
        };
        let spent = Duration::from_millis(wall_now().0.saturating_sub(since.0));
        let left = u64::try_from(probation.saturating_sub(spent).as_millis()).unwrap_or(u64::MAX);
        TransactionRow {
            transaction: id.0,
            phase: phase_of(phase),
            since_ms: since.0,
            evidence,
            waits_for_approval: phase < Phase::Tried && parts.iter().any(waits),
            probation_ms: (phase == Phase::Tried).then_some(left),
            modules: parts
                .into_iter()
                .map(|(module, before, to, asks)| UpdatePart {
                    from: before.map(|before: ModuleSlots| before.active.version.to_string()),
                    to: to.version.to_string(),
                    asks: permissions_json(&beyond(&module, &asks)),
                    module_id: module.to_string(),
                })
                .collect(),
        }
    });
    Ok(TransactionTable { transactions: transactions.collect() })
}

fn phase_of(phase: Phase) -> UpdatePhase {
    match phase {
        Phase::Staged => UpdatePhase::Staged,
        Phase::Verified => UpdatePhase::Verified,
        Phase::Tried => UpdatePhase::Tried,
    }
}

/// Transactions that ended.
pub(crate) async fn history(home: &Home) -> Result<UpdateHistory, UpdateError> {
    let ended = |stock: &mut Stock| {
        let rows = stock.slots.slots().history().iter().map(|ended| EndedRow {
            transaction: ended.id.0,
            outcome: match ended.outcome {
                Outcome::Committed => UpdatePhase::Committed,
                Outcome::RolledBack => UpdatePhase::RolledBack,
            },
            at_ms: ended.at.0,
            evidence: ended.evidence.clone(),
            versions: ended
                .versions
                .iter()
                .map(|(id, version)| (id.to_string(), version.to_string()))
                .collect(),
        });
        Ok(UpdateHistory { ended: rows.collect() })
    };
    Stockroom::of(home).work(ended).await
}

/// Keeps a module's active version under a name.
pub(crate) async fn pin(home: &Home, module: ModuleId, name: String) -> Result<(), UpdateError> {
    let keep = move |stock: &mut Stock| {
        let slots = stock.slots.slots().module(&module);
        let release = slots.ok_or(UpdateError::NoVersions(module))?.active.release;
        Ok(stock.slots.step(Step::Pin(name, release), wall_now())?)
    };
    Stockroom::of(home).work(keep).await
}

/// Keeps it no longer.
pub(crate) async fn unpin(home: &Home, name: String) -> Result<(), UpdateError> {
    Stockroom::of(home).work(move |stock| Ok(stock.slots.step(Step::Unpin(name), wall_now())?)).await
}

/// Forgets a module's versions: it is removed, or a folder takes their place. What is on its way is undone before.
pub(crate) async fn forget(home: &Home, module: ModuleId) -> Result<(), UpdateError> {
    let room = Stockroom::of(home);
    if !room.is_used() {
        return Ok(());
    }
    let forget = move |stock: &mut Stock| {
        let slots = stock.slots.slots();
        let open =
            slots.open().iter().find(|(_, open)| open.changes.contains_key(&module)).map(|(id, _)| *id);
        if let Some(id) = open {
            let why = "an operator removed the module, or put a folder in its place".to_owned();
            stock.slots.step(Step::RollBack(id, why), wall_now())?;
        }
        if stock.slots.slots().module(&module).is_some() {
            stock.slots.step(Step::Forget(module), wall_now())?;
        }
        Ok(())
    };
    room.work(forget).await
}

/// Removes what no slot, pin, open transaction or backup needs.
pub(crate) async fn collect(home: &Home) -> Result<Collected, UpdateError> {
    let place = home.clone();
    let clean = move |stock: &mut Stock| {
        let kept = stock.slots.kept()?;
        let mut files = stock.depot.releases(&kept)?;
        files.extend(Backups::new(Arc::new(LocalDisk), &place.state()).kept()?);
        let cleaned = stock.depot.clean(&files)?;
        let failed = |source| UpdateError::Disk { doing: "clean", path: place.versions(), source };
        let folders_removed = versions::clean(&place, &kept).map_err(failed)?;
        let (chunks_removed, bales_removed) = (cleaned.chunks_removed, cleaned.bales_removed);
        Ok(Collected { chunks_removed, bales_removed, folders_removed })
    };
    Stockroom::of(home).work(clean).await
}
