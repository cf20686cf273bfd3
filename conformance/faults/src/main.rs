//! The real binary at every file system call: killed, told that the disk is broken, told that it is full. Afterwards the
//! home is opened anew by the real binary: old or new, never a mix, nothing lost, nothing left behind.
//!
//! # What is and isn't in this crate
//! A stepper (`stepper`, `calls`) that holds a program at its system calls and spoils one of them, the worlds in which that
//! is done (`templates`, `world`), what is done there and what must hold afterwards (`scenes`), and the choice of calls
//! (`run`). No code of the product: it is the program that people install, from outside.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a command says is its result")]

mod calls;
mod plan;
mod run;
mod scenes;
mod stepper;
mod templates;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::plan::{Fault, Plan, Target};
use crate::run::Wanted;

const USAGE: &str = "usage: faults PROGRAM [--long] [--seed S] [--workers N] [--scene NAME]...
       faults PROGRAM --scene NAME --fault kill|EIO|ENOSPC --nth N --key KEY   one fault again
       faults PROGRAM --scene NAME --calls                                    the calls of a scene
       faults probe                                                           whether it is possible here";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.first().map(String::as_str) {
        Some("step") => step(&words[1..]),
        Some("probe") => probe(),
        _ => run(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether this machine lets a program be held at its system calls.
fn probe() -> Result<()> {
    let plan = Plan { home: PathBuf::from("/"), arm: PathBuf::from("/nonexistent"), target: None };
    let told = stepper::run(&plan, &["true".to_owned()])?;
    anyhow::ensure!(told.code == 0, "`true` ended with {}", told.code);
    Ok(())
}

fn run(words: &[String]) -> Result<()> {
    let mut words = words.iter();
    let program = words.next().context(USAGE)?;
    let mut wanted = Wanted::of(PathBuf::from(program).canonicalize().context("finding the program")?);
    let (mut key, mut nth, mut fault) = (None, 1, None);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--long" => wanted.is_long = true,
            "--calls" => wanted.shows_calls = true,
            "--seed" => wanted.seed = value()?.parse().context("a seed is a number")?,
            "--workers" => wanted.workers = value()?.parse().context("workers are a number")?,
            "--scene" => wanted.scenes.push(value()?.clone()),
            "--fault" => fault = Some(Fault::parse(value()?)?),
            "--nth" => nth = value()?.parse().context("which call is a number")?,
            "--key" => key = Some(value()?.clone()),
            _ => bail!("no such word: {word}\n{USAGE}"),
        }
    }
    wanted.only = key.zip(fault).map(|(key, fault)| Target { key, nth, fault });
    run::run(&wanted)
}

/// The process that holds the program: `step HOME ARM TOLD [FAULT NTH KEY] -- PROGRAM WORD...`.
fn step(words: &[String]) -> Result<()> {
    let at = words.iter().position(|word| word == "--").context(USAGE)?;
    let target = match &words[..at] {
        [_, _, _] => None,
        [_, _, _, fault, nth, key] => Some(Target {
            key: key.clone(),
            nth: nth.parse().context("which call is a number")?,
            fault: Fault::parse(fault)?,
        }),
        _ => bail!(USAGE),
    };
    let plan = Plan { home: PathBuf::from(&words[0]), arm: PathBuf::from(&words[1]), target };
    let told = stepper::run(&plan, &words[at + 1..])?;
    let calls: Vec<_> = told.calls.iter().map(|call| json!([call.key, format!("{:?}", call.kind)])).collect();
    let document = json!({ "calls": calls, "hit": told.hit, "code": told.code });
    std::fs::write(&words[2], document.to_string()).context("telling what happened")
}
