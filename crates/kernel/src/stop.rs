//! From ready to gone: telling a module to end, what its end means, restarts, and the ordered shutdown of all.
//!
//! Shutdown: everything that only waits rests at once. What runs is told to end in tiers, dependents first; a tier
//! begins when the one before is gone. Each module has its grace, then SIGKILL, then [`REAP_PATIENCE`]; so the whole
//! takes at most the sum over its tiers. A second order to shut down kills what is left without waiting.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{ExitKind, Generation, Reason, RequestId, Slot, Time};

use crate::effect::{Answer, Failure, Notice, Signal};
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Then};
use crate::restart::{Policy, Verdict};
use crate::spec::{GiveUp, RestartRule, Strategy, Watchdog};
use crate::timers::Timer;
use crate::{Door, Effect, Outgoing};

/// 5 s from SIGKILL until a process that is still not reaped is given up: it hangs in the operating system.
const REAP_PATIENCE: Duration = Duration::from_secs(5);

/// 1 s: an earlier exit is most often a wrong entry point, and is told so.
const EARLY_EXIT: Duration = Duration::from_secs(1);

/// A shutdown under way.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    tiers: Vec<Vec<Slot>>,
    at: usize,
    pub(crate) requests: Vec<RequestId>,
    finished: bool,
}

impl Kernel {
    /// Tells a module to end. Without a process it rests at once; on its way out already, only what follows changes.
    pub(crate) fn end(&mut self, slot: Slot, reason: Reason, then: Then, tier: u32) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let generation = match &mut module.phase {
            Phase::Idle(_) => {
                return if then == Then::Forget {
                    self.forget(slot)
                };
            }
            Phase::Held | Phase::Queued(_) => return self.end_without_process(slot, reason, then),
            Phase::Ending { then: earlier, .. } => {
                // A module that is being forgotten is not brought back by a wish that comes later.
                if *earlier != Then::Forget {
                    *earlier = then;
                }
                return;
            }
            Phase::Running(generation, _) => *generation,
        };
        let ready_at = module.ready_at();
        module.phase = Phase::Ending { generation, reason, then, ready_at, tier };
        module.since = self.now;
        module.reason = Some(reason);
        let (door, id) = (module.spec.door, module.spec.id.clone());
        let grace = module.spec.shutdown_grace.unwrap_or(self.settings.shutdown_grace);
        // A module that hangs or breaks rules gets no time to go on with it.
        let hard = matches!(reason, Reason::HealthCheckFailed | Reason::SecurityViolation);
        let grace = if hard { Duration::ZERO } else { grace };
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let record = self.record_of(slot, "module.stopping").text("reason", reason.as_str());
        self.record(record.number("grace_ms", grace_ms));
        self.publish_notice("system:module:stopping", Notice::Stopping { module: id, tier });
        if hard {
            return self.kill(slot, generation);
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
        self.follow(slot, then, Time(0), None);
    }

    fn kill(&mut self, slot: Slot, generation: Generation) {
        self.push(Effect::Signal(slot, generation, Signal::Kill));
        self.timers.set(self.now + REAP_PATIENCE, Timer::Reap(slot, generation));
    }

    pub(crate) fn grace_over(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get(slot) else { return };
        let Phase::Ending { generation: ending, .. } = module.phase else { return };
        if ending == generation {
            let after_ms = u64::try_from(self.now.since(module.since).as_millis()).unwrap_or(u64::MAX);
            self.record(self.record_of(slot, "module.killed").number("after_ms", after_ms));
            self.kill(slot, generation);
        }
    }

    pub(crate) fn reap_overdue(&mut self, slot: Slot, generation: Generation) {
        let ending = self.table.get(slot).is_some_and(
            |module| matches!(module.phase, Phase::Ending { generation: ending, .. } if ending == generation),
        );
        if ending {
            self.record(self.record_of(slot, "module.unkillable"));
            self.ended(slot, None, "was killed, yet the operating system did not let it go");
        }
    }

    pub(crate) fn handle_exited(&mut self, slot: Slot, generation: Generation, exit: ExitKind) {
        if self.table.get(slot).and_then(Module::generation) == Some(generation) {
            self.ended(slot, Some(exit), "");
        }
    }

