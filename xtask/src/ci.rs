//! `cargo xtask ci`: everything that must hold before a change lands, in one command that installs what it needs, says
//! what it leaves out, and ends with the line `N passed, N failed, N skipped`.
//!
//! A step that fails does not end the run: whoever reads it wants to see all that is wrong. The cheap steps come
//! first. Every step has a time limit, so that the whole run has one.

mod install;
mod sdks;
mod shown;
mod steps;

pub(crate) use install::{apt, npm, npm_bin, npm_locked, pip};
pub(crate) use steps::bounded;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::tally::Tally;

/// 60 min for the whole run on two cores, from a clean clone: no step begins after that.
const TIME_MAX: Duration = Duration::from_secs(60 * 60);

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Full,
    /// What a developer runs between two edits: no installs, no long tests.
    Fast,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is one check, and it held.
    Held,
    /// It ran tests: so many, with how the runner itself ended.
    Ran(Tally, Ended),
    /// It did not run, for this reason.
    Skipped(String),
}

/// How a test runner ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With exit code 0.
    Well,
    /// Otherwise.
    Badly,
}

/// One step.
struct Step {
    name: &'static str,
    extent: Extent,
    act: fn(Extent) -> Result<Outcome>,
}

/// What became of a step.
struct Done {
    name: &'static str,
    took: Duration,
    tally: Tally,
    note: String,
}

/// Every step in order; those with `Extent::Full` are left out of a fast run.
const STEPS: [Step; 27] = [
    Step { name: "tools", extent: Extent::Full, act: install::tools },
    Step { name: "fmt", extent: Extent::Fast, act: steps::fmt },
    Step { name: "tidy", extent: Extent::Fast, act: steps::tidy },
    Step { name: "licences", extent: Extent::Fast, act: steps::licences },
    Step { name: "schema", extent: Extent::Fast, act: steps::schema },
    Step { name: "clippy", extent: Extent::Fast, act: steps::clippy },
    Step { name: "build", extent: Extent::Fast, act: steps::build },
    Step { name: "tests", extent: Extent::Fast, act: steps::tests },
    Step { name: "doc tests", extent: Extent::Full, act: steps::doc_tests },
    Step { name: "doc pages", extent: Extent::Full, act: steps::doc_pages },
    Step { name: "python sdk", extent: Extent::Fast, act: sdks::python },
    Step { name: "typescript sdk", extent: Extent::Full, act: sdks::typescript },
    Step { name: "go sdk", extent: Extent::Full, act: sdks::go },
    Step { name: "shell sdk", extent: Extent::Full, act: sdks::shells },
    Step { name: "dashboard", extent: Extent::Full, act: steps::dashboard },
    Step { name: "api", extent: Extent::Full, act: steps::api },
    Step { name: "metrics", extent: Extent::Full, act: steps::metrics },
    Step { name: "conformance", extent: Extent::Full, act: steps::conformance },
    Step { name: "faults", extent: Extent::Full, act: steps::faults },
    Step { name: "simulator", extent: Extent::Full, act: steps::simulator },
    Step { name: "models", extent: Extent::Full, act: steps::models },
    Step { name: "soak", extent: Extent::Full, act: steps::soak },
    Step { name: "bare proof", extent: Extent::Full, act: steps::bare_proof },
    Step { name: "fuzz", extent: Extent::Full, act: steps::fuzz },
    Step { name: "first command", extent: Extent::Full, act: steps::first_command },
    Step { name: "shown commands", extent: Extent::Full, act: shown::commands },
    Step { name: "leftovers", extent: Extent::Full, act: steps::leftovers },
];

/// Runs one step alone.
///
/// # Errors
/// When there is no such step, or it fails.
pub(crate) fn run_one(name: &str) -> Result<()> {
    let step = STEPS.iter().find(|step| step.name == name);
    let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
    let step = step.with_context(|| format!("no step `{name}`; there are {}", names.join(", ")))?;
    let began = Instant::now();
    let (tally, note) = judge((step.act)(Extent::Full));
    summary(&[Done { name: step.name, took: began.elapsed(), tally, note }], began.elapsed())
}

/// Runs the steps and sums them up.
///
/// # Errors
/// When anything failed; the summary has been printed then.
pub(crate) fn run(extent: Extent) -> Result<()> {
    let started = Instant::now();
    let mut done = Vec::new();
    for step in STEPS.iter().filter(|step| extent == Extent::Full || step.extent == Extent::Fast) {
        println!("\n=== {} (at {})", step.name, clock(started.elapsed()));
        let began = Instant::now();
        // What is left out for lack of time has not been shown to hold, so it counts as failed.
        let is_late = started.elapsed() > TIME_MAX;
        let outcome = if is_late {
            Err(anyhow!("the run has used up its {} min", TIME_MAX.as_secs() / 60))
        } else {
            (step.act)(extent)
        };
        let (tally, note) = judge(outcome);
        println!("=== {}: {note} in {}", step.name, clock(began.elapsed()));
        done.push(Done { name: step.name, took: began.elapsed(), tally, note });
    }
    summary(&done, started.elapsed())
}

/// What a step counts for, in words and numbers. A runner that ends badly without a failed test counts as a failure.
fn judge(outcome: Result<Outcome>) -> (Tally, String) {
    match outcome {
        Ok(Outcome::Held) => (Tally { passed: 1, ..Tally::default() }, "holds".to_owned()),
        Ok(Outcome::Ran(mut tally, ended)) => {
            if tally.failed == 0 && (ended == Ended::Badly || tally.passed == 0) {
                tally.failed = 1;
            }
            (tally, format!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped))
        }
        Ok(Outcome::Skipped(why)) => (Tally { skipped: 1, ..Tally::default() }, format!("SKIPPED: {why}")),
        Err(error) => (Tally { failed: 1, ..Tally::default() }, format!("FAILED: {error:#}")),
    }
}

/// Prints the table, what was left out, and the closing line.
fn summary(done: &[Done], took: Duration) -> Result<()> {
    println!("\n{:<16} {:>8} {:>7} {:>7} {:>8}  note", "step", "time", "passed", "failed", "skipped");
    let mut total = Tally::default();
    for step in done {
        let Tally { passed, failed, skipped } = step.tally;
        let note = step.note.lines().next().unwrap_or("");
        println!("{:<16} {:>8} {passed:>7} {failed:>7} {skipped:>8}  {note}", step.name, clock(step.took));
        total += step.tally;
    }
    println!("\nA check that is no test runner counts as one. The whole run took {}.", clock(took));
    for step in done.iter().filter(|step| step.note.starts_with("SKIPPED")) {
        println!("!! {}: {}", step.name, step.note);
    }
    if total.failed > 0 {
        eprintln!("xtask: ci: {} failed", total.failed);
    }
    println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if total.failed > 0 {
        // The closing line has to be the last one, so nothing more is said.
        std::process::exit(1);
    }
    if total.passed == 0 {
        bail!("nothing ran");
    }
    Ok(())
}

/// Minutes and seconds.
fn clock(took: Duration) -> String {
    format!("{}:{:02}", took.as_secs() / 60, took.as_secs() % 60)
}

#[cfg(test)]
mod tests;
