//! Hot swap: one actor, sets of them, refusals, and messages that come meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actor::dice::Dice;
use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Addr, Address, Change, Config, Context, Rights, Spawn, StopAll, SwapOutcome, Unswapped};

const PATIENCE: Duration = Duration::from_secs(60);
const STEPS: u64 = 1_000_000;

/// Adds up, and says the sum.
struct Old {
    sum: u64,
    tell: Sender<u64>,
}

/// Adds up twice as much, in a state too long for a slot.
struct New {
    sum: u64,
    tell: Sender<u64>,
    _more: [u64; 8],
}

impl Actor for Old {
    type Message = u64;
    fn handle(&mut self, message: u64, _ctx: &mut Context<'_>) {
        assert_ne!(message, 13, "this is what the test wants");
        self.sum += message;
        let _ = self.tell.send(self.sum);
    }
}

impl Actor for New {
    type Message = u64;
    fn handle(&mut self, message: u64, _ctx: &mut Context<'_>) {
        assert_ne!(message, 13, "this is what the test wants");
        self.sum += 2 * message;
        let _ = self.tell.send(self.sum);
    }
}

fn migrate(old: &Old) -> Result<New, Unswapped> {
    if old.sum >= 666 {
        return Err(Unswapped::Refused);
    }
    Ok(New { sum: old.sum, tell: old.tell.clone(), _more: [7; 8] })
}

fn change() -> Change {
    Change::new(migrate)
}

struct Table {
    dice: Dice,
    tell: Sender<u64>,
    said: Receiver<u64>,
}

impl Table {
    fn new(seed: u64) -> Self {
        let dice = Dice::assemble(Config { seed, cores: 2, ..Config::default() }, |_| Box::new(StopAll));
        let (tell, said) = channel();
        Self { dice, tell, said }
    }

    fn old(&self, core: u8) -> Address<u64> {
        let how = Spawn::default().on(Core(core));
        self.dice.system().spawn(how, Old { sum: 0, tell: self.tell.clone() }).expect("there is room")
    }

    fn send(&self, to: Address<u64>, number: u64) {
        self.dice.system().send(to, number).expect("it lives");
    }

    fn swap(&self, plan: Vec<(Addr, Change)>) -> Receiver<SwapOutcome> {
        let (tx, rx) = channel();
        self.dice.system().swap_all(plan, move |outcome| _ = tx.send(outcome)).expect("there is room");
        rx
    }

    fn said(&mut self) -> Vec<u64> {
        self.dice.run(STEPS);
        self.said.try_iter().collect()
    }
}

#[test]
fn a_swap_brings_the_state_over_and_changes_what_is_done() {
    for seed in 0..20 {
        let mut table = Table::new(seed);
        let actor = table.old(1);
        table.send(actor, 5);
        assert_eq!(table.said(), [5]);
        let outcome = table.swap(vec![(actor.addr(), change())]);
        table.said();
        assert_eq!(outcome.try_recv(), Ok(Ok(1)));
        table.send(actor, 5);
        assert_eq!(table.said(), [15]);
        assert!(table.dice.system().statistics(actor.addr()).is_some_and(|found| found.kind.contains("New")));
    }
}

