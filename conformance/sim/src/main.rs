//! Runs seeds until one breaks a rule: see [`USAGE`].

use std::process::ExitCode;

/// 2,000 seeds: what CI runs.
const SEEDS_DEFAULT: u64 = 2000;

/// 300 steps of a rough time: long enough for every kind of meeting, short enough for many seeds.
const STEPS_DEFAULT: u64 = 300;

/// Each fourth seed is run twice to compare: a kernel that is not repeatable is so in many seeds, not in one.
const REPEATED_EACH: u64 = 4;

/// Each eighth seed has updates too: their file is read and written with every step.
const UPDATED_EACH: u64 = 8;

const USAGE: &str = "usage: sim [--seeds N] [--start S] [--steps K]   many seeds, each fourth twice
       sim --seed X [--steps K]                 one seed, twice
       sim --years Y [--start S]                a long quiet time
       sim --tally N [--start S] [--steps K]    how often N seeds lead to each kind of record
       sim --rights N [--start S]               N decisions about rights beside a naive model";

#[derive(Debug, Default)]
struct Wanted {
    seeds: Option<u64>,
    start: Option<u64>,
    steps: Option<u64>,
    seed: Option<u64>,
    years: Option<u64>,
    tally: Option<u64>,
    rights: Option<u64>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what a command says is its result")]
fn main() -> ExitCode {
    let outcome = match parse(std::env::args().skip(1)) {
        Ok(wanted) => act(&wanted),
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    while let Some(word) = words.next() {
        let place = match word.as_str() {
            "--seeds" => &mut wanted.seeds,
            "--start" => &mut wanted.start,
            "--steps" => &mut wanted.steps,
            "--seed" => &mut wanted.seed,
            "--years" => &mut wanted.years,
            "--tally" => &mut wanted.tally,
            "--rights" => &mut wanted.rights,
            _ => return Err(format!("no such flag: {word}")),
        };
        let number = words.next().ok_or_else(|| format!("{word} needs a number"))?;
        *place = Some(number.parse().map_err(|_| format!("not a number: {number}"))?);
    }
    Ok(wanted)
}

fn act(wanted: &Wanted) -> Result<String, String> {
    let steps = wanted.steps.unwrap_or(STEPS_DEFAULT);
    if let Some(years) = wanted.years {
        let seed = wanted.start.unwrap_or_default();
        let years = u32::try_from(years).map_err(|_| format!("too many years: {years}"))?;
        let lived = sim::years(seed, years)?;
        return Ok(format!(
            "{years} years held: {} steps, state {} then {} characters",
            lived.steps, lived.size_after_one, lived.size_at_end
        ));
    }
    if let Some(triples) = wanted.rights {
        let start = wanted.start.unwrap_or_default();
        let decided = sim::rights(start, triples)?;
        return Ok(format!(
            "{decided} decisions about rights, from house {start} on, as the naive model has them"
        ));
    }
    if let Some(seed) = wanted.seed {
        let report = sim::run(seed, steps).map_err(|failure| failure.to_string())?;
        return Ok(format!(
            "seed {seed} held: {} steps, {} ms, trace {:016x}",
            report.steps, report.lasted_ms, report.digest
        ));
    }
    if let Some(seeds) = wanted.tally {
        let start = wanted.start.unwrap_or_default();
        let seen =
            sim::tally(start..start.saturating_add(seeds), steps).map_err(|failure| failure.to_string())?;
        let lines: Vec<String> = seen.into_iter().map(|(code, count)| format!("{count:>9} {code}")).collect();
        return Ok(lines.join("\n"));
    }
    let (start, seeds) = (wanted.start.unwrap_or_default(), wanted.seeds.unwrap_or(SEEDS_DEFAULT));
    let (mut told, mut lasted_ms) = (0, 0_u64);
    for seed in start..start.saturating_add(seeds) {
        let report = if seed.is_multiple_of(REPEATED_EACH) { sim::run } else { sim::run_once }(seed, steps);
        let report = report.map_err(|failure| failure.to_string())?;
        sim::loads(seed, steps).map_err(|rule| format!("seed {seed} under load: {rule}"))?;
        sim::plans(seed).map_err(|rule| format!("seed {seed} with planned restarts: {rule}"))?;
        sim::cores(seed, steps).map_err(|rule| format!("seed {seed} on several cores: {rule}"))?;
        if seed.is_multiple_of(UPDATED_EACH) {
            sim::updates(seed, steps).map_err(|rule| format!("seed {seed} with updates: {rule}"))?;
        }
        told += report.steps;
        lasted_ms = lasted_ms.saturating_add(report.lasted_ms);
    }
    Ok(format!("{seeds} seeds from {start} held: {told} steps, {} h of virtual time", lasted_ms / 3_600_000))
}
