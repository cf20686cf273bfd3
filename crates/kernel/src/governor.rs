//! The governor: who uses more than it may is held tighter, step by step, and let go step by step when it no longer does.
//!
//! Readings come in as [`Measured`], about once a second; for each life the load nearest to or furthest past a bound is
//! what its [`Ladder`] looks at. Loads are of two kinds: a module's own use against its own bounds, and, where a whole
//! pool is at its cap, the use of the heaviest in it against an equal share of that cap.
//!
//! # What holds
//! - Nobody is held on account of another's load: without a bound of its own that it is past, only who uses more than
//!   its equal share of a pool that is at its cap is a culprit, and of one pool only the heaviest at a time. It is held to
//!   that share, and not to less.
//! - When the machine itself is strained, sandbox gives way before stable does, and stable before system: a later zone
//!   is looked at only when no earlier one has a culprit. The strain of the machine never touches a zone whose modules
//!   keep within their shares.
//! - Each step, up or down, is journaled with the reading that led to it before it is taken.
//! - System modules are never frozen and never killed by the governor.

use alloc::format;
use alloc::vec::Vec;

use abi::{Generation, Reason, Slot, Zone};

use crate::machine::Kernel;
use crate::module::{Module, Phase, Then};
use crate::spec::Watchdog;
use crate::{Effect, Note};

mod amount;
mod bucket;
mod ladder;

use amount::Load;
pub use amount::{Amounts, Bounds, Resource};
pub use bucket::TokenBucket;
pub(crate) use ladder::Ladder;
use ladder::Move;
pub use ladder::Step;

/// 600: somebody waited for a processor or for memory in six tenths of the last seconds; the machine is strained.
const STRAINED_PERMILLE: u64 = 600;

/// 300: it is not any more.
const RELIEVED_PERMILLE: u64 = 300;

/// 500: half of the machine is what all of sandbox may use while the machine is strained.
const SANDBOX_STRAINED_PERMILLE: u64 = 500;

/// 900: nine tenths of the machine are what all of stable may use while the machine is strained; the rest is for the kernel.
const STABLE_STRAINED_PERMILLE: u64 = 900;

/// 950: a pool counts as full from nineteen twentieths of its cap on. Where the system itself enforces the cap, no reading
/// is ever past it, and all of the pool suffer from whoever has filled it.
const CROWDED_PERMILLE: u64 = 950;

/// 1,100: who uses more than its equal share of a full pool by a tenth is to blame for that. Quotas are kept to some
/// hundredths only, so whoever is held to its share must not be blamed again.
const BLAMED_PERMILLE: u64 = 1100;

/// 100: as much of a contended processor as any other pool.
const SHARE_PLAIN: u64 = 100;

/// 20: a fifth of that is what sandbox gets while others want the processor too.
const SHARE_SANDBOX: u64 = 20;

/// 250: a quarter of a processor is what a throttled module without a bound of its own gets.
const THROTTLED_CPU_PERMILLE: u64 = 250;

/// 1,000 a second: how fast a slowed module without a bound of its own is heard.
const SLOWED_MESSAGES_PER_S: u64 = 1000;

/// What one life used since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whose seat.
    pub slot: Slot,
    /// Which life.
    pub generation: Generation,
    /// How much.
    pub used: Amounts,
}

/// One look at the machine and at what modules use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// One row for each life that was looked at.
    pub rows: Vec<Reading>,
    /// For how many thousandths of the last seconds somebody waited for a processor or for memory; 0 where the system does not
    /// say.
    pub strain_permille: u64,
    /// Processors of the machine.
    pub cores: u64,
}

/// How tight the host holds a life: all of it, so that a grip is safe to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grip {
    /// The step.
    pub step: Step,
    /// How many frames a second are taken from it; all, if none.
    pub messages_per_s: Option<u64>,
    /// How much of a processor it gets, in thousandths; its own bound or all, if none.
    pub cpu_permille: Option<u64>,
}

/// What a zone's pool gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// How much of a contended processor all of the zone's modules get, against other pools: from 1 to 10,000, where 100 is as
    /// much as any other.
    pub share: u64,
    /// All of the zone's modules together.
    pub cap: Bounds,
    /// Each of its modules, unless it has bounds of its own.
    pub each: Bounds,
}

impl Default for Pool {
    fn default() -> Self {
        Self { share: SHARE_PLAIN, cap: Bounds::default(), each: Bounds::default() }
    }
}

