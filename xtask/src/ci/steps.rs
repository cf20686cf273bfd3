//! The steps of the run, a function each.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Ended, Extent, Outcome, install};
use crate::tally::Tally;
use crate::trials::Which;
use crate::{api, dashboard, fuzz, licences, proof, schema, scrape, shell, soak, tidy, trials};

/// 25 min for what builds everything first, on two cores: the tests, and the program for release.
const TESTS_SECONDS: u32 = 1500;

/// 10 min for anything else.
const STEP_SECONDS: u32 = 600;

/// Seeds that the simulator runs for every change.
const SMOKE_SEEDS: u64 = 2_000;

pub(super) fn fmt(_extent: Extent) -> Result<Outcome> {
    held(bounded(STEP_SECONDS, "cargo").args(["fmt", "--all", "--check"]))
}

pub(super) fn tidy(_extent: Extent) -> Result<Outcome> {
    tidy::run().map(|()| Outcome::Held)
}

pub(super) fn licences(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("cargo-deny", "--version").is_some() {
        return held(bounded(STEP_SECONDS, "cargo").args([
            "deny",
            "--offline",
            "check",
            "bans",
            "licenses",
            "sources",
        ]));
    }
    println!(
        "!! cargo-deny is not installed (building it takes longer than all tests): the own check reads the same deny.toml;"
    );
    println!("!! advisories are not checked, since their database is not in any registry");
    licences::run().map(|()| Outcome::Held)
}

pub(super) fn schema(_extent: Extent) -> Result<Outcome> {
    schema::run(schema::Mode::Check).map(|()| Outcome::Held)
}

