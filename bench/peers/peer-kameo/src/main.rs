//! The works on kameo: unbounded mailboxes and `tell` without waiting; one core runs tokio's current-thread scheduler,
//! two run the scheduler with two workers.
#![forbid(unsafe_code)]

mod actors;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use kameo::actor::{ActorRef, Spawn as _};
use kameo::mailbox::unbounded;
use lineup::{
    BATCHES_AHEAD, Cores, Finish, Graph, Peer, RING, Runner, SENDERS, Spawned, Tally, Walker, pin,
    resident_bytes,
};
use tokio::runtime::{Builder, Runtime};

use actors::{Announce, Burst, Hop, Next, Node, Player, Sender, Sink, Start};

static FINISH: Finish = Finish::new();
static TABLE: OnceLock<Vec<ActorRef<Node>>> = OnceLock::new();

struct Kameo;

impl Peer for Kameo {
    fn ping_pong(cores: Cores) -> Result<Runner, String> {
        let here = runtime(Cores::One);
        // Each actor on a scheduler and a thread of its own, bound to its core: the pair may not meet on one.
        let away = (cores == Cores::Two).then(|| {
            pin(0);
            let away = Builder::new_multi_thread().worker_threads(1).on_thread_start(|| pin(1)).build();
            away.expect("threads can be started")
        });
        Ok(Box::new(move |rounds| {
            let front = start(&here, Player::default());
            let back = start(away.as_ref().unwrap_or(&here), Player::default());
            let _ = back.tell(Start { rounds: 0, other: front.clone() }).try_send();
            FINISH.arm(1);
            let began = Instant::now();
            let _ = front.tell(Start { rounds, other: back }).try_send();
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
        let nodes: Vec<_> = (0..RING).map(|index| start(&runtime, Node::of(index, Announce::No))).collect();
        for (index, node) in nodes.iter().enumerate() {
            let _ = node.tell(Next(nodes[(index + 1) % RING].clone())).try_send();
        }
        Ok(Box::new(move |hops| {
            FINISH.arm(1);
            let began = Instant::now();
            let _ = nodes[0].tell(Hop(Walker { left: hops - 1, load: 1 })).try_send();
            runtime.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn graph(graph: Graph) -> Result<Runner, String> {
        let runtime = runtime(graph.cores);
        let node = |index| start(&runtime, Node::of(index, Announce::No));
        let table = TABLE.get_or_init(|| (0..graph.actors).map(node).collect());
        Ok(Box::new(move |hops| {
            let crowd = Walker::crowd(graph.walkers, hops);
            FINISH.arm(crowd.len() as u64);
            let began = Instant::now();
            runtime.block_on(async {
                for (walker, to) in crowd.zip(table.iter().cycle()) {
                    let _ = to.tell(Hop(walker)).try_send();
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
                actors.push(Node::spawn_with_mailbox(Node::of(index, Announce::Yes), unbounded()));
            }
            FINISH.wait().await;
        });
        let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
        FINISH.arm(count as u64);
        for actor in &actors {
            let _ = actor.tell(Hop(Walker::POKE)).try_send();
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
fn start<A: kameo::Actor<Args = A>>(runtime: &Runtime, actor: A) -> ActorRef<A> {
    let _inside = runtime.enter();
    A::spawn_with_mailbox(actor, unbounded())
}

/// Some actors flood one.
fn flood(cores: Cores, senders: u64) -> Runner {
    let runtime = runtime(cores);
    Box::new(move |messages| {
        let each = messages / senders;
        let sink = start(&runtime, Sink { tally: Tally::default(), senders, each });
        let senders: Vec<_> =
            (0..senders).map(|_| start(&runtime, Sender { to: sink.clone(), sent: 0, each })).collect();
        FINISH.arm(1);
        let began = Instant::now();
        runtime.block_on(async {
            for sender in &senders {
                (0..BATCHES_AHEAD).for_each(|_| drop(sender.tell(Burst).try_send()));
            }
            FINISH.wait().await;
        });
        began.elapsed()
    })
}

fn main() -> ExitCode {
    lineup::play::<Kameo>()
}
