//! The works on ractor: messages go by `send_message`, which waits for nothing; one core runs tokio's current-thread scheduler,
//! two run the scheduler with two workers.
#![forbid(unsafe_code)]

mod actors;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use lineup::{
    BATCHES_AHEAD, Cores, Finish, Graph, Peer, RING, Runner, SENDERS, Spawned, Tally, Walker, pin,
    resident_bytes,
};
use ractor::{Actor, ActorRef};
use tokio::runtime::{Builder, Runtime};

use actors::{
    Announce, Node, NodeState, Play, Player, PlayerState, Sender, SenderState, Sink, SinkState, Step,
};

static FINISH: Finish = Finish::new();
static TABLE: OnceLock<Vec<ActorRef<Step>>> = OnceLock::new();

struct Ractor;

impl Peer for Ractor {
    fn ping_pong(cores: Cores) -> Result<Runner, String> {
        let here = runtime(Cores::One);
        // Each actor on a scheduler and a thread of its own, bound to its core: the pair may not meet on one.
        let away = (cores == Cores::Two).then(|| {
            pin(0);
            let away = Builder::new_multi_thread().worker_threads(1).on_thread_start(|| pin(1)).build();
            away.expect("threads can be started")
        });
        Ok(Box::new(move |rounds| {
            let front = start(&here, Player, PlayerState::default());
            let back = start(away.as_ref().unwrap_or(&here), Player, PlayerState::default());
            let _ = back.send_message(Play::Start { rounds: 0, other: front.clone() });
            FINISH.arm(1);
            let began = Instant::now();
            let _ = front.send_message(Play::Start { rounds, other: back });
            here.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn one_to_one(cores: Cores) -> Result<Runner, String> {
        Ok(flood(cores, 1))
    }

    fn fan_in() -> Result<Runner, String> {
        Ok(flood(Cores::Two, SENDERS))
    }

    fn ring() -> Result<Runner, String> {
        let runtime = runtime(Cores::One);
        let nodes: Vec<_> =
            (0..RING).map(|index| start(&runtime, Node, NodeState::of(index, Announce::No))).collect();
        for (index, node) in nodes.iter().enumerate() {
            let _ = node.send_message(Step::Next(nodes[(index + 1) % RING].clone()));
        }
        Ok(Box::new(move |hops| {
            FINISH.arm(1);
            let began = Instant::now();
            let _ = nodes[0].send_message(Step::Hop(Walker { left: hops - 1, load: 1 }));
            runtime.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn graph(graph: Graph) -> Result<Runner, String> {
        let runtime = runtime(graph.cores);
        let node = |index| start(&runtime, Node, NodeState::of(index, Announce::No));
        let table = TABLE.get_or_init(|| (0..graph.actors).map(node).collect());
        Ok(Box::new(move |hops| {
            let crowd = Walker::crowd(graph.walkers, hops);
            FINISH.arm(crowd.len() as u64);
            let began = Instant::now();
            runtime.block_on(async {
                for (walker, to) in crowd.zip(table.iter().cycle()) {
                    let _ = to.send_message(Step::Hop(walker));
                }
                FINISH.wait().await;
            });
            began.elapsed()
        }))
    }

    fn spawn(count: usize) -> Result<Spawned, String> {
        let runtime = runtime(Cores::One);
        let mut actors = Vec::with_capacity(count);
        FINISH.arm(count as u64);
        let began = Instant::now();
        runtime.block_on(async {
            for index in 0..count {
                let spawned = Node::spawn(None, Node, NodeState::of(index, Announce::Yes)).await;
                actors.push(spawned.expect("its start can't fail").0);
            }
            FINISH.wait().await;
        });
        let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
        FINISH.arm(count as u64);
        for actor in &actors {
            let _ = actor.send_message(Step::Hop(Walker::POKE));
        }
        runtime.block_on(FINISH.wait());
        Ok(spawned)
    }
}

/// The scheduler for so many cores.
fn runtime(cores: Cores) -> Runtime {
    let built = match cores {
        Cores::One => Builder::new_current_thread().build(),
        Cores::Two => Builder::new_multi_thread().worker_threads(2).build(),
    };
    built.expect("threads can be started")
}

/// Starts an actor on a scheduler.
fn start<A: Actor>(runtime: &Runtime, actor: A, state: A::Arguments) -> ActorRef<A::Msg> {
    runtime.block_on(A::spawn(None, actor, state)).expect("its start can't fail").0
}

/// Some actors flood one.
fn flood(cores: Cores, senders: u64) -> Runner {
    let runtime = runtime(cores);
    Box::new(move |messages| {
        let each = messages / senders;
        let sink = start(&runtime, Sink, SinkState { tally: Tally::default(), senders, each });
        let senders: Vec<_> = (0..senders)
            .map(|_| start(&runtime, Sender, SenderState { to: sink.clone(), sent: 0, each }))
            .collect();
        FINISH.arm(1);
        let began = Instant::now();
        runtime.block_on(async {
            for sender in &senders {
                (0..BATCHES_AHEAD).for_each(|_| drop(sender.send_message(actors::Burst)));
            }
            FINISH.wait().await;
        });
        began.elapsed()
    })
}

fn main() -> ExitCode {
    lineup::play::<Ractor>()
}
