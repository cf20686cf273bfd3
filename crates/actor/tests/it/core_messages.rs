//! Messages between actors: order, bounds, lanes, questions, what happens to those that nobody takes.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor::dice::Dice;
use actor::{
    Actor, Address, AskError, Bound, Config, Context, Lane, Opaque, Policy, Refusal, Reply, Rights, Sent,
    Spawn, StopAll,
};

/// Far more than any of these tests needs.
const STEPS: u64 = 1_000_000;

fn dice(seed: u64) -> Dice {
    Dice::assemble(Config { seed, ..Config::default() }, |_| Box::new(StopAll))
}

/// An actor made of a function.
struct Act<F>(F);

impl<M: Send + 'static, F: FnMut(M, &mut Context<'_>) + Send + 'static> Actor for ActOf<M, F> {
    type Message = M;

    fn handle(&mut self, message: M, ctx: &mut Context<'_>) {
        (self.0.0)(message, ctx);
    }
}

struct ActOf<M, F>(Act<F>, std::marker::PhantomData<fn(M)>);

fn act<M: Send + 'static, F: FnMut(M, &mut Context<'_>) + Send + 'static>(act: F) -> ActOf<M, F> {
    ActOf(Act(act), std::marker::PhantomData)
}

/// An actor that passes on what it gets, and what it has passed on.
fn recorder<M: Send + 'static>(dice: &Dice, how: Spawn) -> (Address<M>, Receiver<M>) {
    let (tx, rx): (Sender<M>, _) = channel();
    let record = act(move |message: M, _: &mut Context<'_>| {
        let _ = tx.send(message);
    });
    (dice.system().spawn(how, record).expect("there is room"), rx)
}

