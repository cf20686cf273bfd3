//! From start to ready: beginning a life, its registration, and its activation.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Generation, Name, Reason, Slot, Zone};

use crate::effect::{Failure, Notice};
use crate::event::NetBearer;
use crate::governor::Ladder;
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Phase, Rest, Stage, Then};
use crate::spec::{Watchdog, Work};
use crate::timers::Timer;
use crate::waiting::list;
use crate::{Door, Effect, Note, Outgoing, SpawnFault, Word};

/// 1,024 bytes of a module's own words on why it can't start are kept, in its note and in the journal: people read them.
const INIT_ERROR_BYTES_MAX: usize = 1024;

/// Said of a life that outlived its SIGKILL.
pub(crate) const UNKILLABLE: &str = "was killed, yet the operating system has not let it go";

impl Kernel {
    /// Starts a module that has no process, or says why not, also to everyone who waits for it. The caller has
    /// journaled why it is started.
    pub(crate) fn begin(&mut self, slot: Slot) -> Result<(), (Failure, String)> {
        let begun = self.try_begin(slot);
        if let Err((failure, why)) = &begun {
            self.fail_waiters(slot, *failure, why);
        }
        begun
    }

    fn try_begin(&mut self, slot: Slot) -> Result<(), (Failure, String)> {
        if self.shutdown.is_some() {
            return Err((Failure::ShuttingDown, String::from("the system is being shut down")));
        }
        let Some(module) = self.table.get_mut(slot) else {
            return Err((Failure::NotFound, String::from("there is no such module")));
        };
        if module.generation().is_some() {
            return Ok(());
        }
        if let Some(why) = self.kept_out(slot) {
            self.rest(slot, Rest::Stopped, why.clone());
            return Err((Failure::Refused, why));
        }
        let Some(module) = self.table.get_mut(slot) else { return Ok(()) };
        if let Some((_, then)) = &mut module.lingering {
            *then = Then::Respawn;
            return Err((Failure::Refused, format!("{UNKILLABLE}; it starts when that has happened")));
        }
        self.take_successor(slot);
        let Some(module) = self.table.get(slot) else { return Ok(()) };
        if let Some(why) = module.refused.clone() {
            self.refuse(slot, &why);
            return Err((Failure::Refused, why));
        }
        if module.grants.base.is_none() {
            let why = format!("not approved; approve it with: ostoja module approve {}", module.spec.id);
            self.refuse(slot, &why);
            return Err((Failure::Denied, why));
        }
        if module.spec.door == Door::Plain {
            if let Some(way) = graph::cycle(&self.table, slot) {
                let why = self.cycle_sentence(&way);
                self.record(self.record_of(slot, "service.cycle").text("cycle", self.way_text(&way)));
                self.rest(slot, Rest::Refused, why.clone());
                self.set_reason(slot, Reason::CircularDependency);
                return Err((Failure::Refused, why));
            }
            if let missing @ [_, ..] = self.missing_of(slot).as_slice() {
                self.hold(slot, missing);
                return Ok(());
            }
        }
        self.spawn(slot);
        Ok(())
    }

    /// The life itself. The phase comes first, so that whatever follows sees a module with a generation.
    pub(crate) fn spawn(&mut self, slot: Slot) {
        let (generation, now) = (self.next_generation(), self.now);
        let house = self.settings.ready_timeout;
        let Some(module) = self.table.get_mut(slot) else { return };
        module.lives += 1;
        let lasting = module.spec.work == Work::Lasting;
        let ready_within = module.spec.ready_timeout.or(lasting.then_some(house));
        module.phase = Phase::Running(generation, Stage::Starting);
        module.since = now;
        module.spawned_at = now;
        module.note = String::from("starting");
        module.reason = None;
        module.greeted = false;
        module.init_error = None;
        module.ping_sent = 0;
        module.pong_seen = 0;
        module.health_failures = 0;
        module.overdue = false;
        module.ladder = Ladder::default();
        module.net_bearer = NetBearer::default();
        module.capabilities = module.derive_capabilities();
        let attempt = u64::from(module.restart_count);
        self.record(self.record_of(slot, "module.starting").number("attempt", attempt));
        if let Some(badge) = self.badge_of(slot, generation) {
            self.push(Effect::Note(slot, generation, Note::Began(badge)));
        }
        self.push(Effect::Spawn(slot, generation));
        if let Some(within) = ready_within {
            self.timers.set(now + within, Timer::Ready(slot, generation));
        }
    }