/// 10,000 frames a second: far more than a program that works sends by itself, and a hundredth of the kernel's time.
const SANDBOX_MESSAGES_PER_S: u64 = 10_000;

/// 5,000 calls a second of one sandboxed module.
const SANDBOX_CALLS_PER_S: u64 = 5_000;

/// 256 processes and threads of one sandboxed module: any runtime starts within that, no fork bomb does.
const SANDBOX_PROCESSES: u64 = 256;

/// 128 births a second of one sandboxed module: half of what it may have at all, each second anew. What a fork bomb asks for
/// and is refused counts too, and is thousands.
const SANDBOX_BIRTHS_PER_S: u64 = 128;

/// The pools of all zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pools {
    /// Of [`Zone::Sandbox`].
    pub sandbox: Pool,
    /// Of [`Zone::Stable`].
    pub stable: Pool,
    /// Of [`Zone::System`].
    pub system: Pool,
}

impl Pools {
    /// The pool of a zone.
    pub fn of(&self, zone: Zone) -> Pool {
        match zone {
            Zone::Sandbox => self.sandbox,
            Zone::Stable => self.stable,
            Zone::System => self.system,
        }
    }
}

impl Default for Pools {
    fn default() -> Self {
        let each = Bounds::default()
            .with(Resource::Messages, Some(SANDBOX_MESSAGES_PER_S))
            .with(Resource::Calls, Some(SANDBOX_CALLS_PER_S))
            .with(Resource::Processes, Some(SANDBOX_PROCESSES))
            .with(Resource::Births, Some(SANDBOX_BIRTHS_PER_S));
        Self {
            sandbox: Pool { share: SHARE_SANDBOX, cap: Bounds::default(), each },
            stable: Pool::default(),
            system: Pool::default(),
        }
    }
}

/// Whether the machine as a whole has too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Strain {
    is_on: bool,
}

impl Strain {
    fn look(&mut self, permille: u64) {
        self.is_on = if self.is_on { permille >= RELIEVED_PERMILLE } else { permille >= STRAINED_PERMILLE };
    }
}

/// The one that has to give way for its pool.
#[derive(Debug, Clone, Copy)]
struct Culprit {
    slot: Slot,
    load: Load,
}

/// A module that is held for the sake of its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pooled {
    resource: Resource,
    /// Its equal share of the pool's cap when it was blamed.
    share: u64,
}

/// A pool with a cap.
#[derive(Debug, Clone, Copy)]
struct Crowd {
    zone: Zone,
    /// Of all its modules together.
    load: Load,
    culprit: Option<Culprit>,
}

impl Kernel {
    /// Whom the next look is to measure, by seat: who has a bound, is in a pool with a cap, or is held; and everybody, while
    /// the machine is strained.
    pub fn governed(&self, strain_permille: u64) -> Vec<(Slot, Generation)> {
        let everybody = self.strain.is_on || strain_permille >= STRAINED_PERMILLE;
        let wanted = |(slot, module): (Slot, &Module)| {
            let pool = self.settings.pools.of(module.zone());
            let is_bounded = !module.spec.bounds.is_empty() || !pool.each.is_empty() || !pool.cap.is_empty();
            let is_wanted = everybody || is_bounded || module.ladder.step() != Step::Free;
            module.generation().filter(|_| is_wanted).map(|generation| (slot, generation))
        };
        self.table.iter().filter_map(wanted).collect()
    }

    /// A look: every life that it has a row of is judged, and nobody else.
    pub(crate) fn handle_measured(&mut self, measured: &Measured) {
        self.strain.look(measured.strain_permille);
        let crowds = self.crowds(measured);
        for row in &measured.rows {
            let Some(module) = self.table.get(row.slot) else { continue };
            if !matches!(module.phase, Phase::Running(generation, _) if generation == row.generation) {
                continue;
            }
            let own = self.bounds_of(module).heaviest(row.used);
            let (load, pooled) = with_pool(module, own, &crowds, row.slot);
            let highest = self.highest_step(module.zone());
            let Some(module) = self.table.get_mut(row.slot) else { continue };
            let before = module.ladder.step();
            let made = module.ladder.look(load, highest);
            if let (Move::Up(_), Some(pooled)) = (made, pooled) {
                module.ladder.pooled = Some(pooled);
            }
            match made {
                Move::Stay => self.report_only(row.slot, load),
                Move::Up(step) => self.tighten(row.slot, row.generation, step, load),
                Move::Down(step) => self.loosen(row.slot, row.generation, (before, step), load),
            }
        }
    }

