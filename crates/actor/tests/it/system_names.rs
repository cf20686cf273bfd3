//! Names and groups, from cores and from outside.

use std::sync::mpsc::channel;

use actor::hosted::Running;
use actor::platform::Core;
use actor::{
    Actor, Address, Config, Context, NAME_BYTES_MAX, NAMES_MAX, Name, NameError, Rights, Spawn, Told, Unnamed,
};

use crate::system_puppet::{Act, Puppet, Stage, act, panic, say};

fn name(text: &str) -> Name {
    Name::parse(text).expect("it is short")
}

#[test]
fn names_are_short_and_not_empty() {
    assert_eq!(Name::parse(""), Err(NameError::Empty));
    assert_eq!(Name::parse("a\0"), Err(NameError::Zero));
    let longest = "x".repeat(NAME_BYTES_MAX);
    assert_eq!(Name::parse(&longest).map(|name| name.as_str().to_owned()), Ok(longest.clone()));
    assert_eq!(Name::parse(&(longest + "x")), Err(NameError::Long));
}

#[test]
fn a_name_is_one_actors_until_that_one_ends_or_gives_it_back() {
    let mut stage = Stage::new(1, 2);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 1));
    let (system, clock) = (stage.system().clone(), name("clock"));
    assert_eq!(system.register(clock, a), Ok(()));
    assert_eq!(system.register(clock, a), Ok(()), "it has it already");
    let taken = Unnamed::Taken(a.addr().with_rights(Rights::NONE));
    assert_eq!(system.register(clock, b), Err(taken));
    assert_eq!(system.whereis::<Act>(clock), Some(a));
    assert_eq!(system.whereis::<u32>(clock), None, "not of this type");
    assert_eq!(system.unregister(clock, b.addr()), Err(Unnamed::Forbidden));
    assert_eq!(system.unregister(clock, a.with_rights(Rights::SEND).addr()), Err(Unnamed::Forbidden));
    assert_eq!(system.unregister(clock, a.addr()), Ok(()));
    assert_eq!(system.unregister(clock, a.addr()), Err(Unnamed::Gone));
    assert_eq!(system.whereis::<Act>(clock), None);
    assert_eq!(system.register(clock, b), Ok(()));
    stage.run();
    stage.send(b, panic());
    stage.run();
    assert_eq!(system.whereis::<Act>(clock), None);
    assert_eq!(system.register(clock, b), Err(Unnamed::Gone));
    assert_eq!(system.register(clock, a), Ok(()));
}

#[test]
fn what_is_looked_up_has_the_rights_that_were_registered() {
    let mut stage = Stage::new(1, 2);
    let (a, b) = (stage.puppet("a", 0), stage.puppet("b", 1));
    stage.send(
        a,
        act(move |_, ctx| {
            let this = ctx.this::<Act>().expect("its own type").with_rights(Rights::SEND);
            assert_eq!(ctx.register(name("a"), this), Ok(()));
        }),
    );
    stage.run();
    stage.send(
        b,
        act(|_, ctx| {
            let a = ctx.whereis::<Act>(name("a")).expect("it is registered");
            assert_eq!(a.addr().rights(), Rights::SEND);
            let _ = ctx.send(a, say("found")).expect("it may");
        }),
    );
    assert_eq!(stage.played(), ["a found"]);
}

#[test]
fn names_are_bounded_and_those_of_the_dead_are_freed() {
    let mut stage = Stage::new(1, 1);
    let system = stage.system().clone();
    let mut given = 0;
    let keeper = stage.puppet("k", 0);
    let full = (0..=NAMES_MAX).find_map(|number| {
        let outcome = system.register(name(&format!("name {number}")), keeper);
        given += usize::from(outcome.is_ok());
        outcome.err()
    });
    assert_eq!(full, Some(Unnamed::Full));
    assert!(given > NAMES_MAX / 2, "no name is far from its place: {given}");
    assert_eq!(system.whereis::<Act>(name("name 0")), Some(keeper));
    system.kill(keeper.addr()).expect("it lives");
    stage.run();
    let other = stage.puppet("o", 0);
    for number in 0..1_000 {
        assert_eq!(system.register(name(&format!("another {number}")), other), Ok(()));
    }
}

#[derive(Clone, Copy)]
struct Number(u32);

struct Member(std::sync::mpsc::Sender<(u32, u32)>, u32);

impl Actor for Member {
    type Message = Number;
    fn handle(&mut self, Number(number): Number, _ctx: &mut Context<'_>) {
        let _ = self.0.send((self.1, number));
    }
}

#[test]
fn a_group_hears_what_it_is_told_and_forgets_who_left_or_ended() {
    let mut stage = Stage::new(1, 2);
    let (tx, rx) = channel();
    let system = stage.system().clone();
    let spawn = |number: u32| {
        let how = Spawn::default().on(Core((number % 2) as u8));
        system.spawn(how, Member(tx.clone(), number)).expect("there is room")
    };
    let members: Vec<Address<Number>> = (0..4).map(spawn).collect();
    let group = system.group::<Number>(name("g")).expect("there is room");
    members.iter().for_each(|member| system.join(group, *member).expect("it lives"));
    system.join(group, members[0]).expect("once more is no more");
    let teller = stage.puppet("t", 1);
    let tell = move |expected: Told| {
        act(move |_, ctx| {
            let group = ctx.group::<Number>(name("g")).expect("it is there");
            assert_eq!(ctx.members(group).len(), expected.sent);
            assert_eq!(ctx.broadcast(group, &Number(7)), expected);
        })
    };
    let heard = |stage: &mut Stage, sent: usize| {
        stage.send(teller, tell(Told { sent, refused: 0 }));
        stage.run();
        let mut heard: Vec<_> = rx.try_iter().collect();
        heard.sort_unstable();
        heard
    };
    assert_eq!(heard(&mut stage, 4), [(0, 7), (1, 7), (2, 7), (3, 7)]);
    system.kill(members[1].addr()).expect("it lives");
    system.leave(group, members[2]);
    stage.run();
    assert_eq!(heard(&mut stage, 2), [(0, 7), (3, 7)]);
    assert_eq!(system.broadcast(group, &Number(8)), Told { sent: 2, refused: 0 });
}

#[test]
fn threads_look_names_up_while_they_are_given_and_taken() {
    let running = Running::start(Config { cores: 2, ..Config::default() }).expect("threads can be started");
    let (tell, _said) = channel();
    let system = running.system();
    let spawn = |core| {
        let how = Spawn::default().on(Core(core));
        system.spawn(how, Puppet::new("p", &tell)).expect("there is room")
    };
    let [a, b] = [spawn(0), spawn(1)];
    std::thread::scope(|scope| {
        for mine in [a, b] {
            scope.spawn(move || {
                for round in 0..20_000 {
                    match system.register(name("contested"), mine) {
                        Ok(()) => {
                            assert_eq!(system.unregister(name("contested"), mine.addr()), Ok(()), "{round}")
                        }
                        Err(why) => assert!(matches!(why, Unnamed::Taken(_)), "{why:?}"),
                    }
                }
            });
        }
        scope.spawn(move || {
            for _ in 0..20_000 {
                if let Some(found) = system.whereis::<Act>(name("contested")) {
                    assert!(found == a || found == b, "half a name");
                }
            }
        });
    });
    assert_eq!(system.whereis::<Act>(name("contested")), None);
}
