//! Slots: which version of each module is active, which one it falls back to, and which one is on its way.
//!
//! ```text
//! Stage ──▶ Staged ──▶ Verified ──Try: the flip──▶ Tried ──▶ Committed
//!              │            │                        │
//!              └────────────┴──────────RollBack──────┴──────▶ RolledBack
//! ```
//! - *Staged*: the files are in the depot. *Verified*: read back, vouched for, tried in isolation. *Tried*: the new
//!   versions of all modules of the transaction are the active ones, on probation, the old ones their fallback.
//! - One [`Slots`] value holds all modules and all transactions. Each step gives the next value, which is written whole
//!   before anything is done about it; so whoever reads it after a crash finds the state before a step or after it, for
//!   all modules of a transaction at once.
//! - Committed and rolled back transactions leave a line in a short history, with what was said for or against them.

use std::collections::BTreeMap;

use abi::limits::MODULES_MAX;
use abi::{Explain, ModuleId, Wall};
use semver::Version;

use crate::tree::FileRef;

mod wire;

pub use wire::SlotsUnreadable;

/// 64 transactions on their way at once.
const OPEN_MAX: usize = 64;

/// 64 transactions that ended are remembered here; the journal remembers all.
const HISTORY_MAX: usize = 64;

/// 256 pins: versions that a person wants to keep.
const PINS_MAX: usize = 256;

/// 2,000 characters of evidence: a few sentences, not a log.
const EVIDENCE_CHARS_MAX: usize = 2000;

/// A transaction's number; unique in a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub u64);

/// A version in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupant {
    /// Which one.
    pub version: Version,
    /// Where the depot keeps the list of its files.
    pub release: FileRef,
}

/// The slots of one module. The one for the next version is its open transaction's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSlots {
    /// The version that runs, or is started next.
    pub active: Occupant,
    /// The one before it.
    pub fallback: Option<Occupant>,
}

/// How far an open transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Its files are in the depot.
    Staged,
    /// They are what they should be, and vouched for.
    Verified,
    /// Its versions are the active ones, on probation.
    Tried,
}

/// What a transaction does with one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The new version.
    pub to: Occupant,
    /// The module's slots before; nothing for a module that is new.
    pub before: Option<ModuleSlots>,
}

/// Several modules that become new together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// How far it is.
    pub phase: Phase,
    /// Since when.
    pub since: Wall,
    /// What spoke for the last step.
    pub evidence: String,
    /// By module; at least one.
    pub changes: BTreeMap<ModuleId, Change>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its versions stay.
    Committed,
    /// The versions before it are active again, or still.
    RolledBack,
}

/// A transaction that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its number.
    pub id: TransactionId,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Wall,
    /// Why.
    pub evidence: String,
    /// The versions it brought, or would have brought.
    pub versions: BTreeMap<ModuleId, Version>,
}

/// All slots and transactions of a home.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    modules: BTreeMap<ModuleId, ModuleSlots>,
    open: BTreeMap<TransactionId, Transaction>,
    /// The oldest first.
    history: Vec<Ended>,
    /// Names of what is kept whether a slot holds it or not.
    pins: BTreeMap<String, FileRef>,
    next_id: u64,
}

/// What can be done with slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Takes a module that runs already into the slots, as it is.
    Adopt(ModuleId, Occupant),
    /// Opens a transaction; its number is [`Slots::next_id`].
    Stage(BTreeMap<ModuleId, Occupant>),
    /// The staged files are what they should be; the text says who vouched and what was tried.
    Verify(TransactionId, String),
    /// All its versions become the active ones.
    Try(TransactionId),
    /// Probation ended well; the text says what was measured.
    Commit(TransactionId, String),
    /// Undoes it, whatever its phase; the text says why.
    RollBack(TransactionId, String),
    /// Takes a module out of the slots.
    Forget(ModuleId),
    /// Keeps a release under a name.
    Pin(String, FileRef),
    /// Keeps it no longer.
    Unpin(String),
}

/// A step that can't be done with these slots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotsError {
    /// There is no such transaction on its way.
    #[error("no transaction {} is on its way", .0.0)]
    NoTransaction(TransactionId),
    /// The transaction is not in the phase from which this step leads.
    #[error("transaction {} is {phase:?}, which is no state for this step", id.0)]
    Phase {
        /// Which one.
        id: TransactionId,
        /// Where it is.
        phase: Phase,
    },
    /// A module is in another transaction already.
    #[error("module `{module}` is in transaction {} already", id.0)]
    Busy {
        /// The module.
        module: ModuleId,
        /// The transaction.
        id: TransactionId,
    },
    /// A transaction without modules.
    #[error("a transaction changes at least one module")]
    Nothing,
    /// A module that has no slots.
    #[error("module `{0}` has no slots")]
    NoModule(ModuleId),
    /// A module that has slots.
    #[error("module `{0}` has slots already")]
    Known(ModuleId),
    /// Nothing is pinned under this name.
    #[error("nothing is pinned under this name")]
    NoPin,
    /// Nothing was said for a step that needs a reason.
    #[error("transaction {} needs a reason for this step", .0.0)]
    NoEvidence(TransactionId),
    /// More of something than there may be.
    #[error("there are {limit} {unit} already")]
    Limit {
        /// The limit.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
}

