//! What a module that uses too much costs its neighbours: calls between two modules while a third one in the sandbox zone floods,
//! eats memory, forks, or computes without end.
//!
//! Each probe makes its calls while the third module has been at it for [`SETTLED`], so that what the governor does about it
//! is in force. What it is like before that, from the first moment on, is measured too and stands beside it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::calls::wait_for;
use super::home::Home;
use super::process;
use super::report::{Report, Sense};
use crate::shell;

/// Calls one after the other: enough for a p99 that a single hiccup does not make.
const CALLS: usize = 20_000;

/// 5 s: five looks of the governor.
const SETTLED: Duration = Duration::from_secs(5);

/// What nobody disturbs.
const ALONE: &str = "nobody";

/// Each third module: how it is called here, what it runs, and the bounds that its entry sets beside those of its zone.
const SUBJECTS: [(&str, &str, &str); 5] = [
    (ALONE, "", ""),
    ("a flooder", "flood-frames", ""),
    ("a memory hog", "eat-memory", "limits: {memory: 64M}, "),
    ("a fork bomb", "fork-bomb", ""),
    ("a processor hog", "burn-cpu", "limits: {cpu: 50%}, "),
];

/// Measures all, taking turns.
pub(super) fn measure(binary: &Path, rounds: usize, only: &[String]) -> Result<Report> {
    let mut report = Report::new("neighbours");
    let rude = binary.with_file_name("rude");
    let base = std::env::temp_dir().join(format!("ostoja-neighbours-{}", std::process::id()));
    for round in 0..rounds {
        for turn in 0..SUBJECTS.len() {
            let subject = SUBJECTS[(turn + round) % SUBJECTS.len()];
            if !only.is_empty() && !only.iter().any(|name| name == subject.0) {
                continue;
            }
            let folder = base.join(format!("{round}-{turn}"));
            std::fs::create_dir_all(&folder)?;
            one(&mut report, binary, &rude, &folder, subject).with_context(|| subject.0)?;
        }
    }
    let _ = std::fs::remove_dir_all(&base);
    promises(&mut report);
    Ok(report)
}

fn one(
    report: &mut Report,
    binary: &Path,
    rude: &Path,
    folder: &Path,
    subject: (&str, &str, &str),
) -> Result<()> {
    let (name, mode, limits) = subject;
    let program = rude.display();
    let probe = |name: &str, result: &Path| {
        format!(
            "  {name}:\n    run: [\"{program}\", relay-probe, echo, \"{CALLS}\", \"1\"]\n    protocol: lines\n    autostart: false\n\
             \x20   requires: [echo]\n    env: {{RUDE_REPORT: \"{}\"}}\n    permissions: {{write: [\"{}\"]}}\n",
            result.display(),
            folder.display()
        )
    };
    let (first, later) = (folder.join("first.json"), folder.join("later.json"));
    let third = match mode {
        "" => String::new(),
        mode => format!(
            "  third: {{run: [\"{program}\", {mode}, \"2\"], protocol: lines, zone: sandbox, publishes: [flood], autostart: false, {limits}max_restarts: 1000, permissions: {{}}}}\n"
        ),
    };
    let yaml = format!(
        "name: neighbours\nmodules:\n  good: {{run: [\"{program}\", good, echo], protocol: lines, provides: [echo], permissions: {{}}}}\n{}{}{third}",
        probe("first", &first),
        probe("later", &later)
    );
    let home = Home::create(binary, folder, &yaml)?;
    shell::read(&mut home.up())?;
    let kernel = home.pid()?;
    let (before, _) = process::memory_mib(&[kernel]);
    if !mode.is_empty() {
        home.run(&["start", "third"])?;
    }
    home.run(&["start", "first"])?;
    let found = wait_for(&first)?;
    take(report, name, "call p99, from the first moment", &found)?;
    std::thread::sleep(SETTLED);
    home.run(&["start", "later"])?;
    let found = wait_for(&later)?;
    take(report, name, "call p99", &found)?;
    report.sample(name, "call p50", "µs", number(&found, "p50_us")?);
    let (after, _) = process::memory_mib(&[kernel]);
    report.sample(name, "kernel rss, more", "MiB", after - before);
    home.run(&["down"])?;
    Ok(())
}

fn take(report: &mut Report, subject: &str, measure: &str, found: &Value) -> Result<()> {
    ensure!(found["failed"] == 0, "{} of {CALLS} calls failed", found["failed"]);
    report.sample(subject, measure, "µs", number(found, "p99_us")?);
    Ok(())
}

fn number(found: &Value, name: &str) -> Result<f64> {
    found[name].as_f64().with_context(|| format!("the probe's report has no `{name}`"))
}

fn promises(report: &mut Report) {
    for (name, mode, _) in SUBJECTS.into_iter().filter(|(name, ..)| *name != ALONE) {
        let (alone, beside) = (report.median(ALONE, "call p99"), report.median(name, "call p99"));
        let ratio = alone.zip(beside).map(|(alone, beside)| beside / alone);
        let factor = if mode == "flood-frames" { 1.2 } else { 1.5 };
        report.promise(&format!("call p99 beside {name}"), ratio, Sense::AtMost, factor, "×");
        let more = report.median(name, "kernel rss, more");
        report.promise(&format!("memory of the kernel beside {name}, more"), more, Sense::AtMost, 5.0, "MiB");
    }
}
