//! One module's traffic: the calls it made, the calls it serves, what it speaks and hears. Pure, without I/O.
//!
//! A proxy lives as long as one life of its module, on one core, and shares nothing with another. It is given its
//! module's frames, letters of other proxies, control's notes and the time, and gives [`Act`]s: frames for its module,
//! letters, and what control has to know.
//!
//! ```text
//! module a ── frame ─► proxy of a ── Routes::decide ─► letter ─► proxy of b ── frame ─► module b
//!                          ▲                                        │
//!                          └──────────────── letter ◄───────────────┘ frame
//! ```
//! # What holds
//! - A call that was passed on ends once: its entry at the caller's proxy is taken out by the answer, by its time, by
//!   being cancelled, or by the end of either life, whichever comes first; what comes later finds nothing.
//! - Its number at the target comes once in that life. The caller's own number never leaves the caller's proxy.
//! - Whatever names another life than this one never comes here: who carries letters looks at the [`Address`].
//! - At most [`CALLS_PENDING_MAX`] calls are open on one side and [`SERVING_MAX`] on the other.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::limits::CALLS_PENDING_MAX;
use abi::{Payload, RequestId, Time};

use crate::effect::{Answer, Message, Notice, Outgoing};
use crate::event::{Attempt, CallContext, Incoming, Outcome, Undelivered};
use crate::governor::TokenBucket;
use crate::random::Random;
use crate::routes::{Address, Decision, Header, RPC_COPY, Refusal, Routes};
use crate::spec::Features;
use crate::word::Word;

mod asked;
mod deadlines;
mod held;
mod letter;
mod muted;
mod open;
mod operator;
mod served;
mod yields;

pub(crate) use asked::Asked;
use asked::Call;
use held::Held;
pub use letter::{Letter, Wants};
use muted::Muted;
pub use operator::OperatorProxy;
pub use served::Tally;
use served::{Served, Serving};

/// 65,536 calls: how many a module may have to answer at once, whoever they are from; the next is answered `overloaded`.
/// It bounds the memory of a provider's table; a provider that works never comes near it.
pub const SERVING_MAX: usize = 1 << 16;

/// 1 s of calls may come at once: a bound on calls is about what is kept up, not about how they are spread.
const CALLS_BURST: Duration = Duration::from_secs(1);

/// What a proxy is given when its life begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// Who calls, as targets are told.
    pub name: Word,
    /// Optional frames that the module asked for.
    pub features: Features,
    /// What the ids of its deliveries follow from.
    pub seed: u64,
    /// How many calls it may make in a second; any number, if none.
    pub calls_per_s: Option<u64>,
}

/// What control tells a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The life begins: make a proxy for it.
    Began(Badge),
    /// It is ready: calls and messages may come.
    Ready,
    /// It asks too much: what it wants of others is refused from now on. What it owes to others still passes.
    Shedding,
    /// It may ask again.
    Relieved,
    /// Its state is on its way to another life: what comes for it is kept.
    Hold,
    /// It answers on: what was kept is its own again.
    Unhold,
    /// Another life answers from now on: what was kept goes there. It answers what it was asked, and may ask others
    /// until it has.
    Yield(Address),
    /// It answers again.
    Resume,
    /// It has given its state for a cut through everything: what it says from here on is held until the cut is over.
    Mute,
    /// The cut is over: what was held is heard.
    Unmute,
    /// It has been told to end: none may come any more.
    Ending,
    /// It is over: everybody who waits for it is told, and the proxy goes.
    Gone,
}

/// What a proxy wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Queue this frame for the module, as [`crate::Effect::Send`].
    Frame(Outgoing),
    /// Hand this to the proxy of that life; give back what [`Letter::returned`] says if it is over.
    Post(Address, Letter),
    /// Something for control to decide: a frame that is no traffic.
    Control(Incoming),
    /// The module tried what it may not: control records and acts.
    Tried(Attempt),
    /// It has made room for another life, and has answered everything: control decides what follows.
    Drained,
    /// It said more than is held while it is muted; all of it was heard now.
    Overran,
    /// A line in the module's own log.
    Warn(String),
    /// Answer an operator; of the operators' proxy only.
    Reply(RequestId, Answer),
    /// Show a message to an operator; of the operators' proxy only.
    Show(RequestId, Word, Message),
}

/// The surroundings of one step of a proxy.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The time.
    pub now: Time,
    /// What is known on this core.
    pub routes: &'a Routes,
    /// What is wanted is put here.
    pub acts: &'a mut Vec<Act>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Ready,
    /// As ready, but what comes is kept.
    Holding,
    /// Another life answers in its place.
    Yielded(Address),
    Ending,
}

