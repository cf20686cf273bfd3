//! Whether a module is alive: a ping now and then, a pong in time, and what follows when none comes.

use alloc::format;
use core::time::Duration;

use abi::{Generation, Reason, Slot};

use crate::governor::Step;
use crate::machine::Kernel;
use crate::module::{Phase, Stage, Then};
use crate::spec::Watchdog;
use crate::timers::Timer;
use crate::{Effect, Outgoing};

/// 1 ms between two pings: with none at all, the next one would be due before this one is sent.
const INTERVAL_LEAST: Duration = Duration::from_millis(1);

impl Kernel {
    pub(crate) fn ping(&mut self, slot: Slot, generation: Generation) {
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Ready) {
            return;
        }
        module.ping_sent += 1;
        let number = module.ping_sent;
        self.push(Effect::Send(slot, generation, Outgoing::Ping));
        self.timers.set(self.now + self.settings.ping_timeout, Timer::Pong(slot, generation, number));
        let interval = self.settings.health_interval.max(INTERVAL_LEAST);
        self.timers.set(self.now + interval, Timer::Ping(slot, generation));
    }

    /// One pong answers all pings before it.
    pub(crate) fn handle_pong(&mut self, slot: Slot) {
        if let Some(module) = self.table.get_mut(slot) {
            module.pong_seen = module.ping_sent;
            module.health_failures = 0;
        }
    }

    pub(crate) fn pong_due(&mut self, slot: Slot, generation: Generation, number: u64) {
        let most = self.settings.health_max_failures;
        let Some(module) = self.table.get_mut(slot) else { return };
        if module.phase != Phase::Running(generation, Stage::Ready) || module.pong_seen >= number {
            return;
        }
        // It can't answer because the kernel itself holds it.
        if module.ladder.step() == Step::Frozen {
            return;
        }
        module.health_failures += 1;
        let failures = module.health_failures;
        let record = self.record_of(slot, "health.missed").number("failures", u64::from(failures));
        self.record(record.number("max", u64::from(most)));
        if failures < most {
            return;
        }
        if self.settings.watchdog == Watchdog::Passive {
            self.record(self.record_of(slot, "health.reported"));
            self.push(Effect::Warn(slot, generation, format!("pings left unanswered in a row: {failures}")));
            return;
        }
        self.note(slot, format!("pings left unanswered in a row: {failures}"));
        self.end(slot, Reason::HealthCheckFailed, Then::Retry, 0);
    }
}

#[cfg(test)]
mod tests;
