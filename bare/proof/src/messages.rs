//! The actor core at work: two actors play a ball across two cores' shards, both run by this one thread in drawn order.

use alloc::boxed::Box;

use actor::dice::Dice;
use actor::platform::Core;
use actor::{Actor, Address, Config, Context, Spawn, StopAll};

/// 100,000 returns: enough that a message which is not given back would show.
const RETURNS: u64 = 100_000;

/// 64 actors: two are needed, and the tables are allocated whole.
const ACTORS_MAX: u32 = 64;

/// 64 timers, since none is set.
const TIMERS_MAX: usize = 64;

/// A turn of one core each; far more than the game needs, so that a ball that is lost ends the program.
const STEPS_MAX: u64 = 10_000_000;

/// The ball says how often it was returned and to whom it goes back.
struct Ball {
    returns: u64,
    from: Address<Ball>,
}

#[derive(Default)]
struct Player {
    seen: u64,
}

impl Actor for Player {
    type Message = Ball;

    fn handle(&mut self, ball: Ball, context: &mut Context<'_>) {
        self.seen += 1;
        if ball.returns == RETURNS {
            return context.stop();
        }
        let Some(from) = context.this::<Ball>() else { return };
        let back = Ball { returns: ball.returns + 1, from };
        // A partner that is gone ends the game, which is seen by the count.
        let _ = context.send(ball.from, back);
    }
}

/// Plays until one of them stops; gives the number of messages that were handled.
pub(crate) fn run() -> Result<u64, &'static str> {
    let config =
        Config { cores: 2, seed: 7, actors_max: ACTORS_MAX, timers_max: TIMERS_MAX, ..Config::default() };
    let mut dice = Dice::assemble(config, |_| Box::new(StopAll));
    let system = dice.system().clone();
    let one = system.spawn(Spawn::default().on(Core(0)), Player::default()).map_err(|_| "no first player")?;
    let other =
        system.spawn(Spawn::default().on(Core(1)), Player::default()).map_err(|_| "no second player")?;
    system.send(one, Ball { returns: 0, from: other }).map_err(|_| "the ball was refused")?;
    dice.run(STEPS_MAX);
    let handled = (0..2).filter_map(|core| system.core_statistics(Core(core))).map(|core| core.handled).sum();
    if system.statistics(one.addr()).is_some() && system.statistics(other.addr()).is_some() {
        return Err("nobody stopped: the ball was lost");
    }
    if handled > RETURNS { Ok(handled) } else { Err("a return is missing") }
}
