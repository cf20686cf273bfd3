//! The actors, one type per role, so that no message is dispatched on more than its type.

use actix::{Actor, Addr, AsyncContext as _, Context, Handler, Message};
use lineup::{BATCH, Ball, Steps, Tally, Walker};

use crate::{FINISH, TABLE};

/// A ball of the ping-pong and of the floods.
pub(crate) struct Throw(Ball);
/// Who the other player is, and how many rounds this one begins.
pub(crate) struct Start {
    pub(crate) rounds: u64,
    pub(crate) other: Addr<Player>,
}
/// The next batch of a sender. An actor that told itself so would keep its thread for ever, so the sink tells it.
pub(crate) struct Burst;
/// Behind each batch: from whom it was.
pub(crate) struct Behind(Addr<Sender>);
/// A hop of a wandering message.
pub(crate) struct Hop(pub(crate) Walker);
/// Whom a member of the ring sends to.
pub(crate) struct Next(pub(crate) Addr<Node>);

impl Message for Throw {
    type Result = ();
}
impl Message for Start {
    type Result = ();
}
impl Message for Burst {
    type Result = ();
}
impl Message for Behind {
    type Result = ();
}
impl Message for Hop {
    type Result = ();
}
impl Message for Next {
    type Result = ();
}

/// Throws every ball back; the one that has rounds counts them.
#[derive(Default)]
pub(crate) struct Player {
    tally: Tally,
    rounds: u64,
    other: Option<Addr<Self>>,
}

impl Actor for Player {
    type Context = Context<Self>;
}

impl Player {
    fn throw(&self, ball: Ball) {
        if let Some(other) = &self.other {
            other.do_send(Throw(ball));
        }
    }
}

impl Handler<Start> for Player {
    type Result = ();

    fn handle(&mut self, start: Start, _: &mut Context<Self>) {
        (self.rounds, self.other) = (start.rounds, Some(start.other));
        if self.rounds > 0 {
            self.throw(Ball::nth(0));
        }
    }
}

impl Handler<Throw> for Player {
    type Result = ();

    #[inline]
    fn handle(&mut self, Throw(ball): Throw, _: &mut Context<Self>) {
        self.tally.take_next(ball);
        if self.rounds == 0 {
            self.throw(ball);
        } else if self.tally.count < self.rounds {
            self.throw(Ball::nth(self.tally.count));
        } else {
            self.tally.check(1, self.rounds);
            FINISH.one();
        }
    }
}

/// Floods the sink, a batch for each turn.
pub(crate) struct Sender {
    pub(crate) to: Addr<Sink>,
    pub(crate) sent: u64,
    pub(crate) each: u64,
}

impl Actor for Sender {
    type Context = Context<Self>;
}

impl Handler<Burst> for Sender {
    type Result = ();

    fn handle(&mut self, _: Burst, ctx: &mut Context<Self>) {
        let until = (self.sent + BATCH).min(self.each);
        while self.sent < until {
            self.to.do_send(Throw(Ball::nth(self.sent)));
            self.sent += 1;
        }
        if self.sent < self.each {
            self.to.do_send(Behind(ctx.address()));
        }
    }
}

/// Takes what the senders send.
pub(crate) struct Sink {
    tally: Tally,
    senders: u64,
    each: u64,
}

impl Sink {
    pub(crate) fn new(senders: u64, each: u64) -> Self {
        Self { tally: Tally::default(), senders, each }
    }
}

impl Actor for Sink {
    type Context = Context<Self>;
}

impl Handler<Throw> for Sink {
    type Result = ();

    #[inline]
    fn handle(&mut self, Throw(ball): Throw, _: &mut Context<Self>) {
        if self.senders == 1 {
            self.tally.take_next(ball)
        } else {
            self.tally.take(ball)
        }
        if self.tally.count == self.senders * self.each {
            self.tally.check(self.senders, self.each);
            FINISH.one();
        }
    }
}

impl Handler<Behind> for Sink {
    type Result = ();

    fn handle(&mut self, Behind(sender): Behind, _: &mut Context<Self>) {
        sender.do_send(Burst);
    }
}

/// Whether an actor says that it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announce {
    No,
    Yes,
}

/// An actor of the graph and of the ring, and one of a million.
pub(crate) struct Node {
    steps: Steps,
    next: Option<Addr<Node>>,
    announce: Announce,
}

impl Node {
    pub(crate) fn of(index: usize, announce: Announce) -> Self {
        Self { steps: Steps::of(index), next: None, announce }
    }
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        if self.announce == Announce::Yes {
            FINISH.one();
        }
    }
}

impl Handler<Next> for Node {
    type Result = ();

    fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.next = Some(next);
    }
}

impl Handler<Hop> for Node {
    type Result = ();

    #[inline]
    fn handle(&mut self, Hop(walker): Hop, _: &mut Context<Self>) {
        let table = TABLE.get().map_or(&[][..], Vec::as_slice);
        match (self.steps.next(walker, table.len()), &self.next) {
            (None, _) => FINISH.one(),
            (Some((_, walker)), Some(next)) => next.do_send(Hop(walker)),
            (Some((to, walker)), None) => table[to].do_send(Hop(walker)),
        }
    }
}
