//! State over planned restarts: a life that is told to end gives its state first, and the next one gets it before it counts
//! as ready.
//!
//! ```text
//!  end ──► state:save ──┬─ state:saved ─► kept ─┐
//!                       └─ nack, deadline, end ─┴─► shutdown ─► … ─► next life
//!  ready ─► recalled ───┬─ nothing is kept ──────────────────────────────┐
//!                       └─ state:restore ─┬─ state:restored ─► forgotten ─┼─► registered, activated
//!                                         └─ nack, deadline ─► set aside ─┘
//! ```
//! # What holds
//! - Only who says that its state outlives planned restarts ([`Keeps::State`]) is asked; one that hangs, breaks rules or
//!   asks too much is not asked, and neither is one that fell.
//! - A state goes to one life: once it is taken over it is forgotten, so that a fall later brings back nothing old. What a life
//!   refuses, or falls over, is set aside and never offered again, so that no state can make a module fall for ever.
//! - Each step has a deadline, and goes on without state when it is over.

use alloc::format;
use alloc::string::String;

use abi::{Generation, Payload, Reason, Slot, Time};

use crate::machine::Kernel;
use crate::module::{Module, Phase, Stage, Then};
use crate::spec::{Keeps, Spec};
use crate::swap::{STATE_WITHIN, is_number, short};
use crate::timers::Timer;
use crate::{Door, Effect, Outgoing, Word};

/// What became of a kept state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The life has it: nothing is kept any more.
    Taken,
    /// The life refused it: it is to be set aside.
    Refused,
}

/// Whether a life that is told to end is asked for its state before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// It is, if it keeps any.
    State,
    /// It is not: what it has is not wanted.
    Nothing,
}

/// A life that ends as soon as it has given its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parting {
    until: Time,
}

/// A life on its way to what an earlier one left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taking {
    until: Time,
    /// How much it was given, and of which form; nothing before that.
    given: Option<(u64, Word)>,
}

fn keeps(spec: &Spec) -> bool {
    spec.door == Door::Lines && spec.keeps == Keeps::State
}

/// Whether it knows what a state is that somebody puts back.
fn can_take(spec: &Spec) -> bool {
    spec.door == Door::Lines && spec.features.state && spec.keeps != Keeps::Nothing
}

/// Whether who ends for this reason is trusted to give a sound state, and somebody is to follow it.
fn is_orderly(reason: Reason, then: Then) -> bool {
    let is_sound = match reason {
        Reason::Requested
        | Reason::Shutdown
        | Reason::HotSwap
        | Reason::PermissionUpdate
        | Reason::PermissionsRevoked
        | Reason::Strategy
        | Reason::SafeMode
        | Reason::ConfigUpdate => true,
        Reason::Uninstalled
        | Reason::SecurityViolation
        | Reason::DuplicateService
        | Reason::CircularDependency
        | Reason::RequiresTimeout
        | Reason::ReadyTimeout
        | Reason::HealthCheckFailed
        | Reason::Overload => false,
    };
    is_sound && then != Then::Forget
}

impl Module {
    /// Whether its state is on the way to or from a file.
    pub(crate) fn is_between_files(&self) -> bool {
        self.parting.is_some() || self.taking.is_some()
    }

    /// Whether it is asked for its state before it is told to end.
    pub(crate) fn gives_state(&self, reason: Reason, then: Then) -> bool {
        let has_begun = matches!(self.phase, Phase::Running(_, Stage::Waiting | Stage::Ready));
        has_begun && keeps(&self.spec) && is_orderly(reason, then)
    }
}

impl Kernel {
    /// A life that is ending gives its state first.
    pub(crate) fn ask_before_end(&mut self, slot: Slot, generation: Generation) {
        let until = self.now + STATE_WITHIN;
        if let Some(module) = self.table.get_mut(slot) {
            module.parting = Some(Parting { until });
        }
        self.push(Effect::Send(slot, generation, Outgoing::StateSave { number: generation.0 }));
        self.timers.set(until, Timer::State(slot, generation));
    }

    /// Takes the state of a life that is ending; says whether it was asked.
    pub(crate) fn keep_state(&mut self, slot: Slot, id: &Word, state: &Payload, version: &Word) -> bool {
        let Some(generation) = self.parting_of(slot, id) else { return false };
        let record = self.record_of(slot, "state.saved").number("bytes", state.len() as u64);
        self.record(record.text("form", String::from(version.as_str())));
        self.push(Effect::KeepState(slot, generation, state.clone(), version.clone()));
        self.tell_to_end(slot);
        true
    }

    /// A life that is ending gives no state; says whether it was asked.
    pub(crate) fn keeps_none(&mut self, slot: Slot, id: &Word, error: &str) -> bool {
        if self.parting_of(slot, id).is_none() {
            return false;
        }
        self.not_kept(slot, &format!("it gave none: {}", short(String::from(error))));
        self.tell_to_end(slot);
        true
    }

    fn parting_of(&self, slot: Slot, id: &Word) -> Option<Generation> {
        let module = self.table.get(slot)?;
        module.parting?;
        module.generation().filter(|generation| is_number(id, *generation))
    }

    fn not_kept(&mut self, slot: Slot, why: &str) {
        self.record(self.record_of(slot, "state.not_kept").text("why", why));
    }