impl Explain for SlotsError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoTransaction(_) => "update::slots::no_transaction",
            Self::Phase { .. } => "update::slots::phase",
            Self::Busy { .. } => "update::slots::busy",
            Self::Nothing => "update::slots::nothing",
            Self::NoModule(_) => "update::slots::no_module",
            Self::Known(_) => "update::slots::known",
            Self::NoPin => "update::slots::no_pin",
            Self::NoEvidence(_) => "update::slots::no_evidence",
            Self::Limit { .. } => "update::slots::limit",
        }
    }
}

impl Slots {
    /// The slots of a module.
    pub fn module(&self, module: &ModuleId) -> Option<&ModuleSlots> {
        self.modules.get(module)
    }

    /// All modules with slots.
    pub fn modules(&self) -> &BTreeMap<ModuleId, ModuleSlots> {
        &self.modules
    }

    /// The version of a module that is staged and not yet active.
    pub fn next_stable(&self, module: &ModuleId) -> Option<&Occupant> {
        let waiting = self.open.values().filter(|transaction| transaction.phase < Phase::Tried);
        waiting.filter_map(|transaction| transaction.changes.get(module)).map(|change| &change.to).next()
    }

    /// Transactions on their way.
    pub fn open(&self) -> &BTreeMap<TransactionId, Transaction> {
        &self.open
    }

    /// Transactions that ended, the oldest first.
    pub fn history(&self) -> &[Ended] {
        &self.history
    }

    /// What is pinned.
    pub fn pins(&self) -> &BTreeMap<String, FileRef> {
        &self.pins
    }

    /// The number of the next transaction.
    pub fn next_id(&self) -> TransactionId {
        TransactionId(self.next_id)
    }

    /// Every release that a slot, a transaction (also for its way back) or a pin needs: what a cleaning keeps.
    pub fn kept(&self) -> Vec<FileRef> {
        let mut kept: Vec<FileRef> = self.modules.values().flat_map(ModuleSlots::releases).collect();
        for change in self.open.values().flat_map(|transaction| transaction.changes.values()) {
            kept.push(change.to.release);
            kept.extend(change.before.iter().flat_map(ModuleSlots::releases));
        }
        kept.extend(self.pins.values());
        kept.sort();
        kept.dedup();
        kept
    }

    /// The slots after a step; these stay as they are.
    ///
    /// # Errors
    /// `SlotsError` when the step can't be done from here.
    pub fn after(&self, step: Step, now: Wall) -> Result<Self, SlotsError> {
        let mut next = self.clone();
        match step {
            Step::Adopt(module, active) => next.adopt(module, active)?,
            Step::Stage(versions) => next.stage(versions, now)?,
            Step::Verify(id, evidence) => {
                let transaction = next.transaction(id, Phase::Staged)?;
                transaction.evidence = given(id, evidence)?;
                (transaction.phase, transaction.since) = (Phase::Verified, now);
            }
            Step::Try(id) => next.flip(id, now)?,
            Step::Commit(id, evidence) => {
                next.transaction(id, Phase::Tried)?;
                next.end(id, Outcome::Committed, given(id, evidence)?, now);
            }
            Step::RollBack(id, evidence) => next.roll_back(id, given(id, evidence)?, now)?,
            Step::Forget(module) => next.forget(&module)?,
            Step::Pin(name, release) => next.pin(name, release)?,
            Step::Unpin(name) => drop(next.pins.remove(&name).ok_or(SlotsError::NoPin)?),
        }
        Ok(next)
    }

    fn adopt(&mut self, module: ModuleId, active: Occupant) -> Result<(), SlotsError> {
        if self.modules.contains_key(&module) {
            return Err(SlotsError::Known(module));
        }
        self.see_that_idle(&module)?;
        if self.modules.len() >= MODULES_MAX {
            return Err(SlotsError::Limit { limit: MODULES_MAX, unit: "modules with slots" });
        }
        self.modules.insert(module, ModuleSlots { active, fallback: None });
        Ok(())
    }

    fn stage(&mut self, versions: BTreeMap<ModuleId, Occupant>, now: Wall) -> Result<(), SlotsError> {
        if versions.is_empty() {
            return Err(SlotsError::Nothing);
        }
        if self.open.len() >= OPEN_MAX {
            return Err(SlotsError::Limit { limit: OPEN_MAX, unit: "transactions on their way" });
        }
        if self.modules.len() + versions.len() > MODULES_MAX {
            return Err(SlotsError::Limit { limit: MODULES_MAX, unit: "modules with slots" });
        }
        let mut changes = BTreeMap::new();
        for (module, to) in versions {
            self.see_that_idle(&module)?;
            let before = self.modules.get(&module).cloned();
            changes.insert(module, Change { to, before });
        }
        let transaction = Transaction { phase: Phase::Staged, since: now, evidence: String::new(), changes };
        self.open.insert(self.next_id(), transaction);
        // A home would have to stage 2^64 times for this to be the same again.
        self.next_id = self.next_id.saturating_add(1);
        Ok(())
    }

