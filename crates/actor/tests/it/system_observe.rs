//! What an observer sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actor::hosted::Running;
use actor::platform::Core;
use actor::supervise::{Budget, Child, Strategy, Supervisor};
use actor::{Actor, Beat, Config, Context, Door, Name, Spawn};

use crate::system_puppet::{Act, Puppet, Stage, panic, say};

const PATIENCE: Duration = Duration::from_secs(60);

fn name(text: &str) -> Name {
    Name::parse(text).expect("it is short")
}

#[test]
fn an_observation_shows_the_tree_the_names_and_the_queues() {
    let mut stage = Stage::new(1, 2);
    let tell = stage.tell.clone();
    let inner = move || {
        let tell = tell.clone();
        let worker = Child::new(name("worker"), move || Puppet::new("worker", &tell));
        Supervisor::new(Strategy::OneForOne, Budget::default()).child(worker)
    };
    let root = Supervisor::new(Strategy::OneForOne, Budget::default());
    let root = root.child(Child::supervisor(name("inner"), inner));
    let root = stage.system().spawn(Spawn::default(), root).expect("there is room");
    let alone = stage.puppet("alone", 1);
    stage.run();
    stage.system().suspend(alone.addr()).expect("it lives");
    (0..5).for_each(|_| stage.send(alone, say("waits")));
    stage.run();
    let seen = stage.system().observe(100);
    assert_eq!((seen.actors.len(), seen.left_out, seen.cores.len()), (4, 0, 2));
    let roots: Vec<_> = seen.roots().map(|observed| observed.statistics.actor).collect();
    assert!(roots.len() == 2 && roots.iter().any(|found| found.is_same_actor(root.addr())));
    let inner: Vec<_> = seen.children(root.addr()).collect();
    assert_eq!(inner.iter().map(|observed| observed.name).collect::<Vec<_>>(), [Some(name("inner"))]);
    let worker: Vec<_> = seen.children(inner[0].statistics.actor).collect();
    assert_eq!(worker.iter().map(|observed| observed.name).collect::<Vec<_>>(), [Some(name("worker"))]);
    let queued = seen.actors.iter().find(|observed| observed.statistics.actor.is_same_actor(alone.addr()));
    assert_eq!(queued.map(|observed| observed.statistics.queued), Some(5));
    assert_eq!((stage.system().observe(1).actors.len(), stage.system().observe(1).left_out), (1, 3));
}

#[test]
fn rates_are_what_happened_between_two_looks() {
    let mut stage = Stage::new(1, 1);
    let (busy, idle) = (stage.puppet("busy", 0), stage.puppet("idle", 0));
    stage.run();
    let before = stage.system().observe(100);
    (0..100).for_each(|_| stage.send(busy, say("x")));
    stage.dice.run_until(500_000_000, 1_000);
    let late = stage.puppet("late", 0);
    stage.run();
    let after = stage.system().observe(100);
    let rates = after.rates_since(&before);
    assert_eq!(rates.len(), 2, "one was not there before");
    let hottest = after.hottest_since(&before, 1);
    assert_eq!(hottest.len(), 1);
    assert!(hottest[0].actor.is_same_actor(busy.addr()) && hottest[0].handled_per_s == 200);
    let of_idle = rates.iter().find(|rate| rate.actor.is_same_actor(idle.addr()));
    assert_eq!(of_idle.map(|rate| (rate.handled_per_s, rate.queue_growth)), Some((0, 0)));
    assert!(!rates.iter().any(|rate| rate.actor.is_same_actor(late.addr())));
}

#[test]
fn a_supervised_actor_that_is_gone_is_in_nobodys_tree() {
    let mut stage = Stage::new(1, 1);
    let tell = stage.tell.clone();
    let budget = Budget { restarts: 0, period: Duration::from_secs(1) };
    let child = Child::new(name("c"), move || Puppet::new("c", &tell));
    let root = Supervisor::new(Strategy::OneForOne, budget).child(child);
    stage.system().spawn(Spawn::default(), root).expect("there is room");
    stage.run();
    let child = stage.system().whereis::<Act>(name("c")).expect("it is registered");
    stage.send(child, panic());
    stage.run();
    // The next one in its place is no child.
    stage.puppet("p", 0);
    stage.run();
    assert!(stage.system().observe(100).actors.iter().all(|observed| observed.supervisor.is_none()));
}

#[test]
fn a_core_that_is_held_up_does_not_beat_while_something_waits() {
    struct Stuck(Arc<AtomicBool>, Arc<AtomicBool>);
    impl Actor for Stuck {
        type Message = ();
        fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {
            self.0.store(true, Ordering::SeqCst);
            while !self.1.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
    }
    let running = Running::start(Config::default()).expect("threads can be started");
    let (begun, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let system = running.system();
    let stuck = system.spawn(Spawn::default(), Stuck(begun.clone(), over.clone())).expect("there is room");
    system.send(stuck, ()).expect("it lives");
    let since = Instant::now();
    let wait = |done: &dyn Fn() -> bool| {
        while !done() {
            assert!(since.elapsed() < PATIENCE, "nothing happens");
            std::thread::yield_now();
        }
    };
    wait(&|| begun.load(Ordering::SeqCst));
    system.send(stuck, ()).expect("it lives");
    let held = system.beat(Core(0)).expect("there is such a core");
    assert_eq!(held.door, Door::Waiting);
    assert_eq!(system.beat(Core(0)), Some(held), "nothing moves");
    over.store(true, Ordering::SeqCst);
    wait(&|| {
        system
            .beat(Core(0))
            .is_some_and(|Beat { handled, door, .. }| handled > held.handled && door == Door::Empty)
    });
    assert_eq!(system.beat(Core(9)), None);
}