    /// What it was asked before is over: it is told to end, and has its grace from now on.
    fn tell_to_end(&mut self, slot: Slot) {
        let now = self.now;
        let Some(module) = self.table.get_mut(slot) else { return };
        let (Some(Parting { until }), Some(generation)) = (module.parting.take(), module.generation()) else {
            return;
        };
        let grace = module.spec.shutdown_grace.unwrap_or(self.settings.shutdown_grace);
        module.since = now;
        self.timers.clear(until, Timer::State(slot, generation));
        self.send(slot, Outgoing::Shutdown);
        self.timers.set(now + grace, Timer::Grace(slot, generation));
    }

    /// A life is ready: says whether it looks for what an earlier one left before it goes on.
    pub(crate) fn looks_for_state(&mut self, slot: Slot, generation: Generation) -> bool {
        let until = self.now + STATE_WITHIN;
        let Some(module) = self.table.get_mut(slot) else { return false };
        let is_put_back = core::mem::take(&mut module.is_put_back) && can_take(&module.spec);
        if !keeps(&module.spec) && !is_put_back {
            return false;
        }
        module.taking = Some(Taking { until, given: None });
        self.push(Effect::Recall(slot, generation));
        self.timers.set(until, Timer::State(slot, generation));
        true
    }

    /// What an earlier life left, if anything.
    pub(crate) fn handle_recalled(
        &mut self,
        slot: Slot,
        generation: Generation,
        left: Option<(Payload, Word)>,
    ) {
        let until = self.now + STATE_WITHIN;
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Starting) {
            return;
        }
        let Some(taking @ Taking { given: None, .. }) = &mut module.taking else { return };
        let Some((state, version)) = left else { return self.go_on(slot, generation) };
        let before = core::mem::replace(&mut taking.until, until);
        taking.given = Some((state.len() as u64, version.clone()));
        self.timers.clear(before, Timer::State(slot, generation));
        self.push(Effect::Send(
            slot,
            generation,
            Outgoing::StateRestore { number: generation.0, state, version },
        ));
        self.timers.set(until, Timer::State(slot, generation));
    }

    /// The life has taken over what it was given.
    pub(crate) fn state_taken(&mut self, slot: Slot, generation: Generation, id: &Word) {
        let Some((bytes, version)) = self.given(slot).filter(|_| is_number(id, generation)) else { return };
        let record = self.record_of(slot, "state.restored").number("bytes", bytes);
        self.record(record.text("form", String::from(version.as_str())));
        self.push(Effect::Settle(slot, generation, Fate::Taken));
        self.go_on(slot, generation);
    }

    /// The life refuses what it was given; says whether it was given anything.
    pub(crate) fn state_not_taken(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Word,
        error: &str,
    ) -> bool {
        if self.given(slot).is_none() || !is_number(id, generation) {
            return false;
        }
        self.set_aside(slot, generation, &short(String::from(error)));
        self.go_on(slot, generation);
        true
    }

    fn given(&self, slot: Slot) -> Option<(u64, Word)> {
        self.table.get(slot)?.taking.as_ref()?.given.clone()
    }

    fn set_aside(&mut self, slot: Slot, generation: Generation, why: &str) {
        let form = self.given(slot).map(|(_, version)| String::from(version.as_str())).unwrap_or_default();
        self.record(self.record_of(slot, "state.refused").text("form", form).text("why", why));
        self.push(Effect::Settle(slot, generation, Fate::Refused));
    }

    /// It is ready with what it has.
    fn go_on(&mut self, slot: Slot, generation: Generation) {
        self.forget_taking(slot, generation);
        self.come_in(slot, generation);
    }

    /// What it was given, or was to be given, is left as it is.
    pub(crate) fn forget_taking(&mut self, slot: Slot, generation: Generation) {
        if let Some(Taking { until, .. }) = self.table.get_mut(slot).and_then(|module| module.taking.take()) {
            self.timers.clear(until, Timer::State(slot, generation));
        }
    }

    /// A step's time is over.
    pub(crate) fn state_overdue(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        if module.generation() != Some(generation) {
            return;
        }
        let is_over = |until: Time| until <= self.now;
        if module.parting.is_some_and(|parting| is_over(parting.until)) {
            self.not_kept(slot, "it gave none in time");
            return self.tell_to_end(slot);
        }
        let Some(taking) = module.taking.as_ref().filter(|taking| is_over(taking.until)) else { return };
        match taking.given {
            Some(_) => self.set_aside(slot, generation, "it did not take it over in time"),
            None => self.not_taken(slot, "it could not be read in time"),
        }
        self.go_on(slot, generation);
    }

    fn not_taken(&mut self, slot: Slot, why: &str) {
        self.record(self.record_of(slot, "state.not_taken").text("why", why));
    }

    /// The life is over while its state was on the way.
    pub(crate) fn state_way_ends(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let Some(generation) = module.generation() else { return };
        if let Some(Parting { until }) = module.parting.take() {
            self.timers.clear(until, Timer::State(slot, generation));
            self.not_kept(slot, "it ended before it gave its state");
        }
        // Nobody told it to end: it would have been let off taking anything over.
        if self.given(slot).is_some() {
            self.set_aside(slot, generation, "it ended while it took it over");
        }
        self.forget_taking(slot, generation);
    }
}

#[cfg(test)]
mod tests;
