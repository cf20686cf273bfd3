//! How actors begin and end: panics, restarts, suspension, stopping, shutdown.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use actor::dice::Dice;
use actor::{Actor, Config, Context, Exit, Failure, Reason, Refusal, Spawn, StopAll, Verdict, Warden};

const STEPS: u64 = 1_000_000;

/// Says what happens to it; the number 13 is too much for it.
struct Teller(Sender<String>);

impl Actor for Teller {
    type Message = u32;
    const STARTS: bool = true;

    fn started(&mut self, _ctx: &mut Context<'_>) {
        let _ = self.0.send("started".into());
    }

    fn handle(&mut self, message: u32, ctx: &mut Context<'_>) {
        assert_ne!(message, 13, "this is what the test wants");
        let _ = self.0.send(message.to_string());
        if message == 99 {
            ctx.stop();
        }
    }

    fn stopped(&mut self, reason: Reason, _ctx: &mut Context<'_>) {
        let _ = self.0.send(format!("{reason:?}"));
    }
}

/// Decides as it was told, and writes down the exits.
struct Judge(Verdict, Arc<Mutex<Vec<Reason>>>);

impl Warden for Judge {
    fn failed(&mut self, failure: &Failure, _ctx: &mut Context<'_>) -> Verdict {
        assert!(failure.kind.contains("Teller"));
        self.0
    }

    fn exited(&mut self, exit: &Exit, _ctx: &mut Context<'_>) {
        self.1.lock().expect("nobody panics with it").push(exit.reason);
    }
}

fn judged(verdict: Verdict) -> (Dice, Arc<Mutex<Vec<Reason>>>) {
    let exits = Arc::new(Mutex::new(Vec::new()));
    let seen = exits.clone();
    (Dice::assemble(Config::default(), move |_| Box::new(Judge(verdict, seen.clone()))), exits)
}

/// Sends these to a teller that can be made again; what it said.
fn tell(verdict: Verdict, messages: &[u32]) -> (Vec<String>, Vec<Reason>) {
    struct Parent(Sender<String>, Sender<actor::Address<u32>>);
    impl Actor for Parent {
        type Message = ();
        fn handle(&mut self, (): (), ctx: &mut Context<'_>) {
            let tx = self.0.clone();
            let child = ctx.spawn_restartable(Spawn::default(), move || Teller(tx.clone()));
            let _ = self.1.send(child.expect("there is room"));
        }
    }
    let (mut dice, exits) = judged(verdict);
    let ((tx, rx), (child_tx, child_rx)) = (channel(), channel());
    let parent = dice.system().spawn(Spawn::default(), Parent(tx, child_tx)).expect("there is room");
    dice.system().send(parent, ()).expect("it lives");
    dice.run(STEPS);
    let teller = child_rx.try_recv().expect("the parent has spawned");
    for message in messages {
        dice.system().send(teller, *message).expect("it lives");
    }
    dice.run(STEPS);
    let exits = exits.lock().expect("nobody panics with it").clone();
    (rx.try_iter().collect(), exits)
}

#[test]
fn a_panic_stops_the_culprit_and_nobody_else() {
    let (said, exits) = tell(Verdict::Stop, &[1, 13, 2]);
    assert_eq!(said, ["started", "1"]);
    assert_eq!(exits, [Reason::Panicked]);
}

#[test]
fn a_restart_keeps_address_and_queue_and_loses_only_what_panicked() {
    let (said, exits) = tell(Verdict::Restart, &[1, 13, 2, 13, 3]);
    assert_eq!(said, ["started", "1", "started", "2", "started", "3"]);
    assert_eq!(exits, []);
}

#[test]
fn an_actor_may_go_on_after_a_panic() {
    assert_eq!(tell(Verdict::Resume, &[1, 13, 2]).0, ["started", "1", "2"]);
}

#[test]
fn an_undecided_fate_keeps_messages_waiting() {
    assert_eq!(tell(Verdict::Wait, &[1, 13, 2]), (vec!["started".to_owned(), "1".to_owned()], Vec::new()));
}

