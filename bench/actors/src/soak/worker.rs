//! The actors of a soak: each message says by its numbers what is done with it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actor::platform::Core;
use actor::{Actor, AskError, Context, Down, Lane, Reason, Reply};

use crate::ledger::{Ledger, Token};

/// Workers; all pairs of them have a number of their own.
pub(crate) const WORKERS: usize = 64;
/// One message in so many is a panic.
const PANIC: u64 = 1 << 15;
/// How long an answer may take on a machine that also does other things.
const ANSWER: Duration = Duration::from_secs(20);
/// Two that hold for each other get no answer before this, so it is short.
const HOLD: Duration = Duration::from_micros(500);

/// What a worker takes.
pub(crate) enum Work {
    Walk {
        from: u32,
        number: u32,
        steps: u32,
        token: Token,
        /// Makes some messages longer than a line.
        long: Option<Box<[u64; 8]>>,
    },
    Question(Reply<u64>, Token),
    Answer(Result<u64, AskError>, Token),
    Gone(Down),
}

impl Work {
    pub(crate) fn walk(from: u32, number: u32, steps: u32, token: Token) -> Self {
        let long = number.is_multiple_of(5).then(|| Box::new([u64::from(number); 8]));
        Self::Walk { from, number, steps, token, long }
    }
}

pub(crate) struct Worker {
    me: u32,
    ledger: Arc<Ledger>,
    core: Option<Core>,
    /// Dropped with the worker, at a panic as well.
    _token: Token,
}

/// Lives for one message and is watched meanwhile.
struct Child(#[expect(dead_code, reason = "it is there to be dropped")] Token);

impl Actor for Child {
    type Message = ();
    fn handle(&mut self, (): (), ctx: &mut Context<'_>) {
        ctx.stop();
    }
}

impl Worker {
    pub(crate) fn new(me: u32, ledger: &Arc<Ledger>) -> Self {
        Self { me, ledger: ledger.clone(), core: None, _token: ledger.token() }
    }

    fn go_on(&mut self, steps: u32, token: Token, ctx: &mut Context<'_>) {
        let Some(peers) = self.ledger.peers.get() else { return };
        let to = self.ledger.draw() as usize % peers.len();
        let number = self.ledger.next(self.me, to as u32);
        let _ = ctx.send(peers[to], Work::walk(self.me, number, steps, token));
    }

    /// What else is done with some of the messages.
    fn play(&mut self, draw: u64, ctx: &mut Context<'_>) {
        let Some(peers) = self.ledger.peers.get() else { return };
        let peer = peers[draw as usize / 64 % peers.len()];
        let (token, other) = (self.ledger.token(), self.ledger.token());
        match draw % 64 {
            0 => {
                let question = |reply| Work::Question(reply, token);
                let _ = ctx.ask(peer, ANSWER, question, move |answer| Work::Answer(answer, other));
            }
            1 => {
                let question = |reply| Work::Question(reply, token);
                let _ = ctx.ask_and_hold(peer, HOLD, question, move |answer| Work::Answer(answer, other));
            }
            2 => {
                let _ = ctx.move_to(ctx.addr(), Core((draw / 64 % 2) as u8));
            }
            3 => {
                if let Ok(child) = ctx.spawn(Child(token)) {
                    let _ = ctx.watch(child.addr(), Work::Gone);
                    let _ = ctx.send_in(Lane::Low, child, ());
                }
            }
            4 => {
                let answer = Work::Answer(Err(AskError::Late), token);
                if let Ok(timer) = ctx.send_after(Duration::from_micros(draw % 4096), peer, answer)
                    && draw % 128 < 64
                {
                    ctx.cancel(timer);
                }
            }
            5 => {
                let request = ctx.begin_request();
                let number = Work::Answer(Ok(request.number()), token);
                let _ = ctx.send_in(Lane::Idle, peer, number);
            }
            _ => {}
        }
    }
}

impl Actor for Worker {
    type Message = Work;

    fn handle(&mut self, work: Work, ctx: &mut Context<'_>) {
        if self.core.replace(ctx.core()).is_some_and(|before| before != ctx.core()) {
            self.ledger.moved.fetch_add(1, Ordering::Relaxed);
        }
        match work {
            Work::Walk { from, number, steps, token, long } => {
                self.ledger.take(from, self.me, number);
                if long.is_some_and(|long| *long != [u64::from(number); 8]) {
                    self.ledger.complain(format!("message {number} of {from} to {} is damaged", self.me));
                }
                let draw = self.ledger.draw();
                if self.ledger.is_over() {
                    return;
                }
                if draw.is_multiple_of(PANIC) {
                    self.ledger.panicked.fetch_add(1, Ordering::Relaxed);
                    std::panic::resume_unwind(Box::new(()));
                }
                self.play(draw / PANIC, ctx);
                if steps > 0 {
                    self.go_on(steps - 1, token, ctx);
                }
            }
            Work::Question(reply, token) => {
                drop(token);
                reply.send(ctx, u64::from(self.me));
            }
            Work::Answer(answer, token) => {
                drop(token);
                if answer.is_ok() {
                    self.ledger.answered.fetch_add(1, Ordering::Relaxed);
                }
            }
            Work::Gone(down) => {
                if down.reason != Reason::Stopped && down.reason != Reason::Gone {
                    self.ledger.complain(format!("a child ended because of {:?}", down.reason));
                }
            }
        }
    }
}