#[test]
fn messages_that_come_meanwhile_are_handled_once_and_in_order_by_the_old_or_the_new() {
    struct Late(Vec<u64>, Arc<AtomicU32>);
    struct Early(Vec<u64>, Arc<AtomicU32>);
    fn take(seen: &mut Vec<u64>, number: u64, count: &AtomicU32) {
        assert_eq!(number, seen.len() as u64, "overtaken, lost or doubled");
        seen.push(number);
        count.fetch_add(1, Ordering::SeqCst);
    }
    impl Actor for Early {
        type Message = u64;
        fn handle(&mut self, number: u64, _ctx: &mut Context<'_>) {
            take(&mut self.0, number, &self.1);
        }
    }
    impl Actor for Late {
        type Message = u64;
        fn handle(&mut self, number: u64, _ctx: &mut Context<'_>) {
            take(&mut self.0, number, &self.1);
        }
    }
    struct Sender10(Address<u64>);
    impl Actor for Sender10 {
        type Message = u64;
        fn handle(&mut self, number: u64, ctx: &mut Context<'_>) {
            let _ = ctx.send(self.0, number).expect("it lives");
            if number < 299
                && let Some(this) = ctx.this::<u64>()
            {
                let _ = ctx.send(this, number + 1).expect("it lives");
            }
        }
    }
    for seed in 0..40 {
        let mut table = Table::new(seed);
        let count = Arc::new(AtomicU32::new(0));
        let system = table.dice.system().clone();
        let spawn = |core| {
            let how = Spawn::default().on(Core(core));
            let target = system.spawn(how, Early(Vec::new(), count.clone())).expect("there is room");
            let how = Spawn::default().on(Core(1 - core));
            let sender = system.spawn(how, Sender10(target)).expect("there is room");
            system.send(sender, 0).expect("it lives");
            target
        };
        let plan: Vec<Addr> = [spawn(0), spawn(1)].map(Address::addr).to_vec();
        table.dice.run(100 + seed * 7);
        let change = || Change::new(|early: &Early| Ok(Late(early.0.clone(), early.1.clone())));
        let outcome = table.swap(plan.into_iter().map(|addr| (addr, change())).collect());
        table.said();
        assert_eq!(outcome.try_recv(), Ok(Ok(2)), "seed {seed}");
        assert_eq!(count.load(Ordering::SeqCst), 600, "seed {seed}");
    }
}

#[test]
fn when_one_refuses_nobody_is_swapped_and_all_go_on() {
    for seed in 0..20 {
        let mut table = Table::new(seed);
        let actors = [table.old(0), table.old(1), table.old(0)];
        table.send(actors[1], 666);
        table.said();
        let change = || if seed % 2 == 0 { change() } else { change().together() };
        let outcome = table.swap(actors.iter().map(|actor| (actor.addr(), change())).collect());
        actors.iter().for_each(|actor| table.send(*actor, 1));
        let mut said = table.said();
        said.sort_unstable();
        assert_eq!(said, [1, 1, 667], "by the old ones");
        let (who, why) = outcome.try_recv().expect("it is over").expect_err("one has refused");
        assert!(
            who.is_same_actor(actors[1].addr()) && why == Unswapped::Refused && who.rights() == Rights::NONE
        );
    }
}

#[test]
fn each_way_not_to_be_swapped_has_its_reason() {
    let mut table = Table::new(1);
    let (actor, dead) = (table.old(0), table.old(1));
    table.dice.system().kill(dead.addr()).expect("it lives");
    table.said();
    let mut why = |plan: Vec<(Addr, Change)>| {
        let outcome = table.swap(plan);
        table.said();
        outcome.try_recv().expect("it is over").map_err(|(_, why)| why)
    };
    assert_eq!(why(vec![(dead.addr(), change())]), Err(Unswapped::Gone));
    assert_eq!(why(vec![(actor.addr().with_rights(Rights::SEND), change())]), Err(Unswapped::Forbidden));
    let wrong = Change::new(|new: &New| Ok(Old { sum: new.sum, tell: new.tell.clone() }));
    assert_eq!(why(vec![(actor.addr(), wrong)]), Err(Unswapped::WrongKind));
    assert_eq!(why(vec![(actor.addr(), change()), (actor.addr(), change())]), Err(Unswapped::Busy));
    let panics = Change::new(|_: &Old| -> Result<New, _> { panic!("this is what the test wants") });
    assert_eq!(why(vec![(actor.addr(), panics)]), Err(Unswapped::Panicked));
    assert_eq!(why(vec![(actor.addr(), change())]), Ok(1), "none of this has left a trace");
    assert_eq!(why(Vec::new()), Ok(0));
}

#[test]
fn of_two_plans_at_once_each_is_carried_out_whole_or_not_at_all() {
    for seed in 0..60 {
        let mut table = Table::new(seed);
        let actors = [table.old(0), table.old(1), table.old(0)];
        table.said();
        let plan = |order: [usize; 3]| {
            order.map(|at| (actors[at].addr(), change().together())).into_iter().collect()
        };
        let outcomes = [table.swap(plan([0, 1, 2])), table.swap(plan([2, 1, 0]))];
        table.said();
        let swapped = outcomes.iter().filter(|outcome| matches!(outcome.try_recv(), Ok(Ok(3)))).count();
        actors.iter().for_each(|actor| table.send(*actor, 1));
        let expected = if swapped == 0 { 1 } else { 2 };
        assert_eq!(table.said(), [expected; 3], "seed {seed}: {swapped} plans were carried out");
        assert!(swapped < 2, "seed {seed}: the second finds new ones");
    }
}

