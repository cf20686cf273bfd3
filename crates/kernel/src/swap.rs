//! Hot swap: a new life beside the one that answers, the state handed over between two messages, one flip of the
//! routes, and the old life kept until nobody needs it.
//!
//! ```text
//!            Starting ── ready ──┬─ with state ─► Saving ── state:saved ─► Restoring ── state:restored ─┐
//!  new life     │                └─ without ───────────────────────────────────────────────────────► Probing
//!               │                        (from Saving on, what comes for the module is held)            │ pong
//!               └────────── nack, deadline, death, end ─► the old one goes on with all that was held    ▼
//!                                                                                                     flip
//!  old life: answers ──────────────────────────────────────────────────────────────── flip ─► Retiring
//!                                                                     all answered, or the deadline ─┴─► Warm | Leaving
//! ```
//! # What holds
//! - At every moment exactly one life of a module is what routes point at; the flip is one publication of them.
//! - What comes while state is on its way lies, in its order, with the proxy of the life that still answers, up to a
//!   bound; after the flip it goes to the new one before anything that comes later, and else to the old one.
//! - A swap ends: each step has a deadline.
//! - A swap that fails changes nothing for callers, and says in which step and why.
//! - The old life answers what it was asked before the flip, and may ask others as long as it has to.
//! - While the life before is warm, an end that nobody wished for is followed by a flip back, not by a restart.
//! - Modules that become new together flip together: see [`company`].

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{ExitKind, Generation, ModuleId, Payload, Permissions, RequestId, Slot, Time};

use crate::effect::{Answer, Failure, Notice, Signal};
use crate::event::{Carry, NetBearer};
use crate::governor::Ladder;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Stage};
use crate::routes::Address;
use crate::spec::{Keeps, Manner, Spec, Work};
use crate::timers::Timer;
use crate::{Door, Effect, Incoming, Note, Outgoing, SpawnFault, Word};

mod company;
mod sides;

pub(crate) use company::Together;
pub(crate) use sides::{Role, Side};

/// 2 s for a module to give its state, or to take it over: messages are held meanwhile, so it must be short; a megabyte
/// of JSON, the most that fits into a frame, takes some ten milliseconds.
pub(crate) const STATE_WITHIN: Duration = Duration::from_secs(2);

/// 2 s for the first pong of a life that has just taken its state over.
const PROBE_WITHIN: Duration = Duration::from_secs(2);

/// 3 lives beside the one that answers: one that is kept warm and two that are ending; a module that is swapped faster
/// than its old lives end is asked to wait.
const SIDES_MAX: usize = 3;

/// How far a swap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SwapStep {
    /// The new life starts; the old one answers as ever.
    Starting,
    /// The new life is ready, and others that become new with it are not yet; the old one answers as ever.
    Waiting,
    /// The old life is asked for its state; messages are held.
    Saving,
    /// The new life takes the state over; messages are held.
    Restoring,
    /// The new life shows that it answers; messages are held if there was state.
    Probing,
    /// The new life could answer, and others that become new with it could not yet; messages are held if there was state.
    Prepared,
}

impl SwapStep {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Waiting => "waiting for the others",
            Self::Saving => "saving",
            Self::Restoring => "restoring",
            Self::Probing => "probing",
            Self::Prepared => "prepared",
        }
    }
}

crate::saved::keep_variants!(SwapStep {
    Starting {},
    Waiting {},
    Saving {},
    Restoring {},
    Probing {},
    Prepared {},
});

/// Whether state goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cargo {
    State,
    Nothing,
}

/// What becomes of the old life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// It can answer again at once, until it is released.
    Warm,
    /// It ends as soon as it has answered everything.
    End,
}