/// The proxy.
#[derive(Debug, Clone)]
pub struct Proxy {
    life: Address,
    badge: Badge,
    stage: Stage,
    /// Its own wishes are refused for now.
    is_shedding: bool,
    /// What its calls are paid from, where their number is bounded.
    purse: Option<TokenBucket>,
    asked: Asked<Word>,
    serving: Serving,
    held: Held,
    muted: Muted,
    tally: Tally,
    random: Random,
}

/// What is called: the caller's number, the service, the method, the parameters.
type Wanted = (Word, Word, Word, Option<Payload>);

impl Proxy {
    /// The proxy of a life that begins.
    pub fn new(life: Address, badge: Badge) -> Self {
        Self {
            life,
            random: Random::new(badge.seed),
            // Full at first, whatever the time is.
            purse: badge.calls_per_s.map(|per_s| TokenBucket::new(Time(0), per_s, CALLS_BURST)),
            badge,
            stage: Stage::Starting,
            is_shedding: false,
            asked: Asked::default(),
            serving: Serving::default(),
            held: Held::default(),
            muted: Muted::default(),
            tally: Tally::default(),
        }
    }

    /// Whose traffic this is.
    pub fn life(&self) -> Address {
        self.life
    }

    /// How many calls it made that are not answered yet.
    pub fn calls_pending(&self) -> usize {
        self.asked.len()
    }

    /// What its callers got so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How many calls it has to answer.
    pub fn calls_served(&self) -> usize {
        self.serving.len()
    }

    /// When [`Proxy::time_passed`] must be called at the latest; it may find nothing to do.
    pub fn next_deadline(&self) -> Option<Time> {
        self.asked.next_deadline()
    }

    /// The module said something.
    pub fn hear(&mut self, turn: &mut Turn<'_>, said: Incoming) {
        if let Some(said) = self.hold_said(turn, said) {
            self.hear_now(turn, said);
        }
    }

    fn hear_now(&mut self, turn: &mut Turn<'_>, said: Incoming) {
        match said {
            Incoming::Call { id, service, method, params, context } => {
                self.call(turn, (id, service, method, params), context);
            }
            Incoming::Answer { id, outcome } => self.answer(turn, &id, outcome),
            Incoming::Publish { topic, payload, context } => {
                self.publish(turn, &topic, payload, context.traceparent.as_ref());
            }
            Incoming::Cancel { id } => self.cancel(turn, &id),
            Incoming::Credit { id, parts } => self.credit(turn, &id, parts),
            Incoming::Progress { id, payload } => self.progress(turn, &id, payload),
            Incoming::Chunk { id, seq, data } => self.chunk(turn, &id, seq, data),
            Incoming::End { id } => self.end(turn, &id),
            control @ (Incoming::StateSaved { .. }
            | Incoming::StateRestored { .. }
            | Incoming::Ready
            | Incoming::Pong
            | Incoming::Nack { .. }
            | Incoming::KernelCall { .. }) => turn.acts.push(Act::Control(control)),
            // That a delivery was taken is information only; the kernel itself calls nobody.
            Incoming::Ack | Incoming::KernelAnswer { .. } => {}
        }
        self.tell_drained(turn);
    }

    /// Another proxy, or the operators', wrote something.
    pub fn read(&mut self, turn: &mut Turn<'_>, letter: Letter) {
        if let Some(letter) = self.hold(turn, letter) {
            self.read_now(turn, letter);
            self.tell_drained(turn);
        }
    }