#[test]
fn one_that_was_suspended_stays_so_over_its_swap() {
    let mut table = Table::new(1);
    let actor = table.old(1);
    table.dice.system().suspend(actor.addr()).expect("it lives");
    let outcome = table.swap(vec![(actor.addr(), change())]);
    table.send(actor, 3);
    assert_eq!(table.said(), [0; 0]);
    assert_eq!(outcome.try_recv(), Ok(Ok(1)));
    table.dice.system().resume(actor.addr()).expect("it lives");
    assert_eq!(table.said(), [6]);
}

#[test]
fn a_panic_after_a_swap_makes_the_new_one_again_or_ends_it_never_the_old_one() {
    struct Restarts;
    impl actor::Warden for Restarts {
        fn failed(&mut self, _: &actor::Failure, _: &mut Context<'_>) -> actor::Verdict {
            actor::Verdict::Restart
        }
        fn exited(&mut self, _: &actor::Exit, _: &mut Context<'_>) {}
    }
    for with_factory in [false, true] {
        let mut table = Table::new(1);
        table.dice = Dice::assemble(Config::default(), |_| Box::new(Restarts));
        let ((tx, rx), tell) = (channel(), table.tell.clone());
        struct Parent(Sender<u64>, Sender<Address<u64>>);
        impl Actor for Parent {
            type Message = ();
            fn handle(&mut self, (): (), ctx: &mut Context<'_>) {
                let tell = self.0.clone();
                let make = move || Old { sum: 100, tell: tell.clone() };
                let _ = self.1.send(ctx.spawn_restartable(Spawn::default(), make).expect("there is room"));
            }
        }
        let parent = table.dice.system().spawn(Spawn::default(), Parent(tell.clone(), tx)).expect("room");
        table.dice.system().send(parent, ()).expect("it lives");
        table.said();
        let actor = rx.try_recv().expect("it was spawned");
        let make = move || New { sum: 1_000, tell: tell.clone(), _more: [0; 8] };
        let change = if with_factory { Change::restarted_by(migrate, make) } else { change() };
        let outcome = table.swap(vec![(actor.addr(), change)]);
        table.said();
        assert_eq!(outcome.try_recv(), Ok(Ok(1)));
        [1, 13, 1].into_iter().for_each(|number| table.send(actor, number));
        let expected: &[u64] = if with_factory { &[102, 1_002] } else { &[102] };
        assert_eq!(table.said(), expected);
    }
}

#[test]
fn ten_thousand_actors_on_two_cores_are_swapped_under_traffic() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let (system, (tell, said)) = (running.system(), channel());
    let spawn = |number: u32| {
        let how = Spawn::default().on(Core((number % 2) as u8));
        system.spawn(how, Old { sum: 0, tell: tell.clone() }).expect("there is room")
    };
    let actors: Vec<Address<u64>> = (0..10_000).map(spawn).collect();
    let (tx, rx) = channel();
    actors.iter().for_each(|actor| _ = system.send(*actor, 1).expect("it lives"));
    let plan = actors.iter().map(|actor| (actor.addr(), change().together())).collect();
    system.swap_all(plan, move |outcome| _ = tx.send(outcome)).expect("there is room");
    actors.iter().for_each(|actor| _ = system.send(*actor, 1).expect("it lives"));
    assert_eq!(rx.recv_timeout(PATIENCE).expect("it comes to an end"), Ok(10_000));
    actors.iter().for_each(|actor| _ = system.send(*actor, 1).expect("it lives"));
    let sums: Vec<_> = (0..30_000).map(|_| said.recv_timeout(PATIENCE).expect("none is lost")).collect();
    // The last message of each was handled by the new one.
    assert_eq!(sums.iter().filter(|sum| **sum >= 4).count(), 10_000);
}