/// A swap under way.
#[derive(Debug, Clone)]
pub(crate) struct Swap {
    /// The new life.
    pub(crate) generation: Generation,
    pub(crate) step: SwapStep,
    /// What describes the new life.
    spec: Box<Spec>,
    cargo: Cargo,
    after: After,
    /// Whether its files changed: then the next life is the changed one, whatever comes of the swap.
    is_change: bool,
    requests: Vec<RequestId>,
    begun: Time,
    greeted: bool,
    state_bytes: u64,
    /// The other modules that become new with it, in one flip.
    company: Vec<ModuleId>,
    /// Its section of the configuration changed since it began.
    news: News,
    /// What was approved for the life that answers, if the change brought other approvals.
    approved_before: Option<Permissions>,
}

/// Whether a life that does not answer now has missed a change of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum News {
    /// It knows what there is.
    #[default]
    Nothing,
    /// It is told as soon as it answers.
    Config,
}

impl Module {
    /// What was approved for the life that answers: a change that is on its way may have brought something else.
    pub(crate) fn approved_for_life(&self) -> Option<Permissions> {
        let before = self.swap.as_ref().and_then(|swap| swap.approved_before.clone());
        before.or_else(|| self.grants.base.clone())
    }
}

impl Swap {
    /// Whether it takes up a change of the module's files.
    pub(crate) fn is_change(&self) -> bool {
        self.is_change
    }

    /// Whether what comes for the module is held now.
    fn holds(&self) -> bool {
        self.cargo == Cargo::State && self.step > SwapStep::Waiting
    }
}

/// What can go over from one life to another; nothing, if the module says nothing of its state.
fn cargo(old: &Spec, new: &Spec, carry: Carry) -> Option<Cargo> {
    let says = |spec: &Spec| spec.features.state || spec.keeps == Keeps::Nothing;
    if old.door != Door::Lines || new.door != Door::Lines {
        return None;
    }
    match carry {
        Carry::Nothing => Some(Cargo::Nothing),
        Carry::AsOffered if !says(old) || !says(new) => None,
        Carry::AsOffered if old.keeps == Keeps::Nothing || new.keeps == Keeps::Nothing => {
            Some(Cargo::Nothing)
        }
        Carry::AsOffered if old.features.state && new.features.state => Some(Cargo::State),
        Carry::AsOffered => None,
    }
}

impl Kernel {
    pub(crate) fn set_manner(&mut self, id: &ModuleId, manner: Manner) {
        if let Some(slot) = self.table.find(id.as_str())
            && let Some(module) = self.table.get_mut(slot)
        {
            module.manner = Some(manner);
        }
    }

    pub(crate) fn order_swap(&mut self, request: RequestId, slot: Slot, carry: Carry) {
        let Some(module) = self.table.get(slot) else { return };
        let spec = module.spec.clone();
        match self.begin_swap(slot, spec, carry, After::End) {
            Ok(()) => {
                let waits = self.table.get_mut(slot).and_then(|module| module.swap.as_mut());
                waits.into_iter().for_each(|swap| swap.requests.push(request));
            }
            Err(why) => self.push(Effect::Reply(request, Answer::Failed(Failure::Refused, why))),
        }
    }

    /// Nobody waits for a swap by this request any more.
    pub(crate) fn forget_swap_request(&mut self, request: RequestId) {
        let waits =
            |module: &Module| module.swap.as_ref().is_some_and(|swap| swap.requests.contains(&request));
        let waiting: Vec<Slot> =
            self.table.iter().filter(|(_, module)| waits(module)).map(|(slot, _)| slot).collect();
        for slot in waiting {
            if let Some(swap) = self.table.get_mut(slot).and_then(|module| module.swap.as_mut()) {
                swap.requests.retain(|waiting| *waiting != request);
            }
        }
    }

    pub(crate) fn order_await_swap(&mut self, request: RequestId, slot: Slot) {
        match self.table.get_mut(slot).and_then(|module| module.swap.as_mut()) {
            Some(swap) => swap.requests.push(request),
            None => self.push(Effect::Reply(request, Answer::Already)),
        }
    }

