//! One consistent cut through everything: all modules that can are asked for their state at one moment, and from its answer
//! until the last one's nothing that a module says goes anywhere.
//!
//! ```text
//!  order ─► state:save to all ─┬─ state:saved ─► muted ──┐
//!                              ├─ nack, end ─────────────┼─► all known, or the deadline ─► the kernel's own value, unmuted
//!                              └─ too much said ─► unmuted, the cut fails
//! ```
//! # Why it is consistent
//! What a module says after its state is held in its proxy, in its order, until the cut is over. So nobody's state holds the
//! effect of a message that its sender's state has not sent yet. What was on its way at the cut, sent before and read after it,
//! is in no state: who waits for an answer to that waits for its deadline, as after any restart.
//!
//! # What holds
//! - The pause has a deadline, and a bound on what is held; a module that gives nothing in time is left out by name.
//! - Modules are heard on meanwhile in all that is no traffic: pings, readiness, their end.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, ModuleId, Payload, RequestId, Scope, Slot, Time};

use crate::context::Kept;
use crate::effect::{Answer, Failure};
use crate::machine::Kernel;
use crate::module::{Module, Phase, Stage};
use crate::saved::Saved;
use crate::spec::Keeps;
use crate::swap::short;
use crate::timers::Timer;
use crate::{Door, Effect, Note, Outgoing, Word};

/// 2 s for all modules together to give their states: what they say meanwhile is held, so it must be short.
const CUT_WITHIN: Duration = Duration::from_secs(2);

/// What a cut came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// All modules that were asked, by name.
    pub modules: Vec<Given>,
    /// What the kernel knew at the same moment, beside the modules' states.
    pub kernel: Saved,
    /// The context variables at that moment, which are a part of that too.
    pub context: Vec<(Scope, Word, Kept)>,
    /// How long the first of them was muted at most, in milliseconds.
    pub pause_ms: u64,
}

/// What one module gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Who.
    pub module: ModuleId,
    /// Its life.
    pub life: Generation,
    /// Its state and the form of it, or why there is none.
    pub state: Result<(Payload, Word), String>,
}

/// A cut under way.
#[derive(Debug, Clone)]
pub(crate) struct Cutting {
    request: RequestId,
    /// The number of the question, which no life has.
    number: Generation,
    begun: Time,
    until: Time,
    waiting: BTreeMap<Slot, Generation>,
    /// By module: who gave what, or why not.
    given: BTreeMap<ModuleId, Given>,
    muted: Vec<(Slot, Generation)>,
}

/// Whether a module is asked.
fn takes_part(module: &Module) -> Option<Generation> {
    let Phase::Running(generation, Stage::Ready) = module.phase else { return None };
    let can = module.spec.features.state || module.spec.keeps == Keeps::State;
    let does = can && module.spec.door == Door::Lines && module.spec.keeps != Keeps::Nothing;
    (does && module.swap.is_none() && !module.is_between_files()).then_some(generation)
}

impl Kernel {
    pub(crate) fn order_cut(&mut self, request: RequestId) {
        let refusal = match (&self.cut, &self.shutdown) {
            (Some(_), _) => Some((Failure::Refused, "another snapshot is being made")),
            (None, Some(_)) => Some((Failure::ShuttingDown, "the system is being shut down")),
            (None, None) => None,
        };
        if let Some((failure, why)) = refusal {
            return self.push(Effect::Reply(request, Answer::Failed(failure, String::from(why))));
        }
        let waiting: BTreeMap<Slot, Generation> =
            self.table.iter().filter_map(|(slot, module)| Some((slot, takes_part(module)?))).collect();
        let (number, now) = (self.next_generation(), self.now);
        let until = now + CUT_WITHIN;
        self.record(abi::Record::new("snapshot.begun").number("modules", waiting.len() as u64));
        for (slot, generation) in &waiting {
            self.push(Effect::Send(*slot, *generation, Outgoing::StateSave { number: number.0 }));
        }
        let (given, muted) = (BTreeMap::new(), Vec::new());
        self.cut = Some(Cutting { request, number, begun: now, until, waiting, given, muted });
        self.timers.set(until, Timer::Cut);
        self.finish_cut();
    }

