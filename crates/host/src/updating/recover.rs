//! At a start: links and approvals are made to follow the slots where a kernel that was killed did not get to it, and
//! what was on its way goes on.

use std::path::Path;
use std::time::Duration;

use abi::{ModuleId, Record, Wall};
use update::{Change, Occupant, Phase, Step, TransactionId};

use super::UpdateError;
use super::flip::hashes_of;
use super::prepare::permissions_of;
use super::probation::{self, Trial, Tried};
use crate::files::approvals::Approvals;
use crate::files::versions;
use crate::home::Home;
use crate::stock::{Stock, Stockroom};

/// What a start found.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Versions that are on probation, with the moment at which that began.
    trials: Vec<(Trial, Wall)>,
    /// What was done about transactions, for the journal.
    records: Vec<Record>,
}

/// Makes everything follow the slots. It is done before anybody looks at the modules.
///
/// # Errors
/// What keeps it from being done; the modules are as they are on the disk then.
pub(crate) fn put_right(
    home: &Home,
    approvals: &mut Approvals,
    user_home: &Path,
    now: Wall,
) -> Result<Recovered, UpdateError> {
    let room = Stockroom::of(home);
    if !room.is_used() || approvals.is_unread() {
        return Ok(Recovered::default());
    }
    room.work_here(|stock| {
        let mut found = Recovered { records: move_on(stock, approvals, now)?, ..Recovered::default() };
        let modules: Vec<(ModuleId, Occupant)> = stock
            .slots
            .slots()
            .modules()
            .iter()
            .map(|(module, slots)| (module.clone(), slots.active.clone()))
            .collect();
        for (module, active) in &modules {
            follow(stock, home, approvals, user_home, module, active)?;
        }
        for module in versions::linked(home) {
            if modules.iter().all(|(known, _)| *known != module) {
                // A new module whose transaction was undone.
                let path = home.modules().join(module.as_str());
                let failed = |source| UpdateError::Disk { doing: "remove", path, source };
                versions::unpoint(home, &module).map_err(failed)?;
            }
        }
        for (id, open) in stock.slots.slots().open() {
            if open.phase == Phase::Tried {
                let tried = |(module, change): (&ModuleId, &Change)| Tried {
                    module: module.clone(),
                    version: change.to.version.to_string(),
                    past: None,
                    falls_back: 0,
                };
                let trial = Trial { id: *id, versions: open.changes.iter().map(tried).collect() };
                found.trials.push((trial, open.since));
            }
        }
        Ok(found)
    })
}

/// What was not verified is undone; what was verified, and asks for no more than is approved, is tried now.
fn move_on(stock: &mut Stock, approvals: &Approvals, now: Wall) -> Result<Vec<Record>, UpdateError> {
    let mut records = Vec::new();
    let record = |code, module: &ModuleId, to: &Occupant, id: TransactionId| {
        let record = Record::new(code).of(module, None).number("transaction", id.0);
        record.text("version", to.version.to_string())
    };
    let all = stock.slots.slots().open().clone();
    for (id, open) in all {
        match open.phase {
            Phase::Staged => {
                let why = "the kernel ended before it was verified";
                stock.slots.step(Step::RollBack(id, why.to_owned()), now)?;
                let undone = open.changes.iter().map(|(module, change)| {
                    record("update.rolled_back", module, &change.to, id).text("evidence", why)
                });
                records.extend(undone);
            }
            Phase::Verified => {
                // All of them, or none: what one of them lacks the others wait for.
                let mut are_approved = true;
                for (module, change) in &open.changes {
                    let asks = permissions_of(stock, &change.to.release)?;
                    let base = approvals.grants(module).base;
                    are_approved &= base.is_some_and(|base| asks.is_subset(&base));
                }
                if are_approved {
                    stock.slots.step(Step::Try(id), now)?;
                    let tried = open.changes.iter();
                    records
                        .extend(tried.map(|(module, change)| record("update.tried", module, &change.to, id)));
                }
            }
            Phase::Tried => {}
        }
    }
    Ok(records)
}

/// Makes one module's approval and link follow.
fn follow(
    stock: &mut Stock,
    home: &Home,
    approvals: &mut Approvals,
    user_home: &Path,
    module: &ModuleId,
    active: &Occupant,
) -> Result<(), UpdateError> {
    if versions::leads_to(home, module, &active.release) {
        return Ok(());
    }
    let place = home.modules().join(module.as_str());
    let is_tried = stock.slots.slots().open().values().any(|open| open.changes.contains_key(module));
    if !is_tried && !versions::is_version_link(&place) {
        // A person removed it, or put a folder there: that is what runs.
        return Ok(());
    }
    versions::lay_out(&mut stock.depot, home, module, &active.release)?;
    let hashes = hashes_of(stock, home, module, active, user_home)?;
    let asks = permissions_of(stock, &active.release)?;
    let is_known = approvals.approved_with(module, &hashes).is_some();
    if is_known || approvals.grants(module).base.is_some_and(|base| asks.is_subset(&base)) {
        // What was approved with exactly this content is approved with it again.
        approvals.give_back(module, &hashes);
        // Before the link: as long as it is the old one, all of this is done again.
        let written = approvals.to_file().write();
        written.map_err(|error| UpdateError::Unsaved(crate::launch::sentence(&error)))?;
    }
    let failed = |source| UpdateError::Disk { doing: "turn", path: place, source };
    versions::point(home, module, &active.release).map_err(failed)
}

/// Probations that a kernel's end cut short go on, for what is left of their time.
pub(crate) fn resume(
    shell: &std::rc::Rc<std::cell::RefCell<crate::shell::Shell>>,
    recovered: Recovered,
    now: Wall,
) {
    let probation = shell.borrow().files.config.settings().update.probation;
    for record in recovered.records {
        shell.borrow_mut().record(record);
    }
    for (trial, since) in recovered.trials {
        let spent = Duration::from_millis(now.0.saturating_sub(since.0));
        probation::begin(shell, trial, probation.saturating_sub(spent));
    }
}

#[cfg(test)]
mod tests;
