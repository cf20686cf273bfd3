//! The observer sees what it is there to see: each test forges one effect that a right kernel would never want.

use abi::{ExitKind, Generation, ModuleId, Name, Payload, Permissions, Record, RequestId, Slot, Time};
use kernel::{
    Answer, CallContext, Discovered, Door, Effect, Ensemble, Event, Grants, Incoming, Message, Order,
    Outcome, Outgoing, Signal, Spec, Word,
};

use super::{Cause, Observer, Verdict};

const A: (Slot, Generation) = (Slot(0), Generation(1));
const B: (Slot, Generation) = (Slot(1), Generation(2));

fn id(text: &str) -> ModuleId {
    ModuleId::parse(text).expect("a slug")
}

fn module(text: &str) -> Discovered {
    let mut spec = Spec::plain(id(text));
    spec.door = Door::Lines;
    spec.provides = [Name::literal("echo")].into_iter().filter(|_| text == "b").collect();
    spec.requires = [Name::literal("echo")].into_iter().filter(|_| text == "a").collect();
    spec.subscribes = [Name::literal("t")].into();
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

struct Watched {
    kernel: Ensemble,
    observer: Observer,
}

impl Watched {
    /// Modules `a`, which requires what `b` provides, and `b`: both started, none ready.
    fn started() -> Self {
        let mut watched = Self { kernel: Ensemble::new(1), observer: Observer::default() };
        watched.tell(Event::Discovered(vec![module("a"), module("b")]));
        for (slot, generation) in [A, B] {
            watched.tell(Event::Spawned(slot, generation));
        }
        watched
    }

    /// The same, both ready.
    fn ready() -> Self {
        let mut watched = Self::started();
        for (slot, generation) in [B, A] {
            watched.tell(Event::Said(slot, generation, Incoming::Ready));
        }
        watched
    }

    fn tell(&mut self, event: Event) {
        let mut step = self.observer.begin(Time(0), Cause::Happened(event.clone()), &self.kernel);
        self.kernel.handle(Time(0), event);
        while let Some(effect) = self.kernel.poll_effect() {
            self.observer.effect(&mut step, &effect, &self.kernel).expect("a right kernel keeps every rule");
        }
        self.observer.end(&step, &self.kernel).expect("a right kernel keeps every rule");
    }

    /// What is said of effects that the kernel did not want, after something that it is never told.
    fn forged(&mut self, event: Event, effects: &[Effect]) -> Verdict {
        let mut step = self.observer.begin(Time(0), Cause::Happened(event), &self.kernel);
        for effect in effects {
            self.observer.effect(&mut step, effect, &self.kernel)?;
        }
        self.observer.end(&step, &self.kernel)
    }
}

fn nothing() -> Event {
    Event::ConfigChanged(Vec::new())
}

fn refused(verdict: Verdict, words: &str) {
    let said = verdict.expect_err("the rule is broken");
    assert!(said.contains(words), "{said}");
}

fn call() -> Event {
    let context = CallContext::default();
    let (id, service, method) = (Word::literal("1"), Word::literal("echo"), Word::literal("say"));
    Event::Said(A.0, A.1, Incoming::Call { id, service, method, params: None, context })
}

fn answer(to: (Slot, Generation), error: &str) -> Effect {
    let outcome = Outcome::Error(String::from(error));
    Effect::Send(to.0, to.1, Outgoing::Answer { id: Word::literal("1"), outcome })
}

#[test]
fn a_frame_to_a_life_that_is_over() {
    let mut watched = Watched::ready();
    watched.tell(Event::Exited(A.0, A.1, ExitKind::Code(1)));
    let verdict = watched.forged(nothing(), &[Effect::Send(A.0, A.1, Outgoing::Ping)]);
    refused(verdict, "generation 1, which does not live");
}

#[test]
fn anything_that_follows_from_an_event_of_a_life_that_is_over() {
    let mut watched = Watched::ready();
    watched.tell(Event::Exited(A.0, A.1, ExitKind::Code(1)));
    let late = Event::Said(A.0, A.1, Incoming::Pong);
    refused(watched.forged(late, &[Effect::Record(Record::new("x"))]), "a life that is over");
}

#[test]
fn a_delivery_to_a_module_that_is_not_ready() {
    let mut watched = Watched::started();
    let (topic, message) = (Word::literal("t"), Message::Raw(Payload::new(b"1")));
    let frame = Outgoing::Deliver { id: 1, topic, message, traceparent: None };
    refused(watched.forged(nothing(), &[Effect::Send(A.0, A.1, frame)]), "a in Starting was sent");
}

#[test]
fn a_message_that_misses_a_hearer() {
    let mut watched = Watched::ready();
    let (topic, payload) = (Word::literal("t"), Payload::new(b"1"));
    let said = Incoming::Publish { topic, payload, context: CallContext::default() };
    refused(watched.forged(Event::Said(A.0, A.1, said), &[]), "reached 0 of 1");
}

#[test]
fn a_start_without_a_record_or_beside_another_life() {
    let start = Effect::Spawn(A.0, Generation(9));
    refused(Watched::ready().forged(nothing(), std::slice::from_ref(&start)), "without a record");
    let record = Effect::Record(Record::new("module.starting").of(&id("a"), Some(Generation(9))));
    refused(Watched::ready().forged(nothing(), &[record, start]), "beside itself");
}

#[test]
fn a_signal_without_a_record_of_why() {
    let kill = Effect::Signal(A.0, A.1, Signal::Kill);
    refused(Watched::ready().forged(nothing(), &[kill]), "without a record of why");
}

#[test]
fn an_answer_without_a_question_and_a_question_without_an_answer() {
    refused(Watched::ready().forged(nothing(), &[answer(A, "timeout")]), "without a question");
    refused(Watched::ready().forged(call(), &[]), "neither passed on nor answered");
}

#[test]
fn an_answer_before_its_time_or_to_somebody_else() {
    let mut watched = Watched::ready();
    watched.tell(call());
    refused(watched.forged(nothing(), &[answer(A, "timeout")]), "for no reason");
    let mut watched = Watched::ready();
    watched.tell(call());
    refused(watched.forged(nothing(), &[answer(B, "timeout")]), "without a question");
}

#[test]
fn an_order_that_is_answered_twice_or_not_at_once() {
    let mut watched = Watched::ready();
    let reply = Effect::Reply(RequestId(7), Answer::Done);
    refused(watched.forged(nothing(), std::slice::from_ref(&reply)), "without being open");
    let publish = Order::Publish { topic: Word::literal("t"), payload: Payload::new(b"1") };
    refused(watched.forged(Event::Ordered(RequestId(8), publish), &[]), "not answered in its time");
}

#[test]
fn an_end_of_everything_while_something_runs() {
    refused(Watched::ready().forged(nothing(), &[Effect::Finished]), "yet something runs");
}

#[test]
fn a_restart_too_many_or_at_the_wrong_time() {
    let planned = |attempt, wait_ms| {
        let record = Record::new("restart.planned").of(&id("a"), None).number("wait_ms", wait_ms);
        [Effect::Record(record.number("attempt", attempt).number("max_restarts", 5))]
    };
    assert_eq!(Watched::ready().forged(nothing(), &planned(1, 1000)), Ok(()));
    refused(Watched::ready().forged(nothing(), &planned(2, 2000)), "restart 2 after 0 of 5");
    refused(Watched::ready().forged(nothing(), &planned(1, 100)), "waits 100 ms instead of about 1000");
    let now = Effect::Record(Record::new("restart.now").of(&id("a"), None));
    refused(Watched::ready().forged(nothing(), &[now]), "without having been well");
}

#[test]
fn a_start_of_what_an_operator_stopped() {
    let mut watched = Watched::ready();
    watched.tell(Event::Ordered(RequestId(1), Order::Stop(id("a"))));
    watched.tell(Event::Exited(A.0, A.1, ExitKind::Code(0)));
    let record = Effect::Record(Record::new("module.starting").of(&id("a"), Some(Generation(9))));
    refused(watched.forged(nothing(), &[record]), "though an operator stopped it");
}
