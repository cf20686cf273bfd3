//! The actors, one type per role, so that no message is dispatched on more than its type.

use std::convert::Infallible;

use kameo::Actor;
use kameo::actor::ActorRef;
use kameo::message::{Context, Message};
use lineup::{BATCH, Ball, Steps, Tally, Walker};

use crate::{FINISH, TABLE};

/// A ball of the ping-pong and of the floods.
pub(crate) struct Throw(Ball);
/// Who the other player is, and how many rounds this one begins.
pub(crate) struct Start {
    pub(crate) rounds: u64,
    pub(crate) other: ActorRef<Player>,
}
/// The next batch of a sender. An actor that told itself so would keep its thread for ever, so the sink tells it.
pub(crate) struct Burst;
/// Behind each batch: from whom it was.
pub(crate) struct Behind(ActorRef<Sender>);
/// A hop of a wandering message.
pub(crate) struct Hop(pub(crate) Walker);
/// Whom a member of the ring sends to.
pub(crate) struct Next(pub(crate) ActorRef<Node>);

/// Throws every ball back; the one that has rounds counts them.
#[derive(Default)]
pub(crate) struct Player {
    tally: Tally,
    rounds: u64,
    other: Option<ActorRef<Self>>,
}

impl Actor for Player {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(actor)
    }
}

impl Player {
    fn throw(&self, ball: Ball) {
        if let Some(other) = &self.other {
            let _ = other.tell(Throw(ball)).try_send();
        }
    }
}

impl Message<Start> for Player {
    type Reply = ();

    async fn handle(&mut self, start: Start, _: &mut Context<Self, ()>) {
        (self.rounds, self.other) = (start.rounds, Some(start.other));
        if self.rounds > 0 {
            self.throw(Ball::nth(0));
        }
    }
}

impl Message<Throw> for Player {
    type Reply = ();

    async fn handle(&mut self, Throw(ball): Throw, _: &mut Context<Self, ()>) {
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
    pub(crate) to: ActorRef<Sink>,
    pub(crate) sent: u64,
    pub(crate) each: u64,
}

impl Actor for Sender {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(actor)
    }
}

impl Message<Burst> for Sender {
    type Reply = ();

    async fn handle(&mut self, _: Burst, ctx: &mut Context<Self, ()>) {
        let until = (self.sent + BATCH).min(self.each);
        while self.sent < until {
            let _ = self.to.tell(Throw(Ball::nth(self.sent))).try_send();
            self.sent += 1;
        }
        if self.sent < self.each {
            let _ = self.to.tell(Behind(ctx.actor_ref().clone())).try_send();
        }
    }
}

/// Takes what the senders send.
pub(crate) struct Sink {
    pub(crate) tally: Tally,
    pub(crate) senders: u64,
    pub(crate) each: u64,
}

impl Actor for Sink {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(actor)
    }
}

impl Message<Throw> for Sink {
    type Reply = ();

    async fn handle(&mut self, Throw(ball): Throw, _: &mut Context<Self, ()>) {
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

impl Message<Behind> for Sink {
    type Reply = ();

    async fn handle(&mut self, Behind(sender): Behind, _: &mut Context<Self, ()>) {
        let _ = sender.tell(Burst).try_send();
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
    next: Option<ActorRef<Node>>,
    announce: Announce,
}

impl Node {
    pub(crate) fn of(index: usize, announce: Announce) -> Self {
        Self { steps: Steps::of(index), next: None, announce }
    }
}

impl Actor for Node {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(actor: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        if actor.announce == Announce::Yes {
            FINISH.one();
        }
        Ok(actor)
    }
}

impl Message<Next> for Node {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.next = Some(next);
    }
}

impl Message<Hop> for Node {
    type Reply = ();

    async fn handle(&mut self, Hop(walker): Hop, _: &mut Context<Self, ()>) {
        let table = TABLE.get().map_or(&[][..], Vec::as_slice);
        match (self.steps.next(walker, table.len()), &self.next) {
            (None, _) => FINISH.one(),
            (Some((_, walker)), Some(next)) => drop(next.tell(Hop(walker)).try_send()),
            (Some((to, walker)), None) => drop(table[to].tell(Hop(walker)).try_send()),
        }
    }
}
