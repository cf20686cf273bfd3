//! From start to ready: beginning a life, waiting for what it needs, activation, and what a module may wait for.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, Name, Reason, Slot};

use crate::effect::{Failure, Notice};
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Stage, Then};
use crate::timers::Timer;
use crate::{Door, Effect, Outgoing, SpawnFault};

impl Kernel {
    /// Starts a module that has no process, or says why not. The caller has journaled why it is started.
    pub(crate) fn begin(&mut self, slot: Slot) -> Result<(), (Failure, String)> {
        if self.shutdown.is_some() {
            return Err((Failure::ShuttingDown, String::from("the system is being shut down")));
        }
        self.take_successor(slot);
        let Some(module) = self.table.get(slot) else {
            return Err((Failure::NotFound, String::from("there is no such module")));
        };
        if module.generation().is_some() {
            return Ok(());
        }
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
    fn spawn(&mut self, slot: Slot) {
        let (generation, now) = (self.next_generation(), self.now);
        let house = self.settings.ready_timeout;
        let Some(module) = self.table.get_mut(slot) else { return };
        module.lives += 1;
        let ready_by = now + module.spec.ready_timeout.unwrap_or(house);
        module.phase = Phase::Running(generation, Stage::Starting);
        module.since = now;
        module.spawned_at = now;
        module.note = String::from("starting");
        module.init_error = None;
        module.ping_sent = 0;
        module.pong_seen = 0;
        module.health_failures = 0;
        module.capabilities = module.derive_capabilities();
        let attempt = u64::from(module.restart_count);
        self.record(self.record_of(slot, "module.starting").number("attempt", attempt));
        self.push(Effect::Spawn(slot, generation));
        self.timers.set(ready_by, Timer::Ready(slot, generation));
    }

    fn hold(&mut self, slot: Slot, missing: &[Name]) {
        let list = list(missing);
        self.record(self.record_of(slot, "module.held").text("for", list.clone()));
        let now = self.now;
        if let Some(module) = self.table.get_mut(slot) {
            module.phase = Phase::Held;
            module.since = now;
            module.note = format!("waits for {list} before it starts");
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
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Starting) {
            return;
        }
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
        if self.table.get(slot).and_then(Module::generation) != Some(generation) {
            return;
        }
        match fault {
            SpawnFault::Failed => {
                self.record(self.record_of(slot, "module.spawn_failed").text("error", why.clone()));
                self.ended(slot, None, &format!("could not be started: {why}"));
            }
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
        if module.phase != Phase::Running(generation, Stage::Starting) {
            return;
        }
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
            module.since = now;
            module.note = format!("waits for {list}");
        }
        self.timers.set(now + self.settings.requires_timeout, Timer::Requires(slot, generation));
    }

    /// A second provider and a circle of requires end the module here; nothing of it stays registered.
    fn refused_at_registration(&mut self, slot: Slot) -> bool {
        let Some(module) = self.table.get(slot) else { return true };
        let pinned_elsewhere = |service: &Name| {
            let owner = self.settings.providers.get(service)?;
            (*owner != module.spec.id).then(|| self.table.find(owner.as_str())).flatten()
        };
        let taken = module.spec.provides.iter().find_map(|service| {
            let other = self.directory.get(service).copied().filter(|other| *other != slot);
            other.or_else(|| pinned_elsewhere(service)).map(|other| (service.clone(), other))
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

    fn register(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        if module.spec.door == Door::Lines {
            for service in &module.spec.provides {
                self.directory.insert(service.clone(), slot);
            }
        }
        let heard = module.spec.subscribes.union(&module.capabilities.topics);
        for topic in heard {
            self.topics.join(topic, slot);
        }
    }

    fn activate(&mut self, slot: Slot) {
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
                if self.is_up(&service) {
                    self.send(slot, Outgoing::ServiceAvailable(service));
                }
            }
            self.timers.set(now + self.settings.health_interval, Timer::Ping(slot, generation));
        }
        self.tell_available(slot, &spec.provides);
        let notice = Notice::Ready { module: spec.id, provides: spec.provides, version: spec.version };
        self.publish_notice("system:module:ready", notice);
        self.succeed_waiters(slot);
    }

    fn tell_available(&mut self, provider: Slot, provides: &[Name]) {
        let mut told = Vec::new();
        for (slot, module) in self.table.iter() {
            if slot != provider && module.is_ready() && module.spec.door == Door::Lines {
                for service in module.spec.optional_requires.iter().filter(|s| provides.contains(s)) {
                    told.push((slot, service.clone()));
                }
            }
        }
        for (slot, service) in told {
            self.send(slot, Outgoing::ServiceAvailable(service));
        }
    }

    /// Activates and starts everything that has all it needs now, until nothing more follows. Each round makes at
    /// least one module ready or begins one, so the number of modules bounds the rounds.
    pub(crate) fn cascade(&mut self) {
        loop {
            let candidate = self.table.iter().find(|(_, module)| {
                let parked = match module.phase {
                    Phase::Held | Phase::Running(_, Stage::Waiting) => true,
                    Phase::Idle(Rest::Crashed | Rest::Stopped) => {
                        module.reason == Some(Reason::RequiresTimeout)
                    }
                    _ => false,
                };
                parked && self.missing(module).is_empty()
            });
            let Some((slot, module)) = candidate else { return };
            match module.phase {
                Phase::Running(..) => self.activate(slot),
                Phase::Held => self.spawn(slot),
                // What gave up waiting starts again by itself, now that its wait would have an end.
                _ => {
                    self.set_reason(slot, Reason::Requested);
                    if self.begin(slot).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// What a module waits for: services that are not up and needed modules that are not ready.
    pub(crate) fn missing(&self, module: &Module) -> Vec<Name> {
        if module.is_ready() {
            return Vec::new();
        }
        let services = module.spec.requires.iter().filter(|service| !self.is_up(service)).cloned();
        let needs = module.spec.needs.iter().filter(|id| !self.is_satisfied(id.as_str())).map(Name::from);
        services.chain(needs).collect()
    }

    fn missing_of(&self, slot: Slot) -> Vec<Name> {
        self.table.get(slot).map(|module| self.missing(module)).unwrap_or_default()
    }

    pub(crate) fn is_up(&self, service: &Name) -> bool {
        let provider = self.directory.get(service).and_then(|slot| self.table.get(*slot));
        provider.is_some_and(Module::is_ready)
    }

    /// A need is met by a module that is ready, or by a one-time job that is done.
    fn is_satisfied(&self, id: &str) -> bool {
        let module = self.table.find(id).and_then(|slot| self.table.get(slot));
        module.is_some_and(|module| module.is_ready() || module.phase == Phase::Idle(Rest::Completed))
    }

    pub(crate) fn ready_timed_out(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Starting) {
            return;
        }
        let after_ms = u64::try_from(self.now.since(module.since).as_millis()).unwrap_or(u64::MAX);
        self.record(self.record_of(slot, "ready.timeout").number("after_ms", after_ms));
        self.note(slot, format!("was not ready after {after_ms} ms"));
        self.fail_waiters(slot, Failure::TimedOut, &format!("was not ready after {after_ms} ms"));
        self.end(slot, Reason::ReadyTimeout, Then::Retry, 0);
    }

    pub(crate) fn requires_timed_out(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Waiting) {
            return;
        }
        let missing = self.missing(module);
        // Whoever waits for a module that is coming back goes on waiting: it would only fail because the other did.
        if missing.iter().all(|name| self.is_coming_back(name)) {
            let again = self.now + self.settings.requires_timeout.max(Duration::from_millis(1));
            return self.timers.set(again, Timer::Requires(slot, generation));
        }
        let list = list(&missing);
        self.record(self.record_of(slot, "requires.timeout").text("missing", list.clone()));
        self.note(slot, format!("required {list}, which did not come"));
        self.fail_waiters(slot, Failure::TimedOut, &format!("required {list}, which did not come"));
        self.end(slot, Reason::RequiresTimeout, Then::Stay, 0);
    }

    fn is_coming_back(&self, name: &Name) -> bool {
        let by_need = self.table.find(name.as_str());
        let mut candidates = self.table.offering(name).iter().copied().chain(by_need);
        candidates.any(|slot| {
            self.table.get(slot).is_some_and(|module| match module.phase {
                Phase::Queued(_) => true,
                Phase::Running(_, Stage::Starting | Stage::Waiting) => module.lives > 1,
                Phase::Ending { then, .. } => matches!(then, Then::Respawn | Then::Retry),
                _ => false,
            })
        })
    }

    pub(crate) fn handle_nack(&mut self, slot: Slot, generation: Generation, id: &Name, error: String) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if id.as_str() == "init" && module.phase == Phase::Running(generation, Stage::Starting) {
            module.init_error = Some(error.clone());
            self.record(self.record_of(slot, "module.init_failed").text("error", error));
        }
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

/// Names as a text for people.
fn list(names: &[Name]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
