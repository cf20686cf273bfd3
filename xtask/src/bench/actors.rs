//! Messages between actors: Ostoja's core beside other runtimes on the same works, a process for each, all in turn. The
//! programs agree on one line of JSON; how they are built and called is in `runtimes`, what was promised in `promises`.

mod promises;
mod runtimes;

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::Build;
use super::report::Report;
use crate::shell;
use runtimes::Runtime;

/// 180 s for one run: the slowest peer takes a third of that to spawn two million actors on a busy machine.
const PATIENCE_S: &str = "180";

/// The exit code of a runtime that can't do a work.
const LACKING: i32 = 3;

/// A work, and the cores that it is bound to.
#[derive(Debug)]
struct Work {
    name: &'static str,
    cores: Cores,
}

/// Which cores a run is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cores {
    One,
    Two,
}

/// Works that show the machine, not a runtime: our program does them for all.
const BARE: &str = "bare_";

/// All works, in the order of the table.
const WORKS: [Work; 12] = [
    Work { name: "ping_pong_1", cores: Cores::One },
    Work { name: "one_to_one_1", cores: Cores::One },
    Work { name: "one_to_one_2", cores: Cores::Two },
    Work { name: "fan_in_2", cores: Cores::Two },
    Work { name: "ring_1", cores: Cores::One },
    Work { name: "graph_10k_2", cores: Cores::Two },
    Work { name: "graph_10k_1", cores: Cores::One },
    Work { name: "graph_1m_1", cores: Cores::One },
    Work { name: "spawn_1m", cores: Cores::One },
    Work { name: "ping_pong_2", cores: Cores::Two },
    // No actors: what a line and a ring give in the same run. Numbers across cores move with the state of the machine.
    Work { name: "bare_bounce_2", cores: Cores::Two },
    Work { name: "bare_lines_2", cores: Cores::Two },
];

/// The column of the memory that spawning took.
const SPAWN_BYTES: &str = "spawn_1m, memory";

/// What one run came to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Found(Found),
    /// The runtime can't do it, and why.
    Lacking(String),
}

/// The line of one run.
#[derive(Debug, PartialEq)]
struct Found {
    value: f64,
    unit: &'static str,
    bytes_each: Option<f64>,
}

/// Measures all runtimes on all works, or only those named.
pub(super) fn measure(build: Build, rounds: usize, only: &[String]) -> Result<Report> {
    let (works, wanted) = chosen(only)?;
    let mut report = Report::new("actors");
    let mut present = Vec::new();
    for runtime in wanted {
        match runtimes::ready(&runtime, build) {
            Ok(version) => {
                report.note(format!("- {}: {version}; {}.", runtime.name, runtime.settings));
                present.push(runtime);
            }
            Err(error) => println!("!! {} is left out: {error:#}", runtime.name),
        }
    }
    for round in 0..rounds {
        for work in &works {
            // Those that can't do a work are asked once.
            let mut lacking = Vec::new();
            for turn in 0..present.len() {
                let runtime = &present[(turn + round) % present.len()];
                if work.name.starts_with(BARE) && runtime.name != runtimes::OURS {
                    continue;
                }
                match once(runtime, work) {
                    Ok(Outcome::Found(found)) => take(&mut report, runtime, work, &found),
                    Ok(Outcome::Lacking(why)) => lacking.push(format!("{}: {why}", runtime.name)),
                    Err(error) => println!("!! {} failed at {}: {error:#}", runtime.name, work.name),
                }
            }
            if round == 0 {
                lacking.iter().for_each(|why| println!("not done by {why}"));
            }
            println!("round {} of {rounds}: {}", round + 1, work.name);
        }
    }
    promises::add(&mut report, &works.iter().map(|work| work.name).collect::<Vec<_>>());
    Ok(report)
}

/// The works and runtimes that were asked for: each word names one of either.
fn chosen(only: &[String]) -> Result<(Vec<Work>, Vec<Runtime>)> {
    let named = |name: &str| only.iter().any(|word| word == name);
    let (mut works, mut wanted) = (Vec::from(WORKS), runtimes::all());
    for word in only {
        let is_known =
            works.iter().any(|work| work.name == word) || wanted.iter().any(|one| one.name == word);
        if !is_known {
            let names: Vec<_> =
                wanted.iter().map(|one| one.name).chain(works.iter().map(|work| work.name)).collect();
            bail!("no runtime or work `{word}`; there are {}", names.join(", "));
        }
    }
    if works.iter().any(|work| named(work.name)) {
        works.retain(|work| named(work.name));
    }
    if wanted.iter().any(|one| named(one.name)) {
        wanted.retain(|one| named(one.name));
    }
    Ok((works, wanted))
}

/// Does one work once, bound to its cores.
fn once(runtime: &Runtime, work: &Work) -> Result<Outcome> {
    let cores = if work.cores == Cores::One { "0" } else { "0,1" };
    let mut command = Command::new("timeout");
    command.args([PATIENCE_S, "taskset", "-c", cores]).args((runtime.command)(work)).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("starting `{}`", shell::spelled(&command)))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    outcome(work.name, output.status.code(), &said, &stderr)
}

/// What an exit code and the two streams say.
fn outcome(work: &str, code: Option<i32>, said: &str, stderr: &str) -> Result<Outcome> {
    match code {
        Some(0) => parse(work, said).map(Outcome::Found),
        Some(LACKING) => Ok(Outcome::Lacking(shell::tail(stderr, 1))),
        code => bail!("ended with {code:?}: {}", shell::tail(stderr, 3)),
    }
}

/// The one line of a program.
fn parse(work: &str, said: &str) -> Result<Found> {
    let line = said.lines().find(|line| line.starts_with('{')).context("printed no line of JSON")?;
    let found: Value = serde_json::from_str(line).with_context(|| format!("`{line}` is no JSON"))?;
    ensure!(found["work"] == work, "did another work: {}", found["work"]);
    let value = found["value"].as_f64().context("`value` is no number")?;
    ensure!(value.is_finite() && value > 0.0, "{value} can't be");
    let unit = match found["unit"].as_str() {
        Some("ns") => "ns",
        Some("M/s") => "M/s",
        _ => bail!("no unit of ours: {}", found["unit"]),
    };
    Ok(Found { value, unit, bytes_each: found["bytes_each"].as_f64() })
}

fn take(report: &mut Report, runtime: &Runtime, work: &Work, found: &Found) {
    report.sample(runtime.name, work.name, found.unit, found.value);
    if let Some(bytes) = found.bytes_each {
        report.sample(runtime.name, SPAWN_BYTES, "B each", bytes);
    }
}

#[cfg(test)]
mod tests;