    /// A change was taken up: from here on it holds what is approved now, whatever ended on the way; a swap keeps what was
    /// approved for the life that answers.
    pub(crate) fn keep_approved(
        &mut self,
        slot: Slot,
        before: Option<Permissions>,
        now: Option<Permissions>,
    ) {
        let Some(module) = self.table.get_mut(slot) else { return };
        module.grants.base = now;
        if let Some(swap) = &mut module.swap {
            swap.approved_before = before;
        }
    }

    /// The files of a module that runs have changed: says whether it is swapped, or fell back to what they say now.
    pub(crate) fn take_up_hot(&mut self, slot: Slot, spec: &Spec) -> bool {
        let Some(module) = self.table.get_mut(slot) else { return false };
        let manner = module.manner.take().unwrap_or_default();
        if self.fall_back_to(slot, spec.fingerprint) {
            return true;
        }
        let is_this = |swap: &Swap| swap.is_change && swap.spec.fingerprint == spec.fingerprint;
        if manner != Manner::Restart
            && self.table.get(slot).and_then(|module| module.swap.as_ref()).is_some_and(is_this)
        {
            // It is on its way.
            return true;
        }
        self.abort_swap(slot, "its files changed again");
        let after = match manner {
            Manner::Restart => return false,
            Manner::Swap => After::End,
            Manner::SwapAndKeep => After::Warm,
        };
        let begun = self.begin_swap(slot, spec.clone(), Carry::AsOffered, after);
        if let Some(swap) = self.table.get_mut(slot).and_then(|module| module.swap.as_mut()) {
            swap.is_change = begun.is_ok();
        }
        begun.is_ok()
    }

    /// Begins a swap, or says why there is none.
    fn begin_swap(&mut self, slot: Slot, spec: Spec, carry: Carry, after: After) -> Result<(), String> {
        let cargo = self.check_swap(slot, &spec, carry)?;
        self.start_candidate(slot, spec, cargo, after);
        Ok(())
    }

    /// What would go over in a swap, or why there can be none.
    fn check_swap(&self, slot: Slot, spec: &Spec, carry: Carry) -> Result<Cargo, String> {
        let Some(module) = self.table.get(slot) else { return Err(String::from("there is no such module")) };
        let refused = |why: &str| Err(String::from(why));
        if self.shutdown.is_some() {
            return refused("the system is being shut down");
        }
        let Phase::Running(_, Stage::Ready) = module.phase else { return refused("it is not ready") };
        if module.spec.work == Work::Once || spec.work == Work::Once {
            return refused("it does one thing and ends");
        }
        if module.swap.is_some() {
            return refused("a swap of it is under way");
        }
        if module.warm().is_some() {
            return refused("it is on probation: the life before is still kept");
        }
        if module.sides.len() >= SIDES_MAX {
            return refused("its lives before are still ending");
        }
        match cargo(&module.spec, spec, carry) {
            Some(cargo) => Ok(cargo),
            None => refused("it neither hands over state nor says that it keeps none"),
        }
    }

    fn start_candidate(&mut self, slot: Slot, spec: Spec, cargo: Cargo, after: After) {
        let (generation, now) = (self.next_generation(), self.now);
        let within = spec.ready_timeout.unwrap_or(self.settings.ready_timeout);
        let word = if cargo == Cargo::State { "state" } else { "nothing" };
        let record = self.record_of(slot, "swap.begun").number("next", generation.0);
        self.record(record.text("version", spec.version.clone()).text("carries", word));
        if let Some(badge) = self.badge_of(slot, generation) {
            let badge = crate::Badge { features: spec.features, ..badge };
            self.push(Effect::Note(slot, generation, Note::Began(badge)));
        }
        let Some(module) = self.table.get_mut(slot) else { return };
        module.swap = Some(Swap {
            generation,
            step: SwapStep::Starting,
            spec: Box::new(spec),
            cargo,
            after,
            is_change: false,
            requests: Vec::new(),
            begun: now,
            greeted: false,
            state_bytes: 0,
            company: Vec::new(),
            news: News::Nothing,
            approved_before: None,
        });
        self.push(Effect::Spawn(slot, generation));
        self.timers.set(now + within, Timer::Swap(slot, generation, SwapStep::Starting));
    }

