//! Who hears which topic, and the kernel's own notices to them: at most once, in order per pair, nothing kept.
//!
//! What modules and operators publish goes by way of [`crate::proxy`], to the same hearers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::{Name, RequestId, Slot};

use crate::effect::{Message, Notice};
use crate::machine::Kernel;
use crate::routes::{Rules, Watcher, beginnings, stem_of};
use crate::saved::{Keep, Saved, Unreadable};
use crate::word::Word;
use crate::{Answer, Effect, Failure, Outgoing};

/// How the life-cycle topics begin.
const LIFE_CYCLE: &str = "system:module:";

/// 64 topics may be followed by one operator's request; a pattern covers more.
const OPERATOR_TOPICS_MAX: usize = 64;

#[derive(Debug, Clone, Default)]
pub(crate) struct Topics {
    hearers: BTreeMap<Name, BTreeSet<Slot>>,
    /// How many of them are patterns: lets the common case skip looking for them.
    patterns: usize,
    operators: BTreeMap<RequestId, Vec<Name>>,
    /// Whether the operators' subscriptions changed since that was asked last.
    is_changed: bool,
}

impl Topics {
    pub(crate) fn join(&mut self, topic: &Name, slot: Slot) {
        let slots = self.hearers.entry(topic.clone()).or_default();
        if slots.is_empty() && stem_of(topic).is_some() {
            self.patterns += 1;
        }
        slots.insert(slot);
    }

    pub(crate) fn leave(&mut self, slot: Slot) {
        self.hearers.retain(|_, slots| {
            slots.remove(&slot);
            !slots.is_empty()
        });
        self.patterns = self.hearers.keys().filter(|topic| stem_of(topic).is_some()).count();
    }

    pub(crate) fn depart(&mut self, request: RequestId) {
        self.is_changed |= self.operators.remove(&request).is_some();
    }

    /// The operators' requests that follow topics.
    pub(crate) fn requests(&self) -> impl Iterator<Item = RequestId> {
        self.operators.keys().copied()
    }

    fn modules(&self, topic: &str) -> BTreeSet<Slot> {
        let mut slots = self.hearers.get(topic).cloned().unwrap_or_default();
        if self.patterns > 0 {
            for stem in beginnings(topic) {
                slots.extend(self.hearers.get(&*format!("{stem}*")).into_iter().flatten());
            }
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

    pub(crate) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.is_changed)
    }

    /// The operators' subscriptions, as the data plane goes by them.
    pub(crate) fn watchers(&self) -> Arc<[Watcher]> {
        let all = self.operators.iter();
        all.flat_map(|(request, patterns)| {
            patterns.iter().map(|pattern| Watcher { request: *request, pattern: pattern.clone() })
        })
        .collect()
    }

    /// Whether anybody would hear this topic: lets the common case skip making the message.
    pub(crate) fn is_heard(&self, topic: &str) -> bool {
        self.hearers.contains_key(topic) || self.patterns > 0 || !self.operators.is_empty()
    }
}

impl Kernel {
    pub(crate) fn publish_notice(&mut self, topic: &'static str, notice: Notice) {
        if self.topics.is_heard(topic) || topic.starts_with(LIFE_CYCLE) {
            self.spread(&Word::literal(topic), &Message::Notice(notice));
        }
    }

    pub(crate) fn order_subscribe(&mut self, request: RequestId, topics: Vec<Name>) {
        let answer = if topics.len() > OPERATOR_TOPICS_MAX {
            let why = format!("{} topics; one request follows {OPERATOR_TOPICS_MAX} at most", topics.len());
            Answer::Failed(Failure::Refused, why)
        } else {
            self.topics.operators.insert(request, topics);
            self.topics.is_changed = true;
            Answer::Done
        };
        self.push(Effect::Reply(request, answer));
    }

    fn spread(&mut self, topic: &Word, message: &Message) {
        for slot in self.topics.modules(topic.as_str()) {
            let Some(module) = self.table.get(slot) else { continue };
            if !module.is_ready() || module.spec.door != crate::Door::Lines {
                continue;
            }
            let forbidden = &module.capabilities.forbid.topics;
            if !forbidden.is_empty() && Rules::of(forbidden).matches(topic.as_str()) {
                continue;
            }
            let id = self.random.uuid();
            let (topic, message) = (topic.clone(), message.clone());
            self.send(slot, Outgoing::Deliver { id, topic, message, traceparent: None });
        }
        for request in self.topics.watching(topic.as_str()) {
            self.push(Effect::Show(request, topic.clone(), message.clone()));
        }
    }
}

// Whether anything changed is found out anew: everybody is told all of it once more.
impl Keep for Topics {
    fn save(&self) -> Saved {
        Saved::fields([("hearers", self.hearers.save()), ("operators", self.operators.save())])
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        let hearers: BTreeMap<Name, BTreeSet<Slot>> = saved.field("hearers")?;
        let patterns = hearers.keys().filter(|topic| stem_of(topic).is_some()).count();
        Ok(Self { hearers, patterns, operators: saved.field("operators")?, is_changed: true })
    }
}

#[cfg(test)]
mod tests;
