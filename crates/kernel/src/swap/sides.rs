//! Lives beside the one that answers: those that did so before, kept warm or on their way out, and those that were to.

use super::{
    Address, After, Effect, ExitKind, Generation, Kernel, Module, News, Note, Outgoing, Permissions, Phase,
    Signal, Slot, Spec, String, Timer, Vec, format,
};
use crate::event::{Attempt, Outcome};
use core::time::Duration;

/// 5 s from SIGKILL until a life that is still not reaped is given up, as for those that answer.
const REAP_PATIENCE: Duration = Duration::from_secs(5);

/// What such a life is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It answers what it was asked before the flip.
    Retiring(After),
    /// It has answered everything and could take over again.
    Warm,
    /// It was told to end.
    Leaving,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) generation: Generation,
    /// What describes it.
    pub(super) spec: Spec,
    role: Role,
    pub(super) news: News,
    /// What was approved for it, if that is another thing now.
    pub(super) approved: Option<Permissions>,
}

impl Side {
    pub(super) fn new(generation: Generation, spec: Spec, role: Role) -> Self {
        Self { generation, spec, role, news: News::Nothing, approved: None }
    }

    /// Whether it could answer again at once.
    pub(super) fn is_warm(&self) -> bool {
        matches!(self.role, Role::Warm | Role::Retiring(After::Warm))
    }
}

impl Module {
    /// The life before this one, if it could answer again at once.
    pub(crate) fn warm(&self) -> Option<Generation> {
        self.sides.iter().find(|side| side.is_warm()).map(|side| side.generation)
    }

    /// Whether it has any life at all.
    pub(crate) fn has_life(&self) -> bool {
        self.generation().is_some() || self.swap.is_some() || !self.sides.is_empty()
    }
}

impl Kernel {
    fn side(&mut self, slot: Slot, generation: Generation) -> Option<&mut Side> {
        self.table.get_mut(slot)?.sides.iter_mut().find(|side| side.generation == generation)
    }

    /// A life that made room has answered everything, or its time for that is over.
    pub(crate) fn side_drained(&mut self, slot: Slot, generation: Generation) {
        let Some(side) = self.side(slot, generation) else { return };
        match side.role {
            Role::Retiring(After::Warm) => side.role = Role::Warm,
            Role::Retiring(After::End) => {
                let spec = side.spec.clone();
                let grace = spec.shutdown_grace.unwrap_or(self.settings.shutdown_grace);
                self.leave(slot, generation, spec, grace);
            }
            Role::Warm | Role::Leaving => {}
        }
    }

    /// A life beside the one that answers is to end: politely if it gets time for that.
    pub(super) fn leave(&mut self, slot: Slot, generation: Generation, spec: Spec, grace: Duration) {
        let now = self.now;
        let Some(module) = self.table.get_mut(slot) else { return };
        match module.sides.iter_mut().find(|side| side.generation == generation) {
            Some(side) if side.role == Role::Leaving => return,
            Some(side) => side.role = Role::Leaving,
            None => module.sides.push(Side::new(generation, spec, Role::Leaving)),
        }
        self.push(Effect::Note(slot, generation, Note::Ending));
        if grace.is_zero() {
            return self.kill_side(slot, generation);
        }
        self.push(Effect::Send(slot, generation, Outgoing::Shutdown));
        self.timers.set(now + grace, Timer::Grace(slot, generation));
    }

    pub(super) fn kill_side(&mut self, slot: Slot, generation: Generation) {
        self.push(Effect::Signal(slot, generation, Signal::Kill));
        self.timers.set(self.now + REAP_PATIENCE, Timer::Reap(slot, generation));
    }

    /// The time that a life beside had to end is over.
    pub(crate) fn side_grace_over(&mut self, slot: Slot, generation: Generation) {
        if self.side(slot, generation).is_some_and(|side| side.role == Role::Leaving) {
            self.kill_side(slot, generation);
        }
    }

    /// The operating system has not let a killed life go: nothing waits for it any longer.
    pub(crate) fn side_reap_overdue(&mut self, slot: Slot, generation: Generation) {
        if self.side(slot, generation).is_some() {
            self.record(self.record_of(slot, "module.unkillable"));
            self.side_ended(slot, generation);
        }
    }

    /// The process of a life beside the one that answers has ended.
    pub(crate) fn side_exited(&mut self, slot: Slot, generation: Generation, exit: ExitKind) {
        if self.swap_of(slot, generation).is_some() {
            self.abort_swap(slot, &format!("the new life left with {exit}"));
        }
        let Some(side) = self.side(slot, generation) else { return };
        if side.role != Role::Leaving {
            let record = self.record_of(slot, "swap.old_lost").number("old", generation.0);
            self.record(record.text("exit", format!("{exit}")));
        }
        self.side_ended(slot, generation);
    }

    /// A life beside is over: whoever still waits for it is told by its proxy.
    pub(crate) fn side_ended(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let before = module.sides.len();
        module.sides.retain(|side| side.generation != generation);
        if module.sides.len() < before {
            self.push(Effect::Note(slot, generation, Note::Gone));
        }
    }

