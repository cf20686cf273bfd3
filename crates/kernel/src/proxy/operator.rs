//! The operators' traffic: calls, messages and what they follow, in a proxy of the same kind as a module's.
//!
//! It differs in three things: it may call every service, its calls are numbered by requests, and an operator's own
//! deadline may be longer than the house's.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use abi::{Payload, RequestId, Time};

use super::asked::{Asked, Call};
use super::letter::{Letter, Wants};
use super::{Act, Turn, millis, rpc_notice, spread, stopped};
use crate::effect::{Answer, Failure, Message};
use crate::event::{CallContext, Outcome};
use crate::routes::{Address, RPC_COPY, Refusal, is_reserved};
use crate::word::Word;

/// 4,096 calls of all operators together may wait for their answers; the host's bound on connections lies far below.
const OPERATOR_CALLS_MAX: usize = 4096;

/// The proxy.
#[derive(Debug, Clone, Default)]
pub struct OperatorProxy {
    asked: Asked<RequestId>,
}

impl OperatorProxy {
    /// How many calls are not answered yet.
    pub fn calls_pending(&self) -> usize {
        self.asked.len()
    }

    /// As [`super::Proxy::next_deadline`].
    pub fn next_deadline(&self) -> Option<Time> {
        self.asked.next_deadline()
    }

    /// An operator calls a service.
    pub fn call(
        &mut self,
        turn: &mut Turn<'_>,
        request: RequestId,
        (service, method, params): (Word, Word, Option<Payload>),
        timeout_ms: Option<u64>,
    ) {
        let target = match turn.routes.reach(service.as_str()) {
            Ok(_) if self.asked.len() >= OPERATOR_CALLS_MAX => {
                return fail(turn, request, Failure::Failed, format!("service `{service}`: overloaded"));
            }
            Ok(target) => target,
            Err(refusal) => {
                let missing = refusal == Refusal::NoService;
                let failure = if missing { Failure::NotFound } else { Failure::Failed };
                return fail(turn, request, failure, format!("service `{service}`: {}", refusal.as_str()));
            }
        };
        let operator = Word::literal("operator");
        if turn.routes.is_rpc_heard() {
            let notice = rpc_notice(&operator, &service, &method, &operator);
            spread(turn, None, &Word::literal(RPC_COPY), &Message::Notice(notice), None);
        }
        let own = timeout_ms.map(Duration::from_millis);
        let wait = own.unwrap_or(turn.routes.rpc_timeout());
        let call = Call::new(request, target, turn.routes.name_of(target).cloned(), own.is_none());
        let token = self.asked.open(turn.now + wait, call);
        let letter = Letter::Call {
            caller: Address::OPERATOR,
            token,
            from: operator,
            service,
            method,
            params,
            context: CallContext { deadline_ms: own.map(millis), traceparent: None },
            wants: Wants { progress: false, parts: false, signs: own.is_none() },
        };
        turn.acts.push(Act::Post(target, letter));
    }

    /// An operator sends a message.
    pub fn publish(&mut self, turn: &mut Turn<'_>, request: RequestId, topic: &Word, payload: Payload) {
        if is_reserved(topic.as_str()) {
            return fail(turn, request, Failure::Denied, format!("`{topic}` is the kernel's own"));
        }
        let receivers = spread(turn, None, topic, &Message::Raw(payload), None);
        turn.acts.push(Act::Reply(request, Answer::Published(receivers)));
    }

    /// An operator went away: its call need not go on.
    pub fn depart(&mut self, turn: &mut Turn<'_>, request: RequestId) {
        let Some(token) = self.asked.latest(&request) else { return };
        if let Some(call) = self.asked.close(token) {
            turn.acts.push(Act::Post(call.target, Letter::Cancel { caller: Address::OPERATOR, token }));
        }
    }

    /// A module's proxy wrote something.
    pub fn read(&mut self, turn: &mut Turn<'_>, letter: Letter) {
        match letter {
            Letter::Answer { token, outcome } => self.answered(turn, token, |_| outcome),
            Letter::Lost { token } => {
                self.answered(turn, token, |call| Outcome::Error(stopped(call.target_name())));
            }
            Letter::Alive { token } | Letter::Progress { token, .. } | Letter::End { token } => {
                self.asked.renew(turn, token);
            }
            Letter::Moved { token, target } => self.asked.retarget(token, target),
            Letter::Show { request, topic, message } => turn.acts.push(Act::Show(request, topic, message)),
            // Operators serve nothing, take no parts and are shown what modules are delivered.
            Letter::Call { .. }
            | Letter::Cancel { .. }
            | Letter::Credit { .. }
            | Letter::Chunk { .. }
            | Letter::Deliver { .. } => {}
        }
    }

    fn answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: u64,
        outcome: impl FnOnce(&Call<RequestId>) -> Outcome,
    ) {
        if let Some(call) = self.asked.close(token) {
            turn.acts.push(Act::Reply(call.who, Answer::Called(outcome(&call))));
        }
    }

    /// As [`super::Proxy::time_passed`].
    pub fn time_passed(&mut self, turn: &mut Turn<'_>) {
        while let Some((token, call)) = self.asked.pop_due(turn.now) {
            turn.acts.push(Act::Post(call.target, Letter::Cancel { caller: Address::OPERATOR, token }));
            fail(turn, call.who, Failure::TimedOut, String::from("the call was not answered in time"));
        }
    }
}

fn fail(turn: &mut Turn<'_>, request: RequestId, failure: Failure, why: String) {
    turn.acts.push(Act::Reply(request, Answer::Failed(failure, why)));
}

crate::saved::keep_fields!(OperatorProxy { asked });

impl OperatorProxy {
    /// Whose calls are not answered yet.
    pub(crate) fn askers(&self) -> impl Iterator<Item = RequestId> {
        self.asked.askers().copied()
    }
}