pub(super) fn clippy(_extent: Extent) -> Result<Outcome> {
    let mut command = bounded(TESTS_SECONDS, "cargo");
    held(command.args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Every program first: tests start the real binary and the rude modules.
pub(super) fn build(_extent: Extent) -> Result<Outcome> {
    held(bounded(TESTS_SECONDS, "cargo").args(["build", "--workspace", "--bins", "--examples", "--locked"]))
}

pub(super) fn tests(_extent: Extent) -> Result<Outcome> {
    ran(&mut trials::tests_command(Which::Rest, TESTS_SECONDS))
}

/// Nextest leaves the examples in the documentation out.
pub(super) fn doc_tests(_extent: Extent) -> Result<Outcome> {
    let mut command = bounded(TESTS_SECONDS, "cargo");
    let heard =
        shell::run_heard(command.args(["test", "--workspace", "--locked", "--doc", "--no-fail-fast"]))?;
    ensure!(heard.is_success, "an example in the documentation does not work");
    Ok(Outcome::Ran(Tally::of_output(&heard.text), Ended::Well))
}

/// Broken links in the documentation are errors.
pub(super) fn doc_pages(_extent: Extent) -> Result<Outcome> {
    let mut command = bounded(TESTS_SECONDS, "cargo");
    // The readers of these pages are those who change the code, so links to private items are fine.
    command.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    held(command.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"]))
}

/// The dashboard: what is checked in is what the sources give, and every page in a real browser.
pub(super) fn dashboard(_extent: Extent) -> Result<Outcome> {
    if shell::version_of("node", "--version").is_none() {
        return Ok(Outcome::Skipped("there is no node".to_owned()));
    }
    let ran = dashboard::check()?;
    Ok(Outcome::Ran(ran.tally, if ran.is_success { Ended::Well } else { Ended::Badly }))
}

/// The REST under a tool that makes up requests; left out, loudly, where it can't be had.
pub(super) fn api(_extent: Extent) -> Result<Outcome> {
    match api::tool() {
        Ok(tools) => api::run(&tools).map(|()| Outcome::Held),
        Err(error) => Ok(Outcome::Skipped(format!("schemathesis could not be installed: {error:#}"))),
    }
}

/// The metrics under a real Prometheus; left out, loudly, where Debian's can't be had.
pub(super) fn metrics(_extent: Extent) -> Result<Outcome> {
    if !scrape::is_there() {
        return Ok(Outcome::Skipped("Debian's prometheus could not be installed".to_owned()));
    }
    let passed = scrape::run()?;
    Ok(Outcome::Ran(Tally { passed, ..Tally::default() }, Ended::Well))
}

pub(super) fn conformance(_extent: Extent) -> Result<Outcome> {
    let seconds = trials::CONFORMANCE_SECONDS;
    let (mut total, mut ended) = (Tally::default(), Ended::Well);
    for mut command in [trials::tests_command(Which::Conformance, seconds), trials::lane_command(seconds)] {
        let heard = shell::run_heard(&mut command)?;
        let tally = Tally::of_output(&heard.text);
        if !heard.is_success || tally.passed == 0 {
            ended = Ended::Badly;
        }
        total += tally;
    }
    Ok(Outcome::Ran(total, ended))
}

/// The program killed, and its disk broken and full, at a sample of its file system calls.
pub(super) fn faults(_extent: Extent) -> Result<Outcome> {
    if !trials::can_fault()? {
        return Ok(Outcome::Skipped("this machine lets no program be held at its system calls".to_owned()));
    }
    trials::faults(&[]).map(|()| Outcome::Held)
}

pub(super) fn simulator(_extent: Extent) -> Result<Outcome> {
    trials::simulate(&["--seeds".to_owned(), SMOKE_SEEDS.to_string()]).map(|()| Outcome::Held)
}

pub(super) fn fuzz(_extent: Extent) -> Result<Outcome> {
    fuzz::run(fuzz::Length::Short).map(|()| Outcome::Held)
}

/// Every order of a few threads: with the flag, the parts that cores share are built on a checker's atomics.
pub(super) fn models(_extent: Extent) -> Result<Outcome> {
    let mut total = Tally::default();
    for (checker, tests) in [("loom", "models::"), ("shuttle", "schedules::")] {
        let mut command = bounded(STEP_SECONDS, "cargo");
        command.args(["test", "--quiet", "--locked", "--package", "actor", "--lib", tests]);
        command.env("RUSTFLAGS", format!("--cfg {checker}"));
        command.env("CARGO_TARGET_DIR", shell::target().join(checker));
        let heard = shell::run_heard(&mut command)?;
        let tally = Tally::of_output(&heard.text);
        ensure!(heard.is_success && tally.passed > 0, "the models under {checker} do not hold");
        total += tally;
    }
    Ok(Outcome::Ran(total, Ended::Well))
}

/// The actors under everything at once, for some seconds.
pub(super) fn soak(_extent: Extent) -> Result<Outcome> {
    soak::run(soak::Length::Short).map(|()| Outcome::Held)
}

pub(super) fn bare_proof(_extent: Extent) -> Result<Outcome> {
    proof::run().map(|()| Outcome::Held)
}

/// The README's first command, as a stranger types it, but leaving by itself after the tour. It is the only step that
/// builds the program for release; whatever of it the simulator built before is used again.
pub(super) fn first_command(_extent: Extent) -> Result<Outcome> {
    let readme = std::fs::read_to_string(shell::root().join("README.md")).context("reading README.md")?;
    let line = first_fenced_line(&readme).context("README.md shows no command")?;
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if !words.contains(&"--once") {
        words.push("--once");
    }
    println!("$ {}", words.join(" "));
    let (program, args) = words.split_first().context("README.md shows an empty command")?;
    held(bounded(TESTS_SECONDS, program).args(args))
}

/// The first line of the first fenced block.
pub(super) fn first_fenced_line(page: &str) -> Option<&str> {
    let block = page.split("\n```").nth(1)?;
    block.lines().skip(1).map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Nothing that the tests started may outlive them.
pub(super) fn leftovers(_extent: Extent) -> Result<Outcome> {
    let folder = shell::target().canonicalize().unwrap_or_else(|_| shell::target());
    let own = std::process::id();
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").context("reading /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(program) = std::fs::read_link(entry.path().join("exe")) else { continue };
        if pid != own && program.starts_with(&folder) && !program.ends_with("xtask") {
            left.push(format!("{} (pid {pid})", program.display()));
        }
    }
    ensure!(left.is_empty(), "still running: {}", left.join(", "));
    Ok(Outcome::Held)
}

/// A step that is one check.
fn held(command: &mut Command) -> Result<Outcome> {
    shell::run(command).map(|()| Outcome::Held)
}

/// A step that runs tests.
fn ran(command: &mut Command) -> Result<Outcome> {
    let heard = shell::run_heard(command)?;
    let ended = if heard.is_success { Ended::Well } else { Ended::Badly };
    Ok(Outcome::Ran(Tally::of_output(&heard.text), ended))
}

/// A program that is ended when it hangs, with our tools on its PATH.
pub(crate) fn bounded(seconds: u32, program: &str) -> Command {
    let mut command = shell::program("timeout");
    let own = install::npm_bin();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(own).chain(std::env::split_paths(&path));
    if let Ok(joined) = std::env::join_paths(folders) {
        command.env("PATH", joined);
    }
    command.args(["--kill-after=10", &seconds.to_string(), program]);
    command
}

#[cfg(test)]
mod tests;