    /// The module is to end: a swap of it is over, and so is every life beside.
    pub(crate) fn end_sides(&mut self, slot: Slot, why: &str) {
        self.abort_swap(slot, why);
        let Some(module) = self.table.get(slot) else { return };
        let sides: Vec<(Generation, Spec)> =
            module.sides.iter().map(|side| (side.generation, side.spec.clone())).collect();
        for (generation, spec) in sides {
            let grace = spec.shutdown_grace.unwrap_or(self.settings.shutdown_grace);
            self.leave(slot, generation, spec, grace);
        }
    }

    /// What is left beside a module is killed without waiting.
    pub(crate) fn kill_sides(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let sides: Vec<Generation> = module.sides.iter().map(|side| side.generation).collect();
        for generation in sides {
            self.kill_side(slot, generation);
        }
    }

    /// The module leaves: nobody would hear of their ends.
    pub(crate) fn forget_sides(&mut self, slot: Slot) {
        self.kill_sides(slot);
        let Some(module) = self.table.get(slot) else { return };
        let sides: Vec<Generation> = module.sides.iter().map(|side| side.generation).collect();
        for generation in sides {
            self.side_ended(slot, generation);
        }
    }

    /// A life beside tried what it may not, or broke its lane.
    pub(crate) fn side_tried(&mut self, slot: Slot, generation: Generation, attempt: Attempt) {
        match attempt {
            Attempt::Call { id, .. } if self.side(slot, generation).is_some() => {
                let outcome = Outcome::Error(String::from("forbidden"));
                self.push(Effect::Send(slot, generation, Outgoing::Answer { id, outcome }));
            }
            Attempt::BreakLane { fault } => {
                if self.swap_of(slot, generation).is_some() {
                    return self.abort_swap(slot, &format!("the new life broke its lane: {fault}"));
                }
                if let Some(side) = self.side(slot, generation) {
                    let spec = side.spec.clone();
                    self.leave(slot, generation, spec, Duration::ZERO);
                }
            }
            Attempt::Call { .. } | Attempt::Publish { .. } => {}
        }
    }

    /// An operator does not need the life before any more: it ends once it has answered everything.
    pub(crate) fn release_warm(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let Some(side) = module.sides.iter_mut().find(|side| side.is_warm()) else { return };
        let (generation, was_drained) = (side.generation, side.role == Role::Warm);
        side.role = Role::Retiring(After::End);
        module.company = Vec::new();
        self.record(self.record_of(slot, "swap.released").number("old", generation.0));
        if was_drained {
            self.side_drained(slot, generation);
        }
    }

    /// Whether the life before is what the files describe again, and answers now.
    pub(crate) fn fall_back_to(&mut self, slot: Slot, fingerprint: u64) -> bool {
        let Some(module) = self.table.get(slot) else { return false };
        let is_it = |side: &Side| side.is_warm() && side.spec.fingerprint == fingerprint;
        if !module.sides.iter().any(is_it) || !module.is_ready() {
            return false;
        }
        let company = self.dissolve_company(slot);
        self.abort_swap(slot, "it falls back to the life before");
        let is_back = self.make_room_for_warm(slot, "its files are the earlier ones again");
        self.fall_back_with(slot, company);
        is_back
    }

    /// The life that answers makes room for the one before.
    pub(super) fn make_room_for_warm(&mut self, slot: Slot, why: &str) -> bool {
        let Some(module) = self.table.get(slot) else { return false };
        let (present, spec) = (module.generation(), module.spec.clone());
        let Some(back) = self.fall_back(slot, why) else { return false };
        if let (Some(present), Some(module)) = (present, self.table.get_mut(slot)) {
            module.sides.push(Side::new(present, spec, Role::Retiring(After::End)));
            self.push(Effect::Note(slot, present, Note::Yield(Address { slot, generation: back })));
            self.timers.set(self.now + self.settings.rpc_timeout, Timer::Drain(slot, present));
        }
        true
    }

    /// The life that answers is over or hangs: the one before answers again, if it is still there.
    pub(crate) fn fall_back_from(&mut self, slot: Slot, why: &str, end: Option<ExitKind>) -> bool {
        let Some(module) = self.table.get(slot) else { return false };
        let (Phase::Running(present, _), Some(_)) = (module.phase, module.warm()) else { return false };
        let spec = module.spec.clone();
        let company = self.dissolve_company(slot);
        self.abort_swap(slot, "it falls back to the life before");
        let is_back = self.fall_back(slot, why).is_some();
        if is_back {
            match end {
                Some(_) => self.push(Effect::Note(slot, present, Note::Gone)),
                None => self.leave(slot, present, spec, Duration::ZERO),
            }
        }
        self.fall_back_with(slot, company);
        is_back
    }

    fn fall_back(&mut self, slot: Slot, why: &str) -> Option<Generation> {
        let module = self.table.get_mut(slot)?;
        let at = module.sides.iter().position(Side::is_warm)?;
        let Side { generation, spec, news, approved, .. } = module.sides.remove(at);
        module.falls_back += 1;
        module.grants.base = approved.or(module.grants.base.take());
        let record = self.record_of(slot, "swap.fell_back").number("old", generation.0);
        self.record(record.text("why", why).text("version", spec.version.clone()));
        self.put_in_place(slot, generation, spec);
        self.push(Effect::Note(slot, generation, Note::Resume));
        self.tell_news(slot, news);
        self.tell_ready(slot);
        Some(generation)
    }
}
