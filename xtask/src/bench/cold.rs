//! From typing `ostoja up -d` with an empty home to `ready`: a kernel that has never run, one module, the command back.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::home::Home;
use super::report::{Report, Sense};
use crate::shell;

/// Twice the rounds of the others: one start takes no time, and the noise is larger than the thing.
const ROUNDS_FACTOR: usize = 4;

/// One module that is ready as soon as it runs.
const PROJECT: &str = "name: cold\nmodules:\n  idle:\n    run: [sleep, \"1000\"]\n";

/// Measures it, beside a bare `true` for what starting any program costs here.
pub(super) fn measure(binary: &Path, rounds: usize) -> Result<Report> {
    let mut report = Report::new("cold");
    let base = std::env::temp_dir().join(format!("ostoja-cold-{}", std::process::id()));
    for round in 0..rounds * ROUNDS_FACTOR {
        let folder = base.join(round.to_string());
        let home = Home::create(binary, &folder, PROJECT)?;
        let began = Instant::now();
        shell::read(&mut home.up()).context("`ostoja up -d`")?;
        report.sample(
            "ostoja up -d, empty home, one module",
            "time",
            "ms",
            began.elapsed().as_secs_f64() * 1e3,
        );
        let rows = home.rows()?;
        ensure!(
            rows.len() == 1 && rows[0]["status"] == "ready",
            "`up -d` came back before the module was ready"
        );
        home.run(&["down"])?;
        let began = Instant::now();
        shell::run(&mut std::process::Command::new("true"))?;
        report.sample("true", "time", "ms", began.elapsed().as_secs_f64() * 1e3);
    }
    let _ = std::fs::remove_dir_all(&base);
    let median = report.median("ostoja up -d, empty home, one module", "time");
    report.promise("cold start to ready", median, Sense::AtMost, 50.0, "ms");
    Ok(report)
}