    fn read_now(&mut self, turn: &mut Turn<'_>, letter: Letter) {
        match letter {
            Letter::Call { caller, token, from, service, method, params, context, wants } => {
                let served = Served::new(caller, token, wants, turn.now);
                self.serve(turn, served, from, (service, method, params), context);
            }
            Letter::Cancel { caller, token } => {
                if let Some(hop) = self.serving.drop_of(caller, token) {
                    self.tell_cancelled(turn, hop);
                }
            }
            Letter::Credit { caller, token, parts } => {
                let added = self.serving.give_credit(caller, token, parts);
                if let Some((hop, parts)) = added.filter(|(_, parts)| *parts > 0)
                    && self.badge.features.stream
                {
                    turn.acts.push(Act::Frame(Outgoing::Credit { hop, parts }));
                }
            }
            Letter::Deliver { topic, message, traceparent } => {
                self.deliver(turn, topic, message, traceparent)
            }
            Letter::Answer { token, outcome } => {
                if let Some(call) = self.asked.close(token) {
                    turn.acts.push(Act::Frame(Outgoing::Answer { id: call.who, outcome }));
                }
            }
            Letter::Lost { token } => {
                if let Some(call) = self.asked.close(token) {
                    let error = stopped(call.target_name());
                    self.fail(turn, call.who, error);
                }
            }
            Letter::Moved { token, target } => self.asked.retarget(token, target),
            // Operators follow topics; modules are delivered to.
            Letter::Show { .. } => {}
            Letter::Progress { token, payload } => {
                if let Some(id) = self.asked.renew(turn, token) {
                    turn.acts.push(Act::Frame(Outgoing::Progress { id, hop: token, payload }));
                }
            }
            Letter::Chunk { token, seq, data } => {
                if let Some(id) = self.asked.renew(turn, token) {
                    turn.acts.push(Act::Frame(Outgoing::Chunk { id, hop: token, seq, data }));
                }
            }
            Letter::End { token } => {
                if let Some(id) = self.asked.renew(turn, token) {
                    turn.acts.push(Act::Frame(Outgoing::End { id, hop: token }));
                }
            }
            Letter::Alive { token } => {
                self.asked.renew(turn, token);
            }
        }
    }

    /// Control says how the life goes on.
    pub fn note(&mut self, turn: &mut Turn<'_>, note: &Note) {
        match note {
            Note::Began(badge) => self.badge = badge.clone(),
            Note::Ready => self.stage = Stage::Ready,
            Note::Hold => self.stage = Stage::Holding,
            Note::Unhold => self.unhold(turn),
            Note::Yield(to) => self.make_room(turn, *to),
            Note::Resume => self.stage = Stage::Ready,
            Note::Shedding => self.is_shedding = true,
            Note::Relieved => self.is_shedding = false,
            Note::Ending => {
                self.refuse_held(turn);
                self.stage = Stage::Ending;
            }
            Note::Mute => self.mute(),
            Note::Unmute => self.unmute(turn),
            Note::Gone => {
                // What it said before its end counts.
                self.unmute(turn);
                self.gone(turn);
            }
        }
    }

    /// The frame did not fit into the module's queue.
    pub fn undelivered(&mut self, turn: &mut Turn<'_>, what: Undelivered) {
        let overloaded = || Outcome::Error(String::from("overloaded"));
        match what {
            Undelivered::Call(hop) => {
                if let Some(served) = self.serving.take(hop) {
                    served.answer(turn, overloaded());
                }
            }
            Undelivered::Part(token) => {
                if let Some(call) = self.asked.close(token) {
                    let cancel = Letter::Cancel { caller: self.life, token };
                    turn.acts.push(Act::Post(call.target, cancel));
                    turn.acts.push(Act::Frame(Outgoing::Answer { id: call.who, outcome: overloaded() }));
                }
            }
        }
    }

    /// The moment of [`Proxy::next_deadline`] has come, or may have.
    pub fn time_passed(&mut self, turn: &mut Turn<'_>) {
        while let Some((token, call)) = self.asked.pop_due(turn.now) {
            turn.acts.push(Act::Post(call.target, Letter::Cancel { caller: self.life, token }));
            self.fail(turn, call.who, String::from("timeout"));
        }
        self.tell_drained(turn);
    }

    /// Those who wait for this life are told; those it waited for need not go on.
    fn gone(&mut self, turn: &mut Turn<'_>) {
        self.refuse_held(turn);
        self.stage = Stage::Ending;
        for (token, call) in self.asked.close_all() {
            // A module that called itself has nobody left to tell.
            if call.target != self.life {
                turn.acts.push(Act::Post(call.target, Letter::Cancel { caller: self.life, token }));
            }
        }
        for served in self.serving.take_all() {
            if served.caller != self.life {
                served.answer(turn, Outcome::Error(stopped(self.badge.name.as_str())));
            }
        }
    }

    fn fail(&self, turn: &mut Turn<'_>, id: Word, error: String) {
        turn.acts.push(Act::Frame(Outgoing::Answer { id, outcome: Outcome::Error(error) }));
    }

