//! Who hears which topic, and the way of a message to them: at most once, in order per pair, nothing kept.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use abi::{Generation, Name, Payload, RequestId, Slot};

use crate::effect::{Message, Notice};
use crate::machine::Kernel;
use crate::{Answer, Effect, Failure, Outgoing};

/// Stands for all life-cycle topics in a capability.
const LIFE_CYCLE: &str = "system:module:";
const LIFE_CYCLE_ALL: &str = "system:module:*";

/// Where a copy of every call goes.
pub(crate) const RPC_COPY: &str = "system:rpc";

/// 64 topics may be followed by one operator's request; a pattern covers more.
const OPERATOR_TOPICS_MAX: usize = 64;

#[derive(Debug, Clone, Default)]
pub(crate) struct Topics {
    hearers: BTreeMap<Name, BTreeSet<Slot>>,
    operators: BTreeMap<RequestId, Vec<Name>>,
}

impl Topics {
    pub(crate) fn join(&mut self, topic: &Name, slot: Slot) {
        self.hearers.entry(topic.clone()).or_default().insert(slot);
    }

    pub(crate) fn leave(&mut self, slot: Slot) {
        self.hearers.retain(|_, slots| {
            slots.remove(&slot);
            !slots.is_empty()
        });
    }

    pub(crate) fn depart(&mut self, request: RequestId) {
        self.operators.remove(&request);
    }

    fn modules(&self, topic: &str) -> BTreeSet<Slot> {
        let mut slots = self.hearers.get(topic).cloned().unwrap_or_default();
        if topic.starts_with(LIFE_CYCLE) {
            slots.extend(self.hearers.get(LIFE_CYCLE_ALL).into_iter().flatten());
        }
        slots
    }

    fn watching(&self, topic: &str) -> Vec<RequestId> {
        let hears = |patterns: &Vec<Name>| {
            patterns.iter().any(|pattern| match pattern.as_str().strip_suffix('*') {
                Some(start) => topic.starts_with(start),
                None => pattern.as_str() == topic,
            })
        };
        self.operators.iter().filter(|(_, patterns)| hears(patterns)).map(|(id, _)| *id).collect()
    }

    /// Whether anybody would hear this topic: lets the common case skip making the message.
    pub(crate) fn is_heard(&self, topic: &str) -> bool {
        self.hearers.contains_key(topic) || !self.operators.is_empty()
    }
}

impl Kernel {
    pub(crate) fn handle_publish(
        &mut self,
        slot: Slot,
        generation: Generation,
        topic: &Name,
        payload: Payload,
        traceparent: Option<Name>,
    ) {
        let Some(module) = self.table.get(slot) else { return };
        if !module.is_ready() {
            let text = format!("publish on `{topic}` before it was ready");
            return self.push(Effect::Warn(slot, generation, text));
        }
        if is_reserved(topic) {
            let record = self.record_of(slot, "topic.forbidden").text("topic", topic.as_str());
            self.record_refusal(slot, record);
            let text = format!("publish on `{topic}`, which is the kernel's own, was refused");
            return self.push(Effect::Warn(slot, generation, text));
        }
        self.spread(Some(slot), topic, &Message::Raw(payload), traceparent.as_ref());
    }

    pub(crate) fn publish_notice(&mut self, topic: &'static str, notice: Notice) {
        if self.topics.is_heard(topic) || topic.starts_with(LIFE_CYCLE) {
            self.spread(None, &Name::literal(topic), &Message::Notice(notice), None);
        }
    }

    pub(crate) fn order_publish(&mut self, request: RequestId, topic: &Name, payload: Payload) {
        if is_reserved(topic) {
            let why = format!("`{topic}` is the kernel's own");
            return self.push(Effect::Reply(request, Answer::Failed(Failure::Denied, why)));
        }
        let receivers = self.spread(None, topic, &Message::Raw(payload), None);
        self.push(Effect::Reply(request, Answer::Published(receivers)));
    }

    pub(crate) fn order_subscribe(&mut self, request: RequestId, topics: Vec<Name>) {
        let answer = if topics.len() > OPERATOR_TOPICS_MAX {
            let why = format!("{} topics; one request follows {OPERATOR_TOPICS_MAX} at most", topics.len());
            Answer::Failed(Failure::Refused, why)
        } else {
            self.topics.operators.insert(request, topics);
            Answer::Done
        };
        self.push(Effect::Reply(request, answer));
    }

    fn spread(
        &mut self,
        sender: Option<Slot>,
        topic: &Name,
        message: &Message,
        traceparent: Option<&Name>,
    ) -> u64 {
        let mut receivers = 0;
        for slot in self.topics.modules(topic.as_str()) {
            let Some(module) = self.table.get(slot) else { continue };
            if Some(slot) == sender || !module.is_ready() || module.spec.door != crate::Door::Lines {
                continue;
            }
            let traceparent = traceparent.filter(|_| module.spec.features.trace).cloned();
            let id = self.random.uuid();
            let (topic, message) = (topic.clone(), message.clone());
            self.send(slot, Outgoing::Deliver { id, topic, message, traceparent });
            receivers += 1;
        }
        for request in self.topics.watching(topic.as_str()) {
            self.push(Effect::Show(request, topic.clone(), message.clone()));
        }
        receivers
    }
}

fn is_reserved(topic: &Name) -> bool {
    topic.as_str().starts_with("system:") || topic.as_str().starts_with("kernel.")
}

#[cfg(test)]
mod tests;
