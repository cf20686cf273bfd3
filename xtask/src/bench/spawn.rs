//! What a launch costs with full containment, beside a plain one and beside bubblewrap's: measured by the launcher's own bench, which
//! lets all kinds take turns.

use anyhow::{Context as _, Result};

use super::report::{Report, Sense};
use crate::ci::apt;
use crate::shell;

/// The subjects that promises are about, as the bench names them.
const PLAIN: &str = "std::process::Command";
const PEER: &str = "bwrap --unshare-all";
const OURS: &str = "contained";

/// Microseconds in a millisecond.
const MICROS: f64 = 1e3;

/// Runs the bench so many times.
pub(super) fn measure(rounds: usize) -> Result<Report> {
    let mut report = Report::new("spawn");
    if shell::version_of("bwrap", "--version").is_none()
        && let Err(error) = apt(&["bubblewrap"])
    {
        println!("!! bubblewrap is left out: {error:#}");
    }
    for _ in 0..rounds {
        let mut bench = shell::cargo();
        bench.args([
            "bench",
            "--quiet",
            "--locked",
            "--package",
            "sandbox",
            "--bench",
            "launch",
            "--",
            "--tabs",
        ]);
        for line in shell::read(&mut bench)?.lines().filter(|line| line.contains('\t')) {
            let mut words = line.split('\t');
            let subject = words.next().context("a line without a name")?;
            for (measure, word) in
                ["call", "reaped"].into_iter().zip(words).filter(|(_, word)| !word.is_empty())
            {
                let micros: f64 = word.parse().with_context(|| format!("no number in `{line}`"))?;
                report.sample(subject, measure, "ms", micros / MICROS);
            }
        }
    }
    let reaped = |subject| report.median(subject, "reaped");
    let over = reaped(OURS).zip(reaped(PLAIN)).map(|(ours, plain)| ours - plain);
    let ratio = reaped(PEER).zip(reaped(OURS)).map(|(peer, ours)| peer / ours);
    report.promise("full containment over a plain spawn", over, Sense::AtMost, 2.0, "ms");
    report.promise("bwrap --unshare-all over full containment", ratio, Sense::AtLeast, 3.0, "times");
    Ok(report)
}
