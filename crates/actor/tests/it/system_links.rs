//! Watches and links: told once, in order, whatever the seed and wherever the other one lives.

use std::sync::mpsc::channel;
use std::time::Duration;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{Address, Config, Reason, Refusal, Rights, Spawn};

use crate::system_puppet::{Act, Puppet, Stage, act, news, panic, say};

const SEEDS: u64 = 40;
const PATIENCE: Duration = Duration::from_secs(60);

fn watch(target: Address<Act>) -> Act {
    act(move |_, ctx| _ = ctx.watch(target.addr(), news).expect("it may"))
}

#[test]
fn news_of_an_end_come_once_with_the_reason_wherever_it_was() {
    for seed in 0..SEEDS {
        for core in 0..2 {
            let mut stage = Stage::new(seed, 2);
            let (watcher, target) = (stage.puppet("w", 0), stage.puppet("t", core));
            stage.send(watcher, watch(target));
            stage.run();
            stage.send(target, panic());
            assert_eq!(stage.played(), ["w heard Panicked"], "seed {seed}");
        }
    }
}

#[test]
fn who_has_ended_before_is_gone_even_while_the_watch_is_on_its_way() {
    for seed in 0..SEEDS {
        let mut stage = Stage::new(seed, 2);
        let (watcher, target) = (stage.puppet("w", 0), stage.puppet("t", 1));
        stage.send(watcher, watch(target));
        stage.system().kill(target.addr()).expect("it lives");
        let heard = stage.played();
        assert_eq!(
            heard.iter().filter(|said| said.starts_with("w heard")).count(),
            1,
            "seed {seed}: {heard:?}"
        );
        stage.send(watcher, watch(target));
        assert_eq!(stage.played(), ["w heard Gone"], "seed {seed}");
    }
}

#[test]
fn what_was_sent_before_the_end_is_heard_before_the_news_of_it() {
    for seed in 0..SEEDS {
        for core in 0..2 {
            let mut stage = Stage::new(seed, 2);
            let (watcher, target) = (stage.puppet("w", 0), stage.puppet("t", core));
            stage.send(watcher, watch(target));
            stage.run();
            stage.system().suspend(watcher.addr()).expect("it lives");
            stage.send(
                target,
                act(move |_, ctx| {
                    for what in ["one", "two"] {
                        let _ = ctx.send(watcher, say(what)).expect("it lives");
                    }
                    ctx.stop();
                }),
            );
            assert_eq!(stage.played(), ["t Stopped"], "the watcher sleeps");
            stage.system().resume(watcher.addr()).expect("it lives");
            assert_eq!(stage.played(), ["w one", "w two", "w heard Stopped"], "seed {seed}, core {core}");
        }
    }
}

#[test]
fn a_watch_that_was_ended_or_whose_watcher_ended_is_not_heard_of() {
    let mut stage = Stage::new(3, 2);
    let (watcher, target) = (stage.puppet("w", 0), stage.puppet("t", 1));
    stage.send(
        watcher,
        act(move |_, ctx| {
            let id = ctx.watch(target.addr(), news).expect("it may");
            assert!(ctx.unwatch(id));
            assert!(!ctx.unwatch(id), "once");
            let _ = ctx.watch(target.addr(), news).expect("it may");
        }),
    );
    stage.run();
    stage.system().kill(watcher.addr()).expect("it lives");
    stage.run();
    let dead = stage.system().core_statistics(Core(0)).map(|core| core.dead);
    stage.system().kill(target.addr()).expect("it lives");
    assert_eq!(stage.played(), ["w Killed", "t Killed"]);
    assert_eq!(stage.system().core_statistics(Core(0)).map(|core| core.dead), dead, "nobody was told");
}

#[test]
fn watching_takes_the_right_to() {
    let mut stage = Stage::new(3, 1);
    let (watcher, target) = (stage.puppet("w", 0), stage.puppet("t", 0));
    stage.send(
        watcher,
        act(move |puppet, ctx| {
            let weak = target.addr().with_rights(Rights::SEND);
            assert_eq!(ctx.watch(weak, news), Err(Refusal::Forbidden));
            assert_eq!(ctx.link(weak), Err(Refusal::Forbidden));
            puppet.tell("ok");
        }),
    );
    assert_eq!(stage.played(), ["w ok"]);
}

fn link(target: Address<Act>) -> Act {
    act(move |_, ctx| ctx.link(target.addr()).expect("it may"))
}

#[test]
fn an_abnormal_end_takes_all_who_are_linked_with_it_and_a_normal_one_nobody() {
    for seed in 0..SEEDS {
        let mut stage = Stage::new(seed, 2);
        let puppets =
            [stage.puppet("a", 0), stage.puppet("b", 1), stage.puppet("c", 0), stage.puppet("d", 1)];
        // d is linked to c, c to b, b to a.
        puppets.windows(2).for_each(|pair| stage.send(pair[1], link(pair[0])));
        stage.run();
        stage.system().stop(puppets[3].addr()).expect("it lives");
        assert_eq!(stage.played(), ["d Stopped"]);
        stage.send(puppets[0], panic());
        assert_eq!(stage.played(), ["b Linked", "c Linked"], "seed {seed}");
    }
}

#[test]
fn who_traps_exits_is_told_and_lives() {
    let mut stage = Stage::new(5, 2);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 1));
    stage.send(
        a,
        act(move |_, ctx| {
            ctx.trap_exits(news).expect("its own type");
            ctx.link(b.addr()).expect("it may");
        }),
    );
    stage.run();
    stage.system().kill(b.addr()).expect("it lives");
    assert_eq!(stage.played(), ["b Killed", "a heard Killed"]);
    stage.send(a, link(b));
    assert_eq!(stage.played(), ["a heard Gone"]);
}

#[test]
fn who_is_not_linked_any_more_lives_on() {
    let mut stage = Stage::new(5, 2);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 1));
    stage.send(a, link(b));
    stage.send(a, act(move |_, ctx| ctx.unlink(b.addr())));
    stage.run();
    stage.send(b, panic());
    assert_eq!(stage.played(), [""; 0]);
    stage.send(a, say("alive"));
    assert_eq!(stage.played(), ["a alive"]);
}

#[test]
fn linking_to_one_who_has_ended_is_abnormal() {
    let mut stage = Stage::new(5, 2);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 1));
    stage.system().kill(b.addr()).expect("it lives");
    stage.run();
    stage.send(a, link(b));
    assert_eq!(stage.played(), ["b Killed", "a Linked"]);
}

#[test]
fn threads_that_race_tell_each_watcher_once() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let (tell, _said) = channel();
    let (tx, rx) = channel();
    let system = running.system();
    let spawn = |core| {
        let how = Spawn::default().on(Core(core));
        system.spawn(how, Puppet::new("p", &tell)).expect("there is room")
    };
    let watcher = spawn(0);
    for _ in 0..500 {
        let (target, tx) = (spawn(1), tx.clone());
        let watch = act(move |_, ctx| {
            let map = move |down: actor::Down| act(move |_, _| _ = tx.send(down.reason));
            let _ = ctx.watch(target.addr(), map).expect("it may");
        });
        assert!(system.send(watcher, watch).is_ok());
        system.kill(target.addr()).expect("it lives");
    }
    for _ in 0..500 {
        let reason = rx.recv_timeout(PATIENCE).expect("each is heard of");
        assert!(matches!(reason, Reason::Killed | Reason::Gone), "{reason:?}");
    }
    running.shutdown();
    assert!(rx.try_recv().is_err(), "once");
}
