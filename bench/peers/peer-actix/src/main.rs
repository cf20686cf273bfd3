//! The works on actix: all actors of one core live on one arbiter, those of two cores on two, each a thread of its own.
//! Messages go by `do_send`, which waits for no room and gives no future.
#![forbid(unsafe_code)]

mod actors;

use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use actix::{Actor, Addr, Context};
use actix_rt::{Arbiter, ArbiterHandle, System, SystemRunner};
use lineup::{
    BATCHES_AHEAD, Cores, Finish, Graph, Peer, RING, Runner, SENDERS, Spawned, Walker, pin, resident_bytes,
};

use actors::{Announce, Burst, Hop, Next, Node, Player, Sender, Sink, Start};

static FINISH: Finish = Finish::new();
static TABLE: OnceLock<Vec<Addr<Node>>> = OnceLock::new();

struct Actix;

impl Peer for Actix {
    fn ping_pong(cores: Cores) -> Result<Runner, String> {
        let system = System::new();
        let places = Places::of(&system, cores);
        // A pair of threads on one core would be another work.
        places.bind();
        Ok(Box::new(move |rounds| {
            let (front, back) = (places.here(|_| Player::default()), places.away(|_| Player::default()));
            back.do_send(Start { rounds: 0, other: front.clone() });
            FINISH.arm(1);
            let began = Instant::now();
            front.do_send(Start { rounds, other: back });
            system.block_on(FINISH.wait());
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
        let system = System::new();
        let nodes = Places::of(&system, Cores::One).nodes(RING);
        for (index, node) in nodes.iter().enumerate() {
            node.do_send(Next(nodes[(index + 1) % RING].clone()));
        }
        Ok(Box::new(move |hops| {
            FINISH.arm(1);
            let began = Instant::now();
            nodes[0].do_send(Hop(Walker { left: hops - 1, load: 1 }));
            system.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn graph(graph: Graph) -> Result<Runner, String> {
        let system = System::new();
        let places = Places::of(&system, graph.cores);
        let table = TABLE.get_or_init(|| places.nodes(graph.actors));
        Ok(Box::new(move |hops| {
            // The second arbiter lives as long as its runner.
            let _ = &places;
            let crowd = Walker::crowd(graph.walkers, hops);
            FINISH.arm(crowd.len() as u64);
            let began = Instant::now();
            for (walker, to) in crowd.zip(table.iter().cycle()) {
                to.do_send(Hop(walker));
            }
            system.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn spawn(count: usize) -> Result<Spawned, String> {
        let system = System::new();
        let mut actors = Vec::with_capacity(count);
        FINISH.arm(count as u64);
        let began = Instant::now();
        system.block_on(async {
            for index in 0..count {
                actors.push(Node::of(index, Announce::Yes).start());
            }
            FINISH.wait().await;
        });
        let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
        FINISH.arm(count as u64);
        for actor in &actors {
            actor.do_send(Hop(Walker::POKE));
        }
        system.block_on(FINISH.wait());
        Ok(spawned)
    }
}

/// The arbiters of so many cores: this thread's, and a second one that lives as long as this value.
struct Places {
    here: ArbiterHandle,
    away: Option<Arbiter>,
}

impl Places {
    fn of(system: &SystemRunner, cores: Cores) -> Self {
        let here = system.block_on(async { Arbiter::current() });
        Self { here, away: (cores == Cores::Two).then(Arbiter::new) }
    }

    /// Starts an actor on the second arbiter, where there is one.
    fn away<A>(&self, make: impl FnOnce(&mut Context<A>) -> A + Send + 'static) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
    {
        let handle = self.away.as_ref().map_or_else(|| self.here.clone(), Arbiter::handle);
        A::start_in_arbiter(&handle, make)
    }

    /// Starts an actor on this thread's arbiter.
    fn here<A>(&self, make: impl FnOnce(&mut Context<A>) -> A + Send + 'static) -> Addr<A>
    where
        A: Actor<Context = Context<A>>,
    {
        A::start_in_arbiter(&self.here, make)
    }

    /// Binds each arbiter to a core of its own.
    fn bind(&self) {
        if let Some(away) = &self.away {
            away.spawn_fn(|| pin(1));
            pin(0);
        }
    }

    /// Nodes, spread over the arbiters in turn.
    fn nodes(&self, count: usize) -> Vec<Addr<Node>> {
        let node = |index| move |_: &mut Context<Node>| Node::of(index, Announce::No);
        (0..count)
            .map(|index| if index % 2 == 0 { self.here(node(index)) } else { self.away(node(index)) })
            .collect()
    }
}

/// Some actors flood one, which has an arbiter of its own where there are two.
fn flood(cores: Cores, senders: u64) -> Runner {
    let system = System::new();
    let places = Places::of(&system, cores);
    Box::new(move |messages| {
        let each = messages / senders;
        let sink = places.away(move |_| Sink::new(senders, each));
        let senders: Vec<_> = (0..senders)
            .map(|_| {
                let to = sink.clone();
                places.here(move |_| Sender { to, sent: 0, each })
            })
            .collect();
        FINISH.arm(1);
        let began = Instant::now();
        for sender in &senders {
            (0..BATCHES_AHEAD).for_each(|_| sender.do_send(Burst));
        }
        system.block_on(FINISH.wait());
        began.elapsed()
    })
}

fn main() -> ExitCode {
    lineup::play::<Actix>()
}
