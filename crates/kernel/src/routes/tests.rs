//! The checks in their order, and a board that is always as if it had been made anew.

use std::collections::BTreeSet;
use std::format;
use std::vec::Vec;

use abi::{Generation, Name, RequestId, Slot};
use proptest::prelude::*;

use crate::spec::Forbidden;

use super::{Address, Board, Decision, Facts, Header, Refusal, Routes, Watcher};

fn name(text: &str) -> Name {
    Name::parse(text).expect("short")
}

fn names<C: FromIterator<Name>>(words: &str) -> C {
    words.split(' ').filter(|word| !word.is_empty()).map(name).collect()
}

fn facts(generation: u64, is_ready: bool, may: &str, offers: &str, hears: &str) -> Facts {
    Facts {
        generation: Generation(generation),
        is_ready,
        has_lines: true,
        name: name(&format!("module-{generation}")),
        may: names(may),
        offers: names(offers),
        hears: names(hears),
        forbid: Forbidden::default(),
    }
}

/// The same, to whom something is forbidden.
fn forbidding(facts: Facts, services: &str, topics: &str) -> Facts {
    Facts { forbid: Forbidden { services: names(services), topics: names(topics) }, ..facts }
}

fn life(slot: u32, generation: u64) -> Address {
    Address { slot: Slot(slot), generation: Generation(generation) }
}

fn call(routes: &Routes, sender: Address, service: &str) -> Result<Address, Refusal> {
    match routes.decide(sender, Header::Call { service }) {
        Decision::Forward(target) => Ok(target),
        Decision::Refuse(refusal) => Err(refusal),
        Decision::Spread(_) => unreachable!("a call goes to one"),
    }
}

fn hearers(routes: &Routes, sender: Address, topic: &str) -> Result<Vec<Address>, Refusal> {
    match routes.decide(sender, Header::Publish { topic }) {
        Decision::Spread(hearers) => Ok(hearers.collect()),
        Decision::Refuse(refusal) => Err(refusal),
        Decision::Forward(_) => unreachable!("a message goes to all who hear"),
    }
}

#[test]
fn the_checks_come_in_the_contract_s_order() {
    let mut board = Board::default();
    board.put(Slot(0), Some(facts(1, true, "echo gone waits", "", "")));
    board.put(Slot(1), Some(facts(2, true, "", "echo", "")));
    board.put(Slot(2), Some(facts(3, false, "echo", "waits", "")));
    let routes = board.publish();
    assert_eq!(call(&routes, life(2, 3), "echo"), Err(Refusal::SenderNotReady));
    assert_eq!(call(&routes, life(0, 9), "echo"), Err(Refusal::SenderNotReady), "another life of it is");
    assert_eq!(call(&routes, life(7, 1), "echo"), Err(Refusal::SenderNotReady), "nobody sits there");
    assert_eq!(call(&routes, life(1, 2), "echo"), Err(Refusal::Forbidden));
    assert_eq!(call(&routes, life(1, 2), "nothing"), Err(Refusal::Forbidden));
    assert_eq!(call(&routes, life(0, 1), "gone"), Err(Refusal::NoService));
    assert_eq!(call(&routes, life(0, 1), "waits"), Err(Refusal::TargetNotReady));
    assert_eq!(call(&routes, life(0, 1), "echo"), Ok(life(1, 2)));
    assert_eq!(routes.reach("echo"), Ok(life(1, 2)));
    assert_eq!(routes.reach("nothing"), Err(Refusal::NoService));
}

#[test]
fn a_message_goes_to_who_is_ready_and_hears_it_but_its_sender() {
    let mut board = Board::default();
    for (slot, is_ready) in [(0, true), (2, true), (1, false), (3, true)] {
        board.put(Slot(slot), Some(facts(u64::from(slot) + 1, is_ready, "", "", "t")));
    }
    let routes = board.publish();
    assert_eq!(hearers(&routes, life(0, 1), "t"), Ok(Vec::from([life(2, 3), life(3, 4)])));
    assert_eq!(hearers(&routes, life(0, 1), "u"), Ok(Vec::new()));
    assert_eq!(hearers(&routes, life(0, 1), "system:x"), Err(Refusal::Forbidden));
    assert_eq!(hearers(&routes, life(1, 2), "system:x"), Err(Refusal::SenderNotReady));
}

#[test]
fn a_request_that_follows_a_topic_twice_is_shown_it_once() {
    let mut board = Board::default();
    let watcher = |request, pattern| Watcher { request: RequestId(request), pattern: name(pattern) };
    board.watch([watcher(1, "t"), watcher(1, "*"), watcher(2, "t*"), watcher(3, "u")].into());
    let routes = board.publish();
    let watching: Vec<u64> = routes.watching("t").map(|request| request.0).collect();
    assert_eq!(watching, [1, 2]);
}

#[test]
fn nothing_new_is_published_when_nothing_changed() {
    let mut board = Board::default();
    board.put(Slot(0), Some(facts(1, true, "a", "b", "t")));
    let first = board.publish();
    board.put(Slot(0), Some(facts(1, true, "a", "b", "t")));
    assert!(alloc::sync::Arc::ptr_eq(&first, &board.publish()));
    board.put(Slot(0), Some(facts(1, false, "a", "b", "t")));
    assert!(!alloc::sync::Arc::ptr_eq(&first, &board.publish()));
    assert_eq!(call(&first, life(0, 1), "a"), Err(Refusal::NoService), "what was published stays as it was");
}

