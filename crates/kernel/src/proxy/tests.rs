//! One proxy alone, at its seams: letters that come too early, too late or to the wrong one, and its bounds.

use std::vec::Vec;

use abi::{Generation, Name, Payload, Slot, Time};

use super::{Act, Badge, Letter, Note, Proxy, SERVING_MAX, Turn, Wants};
use crate::effect::{Message, Outgoing};
use crate::event::{CallContext, Incoming, Outcome};
use crate::routes::{Address, Routes};
use crate::spec::Features;
use crate::word::Word;

const OWN: Address = Address { slot: Slot(1), generation: Generation(5) };
const OTHER: Address = Address { slot: Slot(2), generation: Generation(7) };

fn proxy(features: Features) -> Proxy {
    Proxy::new(OWN, Badge { name: Word::literal("own"), features, seed: 1, calls_per_s: None })
}

fn acts(proxy: &mut Proxy, step: impl FnOnce(&mut Proxy, &mut Turn<'_>)) -> Vec<Act> {
    let mut acts = Vec::new();
    step(proxy, &mut Turn { now: Time(0), routes: &Routes::default(), acts: &mut acts });
    acts
}

fn ready(features: Features) -> Proxy {
    let mut proxy = proxy(features);
    assert_eq!(acts(&mut proxy, |proxy, turn| proxy.note(turn, &Note::Ready)), []);
    proxy
}

fn call(token: u64) -> Letter {
    Letter::Call {
        caller: OTHER,
        token,
        from: Word::literal("other"),
        service: Word::literal("echo"),
        method: Word::literal("say"),
        params: None,
        context: CallContext::default(),
        wants: Wants::default(),
    }
}

fn refusal(token: u64, error: &str) -> Act {
    Act::Post(OTHER, Letter::Answer { token, outcome: Outcome::Error(error.into()) })
}

#[test]
fn a_call_that_comes_before_ready_or_after_the_end_began_is_answered() {
    let mut early = proxy(Features::default());
    assert_eq!(acts(&mut early, |proxy, turn| proxy.read(turn, call(1))), [refusal(1, "module_not_ready")]);
    let mut late = ready(Features::default());
    acts(&mut late, |proxy, turn| proxy.note(turn, &Note::Ending));
    assert_eq!(acts(&mut late, |proxy, turn| proxy.read(turn, call(2))), [refusal(2, "module_not_ready")]);
    let deliver = Letter::Deliver {
        topic: Word::literal("t"),
        message: Message::Raw(Payload::new(b"1")),
        traceparent: None,
    };
    assert_eq!(acts(&mut late, |proxy, turn| proxy.read(turn, deliver)), []);
}

#[test]
fn a_call_that_finds_its_target_gone_is_answered_as_if_it_had_died_with_it() {
    let mut caller = ready(Features::default());
    let made = super::Call::new(Word::literal("7"), OTHER, Some(Name::literal("other")), true);
    let token = caller.asked.open(Time(9), made);
    let back = call(token).returned();
    assert_eq!(back, Some((OTHER, Letter::Lost { token })));
    let lost = acts(&mut caller, |proxy, turn| proxy.read(turn, Letter::Lost { token }));
    let outcome = Outcome::Error("Module other stopped while processing RPC".into());
    assert_eq!(lost, [Act::Frame(Outgoing::Answer { id: Word::literal("7"), outcome })]);
    assert_eq!(acts(&mut caller, |proxy, turn| proxy.read(turn, Letter::Lost { token })), []);
    assert_eq!(caller.calls_pending(), 0);
}

#[test]
fn a_call_that_was_cancelled_on_its_way_leaves_nothing_at_its_target() {
    let mut target = ready(Features { cancel: true, ..Features::default() });
    acts(&mut target, |proxy, turn| proxy.read(turn, call(4)));
    let cancelled = acts(&mut target, |proxy, turn| {
        proxy.read(turn, Letter::Cancel { caller: OTHER, token: 4 });
    });
    assert_eq!(cancelled, [Act::Frame(Outgoing::Cancel { hop: 1 })]);
    assert_eq!(target.calls_served(), 0);
    let again = acts(&mut target, |proxy, turn| {
        proxy.read(turn, Letter::Cancel { caller: OTHER, token: 4 });
    });
    assert_eq!(again, []);
}

#[test]
fn calls_of_two_lives_under_one_number_are_two_calls() {
    let mut target = ready(Features::default());
    acts(&mut target, |proxy, turn| proxy.read(turn, call(1)));
    let Letter::Call { from, service, method, params, context, wants, .. } = call(1) else { return };
    let heir = Address { generation: Generation(8), ..OTHER };
    let second = Letter::Call { caller: heir, token: 1, from, service, method, params, context, wants };
    acts(&mut target, |proxy, turn| proxy.read(turn, second));
    acts(&mut target, |proxy, turn| proxy.read(turn, Letter::Cancel { caller: OTHER, token: 1 }));
    let answer = Incoming::Answer { id: Word::literal("2"), outcome: Outcome::Result(None) };
    assert_eq!(
        acts(&mut target, |proxy, turn| proxy.hear(turn, answer)),
        [Act::Post(heir, Letter::Answer { token: 1, outcome: Outcome::Result(None) })]
    );
}

#[test]
fn a_provider_has_a_bounded_number_of_calls_to_answer() {
    let mut target = ready(Features::default());
    for token in 0..SERVING_MAX as u64 {
        acts(&mut target, |proxy, turn| proxy.read(turn, call(token)));
    }
    assert_eq!(target.calls_served(), SERVING_MAX);
    let over = SERVING_MAX as u64;
    assert_eq!(acts(&mut target, |proxy, turn| proxy.read(turn, call(over))), [refusal(over, "overloaded")]);
}

#[test]
fn the_end_of_a_life_answers_whoever_waits_for_it_in_their_order() {
    let mut target = ready(Features::default());
    for token in [3, 1, 2] {
        acts(&mut target, |proxy, turn| proxy.read(turn, call(token)));
    }
    let told = acts(&mut target, |proxy, turn| proxy.note(turn, &Note::Gone));
    let error = "Module own stopped while processing RPC";
    assert_eq!(told, [refusal(3, error), refusal(1, error), refusal(2, error)]);
    assert_eq!((target.calls_pending(), target.calls_served()), (0, 0));
}

#[test]
fn the_end_of_a_stream_is_told_once() {
    let mut target = ready(Features::default());
    let Letter::Call { caller, token, from, service, method, params, context, .. } = call(1) else { return };
    let wants = Wants { parts: true, ..Wants::default() };
    let streamed = Letter::Call { caller, token, from, service, method, params, context, wants };
    acts(&mut target, |proxy, turn| proxy.read(turn, streamed));
    let end = || Incoming::End { id: Word::literal("1") };
    assert_eq!(
        acts(&mut target, |proxy, turn| proxy.hear(turn, end())),
        [Act::Post(OTHER, Letter::End { token })]
    );
    assert_eq!(acts(&mut target, |proxy, turn| proxy.hear(turn, end())), []);
}

#[test]
fn a_full_mailbox_answers_a_call_and_lets_what_ends_one_through() {
    assert!(call(1).needs_room());
    assert_eq!(
        call(1).refused(),
        Some((OTHER, Letter::Answer { token: 1, outcome: Outcome::Error("overloaded".into()) }))
    );
    for letter in
        [Letter::Cancel { caller: OTHER, token: 1 }, Letter::Lost { token: 1 }, Letter::End { token: 1 }]
    {
        assert!(!letter.needs_room());
        assert_eq!(letter.returned(), None);
    }
}
