//! Calls between modules: the checks in their fixed order, the hop to the target, and exactly one answer to the caller.
//!
//! Each call that is passed on is a hop with a number of the kernel's own; the caller's number comes back with the
//! answer. A hop ends once: by its answer, its time, its target's or caller's end, or being given up. Streams end with
//! it: parts beyond what the caller gave credit for, or could not be queued, end the call with `overloaded`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use abi::limits::CALLS_PENDING_MAX;
use abi::{Generation, Name, Payload, RequestId, Slot, Time};

use crate::effect::Notice;
use crate::event::{CallContext, Undelivered};
use crate::machine::Kernel;
use crate::timers::Timer;
use crate::topics::RPC_COPY;
use crate::{Answer, Effect, Failure, Outcome, Outgoing};

/// 16 parts: what a stream may send before its caller gives more credit; a small window that keeps a pipe busy.
const CREDIT_AT_START: u32 = 16;

/// 4,096 parts: the most credit that a caller can have given, so that its queue's own bound stays the real one.
const CREDIT_MAX: u32 = 4096;

/// Who is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Module(Slot, Generation),
    Operator(RequestId),
}

#[derive(Debug, Clone)]
struct Call {
    caller: Caller,
    /// The caller's own number.
    id: Name,
    target: Slot,
    target_generation: Generation,
    until: Time,
    /// A call with no deadline of its own gets more time with every sign of life.
    renewable: bool,
    credit: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    last: u64,
    open: BTreeMap<u64, Call>,
}

impl Calls {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

/// What is called: the caller's number, the service, the method, the parameters.
type Wanted = (Name, Name, Name, Option<Payload>);

impl Kernel {
    pub(crate) fn handle_call(
        &mut self,
        slot: Slot,
        generation: Generation,
        wanted: Wanted,
        context: CallContext,
    ) {
        let Some(module) = self.table.get(slot) else { return };
        let id = wanted.0.clone();
        let refusal = if !module.is_ready() {
            Some("Module not ready")
        } else if !module.capabilities.services.contains(&wanted.1) {
            return self.forbid_call(slot, generation, id, &wanted.1);
        } else if module.asking.len() >= CALLS_PENDING_MAX {
            self.unreachable(&wanted.1).or(Some("overloaded"))
        } else {
            self.unreachable(&wanted.1)
        };
        if let Some(error) = refusal {
            let outcome = Outcome::Error(String::from(error));
            return self.push(Effect::Send(slot, generation, Outgoing::Answer { id, outcome }));
        }
        let Some(module) = self.table.get(slot) else { return };
        let from = Name::from(&module.spec.id);
        let hop = self.pass_on(Caller::Module(slot, generation), from, wanted, context);
        if let Some(module) = self.table.get_mut(slot) {
            module.asking.insert(hop);
        }
    }

    pub(crate) fn order_call(
        &mut self,
        request: RequestId,
        service: Name,
        method: Name,
        params: Option<Payload>,
        timeout_ms: Option<u64>,
    ) {
        if let Some(error) = self.unreachable(&service) {
            let failure = if error == "service_not_found" { Failure::NotFound } else { Failure::Failed };
            let why = format!("service `{service}`: {error}");
            return self.push(Effect::Reply(request, Answer::Failed(failure, why)));
        }
        let context = CallContext { deadline_ms: timeout_ms, traceparent: None };
        let id = Name::literal("operator");
        let from = Name::literal("operator");
        self.pass_on(Caller::Operator(request), from, (id, service, method, params), context);
    }

    /// Why a service can't be called now, if so.
    fn unreachable(&self, service: &Name) -> Option<&'static str> {
        let Some(provider) = self.directory.get(service) else { return Some("service_not_found") };
        let ready = self.table.get(*provider).is_some_and(crate::module::Module::is_ready);
        (!ready).then_some("module_not_ready")
    }

    fn forbid_call(&mut self, slot: Slot, generation: Generation, id: Name, service: &Name) {
        let record = self.record_of(slot, "rpc.forbidden").text("service", service.as_str());
        let answer = Outgoing::Answer { id, outcome: Outcome::Error(String::from("forbidden")) };
        let what = format!("call to `{service}`, which it has no capability for");
        self.violation(slot, generation, record, answer, &what);
    }

