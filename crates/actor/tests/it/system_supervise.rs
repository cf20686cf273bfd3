//! Supervision: who is started again, with whom, how often, and how all of it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actor::supervise::{Backoff, Budget, Child, Persistence, Shutdown, Strategy, Supervise, Supervisor};
use actor::{Actor, Address, Context, Name, Refusal, Spawn};

use crate::system_puppet::{Act, Puppet, Stage, act, panic, say};

fn name(text: &str) -> Name {
    Name::parse(text).expect("it is short")
}

/// A child that gives its address to the first who wants it, by sending it on.
fn child(stage: &Stage, text: &'static str) -> Child {
    let tell = stage.tell.clone();
    Child::new(name(text), move || Puppet::new(text, &tell))
}

fn often() -> Budget {
    Budget { restarts: 100, period: Duration::from_secs(1) }
}

fn root(strategy: Strategy) -> Supervisor {
    Supervisor::new(strategy, often())
}

/// Spawns it with children a, b and c.
fn family(stage: &mut Stage, strategy: Strategy) -> (Address<Supervise>, [Address<Act>; 3]) {
    let supervisor =
        ["a", "b", "c"].into_iter().fold(root(strategy), |root, text| root.child(child(stage, text)));
    let supervisor = stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    assert_eq!(stage.said(), ["a started", "b started", "c started"]);
    let find = |text: &str| stage.system().whereis::<Act>(name(text)).expect("it is registered");
    (supervisor, ["a", "b", "c"].map(find))
}

fn after_a_panic_of_b(strategy: Strategy) -> Vec<String> {
    let mut stage = Stage::new(9, 1);
    let (_, children) = family(&mut stage, strategy);
    stage.send(children[1], panic());
    // Sent before the restart, handled after it.
    children.iter().for_each(|child| stage.send(*child, say("here")));
    stage.run();
    stage.said()
}

#[test]
fn one_for_one_makes_the_one_anew_and_its_queue_and_address_stay() {
    let said = after_a_panic_of_b(Strategy::OneForOne);
    let of_b: Vec<_> = said.iter().filter(|said| said.starts_with('b')).collect();
    assert_eq!(of_b, ["b started", "b here"]);
    assert_eq!(said.iter().filter(|said| said.ends_with("started")).count(), 1);
    assert_eq!(said.len(), 4);
}

/// What was said of beginnings and ends.
fn lives(said: Vec<String>) -> Vec<String> {
    said.into_iter().filter(|said| !said.ends_with("here")).collect()
}

#[test]
fn rest_for_one_lets_go_in_reverse_order_and_starts_in_order() {
    let said = after_a_panic_of_b(Strategy::RestForOne);
    assert_eq!(said.len(), 6, "nobody's message is lost: {said:?}");
    assert_eq!(lives(said), ["c Restarting", "b started", "c started"]);
}

#[test]
fn one_for_all_makes_all_anew() {
    let said = after_a_panic_of_b(Strategy::OneForAll);
    assert_eq!(said.len(), 8, "nobody's message is lost: {said:?}");
    assert_eq!(lives(said), ["c Restarting", "a Restarting", "a started", "b started", "c started"]);
}

fn ended(persistence: Persistence, what: Act) -> (Vec<String>, usize) {
    let mut stage = Stage::new(2, 1);
    let supervisor = root(Strategy::OneForOne).child(child(&stage, "a").persistent(persistence));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    let child = stage.system().whereis::<Act>(name("a")).expect("it is registered");
    stage.said();
    stage.send(child, what);
    stage.run();
    (stage.said(), stage.system().actors().count())
}