    /// What a module may use: its own bounds, and where it has none those that its pool gives each.
    pub(crate) fn bounds_of(&self, module: &Module) -> Bounds {
        module.spec.bounds.over(self.settings.pools.of(module.zone()).each)
    }

    fn highest_step(&self, zone: Zone) -> Step {
        match (self.settings.watchdog, zone) {
            (Watchdog::Passive, _) => Step::Free,
            (Watchdog::Active | Watchdog::Strict, Zone::System) => Step::Throttled,
            (Watchdog::Active | Watchdog::Strict, Zone::Sandbox | Zone::Stable) => Step::Killed,
        }
    }

    /// Pools with a cap, each with the one that has to give way, if any; only the first zone that has one keeps it.
    fn crowds(&self, measured: &Measured) -> Vec<Crowd> {
        let mut crowds = Vec::new();
        let mut found = false;
        for zone in Zone::ALL {
            let mut found_here = false;
            for resource in Resource::ALL {
                let Some(cap) = self.cap(zone, resource, measured.cores) else { continue };
                let mut crowd = self.crowd(zone, resource, cap, measured);
                if found {
                    crowd.culprit = None;
                }
                found_here |= crowd.culprit.is_some();
                crowds.push(crowd);
            }
            found |= found_here;
        }
        crowds
    }

    fn cap(&self, zone: Zone, resource: Resource, cores: u64) -> Option<u64> {
        let set = self.settings.pools.of(zone).cap.of(resource);
        let share = match zone {
            Zone::Sandbox => SANDBOX_STRAINED_PERMILLE,
            Zone::Stable => STABLE_STRAINED_PERMILLE,
            Zone::System => return set,
        };
        let strained = (self.strain.is_on && resource == Resource::Cpu).then(|| cores * share);
        set.into_iter().chain(strained).min()
    }

    fn crowd(&self, zone: Zone, resource: Resource, cap: u64, measured: &Measured) -> Crowd {
        let members = measured.rows.iter().filter(|row| {
            let module = self.table.get(row.slot);
            module.is_some_and(|module| module.zone() == zone && module.generation() == Some(row.generation))
        });
        let (mut sum, mut count) = (0_u64, 0_u64);
        let mut heaviest: Option<(u64, Slot)> = None;
        for row in members {
            let used = row.used.of(resource);
            (sum, count) = (sum.saturating_add(used), count + 1);
            if heaviest.is_none_or(|(most, _)| used > most) {
                heaviest = Some((used, row.slot));
            }
        }
        let load = Load::new(resource, sum, cap);
        let share = cap / count.max(1);
        let blamed = heaviest.map(|(used, slot)| Culprit { slot, load: Load::new(resource, used, share) });
        let is_full = load.permille >= CROWDED_PERMILLE;
        let culprit = blamed.filter(|one| is_full && one.load.permille > BLAMED_PERMILLE);
        Crowd { zone, load, culprit }
    }

    /// A passive watchdog says once that somebody is past a bound, and again when it was within it in between.
    fn report_only(&mut self, slot: Slot, load: Option<Load>) {
        if self.settings.watchdog != Watchdog::Passive {
            return;
        }
        let is_over = load.is_some_and(|load| load.permille > 1000);
        let Some(module) = self.table.get_mut(slot) else { return };
        let was_over = core::mem::replace(&mut module.is_over_reported, is_over);
        if let Some(load) = load.filter(|_| is_over && !was_over) {
            self.record(with_load(self.record_of(slot, "governor.reported"), load));
            self.trouble(slot, "it used more than its bound");
        }
    }

    fn tighten(&mut self, slot: Slot, generation: Generation, step: Step, load: Option<Load>) {
        let record = self.record_of(slot, step.code());
        self.record(match load {
            Some(load) => with_load(record, load),
            None => record,
        });
        self.trouble(slot, "it used more than its bound");
        if step == Step::Killed {
            return self.end_overloaded(slot, load);
        }
        self.hold_life(slot, generation, step);
    }

    fn loosen(&mut self, slot: Slot, generation: Generation, steps: (Step, Step), load: Option<Load>) {
        let (from, to) = steps;
        let record = self.record_of(slot, Step::Free.code()).text("from", from.as_str());
        let record = record.text("to", to.as_str());
        self.record(match load {
            Some(load) => with_load(record, load),
            None => record,
        });
        self.hold_life(slot, generation, to);
    }

