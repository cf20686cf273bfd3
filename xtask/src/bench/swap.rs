//! Hot swaps of a real process module under load: how long messages are held, whether any is lost, doubled or overtaken, and
//! how long it takes to be back at the version before. The module and its caller are a static program of two hundred lines
//! in Rust without any library (`xtask/bench/swapped.rs`).

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::home::Home;
use super::report::{Report, Sense};
use crate::shell;

/// 10,000 calls in a second, as promised.
const CALLS_PER_S: u32 = 10_000;

/// Swaps of one round: five rounds are the thousand that is promised, one is for trying.
const SWAPS_PER_ROUND: usize = 200;

/// Updates that are rolled back from probation in one round.
const ROLLBACKS_PER_ROUND: usize = 4;

const SUBJECT: &str = "process module, 10,000 calls/s";

/// Measures it with the program that lies there.
pub(super) fn measure(binary: &Path, rounds: usize) -> Result<Report> {
    let mut report = Report::new("swap");
    let base = std::env::temp_dir().join(format!("ostoja-swap-{}", std::process::id()));
    let program = super::little("swapped")?;
    swaps(&mut report, (binary, &program), &base.join("swaps"), rounds)?;
    rollbacks(&mut report, (binary, &program), &base.join("rollbacks"), rounds)?;
    let _ = std::fs::remove_dir_all(&base);
    report.note(
        "The pause is the time during which messages were held, by the kernel's own clock; a held message is",
    );
    report.note(
        "answered by the new life. The rollback is the whole command, with the start of the CLI's process.",
    );
    let pause = report.quantile(SUBJECT, "pause", 0.99);
    report.promise("pause of a hot swap, p99", pause, Sense::AtMost, 10.0, "ms");
    for what in ["lost", "doubled", "reordered"] {
        let found = report.median(SUBJECT, what);
        report.promise(&format!("calls {what} in all swaps"), found, Sense::AtMost, 0.0, "calls");
    }
    let back = report.quantile(SUBJECT, "rollback", 1.0);
    report.promise("rollback from probation, the slowest", back, Sense::AtMost, 100.0, "ms");
    Ok(report)
}

fn swaps(report: &mut Report, (binary, program): (&Path, &Path), folder: &Path, rounds: usize) -> Result<()> {
    let program = program.display();
    let yaml = format!(
        "name: swap\nmodules:\n  counter: {{run: [\"{program}\", counter], protocol: lines, provides: [counter], features: [state]}}\n\
         \x20 caller: {{run: [\"{program}\", caller, \"{CALLS_PER_S}\"], protocol: lines, requires: [counter], provides: [caller]}}\n"
    );
    let home = Home::create(binary, folder, &yaml)?;
    shell::read(&mut home.up())?;
    for number in 0..rounds * SWAPS_PER_ROUND {
        let done = home.json(&["restart", "counter", "--hot"]).with_context(|| format!("swap {number}"))?;
        let pause_us = done["data"]["modules"][0]["pauseUs"].as_f64().context("no pause was told")?;
        report.sample(SUBJECT, "pause", "ms", pause_us / 1e3);
    }
    let told = home.json(&["call", "caller", "report"])?;
    home.run(&["down"])?;
    let told = if told["data"]["result"].is_object() { &told["data"]["result"] } else { &told["data"] };
    let number =
        |name: &str| told[name].as_f64().with_context(|| format!("the caller told no `{name}`: {told}"));
    // What is open now was asked a moment ago: a second of calls at the most.
    let open = number("open")?;
    ensure!(open < f64::from(CALLS_PER_S), "{open} calls are not answered");
    report.sample(SUBJECT, "swaps", "", (rounds * SWAPS_PER_ROUND) as f64);
    report.sample(SUBJECT, "calls", "", number("answered")?);
    report.sample(SUBJECT, "lost", "calls", number("failed")?);
    report.sample(SUBJECT, "doubled", "calls", number("doubled")?);
    report.sample(SUBJECT, "reordered", "calls", number("wrong")?);
    report.sample(SUBJECT, "wait p50", "ms", number("p50_us")? / 1e3);
    report.sample(SUBJECT, "wait p99", "ms", number("p99_us")? / 1e3);
    report.sample(SUBJECT, "longest wait", "ms", number("max_us")? / 1e3);
    Ok(())
}

fn rollbacks(
    report: &mut Report,
    (binary, program): (&Path, &Path),
    folder: &Path,
    rounds: usize,
) -> Result<()> {
    let home = Home::create(binary, folder, "name: none\nmodules: {}\n")?;
    let project = folder.join("project");
    std::fs::remove_file(project.join("ostoja.yaml"))?;
    std::fs::create_dir_all(folder.join("home"))?;
    std::fs::write(folder.join("home/config.yaml"), "update: { probation: 60s }\n")?;
    for version in ["1.0.0", "2.0.0"] {
        let place = project.join(version);
        std::fs::create_dir_all(&place)?;
        std::fs::copy(program, place.join("counter"))?;
        let manifest: Value = json!({
            "id": "counter", "name": "Counter", "version": version, "runtime": "binary", "entry": "counter",
            "provides": ["counter"], "features": ["state"], "permissions": {}
        });
        std::fs::write(place.join("module.json"), manifest.to_string())?;
    }
    for words in [
        &["key", "generate", "me"][..],
        &["key", "root", "root.json"],
        &["key", "trust", "me", "root.json", "--for", "counter"],
        &["module", "pack", "2.0.0", "-o", "two.okm"],
        &["up", "-d"],
        &["module", "install", "1.0.0"],
        &["module", "approve", "counter", "-y"],
    ] {
        home.run(words)?;
    }
    for _ in 0..rounds * ROLLBACKS_PER_ROUND {
        home.run(&["update", "apply", "two.okm", "--strategy", "hot"])?;
        let begun = Instant::now();
        home.run(&["update", "rollback", "counter"])?;
        report.sample(SUBJECT, "rollback", "ms", begun.elapsed().as_secs_f64() * 1e3);
    }
    home.run(&["down"])?;
    Ok(())
}
