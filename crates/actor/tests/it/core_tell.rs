//! Messages whose sender does not ask what became of them: they keep their order with all others, and those that nobody
//! takes are dropped once and counted. The more than sixteen of each case fill the stage on which they wait.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actor::dice::Dice;
use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Address, Bound, Config, Context, Policy, Rights, Spawn, StopAll, System, Undelivered};

/// Far more than any of these tests needs.
const STEPS: u64 = 1_000_000;

/// For what comes at once unless messages were lost.
const DEADLINE: Duration = Duration::from_secs(30);

/// Passes on what it gets.
struct Keep<M>(Sender<M>);

impl<M: Send + 'static> Actor for Keep<M> {
    type Message = M;

    fn handle(&mut self, message: M, _ctx: &mut Context<'_>) {
        // A test that is over no longer listens.
        let _ = self.0.send(message);
    }
}

fn keep<M: Send + 'static>(system: &System, how: Spawn) -> (Address<M>, Receiver<M>) {
    let (tx, rx) = channel();
    (system.spawn(how, Keep(tx)).expect("there is room"), rx)
}

/// Does one thing each time it is asked.
struct Act<F>(F);

impl<F: FnMut(&mut Context<'_>) + Send + 'static> Actor for Act<F> {
    type Message = ();

    fn handle(&mut self, (): (), ctx: &mut Context<'_>) {
        (self.0)(ctx);
    }
}

fn dice() -> Dice {
    Dice::assemble(Config::default(), |_| Box::new(StopAll))
}

/// Does it once, and all that follows.
fn once(dice: &mut Dice, act: impl FnMut(&mut Context<'_>) + Send + 'static) {
    let act = dice.system().spawn(Spawn::default(), Act(act)).expect("there is room");
    dice.system().send(act, ()).expect("it lives");
    dice.run(STEPS);
}

#[test]
fn what_is_told_and_what_is_sent_come_in_one_order() {
    for cores in [1, 2] {
        let running = Running::start(Config { cores, ..Config::default() }).expect("threads can be started");
        let system = running.system();
        let (to, got) = keep::<u32>(system, Spawn::default().on(Core(cores as u8 - 1)));
        let mut next = 0;
        let teller = Act(move |ctx: &mut Context<'_>| {
            for _ in 0..50 {
                if next % 7 == 3 {
                    ctx.send(to, next).expect("no bound is near");
                } else {
                    ctx.tell(to, next);
                }
                next += 1;
            }
        });
        let teller = system.spawn(Spawn::default().on(Core(0)), teller).expect("there is room");
        for _ in 0..20 {
            system.send(teller, ()).expect("it lives");
        }
        let all: Vec<u32> = (0..1000).map(|_| got.recv_timeout(DEADLINE).expect("none is lost")).collect();
        assert_eq!(all, (0..1000).collect::<Vec<_>>(), "on {cores} cores");
        running.shutdown();
    }
}

#[test]
fn what_an_ended_actor_is_told_is_dropped_once_and_a_dead_letter() {
    let held = Arc::new(());
    let mut dice = dice();
    let (dead, _got) = keep::<(Arc<()>, [u64; 20])>(dice.system(), Spawn::default());
    dice.system().kill(dead.addr()).expect("it lives");
    dice.run(STEPS);
    let mine = held.clone();
    once(&mut dice, move |ctx| (0..40).for_each(|_| ctx.tell(dead, (mine.clone(), [0; 20]))));
    let letters = dice.system().dead_letters(Core(0)).expect("there is such a core");
    assert_eq!(letters.count(Undelivered::Ended), 40);
    assert!(letters.last.iter().all(|letter| letter.to.is_same_actor(dead.addr()) && letter.from.is_some()));
    drop(dice);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn without_the_right_nothing_is_told() {
    let mut dice = dice();
    let (to, got) = keep::<u32>(dice.system(), Spawn::default());
    let weak = to.with_rights(Rights::WATCH);
    once(&mut dice, move |ctx| ctx.tell(weak, 1));
    assert!(got.try_recv().is_err());
    let letters = dice.system().dead_letters(Core(0)).expect("there is such a core");
    assert_eq!(letters.count(Undelivered::Forbidden), 1);
}

#[test]
fn far_beyond_the_bound_what_is_told_is_dropped_and_counted_with_the_receiver() {
    let held = Arc::new(());
    let mut dice = dice();
    let how = Spawn::default().with_bound(Bound::new(10, Policy::Refuse));
    let (to, got) = keep::<Arc<()>>(dice.system(), how);
    let mine = held.clone();
    once(&mut dice, move |ctx| (0..100).for_each(|_| ctx.tell(to, mine.clone())));
    let taken = got.try_iter().count();
    assert_eq!(taken, 40, "four times the bound");
    let statistics = dice.system().statistics(to.addr()).expect("it lives");
    assert_eq!(statistics.refused, 60);
    drop(dice);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_policy_that_drops_drops_what_is_told_too() {
    for (policy, kept) in [(Policy::DropNewest, 0..10), (Policy::DropOldest, 90..100)] {
        let mut dice = dice();
        let (to, got) = keep::<u32>(dice.system(), Spawn::default().with_bound(Bound::new(10, policy)));
        once(&mut dice, move |ctx| (0..100).for_each(|number| ctx.tell(to, number)));
        assert_eq!(got.try_iter().collect::<Vec<_>>(), kept.collect::<Vec<_>>(), "{policy:?}");
    }
}

#[test]
fn who_tells_a_congested_actor_too_much_is_muted_and_nobody_else() {
    for seed in 1..20 {
        let config = Config { seed, ..Config::default() };
        let mut dice = Dice::assemble(config, |_| Box::new(StopAll));
        let how = Spawn::default().with_bound(Bound::new(8, Policy::MuteSender));
        let (to, got) = keep::<u32>(dice.system(), how);
        let mut next = 0;
        let flood = Act(move |ctx: &mut Context<'_>| {
            ctx.tell(to, next);
            next += 1;
        });
        let flood = dice.system().spawn(Spawn::default(), flood).expect("there is room");
        for _ in 0..200 {
            dice.system().send(flood, ()).expect("no bound is near");
        }
        dice.run(STEPS);
        assert_eq!(got.try_iter().collect::<Vec<_>>(), (0..200).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn what_was_told_before_a_panic_or_an_end_arrives() {
    let mut dice = dice();
    let (to, got) = keep::<u32>(dice.system(), Spawn::default());
    once(&mut dice, move |ctx| {
        (0..5).for_each(|number| ctx.tell(to, number));
        ctx.stop();
    });
    once(&mut dice, move |ctx| {
        (5..30).for_each(|number| ctx.tell(to, number));
        panic!("on purpose");
    });
    assert_eq!(got.try_iter().collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
}

#[test]
fn on_a_busy_core_nothing_that_is_told_is_lost_when_actors_end_in_between() {
    const EACH: u32 = 40;
    let running = Running::start(Config { cores: 1, ..Config::default() }).expect("a thread can be started");
    let system = running.system();
    let held = Arc::new(());
    let (to, got) =
        keep::<(u32, u32, Arc<()>)>(system, Spawn::default().with_bound(Bound::new(100_000, Policy::Refuse)));
    let (doomed, _ended) = keep::<(u32, u32, Arc<()>)>(system, Spawn::default());
    for teller in 0..200 {
        let mine = held.clone();
        let act = Act(move |ctx: &mut Context<'_>| {
            for number in 0..EACH {
                ctx.tell(to, (teller, number, mine.clone()));
                ctx.tell(doomed, (teller, number, mine.clone()));
            }
            match teller % 3 {
                0 => ctx.stop(),
                1 => panic!("on purpose"),
                _ => drop(ctx.kill(doomed.addr())),
            }
        });
        let act = system.spawn(Spawn::default(), act).expect("there is room");
        system.send(act, ()).expect("it lives");
    }
    let mut next = vec![0; 200];
    for _ in 0..200 * EACH {
        let (teller, number, _) = got.recv_timeout(DEADLINE).expect("none is lost");
        assert_eq!(number, next[teller as usize], "of {teller}");
        next[teller as usize] += 1;
    }
    running.shutdown();
    drop(got);
    drop(_ended);
    assert_eq!(Arc::strong_count(&held), 1);
}