    /// The service is known to be up.
    fn pass_on(&mut self, caller: Caller, from: Name, wanted: Wanted, context: CallContext) -> u64 {
        let (id, service, method, params) = wanted;
        if self.topics.is_heard(RPC_COPY) {
            let (service, method) = (service.clone(), method.clone());
            self.publish_notice(
                RPC_COPY,
                Notice::Rpc { from: from.clone(), service, method, id: id.clone() },
            );
        }
        self.calls.last += 1;
        let hop = self.calls.last;
        let own = context.deadline_ms.map(Duration::from_millis);
        let wait = own.map_or(self.settings.rpc_timeout, |own| match caller {
            Caller::Module(..) => own.min(self.settings.rpc_timeout),
            Caller::Operator(_) => own,
        });
        let until = self.now + wait;
        let Some(target) = self.directory.get(&service).copied() else { return hop };
        let Some(module) = self.table.get_mut(target) else { return hop };
        let Some(target_generation) = module.generation() else { return hop };
        module.serving.insert(hop);
        let features = module.spec.features;
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let told = CallContext {
            // A call that is renewed by signs of life has no moment that its target should stop at.
            deadline_ms: (features.deadline && own.is_some()).then_some(wait_ms),
            traceparent: context.traceparent.filter(|_| features.trace),
        };
        let renewable = own.is_none();
        let credit = CREDIT_AT_START;
        let call = Call { caller, id, target, target_generation, until, renewable, credit };
        self.calls.open.insert(hop, call);
        self.timers.set(until, Timer::Call(hop));
        let frame = Outgoing::Call { hop, from, service, method, params, context: told };
        self.push(Effect::Send(target, target_generation, frame));
        hop
    }

    pub(crate) fn handle_answer(&mut self, slot: Slot, generation: Generation, id: &Name, outcome: Outcome) {
        match self.served_hop(slot, generation, id) {
            Some(hop) => self.finish(hop, outcome),
            None => self.warn_foreign(slot, generation, "answered"),
        }
    }

    /// The open hop that this module was asked to answer, if the number is one.
    fn served_hop(&self, slot: Slot, generation: Generation, id: &Name) -> Option<u64> {
        let hop: u64 = id.as_str().parse().ok()?;
        let call = self.calls.open.get(&hop)?;
        (call.target == slot && call.target_generation == generation).then_some(hop)
    }

    fn warn_foreign(&mut self, slot: Slot, generation: Generation, what: &str) {
        let text = format!("{what} a call that it was not asked, or whose time is over; ignored");
        self.push(Effect::Warn(slot, generation, text));
    }

    /// The one place where a call ends.
    fn finish(&mut self, hop: u64, outcome: Outcome) {
        let Some(call) = self.calls.open.remove(&hop) else { return };
        self.timers.clear(call.until, Timer::Call(hop));
        if let Some(target) = self.table.get_mut(call.target) {
            target.serving.remove(&hop);
        }
        match call.caller {
            Caller::Module(slot, generation) => {
                if let Some(caller) = self.table.get_mut(slot) {
                    caller.asking.remove(&hop);
                }
                self.push(Effect::Send(slot, generation, Outgoing::Answer { id: call.id, outcome }));
            }
            Caller::Operator(request) => {
                self.push(Effect::Reply(request, Answer::Called(outcome)));
            }
        }
    }

    fn fail_call(&mut self, hop: u64, error: &str) {
        self.finish(hop, Outcome::Error(String::from(error)));
    }

    /// Tells the target that nobody waits any more, if it wants to know.
    fn cancel_at_target(&mut self, hop: u64) {
        let Some(call) = self.calls.open.get(&hop) else { return };
        let (target, generation) = (call.target, call.target_generation);
        if self.table.get(target).is_some_and(|module| module.spec.features.cancel) {
            self.push(Effect::Send(target, generation, Outgoing::Cancel { hop }));
        }
    }

    pub(crate) fn call_timed_out(&mut self, hop: u64) {
        self.cancel_at_target(hop);
        let operator = match self.calls.open.get(&hop).map(|call| call.caller) {
            Some(Caller::Operator(request)) => Some(request),
            _ => None,
        };
        if let Some(request) = operator {
            self.drop_call(hop);
            let why = String::from("the call was not answered in time");
            return self.push(Effect::Reply(request, Answer::Failed(Failure::TimedOut, why)));
        }
        self.fail_call(hop, "timeout");
    }

    /// Ends a call without an answer: the caller is gone, or is answered otherwise.
    fn drop_call(&mut self, hop: u64) {
        if let Some(call) = self.calls.open.remove(&hop) {
            self.timers.clear(call.until, Timer::Call(hop));
            if let Some(target) = self.table.get_mut(call.target) {
                target.serving.remove(&hop);
            }
            if let Caller::Module(slot, _) = call.caller
                && let Some(caller) = self.table.get_mut(slot)
            {
                caller.asking.remove(&hop);
            }
        }
    }

    /// A life is over: those who wait for it are told, those it waited for need not go on.
    pub(crate) fn drop_calls_of(&mut self, slot: Slot) {
        let Some(module) = self.table.get_mut(slot) else { return };
        let error = format!("Module {} stopped while processing RPC", module.spec.id);
        let (asking, serving) = (module.asking.clone(), module.serving.clone());
        for hop in asking {
            // A module that called itself has nobody left to tell.
            if !serving.contains(&hop) {
                self.cancel_at_target(hop);
            }
            self.drop_call(hop);
        }
        for hop in serving {
            self.fail_call(hop, &error);
        }
    }

