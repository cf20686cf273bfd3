//! From ready to gone: telling a module to end, what its end means, and what it leaves behind.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use abi::{ExitKind, Generation, Reason, Slot, Time};

use crate::effect::{Failure, Notice, Signal};
use crate::keeping::Asks;
use crate::life::UNKILLABLE;
use crate::machine::Kernel;
use crate::module::{Phase, Rest, Then};
use crate::spec::{RestartRule, Work};
use crate::timers::Timer;
use crate::{Door, Effect, Note, Outgoing};

/// 5 s from SIGKILL until a process that is still not reaped is given up: it hangs in the operating system.
const REAP_PATIENCE: Duration = Duration::from_secs(5);

/// 1 s: an earlier exit is most often a wrong entry point, and is told so.
const EARLY_EXIT: Duration = Duration::from_secs(1);

impl Kernel {
    /// Tells a module to end. Without a process it rests at once; on its way out already, only what follows changes.
    pub(crate) fn end(&mut self, slot: Slot, reason: Reason, then: Then, tier: u32) {
        self.end_as(slot, reason, then, tier, Asks::State);
    }

    /// The same, with a word on what becomes of its state.
    pub(crate) fn end_as(&mut self, slot: Slot, reason: Reason, then: Then, tier: u32, asks: Asks) {
        if then == Then::Retry && self.fall_back_from(slot, reason.as_str(), None) {
            return;
        }
        self.end_sides(slot, "the module is to end");
        let Some(module) = self.table.get_mut(slot) else { return };
        let generation = match &mut module.phase {
            Phase::Idle(_) => {
                return if then == Then::Forget {
                    self.forget(slot)
                };
            }
            Phase::Held | Phase::Queued(_) => return self.end_without_process(slot, reason, then),
            Phase::Ending { .. } => return module.amend_end(then),
            Phase::Running(generation, _) => *generation,
        };
        let ready_at = module.ready_at();
        let gives_state = asks == Asks::State && module.gives_state(reason, then);
        module.phase = Phase::Ending { generation, reason, then, ready_at, tier };
        self.forget_taking(slot, generation);
        self.leave_cut(slot);
        // What is frozen could not end.
        self.let_go(slot, generation);
        let Some(module) = self.table.get_mut(slot) else { return };
        module.since = self.now;
        module.reason = Some(reason);
        let (door, id) = (module.spec.door, module.spec.id.clone());
        let grace = module.spec.shutdown_grace.unwrap_or(self.settings.shutdown_grace);
        // A module that hangs or breaks rules gets no time to go on with it.
        let hard = matches!(reason, Reason::HealthCheckFailed | Reason::SecurityViolation | Reason::Overload);
        let grace = if hard { Duration::ZERO } else { grace };
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.push(Effect::Note(slot, generation, Note::Ending));
        let record = self.record_of(slot, "module.stopping").text("reason", reason.as_str());
        self.record(record.number("grace_ms", grace_ms));
        self.publish_notice("system:module:stopping", Notice::Stopping { module: id, tier });
        if hard {
            return self.kill(slot, generation);
        }
        if gives_state {
            return self.ask_before_end(slot, generation);
        }
        match door {
            Door::Lines => self.send(slot, Outgoing::Shutdown),
            Door::Plain => self.push(Effect::Signal(slot, generation, Signal::Stop)),
        }
        self.timers.set(self.now + grace, Timer::Grace(slot, generation));
    }

    fn end_without_process(&mut self, slot: Slot, reason: Reason, then: Then) {
        self.set_reason(slot, reason);
        self.record(self.record_of(slot, "module.stopped").text("reason", reason.as_str()));
        self.rest(slot, Rest::Stopped, format!("stopped: {reason}"));
        self.publish_stopped(slot, reason);
        self.follow(slot, then, self.now, None);
    }

    pub(crate) fn kill(&mut self, slot: Slot, generation: Generation) {
        self.push(Effect::Signal(slot, generation, Signal::Kill));
        self.timers.set(self.now + REAP_PATIENCE, Timer::Reap(slot, generation));
    }

    pub(crate) fn grace_over(&mut self, slot: Slot, generation: Generation) {
        self.side_grace_over(slot, generation);
        let Some(module) = self.table.get(slot) else { return };
        let Phase::Ending { generation: ending, .. } = module.phase else { return };
        if ending == generation {
            let after_ms = u64::try_from(self.now.since(module.since).as_millis()).unwrap_or(u64::MAX);
            self.record(self.record_of(slot, "module.killed").number("after_ms", after_ms));
            self.kill(slot, generation);
        }
    }