    pub(crate) fn refuse(&mut self, slot: Slot, why: &str) {
        let told = self
            .table
            .get(slot)
            .is_some_and(|module| module.phase == Phase::Idle(Rest::Refused) && module.note == why);
        if !told {
            self.record(self.record_of(slot, "module.refused").text("why", why));
        }
        self.rest(slot, Rest::Refused, String::from(why));
        // That it is refused says more than why an earlier life was ended.
        if let Some(module) = self.table.get_mut(slot) {
            module.reason = None;
        }
    }

    /// No process, and for this reason.
    pub(crate) fn rest(&mut self, slot: Slot, rest: Rest, note: String) {
        let now = self.now;
        if let Some(module) = self.table.get_mut(slot) {
            module.phase = Phase::Idle(rest);
            module.since = now;
            module.note = note;
        }
    }

    pub(crate) fn set_reason(&mut self, slot: Slot, reason: Reason) {
        if let Some(module) = self.table.get_mut(slot) {
            module.reason = Some(reason);
        }
    }

    pub(crate) fn handle_spawned(&mut self, slot: Slot, generation: Generation) {
        self.candidate_spawned(slot, generation);
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Starting) || module.greeted {
            return;
        }
        module.greeted = true;
        let first = !module.grants.spawned_before;
        let door = module.spec.door;
        if first {
            module.grants.spawned_before = true;
            let saved = Effect::SaveGrants(module.spec.id.clone(), module.grants.clone());
            self.push(saved);
        }
        match door {
            Door::Lines => {
                if first {
                    self.send(slot, Outgoing::Install);
                }
                self.send(slot, Outgoing::Init);
            }
            Door::Plain => self.push(Effect::Watch(slot, generation)),
        }
    }

    pub(crate) fn handle_spawn_failed(
        &mut self,
        slot: Slot,
        generation: Generation,
        fault: SpawnFault,
        why: String,
    ) {
        let Some(module) = self.table.get(slot) else { return };
        if module.generation() != Some(generation) {
            return self.candidate_unborn(slot, generation, fault, &why);
        }
        let told_to_end = matches!(module.phase, Phase::Ending { .. });
        match fault {
            SpawnFault::Failed => {
                self.record(self.record_of(slot, "module.spawn_failed").text("error", why.clone()));
                self.ended(slot, None, &format!("could not be started: {why}"));
            }
            SpawnFault::Refused if told_to_end => self.ended(slot, None, &why),
            SpawnFault::Refused => {
                self.record(self.record_of(slot, "module.refused").text("why", why.clone()));
                self.release(slot);
                self.rest(slot, Rest::Refused, why.clone());
                self.fail_waiters(slot, Failure::Denied, &why);
            }
        }
    }

    /// The module says, or shows, that it is ready.
    pub(crate) fn handle_ready(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        // A plain command that does one-time work is never ready: it is there when it is done.
        let is_job = module.spec.door == Door::Plain && module.spec.work == Work::Once;
        let is_starting = module.phase == Phase::Running(generation, Stage::Starting);
        if is_job || !is_starting || module.taking.is_some() {
            return;
        }
        if !self.looks_for_state(slot, generation) {
            self.come_in(slot, generation);
        }
    }

    /// It is ready and has what an earlier life left it: others may know of it from here on.
    pub(crate) fn come_in(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        if module.spec.door == Door::Lines && self.refused_at_registration(slot) {
            return;
        }
        self.register(slot);
        let missing = self.missing_of(slot);
        if missing.is_empty() {
            self.activate(slot);
            return self.cascade();
        }
        let (now, list) = (self.now, list(&missing));
        self.record(self.record_of(slot, "module.waiting").text("for", list.clone()));
        if let Some(module) = self.table.get_mut(slot) {
            module.phase = Phase::Running(generation, Stage::Waiting);
            module.overdue = false;
            module.since = now;
            module.note = format!("waits for {list}");
        }
        self.timers.set(now + self.settings.requires_timeout, Timer::Requires(slot, generation));
    }

    /// A second provider and a circle of requires end the module here; nothing of it stays registered.
    fn refused_at_registration(&mut self, slot: Slot) -> bool {
        self.oust_lower(slot);
        let Some(module) = self.table.get(slot) else { return true };
        let pinned_elsewhere = |service: &Name| {
            let owner = self.settings.providers.get(service)?;
            (*owner != module.spec.id).then(|| self.table.find(owner.as_str())).flatten()
        };
        let taken = module.spec.provides.iter().find_map(|service| {
            let other = self.directory.get(service).copied().filter(|other| *other != slot);
            let claimed = || self.claimed_above(module.zone(), service);
            other.or_else(|| pinned_elsewhere(service)).or_else(claimed).map(|other| (service.clone(), other))
        });
        if let Some((service, other)) = taken {
            let provider = self.name_of(other);
            self.record(
                self.record_of(slot, "service.duplicate")
                    .text("service", service.as_str())
                    .text("provider", provider.clone()),
            );
            self.note(slot, format!("offers `{service}`, which `{provider}` offers already"));
            self.end(slot, Reason::DuplicateService, Then::Stay, 0);
            return true;
        }
        if let Some(way) = graph::cycle(&self.table, slot) {
            self.record(self.record_of(slot, "service.cycle").text("cycle", self.way_text(&way)));
            self.note(slot, self.cycle_sentence(&way));
            self.end(slot, Reason::CircularDependency, Then::Stay, 0);
            return true;
        }
        false
    }

    /// Who offers a service by its manifest in a higher zone, whether it runs or not: nobody below may take it.
    fn claimed_above(&self, zone: Zone, service: &Name) -> Option<Slot> {
        let zone_of = |slot: &Slot| self.table.get(*slot).map(|module| module.zone());
        self.table.offering(service).iter().copied().find(|other| zone_of(other) > Some(zone))
    }

    /// Who came before it from a lower zone and offers what is its own has to go.
    fn oust_lower(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let (zone, provides) = (module.zone(), module.spec.provides.clone());
        for service in provides {
            let Some(other) = self.directory.get(&service).copied() else { continue };
            if self.table.get(other).is_none_or(|module| module.zone() >= zone) {
                continue;
            }
            self.directory.remove(&service);
            let record = self.record_of(other, "service.duplicate").text("service", service.as_str());
            self.record(record.text("provider", self.name_of(slot)));
            self.note(
                other,
                format!("offers `{service}`, which belongs to `{}` of a higher zone", self.name_of(slot)),
            );
            self.end(other, Reason::DuplicateService, Then::Stay, 0);
        }
    }

    fn register(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        if module.spec.door == Door::Lines {
            for service in &module.spec.provides {
                self.directory.insert(service.clone(), slot);
            }
        }
        self.join_topics(slot);
    }

    pub(crate) fn join_topics(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        for topic in module.spec.subscribes.union(&module.capabilities.topics) {
            self.topics.join(topic, slot);
        }
    }

    pub(crate) fn activate(&mut self, slot: Slot) {
        let now = self.now;
        let Some(module) = self.table.get_mut(slot) else { return };
        let Phase::Running(generation, _) = module.phase else { return };
        module.phase = Phase::Running(generation, Stage::Ready);
        module.since = now;
        module.note = String::new();
        module.reason = None;
        let after_ms = now.since(module.spawned_at).as_millis();
        let spec = module.spec.clone();
        let after_ms = u64::try_from(after_ms).unwrap_or(u64::MAX);
        self.record(self.record_of(slot, "module.ready").number("after_ms", after_ms));
        if spec.door == Door::Lines {
            self.send(slot, Outgoing::DepsReady);
            for service in spec.optional_requires {
                if self.table.get(slot).is_some_and(|module| self.is_up_for(module, &service)) {
                    self.send(slot, Outgoing::ServiceAvailable(service));
                }
            }
            self.timers.set(now + self.settings.health_interval, Timer::Ping(slot, generation));
        }
        // Its proxy takes calls from here on, so that none overtakes the frames above.
        self.push(Effect::Note(slot, generation, Note::Ready));
        self.begin_probation(slot);
        self.tell_available(slot, &spec.provides);
        let notice = Notice::Ready { module: spec.id, provides: spec.provides, version: spec.version };
        self.publish_notice("system:module:ready", notice);
        // Whoever waits for one-time work waits for its end.
        if spec.work == Work::Lasting {
            self.succeed_waiters(slot);
        }
    }

    pub(crate) fn tell_available(&mut self, provider: Slot, provides: &[Name]) {
        let mut told = Vec::new();
        for (slot, module) in self.table.iter() {
            if slot != provider && module.is_ready() && module.spec.door == Door::Lines {
                let wanted = module.spec.optional_requires.iter().filter(|s| provides.contains(s));
                // What is offered in the other zone alone is none of its business.
                let there = wanted.filter(|service| self.is_up_for(module, service));
                told.extend(there.map(|service| (slot, service.clone())));
            }
        }
        for (slot, service) in told {
            self.send(slot, Outgoing::ServiceAvailable(service));
        }
    }

    pub(crate) fn ready_timed_out(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        let is_late = match module.phase {
            Phase::Running(running, Stage::Starting) => running == generation && module.taking.is_none(),
            // One-time work has its time for all of it.
            Phase::Running(running, Stage::Waiting | Stage::Ready) => {
                running == generation && module.spec.work == Work::Once
            }
            Phase::Idle(_) | Phase::Held | Phase::Queued(_) | Phase::Ending { .. } => false,
        };
        if !is_late {
            return;
        }
        let after_ms = u64::try_from(self.now.since(module.spawned_at).as_millis()).unwrap_or(u64::MAX);
        self.record(self.record_of(slot, "ready.timeout").number("after_ms", after_ms));
        self.trouble(slot, "it was not ready in time");
        self.note(slot, format!("was not ready after {after_ms} ms"));
        self.fail_waiters(slot, Failure::TimedOut, &format!("was not ready after {after_ms} ms"));
        if self.only_reported(slot) {
            return;
        }
        self.end(slot, Reason::ReadyTimeout, Then::Retry, 0);
    }

    /// Whether nothing follows a time that was missed but saying so: the watchdog is passive.
    pub(crate) fn only_reported(&mut self, slot: Slot) -> bool {
        if self.settings.watchdog != Watchdog::Passive {
            return false;
        }
        if let Some(module) = self.table.get_mut(slot) {
            module.overdue = true;
        }
        self.record(self.record_of(slot, "timeout.reported"));
        true
    }

    pub(crate) fn handle_nack(&mut self, slot: Slot, generation: Generation, id: &Word, mut error: String) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if id.as_str() == "init" && module.phase == Phase::Running(generation, Stage::Starting) {
            error.truncate(error.floor_char_boundary(INIT_ERROR_BYTES_MAX));
            module.init_error = Some(error.clone());
            self.record(self.record_of(slot, "module.init_failed").text("error", error));
            return;
        }
        if self.keeps_none(slot, id, &error)
            || self.state_not_taken(slot, generation, id, &error)
            || self.cut_refused(slot, id, &error)
        {
            return;
        }
        self.state_refused(slot, id, error);
    }

    pub(crate) fn note(&mut self, slot: Slot, note: String) {
        if let Some(module) = self.table.get_mut(slot) {
            module.note = note;
        }
    }

    pub(crate) fn name_of(&self, slot: Slot) -> String {
        self.table.get(slot).map(|module| String::from(module.spec.id.as_str())).unwrap_or_default()
    }

    fn way_text(&self, way: &[Slot]) -> String {
        let names: Vec<String> = way.iter().map(|slot| self.name_of(*slot)).collect();
        names.join(" -> ")
    }

    fn cycle_sentence(&self, way: &[Slot]) -> String {
        format!("what it requires comes back to itself: {}", self.way_text(way))
    }
}

#[cfg(test)]
mod tests;
