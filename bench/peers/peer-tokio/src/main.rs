//! The works on tokio's channels: an actor is a task with an unbounded receiver, two to three times as fast as a bounded one
//! where messages flood. One core runs the current-thread scheduler, two run the scheduler with two workers.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Instant;

use lineup::{
    BATCH, Ball, Cores, Finish, Graph, Peer, RING, Runner, SENDERS, Spawned, Steps, Tally, Walker, Window,
    pin, resident_bytes,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{spawn, yield_now};

/// Messages that a flooded actor takes at once.
const TAKEN_AT_ONCE: usize = 1_000;

static FINISH: Finish = Finish::new();
static WINDOW: Window = Window::new();

struct Tokio;

impl Peer for Tokio {
    fn ping_pong(cores: Cores) -> Result<Runner, String> {
        Ok(match cores {
            Cores::One => {
                let runtime = runtime(Cores::One);
                Box::new(move |rounds| {
                    let (to_back, from_front) = unbounded_channel();
                    let (to_front, from_back) = unbounded_channel();
                    let began = Instant::now();
                    runtime.block_on(async {
                        let back = spawn(back(from_front, to_front));
                        spawn(front(rounds, to_back, from_back)).await.expect("the front does not panic");
                        back.await.expect("the back does not panic");
                    });
                    began.elapsed()
                })
            }
            // Each actor on a thread and a scheduler of its own, bound to its core: the pair may not meet on one.
            Cores::Two => Box::new(move |rounds| {
                let (to_back, from_front) = unbounded_channel();
                let (to_front, from_back) = unbounded_channel();
                let other = std::thread::spawn(move || {
                    pin(1);
                    runtime(Cores::One).block_on(back(from_front, to_front));
                });
                pin(0);
                let runtime = runtime(Cores::One);
                let began = Instant::now();
                runtime.block_on(front(rounds, to_back, from_back));
                let took = began.elapsed();
                other.join().expect("the back does not panic");
                took
            }),
        })
    }

    fn one_to_one(cores: Cores) -> Result<Runner, String> {
        Ok(flood(cores, 1))
    }

    fn fan_in() -> Result<Runner, String> {
        Ok(flood(Cores::Two, SENDERS))
    }

    fn ring() -> Result<Runner, String> {
        let runtime = runtime(Cores::One);
        let mut channels: Vec<_> = (0..RING).map(|_| unbounded_channel::<Walker>()).collect();
        let first = channels[0].0.clone();
        for index in 0..RING {
            let next = channels[(index + 1) % RING].0.clone();
            let (_, mut from) = std::mem::replace(&mut channels[index], unbounded_channel());
            channels[index].0 = next.clone();
            runtime.spawn(async move {
                let mut steps = Steps::of(index);
                while let Some(walker) = from.recv().await {
                    match steps.next(walker, RING) {
                        Some((_, walker)) => drop(next.send(walker)),
                        None => FINISH.one(),
                    }
                }
            });
        }
        Ok(Box::new(move |hops| {
            FINISH.arm(1);
            let began = Instant::now();
            let _ = first.send(Walker { left: hops - 1, load: 1 });
            runtime.block_on(FINISH.wait());
            began.elapsed()
        }))
    }

    fn graph(graph: Graph) -> Result<Runner, String> {
        let runtime = runtime(graph.cores);
        let (table, receivers): (Vec<_>, Vec<_>) = (0..graph.actors).map(|_| unbounded_channel()).unzip();
        let table: &'static [UnboundedSender<Walker>] = Vec::leak(table);
        for (index, from) in receivers.into_iter().enumerate() {
            runtime.spawn(node(from, index, table));
        }
        Ok(Box::new(move |hops| {
            let crowd = Walker::crowd(graph.walkers, hops);
            FINISH.arm(crowd.len() as u64);
            let began = Instant::now();
            runtime.block_on(async {
                for (walker, to) in crowd.zip(table.iter().cycle()) {
                    let _ = to.send(walker);
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
        for index in 0..count {
            let (to, from) = unbounded_channel();
            actors.push(to);
            runtime.spawn(async move {
                FINISH.one();
                node(from, index, &[]).await;
            });
        }
        runtime.block_on(FINISH.wait());
        let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
        FINISH.arm(count as u64);
        for actor in &actors {
            let _ = actor.send(Walker::POKE);
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

/// Throws the ball and waits for it.
async fn front(rounds: u64, to: UnboundedSender<Ball>, mut from: UnboundedReceiver<Ball>) {
    let mut tally = Tally::default();
    for number in 0..rounds {
        let _ = to.send(Ball::nth(number));
        tally.take_next(from.recv().await.expect("the back outlives the front"));
    }
    tally.check(1, rounds);
}

/// Throws every ball back.
async fn back(mut from: UnboundedReceiver<Ball>, to: UnboundedSender<Ball>) {
    let mut tally = Tally::default();
    while let Some(ball) = from.recv().await {
        tally.take_next(ball);
        let _ = to.send(ball);
    }
}

/// An actor of the graph.
async fn node(mut from: UnboundedReceiver<Walker>, index: usize, table: &'static [UnboundedSender<Walker>]) {
    let mut steps = Steps::of(index);
    while let Some(walker) = from.recv().await {
        match steps.next(walker, table.len()) {
            Some((to, walker)) => drop(table[to].send(walker)),
            None => FINISH.one(),
        }
    }
}

/// Some actors flood one.
fn flood(cores: Cores, senders: u64) -> Runner {
    let runtime = runtime(cores);
    Box::new(move |messages| {
        let each = messages / senders;
        let (to, from) = unbounded_channel();
        WINDOW.reset();
        let began = Instant::now();
        runtime.block_on(async move {
            for _ in 0..senders {
                spawn(sender(each, senders, to.clone()));
            }
            drop(to);
            let tally = spawn(receiver(from, senders)).await.expect("the receiver does not panic");
            tally.check(senders, each);
        });
        began.elapsed()
    })
}

async fn sender(each: u64, senders: u64, to: UnboundedSender<Ball>) {
    let mut sent = 0;
    while sent < each {
        let until = (sent + BATCH).min(each);
        while sent < until {
            let _ = to.send(Ball::nth(sent));
            sent += 1;
        }
        yield_now().await;
        while !WINDOW.is_open(sent * senders) {
            yield_now().await;
        }
    }
}

async fn receiver(mut from: UnboundedReceiver<Ball>, senders: u64) -> Tally {
    let (mut tally, mut balls) = (Tally::default(), Vec::with_capacity(TAKEN_AT_ONCE));
    while from.recv_many(&mut balls, TAKEN_AT_ONCE).await > 0 {
        for ball in balls.drain(..) {
            if senders == 1 {
                tally.take_next(ball)
            } else {
                tally.take(ball)
            }
            WINDOW.publish(tally.count);
        }
    }
    tally
}

fn main() -> ExitCode {
    lineup::play::<Tokio>()
}