    fn call(&mut self, turn: &mut Turn<'_>, wanted: Wanted, context: CallContext) {
        let decision = turn.routes.decide(self.speaks_as(), Header::Call { service: wanted.1.as_str() });
        let target = match decision {
            Decision::Forward(target) => target,
            Decision::Refuse(Refusal::Forbidden) => {
                let (id, service, ..) = wanted;
                return turn.acts.push(Act::Tried(Attempt::Call { id, service }));
            }
            Decision::Refuse(refusal) => return self.fail(turn, wanted.0, String::from(refusal.as_str())),
            Decision::Spread(_) => return,
        };
        let is_paid = self.purse.as_mut().is_none_or(|purse| purse.take(turn.now));
        if self.is_shedding || !is_paid || self.asked.len() >= CALLS_PENDING_MAX {
            return self.fail(turn, wanted.0, String::from("overloaded"));
        }
        let house = turn.routes.rpc_timeout();
        let own = context.deadline_ms.map(Duration::from_millis);
        let wait = own.map_or(house, |own| own.min(house));
        let features = self.badge.features;
        let wants = Wants { progress: features.progress, parts: features.stream, signs: own.is_none() };
        let (id, service, method, params) = wanted;
        if turn.routes.is_rpc_heard() {
            let notice = rpc_notice(&self.badge.name, &service, &method, &id);
            spread(turn, None, &Word::literal(RPC_COPY), &Message::Notice(notice), None);
        }
        let call = Call::new(id, target, turn.routes.name_of(target).cloned(), own.is_none());
        let token = self.asked.open(turn.now + wait, call);
        let letter = Letter::Call {
            caller: self.life,
            token,
            from: self.badge.name.clone(),
            service,
            method,
            params,
            context: CallContext { deadline_ms: own.map(|_| millis(wait)), ..context },
            wants,
        };
        turn.acts.push(Act::Post(target, letter));
    }

    fn serve(
        &mut self,
        turn: &mut Turn<'_>,
        served: Served,
        from: Word,
        wanted: (Word, Word, Option<Payload>),
        context: CallContext,
    ) {
        // Who decided this may have known less than this proxy does.
        if self.stage != Stage::Ready {
            let refusal = String::from(Refusal::TargetNotReady.as_str());
            return served.answer(turn, Outcome::Error(refusal));
        }
        if self.serving.len() >= SERVING_MAX {
            return served.answer(turn, Outcome::Error(String::from("overloaded")));
        }
        let hop = self.serving.open(served);
        let features = self.badge.features;
        let (service, method, params) = wanted;
        let context = CallContext {
            // A call that is renewed by signs of life has no moment that its target should stop at.
            deadline_ms: context.deadline_ms.filter(|_| features.deadline),
            traceparent: context.traceparent.filter(|_| features.trace),
        };
        turn.acts.push(Act::Frame(Outgoing::Call { hop, from, service, method, params, context }));
    }

    fn answer(&mut self, turn: &mut Turn<'_>, id: &Word, outcome: Outcome) {
        match hop_of(id).and_then(|hop| self.serving.take(hop)) {
            Some(served) => {
                self.tally.count(served.waited(turn.now), &outcome);
                served.answer(turn, outcome);
            }
            None => warn_foreign(turn, "answered"),
        }
    }

    fn publish(&mut self, turn: &mut Turn<'_>, topic: &Word, payload: Payload, traceparent: Option<&Word>) {
        match turn.routes.decide(self.speaks_as(), Header::Publish { topic: topic.as_str() }) {
            // A message has no answer that could say so; the journal said it of all.
            Decision::Spread(_) if self.is_shedding => {}
            Decision::Spread(_) => {
                spread(turn, Some(self.speaks_as()), topic, &Message::Raw(payload), traceparent);
            }
            Decision::Refuse(Refusal::SenderNotReady) => {
                turn.acts.push(Act::Warn(format!("publish on `{topic}` before it was ready")));
            }
            Decision::Refuse(_) | Decision::Forward(_) => {
                turn.acts.push(Act::Tried(Attempt::Publish { topic: topic.clone() }));
            }
        }
    }

    fn deliver(&mut self, turn: &mut Turn<'_>, topic: Word, message: Message, traceparent: Option<Word>) {
        if self.stage == Stage::Ready {
            let traceparent = traceparent.filter(|_| self.badge.features.trace);
            let id = self.random.uuid();
            turn.acts.push(Act::Frame(Outgoing::Deliver { id, topic, message, traceparent }));
        }
    }

    fn cancel(&mut self, turn: &mut Turn<'_>, id: &Word) {
        // A call that is not open was answered while this was on its way: nothing to say about it.
        let Some(token) = self.asked.latest(id) else { return };
        let Some(call) = self.asked.close(token) else { return };
        turn.acts.push(Act::Post(call.target, Letter::Cancel { caller: self.life, token }));
        self.fail(turn, call.who, String::from("cancelled"));
    }

    fn credit(&mut self, turn: &mut Turn<'_>, id: &Word, parts: u32) {
        let Some(token) = self.asked.latest(id) else { return };
        let Some(target) = self.asked.target(token) else { return };
        turn.acts.push(Act::Post(target, Letter::Credit { caller: self.life, token, parts }));
    }

