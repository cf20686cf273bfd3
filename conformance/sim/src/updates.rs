//! Random updates of many modules at once: versions are stored, staged in transactions, verified, tried, committed and
//! rolled back, pinned and cleaned away, and the kernel falls before or after any of it is on the disk.
//!
//! # What must hold
//! - Each module has exactly one active version: that of a naive model, which knows nothing but what was done in order.
//! - The modules of a transaction change together or not at all, whenever the kernel falls.
//! - No version is committed that was not verified and tried before, or for which nothing was said.
//! - What is active, or may be gone back to, was never cleaned away.

use std::collections::{BTreeMap, BTreeSet};

use abi::{ModuleId, Wall};
use update::{ChunkId, FileRef, Occupant, Outcome, Phase, Slots, Step, TransactionId};

use crate::random::Random;

/// 6 modules: several transactions beside each other, each of several modules.
const MODULES: u64 = 6;

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Updates {
    /// Transactions that were committed.
    pub committed: u64,
    /// Transactions that were rolled back.
    pub rolled_back: u64,
    /// Falls of the kernel.
    pub falls: u64,
    /// Steps that were refused.
    pub refused: u64,
    /// Releases that were cleaned away.
    pub cleaned: u64,
}

/// A transaction as the model has it.
#[derive(Debug, Clone)]
struct Planned {
    /// By module: the version to come, and the one before.
    changes: BTreeMap<ModuleId, (u64, Option<u64>)>,
    phase: Phase,
}

#[derive(Debug)]
struct World {
    random: Random,
    now: Wall,
    /// The file of slots.
    disk: Vec<u8>,
    /// What the kernel has in memory.
    slots: Slots,
    /// Versions whose releases are stored.
    stored: BTreeSet<u64>,
    active: BTreeMap<ModuleId, u64>,
    open: BTreeMap<TransactionId, Planned>,
    committed: BTreeSet<TransactionId>,
    next_version: u64,
    told: Updates,
}

/// Lives through so many steps.
///
/// # Errors
/// The rule that was broken.
pub fn updates(seed: u64, steps: u64) -> Result<Updates, String> {
    let slots = Slots::default();
    let mut world = World {
        random: Random::new(seed),
        now: Wall(1),
        disk: slots.to_file(),
        slots,
        stored: BTreeSet::new(),
        active: BTreeMap::new(),
        open: BTreeMap::new(),
        committed: BTreeSet::new(),
        next_version: 1,
        told: Updates::default(),
    };
    for _ in 0..steps {
        world.step()?;
        world.check()?;
    }
    Ok(world.told)
}

fn module(number: u64) -> ModuleId {
    ModuleId::parse(&format!("m{number}")).expect("a slug")
}

fn occupant(number: u64) -> Occupant {
    let release = FileRef { root: ChunkId::of(&number.to_le_bytes()), depth: 0, bytes: number };
    Occupant { version: semver::Version::new(number, 0, 0), release }
}

impl World {
    fn step(&mut self) -> Result<(), String> {
        self.now = Wall(self.now.0 + self.random.between(1, 1000));
        match self.random.below(20) {
            0 => self.clean(),
            1 => {
                self.fall();
                Ok(())
            }
            2 => {
                let name = format!("p{}", self.random.below(3));
                let version = self.active.values().next().copied().unwrap_or_default();
                let pin = Step::Pin(name.clone(), occupant(version).release);
                let step = if self.random.happens(50) { Step::Unpin(name) } else { pin };
                // A pin of what is not stored keeps nothing.
                if version > 0 { self.act(step) } else { Ok(()) }
            }
            3..9 => self.stage(),
            _ => self.go_on(),
        }
    }

    fn version(&mut self) -> u64 {
        self.next_version += 1;
        self.stored.insert(self.next_version);
        self.next_version
    }

    fn stage(&mut self) -> Result<(), String> {
        let first = module(self.random.below(MODULES));
        if !self.active.contains_key(&first) && self.random.happens(50) {
            let version = self.version();
            return self.act(Step::Adopt(first, occupant(version)));
        }
        if self.random.happens(5) {
            return self.act(Step::Forget(first));
        }
        let count = self.random.between(1, 3);
        let modules: BTreeSet<ModuleId> =
            (0..count).map(|_| module(self.random.below(MODULES))).chain([first]).collect();
        let versions = modules.into_iter().map(|module| (module, occupant(self.version()))).collect();
        self.act(Step::Stage(versions))
    }

    /// Some transaction goes on, mostly by the step that is due.
    fn go_on(&mut self) -> Result<(), String> {
        let ids: Vec<TransactionId> = self.open.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = *self.random.pick(&ids);
        let why = if self.random.happens(5) { String::new() } else { "for a reason".to_owned() };
        let step = match self.random.below(12) {
            0..2 => Step::RollBack(id, why),
            2 => Step::Commit(id, why),
            3 => Step::Try(id),
            4 => Step::Verify(id, why),
            _ => match self.open[&id].phase {
                Phase::Staged => Step::Verify(id, why),
                Phase::Verified => Step::Try(id),
                Phase::Tried => Step::Commit(id, why),
            },
        };
        self.act(step)
    }

