//! Wards and dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{Address, Config, Refusal, Rights, Spawn, Undelivered};

use crate::system_puppet::{Act, Puppet, Stage, act, news, panic, say};

#[test]
fn a_revoked_address_leads_nowhere_for_every_holder_on_every_core() {
    for seed in 0..20 {
        let mut stage = Stage::new(seed, 2);
        let target = stage.puppet("t", 1);
        let holders = [stage.puppet("a", 0), stage.puppet("b", 1)];
        let ward = stage.system().ward(target).expect("there is room");
        let guest = ward.address();
        let try_it = move |expected: Result<(), Refusal>| {
            act(move |puppet, ctx| {
                assert_eq!(ctx.send(guest, say("guest")).map(|_| ()), expected);
                puppet.tell("tried");
            })
        };
        holders.iter().for_each(|holder| stage.send(*holder, try_it(Ok(()))));
        let heard = stage.played();
        assert_eq!(heard.iter().filter(|said| *said == "t guest").count(), 2, "{heard:?}");
        ward.revoke();
        holders.iter().for_each(|holder| stage.send(*holder, try_it(Err(Refusal::Gone))));
        let heard = stage.played();
        assert_eq!(heard.iter().filter(|said| said.ends_with("tried")).count(), 2, "{heard:?}");
        assert_eq!(heard.len(), 2);
        stage.send(target, say("lives"));
        assert_eq!(stage.played(), ["t lives"]);
    }
}

#[test]
fn a_ward_gives_no_right_that_was_not_there_and_the_orders_go_through_it() {
    let mut stage = Stage::new(1, 2);
    let (a, target) = (stage.puppet("a", 0), stage.puppet("t", 1));
    let system = stage.system().clone();
    let weak = system.ward(target.with_rights(Rights::SEND)).expect("there is room");
    assert_eq!(system.kill(weak.address().addr()), Err(Refusal::Forbidden));
    let strong = system.ward(target).expect("there is room");
    let watched = strong.address();
    stage.send(a, act(move |_, ctx| _ = ctx.watch(watched.addr(), news).expect("it may")));
    stage.run();
    let only_stop = strong.address().with_rights(Rights::STOP);
    assert_eq!(system.send(only_stop, say("no")).map_err(|refused| refused.why), Err(Refusal::Forbidden));
    assert_eq!(system.stop(only_stop.addr()), Ok(()));
    assert_eq!(stage.played(), ["t Stopped", "a heard Stopped"]);
    assert_eq!(system.send(watched, say("late")).map_err(|refused| refused.why), Err(Refusal::Gone));
}

#[test]
fn revoking_a_ward_cuts_off_the_wards_in_front_of_it_and_none_behind() {
    let stage = Stage::new(1, 1);
    let target = stage.puppet("t", 0);
    let system = stage.system();
    let first = system.ward(target).expect("there is room");
    let second = system.ward(first.address()).expect("there is room");
    let third = system.ward(second.address()).expect("there is room");
    let addresses = [first.address(), second.address(), third.address()];
    let works = || addresses.map(|address| system.send(address, say("x")).is_ok());
    assert_eq!(works(), [true, true, true]);
    second.revoke();
    assert_eq!(works(), [true, false, false]);
}

#[test]
fn places_of_wards_are_taken_again_and_old_addresses_stay_dead() {
    let stage = Stage::new(1, 1);
    let (old, new) = (stage.puppet("old", 0), stage.puppet("new", 0));
    let system = stage.system();
    let first = system.ward(old).expect("there is room");
    let stale = first.address();
    first.revoke();
    // More than there are places: each is used again.
    let wards: Vec<_> = (0..actor::WARDS_MAX).map(|_| system.ward(new).expect("there is room")).collect();
    assert_eq!(system.ward(new).map(|_| ()), Err(Refusal::Full));
    assert!(wards.iter().any(|ward| ward.address().addr().index() == stale.addr().index()));
    assert_eq!(system.send(stale, say("stale")).map_err(|refused| refused.why), Err(Refusal::Gone));
}

