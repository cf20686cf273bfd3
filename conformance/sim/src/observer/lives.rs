//! Lives: one at a time per module, greeted once, spoken to only while they live, delivered to only while ready, and
//! told to end only after it was recorded why.

use std::collections::{BTreeMap, BTreeSet};

use abi::{Generation, ModuleId, Name, Payload, Slot, State, Time, Zone};
use kernel::{
    Capabilities, Door, Effect, Ensemble, Event, Incoming, KernelCall, KernelResult, Message, Outgoing,
    Signal, Watchdog, Word,
};

use super::{Cause, Step, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Starting,
    Ready,
    Ending,
}

#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) slot: Slot,
    pub(crate) id: ModuleId,
    pub(crate) stage: Stage,
    pub(crate) ready_at: Option<Time>,
    inits: u32,
    /// When the pings were sent that no pong has answered.
    pings: Vec<Time>,
    /// What it hears and whether in lines, known from the end of the step in which it started.
    hears: Option<BTreeSet<Name>>,
    is_lines: bool,
    /// What it was learned from.
    capabilities: Capabilities,
    /// Services it may call, and those it offers.
    pub(crate) may: BTreeSet<Name>,
    pub(crate) offers: BTreeSet<Name>,
}

#[derive(Debug, Default)]
pub(crate) struct Lives {
    alive: BTreeMap<Generation, Life>,
    /// Given up by the kernel while the operating system still has them.
    lingering: BTreeSet<Generation>,
    /// The highest generation seen; none is ever used again.
    last: Option<Generation>,
    /// Who got the message that is being spread.
    reached: Vec<Generation>,
}

impl Lives {
    pub(crate) fn get(&self, generation: Generation) -> Option<&Life> {
        self.alive.get(&generation)
    }

