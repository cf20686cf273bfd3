//! Some actors flood one: as fast as they can, within the receiver's bound.

use std::sync::mpsc;
use std::time::Instant;

use actor::{Actor, Address, Context};

use crate::Runner;
use crate::messages::{Ball, Tally};
use crate::place::{Finish, on, system, wait};

/// Messages that a flooding actor sends before it lets others run.
const BATCH: u64 = 1_000;

static FINISH: Finish<Tally> = Finish::new();

/// What the receiver takes.
enum Receive {
    Begin { senders: u64, each: u64, ready: mpsc::Sender<()> },
    Ball(Ball),
}

struct Receiver {
    tally: Tally,
    senders: u64,
    until: u64,
}

impl Actor for Receiver {
    type Message = Receive;

    fn handle(&mut self, message: Receive, _ctx: &mut Context<'_>) {
        match message {
            Receive::Begin { senders, each, ready } => {
                (self.tally, self.senders, self.until) = (Tally::default(), senders, senders * each);
                let _ = ready.send(());
            }
            Receive::Ball(ball) => {
                if self.senders == 1 {
                    self.tally.take_next(ball);
                } else {
                    self.tally.take(ball);
                }
                if self.tally.count == self.until {
                    FINISH.one(self.tally);
                }
            }
        }
    }
}

/// What a sender takes.
enum Send {
    Begin { each: u64 },
    GoOn,
}

struct Sender {
    to: Address<Receive>,
    sent: u64,
    each: u64,
}

impl Actor for Sender {
    type Message = Send;

    fn handle(&mut self, message: Send, ctx: &mut Context<'_>) {
        if let Send::Begin { each } = message {
            (self.sent, self.each) = (0, each);
        }
        let until = (self.sent + BATCH).min(self.each);
        while self.sent < until {
            match ctx.try_send(self.to, Receive::Ball(Ball::nth(self.sent))) {
                Ok(sent) => {
                    self.sent += 1;
                    if !sent.is_clear() {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        if self.sent < self.each
            && let Some(this) = ctx.this()
        {
            let _ = ctx.send(this, Send::GoOn);
        }
    }
}

/// Where the senders live: the receiver has the last core, so of two cores they share out what is left of both.
fn core_of(sender: u64, senders: u64, cores: usize) -> usize {
    if senders == 1 { 0 } else { sender as usize % cores }
}

/// So many senders, one receiver.
pub(crate) fn runner(cores: usize, senders: u64) -> Result<Runner, String> {
    let running = system(cores)?;
    let failed = |refusal: actor::Refusal| refusal.to_string();
    let receiver = Receiver { tally: Tally::default(), senders: 0, until: 0 };
    let receiver = running.system().spawn(on(cores - 1), receiver).map_err(failed)?;
    let mut floods = Vec::new();
    for sender in 0..senders {
        let flood = Sender { to: receiver, sent: 0, each: 0 };
        floods.push(running.system().spawn(on(core_of(sender, senders, cores)), flood).map_err(failed)?);
    }
    Ok(Box::new(move |messages| {
        let each = messages / senders;
        let over = FINISH.arm(1);
        let (ready, is_ready) = mpsc::channel();
        let begin = Receive::Begin { senders, each, ready };
        running.system().send(receiver, begin).map_err(|refused| refused.why.to_string())?;
        // Senders on another core could be there before the news of how many to expect.
        wait(&is_ready)?;
        let began = Instant::now();
        for flood in &floods {
            running.system().send(*flood, Send::Begin { each }).map_err(|refused| refused.why.to_string())?;
        }
        let tally = wait(&over)?;
        let took = began.elapsed();
        tally.check(senders, each)?;
        Ok(took)
    }))
}
