//! The works on stakker: one thread, one flat queue of calls, no mailboxes; so there is nothing to do on two cores.
#![forbid(unsafe_code)]

use std::cell::{Cell, OnceCell};
use std::process::ExitCode;
use std::time::Instant;

use lineup::{BATCH, Ball, Cores, Graph, Peer, RING, Runner, Spawned, Steps, Tally, Walker, resident_bytes};
use stakker::{Actor, ActorOwn, CX, Stakker, actor, call, ret_nop};

thread_local! {
    /// Messages that have arrived where their way ends.
    static ARRIVED: Cell<u64> = const { Cell::new(0) };
}

/// Why a work on two cores can't be done.
const ONE_THREAD: &str = "stakker runs all actors on one thread";

struct StakkerPeer;

impl Peer for StakkerPeer {
    fn ping_pong(cores: Cores) -> Result<Runner, String> {
        one(cores)?;
        let mut stakker = Stakker::new(Instant::now());
        Ok(Box::new(move |rounds| {
            let front = actor!(stakker, Player::init(), ret_nop!());
            let back = actor!(stakker, Player::init(), ret_nop!());
            call!([back], meet(0, front.clone()));
            let began = Instant::now();
            call!([front], meet(rounds, back.clone()));
            stakker.run(Instant::now(), false);
            let took = began.elapsed();
            front.query(&mut stakker, |player, _| player.tally.check(1, rounds));
            took
        }))
    }

    fn one_to_one(cores: Cores) -> Result<Runner, String> {
        one(cores)?;
        let mut stakker = Stakker::new(Instant::now());
        Ok(Box::new(move |messages| {
            let sink = actor!(stakker, Sink::init(), ret_nop!());
            let sender = actor!(stakker, Sender::init(sink.clone(), messages), ret_nop!());
            let began = Instant::now();
            call!([sender], burst());
            stakker.run(Instant::now(), false);
            let took = began.elapsed();
            sink.query(&mut stakker, |sink, _| sink.tally.check(1, messages));
            took
        }))
    }

    fn fan_in() -> Result<Runner, String> {
        Err(ONE_THREAD.to_owned())
    }

    fn ring() -> Result<Runner, String> {
        let mut stakker = Stakker::new(Instant::now());
        let nodes: Vec<_> = (0..RING).map(|index| actor!(stakker, Member::init(index), ret_nop!())).collect();
        for (index, node) in nodes.iter().enumerate() {
            call!([node], follow(nodes[(index + 1) % RING].clone()));
        }
        Ok(Box::new(move |hops| {
            ARRIVED.set(0);
            let began = Instant::now();
            call!([nodes[0]], pass(Walker { left: hops - 1, load: 1 }));
            stakker.run(Instant::now(), false);
            let took = began.elapsed();
            assert_eq!(ARRIVED.get(), 1, "the message was lost");
            took
        }))
    }

    fn graph(graph: Graph) -> Result<Runner, String> {
        one(graph.cores)?;
        let mut stakker = Stakker::new(Instant::now());
        // For the rest of the process, so that an actor reaches it by a plain reference.
        let table: &'static Table = Box::leak(Box::default());
        let nodes = (0..graph.actors).map(|index| actor!(stakker, Node::init(index, table), ret_nop!()));
        let table = table.get_or_init(|| nodes.collect());
        Ok(Box::new(move |hops| {
            let crowd = Walker::crowd(graph.walkers, hops);
            let walkers = crowd.len() as u64;
            ARRIVED.set(0);
            let began = Instant::now();
            for (walker, to) in crowd.zip(table.iter().cycle()) {
                call!([to], hop(walker));
            }
            stakker.run(Instant::now(), false);
            let took = began.elapsed();
            assert_eq!(ARRIVED.get(), walkers, "a message was lost");
            took
        }))
    }

    fn spawn(count: usize) -> Result<Spawned, String> {
        let mut stakker = Stakker::new(Instant::now());
        let mut actors = Vec::with_capacity(count);
        let began = Instant::now();
        for index in 0..count {
            actors.push(actor!(stakker, Small::init(index), ret_nop!()));
            if (index as u64).is_multiple_of(BATCH) {
                stakker.run(Instant::now(), false);
            }
        }
        stakker.run(Instant::now(), false);
        let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
        ARRIVED.set(0);
        for actor in &actors {
            call!([actor], poke(Walker::POKE));
        }
        stakker.run(Instant::now(), false);
        assert_eq!(ARRIVED.get(), count as u64, "an actor does not answer");
        Ok(spawned)
    }
}