    /// A life is over: by our wish or by itself.
    pub(crate) fn ended(&mut self, slot: Slot, exit: Option<ExitKind>, why: &str) {
        let Some(module) = self.table.get(slot) else { return };
        let (phase, ready_at) = (module.phase, module.ready_at());
        let stopped = matches!(phase, Phase::Ending { .. });
        if stopped {
            let Phase::Ending { reason, then, .. } = phase else { return };
            let note = if module.note.is_empty() || reason == Reason::Requested || reason == Reason::Shutdown
            {
                format!("stopped: {reason}")
            } else {
                module.note.clone()
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
        let Some(module) = self.table.get(slot) else { return };
        let lived = self.now.since(module.spawned_at);
        let lived_ms = u64::try_from(lived.as_millis()).unwrap_or(u64::MAX);
        let how = exit.map_or_else(|| String::from(why), |exit| format!("left with {exit}"));
        let told = module.init_error.as_ref().map_or_else(String::new, |error| format!("; it said: {error}"));
        let hint = if lived < EARLY_EXIT && exit.is_some() && module.state() == abi::State::Starting {
            "; that early, look at the entry point"
        } else {
            ""
        };
        let note = format!("{how} after {lived_ms} ms{told}{hint}");
        let done = match module.spec.restart {
            RestartRule::Always => false,
            RestartRule::OnFailure => exit.is_some_and(ExitKind::is_success),
            RestartRule::Never => true,
        };
        let success = exit.is_some_and(ExitKind::is_success);
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

    /// What a stopped module does next.
    fn follow(&mut self, slot: Slot, then: Then, ready_at: Time, exit: Option<ExitKind>) {
        match then {
            Then::Stay => self.stay(slot),
            Then::Forget => self.forget(slot),
            Then::Respawn => {
                if let Err((failure, why)) = self.begin(slot) {
                    self.fail_waiters(slot, failure, &why);
                }
            }
            Then::Retry => self.plan_restart(slot, ready_at, exit),
        }
    }

    fn stay(&mut self, slot: Slot) {
        let note = self.table.get(slot).map(|module| module.note.clone()).unwrap_or_default();
        self.take_successor(slot);
        self.settle_gone(slot);
        self.fail_waiters(slot, Failure::Failed, &note);
    }

    /// Restart by policy after an end that nobody wished for; the module rests in `Crashed` or `Stopped` now.
    fn plan_restart(&mut self, slot: Slot, ready_at: Time, exit: Option<ExitKind>) {
        let Some(module) = self.table.get(slot) else { return };
        let note = module.note.clone();
        if self.shutdown.is_some() {
            return self.stay(slot);
        }
        if self.settings.watchdog == Watchdog::Passive {
            self.record(self.record_of(slot, "restart.withheld"));
            self.rest(slot, Rest::Crashed, format!("{note}; not restarted: the watchdog is passive"));
            self.publish_crashed(slot, exit);
            return self.fail_waiters(slot, Failure::Failed, &note);
        }
        let policy = Policy {
            base: self.settings.restart_base,
            max: self.settings.restart_backoff_max,
            restarts_max: module.spec.max_restarts.unwrap_or(self.settings.max_restarts),
        };
        let healthy = self.now.since(ready_at);
        let verdict = policy.decide(module.restart_count, healthy, &mut self.random);
        match verdict {
            Verdict::Now => {
                let healthy_ms = u64::try_from(healthy.as_millis()).unwrap_or(u64::MAX);
                self.record(self.record_of(slot, "restart.now").number("healthy_ms", healthy_ms));
                self.queue(slot, Duration::ZERO, 0, format!("{note}; restarts at once"));
            }
            Verdict::After(wait, count) => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                let most = u64::from(policy.restarts_max);
                let record = self.record_of(slot, "restart.planned").number("wait_ms", wait_ms);
                self.record(record.number("attempt", u64::from(count)).number("max_restarts", most));
                let note = format!("{note}; restarts after {wait_ms} ms ({count} of {most})");
                self.queue(slot, wait, count, note);
            }
            Verdict::GiveUp(count) => return self.give_up(slot, count, exit),
        }
        self.publish_crashed(slot, exit);
        self.fail_waiters(slot, Failure::Failed, &note);
        self.restart_companions(slot);
    }

    fn queue(&mut self, slot: Slot, wait: Duration, count: u32, note: String) {
        let now = self.now;
        if let Some(module) = self.table.get_mut(slot) {
            module.phase = Phase::Queued(now + wait);
            module.since = now;
            module.restart_count = count;
            module.note = note;
        }
        self.timers.set(now + wait, Timer::Restart(slot));
        if wait.is_zero() {
            self.timers.clear(now, Timer::Restart(slot));
            self.restart_due(slot, now);
        }
    }

    pub(crate) fn restart_due(&mut self, slot: Slot, at: Time) {
        let Some(module) = self.table.get(slot) else { return };
        if module.phase == Phase::Queued(at) {
            self.due.insert((graph::depth(&self.table, slot), module.spec.priority, slot));
        }
    }

    /// Begins the restarts whose time has come, as far as the machine's budget goes.
    pub(crate) fn begin_due_restarts(&mut self) {
        while let Some((_, _, slot)) = self.due.first().copied() {
            let queued = self.table.get(slot).is_some_and(|module| matches!(module.phase, Phase::Queued(_)));
            if queued {
                let (burst, per_s) =
                    (self.settings.machine_restarts_burst, self.settings.machine_restarts_per_s);
                if let Err(at) = self.bucket.take(self.now, burst, per_s) {
                    return self.timers.set(at, Timer::Pace);
                }
                self.rest(slot, Rest::Crashed, String::new());
                if let Err((failure, why)) = self.begin(slot) {
                    self.fail_waiters(slot, failure, &why);
                }
            }
            self.due.pop_first();
        }
    }

    fn give_up(&mut self, slot: Slot, count: u32, exit: Option<ExitKind>) {
        let Some(module) = self.table.get(slot) else { return };
        let note = format!("{}; given up after {count} restarts", module.note);
        let action = module.spec.on_give_up.clone();
        let word = match &action {
            GiveUp::Nothing => String::from("nothing"),
            GiveUp::StopDependents => String::from("stop-dependents"),
            GiveUp::Start(other) => format!("start {other}"),
            GiveUp::Shutdown => String::from("shutdown"),
        };
        let record = self.record_of(slot, "restart.gave_up").number("restarts", u64::from(count));
        self.record(record.text("action", word));
        self.rest(slot, Rest::Crashed, note.clone());
        self.publish_crashed(slot, exit);
        self.fail_waiters(slot, Failure::Failed, &note);
        match action {
            GiveUp::Nothing => {}
            GiveUp::StopDependents => {
                for dependent in graph::dependents(&self.table, slot) {
                    self.end(dependent, Reason::Strategy, Then::Stay, 0);
                }
            }
            GiveUp::Start(other) => {
                if let Some(substitute) = self.table.find(other.as_str()) {
                    // A refusal is recorded where it is found; the module given up is told about nothing more.
                    let _refused = self.begin(substitute);
                }
            }
            GiveUp::Shutdown => self.begin_shutdown(None),
        }
    }

    /// Those that share the module's fate get a new life too, in the order that their needs give.
    fn restart_companions(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let companions = match module.spec.strategy {
            Strategy::OneForOne => return,
            Strategy::RestForOne => graph::dependents(&self.table, slot),
            Strategy::OneForAll => graph::tied(&self.table, slot),
        };
        let because = self.name_of(slot);
        for companion in companions {
            let runs =
                self.table.get(companion).is_some_and(|other| matches!(other.phase, Phase::Running(..)));
            if runs {
                self.record(self.record_of(companion, "strategy.restart").text("because", because.clone()));
                self.end(companion, Reason::Strategy, Then::Respawn, 0);
            }
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
        self.drop_calls_of(slot);
        if let Some(module) = self.table.get_mut(slot) {
            module.capabilities = crate::Capabilities::default();
        }
    }

    pub(crate) fn forget(&mut self, slot: Slot) {
        self.settle_gone(slot);
        self.fail_waiters(slot, Failure::NotFound, "it was removed");
        if let Some(module) = self.table.remove(slot) {
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

    fn publish_crashed(&mut self, slot: Slot, exit: Option<ExitKind>) {
        if let Some(module) = self.table.get(slot) {
            let (module, restart_count) = (module.spec.id.clone(), module.restart_count);
            self.publish_notice("system:module:crashed", Notice::Crashed { module, exit, restart_count });
        }
    }

    pub(crate) fn begin_shutdown(&mut self, request: Option<RequestId>) {
        if let Some(shutdown) = &mut self.shutdown {
            if shutdown.finished {
                let answer = |request| Effect::Reply(request, Answer::Done);
                return request.into_iter().map(answer).for_each(|effect| self.push(effect));
            }
            shutdown.requests.extend(request);
            return self.kill_all();
        }
        let runs = |module: &Module| module.generation().is_some();
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
            let lives =
                |slot: &Slot| self.table.get(*slot).is_some_and(|module| module.generation().is_some());
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