    /// Takes a module's state for the cut; says whether it was asked for that.
    pub(crate) fn cut_given(&mut self, slot: Slot, id: &Word, state: &Payload, version: &Word) -> bool {
        let Some(generation) = self.cut_asked(slot, id) else { return false };
        self.push(Effect::Note(slot, generation, Note::Mute));
        if let Some(cut) = &mut self.cut {
            cut.muted.push((slot, generation));
        }
        self.cut_has(slot, Ok((state.clone(), version.clone())));
        true
    }

    /// A module gives no state for the cut; says whether it was asked for that.
    pub(crate) fn cut_refused(&mut self, slot: Slot, id: &Word, error: &str) -> bool {
        let is_asked = self.cut_asked(slot, id).is_some();
        if is_asked {
            self.cut_has(slot, Err(short(String::from(error))));
        }
        is_asked
    }

    fn cut_asked(&self, slot: Slot, id: &Word) -> Option<Generation> {
        let cut = self.cut.as_ref()?;
        cut.waiting.get(&slot).copied().filter(|_| crate::swap::is_number(id, cut.number))
    }

    /// The module is no longer what it was asked as: it ends, or is to.
    pub(crate) fn leave_cut(&mut self, slot: Slot) {
        let is_waited_for = |cut: &Cutting| cut.waiting.contains_key(&slot);
        if self.cut.as_ref().is_some_and(is_waited_for) {
            self.cut_has(slot, Err(String::from("it ended meanwhile")));
        }
    }

    fn cut_has(&mut self, slot: Slot, state: Result<(Payload, Word), String>) {
        let id = self.table.get(slot).map(|module| module.spec.id.clone());
        let (Some(cut), Some(module)) = (&mut self.cut, id) else { return };
        let Some(life) = cut.waiting.remove(&slot) else { return };
        cut.given.insert(module.clone(), Given { module, life, state });
        self.finish_cut();
    }

    /// The time for it is over: who has given nothing is left out.
    pub(crate) fn cut_overdue(&mut self) {
        let Some(cut) = self.cut.as_ref().filter(|cut| cut.until <= self.now) else { return };
        for slot in cut.waiting.keys().copied().collect::<Vec<_>>() {
            self.cut_has(slot, Err(String::from("it gave none in time")));
        }
    }

    /// A module said more than is held while it is muted: what the others gave is no cut any more.
    pub(crate) fn cut_overran(&mut self, slot: Slot) {
        let Some(cut) = self.cut.take() else { return };
        let name = self.name_of(slot);
        let why = alloc::format!("`{name}` said more than is held while a snapshot is made");
        self.record(abi::Record::new("snapshot.failed").text("why", why.clone()));
        self.unmute(&cut);
        self.push(Effect::Reply(cut.request, Answer::Failed(Failure::Failed, why)));
    }

    fn unmute(&mut self, cut: &Cutting) {
        self.timers.clear(cut.until, Timer::Cut);
        for (slot, generation) in &cut.muted {
            self.push(Effect::Note(*slot, *generation, Note::Unmute));
        }
    }

    /// Answers when everybody has.
    fn finish_cut(&mut self) {
        let Some(mut cut) = self.cut.take_if(|cut| cut.waiting.is_empty()) else { return };
        let (kernel, context) = (self.save(), self.context.kept(self.now));
        let pause_ms = u64::try_from(self.now.since(cut.begun).as_millis()).unwrap_or(u64::MAX);
        let modules: Vec<Given> = core::mem::take(&mut cut.given).into_values().collect();
        let without = modules.iter().filter(|given| given.state.is_err()).count();
        let record = abi::Record::new("snapshot.cut").number("modules", (modules.len() - without) as u64);
        self.record(record.number("without", without as u64).number("pause_ms", pause_ms));
        self.unmute(&cut);
        let answer = Answer::Cut(Box::new(Cut { modules, kernel, context, pause_ms }));
        self.push(Effect::Reply(cut.request, answer));
    }
}

#[cfg(test)]
mod tests;
