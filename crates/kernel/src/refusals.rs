//! Records of what modules were refused, few enough to read: the first ones of a minute one by one, the others as one
//! count. A module that floods what it may not do would else fill the journal, and push out what others did.

use core::time::Duration;

use abi::{Record, Slot, Time};

use crate::machine::Kernel;
use crate::timers::Timer;

/// 10 records a minute and module: enough to see what is tried, and at most 14,400 a day.
const RECORDS_PER_MINUTE: u32 = 10;

/// 60 s from the first refusal to the sum of those that got no record of their own.
const MINUTE: Duration = Duration::from_secs(60);

/// What one module was refused since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Refusals {
    since: Option<Time>,
    told: u32,
    /// Those without a record.
    untold: u64,
}

impl Kernel {
    /// Journals a refusal, or counts it when the module had its share of records already.
    pub(crate) fn record_refusal(&mut self, slot: Slot, record: Record) {
        let now = self.now;
        let Some(module) = self.table.get_mut(slot) else { return };
        let refusals = &mut module.refusals;
        if refusals.since.is_none() {
            refusals.since = Some(now);
            self.timers.set(now + MINUTE, Timer::Refusals(slot));
        }
        if refusals.told >= RECORDS_PER_MINUTE {
            refusals.untold += 1;
            return;
        }
        refusals.told += 1;
        self.record(record);
    }

    /// A minute is over. A seat may have been given to another module since the timer was set; its own timer comes.
    pub(crate) fn refusals_due(&mut self, slot: Slot) {
        let since = self.table.get(slot).and_then(|module| module.refusals.since);
        if since.is_some_and(|since| self.now.since(since) >= MINUTE) {
            self.sum_up_refusals(slot);
        }
    }

    /// Says how many refusals got no record, and counts anew.
    pub(crate) fn sum_up_refusals(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let refusals = core::mem::take(&mut module.refusals);
        if let Some(since) = refusals.since
            && refusals.untold > 0
        {
            let over_ms = u64::try_from(self.now.since(since).as_millis()).unwrap_or(u64::MAX);
            let record = self.record_of(slot, "refusals.summed_up").number("count", refusals.untold);
            self.record(record.number("over_ms", over_ms));
        }
    }
}

crate::saved::keep_fields!(Refusals { since, told, untold });

#[cfg(test)]
mod tests;
