//! Safe mode: no module's code runs, but for the system's own, until whoever looks has found why.
//!
//! It is entered by a word of the host's or an operator's, with the reason; modules are told to end as in a stop of their own, and
//! whatever would start one finds out here that it may not. It is left by a word too: then everything starts that starts at
//! boot and was not stopped by an operator.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Reason, Record, RequestId, Slot, Zone};

use crate::Effect;
use crate::effect::Answer;
use crate::machine::Kernel;
use crate::module::{Phase, Then};
use crate::spec::Watchdog;

impl Kernel {
    /// Why no module runs, while that is so.
    pub fn safe_mode(&self) -> Option<&str> {
        self.safe.as_deref()
    }

    pub(crate) fn order_safe_mode(&mut self, request: RequestId, why: String) {
        if self.safe.is_some() {
            return self.push(Effect::Reply(request, Answer::Already));
        }
        self.record(Record::new("safe_mode.entered").text("why", why.as_str()));
        self.safe = Some(why);
        for slot in self.table.slots() {
            let outside = self.table.get(slot).is_some_and(|module| module.zone() != Zone::System);
            if outside {
                self.end(slot, Reason::SafeMode, Then::Stay, 0);
            }
        }
        self.push(Effect::Reply(request, Answer::Done));
    }

    /// A reason for it that nobody wished: as much is done by itself as the watchdog may do.
    pub(crate) fn order_alarm(&mut self, request: RequestId, why: String) {
        match self.settings.watchdog {
            Watchdog::Active | Watchdog::Strict => self.order_safe_mode(request, why),
            Watchdog::Passive => {
                self.record(Record::new("safe_mode.reported").text("why", why));
                self.push(Effect::Reply(request, Answer::Done));
            }
        }
    }

    pub(crate) fn order_resume(&mut self, request: RequestId) {
        if self.safe.take().is_none() {
            return self.push(Effect::Reply(request, Answer::Already));
        }
        self.record(Record::new("safe_mode.left"));
        let mut all: Vec<Slot> = self.table.slots();
        all.sort_by_key(|slot| self.table.get(*slot).map_or(u32::MAX, |module| module.spec.priority));
        for slot in all {
            let Some(module) = self.table.get_mut(slot) else { continue };
            if !module.spec.start_at_boot || module.is_completed() {
                continue;
            }
            if matches!(module.phase, Phase::Ending { reason: Reason::SafeMode, .. }) {
                module.amend_end(Then::Respawn);
            } else {
                self.begin_if_wanted(slot);
            }
        }
        self.push(Effect::Reply(request, Answer::Done));
    }

    /// Why this one may not start now, if so.
    pub(crate) fn kept_out(&self, slot: Slot) -> Option<String> {
        let why = self.safe.as_deref()?;
        let module = self.table.get(slot)?;
        (module.zone() != Zone::System)
            .then(|| format!("the kernel is in safe mode: {why}; leave it with: ostoja kernel resume"))
    }
}

#[cfg(test)]
mod tests;
