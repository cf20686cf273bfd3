//! Actors that move to another core: what goes with them, and who stays.

use std::sync::mpsc::channel;
use std::time::Duration;

use actor::dice::Dice;
use actor::hosted::Running;
use actor::platform::Core;
use actor::{
    Actor, Address, Balance, Config, Context, Lane, Reason, Refusal, Reply, Rights, Spawn, StopAll, System,
};

use crate::system_puppet::{Act, Puppet, STEPS, Stage, act, news, panic, say};

const DEADLINE: Duration = Duration::from_secs(30);

fn core_of(system: &System, actor: Address<Act>) -> Option<u8> {
    system.statistics(actor.addr()).map(|statistics| statistics.core.0)
}

fn moved(stage: &mut Stage, actor: Address<Act>, core: u8) {
    stage.system().move_to(actor.addr(), Core(core)).expect("it lives");
    stage.run();
    assert_eq!(core_of(stage.system(), actor), Some(core), "it has moved");
}

#[test]
fn who_moves_keeps_address_state_and_numbers_and_works_on_the_other_core() {
    for seed in 1..50 {
        let mut stage = Stage::new(seed, 3);
        let target = stage.puppet("t", 0);
        stage.send(target, say("before"));
        stage.system().move_to(target.addr(), Core(2)).expect("it lives");
        stage.send(target, act(|puppet, ctx| puppet.tell(&format!("on {}", ctx.core().0))));
        assert_eq!(stage.played(), ["t before", "t on 2"], "under {seed}");
        let now = stage.system().statistics(target.addr()).expect("it lives");
        assert_eq!((now.handled, now.queued, now.core), (4, 0, Core(2)), "two orders and two messages");
        let cores: Vec<_> = (0..3)
            .filter_map(|core| stage.system().core_statistics(Core(core)))
            .map(|core| core.actors)
            .collect();
        assert_eq!(cores, [0, 0, 1]);
    }
}

#[test]
fn who_is_pinned_stays_and_moving_takes_the_right_and_a_core() {
    let mut stage = Stage::new(1, 2);
    let pinned = Spawn::default().pinned();
    let pinned = stage.system().spawn(pinned, Puppet::new("p", &stage.tell)).expect("there is room");
    let free = stage.puppet("f", 0);
    stage.run();
    let system = stage.system();
    assert_eq!(system.move_to(pinned.addr(), Core(1)), Err(Refusal::Forbidden));
    assert_eq!(system.move_to(free.addr().with_rights(Rights::SEND), Core(1)), Err(Refusal::Forbidden));
    assert_eq!(system.move_to(free.addr(), Core(2)), Err(Refusal::Gone));
    system.kill(free.addr()).expect("it lives");
    stage.run();
    assert_eq!(stage.system().move_to(free.addr(), Core(1)), Err(Refusal::Gone));
    assert_eq!(core_of(stage.system(), pinned), Some(0));
}

#[test]
fn watches_links_and_names_go_with_who_moves() {
    for seed in 1..50 {
        let mut stage = Stage::new(seed, 2);
        let (watcher, target, linked) = (stage.puppet("w", 0), stage.puppet("t", 0), stage.puppet("l", 1));
        stage.send(watcher, act(move |_, ctx| _ = ctx.watch(target.addr(), news).expect("there is room")));
        stage.send(target, act(move |_, ctx| ctx.link(linked.addr()).expect("there is room")));
        stage.played();
        moved(&mut stage, watcher, 1);
        moved(&mut stage, target, 1);
        moved(&mut stage, linked, 0);
        stage.system().kill(target.addr()).expect("it lives");
        let mut said = stage.played();
        said.sort();
        assert_eq!(said, ["l Linked", "t Killed", "w heard Killed"], "under {seed}");
    }
}