    pub(crate) fn drop_call_of_operator(&mut self, request: RequestId) {
        let own = |(hop, call): (&u64, &Call)| (call.caller == Caller::Operator(request)).then_some(*hop);
        let hop = self.calls.open.iter().find_map(own);
        if let Some(hop) = hop {
            self.cancel_at_target(hop);
            self.drop_call(hop);
        }
    }

    /// The open hop of a call that this module made under this number of its own: the latest, if it used one twice.
    fn asked_hop(&self, slot: Slot, id: &Name) -> Option<u64> {
        let module = self.table.get(slot)?;
        let is_it = |hop: &&u64| self.calls.open.get(*hop).is_some_and(|call| call.id == *id);
        module.asking.iter().rev().find(is_it).copied()
    }

    pub(crate) fn handle_cancel(&mut self, slot: Slot, id: &Name) {
        // A call that is not open was answered while this was on its way: nothing to say about it.
        if let Some(hop) = self.asked_hop(slot, id) {
            self.cancel_at_target(hop);
            self.fail_call(hop, "cancelled");
        }
    }

    pub(crate) fn handle_credit(&mut self, slot: Slot, id: &Name, parts: u32) {
        let Some(hop) = self.asked_hop(slot, id) else { return };
        let Some(call) = self.calls.open.get_mut(&hop) else { return };
        // The target is told only what counts, or it would run into the bound without knowing.
        let parts = parts.min(CREDIT_MAX.saturating_sub(call.credit));
        call.credit += parts;
        let (target, generation) = (call.target, call.target_generation);
        if parts > 0 && self.table.get(target).is_some_and(|module| module.spec.features.stream) {
            self.push(Effect::Send(target, generation, Outgoing::Credit { hop, parts }));
        }
    }

    pub(crate) fn handle_progress(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Name,
        payload: Payload,
    ) {
        let Some((hop, caller, own)) = self.renewed(slot, generation, id) else { return };
        if let Caller::Module(to, to_generation) = caller
            && self.table.get(to).is_some_and(|module| module.spec.features.progress)
        {
            self.push(Effect::Send(to, to_generation, Outgoing::Progress { id: own, hop, payload }));
        }
    }

    pub(crate) fn handle_chunk(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: &Name,
        seq: u64,
        data: Payload,
    ) {
        let Some((hop, caller, own)) = self.renewed(slot, generation, id) else { return };
        let Some((to, to_generation)) = self.hearer_of_parts(caller) else {
            // Nobody hears this part, so its credit comes straight back: the stream must not stand still for that.
            return self.push(Effect::Send(slot, generation, Outgoing::Credit { hop, parts: 1 }));
        };
        let Some(call) = self.calls.open.get_mut(&hop) else { return };
        if call.credit == 0 {
            self.cancel_at_target(hop);
            return self.fail_call(hop, "overloaded");
        }
        call.credit -= 1;
        self.push(Effect::Send(to, to_generation, Outgoing::Chunk { id: own, hop, seq, data }));
    }

    /// The caller, where it asked for streams.
    fn hearer_of_parts(&self, caller: Caller) -> Option<(Slot, Generation)> {
        let Caller::Module(slot, generation) = caller else { return None };
        let hears = self.table.get(slot).is_some_and(|module| module.spec.features.stream);
        hears.then_some((slot, generation))
    }

    pub(crate) fn handle_end(&mut self, slot: Slot, generation: Generation, id: &Name) {
        let Some((hop, caller, own)) = self.renewed(slot, generation, id) else { return };
        if let Caller::Module(to, to_generation) = caller
            && self.table.get(to).is_some_and(|module| module.spec.features.stream)
        {
            self.push(Effect::Send(to, to_generation, Outgoing::End { id: own, hop }));
        }
    }

    /// A sign of life of a call: finds it, and gives it its time anew where the caller set no end.
    fn renewed(&mut self, slot: Slot, generation: Generation, id: &Name) -> Option<(u64, Caller, Name)> {
        let Some(hop) = self.served_hop(slot, generation, id) else {
            self.warn_foreign(slot, generation, "reported on");
            return None;
        };
        let until = self.now + self.settings.rpc_timeout;
        let call = self.calls.open.get_mut(&hop)?;
        let found = (hop, call.caller, call.id.clone());
        if call.renewable {
            self.timers.clear(call.until, Timer::Call(hop));
            call.until = until;
            self.timers.set(until, Timer::Call(hop));
        }
        Some(found)
    }

    pub(crate) fn handle_undelivered(&mut self, _slot: Slot, _generation: Generation, what: Undelivered) {
        match what {
            Undelivered::Call(hop) => self.fail_call(hop, "overloaded"),
            Undelivered::Part(hop) => {
                self.cancel_at_target(hop);
                self.fail_call(hop, "overloaded");
            }
        }
    }
}

#[cfg(test)]
mod tests;