    pub(crate) fn reap_overdue(&mut self, slot: Slot, generation: Generation) {
        self.side_reap_overdue(slot, generation);
        let Some(module) = self.table.get_mut(slot) else { return };
        let Phase::Ending { generation: ending, then, .. } = module.phase else { return };
        if ending != generation {
            return;
        }
        module.lingering = Some((generation, then));
        if then != Then::Forget {
            module.amend_end(Then::Stay);
        }
        self.record(self.record_of(slot, "module.unkillable"));
        self.fail_gone(slot, UNKILLABLE);
        self.ended(slot, None, UNKILLABLE);
    }

    /// The operating system has let a life go that was given up: what was to follow it follows now.
    fn lingering_gone(&mut self, slot: Slot, exit: ExitKind) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let Some((_, then)) = module.lingering.take() else { return };
        let awaited = matches!(module.phase, Phase::Idle(_)) && !module.kept_down;
        self.record(self.record_of(slot, "module.reaped_late").text("exit", format!("{exit}")));
        if awaited && self.shutdown.is_none() && matches!(then, Then::Respawn | Then::Retry) {
            self.follow(slot, then, self.now, Some(exit));
        }
    }

    pub(crate) fn handle_exited(&mut self, slot: Slot, generation: Generation, exit: ExitKind) {
        let Some(module) = self.table.get(slot) else { return };
        if module.generation() == Some(generation) {
            self.ended(slot, Some(exit), "");
        } else if module.lingering.is_some_and(|(lingering, _)| lingering == generation) {
            self.lingering_gone(slot, exit);
        } else {
            self.side_exited(slot, generation, exit);
        }
    }

    /// A life is over: by our wish or by itself.
    pub(crate) fn ended(&mut self, slot: Slot, exit: Option<ExitKind>, why: &str) {
        self.state_way_ends(slot);
        self.leave_cut(slot);
        let Some(module) = self.table.get(slot) else { return };
        let (phase, ready_at) = (module.phase, module.ready_at());
        let stopped = matches!(phase, Phase::Ending { .. });
        if stopped {
            let Phase::Ending { reason, then, .. } = phase else { return };
            let note = match (has_note(reason), why) {
                (true, "") => module.note.clone(),
                (true, why) => format!("{}; {why}", module.note),
                (false, "") => format!("stopped: {reason}"),
                (false, why) => format!("stopped: {reason}; {why}"),
            };
            let record = self.record_of(slot, "module.stopped").text("reason", reason.as_str());
            self.record(match exit {
                Some(exit) => record.text("exit", format!("{exit}")),
                None => record,
            });
            self.release(slot);
            self.rest(slot, Rest::Stopped, note);
            self.publish_stopped(slot, reason);
            return self.follow(slot, then, ready_at.unwrap_or(self.now), exit);
        }
        self.ended_unexpectedly(slot, exit, why, ready_at.unwrap_or(self.now));
    }

    fn ended_unexpectedly(&mut self, slot: Slot, exit: Option<ExitKind>, why: &str, ready_at: Time) {
        if let Some(exit) = exit
            && self.fall_back_from(slot, &format!("left with {exit}"), Some(exit))
        {
            return;
        }
        self.over = self.table.get(slot).and_then(crate::module::Module::generation);
        self.end_sides(slot, "the old life ended");
        self.over = None;
        let Some(module) = self.table.get(slot) else { return };
        let lived = self.now.since(module.spawned_at);
        let lived_ms = u64::try_from(lived.as_millis()).unwrap_or(u64::MAX);
        let how = exit.map_or_else(|| String::from(why), |exit| format!("left with {exit}"));
        let told = module.init_error.as_ref().map_or_else(String::new, |error| format!("; it said: {error}"));
        let success = exit.is_some_and(ExitKind::is_success);
        let done = match module.spec.restart {
            // One-time work that is done is not done again, whatever the rule.
            RestartRule::Always => success && module.spec.work == Work::Once,
            RestartRule::OnFailure => success,
            RestartRule::Never => true,
        };
        let early = lived < EARLY_EXIT && exit.is_some() && module.state() == abi::State::Starting;
        let hint = if early && !(done && success) { "; that early, look at the entry point" } else { "" };
        let note = format!("{how} after {lived_ms} ms{told}{hint}");
        let code = if done && success { "module.completed" } else { "module.exited" };
        let record = self.record_of(slot, code).text("exit", how).number("after_ms", lived_ms);
        self.record(record.text("state", module.state().as_str()));
        if done {
            let rest = if success { Rest::Completed } else { Rest::Crashed };
            self.release(slot);
            self.rest(slot, rest, note.clone());
            if success {
                self.publish_stopped(slot, Reason::Requested);
                self.succeed_waiters(slot);
                self.cascade();
            } else {
                self.publish_crashed(slot, exit);
                self.fail_waiters(slot, Failure::Failed, &note);
            }
            return;
        }
        self.release(slot);
        self.rest(slot, Rest::Crashed, note);
        self.plan_restart(slot, ready_at, exit);
    }

    /// What a stopped module does next. Whoever wanted it gone has that now, whatever follows.
    fn follow(&mut self, slot: Slot, then: Then, ready_at: Time, exit: Option<ExitKind>) {
        self.settle_gone(slot);
        match then {
            Then::Stay => self.stay(slot),
            Then::Forget => self.forget(slot),
            Then::Respawn => {
                // Those who wait are told about a refusal by it.
                let _refused = self.begin(slot);
            }
            Then::Retry => self.plan_restart(slot, ready_at, exit),
            // Those who wait for it go on waiting: it comes back with the others.
            Then::Gather => {}
        }
    }

    pub(crate) fn stay(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let (note, waited_in_vain) = (module.note.clone(), module.reason == Some(Reason::RequiresTimeout));
        let changed = self.take_successor(slot);
        self.fail_waiters(slot, Failure::Failed, &note);
        if changed {
            self.begin_if_wanted(slot);
        }
        if waited_in_vain {
            // What it gave up waiting for may have come while it ended.
            self.cascade();
        }
    }

    /// Takes back everything that belongs to the life that is over.
    pub(crate) fn release(&mut self, slot: Slot) {
        let offered = self.table.get(slot).map(|module| module.spec.provides.clone());
        for service in offered.into_iter().flatten() {
            if self.directory.get(&service) == Some(&slot) {
                self.directory.remove(&service);
            }
        }
        self.topics.leave(slot);
        self.watches.leave(slot);
        if let Some(generation) = self.table.get(slot).and_then(crate::module::Module::generation) {
            self.push(Effect::Note(slot, generation, Note::Gone));
        }
        if let Some(module) = self.table.get_mut(slot) {
            module.capabilities = crate::Capabilities::default();
        }
    }

    pub(crate) fn forget(&mut self, slot: Slot) {
        self.settle_gone(slot);
        self.fail_waiters(slot, Failure::NotFound, "it was removed");
        self.sum_up_refusals(slot);
        self.abort_swap(slot, "the module is forgotten");
        self.forget_sides(slot);
        if let Some(module) = self.table.remove(slot) {
            self.forget_context(&module.spec.id);
            self.record(abi::Record::new("module.forgotten").of(&module.spec.id, None));
            self.push(Effect::Forgotten(slot, module.spec.id));
        }
    }

    fn publish_stopped(&mut self, slot: Slot, reason: Reason) {
        if let Some(module) = self.table.get(slot) {
            let notice = Notice::Stopped { module: module.spec.id.clone(), reason };
            self.publish_notice("system:module:stopped", notice);
        }
    }

    pub(crate) fn publish_crashed(&mut self, slot: Slot, exit: Option<ExitKind>) {
        if let Some(module) = self.table.get(slot) {
            let (module, restart_count) = (module.spec.id.clone(), module.restart_count);
            self.publish_notice("system:module:crashed", Notice::Crashed { module, exit, restart_count });
        }
    }
}

/// Whether a module that is ended for this reason has been given a note that says more than the reason.
fn has_note(reason: Reason) -> bool {
    match reason {
        Reason::SecurityViolation
        | Reason::DuplicateService
        | Reason::CircularDependency
        | Reason::RequiresTimeout
        | Reason::ReadyTimeout
        | Reason::HealthCheckFailed
        | Reason::ConfigUpdate
        | Reason::Overload => true,
        Reason::Requested
        | Reason::Shutdown
        | Reason::HotSwap
        | Reason::PermissionUpdate
        | Reason::PermissionsRevoked
        | Reason::Uninstalled
        | Reason::Strategy
        | Reason::SafeMode => false,
    }
}

#[cfg(test)]
mod tests;