#[test]
fn permanent_children_always_come_back_transient_ones_after_failures_temporary_ones_never() {
    let stop = || act(|_, ctx: &mut Context<'_>| ctx.stop());
    let (back, stopped) = (["a Stopped", "a started"], ["a Stopped"]);
    assert_eq!(ended(Persistence::Permanent, stop()), (back.map(String::from).to_vec(), 2));
    assert_eq!(ended(Persistence::Transient, stop()), (stopped.map(String::from).to_vec(), 1));
    assert_eq!(ended(Persistence::Temporary, stop()), (stopped.map(String::from).to_vec(), 1));
    assert_eq!(ended(Persistence::Permanent, panic()), (vec!["a started".to_owned()], 2));
    assert_eq!(ended(Persistence::Transient, panic()), (vec!["a started".to_owned()], 2));
    assert_eq!(ended(Persistence::Temporary, panic()), (Vec::new(), 1));
}

#[test]
fn a_budget_that_is_used_up_ends_all_in_reverse_order() {
    let mut stage = Stage::new(4, 1);
    let budget = Budget { restarts: 2, period: Duration::from_secs(1) };
    let supervisor = Supervisor::new(Strategy::OneForOne, budget);
    let supervisor =
        ["a", "b", "c"].into_iter().fold(supervisor, |root, text| root.child(child(&stage, text)));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    let a = stage.system().whereis::<Act>(name("a")).expect("it is registered");
    stage.said();
    (0..2).for_each(|_| stage.send(a, panic()));
    stage.run();
    assert_eq!(stage.said(), ["a started", "a started"]);
    stage.send(a, panic());
    stage.run();
    assert_eq!(stage.said(), ["c Shutdown", "b Shutdown"]);
    assert_eq!(stage.system().actors().count(), 0);
    assert_eq!(stage.system().whereis::<Act>(name("a")), None);
}

#[test]
fn failures_that_are_far_enough_apart_are_forgiven() {
    let mut stage = Stage::new(4, 1);
    let budget = Budget { restarts: 1, period: Duration::from_secs(1) };
    let supervisor = Supervisor::new(Strategy::OneForOne, budget).child(child(&stage, "a"));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    let a = stage.system().whereis::<Act>(name("a")).expect("it is registered");
    for _ in 0..5 {
        stage.send(a, panic());
        stage.run();
        let later = stage.dice.now() + 1_000_000_001;
        stage.dice.run_until(later, 1_000);
    }
    assert_eq!(stage.system().actors().count(), 2);
}

#[test]
fn a_child_of_its_own_budget_does_not_use_up_that_of_all() {
    let mut stage = Stage::new(4, 1);
    let once = Budget { restarts: 1, period: Duration::from_secs(1) };
    let supervisor = root(Strategy::OneForOne).child_budget(once);
    let supervisor = supervisor.child(child(&stage, "a")).child(child(&stage, "b"));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    let find = |stage: &Stage, text| stage.system().whereis::<Act>(name(text)).expect("it is registered");
    let (a, b) = (find(&stage, "a"), find(&stage, "b"));
    [a, b].into_iter().for_each(|child| stage.send(child, panic()));
    stage.run();
    assert_eq!(stage.system().actors().count(), 3, "once each");
    stage.send(a, panic());
    stage.run();
    assert_eq!(stage.system().actors().count(), 0, "twice is too often");
}

#[test]
fn restarts_wait_longer_each_time() {
    let mut stage = Stage::new(4, 1);
    let backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(25) };
    let supervisor = root(Strategy::OneForOne).child(child(&stage, "a").backoff(backoff));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    let a = stage.system().whereis::<Act>(name("a")).expect("it is registered");
    for expected_ms in [10, 20, 25, 25] {
        let before = stage.dice.now();
        stage.send(a, panic());
        stage.send(a, say("here"));
        stage.said();
        stage.dice.run_until(before + expected_ms * 1_000_000 - 200_000, 1_000);
        assert_eq!(stage.said(), [""; 0], "not before {expected_ms} ms");
        stage.run();
        assert_eq!(stage.said(), ["a started", "a here"]);
    }
}

#[test]
fn a_supervisor_that_gives_up_is_made_anew_by_its_own_with_all_of_its_children() {
    let mut stage = Stage::new(4, 1);
    let tell = stage.tell.clone();
    let inner = move || {
        let tell = tell.clone();
        let budget = Budget { restarts: 1, period: Duration::from_secs(1) };
        Supervisor::new(Strategy::OneForOne, budget)
            .child(Child::new(name("a"), move || Puppet::new("a", &tell)))
    };
    let outer = root(Strategy::OneForOne).child(Child::supervisor(name("inner"), inner));
    stage.system().spawn(Spawn::default(), outer).expect("there is room");
    stage.run();
    let a = stage.system().whereis::<Act>(name("a")).expect("it is registered");
    (0..2).for_each(|_| stage.send(a, panic()));
    stage.run();
    assert_eq!(stage.said(), ["a started", "a started", "a started"]);
    let late = stage.system().send(a, say("late")).map_err(|refused| refused.why);
    assert_eq!(late, Err(Refusal::Gone), "a new life");
    let new = stage.system().whereis::<Act>(name("a")).expect("its name went over to the new one");
    stage.send(new, say("new"));
    stage.run();
    assert_eq!(stage.said(), ["a new"]);
}

