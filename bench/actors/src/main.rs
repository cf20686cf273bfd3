//! Our actors under the works of `cargo xtask bench actors`: one work a call, one line of JSON. All checks are on; there
//! is no build without them.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the line on stdout is what the harness reads"
)]

mod bare;
mod flood;
mod graph;
mod measure;
mod messages;
mod pingpong;
mod place;

use std::process::ExitCode;

/// The exit code of a wrong call.
const MISUSE: u8 = 2;
/// The exit code of a work that could not be done.
const FAILED: u8 = 1;
/// Actors of the spawning work and of the large graph.
const MILLION: usize = 1_000_000;
/// Hops of each message in a graph at least: those that only arrive where they were put have not wandered.
const HOPS_LEAST: u64 = 5;
/// Actors in the ring.
const RING: usize = 1_000;

/// Does so many operations and gives the time they took.
type Runner = Box<dyn FnMut(u64) -> Result<std::time::Duration, String>>;

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match line(&name) {
        Some(Ok(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Some(Err(failure)) => {
            eprintln!("{name}: {failure}");
            ExitCode::from(FAILED)
        }
        None => {
            eprintln!("no work `{name}`");
            ExitCode::from(MISUSE)
        }
    }
}

/// The line of a work; none for an unknown one.
fn line(name: &str) -> Option<Result<String, String>> {
    let nanos = |runner: Result<Runner, String>| runner.and_then(|mut run| measure::nanos(name, &mut run));
    let rate = |runner: Result<Runner, String>| runner.and_then(|mut run| measure::rate(name, &mut run, 0));
    let graph = |runner: Result<Runner, String>, walkers: u64| {
        runner.and_then(|mut run| measure::rate(name, &mut run, walkers * HOPS_LEAST))
    };
    Some(match name {
        "ping_pong_1" => nanos(pingpong::runner(1)),
        "ping_pong_2" => nanos(pingpong::runner(2)),
        "one_to_one_1" => rate(flood::runner(1, 1)),
        "one_to_one_2" => rate(flood::runner(2, 1)),
        "fan_in_2" => rate(flood::runner(2, 8)),
        "ring_1" => nanos(graph::ring(RING)),
        "graph_10k_1" => graph(graph::runner::<false>(10_000, 10_000, 1), 10_000),
        "graph_10k_2" => graph(graph::runner::<false>(10_000, 10_000, 2), 10_000),
        "graph_1m_1" => graph(graph::runner::<true>(MILLION, 100_000, 1), 100_000),
        "bare_bounce_2" => nanos(bare::bounce()),
        "bare_lines_2" => rate(bare::lines()),
        "spawn_1m" => measure::spawning(name, MILLION, graph::spawn),
        _ => return None,
    })
}
