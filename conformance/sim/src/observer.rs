//! Watches everything that the kernel is told and wants done, and knows from that alone what must hold.
//!
//! It never looks into the kernel to learn what is right; it only compares the kernel's own view with what it saw.
//! Each part holds one family of rules and says which was broken in one sentence.

mod calls;
mod lives;
mod orders;
mod restarts;

use abi::{Generation, Reason, Record, State, Time};
use kernel::{Effect, Ensemble, Event, Incoming};

use calls::Calls;
use lives::Lives;
use orders::Orders;
use restarts::Restarts;

/// A broken rule, in one sentence.
pub(crate) type Verdict = Result<(), String>;

/// What made the kernel decide.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    Happened(Event),
    TimeCame,
}

/// One decision: its cause, and what was recorded so far.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) now: Time,
    pub(crate) cause: Cause,
    pub(crate) records: Vec<Record>,
    /// The event is about a life that is over.
    pub(crate) late: bool,
}

impl Step {
    /// What a living module said, if that is the cause.
    pub(crate) fn said(&self) -> Option<(Generation, &Incoming)> {
        match &self.cause {
            Cause::Happened(Event::Said(_, generation, said)) if !self.late => Some((*generation, said)),
            _ => None,
        }
    }

    /// Whether this was recorded about this life before.
    pub(crate) fn recorded(&self, code: &str, generation: Generation) -> bool {
        self.records.iter().any(|record| record.code == code && record.generation == Some(generation))
    }

    /// Whether anything of this code was recorded before.
    pub(crate) fn recorded_at_all(&self, code: &str) -> bool {
        self.records.iter().any(|record| record.code == code)
    }
}

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    lives: Lives,
    calls: Calls,
    orders: Orders,
    restarts: Restarts,
    steps: u64,
}

impl Observer {
    /// Something is about to be told to the kernel.
    pub(crate) fn begin(&mut self, now: Time, cause: Cause, kernel: &Ensemble) -> Step {
        self.steps += 1;
        let mut step = Step { now, cause, records: Vec::new(), late: false };
        if let Cause::Happened(event) = &step.cause {
            step.late = self.lives.is_late(event);
        }
        if !step.late {
            self.orders.begin(&step);
            self.calls.begin(&step, kernel);
            self.restarts.begin(&step, kernel, &self.lives);
            if let Some(ended) = self.lives.begin(&step) {
                self.calls.life_over(ended);
            }
        }
        step
    }

    /// The kernel wants this done.
    pub(crate) fn effect(&mut self, step: &mut Step, effect: &Effect, kernel: &Ensemble) -> Verdict {
        if step.late {
            return Err(String::from("something followed from an event of a life that is over"));
        }
        if let Effect::Record(record) = effect {
            step.records.push(record.clone());
        }
        self.restarts.effect(step, effect, kernel, &self.lives)?;
        if let Some(ended) = self.lives.effect(step, effect)? {
            self.calls.life_over(ended);
        }
        self.calls.effect(step, effect, kernel, &self.lives)?;
        self.orders.effect(step, effect, &self.lives)
    }

    /// The kernel wants nothing more for now.
    pub(crate) fn end(&mut self, step: &Step, kernel: &Ensemble) -> Verdict {
        self.lives.all_reached(step, kernel)?;
        self.calls.end(step, &self.lives)?;
        self.orders.end(step)?;
        // Views and the directory cost more than the rest, and change only where something is recorded.
        let quiet = step.records.is_empty() && matches!(step.cause, Cause::Happened(_));
        if quiet && !self.steps.is_multiple_of(8) {
            return Ok(());
        }
        self.lives.compare(kernel)?;
        self.lives.all_well(step, kernel)?;
        self.nobody_is_left_behind(kernel)?;
        self.lives.directory(step, kernel)
    }

    /// Whoever waits, waits for something; and who gave up waiting for what is there now is on its way again.
    fn nobody_is_left_behind(&self, kernel: &Ensemble) -> Verdict {
        if self.orders.is_shutting_down() {
            return Ok(());
        }
        for view in kernel.views() {
            let waits = match view.state {
                State::Waiting => true,
                State::Stopped | State::Crashed => {
                    view.reason == Some(Reason::RequiresTimeout) && !self.restarts.is_kept_down(&view.id)
                }
                State::Starting | State::Ready | State::Restarting | State::Killed => false,
            };
            if waits && view.waiting_for.is_empty() {
                return Err(format!("{} is {} and waits for nothing", view.id, view.state));
            }
        }
        Ok(())
    }

    /// Whether the kernel said that nothing runs any more and nothing will.
    pub(crate) fn is_finished(&self) -> bool {
        self.orders.is_finished()
    }

    /// Whether an order is not answered yet.
    pub(crate) fn is_open(&self, request: abi::RequestId) -> bool {
        self.orders.is_open(request)
    }

    /// Whether anybody still waits for a start.
    pub(crate) fn a_start_is_open(&self) -> bool {
        self.orders.a_start_is_open()
    }

    /// Nothing is owed to anybody when all is over.
    pub(crate) fn farewell(&self) -> Verdict {
        self.orders.farewell()?;
        self.calls.farewell()
    }
}

#[cfg(test)]
mod tests;
