//! What a module waits for: services that are not up and modules that are not ready; how long, and what ends the wait.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, Name, Reason, Slot};

use crate::effect::Failure;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Stage, Then};
use crate::spec::Work;
use crate::timers::Timer;

/// 1 ms: the least time that a wait which is given anew lasts, so that it passes between two looks at it.
const PATIENCE_LEAST: Duration = Duration::from_millis(1);

impl Kernel {
    pub(crate) fn hold(&mut self, slot: Slot, missing: &[Name]) {
        let list = list(missing);
        self.record(self.record_of(slot, "module.held").text("for", list.clone()));
        let now = self.now;
        if let Some(module) = self.table.get_mut(slot) {
            module.phase = Phase::Held;
            module.since = now;
            module.note = format!("waits for {list} before it starts");
        }
        self.timers.set(now + self.settings.requires_timeout, Timer::Held(slot));
    }

    /// Whoever ordered the start is answered in time; the module goes on waiting, it costs nothing.
    pub(crate) fn held_too_long(&mut self, slot: Slot) {
        let patience = self.settings.requires_timeout;
        let Some(module) = self.table.get(slot) else { return };
        if module.phase != Phase::Held {
            return;
        }
        if self.now.since(module.since) < patience {
            return self.timers.set(module.since + patience, Timer::Held(slot));
        }
        if self.missing(module).iter().all(|name| self.is_coming_back(name)) {
            return self.timers.set(self.now + patience.max(PATIENCE_LEAST), Timer::Held(slot));
        }
        let note = module.note.clone();
        self.fail_waiters(slot, Failure::TimedOut, &note);
    }

    pub(crate) fn requires_timed_out(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Waiting) {
            return;
        }
        let missing = self.missing(module);
        // Whoever waits for a module that is coming back goes on waiting: it would only fail because the other did.
        if missing.iter().all(|name| self.is_coming_back(name)) {
            let again = self.now + self.settings.requires_timeout.max(PATIENCE_LEAST);
            return self.timers.set(again, Timer::Requires(slot, generation));
        }
        let list = list(&missing);
        self.record(self.record_of(slot, "requires.timeout").text("missing", list.clone()));
        self.note(slot, format!("required {list}, which did not come"));
        self.fail_waiters(slot, Failure::TimedOut, &format!("required {list}, which did not come"));
        if self.only_reported(slot) {
            return;
        }
        self.end(slot, Reason::RequiresTimeout, Then::Stay, 0);
    }

    fn is_coming_back(&self, name: &Name) -> bool {
        let by_need = self.table.find(name.as_str());
        let mut candidates = self.table.offering(name).iter().copied().chain(by_need);
        candidates.any(|slot| {
            self.table.get(slot).is_some_and(|module| match module.phase {
                Phase::Queued(_) => true,
                Phase::Running(_, Stage::Starting | Stage::Waiting) => {
                    (module.lives > 1 || module.spec.work == Work::Once) && !module.overdue
                }
                Phase::Running(_, Stage::Ready) => module.spec.work == Work::Once && !module.overdue,
                Phase::Ending { then, .. } => matches!(then, Then::Respawn | Then::Retry | Then::Gather),
                _ => self.is_gathering(&module.spec.id),
            })
        })
    }

    /// Activates and starts everything that has all it needs now, until nothing more follows. Each round makes at
    /// least one module ready or begins one, so the number of modules bounds the rounds.
    pub(crate) fn cascade(&mut self) {
        loop {
            let parked = |module: &Module| match module.phase {
                Phase::Held | Phase::Running(_, Stage::Waiting) => true,
                Phase::Idle(_) => self.gave_up_waiting(module),
                Phase::Queued(_) | Phase::Running(..) | Phase::Ending { .. } => false,
            };
            let candidate =
                self.table.iter().find(|(_, module)| parked(module) && self.missing(module).is_empty());
            let Some((slot, module)) = candidate else { return };
            match module.phase {
                Phase::Running(..) => self.activate(slot),
                Phase::Held => self.spawn(slot),
                Phase::Idle(_) | Phase::Queued(_) | Phase::Ending { .. } => {
                    self.set_reason(slot, Reason::Requested);
                    // A refusal is journaled where it is found; the others go on.
                    let _refused = self.begin(slot);
                }
            }
        }
    }

    /// What gave up waiting starts again by itself, once its wait would have an end.
    fn gave_up_waiting(&self, module: &Module) -> bool {
        matches!(module.phase, Phase::Idle(Rest::Crashed | Rest::Stopped))
            && module.reason == Some(Reason::RequiresTimeout)
            && !module.kept_down
            && self.shutdown.is_none()
    }

    /// What a module waits for: services that are not up and needed modules that are not ready.
    pub(crate) fn missing(&self, module: &Module) -> Vec<Name> {
        if module.is_ready() {
            return Vec::new();
        }
        let services =
            module.spec.requires.iter().filter(|service| !self.is_up_for(module, service)).cloned();
        let needs = module.spec.needs.iter().filter(|id| !self.is_satisfied(id.as_str())).map(Name::from);
        services.chain(needs).collect()
    }

    pub(crate) fn missing_of(&self, slot: Slot) -> Vec<Name> {
        self.table.get(slot).map(|module| self.missing(module)).unwrap_or_default()
    }

    /// Whether somebody who is ready offers a service where this module can reach it.
    pub(crate) fn is_up_for(&self, module: &Module, service: &Name) -> bool {
        let provider = self.directory.get(service).and_then(|slot| self.table.get(*slot));
        provider.is_some_and(|provider| provider.is_ready() && self.is_in_reach(module, provider, service))
    }

    /// The first service that a module waits for though somebody offers it, only on the other zone's bus.
    fn out_of_reach(&self, module: &Module) -> Option<String> {
        module.spec.requires.iter().find_map(|service| {
            let provider = self.directory.get(service).and_then(|slot| self.table.get(*slot))?;
            let (id, zone) = (&provider.spec.id, provider.zone());
            (!self.is_in_reach(module, provider, service)).then(|| {
                format!("`{service}` of `{id}` is on the bus of the {zone} zone: one of both needs the permission `bridge {service}`")
            })
        })
    }

    /// A need is met by a module that is ready, or by a one-time job that is done.
    fn is_satisfied(&self, id: &str) -> bool {
        let module = self.table.find(id).and_then(|slot| self.table.get(slot));
        module.is_some_and(Module::is_there)
    }

    /// What became of the first module that this one waits for in vain: the reason behind its wait.
    pub(crate) fn cause_of_wait(&self, module: &Module) -> Option<String> {
        if let Some(why) = self.out_of_reach(module) {
            return Some(why);
        }
        let needs = module.spec.needs.iter().filter_map(|id| self.table.find(id.as_str()));
        let mut awaited = needs.filter_map(|slot| self.table.get(slot));
        let cause = awaited.find(|other| {
            let failed = matches!(
                other.phase,
                Phase::Queued(_) | Phase::Idle(Rest::Crashed | Rest::Refused | Rest::Stopped)
            );
            failed && !other.note.is_empty()
        })?;
        Some(format!("`{}` is {}: {}", cause.spec.id, cause.state(), cause.note))
    }
}

/// Names as a text for people.
pub(crate) fn list(names: &[Name]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests;
