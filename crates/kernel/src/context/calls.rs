//! What modules and operators do with variables: who may, what they are answered, and who is told of it.
//!
//! A module's own variables need no right. `session:NAME` in its permissions lets it read and change a session's,
//! `module:NAME` lets it read another module's own. Whoever watches is told as a delivery on [`TOPIC`], on which no
//! module can publish; the one who made a change is left out.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Generation, ModuleId, Pattern, Payload, PermissionKind, Record, RequestId, Scope, Slot, Time};

use super::Kept;
use crate::effect::{Answer, Change, Failure, KernelResult, Message, Notice, VariableRow};
use crate::event::{ContextCall, ContextVerb};
use crate::machine::Kernel;
use crate::timers::Timer;
use crate::word::Word;
use crate::{Effect, Outgoing};

/// Where changes are delivered.
const TOPIC: &str = "kernel.context";

/// 64 watches per module; a pattern covers more variables than as many names.
const WATCHES_MAX: usize = 64;

/// One module's wish to be told.
#[derive(Debug, Clone)]
struct Watch {
    number: u64,
    scope: Scope,
    pattern: Option<Pattern>,
}

/// Who watches what, and when the next variable ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watches {
    by_slot: BTreeMap<Slot, Vec<Watch>>,
    last: u64,
    /// The moment for which a timer is set.
    armed: Option<Time>,
}

impl Watches {
    pub(crate) fn leave(&mut self, slot: Slot) {
        self.by_slot.remove(&slot);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Change,
}

impl Kernel {
    pub(crate) fn handle_context_call(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: Word,
        call: ContextCall,
    ) {
        let Some(module) = self.table.get(slot) else { return };
        let own = module.spec.id.clone();
        let scope = call.scope.unwrap_or_else(|| Scope::Module(own.clone()));
        let access = match call.verb {
            ContextVerb::Set { .. } | ContextVerb::Delete(_) => Access::Change,
            ContextVerb::Get(_) | ContextVerb::List(_) | ContextVerb::Watch(_) | ContextVerb::Unwatch(_) => {
                Access::Read
            }
        };
        if !self.may_use(slot, &own, &scope, access) {
            return self.forbid_context(slot, generation, id, &scope, access);
        }
        let answer = match call.verb {
            ContextVerb::Get(key) => Ok(self.read_variable(&scope, &key)),
            ContextVerb::Set { key, value, ttl_ms } => {
                let ttl = ttl_ms.map(Duration::from_millis);
                self.set_variable(Some((slot, &own)), (&scope, &key), value, ttl).map(KernelResult::Version)
            }
            ContextVerb::Delete(key) => {
                Ok(KernelResult::Deleted(self.delete_variable(Some(slot), &scope, &key)))
            }
            ContextVerb::List(pattern) => {
                Ok(KernelResult::Variables(self.variable_rows(&scope, pattern.as_ref())))
            }
            ContextVerb::Watch(pattern) => self.watch(slot, scope, pattern),
            ContextVerb::Unwatch(number) => Ok(KernelResult::Deleted(self.unwatch(slot, number))),
        };
        self.push(Effect::Send(slot, generation, Outgoing::KernelAnswer { id, answer }));
    }

    fn may_use(&self, slot: Slot, own: &ModuleId, scope: &Scope, access: Access) -> bool {
        if matches!(scope, Scope::Module(module) if module == own) {
            return true;
        }
        if access == Access::Change && matches!(scope, Scope::Module(_)) {
            return false;
        }
        let scope = scope.to_string();
        let means = |value: &str| Pattern::parse(value).is_some_and(|pattern| pattern.matches(&scope));
        self.is_granted(slot, PermissionKind::Context, means)
    }

    fn forbid_context(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: Word,
        scope: &Scope,
        access: Access,
    ) {
        let verb = match access {
            Access::Read => "read",
            Access::Change => "write",
        };
        let error = format!("Security violation: not permitted to {verb} context \"{scope}\"");
        let answer = Outgoing::KernelAnswer { id, answer: Err(error) };
        let record =
            self.record_of(slot, "context.forbidden").text("scope", scope.to_string()).text("verb", verb);
        self.violation(slot, generation, record, answer, &format!("{verb} context `{scope}`"));
    }

    fn read_variable(&self, scope: &Scope, key: &Word) -> KernelResult {
        let found = self.context.get(self.now, scope, key);
        KernelResult::Variable(found.map(|found| (found.value.clone(), self.row_of(key, found))))
    }

    fn row_of(&self, key: &Word, variable: &super::Variable) -> VariableRow {
        let left = |until: Time| u64::try_from(until.since(self.now).as_millis()).unwrap_or(u64::MAX);
        VariableRow {
            key: key.clone(),
            bytes: variable.value.len(),
            version: variable.version,
            ttl_ms: variable.until.map(left),
        }
    }

    fn variable_rows(&self, scope: &Scope, pattern: Option<&Pattern>) -> Vec<VariableRow> {
        let all = self.context.list(self.now, scope, pattern);
        all.map(|(key, variable)| self.row_of(key, variable)).collect()
    }

    fn set_variable(
        &mut self,
        owner: Option<(Slot, &ModuleId)>,
        (scope, key): (&Scope, &Word),
        value: Payload,
        ttl: Option<Duration>,
    ) -> Result<u64, String> {
        let told = value.clone();
        let set = self.context.set(self.now, owner.map(|(_, id)| id), (scope, key), value, ttl);
        let version = set.map_err(super::Unkept::text)?;
        self.arm_context();
        self.tell_watchers(owner.map(|(slot, _)| slot), scope, key, &Change::Set { value: told, version });
        Ok(version)
    }