#[test]
fn an_answer_finds_who_asked_and_moved_and_a_deadline_as_well() {
    struct Late(Option<Reply<u32>>);
    impl Actor for Late {
        type Message = Option<Reply<u32>>;
        fn handle(&mut self, message: Self::Message, ctx: &mut Context<'_>) {
            match message {
                Some(reply) => self.0 = Some(reply),
                None => self.0.take().expect("asked before").send(ctx, 7),
            }
        }
    }
    for (seed, answers) in (1..60).map(|seed| (seed, seed % 2 == 0)) {
        let mut stage = Stage::new(seed, 3);
        let late = stage.system().spawn(Spawn::default().on(Core(1)), Late(None)).expect("there is room");
        let asker = stage.puppet("a", 0);
        stage.send(
            asker,
            act(move |_, ctx| {
                let heard =
                    |answer: Result<u32, _>| act(move |puppet, _| puppet.tell(&format!("{answer:?}")));
                ctx.ask_and_hold(late, Duration::from_secs(1), Some, heard).expect("there is room");
            }),
        );
        stage.send(asker, say("afterwards"));
        stage.dice.run_until(1_000, STEPS);
        stage.system().move_to(asker.addr(), Core(2)).expect("it lives");
        if answers {
            assert!(stage.system().send(late, None).is_ok(), "it lives");
        }
        let expected = if answers { "a Ok(7)" } else { "a Err(Late)" };
        assert_eq!(stage.played(), [expected, "a afterwards"], "under {seed}");
        assert_eq!(core_of(stage.system(), asker), Some(2));
    }
}

#[test]
fn orders_reach_who_is_on_the_way_and_a_suspended_one_stays_suspended() {
    for seed in 1..60 {
        let mut stage = Stage::new(seed, 3);
        let (target, doomed) = (stage.puppet("t", 0), stage.puppet("d", 0));
        stage.played();
        stage.system().suspend(target.addr()).expect("it lives");
        stage.send(target, say("held"));
        stage.system().move_to(target.addr(), Core(1)).expect("it lives");
        stage.system().move_to(doomed.addr(), Core(1)).expect("it lives");
        stage.dice.run(seed % 12);
        stage.system().kill(doomed.addr()).expect("it lives, wherever it is");
        assert_eq!(stage.played(), ["d Killed"], "under {seed}");
        stage.system().resume(target.addr()).expect("it lives");
        assert_eq!(stage.played(), ["t held"], "under {seed}");
    }
}

#[test]
fn who_can_be_made_again_can_be_after_a_move_and_its_supervisor_hears_of_it() {
    use actor::Name;
    use actor::supervise::{Budget, Child, Strategy, Supervisor};
    let mut stage = Stage::new(3, 2);
    let tell = stage.tell.clone();
    let child = Child::new(Name::parse("c").expect("it is short"), move || Puppet::new("c", &tell));
    let root = Supervisor::new(Strategy::OneForOne, Budget::default()).child(child);
    stage.system().spawn(Spawn::default(), root).expect("there is room");
    stage.run();
    let child: Address<Act> =
        stage.system().whereis(Name::parse("c").expect("it is short")).expect("it has started");
    moved(&mut stage, child, 1);
    stage.send(child, panic());
    stage.send(child, act(|puppet, ctx| puppet.tell(&format!("on {}", ctx.core().0))));
    stage.run();
    assert_eq!(stage.said(), ["c started", "c started", "c on 1"]);
    stage.send(child, act(|_, ctx| ctx.stop()));
    assert_eq!(stage.played(), ["c Stopped"]);
}

#[test]
fn a_timer_of_before_the_move_can_be_cancelled_after_it() {
    let mut stage = Stage::new(1, 2);
    let target = stage.puppet("t", 0);
    let (tx, rx) = channel();
    stage.send(
        target,
        act(move |_, ctx| {
            let this = ctx.this::<Act>().expect("it is a puppet");
            let timer = ctx.send_after(Duration::from_secs(1), this, say("too late")).expect("there is room");
            tx.send(timer).expect("the test listens");
        }),
    );
    stage.dice.run_until(1_000, STEPS);
    stage.system().move_to(target.addr(), Core(1)).expect("it lives");
    stage.dice.run_until(2_000, STEPS);
    let timer = rx.try_recv().expect("it was set");
    stage.send(target, act(move |_, ctx| assert!(ctx.cancel(timer), "it was still to come")));
    assert_eq!(stage.played(), Vec::<String>::new());
}

