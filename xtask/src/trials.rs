//! The trials that go beyond unit tests: the vectors of the contract, the attempts to escape, and the simulator.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::ci::bounded;
use crate::shell;
use crate::tally::Tally;

/// 15 min: the vectors take seconds, building what runs them takes the rest.
pub(crate) const CONFORMANCE_SECONDS: u32 = 900;

/// What the names of conformance tests hold: the vectors, and the rude modules.
const CONFORMANCE_WORDS: [&str; 2] = ["vector", "rude"];

/// Beginnings of names of the host's tests that hold over lanes too.
const TESTS_OVER_LANES: [&str; 8] = [
    "call::",
    "crash::",
    "door::",
    "messages::",
    "start::",
    "stop::",
    "rude::a_module_",
    "rude::ten_thousand_unanswered",
];

/// Seeds of a long run, some hours.
const LONG_SEEDS: u64 = 1_000_000;

/// Seeds when nothing is said.
const DEFAULT_SEEDS: u64 = 2_000;

/// Tests by what they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The vectors against codec, kernel and SDKs, and the rude modules against the host: those whose name says so.
    Conformance,
    /// All others.
    Rest,
}

/// Runs tests of the workspace, by nextest where it is installed.
pub(crate) fn tests_command(which: Which, seconds: u32) -> Command {
    let mut command = bounded(seconds, "cargo");
    let filter = CONFORMANCE_WORDS.map(|word| format!("test({word})")).join(" | ");
    if shell::version_of("cargo-nextest", "--version").is_some() {
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--config-file",
            "xtask/nextest.toml",
        ]);
        command.arg("-E").arg(if which == Which::Conformance { filter } else { format!("not ({filter})") });
        return command;
    }
    println!("!! nextest is not installed: cargo test runs instead, one binary after the other");
    command.args(["test", "--workspace", "--locked", "--no-fail-fast", "--lib", "--bins", "--tests", "--"]);
    for word in CONFORMANCE_WORDS {
        if which == Which::Rest {
            command.arg("--skip");
        }
        command.arg(word);
    }
    command
}

/// The host's tests once more, with every module on a lane of shared memory instead of its pipes: those whose modules speak the
/// door by `say` and `frames` alone, since bytes of their own would go to a pipe that nobody reads as frames any more.
pub(crate) fn lane_command(seconds: u32) -> Command {
    let mut command = bounded(seconds, "cargo");
    if shell::version_of("cargo-nextest", "--version").is_some() {
        // Of the whole workspace, so that nothing is built with other features than for the tests before.
        let words = TESTS_OVER_LANES.map(|word| format!("test({word})")).join(" | ");
        command.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
        command.args(["--config-file", "xtask/nextest.toml", "-E"]);
        command.arg(format!("binary_id(host::it) & ({words})"));
    } else {
        command.args(["test", "--locked", "--package", "host", "--test", "it", "--"]).args(TESTS_OVER_LANES);
    }
    command.env("OSTOJA_TEST_TRANSPORT", "shm");
    command
}

/// Runs the vectors and the rude modules, and the module door over lanes.
///
/// # Errors
/// When one of them fails, or none runs.
pub(crate) fn conformance() -> Result<()> {
    let commands =
        [tests_command(Which::Conformance, CONFORMANCE_SECONDS), lane_command(CONFORMANCE_SECONDS)];
    for mut command in commands {
        let heard = shell::run_heard(&mut command)?;
        let tally = Tally::of_output(&heard.text);
        println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
        ensure!(heard.is_success && tally.failed == 0, "{} conformance tests failed", tally.failed);
        ensure!(tally.passed > 0, "no conformance test ran");
    }
    Ok(())
}

/// Makes the attempts to get out of full containment and prints what came of each.
///
/// # Errors
/// When one of them did harm or told nothing.
pub(crate) fn escape(words: &[&str]) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--locked", "--package", "escape", "--"]).args(words);
    shell::run(&mut command)
}

/// 10 min: the short form takes two on an idle machine.
const FAULTS_SECONDS: u32 = 600;

/// 12 h: the long form takes some.
const FAULTS_LONG_SECONDS: u32 = 12 * 60 * 60;

/// Spoils file system calls of the program as tests have it, and looks whether its home is whole afterwards.
///
/// # Errors
/// When one of them did harm; the words that repeat it were printed.
pub(crate) fn faults(words: &[&str]) -> Result<()> {
    let folder = built_for_faults()?;
    let is_long = words.contains(&"--long");
    let seconds = if is_long { FAULTS_LONG_SECONDS } else { FAULTS_SECONDS };
    let mut command = bounded(seconds, &folder.join("faults").display().to_string());
    shell::run(command.arg(folder.join("ostoja")).args(words))
}

/// Whether a program may be held at its system calls here.
///
/// # Errors
/// When it can't be built.
pub(crate) fn can_fault() -> Result<bool> {
    let folder = built_for_faults()?;
    Ok(shell::run(bounded(FAULTS_SECONDS, &folder.join("faults").display().to_string()).arg("probe")).is_ok())
}

fn built_for_faults() -> Result<std::path::PathBuf> {
    let mut build = shell::cargo();
    // All of it, as it is built for every other check, so that nothing is built again with other features.
    shell::run(build.args(["build", "--quiet", "--locked", "--workspace", "--bins", "--examples"]))?;
    Ok(shell::target().join("debug"))
}

/// Runs the simulator with these arguments, built with optimisation: it is many times faster and builds in seconds.
///
/// # Errors
/// When an invariant is broken; the simulator has printed the line that replays it.
pub(crate) fn simulate(args: &[String]) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["run", "--quiet", "--release", "--locked", "--package", "sim", "--"]);
    let is_long = args.iter().any(|arg| arg == "--long");
    command.args(args.iter().filter(|arg| *arg != "--long"));
    if !args.iter().any(|arg| arg == "--seeds" || arg == "--seed") {
        command.args(["--seeds", &if is_long { LONG_SEEDS } else { DEFAULT_SEEDS }.to_string()]);
    }
    shell::run(&mut command)
}
