//! Two actors with one message between them.

use std::time::Instant;

use actor::{Actor, Address, Context};

use crate::Runner;
use crate::messages::{Ball, Tally};
use crate::place::{Finish, on, system, wait};

static FINISH: Finish<Tally> = Finish::new();

/// What the two say to each other.
enum Throw {
    /// Begin, so many rounds, against this one.
    Begin(Address<Throw>, u64),
    /// The ball, and to whom it goes back.
    Ball(Ball, Address<Throw>),
}

struct Front {
    rounds: u64,
    tally: Tally,
    this: Option<Address<Throw>>,
}

impl Actor for Front {
    type Message = Throw;

    fn handle(&mut self, message: Throw, ctx: &mut Context<'_>) {
        let other = match message {
            Throw::Begin(other, rounds) => {
                self.rounds = rounds;
                self.tally = Tally::default();
                self.this = ctx.this();
                other
            }
            Throw::Ball(ball, other) => {
                self.tally.take_next(ball);
                if self.tally.count == self.rounds {
                    return FINISH.one(self.tally);
                }
                other
            }
        };
        if let Some(this) = self.this {
            let _ = ctx.send(other, Throw::Ball(Ball::nth(self.tally.count), this));
        }
    }
}

struct Back(Option<Address<Throw>>);

impl Actor for Back {
    type Message = Throw;

    fn handle(&mut self, message: Throw, ctx: &mut Context<'_>) {
        let this = *self.0.get_or_insert_with(|| ctx.this().expect("it takes throws"));
        if let Throw::Ball(ball, from) = message {
            let _ = ctx.send(from, Throw::Ball(ball, this));
        }
    }
}

/// Both on one core, or each on its own.
pub(crate) fn runner(cores: usize) -> Result<Runner, String> {
    let running = system(cores)?;
    let front = running.system().spawn(on(0), Front { rounds: 0, tally: Tally::default(), this: None });
    let back = running.system().spawn(on(cores - 1), Back(None));
    let (front, back) = front.and_then(|front| Ok((front, back?))).map_err(|refusal| refusal.to_string())?;
    Ok(Box::new(move |rounds| {
        let over = FINISH.arm(1);
        let began = Instant::now();
        running
            .system()
            .send(front, Throw::Begin(back, rounds))
            .map_err(|refused| refused.why.to_string())?;
        let tally = wait(&over)?;
        let took = began.elapsed();
        tally.check(1, rounds)?;
        Ok(took)
    }))
}
