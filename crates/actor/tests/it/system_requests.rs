//! Requests that are followed through the actors, and what cores say they did.

use std::sync::mpsc::channel;
use std::time::Duration;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Address, AskError, Config, Context, Lane, Reason, Reply, RequestId, Span, Spawn, What};

use crate::system_puppet::{Act, Stage, act, panic, say};

/// Who has handled what of a request, as names of a chain: each with its parent's place in it.
fn chain(spans: &[Span], names: &[(Address<Act>, &'static str)]) -> Vec<String> {
    let name = |span: &Span| {
        let is_its = |(actor, _): &&(Address<Act>, _)| actor.addr().is_same_actor(span.actor);
        names.iter().find(is_its).map_or("?", |(_, name)| *name)
    };
    let parent = |span: &Span| spans.iter().position(|other| Some(other.span) == span.parent);
    spans.iter().map(|span| format!("{} of {:?}", name(span), parent(span))).collect()
}

#[test]
fn a_request_is_followed_over_cores_through_questions_answers_and_forwards() {
    for seed in 1..40 {
        let mut stage = Stage::new(seed, 3);
        let (front, middle, back) = (stage.puppet("f", 0), stage.puppet("m", 1), stage.puppet("b", 2));
        let request = stage.system().begin_request();
        let ask = act(move |_, ctx| {
            let question = move |reply: Reply<u32>| {
                act(move |_, ctx| _ = ctx.send(back, act(move |_, ctx| reply.send(ctx, 5))))
            };
            let heard = |answer: Result<u32, AskError>| {
                act(move |puppet, ctx| puppet.tell(&format!("{answer:?} {}", ctx.request().is_some())))
            };
            ctx.ask(middle, Duration::from_secs(1), question, heard).expect("there is room");
        });
        stage.system().send_for(request, front, ask).expect("it lives");
        stage.send(back, act(|puppet, ctx| puppet.tell(&format!("aside {:?}", ctx.request()))));
        let mut said = stage.played();
        said.sort();
        assert_eq!(said, ["b aside None", "f Ok(5) true"], "under {seed}");
        let spans = stage.system().spans(request);
        let names = [(front, "front"), (middle, "middle"), (back, "back")];
        // Virtual time stands still, so the numbers of the spans decide about their order.
        let mut chain = chain(&spans, &names);
        chain.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
        assert_eq!(chain.len(), 4, "{chain:?}");
        assert_eq!(spans.iter().filter(|span| span.parent.is_none()).count(), 1);
        for span in spans.iter().filter(|span| span.parent.is_some()) {
            assert!(spans.iter().any(|other| Some(other.span) == span.parent), "{chain:?}");
        }
        assert!(stage.system().spans(stage.system().begin_request()).is_empty());
    }
}

#[test]
fn a_request_survives_waiting_and_moving_and_its_message_is_dropped_once() {
    for seed in 1..40 {
        let mut stage = Stage::new(seed, 2);
        let target = stage.puppet("t", 0);
        stage.system().suspend(target.addr()).expect("it lives");
        let request = stage.system().begin_request();
        let tell = act(|puppet, ctx| puppet.tell(&format!("{:?}", ctx.request().is_some())));
        stage.system().send_for(request, target, tell).expect("it lives");
        stage.system().move_to(target.addr(), Core(1)).expect("it lives");
        stage.run();
        stage.system().resume(target.addr()).expect("it lives");
        assert_eq!(stage.played(), ["t true"], "under {seed}");
        assert_eq!(stage.system().spans(request).len(), 1);
        let (kept, counted) = (std::sync::Arc::new(()), std::sync::Arc::new(()));
        let (held, other) = (kept.clone(), counted.clone());
        stage.system().suspend(target.addr()).expect("it lives");
        stage.system().send_for(request, target, act(move |_, _| drop(held))).expect("it lives");
        stage.run();
        stage.system().kill(target.addr()).expect("it lives");
        stage.run();
        assert_eq!(std::sync::Arc::strong_count(&kept), 1, "who ends drops what waited, once");
        assert!(stage.system().send_for(request, target, act(move |_, _| drop(other))).is_err());
        assert_eq!(std::sync::Arc::strong_count(&counted), 1, "what is refused comes back");
    }
}

#[test]
fn a_handler_begins_a_request_which_ends_with_it_also_by_a_panic() {
    let mut stage = Stage::new(1, 1);
    let (first, second) = (stage.puppet("a", 0), stage.puppet("b", 0));
    let (tx, rx) = channel::<RequestId>();
    stage.send(
        first,
        act(move |_, ctx| {
            let request = ctx.begin_request();
            assert_eq!(ctx.begin_request(), request, "it has one already");
            tx.send(request).expect("the test listens");
            let ask = |_: &mut _, ctx: &mut Context<'_>| _ = ctx.request().expect("it is sent for one");
            ctx.send_in(Lane::Low, second, act(ask)).expect("it lives");
            ctx.send(second, panic()).expect("it lives");
        }),
    );
    stage.run();
    let request = rx.try_recv().expect("it was begun");
    let spans = stage.system().spans(request);
    assert_eq!(
        spans.len(),
        2,
        "the panic has ended the second actor before the lesser lane's turn: {spans:?}"
    );
    stage.send(first, act(|puppet, ctx| puppet.tell(&format!("{:?}", ctx.request()))));
    assert_eq!(stage.said().len(), 2);
    stage.run();
    assert_eq!(stage.said(), ["a None"]);
}

#[test]
fn a_core_says_what_it_did_lately() {
    let mut stage = Stage::new(1, 2);
    let (panics, moves) = (stage.puppet("p", 0), stage.puppet("m", 0));
    stage.run();
    stage.system().move_to(moves.addr(), Core(1)).expect("it lives");
    stage.send(panics, panic());
    stage.run();
    let whats = |core| -> Vec<What> {
        let happenings = stage.system().happenings(Core(core)).expect("there is such a core");
        happenings.last.iter().map(|happening| happening.what).collect()
    };
    assert!(whats(0).contains(&What::Left(Core(1))) && whats(1).contains(&What::Arrived));
    assert!(whats(0).contains(&What::Panicked) && whats(0).contains(&What::Ended(Reason::Panicked)));
    assert!(stage.system().happenings(Core(2)).is_none());
}

/// Sends a number to itself until it is 0.
struct Count(std::sync::mpsc::Sender<()>);

impl Actor for Count {
    type Message = u32;
    fn handle(&mut self, left: u32, ctx: &mut Context<'_>) {
        match ctx.this().filter(|_| left > 0) {
            Some(this) => _ = ctx.send(this, left - 1),
            None => _ = self.0.send(()),
        }
    }
}

#[test]
fn of_many_messages_some_are_recorded_and_the_others_counted() {
    let running = Running::start(Config::default()).expect("threads can be started");
    let (tell, done) = channel();
    let count = running.system().spawn(Spawn::default(), Count(tell)).expect("there is room");
    assert!(running.system().send(count, 20_000).is_ok());
    done.recv_timeout(Duration::from_secs(30)).expect("it comes to 0");
    let happenings = running.system().happenings(Core(0)).expect("there is such a core");
    let runs: Vec<_> = happenings
        .last
        .iter()
        .filter_map(|happening| match happening.what {
            What::Ran { message: "u32", handled } => Some(handled),
            _ => None,
        })
        .collect();
    assert!(runs.is_sorted() && runs.len() as u64 + happenings.missed > 20_000 / 40, "{}", runs.len());
    assert!(happenings.last.iter().any(|happening| matches!(happening.what, What::Timed { .. })));
    running.shutdown();
}

#[test]
fn what_is_sent_outside_of_requests_travels_without_an_envelope() {
    let mut stage = Stage::new(1, 1);
    let target = stage.puppet("t", 0);
    stage.send(target, say("plain"));
    stage.run();
    let letters = stage.system().dead_letters(Core(0)).expect("there is such a core");
    assert!(letters.last.is_empty());
    let request = stage.system().begin_request();
    stage.system().suspend(target.addr()).expect("it lives");
    stage.system().send_for(request, target, say("never")).expect("it lives");
    stage.run();
    stage.system().kill(target.addr()).expect("it lives");
    stage.run();
    let letters = stage.system().dead_letters(Core(0)).expect("there is such a core");
    let [letter] = letters.last[..] else { panic!("{:?}", letters.last) };
    assert!(letter.message.contains("Puppet"), "the type of what is in the envelope: {}", letter.message);
}
