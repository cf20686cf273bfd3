//! Real threads: messages across cores, panics, sleeping and waking, shutdown.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Address, Config, Context, Spawn};

/// Longer than any of this takes on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

struct Pong;

/// A ball: how often it is still thrown, and who has the other side.
enum Ball {
    Throw(u32, Address<Ball>, Arc<()>),
    Boom,
}

impl Actor for Pong {
    type Message = Ball;

    fn handle(&mut self, ball: Ball, ctx: &mut Context<'_>) {
        match ball {
            Ball::Boom => panic!("this is what the test wants"),
            Ball::Throw(left, back, held) => {
                if let (Some(left), Some(this)) = (left.checked_sub(1), ctx.this()) {
                    let _ = ctx.send(back, Ball::Throw(left, this, held));
                }
            }
        }
    }
}

#[test]
fn a_ball_crosses_between_cores_until_it_is_dropped() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let system = running.system();
    let left = system.spawn(Spawn::default().on(Core(0)), Pong).expect("there is room");
    let right = system.spawn(Spawn::default().on(Core(1)), Pong).expect("there is room");
    let held = Arc::new(());
    let weak = Arc::downgrade(&held);
    system.send(left, Ball::Throw(10_000, right, held)).expect("it lives");
    let since = std::time::Instant::now();
    while weak.strong_count() > 0 {
        assert!(since.elapsed() < PATIENCE, "the ball is lost");
        std::thread::yield_now();
    }
    running.shutdown();
}

#[test]
fn an_overflowing_ring_loses_nothing_and_keeps_order() {
    struct Sink(u64, u64, Sender<u64>);
    impl Actor for Sink {
        type Message = u64;
        fn handle(&mut self, number: u64, _ctx: &mut Context<'_>) {
            assert_eq!(number, self.0, "overtaken or lost");
            self.0 += 1;
            if self.0 == self.1 {
                let _ = self.2.send(self.0);
            }
        }
    }
    struct Flood(Address<u64>);
    impl Actor for Flood {
        type Message = u64;
        fn handle(&mut self, count: u64, ctx: &mut Context<'_>) {
            (0..count).for_each(|number| {
                let _ = ctx.send(self.0, number).expect("an overflow takes it");
            });
        }
    }
    let config = Config { cores: 2, ring_entries: 16, ..Config::default() };
    let running = Running::start(config).expect("threads can be started");
    let (tx, rx) = channel();
    let sink =
        running.system().spawn(Spawn::default().on(Core(1)), Sink(0, 100_000, tx)).expect("there is room");
    let flood = running.system().spawn(Spawn::default().on(Core(0)), Flood(sink)).expect("there is room");
    running.system().send(flood, 100_000).expect("it lives");
    assert_eq!(rx.recv_timeout(PATIENCE), Ok(100_000));
}

#[test]
fn a_panic_on_one_core_leaves_the_others_and_its_own_core_running() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let system = running.system();
    for core in 0..2 {
        let bomb = system.spawn(Spawn::default().on(Core(core)), Pong).expect("there is room");
        system.send(bomb, Ball::Boom).expect("it lives");
    }
    struct Echo(Sender<u32>);
    impl Actor for Echo {
        type Message = u32;
        fn handle(&mut self, number: u32, _ctx: &mut Context<'_>) {
            let _ = self.0.send(number);
        }
    }
    let (tx, rx) = channel();
    for core in 0..2 {
        let echo = system.spawn(Spawn::default().on(Core(core)), Echo(tx.clone())).expect("there is room");
        system.send(echo, u32::from(core)).expect("it lives");
    }
    let mut heard =
        [rx.recv_timeout(PATIENCE).expect("a core"), rx.recv_timeout(PATIENCE).expect("the other")];
    heard.sort_unstable();
    assert_eq!(heard, [0, 1]);
}

#[test]
fn a_sleeping_core_wakes_for_messages_and_for_timers() {
    struct Late(Sender<u32>);
    impl Actor for Late {
        type Message = u32;
        fn handle(&mut self, number: u32, ctx: &mut Context<'_>) {
            let _ = self.0.send(number);
            if let (Some(left), Some(this)) = (number.checked_sub(1), ctx.this()) {
                let _ = ctx.send_after(Duration::from_millis(1), this, left);
            }
        }
    }
    let running = Running::start(Config::default()).expect("threads can be started");
    let (tx, rx) = channel();
    let late = running.system().spawn(Spawn::default(), Late(tx)).expect("there is room");
    running.system().send(late, 20).expect("it lives");
    let heard: Vec<_> =
        (0..=20).map(|_| rx.recv_timeout(PATIENCE).expect("a timer wakes the core")).collect();
    assert_eq!(heard, (0..=20).rev().collect::<Vec<_>>());
}

#[test]
fn an_actor_is_told_that_it_started_before_a_message_of_the_same_turn() {
    struct Child(Sender<&'static str>);
    impl Actor for Child {
        type Message = ();
        const STARTS: bool = true;
        fn started(&mut self, _ctx: &mut Context<'_>) {
            let _ = self.0.send("started");
        }
        fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {
            let _ = self.0.send("message");
        }
    }
    struct Parent;
    impl Actor for Parent {
        type Message = Sender<&'static str>;
        fn handle(&mut self, tell: Self::Message, ctx: &mut Context<'_>) {
            let child = ctx.spawn(Child(tell)).expect("there is room");
            let _ = ctx.send(child, ());
        }
    }
    let running = Running::start(Config::default()).expect("threads can be started");
    let parent = running.system().spawn(Spawn::default(), Parent).expect("there is room");
    let (tell, told) = channel();
    running.system().send(parent, tell).expect("it lives");
    let next = || told.recv_timeout(PATIENCE).expect("it is told");
    assert_eq!((next(), next()), ("started", "message"));
    running.shutdown();
}