    /// All modules of a transaction at once: the new version active, the old one its fallback.
    fn flip(&mut self, id: TransactionId, now: Wall) -> Result<(), SlotsError> {
        let transaction = self.transaction(id, Phase::Verified)?;
        (transaction.phase, transaction.since) = (Phase::Tried, now);
        for (module, change) in transaction.changes.clone() {
            let fallback = change.before.map(|before| before.active);
            self.modules.insert(module, ModuleSlots { active: change.to, fallback });
        }
        Ok(())
    }

    fn roll_back(&mut self, id: TransactionId, evidence: String, now: Wall) -> Result<(), SlotsError> {
        let transaction = self.open.get(&id).ok_or(SlotsError::NoTransaction(id))?;
        if transaction.phase == Phase::Tried {
            for (module, change) in transaction.changes.clone() {
                match change.before {
                    Some(before) => self.modules.insert(module, before),
                    None => self.modules.remove(&module),
                };
            }
        }
        self.end(id, Outcome::RolledBack, evidence, now);
        Ok(())
    }

    fn end(&mut self, id: TransactionId, outcome: Outcome, evidence: String, at: Wall) {
        let Some(transaction) = self.open.remove(&id) else { return };
        let versions = transaction.changes.into_iter().map(|(module, change)| (module, change.to.version));
        self.history.push(Ended { id, outcome, at, evidence, versions: versions.collect() });
        let spare = self.history.len().saturating_sub(HISTORY_MAX);
        self.history.drain(..spare);
    }

    fn forget(&mut self, module: &ModuleId) -> Result<(), SlotsError> {
        self.see_that_idle(module)?;
        self.modules.remove(module).map(drop).ok_or_else(|| SlotsError::NoModule(module.clone()))
    }

    fn pin(&mut self, name: String, release: FileRef) -> Result<(), SlotsError> {
        if self.pins.len() >= PINS_MAX && !self.pins.contains_key(&name) {
            return Err(SlotsError::Limit { limit: PINS_MAX, unit: "pins" });
        }
        self.pins.insert(name, release);
        Ok(())
    }

    fn transaction(&mut self, id: TransactionId, phase: Phase) -> Result<&mut Transaction, SlotsError> {
        let transaction = self.open.get_mut(&id).ok_or(SlotsError::NoTransaction(id))?;
        if transaction.phase == phase {
            Ok(transaction)
        } else {
            Err(SlotsError::Phase { id, phase: transaction.phase })
        }
    }

    /// A module is in one transaction at a time: two could not both know what to go back to.
    fn see_that_idle(&self, module: &ModuleId) -> Result<(), SlotsError> {
        match self.open.iter().find(|(_, transaction)| transaction.changes.contains_key(module)) {
            Some((id, _)) => Err(SlotsError::Busy { module: module.clone(), id: *id }),
            None => Ok(()),
        }
    }

    /// What must hold of any slots, also of those that are read.
    fn is_sound(&self) -> bool {
        let mut busy = std::collections::BTreeSet::new();
        let alone = self.open.values().flat_map(|open| open.changes.keys()).all(|module| busy.insert(module));
        let numbered = self.open.keys().chain(self.history.iter().map(|ended| &ended.id));
        let within = self.modules.len() <= MODULES_MAX
            && self.open.len() <= OPEN_MAX
            && self.history.len() <= HISTORY_MAX
            && self.pins.len() <= PINS_MAX;
        alone
            && within
            && numbered.into_iter().all(|id| id.0 < self.next_id)
            && self.open.values().all(|transaction| self.fits(transaction))
    }

    /// Whether the slots are as the phase of a transaction says.
    fn fits(&self, transaction: &Transaction) -> bool {
        !transaction.changes.is_empty()
            && transaction.changes.iter().all(|(module, change)| {
                let now = self.modules.get(module);
                match transaction.phase {
                    Phase::Staged | Phase::Verified => now == change.before.as_ref(),
                    Phase::Tried => now.is_some_and(|now| {
                        now.active == change.to
                            && now.fallback.as_ref() == change.before.as_ref().map(|before| &before.active)
                    }),
                }
            })
    }
}

impl ModuleSlots {
    fn releases(&self) -> impl Iterator<Item = FileRef> + use<> {
        let fallback = self.fallback.as_ref().map(|occupant| occupant.release);
        std::iter::once(self.active.release).chain(fallback)
    }
}

/// A reason, cut to its limit; an empty one is none.
fn given(id: TransactionId, evidence: String) -> Result<String, SlotsError> {
    if evidence.trim().is_empty() {
        return Err(SlotsError::NoEvidence(id));
    }
    match evidence.char_indices().nth(EVIDENCE_CHARS_MAX) {
        Some((at, _)) => Ok(evidence[..at].to_owned()),
        None => Ok(evidence),
    }
}

#[cfg(test)]
mod tests;
