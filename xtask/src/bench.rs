//! Numbers: Ostoja beside other supervisors and beside a bare relay, in one run, taking turns, since two shared cores
//! are noisy and only ratios from the same minutes mean anything.
//!
//! Ostoja is driven through its CLI only, as a stranger would. Everything that is measured on it is measured on the
//! others by the same code: children report on one pipe that they run, and `/proc` tells memory and processor time.

mod actors;
mod calls;
mod cold;
mod first_call;
pub(crate) mod home;
mod lanes;
mod neighbours;
mod peers;
mod process;
mod renewal;
mod report;
mod roll;
mod spawn;
mod spec;
mod supervisors;
mod swap;
mod thousand;
mod web;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::shell;
use report::Report;

/// Everything that can be measured.
const NAMES: [&str; 12] = [
    "supervisors",
    "calls",
    "thousand",
    "cold",
    "actors",
    "spawn",
    "lanes",
    "neighbours",
    "self-update",
    "swap",
    "web",
    "first-call",
];

/// What is measured on other programs than the one that ships.
const APART: [&str; 3] = ["actors", "spawn", "lanes"];

/// What was asked for.
#[derive(Debug)]
struct Wish {
    names: Vec<&'static str>,
    /// Only these subjects, or works of actors; all when empty.
    only: Vec<String>,
    /// Rounds per measurement: medians of five are the least that is worth writing down.
    rounds: usize,
    fill: Fill,
    build: Build,
}

/// Whether the program is built first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    Fresh,
    /// What lies in `target/release` is measured.
    AsIs,
}

/// Whether SPECIFICATION.md is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fill {
    Leave,
    Update,
}

/// Rounds when nothing is said.
const ROUNDS: usize = 5;

/// Measures what the words ask for.
///
/// # Errors
/// When a word is unknown, a program does not work, or Ostoja does not do what is measured.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let wish = wish(words)?;
    if wish.build == Build::Fresh && wish.names.iter().any(|name| !APART.contains(name)) {
        build()?;
    }
    let binary = shell::target().join("release/ostoja");
    for name in &wish.names {
        println!("\n=== bench {name}");
        let report = match *name {
            "supervisors" => supervisors::measure(&binary, wish.rounds, &wish.only)?,
            "calls" => calls::measure(&binary, wish.rounds, &wish.only)?,
            "thousand" => thousand::measure(&binary)?,
            "neighbours" => neighbours::measure(&binary, wish.rounds, &wish.only)?,
            "self-update" => renewal::measure(&binary, wish.rounds)?,
            "first-call" => first_call::measure(&binary, wish.rounds, &wish.only)?,
            "swap" => swap::measure(&binary, wish.rounds)?,
            "web" => web::measure(&binary, wish.rounds, &wish.only)?,
            "spawn" => spawn::measure(wish.rounds)?,
            "lanes" => lanes::measure()?,
            "actors" => actors::measure(wish.build, wish.rounds, &wish.only)?,
            _ => cold::measure(&binary, wish.rounds)?,
        };
        show(&report)?;
        if wish.fill == Fill::Update {
            spec::update(&report)?;
        }
    }
    Ok(())
}

fn wish(words: &[&str]) -> Result<Wish> {
    let mut wish =
        Wish { names: Vec::new(), only: Vec::new(), rounds: ROUNDS, fill: Fill::Leave, build: Build::Fresh };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--as-is" => wish.build = Build::AsIs,
            "--update" => wish.fill = Fill::Update,
            "--rounds" => wish.rounds = words.next().context("--rounds N")?.parse().context("--rounds N")?,
            "--only" => wish.only.extend(words.next().context("--only a,b")?.split(',').map(str::to_owned)),
            name => match NAMES.into_iter().find(|known| *known == name) {
                Some(known) => wish.names.push(known),
                None => bail!("no bench `{name}`; there are {}", NAMES.join(", ")),
            },
        }
    }
    if wish.names.is_empty() {
        wish.names = NAMES.to_vec();
    }
    Ok(wish)
}

/// The binary as it would be shipped, and the misbehaving module that also measures calls.
fn build() -> Result<()> {
    shell::run(shell::cargo().args([
        "build",
        "--release",
        "--locked",
        "--package",
        "cli",
        "--package",
        "rude",
    ]))
}

/// Compiles one of the little programs beside this crate as a static binary.
fn little(name: &str) -> Result<PathBuf> {
    let folder = shell::target().join("bench/bin");
    std::fs::create_dir_all(&folder)?;
    let program = folder.join(name);
    let source = shell::root().join("xtask/bench").join(format!("{name}.rs"));
    let mut rustc = shell::program("rustc");
    rustc.args(["--edition", "2024", "-Copt-level=2", "-Cpanic=abort", "-Ctarget-feature=+crt-static"]);
    shell::run(rustc.args(["-Crelocation-model=static", "-Cstrip=symbols", "-o"]).arg(&program).arg(source))?;
    Ok(program)
}

/// Prints the numbers and keeps them below `target/bench`.
fn show(report: &Report) -> Result<()> {
    println!("\n{}", report.table());
    for verdict in report.verdicts() {
        println!("{verdict}");
    }
    let folder = shell::target().join("bench");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.json", report.name));
    std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&report.to_json())?))?;
    println!("kept in {}", path.display());
    Ok(())
}
