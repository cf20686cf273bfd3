//! Two cores that run in any order, turn by turn, while an outside thread sends to an actor and has it moved to and fro.

use alloc::boxed::Box;
use alloc::vec::Vec;

use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use crate::platform::Core;
use crate::platform::hosted::Hosted;
use crate::shard::Shard;
use crate::{Actor, Address, Config, Context, Spawn, StopAll, System, assemble};

/// Schedules that are tried, drawn by lot.
const SCHEDULES: usize = 300;
const MESSAGES: u32 = 6;
/// 1 MiB: a shard passes over the stack when it is made.
const STACK_BYTES: usize = 1 << 20;
/// Who asks three cores' worth of questions takes some dozen turns; without this an actor that is lost hangs the test.
const TURNS_MAX: u32 = 20_000;

/// Tells in which order it was told things.
struct Scribe(Arc<Mutex<Vec<(u8, u32)>>>);

impl Actor for Scribe {
    type Message = (u8, u32);
    fn handle(&mut self, heard: (u8, u32), _ctx: &mut Context<'_>) {
        self.0.lock().expect("nobody panics with it").push(heard);
    }
}

/// Passes on what it is told under its own name.
struct Echo(u8, Address<(u8, u32)>);

impl Actor for Echo {
    type Message = u32;
    fn handle(&mut self, number: u32, ctx: &mut Context<'_>) {
        let _ = ctx.send(self.1, (self.0, number));
    }
}

fn drive(mut shard: Shard, heard: &Arc<Mutex<Vec<(u8, u32)>>>) -> Shard {
    for _ in 0..TURNS_MAX {
        if heard.lock().expect("nobody panics with it").len() == 2 * MESSAGES as usize {
            break;
        }
        let _ = shard.turn();
        thread::yield_now();
    }
    shard
}

fn outside(system: &System, scribe: Address<(u8, u32)>, echo: Address<u32>) {
    for number in 0..MESSAGES {
        assert!(system.send(scribe, (0, number)).is_ok(), "it lives and has room");
        thread::yield_now();
        assert!(system.send(echo, number).is_ok(), "it lives and has room");
        let core = Core((number % 2) as u8);
        system.move_to(scribe.addr(), core).expect("it lives");
        thread::yield_now();
        system.move_to(echo.addr(), Core(1 - core.0)).expect("it lives");
    }
}

#[test]
fn messages_keep_their_order_while_both_sides_move() {
    let mut config = shuttle::Config::new();
    config.stack_size = STACK_BYTES;
    let scheduler = shuttle::scheduler::RandomScheduler::new(SCHEDULES);
    shuttle::Runner::new(scheduler, config).run(|| {
        let config = Config { cores: 2, actors_max: 1, ring_entries: 2, ..Config::default() };
        let (system, shards) = assemble(config, Hosted::new(2), |_| Box::new(StopAll));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let scribe = system.spawn(Spawn::default(), Scribe(heard.clone())).expect("there is room");
        let echo = system.spawn(Spawn::default().on(Core(1)), Echo(1, scribe)).expect("there is room");
        let cores: Vec<_> = shards
            .into_iter()
            .map(|shard| {
                let heard = heard.clone();
                thread::spawn(move || drive(shard, &heard))
            })
            .collect();
        outside(&system, scribe, echo);
        let shards: Vec<_> = cores.into_iter().map(|core| core.join().expect("no core panics")).collect();
        let heard = heard.lock().expect("nobody panics with it").clone();
        for from in [0, 1] {
            let numbers: Vec<_> =
                heard.iter().filter(|(who, _)| *who == from).map(|(_, number)| *number).collect();
            assert_eq!(numbers, (0..MESSAGES).collect::<Vec<_>>(), "from {from}");
        }
        drop(shards);
    });
}
