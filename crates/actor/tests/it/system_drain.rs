//! Shutting down after the work is done, or when the time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actor::hosted::{Drained, Running};
use actor::platform::Core;
use actor::{Actor, Address, Config, Context, Refusal, Spawn};

const PATIENCE: Duration = Duration::from_secs(60);

/// Passes a number on, one less, to the other one.
struct Hop(Option<Address<u64>>, Arc<AtomicU64>);

impl Actor for Hop {
    type Message = u64;
    fn handle(&mut self, left: u64, ctx: &mut Context<'_>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        if let (Some(next), Some(left)) = (self.0, left.checked_sub(1)) {
            let _ = ctx.send(next, left);
        }
    }
}

fn hops(running: &Running, hops: u64) -> Arc<AtomicU64> {
    struct Pair(Option<Address<u64>>, Arc<AtomicU64>);
    impl Actor for Pair {
        type Message = u64;
        const STARTS: bool = true;
        fn started(&mut self, ctx: &mut Context<'_>) {
            let this = ctx.this::<u64>();
            let how = Spawn::default().on(Core(1));
            self.0 = ctx.spawn_with(how, Hop(this, self.1.clone())).ok();
        }
        fn handle(&mut self, left: u64, ctx: &mut Context<'_>) {
            self.1.fetch_add(1, Ordering::SeqCst);
            if let (Some(next), Some(left)) = (self.0, left.checked_sub(1)) {
                let _ = ctx.send(next, left);
            }
        }
    }
    let count = Arc::new(AtomicU64::new(0));
    let first = running.system().spawn(Spawn::default(), Pair(None, count.clone())).expect("there is room");
    running.system().send(first, hops).expect("it lives");
    count
}

#[test]
fn a_drain_waits_for_all_that_comes_of_what_was_accepted_across_cores() {
    for _ in 0..20 {
        let running =
            Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
        let count = hops(&running, 2_000);
        assert_eq!(running.drain(PATIENCE), Drained::Empty);
        assert_eq!(count.load(Ordering::SeqCst), 2_001);
    }
}

#[test]
fn a_drain_that_takes_too_long_ends_nevertheless() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    hops(&running, u64::MAX);
    assert_eq!(running.drain(Duration::from_millis(20)), Drained::Late);
}

#[test]
fn a_system_that_drains_accepts_orders_only() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let system = running.system().clone();
    let count = Arc::new(AtomicU64::new(0));
    let hop = system.spawn(Spawn::default(), Hop(None, count.clone())).expect("there is room");
    system.drain();
    assert_eq!(system.send(hop, 1).map_err(|refused| refused.why), Err(Refusal::Closed));
    assert_eq!(system.spawn(Spawn::default(), Hop(None, count)).map(|_| ()), Err(Refusal::Closed));
    assert_eq!(system.stop(hop.addr()), Ok(()));
    assert_eq!(running.drain(PATIENCE), Drained::Empty);
}