    /// The swap of which this is the new life.
    fn swap_of(&mut self, slot: Slot, generation: Generation) -> Option<&mut Swap> {
        self.table.get_mut(slot)?.swap.as_mut().filter(|swap| swap.generation == generation)
    }

    pub(crate) fn candidate_spawned(&mut self, slot: Slot, generation: Generation) {
        if let Some(swap) = self.swap_of(slot, generation)
            && !core::mem::replace(&mut swap.greeted, true)
        {
            self.push(Effect::Send(slot, generation, Outgoing::Init));
        }
    }

    pub(crate) fn candidate_unborn(
        &mut self,
        slot: Slot,
        generation: Generation,
        fault: SpawnFault,
        why: &str,
    ) {
        if self.swap_of(slot, generation).is_some() {
            let word =
                if fault == SpawnFault::Refused { "may not be started" } else { "could not be started" };
            self.abort_swap(slot, &format!("the new life {word}: {why}"));
        }
        self.side_ended(slot, generation);
    }

    /// A life beside the one that answers says something.
    pub(crate) fn side_said(&mut self, slot: Slot, generation: Generation, said: Incoming) {
        if self.swap_of(slot, generation).is_some() {
            return self.candidate_said(slot, generation, said);
        }
        let is_side = |module: &Module| module.sides.iter().any(|side| side.generation == generation);
        if let Incoming::KernelCall { id, call } = said
            && self.table.get(slot).is_some_and(is_side)
        {
            self.handle_kernel_call(slot, generation, id, call);
        }
    }

    fn candidate_said(&mut self, slot: Slot, generation: Generation, said: Incoming) {
        let Some(swap) = self.swap_of(slot, generation) else { return };
        match (said, swap.step) {
            (Incoming::Ready, SwapStep::Starting) => self.candidate_ready(slot),
            (Incoming::StateRestored { id }, SwapStep::Restoring) if is_number(&id, generation) => {
                self.probe(slot, generation);
            }
            (Incoming::Pong, SwapStep::Probing) => self.candidate_proven(slot),
            (Incoming::Nack { id, error }, SwapStep::Restoring) if is_number(&id, generation) => {
                self.abort_swap(slot, &format!("the new life refused the state: {}", short(error)));
            }
            (Incoming::Nack { id, error }, SwapStep::Starting) if id.as_str() == "init" => {
                self.abort_swap(slot, &format!("the new life could not begin: {}", short(error)));
            }
            (Incoming::KernelCall { id, call }, _) => self.handle_kernel_call(slot, generation, id, call),
            _ => {}
        }
    }

    /// The new life could answer, and nobody has to be waited for any more.
    fn carry_over(&mut self, slot: Slot, generation: Generation) {
        let now = self.now;
        let Some(swap) = self.swap_of(slot, generation) else { return };
        if swap.cargo == Cargo::Nothing {
            return self.probe(slot, generation);
        }
        swap.step = SwapStep::Saving;
        let Some(old) = self.table.get(slot).and_then(Module::generation) else { return };
        self.record(self.record_of(slot, "swap.holding").number("next", generation.0));
        self.push(Effect::Note(slot, old, Note::Hold));
        self.push(Effect::Send(slot, old, Outgoing::StateSave { number: generation.0 }));
        self.timers.set(now + STATE_WITHIN, Timer::Swap(slot, generation, SwapStep::Saving));
    }

