//! The works by name, and what a runtime has to give for each.

use std::process::ExitCode;
use std::time::Duration;

use crate::measure;

/// Actors in the ring.
pub const RING: usize = 1_000;

/// Senders of the fan-in.
pub const SENDERS: u64 = 8;

/// Actors of the spawning work, and of the large graph.
const MILLION: usize = 1_000_000;

/// Hops of each message in a graph at least: those that only arrive where they were put have not wandered.
const HOPS_LEAST: u64 = 5;

/// The exit code of a runtime that can't do a work.
const LACKING: u8 = 3;

/// The exit code of a wrong call.
const MISUSE: u8 = 2;

/// How many cores a work may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// The harness binds the process to core 0.
    One,
    /// The harness binds the process to cores 0 and 1.
    Two,
}

/// A graph in which messages wander.
#[derive(Debug, Clone, Copy)]
pub struct Graph {
    /// Actors.
    pub actors: usize,
    /// Messages on their way at any time.
    pub walkers: u64,
    /// Cores.
    pub cores: Cores,
}

/// Does so many operations and gives the time they took. What was set up before is not in it.
pub type Runner = Box<dyn FnMut(u64) -> Duration>;

/// What spawning came to.
#[derive(Debug, Clone, Copy)]
pub struct Spawned {
    /// Until the last actor had said that it runs.
    pub took: Duration,
    /// Resident memory of the process at that time.
    pub resident_bytes: u64,
}

/// A runtime under all works; the error says why it can't do one.
pub trait Peer {
    /// Two actors with one message between them; an operation is a round trip. On two cores each has its own.
    ///
    /// # Errors
    /// When the runtime can't.
    fn ping_pong(cores: Cores) -> Result<Runner, String>;

    /// One actor floods another; an operation is a message.
    ///
    /// # Errors
    /// When the runtime can't.
    fn one_to_one(cores: Cores) -> Result<Runner, String>;

    /// [`SENDERS`] actors flood one, on two cores; an operation is a message.
    ///
    /// # Errors
    /// When the runtime can't.
    fn fan_in() -> Result<Runner, String>;

    /// One message goes round [`RING`] actors; an operation is a hop.
    ///
    /// # Errors
    /// When the runtime can't.
    fn ring() -> Result<Runner, String>;

    /// Messages wander; an operation is a hop.
    ///
    /// # Errors
    /// When the runtime can't.
    fn graph(graph: Graph) -> Result<Runner, String>;

    /// Spawns this many actors with 16 bytes of state; each must answer before they are let go.
    ///
    /// # Errors
    /// When the runtime can't.
    fn spawn(count: usize) -> Result<Spawned, String>;
}

/// Does the work that the command line names and prints its line.
pub fn play<P: Peer>() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match line::<P>(&name) {
        Some(Ok(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Some(Err(lacking)) => {
            eprintln!("{name}: {lacking}");
            ExitCode::from(LACKING)
        }
        None => {
            eprintln!("no work `{name}`");
            ExitCode::from(MISUSE)
        }
    }
}

/// The line of a work; none for an unknown one.
fn line<P: Peer>(name: &str) -> Option<Result<String, String>> {
    let nanos = |runner: Result<Runner, String>| runner.map(|mut run| measure::nanos(name, &mut run));
    let rate = |runner: Result<Runner, String>| runner.map(|mut run| measure::rate(name, &mut run, 0));
    let graph = |actors, walkers, cores| {
        let runner = P::graph(Graph { actors, walkers, cores });
        runner.map(|mut run| measure::rate(name, &mut run, walkers * HOPS_LEAST))
    };
    Some(match name {
        "ping_pong_1" => nanos(P::ping_pong(Cores::One)),
        "ping_pong_2" => nanos(P::ping_pong(Cores::Two)),
        "one_to_one_1" => rate(P::one_to_one(Cores::One)),
        "one_to_one_2" => rate(P::one_to_one(Cores::Two)),
        "fan_in_2" => rate(P::fan_in()),
        "ring_1" => nanos(P::ring()),
        "graph_10k_2" => graph(10_000, 10_000, Cores::Two),
        "graph_10k_1" => graph(10_000, 10_000, Cores::One),
        "graph_1m_1" => graph(MILLION, 100_000, Cores::One),
        "spawn_1m" => measure::spawning(name, MILLION, P::spawn),
        _ => return None,
    })
}