    /// How tight each life that is held at all is held.
    pub fn grips(&self) -> Vec<(Slot, Generation, Grip)> {
        let held = |(slot, module): (Slot, &Module)| {
            let step = module.ladder.step();
            let generation = module.generation().filter(|_| step != Step::Free)?;
            Some((slot, generation, self.grip_of(module, step)))
        };
        self.table.iter().filter_map(held).collect()
    }

    fn grip_of(&self, module: &Module, step: Step) -> Grip {
        let bounds = self.bounds_of(module);
        let shared = |resource| {
            module.ladder.pooled.filter(|pooled| pooled.resource == resource).map(|pooled| pooled.share)
        };
        // In a pool that is full it keeps what is as much its own as anybody's there, within its own bound.
        let messages = shared(Resource::Messages).map_or(SLOWED_MESSAGES_PER_S, |share| share.max(1));
        let messages =
            bounds.of(Resource::Messages).map_or(messages, |own| match shared(Resource::Messages) {
                Some(_) => own.min(messages),
                None => own,
            });
        let cpu = shared(Resource::Cpu).unwrap_or(THROTTLED_CPU_PERMILLE);
        let cpu = bounds.of(Resource::Cpu).unwrap_or(u64::MAX).min(cpu);
        Grip {
            step,
            messages_per_s: (step >= Step::Slowed).then_some(messages),
            cpu_permille: (step >= Step::Throttled).then_some(cpu),
        }
    }

    fn hold_life(&mut self, slot: Slot, generation: Generation, step: Step) {
        let Some(module) = self.table.get(slot) else { return };
        let grip = self.grip_of(module, step);
        self.push(Effect::Grip(slot, generation, grip));
        let note = if step >= Step::Shedding { Note::Shedding } else { Note::Relieved };
        self.push(Effect::Note(slot, generation, note));
    }

    /// Nothing milder helped. It is ended at once and started again as after a crash; under a strict watchdog it stays
    /// down until an operator has looked.
    fn end_overloaded(&mut self, slot: Slot, load: Option<Load>) {
        let what = load.map_or("too much", |load| load.resource.as_str());
        self.note(slot, format!("used more than its bound ({what}), and nothing milder helped"));
        let strict = self.settings.watchdog == Watchdog::Strict;
        if strict {
            self.quarantine(slot, "it used too much, and nothing milder helped");
        }
        self.end(slot, Reason::Overload, if strict { Then::Stay } else { Then::Retry }, 0);
    }

    /// A life that is to end is held no longer.
    pub(crate) fn let_go(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if core::mem::take(&mut module.ladder).step() != Step::Free {
            self.push(Effect::Grip(slot, generation, Grip::default()));
        }
    }
}

/// What a module's ladder looks at: its own load, or that of its pool when it is the one to give way; and while it is
/// held for the sake of its pool, the pool's load, so that it is let go when that is gone.
fn with_pool(
    module: &Module,
    own: Option<Load>,
    crowds: &[Crowd],
    slot: Slot,
) -> (Option<Load>, Option<Pooled>) {
    let mut worst = (own, None);
    let heavier = |load: Load, than: Option<Load>| than.is_none_or(|than| load.permille > than.permille);
    for crowd in crowds.iter().filter(|crowd| crowd.zone == module.zone()) {
        let resource = crowd.load.resource;
        match crowd.culprit {
            Some(culprit) if culprit.slot == slot && heavier(culprit.load, worst.0) => {
                worst = (Some(culprit.load), Some(Pooled { resource, share: culprit.load.bound }));
            }
            // Still full, though by others now: it stays where it is.
            _ if module.ladder.pooled.is_some_and(|pooled| pooled.resource == resource) => {
                let held = Load { permille: crowd.load.permille.min(1000), ..crowd.load };
                if heavier(held, worst.0) {
                    worst = (Some(held), None);
                }
            }
            _ => {}
        }
    }
    worst
}

fn with_load(record: abi::Record, load: Load) -> abi::Record {
    record
        .text("resource", load.resource.as_str())
        .number("used", load.used)
        .number("bound", load.bound)
        .number("load_permille", load.permille)
}

crate::saved::keep_fields!(Strain { is_on });
crate::saved::keep_fields!(Pooled { resource, share });

#[cfg(test)]
mod tests;