    pub(crate) fn state_saved(&mut self, slot: Slot, id: &Word, state: Payload, version: Word) {
        let now = self.now;
        if self.keep_state(slot, id, &state, &version) || self.cut_given(slot, id, &state, &version) {
            return;
        }
        let Some(swap) = self.table.get_mut(slot).and_then(|module| module.swap.as_mut()) else { return };
        if swap.step != SwapStep::Saving || !is_number(id, swap.generation) {
            return;
        }
        swap.step = SwapStep::Restoring;
        swap.state_bytes = state.len() as u64;
        let generation = swap.generation;
        let frame = Outgoing::StateRestore { number: generation.0, state, version };
        self.push(Effect::Send(slot, generation, frame));
        self.timers.set(now + STATE_WITHIN, Timer::Swap(slot, generation, SwapStep::Restoring));
    }

    /// The old life can't give its state.
    pub(crate) fn state_refused(&mut self, slot: Slot, id: &Word, error: String) {
        let swap = self.table.get(slot).and_then(|module| module.swap.as_ref());
        let is_meant = |swap: &Swap| swap.step == SwapStep::Saving && is_number(id, swap.generation);
        if swap.is_some_and(is_meant) {
            self.abort_swap(slot, &format!("the old life gave no state: {}", short(error)));
        }
    }

    fn probe(&mut self, slot: Slot, generation: Generation) {
        let now = self.now;
        let Some(swap) = self.swap_of(slot, generation) else { return };
        swap.step = SwapStep::Probing;
        self.push(Effect::Send(slot, generation, Outgoing::Ping));
        self.timers.set(now + PROBE_WITHIN, Timer::Swap(slot, generation, SwapStep::Probing));
    }

    pub(crate) fn swap_overdue(&mut self, slot: Slot, generation: Generation, step: SwapStep) {
        if self.swap_of(slot, generation).is_some_and(|swap| swap.step == step) {
            let why = match step {
                SwapStep::Starting => "the new life was not ready in time",
                SwapStep::Saving => "the old life gave no state in time",
                SwapStep::Restoring => "the new life did not take the state over in time",
                SwapStep::Probing => "the new life did not answer a ping in time",
                // Nothing is asked of it in these: the others have their own times.
                SwapStep::Waiting | SwapStep::Prepared => return,
            };
            self.abort_swap(slot, why);
        }
    }

    /// The old life goes on as it was; the new one is killed. Nothing, if no swap is under way.
    pub(crate) fn abort_swap(&mut self, slot: Slot, why: &str) {
        let Some(swap) = self.table.get_mut(slot).and_then(|module| module.swap.take()) else { return };
        let record = self.record_of(slot, "swap.refused").number("next", swap.generation.0);
        self.record(record.text("step", swap.step.as_str()).text("why", why));
        let Some(module) = self.table.get_mut(slot) else { return };
        let (old, id) = (module.generation(), module.spec.id.clone());
        if swap.is_change {
            module.successor = Some(((*swap.spec).clone(), None));
        }
        // The old one was started with what was approved then, and is held to it.
        module.grants.base = swap.approved_before.clone().or(module.grants.base.take());
        // One that is over answers nothing any more: its proxy tells those who wait.
        if swap.holds()
            && let Some(old) = old.filter(|old| self.over != Some(*old))
        {
            self.push(Effect::Note(slot, old, Note::Unhold));
        }
        for request in &swap.requests {
            let why = format!("while {}: {why}", swap.step.as_str());
            self.push(Effect::Reply(*request, Answer::Failed(Failure::Failed, why)));
        }
        self.leave(slot, swap.generation, *swap.spec, Duration::ZERO);
        self.abort_company(&swap.company, &id, why);
    }