    pub(crate) fn of(&self, id: &ModuleId) -> Option<&Life> {
        self.alive.values().find(|life| life.id == *id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// Whether an event is about a life that is over, so that nothing may follow from it.
    pub(crate) fn is_late(&self, event: &Event) -> bool {
        match event {
            Event::Exited(_, generation, _) => {
                !self.alive.contains_key(generation) && !self.lingering.contains(generation)
            }
            Event::Spawned(_, generation)
            | Event::SpawnFailed(_, generation, ..)
            | Event::ReadySeen(_, generation)
            | Event::NetCarried(_, generation, _)
            | Event::NetStillOpen(_, generation, _)
            | Event::Said(_, generation, _)
            | Event::Tried(_, generation, _)
            | Event::Drained(_, generation)
            | Event::Overran(_, generation)
            | Event::Recalled(_, generation, _)
            | Event::Undelivered(_, generation, _) => !self.alive.contains_key(generation),
            Event::Discovered(_)
            | Event::Added(_)
            | Event::Settings(_)
            | Event::ConfigChanged(_)
            | Event::GrantsChanged(_)
            | Event::Counted(_)
            | Event::Measured(_)
            | Event::ContextRestored(_)
            | Event::Ordered(..)
            | Event::Manner(..)
            | Event::Together(..)
            | Event::Departed(_) => false,
        }
    }

    /// The life that ends by what happens now, if one does.
    pub(crate) fn begin(&mut self, step: &Step) -> Option<Generation> {
        self.reached.clear();
        match &step.cause {
            Cause::Happened(Event::Said(_, generation, Incoming::Pong)) => {
                self.alive.get_mut(generation).into_iter().for_each(|life| life.pings.clear());
                None
            }
            // What was missed under other rules is not counted under these.
            Cause::Happened(Event::Settings(_)) => {
                self.alive.values_mut().for_each(|life| life.pings.clear());
                None
            }
            Cause::Happened(Event::Exited(_, generation, _) | Event::SpawnFailed(_, generation, ..)) => {
                self.lingering.remove(generation);
                self.alive.remove(generation).map(|_| *generation)
            }
            _ => None,
        }
    }

    /// Checks one effect; gives the life that the kernel gives up by it, if it does.
    pub(crate) fn effect(&mut self, step: &Step, effect: &Effect) -> Result<Option<Generation>, String> {
        match effect {
            Effect::Record(record) => {
                let Some(generation) = record.generation else { return Ok(None) };
                match record.code {
                    "module.ready" => self.becomes_ready(step, generation)?,
                    "module.stopping" => self.becomes_ending(generation)?,
                    "module.unkillable" => {
                        self.alive.remove(&generation);
                        self.lingering.insert(generation);
                        return Ok(Some(generation));
                    }
                    _ => {}
                }
            }
            Effect::Spawn(slot, generation) => self.spawn(step, *slot, *generation)?,
            Effect::Send(slot, generation, frame) => self.send(step, *slot, *generation, frame)?,
            Effect::Signal(slot, generation, signal) => self.signal(step, *slot, *generation, *signal)?,
            Effect::Watch(slot, generation)
            | Effect::Perform(slot, generation, ..)
            | Effect::Grip(slot, generation, _)
            | Effect::Reach(slot, generation, _)
            | Effect::KeepState(slot, generation, ..)
            | Effect::Recall(slot, generation)
            | Effect::Settle(slot, generation, _)
            | Effect::Warn(slot, generation, _) => {
                self.living(*slot, *generation)?;
            }
            Effect::Forgotten(..) if !step.recorded_at_all("module.forgotten") => {
                return Err(String::from("a module was forgotten without a record"));
            }
            Effect::SaveGrants(..) => saved(step)?,
            Effect::Promoted(..) => return Err(String::from("a swap that nobody asked for")),
            Effect::Note(..) => return Err(String::from("a proxy's note came out of where the proxies are")),
            Effect::Forgotten(..) | Effect::Reply(..) | Effect::Show(..) | Effect::Finished => {}
        }
        Ok(None)
    }

    fn living(&self, slot: Slot, generation: Generation) -> Result<&Life, String> {
        let life = self.alive.get(&generation).filter(|life| life.slot == slot);
        life.ok_or_else(|| format!("something was wanted of generation {generation}, which does not live"))
    }

    fn becomes_ready(&mut self, step: &Step, generation: Generation) -> Verdict {
        let life = self.alive.get_mut(&generation).ok_or("a life that is over became ready")?;
        if life.stage != Stage::Starting {
            return Err(format!("{} became ready in {:?}", life.id, life.stage));
        }
        life.stage = Stage::Ready;
        life.ready_at = Some(step.now);
        Ok(())
    }

    fn becomes_ending(&mut self, generation: Generation) -> Verdict {
        let life = self.alive.get_mut(&generation).ok_or("a life that is over was told to end")?;
        if life.stage == Stage::Ending {
            return Err(format!("{} was told to end twice", life.id));
        }
        life.stage = Stage::Ending;
        Ok(())
    }

    fn spawn(&mut self, step: &Step, slot: Slot, generation: Generation) -> Verdict {
        let starting =
            |record: &&abi::Record| record.code == "module.starting" && record.generation == Some(generation);
        let record = step.records.iter().find(starting).ok_or("a start without a record of it")?;
        let id = record.module.clone().ok_or("a start of nobody")?;
        if self.last >= Some(generation) {
            return Err(format!("generation {generation} was used before"));
        }
        if let Some(other) = self.alive.values().find(|life| life.slot == slot || life.id == id) {
            return Err(format!("{id} was started beside a life of {}", other.id));
        }
        self.last = Some(generation);
        let stage = Stage::Starting;
        let life = Life {
            slot,
            id,
            stage,
            ready_at: None,
            inits: 0,
            pings: Vec::new(),
            hears: None,
            is_lines: true,
            capabilities: Capabilities::default(),
            may: BTreeSet::new(),
            offers: BTreeSet::new(),
        };
        self.alive.insert(generation, life);
        Ok(())
    }

    fn send(&mut self, step: &Step, slot: Slot, generation: Generation, frame: &Outgoing) -> Verdict {
        let life = self.living(slot, generation)?;
        let (id, stage) = (&life.id, life.stage);
        let fits = match frame {
            Outgoing::Install | Outgoing::Init => stage == Stage::Starting && life.inits == 0,
            Outgoing::DepsReady
            | Outgoing::ServiceAvailable(_)
            | Outgoing::Ping
            | Outgoing::Deliver { .. }
            | Outgoing::Call { .. } => stage == Stage::Ready,
            Outgoing::ConfigUpdate(_) => stage != Stage::Ending,
            Outgoing::Shutdown => stage == Stage::Ending && step.recorded("module.stopping", generation),
            Outgoing::KernelAnswer { .. }
            | Outgoing::Answer { .. }
            | Outgoing::Cancel { .. }
            | Outgoing::Progress { .. }
            | Outgoing::Chunk { .. }
            | Outgoing::End { .. }
            | Outgoing::Credit { .. } => true,
            // Nobody is swapped here: see `swaps`.
            Outgoing::StateSave { .. } | Outgoing::StateRestore { .. } => false,
        };
        if !fits {
            return Err(format!("{id} in {stage:?} was sent {frame:?}"));
        }
        if let Outgoing::Deliver { topic, message, .. } = frame {
            self.delivered(generation, topic, message, step)?;
        }
        if let Some(life) = self.alive.get_mut(&generation) {
            match frame {
                Outgoing::Init => life.inits += 1,
                Outgoing::Ping => life.pings.push(step.now),
                _ => {}
            }
        }
        Ok(())
    }

    fn delivered(&mut self, to: Generation, topic: &Word, message: &Message, step: &Step) -> Verdict {
        // A change of a variable goes to whoever watches it, without a subscription.
        if topic.as_str() == "kernel.context" && !matches!(message, Message::Raw(_)) {
            return Ok(());
        }
        let hears = self.alive.get(&to).and_then(|life| life.hears.as_ref());
        if hears.is_some_and(|hears| !hears_topic(hears, topic)) {
            return Err(format!("a message on {topic} went to generation {to}, which does not hear it"));
        }
        if let (Message::Raw(payload), Some((from, said))) = (message, published(step))
            && (to == from || *payload != *said)
        {
            return Err(String::from("a message went back to its sender or is not the one that was sent"));
        }
        if self.reached.contains(&to) && matches!(message, Message::Raw(_)) {
            return Err(String::from("a message was delivered twice"));
        }
        if matches!(message, Message::Raw(_)) {
            self.reached.push(to);
        }
        Ok(())
    }

    fn signal(&self, step: &Step, slot: Slot, generation: Generation, signal: Signal) -> Verdict {
        let life = self.living(slot, generation)?;
        let stopping = step.recorded("module.stopping", generation);
        let explained = match signal {
            Signal::Stop => stopping,
            Signal::Kill => {
                stopping
                    || step.recorded("module.killed", generation)
                    || step.recorded_at_all("shutdown.forced")
            }
        };
        if life.stage != Stage::Ending || !explained {
            return Err(format!("{} was signalled {signal:?} without a record of why", life.id));
        }
        Ok(())
    }

    /// Compares what was seen with the kernel's own view.
    pub(crate) fn compare(&mut self, kernel: &Ensemble) -> Verdict {
        let mut living = 0;
        for view in kernel.views() {
            let life = view.generation.and_then(|generation| self.alive.get_mut(&generation));
            if life.is_some() != view.generation.is_some() {
                return Err(format!("{} has a process in the kernel's view only", view.id));
            }
            let Some(life) = life else { continue };
            living += 1;
            let agreed = match view.state {
                State::Starting | State::Waiting => life.stage == Stage::Starting,
                State::Ready => life.stage == Stage::Ready,
                State::Killed => life.stage == Stage::Ending,
                State::Restarting | State::Stopped | State::Crashed => false,
            };
            if !agreed || life.slot != view.slot || life.id != view.id {
                return Err(format!(
                    "{} is {} in the kernel's view, {:?} as seen",
                    view.id, view.state, life.stage
                ));
            }
            let approved = kernel.grants(&life.id).is_some_and(|grants| grants.base.is_some());
            if life.stage != Stage::Ending && !approved {
                return Err(format!("{} runs on without an approval", life.id));
            }
            // What it may changes at once where the kernel decides about it, in the middle of a life.
            if life.hears.is_none() || kernel.capabilities(life.slot) != Some(&life.capabilities) {
                learn(life, kernel);
            }
        }
        if living != self.alive.len() {
            return Err(String::from("a process lives that the kernel knows nothing of"));
        }
        Ok(())
    }

    /// A module that hangs is found out in its time, and no service is offered twice.
    pub(crate) fn all_well(&self, step: &Step, kernel: &Ensemble) -> Verdict {
        let settings = kernel.settings();
        let mut offered = BTreeMap::new();
        for life in self.alive.values().filter(|life| life.stage == Stage::Ready && life.is_lines) {
            let missed = life.pings.iter().filter(|sent| **sent + settings.ping_timeout <= step.now).count();
            let hangs = missed >= settings.health_max_failures as usize;
            if hangs && settings.watchdog != Watchdog::Passive && matches!(step.cause, Cause::TimeCame) {
                return Err(format!("{} left {missed} pings unanswered and goes on", life.id));
            }
            for service in &life.offers {
                if let Some(other) = offered.insert(service, &life.id) {
                    return Err(format!("{service} is offered by {other} and by {}", life.id));
                }
            }
        }
        Ok(())
    }

    /// Whoever is ready, stands on a bus of the sender's and hears a topic got the message, but for its sender. Nobody here
    /// has a bridge.
    pub(crate) fn all_reached(&self, step: &Step, kernel: &Ensemble) -> Verdict {
        let Some((from, Incoming::Publish { topic, .. })) = step.said() else { return Ok(()) };
        let reserved = topic.as_str().starts_with("system:") || topic.as_str().starts_with("kernel.");
        let may_speak = |life: &Life| {
            life.stage == Stage::Ready && !life.capabilities.forbid.topics.contains(topic.as_str())
        };
        let speaks = self.alive.get(&from).is_some_and(may_speak) && !reserved;
        let zone = |generation: Generation| {
            let slot = self.alive.get(&generation).map(|life| life.slot)?;
            kernel.view(slot).map(|view| view.zone)
        };
        let of_sender = zone(from);
        let meets = |other: Generation| {
            let other = zone(other);
            other == of_sender || other == Some(Zone::System) || of_sender == Some(Zone::System)
        };
        let hearers = self.alive.iter().filter(|(generation, life)| {
            **generation != from
                && meets(**generation)
                && life.stage == Stage::Ready
                && life.is_lines
                && life.hears.as_ref().is_some_and(|hears| hears_topic(hears, topic))
        });
        let expected = if speaks { hearers.count() } else { 0 };
        if expected == self.reached.len() {
            return Ok(());
        }
        Err(format!("a message on {topic} reached {} of {expected}", self.reached.len()))
    }

    /// Every service in the directory belongs to a module that lives and offers it.
    pub(crate) fn directory(&self, step: &Step, kernel: &Ensemble) -> Verdict {
        let Some((generation, life)) = self.alive.iter().next() else { return Ok(()) };
        let mut copy = kernel.clone();
        let call = Incoming::KernelCall { id: Word::literal("directory"), call: KernelCall::ServiceDiscover };
        copy.handle(step.now, Event::Said(life.slot, *generation, call));
        while let Some(effect) = copy.poll_effect() {
            let Effect::Send(_, _, Outgoing::KernelAnswer { answer: Ok(KernelResult::Services(rows)), .. }) =
                effect
            else {
                continue;
            };
            for (service, id) in rows {
                let view = kernel.find(id.as_str()).and_then(|slot| kernel.view(slot));
                let offered =
                    view.is_some_and(|view| view.generation.is_some() && view.provides.contains(&service));
                if !offered {
                    return Err(format!(
                        "{service} is in the directory as {id}'s, which has no process for it"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn learn(life: &mut Life, kernel: &Ensemble) {
    let Some(spec) = kernel.spec(life.slot) else { return };
    life.capabilities = kernel.capabilities(life.slot).cloned().unwrap_or_default();
    let Capabilities { services, topics, forbid } = &life.capabilities;
    let hears = spec.subscribes.union(topics).filter(|topic| !forbid.topics.contains(*topic));
    life.is_lines = spec.door == Door::Lines;
    life.hears = Some(hears.cloned().collect());
    life.may = services.difference(&forbid.services).cloned().collect();
    life.offers = spec.provides.iter().cloned().collect();
}

fn hears_topic(hears: &BTreeSet<Name>, topic: &Word) -> bool {
    let all = topic.as_str().starts_with("system:module:") && hears.contains("system:module:*");
    all || hears.contains(topic.as_str())
}

/// The payload that a module is spreading, if that is the cause.
fn published(step: &Step) -> Option<(Generation, &Payload)> {
    match step.said() {
        Some((from, Incoming::Publish { payload, .. })) => Some((from, payload)),
        _ => None,
    }
}

fn saved(step: &Step) -> Verdict {
    let explains = |record: &abi::Record| {
        record.code.starts_with("permission.")
            || matches!(record.code, "module.quarantined" | "zone.promoted")
    };
    let explained = step.records.iter().any(explains);
    if explained || matches!(step.cause, Cause::Happened(Event::Spawned(..))) {
        return Ok(());
    }
    Err(String::from("approvals were changed without a record"))
}