/// Runs something once as an actor.
fn once(dice: &mut Dice, mut run: impl FnMut(&mut Context<'_>) + Send + 'static) {
    let runner = act(move |(): (), ctx: &mut Context<'_>| run(ctx));
    let runner = dice.system().spawn(Spawn::default(), runner).expect("there is room");
    dice.system().send(runner, ()).expect("it lives");
    dice.run(STEPS);
}

#[test]
fn a_long_message_and_an_opaque_one_arrive_whole() {
    let mut dice = dice(1);
    let (long, long_got) = recorder::<[u64; 100]>(&dice, Spawn::default());
    let (opaque, opaque_got) = recorder::<Opaque>(&dice, Spawn::default());
    once(&mut dice, move |ctx| {
        ctx.send(long, [3; 100]).expect("it lives");
        ctx.send(opaque, Opaque::copy_of(4, &[5; 3000])).expect("it lives");
    });
    assert_eq!(long_got.try_recv(), Ok([3; 100]));
    let got = opaque_got.try_recv().expect("it was sent");
    assert_eq!((got.tag(), got.as_bytes()), (4, &[5; 3000][..]));
}

#[test]
fn an_address_without_the_right_sends_nothing() {
    let mut dice = dice(1);
    let (to, got) = recorder::<u8>(&dice, Spawn::default());
    let weak = to.with_rights(Rights::ALL).with_rights(Rights::WATCH);
    once(&mut dice, move |ctx| {
        assert_eq!(ctx.send(weak, 1), Err(Refusal::Forbidden));
        assert_eq!(ctx.kill(weak.addr()), Err(Refusal::Forbidden));
    });
    assert!(got.try_recv().is_err());
    assert!(dice.system().statistics(to.addr()).is_some());
}

#[test]
fn a_stale_address_never_reaches_the_next_actor_of_its_place() {
    let mut dice = dice(1);
    let (first, _) = recorder::<u8>(&dice, Spawn::default());
    dice.system().kill(first.addr()).expect("it lives");
    dice.run(STEPS);
    // Some thousand more, each killed, so that the place has been taken again for sure.
    for _ in 0..3000 {
        let (next, _) = recorder::<u8>(&dice, Spawn::default());
        assert!(!next.addr().is_same_actor(first.addr()));
        dice.system().kill(next.addr()).expect("it lives");
        dice.run(STEPS);
    }
    assert_eq!(dice.system().send(first, 1).map_err(|refused| refused.why), Err(Refusal::Gone));
}

#[test]
fn undelivered_messages_are_dropped_once_whatever_they_waited_for() {
    let held = Arc::new(());
    let mut dice = dice(1);
    let (dead, dead_got) = recorder::<Arc<()>>(&dice, Spawn::default());
    let (paused, paused_got) = recorder::<(Arc<()>, [u64; 20])>(&dice, Spawn::default().suspended());
    let mine = held.clone();
    once(&mut dice, move |ctx| {
        ctx.send(dead, mine.clone()).expect("it lives");
        ctx.kill(dead.addr()).expect("it lives");
        ctx.send(paused, (mine.clone(), [0; 20])).expect("it lives");
        ctx.send_after(Duration::from_secs(9), dead, mine.clone()).expect("there is room");
    });
    assert!(paused_got.try_recv().is_err());
    drop((dice, dead_got, paused_got));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_bound_refuses_trying_senders_at_the_bound_and_insisting_ones_far_beyond() {
    let mut dice = dice(1);
    let how = Spawn::default().with_bound(Bound::new(10, Policy::Refuse));
    let (to, got) = recorder::<u32>(&dice, how);
    once(&mut dice, move |ctx| {
        let tried = (0..20).filter(|number| ctx.try_send(to, *number).is_ok()).count();
        assert_eq!(tried, 10);
        let insisted: Vec<_> = (10..100).map_while(|number| ctx.send(to, number).ok()).collect();
        assert_eq!(insisted.len(), 30, "four times the bound in all");
        assert!(insisted.iter().all(|sent| *sent == Sent::Congested));
    });
    assert_eq!(got.try_iter().collect::<Vec<_>>(), (0..40).collect::<Vec<_>>());
    let after = dice.system().statistics(to.addr()).expect("it lives");
    assert_eq!((after.queued, after.load), (0, actor::Load::Clear));
    assert!(after.refused >= 11);
}

#[test]
fn policies_drop_the_oldest_or_the_newest() {
    let mut dice = dice(1);
    let bound = |policy| Spawn::default().with_bound(Bound::new(4, policy));
    let (oldest, oldest_got) = recorder::<u32>(&dice, bound(Policy::DropOldest));
    let (newest, newest_got) = recorder::<u32>(&dice, bound(Policy::DropNewest));
    once(&mut dice, move |ctx| {
        for number in 0..10 {
            ctx.send(oldest, number).expect("it lives");
            let sent = ctx.send(newest, number).expect("it lives");
            assert_eq!(sent == Sent::Dropped, number >= 4);
        }
    });
    assert_eq!(oldest_got.try_iter().collect::<Vec<_>>(), [6, 7, 8, 9]);
    assert_eq!(newest_got.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_muted_sender_rests_until_the_queue_is_down_and_loses_nothing() {
    for seed in 1..20 {
        let mut dice = dice(seed);
        let (to, got) =
            recorder::<u32>(&dice, Spawn::default().with_bound(Bound::new(8, Policy::MuteSender)));
        let queued = Arc::new(Mutex::new(0));
        let (longest, system) = (queued.clone(), dice.system().clone());
        let flood = act(move |number: u32, ctx: &mut Context<'_>| {
            ctx.send(to, number).expect("it is muted before it is refused");
            let now = system.statistics(to.addr()).expect("it lives").queued;
            let mut longest = longest.lock().expect("nobody panics with it");
            *longest = now.max(*longest);
        });
        let flood = dice.system().spawn(Spawn::default(), flood).expect("there is room");
        (0..200).for_each(|number| {
            let _ = dice.system().send(flood, number);
        });
        dice.run(STEPS);
        assert_eq!(got.try_iter().collect::<Vec<_>>(), (0..200).collect::<Vec<_>>(), "seed {seed}");
        assert!(*queued.lock().expect("nobody panics with it") <= 9, "seed {seed}");
    }
}

#[test]
fn an_answer_comes_back_and_a_late_one_is_dead() {
    let mut dice = dice(1);
    let (tx, rx) = channel();
    let keep = Arc::new(Mutex::new(None::<Reply<[u64; 9]>>));
    let kept = keep.clone();
    let server = act(move |reply: Reply<[u64; 9]>, ctx: &mut Context<'_>| {
        match kept.lock().expect("nobody panics with it").as_ref() {
            None => {}
            Some(_) => return reply.send(ctx, [2; 9]),
        }
        *kept.lock().expect("nobody panics with it") = Some(reply);
    });
    let server = dice.system().spawn(Spawn::default(), server).expect("there is room");
    let asker = act(move |heard: Option<Result<[u64; 9], AskError>>, ctx: &mut Context<'_>| match heard {
        None => ctx.ask(server, Duration::from_secs(1), |reply| reply, Some).expect("it lives"),
        Some(heard) => tx.send(heard).expect("the test listens"),
    });
    let asker = dice.system().spawn(Spawn::default(), asker).expect("there is room");
    dice.system().send(asker, None).expect("it lives");
    dice.run_until(2_000_000_000, STEPS);
    assert_eq!(rx.try_recv(), Ok(Err(AskError::Late)));
    dice.system().send(asker, None).expect("it lives");
    dice.run(STEPS);
    assert_eq!(rx.try_recv(), Ok(Ok([2; 9])));
    let late = keep.lock().expect("nobody panics with it").take().expect("it was kept");
    let mut late = Some(late);
    once(&mut dice, move |ctx| late.take().into_iter().for_each(|late| late.send(ctx, [7; 9])));
    assert!(rx.try_recv().is_err(), "the deadline has passed");
}

#[test]
fn who_holds_for_an_answer_gets_other_messages_after_it_in_order() {
    for seed in 1..20 {
        let mut dice = dice(seed);
        let (tx, rx) = channel();
        let server = act(move |reply: Reply<u32>, ctx: &mut Context<'_>| reply.send(ctx, 100));
        let server = dice.system().spawn(Spawn::default(), server).expect("there is room");
        let asker = act(move |number: u32, ctx: &mut Context<'_>| {
            let _ = tx.send(number);
            if number == 0 {
                let map = |heard: Result<u32, AskError>| heard.unwrap_or(999);
                ctx.ask_and_hold(server, Duration::from_secs(1), |reply| reply, map).expect("it lives");
            }
        });
        let asker = dice.system().spawn(Spawn::default(), asker).expect("there is room");
        (0..5).for_each(|number| {
            let _ = dice.system().send(asker, number);
        });
        dice.run(STEPS);
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 100, 1, 2, 3, 4], "seed {seed}");
    }
}

