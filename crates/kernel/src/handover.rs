//! Handing over to another binary: everything that a kernel knows, beside what lies in its files, goes into a [`Saved`]
//! value, and a kernel that knows no module yet takes it and goes on as if nothing had happened.
//!
//! # What travels, and what does not
//! Lives with their numbers, stages, deadlines, restarts, rungs and faults; who offers, hears and watches what; calls
//! that are open, at both ends; the context variables; the sequence of chance. What modules are and may do is not in it:
//! their files are read again, since the later binary may read more in them. A life whose module is in no file any more
//! is a stray: whoever carries this out ends it, and those who waited for it are answered.
//!
//! # What holds
//! A kernel that was restored with the same descriptions gives the same effects for the same later events, as
//! `conformance/sim` shows by changing kernels in the middle of its runs.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Generation, ModuleId, RequestId, Slot};

use crate::event::Discovered;
use crate::machine::Kernel;
use crate::module::Module;
use crate::saved::{Keep, Saved, Unreadable};
use crate::spec::Spec;
use crate::table::Table;

/// A module as its files describe it at a handover.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it is in the life that runs, if one does.
    pub found: Discovered,
    /// What it is from its next start on, and why that may not be, where that is known to differ.
    pub successor: Option<(Spec, Option<String>)>,
}

/// Lives whose modules are not known any more: they are to be ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strays(pub Vec<(Slot, Generation)>);

/// What was saved of one module.
struct Left {
    slot: Slot,
    has_successor: bool,
    state: Saved,
}

impl Kernel {
    /// What it knows now, but for what its files say. To be asked when there is no effect left.
    pub fn save(&self) -> Saved {
        let modules = self.table.iter().map(|(slot, module)| {
            Saved::fields([
                ("id", module.spec.id.save()),
                ("slot", slot.save()),
                ("has_successor", module.successor.is_some().save()),
                ("state", module.save_parts()),
            ])
        });
        Saved::fields([
            ("parts", self.save_parts()),
            ("table", self.table.save_seats()),
            ("modules", Saved::List(modules.collect())),
        ])
    }

    /// Modules that are being swapped, or that keep the life before beside them. What is on its way between two lives is
    /// not saved, so no other binary takes over meanwhile.
    pub fn between_lives(&self) -> Vec<ModuleId> {
        let is_cut = self.cut.is_some();
        let is_between = |module: &&Module| {
            is_cut || module.swap.is_some() || !module.sides.is_empty() || module.is_between_files()
        };
        let modules = self.table.iter().map(|(_, module)| module);
        modules.filter(is_between).map(|module| module.spec.id.clone()).collect()
    }

    /// What the files say of its modules, as far as a kernel can tell.
    pub fn known(&self) -> Vec<Known> {
        let known = |(_, module): (Slot, &Module)| Known {
            found: Discovered {
                spec: module.spec.clone(),
                grants: module.grants.clone(),
                refused: module.refused.clone(),
            },
            successor: module.successor.clone(),
        };
        self.table.iter().map(known).collect()
    }

    /// Goes on where another kernel ended; `self` knows the rules and no module. Modules that the other did not know are
    /// left out: they are to be told afterwards, as discovered.
    ///
    /// # Errors
    /// What can't be read. The kernel is of no use then.
    pub fn restore(&mut self, saved: &Saved, known: Vec<Known>) -> Result<Strays, Unreadable> {
        self.restore_parts(&saved.field::<Saved>("parts")?)?;
        self.table = Table::restore_seats(&saved.field::<Saved>("table")?)?;
        let mut known: BTreeMap<ModuleId, Known> =
            known.into_iter().map(|one| (one.found.spec.id.clone(), one)).collect();
        let modules: Vec<Saved> = saved.field("modules")?;
        let mut strays = Strays::default();
        for one in &modules {
            let id: ModuleId = one.field("id")?;
            let left = Left {
                slot: one.field("slot")?,
                has_successor: one.field("has_successor")?,
                state: one.field("state")?,
            };
            match known.remove(&id) {
                Some(known) => self.seat_again(left, known)?,
                None => self.leave_behind(&left, &mut strays)?,
            }
        }
        Ok(strays)
    }

    fn seat_again(&mut self, left: Left, known: Known) -> Result<(), Unreadable> {
        let Known { found, successor } = known;
        // What its files say now is then what its next life is.
        let follows = || (found.spec.clone(), found.refused.clone());
        let successor = successor.or_else(|| left.has_successor.then(follows));
        let mut module = Module::new(found, false, self.now);
        module.restore_parts(&left.state)?;
        module.successor = successor;
        self.table.seat_again(left.slot, module)
    }

    fn leave_behind(&mut self, left: &Left, strays: &mut Strays) -> Result<(), Unreadable> {
        use crate::module::Phase;
        let slot = left.slot;
        if let Phase::Running(generation, _) | Phase::Ending { generation, .. } = left.state.field("phase")? {
            strays.0.push((slot, generation));
        }
        self.directory.retain(|_, offering| *offering != slot);
        self.topics.leave(slot);
        self.watches.leave(slot);
        self.due.retain(|(_, _, due)| *due != slot);
        self.table.leave_empty(slot);
        Ok(())
    }

    /// The operators' requests that wait or follow something.
    pub(crate) fn requests(&self) -> BTreeSet<RequestId> {
        let ending = self.shutdown.iter().flat_map(|shutdown| shutdown.requests.iter().copied());
        self.waiters.requests().chain(self.topics.requests()).chain(ending).collect()
    }
}

#[cfg(test)]
mod tests;