    /// Does a step as the kernel does: on the disk first. It may fall on either side of that.
    fn act(&mut self, step: Step) -> Result<(), String> {
        let is_due = self.is_due(&step);
        let next = match self.slots.after(step.clone(), self.now) {
            Ok(next) => next,
            Err(error) if is_due => return Err(format!("{step:?} is due, and refused: {error}")),
            Err(_) => {
                self.told.refused += 1;
                return Ok(());
            }
        };
        if !is_due {
            return Err(format!("{step:?} is not due, and done"));
        }
        if self.random.happens(3) {
            self.fall();
            return Ok(());
        }
        self.disk = next.to_file();
        self.follow(step);
        self.slots = next;
        if self.random.happens(3) {
            self.fall();
        }
        Ok(())
    }

    /// Whether the model lets a step be done.
    fn is_due(&self, step: &Step) -> bool {
        let is_idle = |module: &ModuleId| self.open.values().all(|open| !open.changes.contains_key(module));
        let phase = |id: &TransactionId| self.open.get(id).map(|open| open.phase);
        match step {
            Step::Adopt(module, _) => !self.active.contains_key(module) && is_idle(module),
            Step::Stage(versions) => versions.keys().all(is_idle),
            Step::Verify(id, why) => phase(id) == Some(Phase::Staged) && !why.is_empty(),
            Step::Try(id) => phase(id) == Some(Phase::Verified),
            Step::Commit(id, why) => phase(id) == Some(Phase::Tried) && !why.is_empty(),
            Step::RollBack(id, why) => phase(id).is_some() && !why.is_empty(),
            Step::Forget(module) => self.active.contains_key(module) && is_idle(module),
            Step::Pin(..) => true,
            Step::Unpin(name) => self.slots.pins().contains_key(name),
        }
    }

    /// The same in the model.
    fn follow(&mut self, step: Step) {
        match step {
            Step::Adopt(module, occupant) => drop(self.active.insert(module, occupant.version.major)),
            Step::Stage(versions) => {
                let changes = versions.into_iter().map(|(module, to)| {
                    let before = self.active.get(&module).copied();
                    (module, (to.version.major, before))
                });
                let planned = Planned { changes: changes.collect(), phase: Phase::Staged };
                self.open.insert(self.slots.next_id(), planned);
            }
            Step::Verify(id, _) => self.reach(id, Phase::Verified),
            Step::Try(id) => {
                self.reach(id, Phase::Tried);
                for (module, (to, _)) in &self.open[&id].changes {
                    self.active.insert(module.clone(), *to);
                }
            }
            Step::Commit(id, _) => {
                self.open.remove(&id);
                self.committed.insert(id);
                self.told.committed += 1;
            }
            Step::RollBack(id, _) => {
                let Some(planned) = self.open.remove(&id) else { return };
                for (module, (_, before)) in planned.changes {
                    match before {
                        Some(before) => drop(self.active.insert(module, before)),
                        None => drop(self.active.remove(&module)),
                    }
                }
                self.told.rolled_back += 1;
            }
            Step::Forget(module) => drop(self.active.remove(&module)),
            Step::Pin(..) | Step::Unpin(_) => {}
        }
    }

    fn reach(&mut self, id: TransactionId, phase: Phase) {
        if let Some(planned) = self.open.get_mut(&id) {
            planned.phase = phase;
        }
    }

    /// Only what is on the disk is left.
    fn fall(&mut self) {
        self.told.falls += 1;
        self.slots = Slots::from_file(&self.disk).expect("a file is whole at every instant");
    }

    fn clean(&mut self) -> Result<(), String> {
        let kept: BTreeSet<u64> = self.slots.kept().iter().map(|release| release.bytes).collect();
        let before = self.stored.len();
        self.stored.retain(|version| kept.contains(version));
        self.told.cleaned += (before - self.stored.len()) as u64;
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let found = Slots::from_file(&self.disk).map_err(|error| format!("the file of slots: {error}"))?;
        let active: BTreeMap<ModuleId, u64> = found
            .modules()
            .iter()
            .map(|(module, slots)| (module.clone(), slots.active.version.major))
            .collect();
        if active != self.active {
            return Err(format!("active are {active:?}, and {:?} should be", self.active));
        }
        // The rows before it were looked at when they came.
        if let Some(ended) = found.history().last() {
            let is_committed = ended.outcome == Outcome::Committed;
            if is_committed != self.committed.contains(&ended.id) || ended.evidence.is_empty() {
                return Err(format!("{ended:?} is told, without a reason or otherwise than it was"));
            }
        }
        let before = self.open.values().filter(|open| open.phase == Phase::Tried);
        let before = before.flat_map(|open| open.changes.values().filter_map(|(_, before)| *before));
        let needed = self.active.values().copied().chain(before);
        let fallbacks = found.modules().values().filter_map(|slots| slots.fallback.as_ref());
        let mut needed = needed.chain(fallbacks.map(|fallback| fallback.version.major));
        match needed.find(|version| !self.stored.contains(version)) {
            Some(lost) => Err(format!("version {lost} is needed and was cleaned away")),
            None => Ok(()),
        }
    }
}