#[test]
fn a_name_that_nobody_uses_any_more_leaves_nothing_behind() {
    let mut board = Board::default();
    for round in 0..100 {
        let service = format!("service-{round}");
        board.put(Slot(0), Some(facts(round, true, &service, "own", "t")));
    }
    assert_eq!(board.known.len(), 2);
    board.put(Slot(0), None);
    assert_eq!((board.known.len(), board.free.len()), (0, 3));
}

#[test]
fn a_pattern_allows_services_that_come_before_and_after_it() {
    let mut board = Board::default();
    board.put(Slot(0), Some(facts(1, true, "", "db.read", "")));
    board.put(Slot(1), Some(forbidding(facts(2, true, "db.* log", "", ""), "db.drop db.admin:*", "")));
    board.put(Slot(2), Some(facts(3, true, "", "db.write db.drop db.admin:x log database", "")));
    let routes = board.publish();
    let ask = |service| call(&routes, life(1, 2), service);
    assert_eq!(ask("db.read"), Ok(life(0, 1)));
    assert_eq!((ask("db.write"), ask("log")), (Ok(life(2, 3)), Ok(life(2, 3))));
    for refused in ["db.drop", "db.admin:x", "database", "db.", "db", "db.admin:y"] {
        assert_eq!(ask(refused), Err(Refusal::Forbidden), "{refused}");
    }
    assert_eq!(ask("db.nobody"), Err(Refusal::NoService), "it is allowed, and not there");
}

#[test]
fn a_bit_that_goes_to_another_name_takes_no_right_along() {
    let mut board = Board::default();
    board.put(Slot(0), Some(facts(1, true, "a.* x", "", "")));
    board.put(Slot(1), Some(facts(2, true, "", "a.b", "")));
    assert_eq!(call(&board.publish(), life(0, 1), "a.b"), Ok(life(1, 2)));
    board.put(Slot(1), Some(facts(3, true, "", "c", "")));
    assert_eq!(call(&board.publish(), life(0, 1), "c"), Err(Refusal::Forbidden));
}

#[test]
fn what_is_forbidden_is_neither_heard_nor_said() {
    let mut board = Board::default();
    board.put(Slot(0), Some(forbidding(facts(1, true, "", "", "news.*"), "", "news.secret.* news.x")));
    board.put(Slot(1), Some(facts(2, true, "", "", "news.secret.a news.x")));
    board.put(Slot(2), Some(facts(3, true, "", "", "news.*")));
    let routes = board.publish();
    assert_eq!(hearers(&routes, life(2, 3), "news.any"), Ok(Vec::from([life(0, 1)])));
    for topic in ["news.secret.a", "news.x"] {
        assert_eq!(hearers(&routes, life(2, 3), topic), Ok(Vec::from([life(1, 2)])), "{topic}");
        assert_eq!(hearers(&routes, life(0, 1), topic), Err(Refusal::Forbidden), "{topic}");
    }
    assert_eq!(hearers(&routes, life(1, 2), "news.secret.b"), Ok(Vec::from([life(2, 3)])));
    assert_eq!(hearers(&routes, life(1, 2), "news."), Ok(Vec::new()));
}

fn any_facts() -> impl Strategy<Value = Option<Facts>> {
    let some = |words: &'static [&'static str]| prop::sample::subsequence(words, 0..=words.len());
    let services = some(&["a", "b.x", "c", "b.*"]);
    let forbidden = (some(&["a", "b.*", "b.x"]), some(&["t.x.*", "u", "t.a"]));
    let topics = some(&["t.x.y", "u", "t.*", "t.x.*"]);
    let shape = (1u64..5, any::<bool>(), services, some(&["a", "b.x", "b.y"]), topics, forbidden);
    let facts = shape.prop_map(|(generation, is_ready, may, offers, hears, (no_services, no_topics))| {
        let facts = facts(generation, is_ready, &may.join(" "), &offers.join(" "), &hears.join(" "));
        forbidding(facts, &no_services.join(" "), &no_topics.join(" "))
    });
    prop::option::weighted(0.8, facts)
}

proptest! {
    /// After any changes everything is decided as by a board that was only told how it is now.
    #[test]
    fn differences_lead_where_the_whole_does(steps in prop::collection::vec((0u32..4, any_facts()), 1..40)) {
        let (mut board, mut now) = (Board::default(), [const { None }; 4]);
        for (slot, facts) in steps {
            // One service has one provider: another's claim is refused before it comes here.
            let taken: BTreeSet<Name> = now.iter().enumerate().filter(|(other, _)| *other != slot as usize)
                .filter_map(|(_, facts): (_, &Option<Facts>)| facts.as_ref()).flat_map(|facts| facts.offers.clone()).collect();
            let facts = facts.map(|mut facts| {
                facts.offers.retain(|service| !taken.contains(service));
                facts
            });
            now[slot as usize] = facts.clone();
            board.put(Slot(slot), facts);
            board.publish();
        }
        let mut anew = Board::default();
        for (slot, facts) in (0..).zip(now) {
            anew.put(Slot(slot), facts);
        }
        let (routes, anew) = (board.publish(), anew.publish());
        for (slot, generation) in (0..4).flat_map(|slot| (1..5).map(move |generation| (slot, generation))) {
            for service in ["a", "b.x", "b.y", "b.z", "c"] {
                let life = life(slot, generation);
                prop_assert_eq!(call(&routes, life, service), call(&anew, life, service));
            }
            for topic in ["t.a", "t.b", "t.x.y", "t.x.z", "t.", "u"] {
                let life = life(slot, generation);
                prop_assert_eq!(hearers(&routes, life, topic), hearers(&anew, life, topic));
            }
        }
    }
}