#[test]
fn timers_and_names_go_through_wards() {
    let mut stage = Stage::new(1, 2);
    let (a, target) = (stage.puppet("a", 0), stage.puppet("t", 1));
    let ward = stage.system().ward(target).expect("there is room");
    let (guest, name) = (ward.address(), actor::Name::parse("t").expect("it is short"));
    stage.system().register(name, guest).expect("it is free");
    assert_eq!(stage.system().whereis::<Act>(name), Some(guest));
    let later = move |delay| {
        act(move |_, ctx: &mut actor::Context<'_>| {
            let _ = ctx.send_after(Duration::from_millis(delay), guest, say("later")).expect("there is room");
        })
    };
    stage.send(a, later(1));
    assert_eq!(stage.played(), ["t later"]);
    stage.send(a, later(1));
    stage.dice.run_until(stage.dice.now(), 100);
    ward.revoke();
    assert_eq!(stage.played(), [""; 0]);
    assert_eq!(stage.system().whereis::<Act>(name), None);
    stage.system().register(name, target).expect("the name is free again");
}

#[test]
fn no_send_that_begins_after_the_revocation_arrives() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let (tell, _said) = channel();
    let system = running.system();
    let spawn = |core| {
        let how = Spawn::default().on(Core(core));
        system.spawn(how, Puppet::new("p", &tell)).expect("there is room")
    };
    let target: Address<Act> = spawn(1);
    for round in 0..200 {
        let ward = system.ward(target).expect("there is room");
        let (guest, revoked) = (ward.address(), Arc::new(AtomicBool::new(false)));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let revoked = revoked.clone();
                scope.spawn(move || {
                    loop {
                        let knew = revoked.load(Ordering::SeqCst);
                        let sent = system.send(guest, act(|_, _| ())).is_ok();
                        assert!(!(knew && sent), "round {round}: sent after the revocation");
                        if knew {
                            return;
                        }
                    }
                });
            }
            ward.revoke();
            revoked.store(true, Ordering::SeqCst);
        });
    }
}

#[test]
fn dead_letters_say_to_whom_of_what_type_and_why() {
    let mut stage = Stage::new(1, 1);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 0));
    stage.send(b, panic());
    (0..3).for_each(|_| stage.send(b, say("lost")));
    stage.run();
    stage.send(
        a,
        act(move |_, ctx| {
            assert_eq!(ctx.send(b, say("late")), Err(Refusal::Gone));
            let this = ctx.this::<Act>().expect("its own type").with_rights(Rights::NONE);
            assert_eq!(ctx.send(this, say("no")), Err(Refusal::Forbidden));
        }),
    );
    stage.run();
    let letters = stage.system().dead_letters(Core(0)).expect("there is such a core");
    assert_eq!(letters.count(Undelivered::Ended), 3);
    assert_eq!(letters.count(Undelivered::Refused), 1);
    assert_eq!(letters.count(Undelivered::Forbidden), 1);
    assert_eq!(letters.last.len(), 5);
    let late = letters.last[3];
    assert!(late.to.is_same_actor(b.addr()) && late.from.is_some_and(|from| from.is_same_actor(a.addr())));
    assert_eq!((late.why, late.to.rights()), (Undelivered::Refused, Rights::NONE));
    assert!(late.message.contains("FnOnce"), "{}", late.message);
    assert_eq!(stage.system().dead_letters(Core(1)), None);
}

#[test]
fn the_book_of_dead_letters_is_bounded_and_keeps_the_last() {
    let mut stage = Stage::new(1, 1);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 0));
    stage.system().kill(b.addr()).expect("it lives");
    stage.run();
    stage.send(
        a,
        act(move |_, ctx| {
            for _ in 0..5_000 {
                let _ = ctx.send(b, say("late"));
            }
        }),
    );
    stage.run();
    let letters = stage.system().dead_letters(Core(0)).expect("there is such a core");
    assert_eq!(letters.count(Undelivered::Refused), 5_000);
    assert!(letters.last.len() <= 1 << 10 && letters.last.len() > 1 << 9, "{}", letters.last.len());
}