#[test]
fn messages_of_lesser_lanes_keep_their_order_over_a_move() {
    for seed in 1..80 {
        let mut stage = Stage::new(seed, 3);
        let (sender, target) = (stage.puppet("s", 1), stage.puppet("t", 0));
        stage.send(
            sender,
            act(move |_, ctx| {
                for number in 0..20 {
                    let lane = [Lane::Low, Lane::Normal, Lane::Critical][number % 3];
                    let count = act(move |puppet, _| puppet.tell(&format!("{} {number}", number % 3)));
                    ctx.send_in(lane, target, count).expect("there is room");
                    if number == 10 {
                        ctx.move_to(ctx.addr(), Core(2)).expect("it lives");
                    }
                }
            }),
        );
        stage.dice.run(seed % 17);
        stage.system().move_to(target.addr(), Core(1)).expect("it lives");
        let said = stage.played();
        assert_eq!(said.len(), 20);
        for lane in 0..3 {
            let of_lane = said.iter().filter(|said| said.starts_with(&format!("t {lane}")));
            let numbers: Vec<u32> =
                of_lane.filter_map(|said| said.rsplit(' ').next()?.parse().ok()).collect();
            assert!(numbers.is_sorted(), "under {seed}: {numbers:?}");
        }
    }
}

#[test]
fn who_is_shut_down_on_the_way_is_stopped_once_and_leaks_nothing() {
    for steps in 0..40 {
        let (tell, said) = channel();
        let mut dice =
            Dice::assemble(Config { seed: steps, cores: 2, ..Config::default() }, |_| Box::new(StopAll));
        let target = dice.system().spawn(Spawn::default(), Puppet::new("t", &tell)).expect("there is room");
        dice.run(1);
        dice.system().move_to(target.addr(), Core(1)).expect("it lives");
        assert!(dice.system().send(target, say("in between")).is_ok());
        dice.run(steps);
        drop(dice);
        drop(tell);
        let ends = said.iter().filter(|said| said == &format!("t {:?}", Reason::Shutdown)).count();
        assert_eq!(ends, 1, "after {steps} steps");
    }
}

/// Sends itself work, so much that its core is behind.
struct Busy(Option<std::sync::mpsc::Sender<u8>>);

impl Actor for Busy {
    type Message = u64;
    fn handle(&mut self, left: u64, ctx: &mut Context<'_>) {
        let mut spent = std::hint::black_box(left);
        for _ in 0..2_000 {
            spent = std::hint::black_box(spent.wrapping_mul(3));
        }
        if let Some(tell) = &self.0
            && ctx.core() != Core(0)
        {
            let _ = tell.send(ctx.core().0);
            self.0 = None;
        }
        if left > 0
            && let Some(this) = ctx.this()
        {
            let _ = ctx.send(this, left - 1);
        }
    }
}

#[test]
fn a_core_that_is_behind_gives_some_of_its_actors_to_one_that_is_not() {
    let config = Config { cores: 2, balance: Balance::ByLoad, ..Config::default() };
    let running = Running::start(config).expect("threads can be started");
    let (tell, told) = channel();
    for _ in 0..64 {
        let busy = Busy(Some(tell.clone()));
        let busy = running.system().spawn(Spawn::default(), busy).expect("there is room");
        for _ in 0..8 {
            assert!(running.system().send(busy, 1_000_000).is_ok());
        }
    }
    assert_eq!(told.recv_timeout(DEADLINE), Ok(1), "somebody works on the other core");
    running.shutdown();
}
