//! The actors. An actor of ractor has one message type, an enum where there are several.

use lineup::{BATCH, Ball, Steps, Tally, Walker};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::{FINISH, TABLE};

type Done<T = ()> = Result<T, ActorProcessingErr>;

/// What a player gets.
pub(crate) enum Play {
    /// Who the other player is, and how many rounds this one begins.
    Start {
        rounds: u64,
        other: ActorRef<Play>,
    },
    Throw(Ball),
}

/// Throws every ball back; the one that has rounds counts them.
pub(crate) struct Player;

#[derive(Default)]
pub(crate) struct PlayerState {
    tally: Tally,
    rounds: u64,
    other: Option<ActorRef<Play>>,
}

impl PlayerState {
    fn throw(&self, ball: Ball) {
        if let Some(other) = &self.other {
            let _ = other.send_message(Play::Throw(ball));
        }
    }
}

impl Actor for Player {
    type Msg = Play;
    type State = PlayerState;
    type Arguments = PlayerState;

    async fn pre_start(&self, _: ActorRef<Play>, state: PlayerState) -> Done<PlayerState> {
        Ok(state)
    }

    async fn handle(&self, _: ActorRef<Play>, message: Play, state: &mut PlayerState) -> Done {
        match message {
            Play::Start { rounds, other } => {
                (state.rounds, state.other) = (rounds, Some(other));
                if rounds > 0 {
                    state.throw(Ball::nth(0));
                }
            }
            Play::Throw(ball) => {
                state.tally.take_next(ball);
                if state.rounds == 0 {
                    state.throw(ball);
                } else if state.tally.count < state.rounds {
                    state.throw(Ball::nth(state.tally.count));
                } else {
                    state.tally.check(1, state.rounds);
                    FINISH.one();
                }
            }
        }
        Ok(())
    }
}

/// The next batch of a sender. One that told itself so would fill the queue without end, so the sink tells it.
pub(crate) struct Burst;

/// Floods the sink, a batch for each turn.
pub(crate) struct Sender;

pub(crate) struct SenderState {
    pub(crate) to: ActorRef<Catch>,
    pub(crate) sent: u64,
    pub(crate) each: u64,
}

impl Actor for Sender {
    type Msg = Burst;
    type State = SenderState;
    type Arguments = SenderState;

    async fn pre_start(&self, _: ActorRef<Burst>, state: SenderState) -> Done<SenderState> {
        Ok(state)
    }

    async fn handle(&self, myself: ActorRef<Burst>, _: Burst, state: &mut SenderState) -> Done {
        let until = (state.sent + BATCH).min(state.each);
        while state.sent < until {
            let _ = state.to.send_message(Catch::Throw(Ball::nth(state.sent)));
            state.sent += 1;
        }
        if state.sent < state.each {
            let _ = state.to.send_message(Catch::Behind(myself));
        }
        Ok(())
    }
}

/// What the sink gets.
pub(crate) enum Catch {
    Throw(Ball),
    /// Behind each batch: from whom it was.
    Behind(ActorRef<Burst>),
}

/// Takes what the senders send.
pub(crate) struct Sink;

pub(crate) struct SinkState {
    pub(crate) tally: Tally,
    pub(crate) senders: u64,
    pub(crate) each: u64,
}

impl Actor for Sink {
    type Msg = Catch;
    type State = SinkState;
    type Arguments = SinkState;

    async fn pre_start(&self, _: ActorRef<Catch>, state: SinkState) -> Done<SinkState> {
        Ok(state)
    }

    async fn handle(&self, _: ActorRef<Catch>, message: Catch, state: &mut SinkState) -> Done {
        match message {
            Catch::Throw(ball) => {
                if state.senders == 1 {
                    state.tally.take_next(ball)
                } else {
                    state.tally.take(ball)
                }
                if state.tally.count == state.senders * state.each {
                    state.tally.check(state.senders, state.each);
                    FINISH.one();
                }
            }
            Catch::Behind(sender) => drop(sender.send_message(Burst)),
        }
        Ok(())
    }
}

/// Whether an actor says that it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announce {
    No,
    Yes,
}

/// What a node gets.
pub(crate) enum Step {
    /// Whom a member of the ring sends to.
    Next(ActorRef<Step>),
    /// A hop of a wandering message.
    Hop(Walker),
}

/// An actor of the graph and of the ring, and one of a million.
pub(crate) struct Node;

pub(crate) struct NodeState {
    steps: Steps,
    next: Option<ActorRef<Step>>,
    announce: Announce,
}

impl NodeState {
    pub(crate) fn of(index: usize, announce: Announce) -> Self {
        Self { steps: Steps::of(index), next: None, announce }
    }
}

impl Actor for Node {
    type Msg = Step;
    type State = NodeState;
    type Arguments = NodeState;

    async fn pre_start(&self, _: ActorRef<Step>, state: NodeState) -> Done<NodeState> {
        if state.announce == Announce::Yes {
            FINISH.one();
        }
        Ok(state)
    }

    async fn handle(&self, _: ActorRef<Step>, message: Step, state: &mut NodeState) -> Done {
        let walker = match message {
            Step::Hop(walker) => walker,
            Step::Next(next) => {
                state.next = Some(next);
                return Ok(());
            }
        };
        let table = TABLE.get().map_or(&[][..], Vec::as_slice);
        match (state.steps.next(walker, table.len()), &state.next) {
            (None, _) => FINISH.one(),
            (Some((_, walker)), Some(next)) => drop(next.send_message(Step::Hop(walker))),
            (Some((to, walker)), None) => drop(table[to].send_message(Step::Hop(walker))),
        }
        Ok(())
    }
}