#[test]
fn a_stop_is_behind_earlier_messages_and_a_kill_before_them() {
    let (mut dice, exits) = judged(Verdict::Stop);
    let ((tx, rx), (tx2, rx2)) = (channel(), channel());
    let stopped = dice.system().spawn(Spawn::default(), Teller(tx)).expect("there is room");
    let killed = dice.system().spawn(Spawn::default(), Teller(tx2)).expect("there is room");
    for number in 0..3 {
        dice.system().send(stopped, number).expect("it lives");
        dice.system().send(killed, number).expect("it lives");
    }
    dice.system().stop(stopped.addr()).expect("it lives");
    dice.system().kill(killed.addr()).expect("it lives");
    dice.run(STEPS);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["started", "0", "1", "2", "Stopped"]);
    assert_eq!(rx2.try_iter().collect::<Vec<_>>(), ["started", "Killed"]);
    assert_eq!(exits.lock().expect("nobody panics with it").len(), 2);
    let late = dice.system().send(stopped, 4).map_err(|refused| refused.why);
    assert_eq!(late, Err(Refusal::Gone));
}

#[test]
fn a_suspended_actor_gets_its_messages_in_order_when_it_is_resumed() {
    let (mut dice, _) = judged(Verdict::Stop);
    let (tx, rx) = channel();
    let teller = dice.system().spawn(Spawn::default(), Teller(tx)).expect("there is room");
    dice.run(STEPS);
    dice.system().suspend(teller.addr()).expect("it lives");
    (0..5).for_each(|number| {
        let _ = dice.system().send(teller, number);
    });
    dice.run(STEPS);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["started"]);
    assert_eq!(dice.system().statistics(teller.addr()).map(|found| found.queued), Some(5));
    dice.system().resume(teller.addr()).expect("it lives");
    dice.run(STEPS);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["0", "1", "2", "3", "4"]);
}

#[test]
fn an_actor_that_stops_itself_handles_nothing_more() {
    let (mut dice, _) = judged(Verdict::Stop);
    let (tx, rx) = channel();
    let teller = dice.system().spawn(Spawn::default(), Teller(tx)).expect("there is room");
    [1, 99, 2].into_iter().for_each(|number| {
        let _ = dice.system().send(teller, number);
    });
    dice.run(STEPS);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), ["started", "1", "99", "Stopped"]);
}

#[test]
fn states_are_dropped_once_inline_or_boxed() {
    static DROPPED: AtomicU32 = AtomicU32::new(0);
    struct Counts<const N: usize>([u64; N]);
    impl<const N: usize> Drop for Counts<N> {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl<const N: usize> Actor for Counts<N> {
        type Message = u64;
        fn handle(&mut self, message: u64, _ctx: &mut Context<'_>) {
            self.0[0] += message;
        }
    }
    let mut dice = Dice::assemble(Config::default(), |_| Box::new(StopAll));
    let small = dice.system().spawn(Spawn::default(), Counts([0; 2])).expect("there is room");
    dice.system().spawn(Spawn::default(), Counts([0; 50])).expect("there is room");
    dice.system().kill(small.addr()).expect("it lives");
    dice.run(STEPS);
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
    drop(dice);
    assert_eq!(DROPPED.load(Ordering::SeqCst), 2);
}

#[test]
fn a_system_has_as_many_actors_as_it_may_and_no_more() {
    let dice = Dice::assemble(Config { actors_max: 1, ..Config::default() }, |_| Box::new(StopAll));
    let spawn = |dice: &Dice| dice.system().spawn(Spawn::default(), Teller(channel().0));
    let spawned: Vec<_> = (0..100_000).map_while(|_| spawn(&dice).ok()).collect();
    // Places come in so many.
    assert_eq!(spawned.len(), 1 << 15);
    assert_eq!(spawn(&dice), Err(Refusal::Full));
}

#[test]
fn freed_places_serve_those_who_spawn_from_outside() {
    let mut dice = Dice::assemble(Config { actors_max: 1, ..Config::default() }, |_| Box::new(StopAll));
    // More than a page holds, never more than a hundred at once.
    for _ in 0..500 {
        for _ in 0..100 {
            let teller = dice.system().spawn(Spawn::default(), Teller(channel().0)).expect("a place is free");
            dice.system().kill(teller.addr()).expect("it lives");
        }
        dice.run(STEPS);
    }
    assert_eq!(dice.system().actors().count(), 0);
}
