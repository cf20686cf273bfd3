//! What follows an end that nobody wished for: another start by policy, paced by its zone's budget, with those that
//! share the module's fate; or giving up, and the one thing that is done then.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use abi::{ExitKind, Reason, Slot, Time, Zone};

use crate::effect::Failure;
use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Rest, Then};
use crate::restart::{Bucket, Policy, Verdict};
use crate::spec::{Budget, GiveUp, RestartRule, Strategy, Watchdog};
use crate::timers::Timer;

impl Kernel {
    /// Restart by policy after an end that nobody wished for; the module rests in `Crashed` or `Stopped` now.
    pub(crate) fn plan_restart(&mut self, slot: Slot, ready_at: Time, exit: Option<ExitKind>) {
        if self.shutdown.is_some() {
            return self.stay(slot);
        }
        self.trouble(slot, "it ended unexpectedly");
        let Some(module) = self.table.get(slot) else { return };
        let note = module.note.clone();
        if self.settings.watchdog == Watchdog::Passive {
            self.record(self.record_of(slot, "restart.withheld"));
            self.rest(slot, Rest::Crashed, format!("{note}; not restarted: the watchdog is passive"));
            self.publish_crashed(slot, exit);
            return self.fail_waiters(slot, Failure::Failed, &note);
        }
        if module.spec.restart == RestartRule::Never {
            // Its rule says so, whoever ended it: a life that broke a rule gets no second try by that.
            self.rest(slot, Rest::Crashed, format!("{note}; not restarted: its rule is `never`"));
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

    /// Begins the restarts whose time has come, as far as each zone's budget goes.
    pub(crate) fn begin_due_restarts(&mut self) {
        let mut spent: BTreeSet<Zone> = BTreeSet::new();
        while let Some(entry) = self.next_due(&spent) {
            let (_, _, slot) = entry;
            // An entry may be left of a wait that was cut short; a wait that is not over yet has its own timer.
            let is_due = |module: &Module| matches!(module.phase, Phase::Queued(until) if until <= self.now);
            if self.table.get(slot).is_some_and(is_due) {
                let zone = self.zone_of(slot);
                if let Err(at) = self.take_of_zone(zone) {
                    // What crashes there again and again leaves room for everybody else's restarts.
                    self.timers.set(at, Timer::Pace);
                    spent.insert(zone);
                    continue;
                }
                self.rest(slot, Rest::Crashed, String::new());
                // A refusal is journaled, and told to those who wait, where it is found.
                let _refused = self.begin(slot);
            }
            self.due.remove(&entry);
        }
    }

    /// The next restart whose wait is over, of a zone whose budget is not spent.
    fn next_due(&self, spent: &BTreeSet<Zone>) -> Option<(u32, u32, Slot)> {
        let may = |(_, _, slot): &&(u32, u32, Slot)| !spent.contains(&self.zone_of(*slot));
        self.due.iter().find(may).copied()
    }

    fn zone_of(&self, slot: Slot) -> Zone {
        self.table.get(slot).map_or(Zone::Sandbox, Module::zone)
    }

    fn take_of_zone(&mut self, zone: Zone) -> Result<(), Time> {
        let Budget { burst, per_s } = self.settings.budget_of(zone);
        let bucket = self.zone_buckets.entry(zone).or_insert_with(|| Bucket::new(burst.max(1)));
        bucket.take(self.now, burst, per_s)
    }

    fn give_up(&mut self, slot: Slot, count: u32, exit: Option<ExitKind>) {
        let Some(module) = self.table.get(slot) else { return };
        let note = format!("{}; given up after {count} restarts", module.note);
        let action = module.spec.on_give_up.clone();
        let zone = module.zone();
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
        if self.settings.watchdog == Watchdog::Strict {
            self.quarantine(slot, "it was given up");
        }
        match action {
            GiveUp::Nothing => {}
            GiveUp::Shutdown if zone == Zone::Sandbox => self.withhold(slot, "shutdown"),
            GiveUp::StopDependents => {
                let mut dependents = graph::dependents(&self.table, slot);
                dependents.retain(|dependent| self.may_reach(slot, *dependent));
                for dependent in dependents {
                    self.end(dependent, Reason::Strategy, Then::Stay, 0);
                }
            }
            GiveUp::Start(other) => match self.table.find(other.as_str()) {
                Some(substitute) if self.may_reach(slot, substitute) => self.begin_substitute(substitute),
                Some(_) => self.withhold(slot, "start of a substitute"),
                None => {}
            },
            GiveUp::Shutdown => self.begin_shutdown(None),
        }
    }

    /// Two modules that stand in for each other, or one for itself, must not start each other for ever: who has been
    /// given up stands in for nobody.
    fn begin_substitute(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if let Phase::Idle(Rest::Fresh | Rest::Stopped | Rest::Completed | Rest::Refused) = module.phase {
            module.kept_down = false;
            // A refusal is recorded where it is found; the module given up is told about nothing more.
            let _refused = self.begin(slot);
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
            if runs && self.may_reach(slot, companion) {
                self.record(self.record_of(companion, "strategy.restart").text("because", because.clone()));
                self.end(companion, Reason::Strategy, Then::Respawn, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