    /// The new life answers from here on.
    fn flip(&mut self, slot: Slot) {
        let now = self.now;
        let Some(module) = self.table.get_mut(slot) else { return };
        let (Some(swap), Some(old)) = (module.swap.take(), module.generation()) else { return };
        // Falling back is done together, too, as long as there is something to fall back to.
        module.company = if swap.after == After::Warm { swap.company } else { Vec::new() };
        let was = module.spec.clone();
        let took_ms = u64::try_from(now.since(swap.begun).as_millis()).unwrap_or(u64::MAX);
        let record = self.record_of(slot, "swap.done").number("next", swap.generation.0);
        self.record(record.number("state_bytes", swap.state_bytes).number("after_ms", took_ms));
        self.put_in_place(slot, swap.generation, *swap.spec);
        if let Some(module) = self.table.get_mut(slot) {
            let mut side = Side::new(old, was, Role::Retiring(swap.after));
            side.approved = swap.approved_before;
            module.sides.push(side);
        }
        self.greet(slot, swap.generation);
        self.tell_news(slot, swap.news);
        self.begin_probation(slot);
        self.push(Effect::Note(slot, old, Note::Yield(Address { slot, generation: swap.generation })));
        self.timers.set(now + self.settings.rpc_timeout, Timer::Drain(slot, old));
        for request in swap.requests {
            self.push(Effect::Reply(request, Answer::Swapped(swap.state_bytes)));
        }
    }

    /// Routes point at this life from the end of this event on. Its proxy takes what comes after the frames that tell it
    /// so, and before anything that was held.
    fn put_in_place(&mut self, slot: Slot, generation: Generation, spec: Spec) {
        let now = self.now;
        self.withdraw(slot);
        self.topics.leave(slot);
        self.table.replace_spec(slot, spec);
        let Some(module) = self.table.get_mut(slot) else { return };
        module.phase = Phase::Running(generation, Stage::Ready);
        module.since = now;
        module.spawned_at = now;
        module.restart_count = 0;
        module.note = String::new();
        module.reason = None;
        module.greeted = true;
        module.ping_sent = 0;
        module.pong_seen = 0;
        module.health_failures = 0;
        module.overdue = false;
        module.successor = None;
        // Who carries its network is not told of a life beside; so a change of it is taken up by a new life.
        module.net_bearer = NetBearer::default();
        module.ladder = Ladder::default();
        module.capabilities = module.derive_capabilities();
        for service in module.spec.provides.clone() {
            // What another module offers by now stays with that one.
            self.directory.entry(service).or_insert(slot);
        }
        self.join_topics(slot);
        self.push(Effect::Promoted(slot, generation));
    }

    /// What it offers is not its own any more.
    fn withdraw(&mut self, slot: Slot) {
        let offered = self.table.get(slot).map(|module| module.spec.provides.clone()).unwrap_or_default();
        for service in offered {
            if self.directory.get(&service) == Some(&slot) {
                self.directory.remove(&service);
            }
        }
    }

    /// What a life that takes over is told before anything that was held.
    fn greet(&mut self, slot: Slot, generation: Generation) {
        self.send(slot, Outgoing::DepsReady);
        let wanted = self.table.get(slot).map(|module| module.spec.optional_requires.clone());
        for service in wanted.into_iter().flatten() {
            if self.table.get(slot).is_some_and(|module| self.is_up_for(module, &service)) {
                self.send(slot, Outgoing::ServiceAvailable(service));
            }
        }
        self.push(Effect::Note(slot, generation, Note::Ready));
    }

    /// Everybody is told that it answers, and those who wait for what it offers.
    fn tell_ready(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let (spec, Some(generation)) = (module.spec.clone(), module.generation()) else { return };
        self.timers.set(self.now + self.settings.health_interval, Timer::Ping(slot, generation));
        self.tell_available(slot, &spec.provides);
        let notice = Notice::Ready { module: spec.id, provides: spec.provides, version: spec.version };
        self.publish_notice("system:module:ready", notice);
        self.cascade();
    }
}

/// 256 bytes of a module's own words on why it refused are kept: people read them.
const WORDS_BYTES_MAX: usize = 256;

pub(crate) fn short(mut words: String) -> String {
    words.truncate(words.floor_char_boundary(WORDS_BYTES_MAX));
    words
}

/// Whether an answer is meant for the question of the swap to this life.
pub(crate) fn is_number(id: &Word, generation: Generation) -> bool {
    id.as_str().parse() == Ok(generation.0)
}

#[cfg(test)]
mod tests;