    fn progress(&mut self, turn: &mut Turn<'_>, id: &Word, payload: Payload) {
        let Some((_, served)) = self.reported(turn, id) else { return };
        let (caller, token, wants) = (served.caller, served.token, served.wants);
        if wants.progress {
            turn.acts.push(Act::Post(caller, Letter::Progress { token, payload }));
        } else {
            sign_of_life(turn, caller, token, wants);
        }
    }

    fn chunk(&mut self, turn: &mut Turn<'_>, id: &Word, seq: u64, data: Payload) {
        let Some((hop, served)) = self.reported(turn, id) else { return };
        let (caller, token, wants) = (served.caller, served.token, served.wants);
        if !wants.parts {
            // Nobody hears this part, so its credit comes straight back: the stream must not stand still for that.
            sign_of_life(turn, caller, token, wants);
            return turn.acts.push(Act::Frame(Outgoing::Credit { hop, parts: 1 }));
        }
        if served.spend_credit() {
            return turn.acts.push(Act::Post(caller, Letter::Chunk { token, seq, data }));
        }
        if let Some(served) = self.serving.take(hop) {
            self.tell_cancelled(turn, hop);
            served.answer(turn, Outcome::Error(String::from("overloaded")));
        }
    }

    fn end(&mut self, turn: &mut Turn<'_>, id: &Word) {
        let Some((_, served)) = self.reported(turn, id) else { return };
        let (caller, token, wants) = (served.caller, served.token, served.wants);
        // A stream ends once; what a module says of it again is a sign of life and no more.
        if wants.parts && served.end_once() {
            turn.acts.push(Act::Post(caller, Letter::End { token }));
        } else {
            sign_of_life(turn, caller, token, wants);
        }
    }

    /// The call that the module reports on, if it was asked.
    fn reported(&mut self, turn: &mut Turn<'_>, id: &Word) -> Option<(u64, &mut Served)> {
        let hop = hop_of(id);
        let found = hop.and_then(|hop| Some((hop, self.serving.get_mut(hop)?)));
        if found.is_none() {
            warn_foreign(turn, "reported on");
        }
        found
    }

    /// Tells the module that nobody waits any more, if it wants to know.
    fn tell_cancelled(&self, turn: &mut Turn<'_>, hop: u64) {
        if self.badge.features.cancel {
            turn.acts.push(Act::Frame(Outgoing::Cancel { hop }));
        }
    }
}

/// The number that a module was given for a call, if the text is one.
fn hop_of(id: &Word) -> Option<u64> {
    id.as_str().parse().ok()
}

fn warn_foreign(turn: &mut Turn<'_>, what: &str) {
    let text = format!("{what} a call that it was not asked, or whose time is over; ignored");
    turn.acts.push(Act::Warn(text));
}

fn sign_of_life(turn: &mut Turn<'_>, caller: Address, token: u64, wants: Wants) {
    if wants.signs {
        turn.acts.push(Act::Post(caller, Letter::Alive { token }));
    }
}

fn stopped(name: &str) -> String {
    format!("Module {name} stopped while processing RPC")
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

fn rpc_notice(from: &Word, service: &Word, method: &Word, id: &Word) -> Notice {
    Notice::Rpc { from: from.clone(), service: service.clone(), method: method.clone(), id: id.clone() }
}

/// Writes a message to everybody who hears it; says how many modules that are.
fn spread(
    turn: &mut Turn<'_>,
    sender: Option<Address>,
    topic: &Word,
    message: &Message,
    traceparent: Option<&Word>,
) -> u64 {
    let mut receivers = 0;
    for hearer in turn.routes.hearers(topic.as_str(), sender.map(|sender| sender.slot)) {
        let (topic, message, traceparent) = (topic.clone(), message.clone(), traceparent.cloned());
        turn.acts.push(Act::Post(hearer, Letter::Deliver { topic, message, traceparent }));
        receivers += 1;
    }
    for request in turn.routes.watching(topic.as_str()) {
        let (topic, message) = (topic.clone(), message.clone());
        turn.acts.push(Act::Post(Address::OPERATOR, Letter::Show { request, topic, message }));
    }
    receivers
}

crate::saved::keep_fields!(Badge { name, features, seed, calls_per_s });
crate::saved::keep_variants!(Stage { Starting {}, Ready {}, Holding {}, Yielded { 0: to }, Ending {} });
crate::saved::keep_fields!(Proxy {
    life,
    badge,
    stage,
    is_shedding,
    purse,
    asked,
    serving,
    held,
    muted,
    tally,
    random
});

#[cfg(test)]
mod tests;
