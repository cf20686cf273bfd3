//! The ordered shutdown of everything.
//!
//! Everything that only waits rests at once. What runs is told to end in tiers, dependents first; a tier begins when
//! the one before is gone. Each module has its grace, then SIGKILL, then the time to be reaped; so the whole takes at
//! most the sum over its tiers. A second order to shut down kills what is left without waiting.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use abi::{Reason, RequestId, Slot};

use crate::Effect;
use crate::effect::Answer;
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Then};

/// A shutdown under way.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    tiers: Vec<Vec<Slot>>,
    at: usize,
    pub(crate) requests: Vec<RequestId>,
    finished: bool,
}

impl Kernel {
    pub(crate) fn begin_shutdown(&mut self, request: Option<RequestId>) {
        if let Some(shutdown) = &mut self.shutdown {
            if shutdown.finished {
                let answer = |request| Effect::Reply(request, Answer::Done);
                return request.into_iter().map(answer).for_each(|effect| self.push(effect));
            }
            shutdown.requests.extend(request);
            return self.kill_all();
        }
        let runs = Module::has_life;
        let among: BTreeSet<Slot> =
            self.table.iter().filter(|(_, module)| runs(module)).map(|(slot, _)| slot).collect();
        let tiers = graph::tiers(&self.table, &among);
        let record = abi::Record::new("shutdown.begun").number("modules", among.len() as u64);
        self.record(record.number("tiers", tiers.len() as u64));
        let requests = request.into_iter().collect();
        self.shutdown = Some(Shutdown { tiers, at: 0, requests, finished: false });
        self.due.clear();
        for slot in self.table.slots() {
            let parked =
                self.table.get(slot).is_some_and(|m| matches!(m.phase, Phase::Held | Phase::Queued(_)));
            if parked {
                self.end(slot, Reason::Shutdown, Then::Stay, 0);
            }
        }
        self.end_tier(0);
    }

    fn end_tier(&mut self, at: usize) {
        let tier = self.shutdown.as_ref().and_then(|shutdown| shutdown.tiers.get(at)).cloned();
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        for slot in tier.unwrap_or_default() {
            self.end(slot, Reason::Shutdown, Then::Stay, number);
        }
    }

    fn kill_all(&mut self) {
        self.record(abi::Record::new("shutdown.forced"));
        for slot in self.table.slots() {
            self.end(slot, Reason::Shutdown, Then::Stay, 0);
            self.kill_sides(slot);
            if let Some(generation) = self.table.get(slot).and_then(Module::generation) {
                self.kill(slot, generation);
            }
        }
    }

    /// Goes on to the next tier when this one is gone, and says so when all are.
    pub(crate) fn advance_shutdown(&mut self) {
        loop {
            let Some(shutdown) = &self.shutdown else { return };
            if shutdown.finished {
                return;
            }
            let lives = |slot: &Slot| self.table.get(*slot).is_some_and(Module::has_life);
            let (at, count) = (shutdown.at, shutdown.tiers.len());
            if shutdown.tiers.get(at).is_some_and(|tier| tier.iter().any(lives)) {
                return;
            }
            if at + 1 < count {
                if let Some(shutdown) = &mut self.shutdown {
                    shutdown.at = at + 1;
                }
                self.end_tier(at + 1);
                continue;
            }
            return self.finish_shutdown();
        }
    }

    fn finish_shutdown(&mut self) {
        let Some(shutdown) = &mut self.shutdown else { return };
        shutdown.finished = true;
        let requests = core::mem::take(&mut shutdown.requests);
        self.record(abi::Record::new("shutdown.done"));
        for request in requests {
            self.push(Effect::Reply(request, Answer::Done));
        }
        self.push(Effect::Finished);
    }
}

crate::saved::keep_fields!(Shutdown { tiers, at, requests, finished });

#[cfg(test)]
mod tests;
