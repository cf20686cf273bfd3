//! One seed gives one run; another gives another; time jumps.

use std::sync::{Arc, Mutex};

use core::time::Duration;

use super::*;
use crate::{Actor, Address, Context, Spawn, StopAll};

type Journal = Arc<Mutex<Vec<(u32, u64)>>>;

/// Writes down what it gets.
struct Scribe(Journal);

impl Actor for Scribe {
    type Message = (u32, u64);

    fn handle(&mut self, message: (u32, u64), _ctx: &mut Context<'_>) {
        self.0.lock().expect("nobody panics with it").push(message);
    }
}

/// Sends its number and counts to the scribe.
struct Writer(u32, Address<(u32, u64)>);

impl Actor for Writer {
    type Message = u64;

    fn handle(&mut self, left: u64, ctx: &mut Context<'_>) {
        let _ = ctx.send(self.1, (self.0, left));
        if let (Some(this), Some(left)) = (ctx.this(), left.checked_sub(1)) {
            let _ = ctx.send(this, left);
        }
    }
}

fn story(seed: u64) -> Vec<(u32, u64)> {
    let journal = Journal::default();
    let mut dice = Dice::assemble(Config { seed, cores: 3, ..Config::default() }, |_| Box::new(StopAll));
    let scribe = dice.system().spawn(Spawn::default(), Scribe(journal.clone())).expect("there is room");
    for number in 0..4u32 {
        let on = Spawn::default().on(Core(number as u8 % 3));
        let writer = dice.system().spawn(on, Writer(number, scribe)).expect("there is room");
        dice.system().send(writer, 20).expect("it lives");
    }
    dice.run(10_000);
    let story = journal.lock().expect("nobody panics with it").clone();
    for number in 0..4 {
        let own: Vec<_> = story.iter().filter(|entry| entry.0 == number).map(|entry| entry.1).collect();
        assert_eq!(own, (0..=20).rev().collect::<Vec<_>>(), "seed {seed}: the order of writer {number}");
    }
    story
}

#[test]
fn one_seed_gives_one_run_and_others_give_others() {
    assert_eq!(story(1), story(1));
    let different = (2..10).filter(|seed| story(*seed) != story(1)).count();
    assert!(different >= 7, "only {different} of 8 seeds made a difference");
}

#[test]
fn time_jumps_to_the_next_deadline() {
    let journal = Journal::default();
    let mut dice = Dice::assemble(Config::default(), |_| Box::new(StopAll));
    let scribe = dice.system().spawn(Spawn::default(), Scribe(journal.clone())).expect("there is room");
    struct Later(Address<(u32, u64)>);
    impl Actor for Later {
        type Message = u64;
        fn handle(&mut self, seconds: u64, ctx: &mut Context<'_>) {
            let _ = ctx.send_after(Duration::from_secs(seconds), self.0, (7, seconds));
        }
    }
    let later = dice.system().spawn(Spawn::default(), Later(scribe)).expect("there is room");
    dice.system().send(later, 3600).expect("it lives");
    dice.run_until(1_000_000_000, 100);
    assert_eq!(dice.now(), 1_000_000_000);
    assert!(journal.lock().expect("nobody panics with it").is_empty());
    dice.run(100);
    assert_eq!(*journal.lock().expect("nobody panics with it"), [(7, 3600)]);
    assert_eq!(dice.now(), 3_600_000_000_000);
}