    fn delete_variable(&mut self, by: Option<Slot>, scope: &Scope, key: &Word) -> bool {
        let was_there = self.context.delete(self.now, scope, key);
        if was_there {
            self.tell_watchers(by, scope, key, &Change::Deleted);
        }
        was_there
    }

    fn watch(&mut self, slot: Slot, scope: Scope, pattern: Option<Pattern>) -> Result<KernelResult, String> {
        let watches = self.watches.by_slot.entry(slot).or_default();
        if watches.len() >= WATCHES_MAX {
            return Err(format!("{WATCHES_MAX} watches are the most that one module may have"));
        }
        self.watches.last += 1;
        let number = self.watches.last;
        watches.push(Watch { number, scope, pattern });
        Ok(KernelResult::Watching(number))
    }

    fn unwatch(&mut self, slot: Slot, number: u64) -> bool {
        let Some(watches) = self.watches.by_slot.get_mut(&slot) else { return false };
        let before = watches.len();
        watches.retain(|watch| watch.number != number);
        watches.len() < before
    }

    /// A module that lost the right to a scope is told nothing more of it, whenever it began to watch.
    fn tell_watchers(&mut self, by: Option<Slot>, scope: &Scope, key: &Word, change: &Change) {
        let means = |watch: &&Watch| {
            watch.scope == *scope
                && watch.pattern.as_ref().is_none_or(|pattern| pattern.matches(key.as_str()))
        };
        let found = self.watches.by_slot.iter().filter(|(slot, _)| Some(**slot) != by);
        let told: Vec<(Slot, u64)> = found
            .flat_map(|(slot, watches)| watches.iter().filter(means).map(|watch| (*slot, watch.number)))
            .collect();
        for (slot, watch) in told {
            let Some(module) = self.table.get(slot) else { continue };
            let (is_ready, own) = (module.is_ready(), module.spec.id.clone());
            if !is_ready || !self.may_use(slot, &own, scope, Access::Read) {
                continue;
            }
            let id = self.random.uuid();
            let notice =
                Notice::Context { watch, scope: scope.clone(), key: key.clone(), change: change.clone() };
            let (topic, message) = (Word::literal(TOPIC), Message::Notice(notice));
            self.send(slot, Outgoing::Deliver { id, topic, message, traceparent: None });
        }
    }

    /// The moment of the next end has come, or had been when the timer was set.
    pub(crate) fn context_due(&mut self) {
        self.watches.armed = None;
        for (scope, key) in self.context.expire(self.now) {
            self.tell_watchers(None, &scope, &key, &Change::Expired);
        }
        self.arm_context();
    }

    /// One timer for all: as many as there are changes would be a list without a bound.
    fn arm_context(&mut self) {
        let Some(next) = self.context.next_end() else { return };
        if self.watches.armed.is_some_and(|armed| armed <= next) {
            return;
        }
        if let Some(armed) = self.watches.armed {
            self.timers.clear(armed, Timer::Context);
        }
        self.timers.set(next, Timer::Context);
        self.watches.armed = Some(next);
    }

    pub(crate) fn restore_context(&mut self, all: Vec<(Scope, Word, Kept)>) {
        let found = all.len();
        let taken = self.context.restore(self.now, all);
        self.arm_context();
        if found > 0 {
            let record = Record::new("context.restored").number("variables", taken as u64);
            self.record(record.number("left_out", (found - taken) as u64));
        }
    }

    pub(crate) fn order_context(&mut self, request: RequestId, scope: &Scope, verb: ContextVerb) {
        let answer = match verb {
            ContextVerb::Set { key, value, ttl_ms } => {
                let record =
                    Record::new("context.set").text("scope", scope.to_string()).text("key", key.as_str());
                self.record(record.number("bytes", value.len() as u64));
                let ttl = ttl_ms.map(Duration::from_millis);
                match self.set_variable(None, (scope, &key), value, ttl) {
                    Ok(_) => Answer::Done,
                    Err(why) => Answer::Failed(Failure::Refused, why),
                }
            }
            ContextVerb::Delete(key) if self.context.get(self.now, scope, &key).is_some() => {
                let record = Record::new("context.deleted").text("scope", scope.to_string());
                self.record(record.text("key", key.as_str()));
                self.delete_variable(None, scope, &key);
                Answer::Done
            }
            ContextVerb::Delete(key) => {
                Answer::Failed(Failure::NotFound, format!("{scope} has no variable `{key}`"))
            }
            // These are read by the host, from the same value.
            ContextVerb::Get(_) | ContextVerb::List(_) | ContextVerb::Watch(_) | ContextVerb::Unwatch(_) => {
                Answer::Failed(Failure::Refused, String::from("an operator only sets and deletes by order"))
            }
        };
        self.push(Effect::Reply(request, answer));
    }

    /// A module that is forgotten leaves nothing behind.
    pub(crate) fn forget_context(&mut self, id: &ModuleId) {
        self.context.drop_scope(&Scope::Module(id.clone()));
    }
}

crate::saved::keep_fields!(Watch { number, scope, pattern });
crate::saved::keep_fields!(Watches { by_slot, last, armed });