#[test]
fn what_is_stashed_comes_back_before_anything_newer() {
    let mut dice = dice(1);
    let (tx, rx) = channel();
    let mut is_open = false;
    let picky = act(move |number: u32, ctx: &mut Context<'_>| {
        if number == 9 {
            is_open = true;
            ctx.unstash();
        } else if is_open {
            let _ = tx.send(number);
        } else {
            ctx.stash(number).expect("it is its own type");
        }
    });
    let picky = dice.system().spawn(Spawn::default(), picky).expect("there is room");
    [1, 2, 3, 9, 4, 5].into_iter().for_each(|number| {
        let _ = dice.system().send(picky, number);
    });
    dice.run(STEPS);
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn timers_fire_once_again_and_again_and_not_when_cancelled() {
    let mut dice = dice(1);
    let (to, got) = recorder::<&'static str>(&dice, Spawn::default());
    once(&mut dice, move |ctx| {
        let gone = ctx.send_after(Duration::from_millis(1), to, "cancelled").expect("there is room");
        ctx.send_after(Duration::from_millis(2), to, "once").expect("there is room");
        ctx.send_every(Duration::from_millis(3), to, || "again").expect("there is room");
        assert!(ctx.cancel(gone));
        assert!(!ctx.cancel(gone));
        let _ = ctx.send_after(Duration::from_millis(10), to, "last");
        let _ = ctx.kill(ctx.addr());
    });
    let seen: Vec<_> = got.try_iter().take(5).collect();
    assert_eq!(seen, ["once", "again", "again", "again", "last"]);
}

#[test]
fn no_lane_starves_and_the_urgent_come_first() {
    use actor::platform::hosted::Hosted;
    use actor::pumped::Pump;
    let (system, mut pump, _) =
        Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll));
    let (tx, rx) = channel();
    let record = act(move |lane: Lane, _: &mut Context<'_>| tx.send(lane).expect("the test listens"));
    let to = system.spawn(Spawn::default(), record).expect("there is room");
    let lanes = [Lane::Idle, Lane::Low, Lane::Normal, Lane::High, Lane::Critical];
    pump.with(|ctx| {
        for lane in lanes {
            (0..2000).for_each(|_| assert!(ctx.send_in(lane, to, lane).is_ok()));
        }
    });
    while rx.try_recv().is_err() {
        pump.pump();
    }
    let order: Vec<_> = rx.try_iter().collect();
    let reached = |lane| order.iter().position(|seen| *seen == lane).expect("each lane had messages");
    let share = |lane| order.iter().take(1000).filter(|seen| **seen == lane).count();
    assert!(lanes.windows(2).all(|pair| reached(pair[1]) < reached(pair[0])), "the urgent begin");
    assert!(lanes.windows(2).all(|pair| share(pair[1]) > share(pair[0])), "the urgent have more");
    assert!(share(Lane::Idle) > 0, "idle messages are not kept waiting for the others");
}