fn one(cores: Cores) -> Result<(), String> {
    if cores == Cores::One { Ok(()) } else { Err(ONE_THREAD.to_owned()) }
}

/// Throws every ball back; the one that has rounds counts them.
struct Player {
    tally: Tally,
    rounds: u64,
    other: Option<Actor<Self>>,
}

impl Player {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self { tally: Tally::default(), rounds: 0, other: None })
    }

    fn meet(&mut self, _: CX![], rounds: u64, other: Actor<Self>) {
        (self.rounds, self.other) = (rounds, Some(other));
        if rounds > 0 {
            self.throw_to_other(Ball::nth(0));
        }
    }

    fn throw(&mut self, _: CX![], ball: Ball) {
        self.tally.take_next(ball);
        if self.rounds == 0 {
            self.throw_to_other(ball);
        } else if self.tally.count < self.rounds {
            self.throw_to_other(Ball::nth(self.tally.count));
        }
    }

    fn throw_to_other(&self, ball: Ball) {
        if let Some(other) = &self.other {
            call!([other], throw(ball));
        }
    }
}

/// Floods the sink, a batch for each turn.
struct Sender {
    to: Actor<Sink>,
    sent: u64,
    messages: u64,
}

impl Sender {
    fn init(_: CX![], to: Actor<Sink>, messages: u64) -> Option<Self> {
        Some(Self { to, sent: 0, messages })
    }

    fn burst(&mut self, cx: CX![]) {
        let until = (self.sent + BATCH).min(self.messages);
        for number in self.sent..until {
            let ball = Ball::nth(number);
            call!([self.to], take(ball));
        }
        self.sent = until;
        if self.sent < self.messages {
            call!([cx], burst());
        }
    }
}

/// Takes what the sender sends.
struct Sink {
    tally: Tally,
}

impl Sink {
    fn init(_: CX![]) -> Option<Self> {
        Some(Self { tally: Tally::default() })
    }

    fn take(&mut self, _: CX![], ball: Ball) {
        self.tally.take_next(ball);
    }
}

/// A member of the ring.
struct Member {
    steps: Steps,
    next: Option<Actor<Self>>,
}

impl Member {
    fn init(_: CX![], index: usize) -> Option<Self> {
        Some(Self { steps: Steps::of(index), next: None })
    }

    fn follow(&mut self, _: CX![], next: Actor<Self>) {
        self.next = Some(next);
    }

    fn pass(&mut self, _: CX![], walker: Walker) {
        match (self.steps.next(walker, RING), &self.next) {
            (Some((_, walker)), Some(next)) => call!([next], pass(walker)),
            _ => ARRIVED.set(ARRIVED.get() + 1),
        }
    }
}

/// All actors of a graph, once they are there.
type Table = OnceCell<Vec<ActorOwn<Node>>>;

/// An actor of the graph.
struct Node {
    steps: Steps,
    table: &'static Table,
}

impl Node {
    fn init(_: CX![], index: usize, table: &'static Table) -> Option<Self> {
        Some(Self { steps: Steps::of(index), table })
    }

    fn hop(&mut self, _: CX![], walker: Walker) {
        let table = self.table.get().map_or(&[][..], Vec::as_slice);
        match self.steps.next(walker, table.len()) {
            Some((to, walker)) => call!([table[to]], hop(walker)),
            None => ARRIVED.set(ARRIVED.get() + 1),
        }
    }
}

/// One of a million: nothing but its 16 bytes.
struct Small {
    steps: Steps,
}

impl Small {
    fn init(_: CX![], index: usize) -> Option<Self> {
        Some(Self { steps: Steps::of(index) })
    }

    fn poke(&mut self, _: CX![], walker: Walker) {
        if self.steps.next(walker, 1).is_none() {
            ARRIVED.set(ARRIVED.get() + 1);
        }
    }
}

fn main() -> ExitCode {
    lineup::play::<StakkerPeer>()
}
