//! Control's part in calls and messages: what follows when a module tries what it may not.
//!
//! Whether it may is decided by its proxy, see [`crate::Routes::decide`]; the calls themselves lie in
//! [`crate::proxy`].

use alloc::format;
use alloc::string::String;

use abi::{Generation, Reason, Slot};

use crate::event::Attempt;
use crate::machine::Kernel;
use crate::module::Then;
use crate::spec::Watchdog;
use crate::word::Word;
use crate::{Effect, Outcome, Outgoing};

impl Kernel {
    pub(crate) fn handle_tried(&mut self, slot: Slot, generation: Generation, attempt: Attempt) {
        if self.table.get(slot).is_none_or(|module| module.generation() != Some(generation)) {
            return self.side_tried(slot, generation, attempt);
        }
        match attempt {
            Attempt::Call { id, service } => self.forbid_call(slot, generation, id, &service),
            Attempt::Publish { topic } => {
                let record = self.record_of(slot, "topic.forbidden").text("topic", topic.as_str());
                self.record_refusal(slot, record);
                let text = format!("publish on `{topic}`, which is the kernel's own, was refused");
                self.push(Effect::Warn(slot, generation, text));
            }
            Attempt::BreakLane { fault } => {
                let record = self.record_of(slot, "lane.broken").text("fault", fault.as_str());
                self.record_refusal(slot, record);
                self.note(slot, format!("ended for breaking its lane: {fault}"));
                // Whatever the enforcement mode is: a module that can't be talked with can only be ended.
                let strict = self.settings.watchdog == Watchdog::Strict;
                if strict {
                    self.quarantine(slot, "it broke its lane");
                }
                let then = if strict { Then::Stay } else { Then::Retry };
                self.end(slot, Reason::SecurityViolation, then, 0);
            }
        }
    }

    fn forbid_call(&mut self, slot: Slot, generation: Generation, id: Word, service: &Word) {
        let record = self.record_of(slot, "rpc.forbidden").text("service", service.as_str());
        let answer = Outgoing::Answer { id, outcome: Outcome::Error(String::from("forbidden")) };
        let what = format!("call to `{service}`, which it has no capability for");
        self.violation(slot, generation, record, answer, &what);
    }
}

#[cfg(test)]
mod tests;