#[test]
fn stopping_goes_backwards_and_waits_for_queues() {
    let mut stage = Stage::new(4, 1);
    let supervisor = root(Strategy::OneForOne)
        .child(child(&stage, "a"))
        .child(child(&stage, "b").shutdown(Shutdown::Kill))
        .child(child(&stage, "c"));
    let supervisor = stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    stage.said();
    let find = |stage: &Stage, text| stage.system().whereis::<Act>(name(text)).expect("it is registered");
    let c = find(&stage, "c");
    (0..3).for_each(|_| stage.send(c, say("here")));
    assert!(stage.system().send(supervisor, Supervise::stop()).is_ok());
    stage.run();
    assert_eq!(stage.said(), ["c here", "c here", "c here", "c Stopped", "b Shutdown", "a Stopped"]);
    assert_eq!(stage.system().actors().count(), 0);
}

#[test]
fn a_child_that_takes_too_long_to_stop_is_ended_and_the_others_have_their_turn() {
    let mut stage = Stage::new(4, 1);
    let tell = stage.tell.clone();
    let inner = move || {
        let tell = tell.clone();
        root(Strategy::OneForOne).child(Child::new(name("b"), move || Puppet::new("b", &tell)))
    };
    let within = Shutdown::Within(Duration::from_millis(7));
    let outer = root(Strategy::OneForOne)
        .child(child(&stage, "a"))
        .child(Child::supervisor(name("inner"), inner).shutdown(within));
    let outer = stage.system().spawn(Spawn::default(), outer).expect("there is room");
    stage.run();
    stage.said();
    let inner = stage.system().whereis::<Supervise>(name("inner")).expect("it is registered");
    stage.system().suspend(inner.addr()).expect("it lives");
    assert!(stage.system().send(outer, Supervise::stop()).is_ok());
    let before = stage.dice.now();
    stage.dice.run_until(before + 6_500_000, 10_000);
    assert_eq!(stage.said(), [""; 0], "there is still time");
    stage.run();
    assert_eq!(stage.said(), ["b Shutdown", "a Stopped"]);
    assert_eq!(stage.system().actors().count(), 0);
}

#[test]
fn a_supervisor_that_is_killed_takes_its_children_with_it_in_reverse_order() {
    let mut stage = Stage::new(4, 1);
    let (supervisor, _) = family(&mut stage, Strategy::OneForOne);
    stage.system().kill(supervisor.addr()).expect("it lives");
    stage.run();
    assert_eq!(stage.said(), ["c Shutdown", "b Shutdown", "a Shutdown"]);
}

#[test]
fn a_start_that_panics_counts_and_leaves_no_name() {
    let mut stage = Stage::new(4, 1);
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    struct Never;
    impl Actor for Never {
        type Message = ();
        fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {}
    }
    let make = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        assert!(counted.load(Ordering::SeqCst) > 100, "this is what the test wants");
        Never
    };
    let budget = Budget { restarts: 4, period: Duration::from_secs(1) };
    let supervisor = Supervisor::new(Strategy::OneForOne, budget).child(child(&stage, "a"));
    let supervisor = supervisor.child(Child::new(name("never"), make));
    stage.system().spawn(Spawn::default(), supervisor).expect("there is room");
    stage.run();
    assert_eq!(tries.load(Ordering::SeqCst), 5);
    assert_eq!(stage.said(), ["a started", "a Shutdown"]);
    assert_eq!(stage.system().whereis::<()>(name("never")), None);
    assert_eq!(stage.system().whereis::<Act>(name("a")), None);
}

#[test]
fn children_come_and_go_and_are_listed() {
    let mut stage = Stage::new(4, 1);
    let (supervisor, _) = family(&mut stage, Strategy::OneForOne);
    let system = stage.system();
    assert!(system.send(supervisor, Supervise::add(child(&stage, "d"))).is_ok());
    assert!(system.send(supervisor, Supervise::add(child(&stage, "a"))).is_ok(), "left out");
    assert!(system.send(supervisor, Supervise::remove(name("b"))).is_ok());
    stage.run();
    assert_eq!(stage.said(), ["d started", "b Shutdown"]);
    assert_eq!(stage.system().actors().count(), 4);
    assert!(stage.system().whereis::<Act>(name("d")).is_some());
    assert!(stage.system().whereis::<Act>(name("b")).is_none());
}
