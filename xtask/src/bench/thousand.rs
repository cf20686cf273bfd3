//! A thousand modules that speak the module door, on one kernel.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::home::Home;
use super::process;
use super::report::{Report, Sense};
use crate::shell;

/// How many.
const COUNT: usize = 1_000;

/// Starts them, counts those that are ready, and weighs the kernel.
pub(super) fn measure(binary: &Path) -> Result<Report> {
    let mut report = Report::new("thousand");
    let tiny = super::little("tiny")?;
    let folder = std::env::temp_dir().join(format!("ostoja-thousand-{}", std::process::id()));
    let mut yaml = String::from("name: thousand\nlifecycle: {readyTimeoutMs: 120000}\nmodules:\n");
    for number in 0..COUNT {
        let _ = writeln!(
            yaml,
            "  m{number}: {{run: [\"{}\"], protocol: lines, permissions: {{}}}}",
            tiny.display()
        );
    }
    let home = Home::create(binary, &folder, &yaml)?;
    let began = Instant::now();
    shell::read(&mut home.up()).context("`ostoja up -d` with a thousand modules")?;
    let subject = "1,000 tiny Rust modules";
    report.sample(subject, "start to all ready", "ms", began.elapsed().as_secs_f64() * 1e3);
    let ready = home.rows()?.iter().filter(|row| row["status"] == "ready").count();
    let (rss, _) = process::memory_mib(&[home.pid()?]);
    let began = Instant::now();
    home.run(&["down"])?;
    report.sample(subject, "down", "ms", began.elapsed().as_secs_f64() * 1e3);
    report.sample(subject, "kernel rss", "MiB", rss);
    #[expect(clippy::cast_precision_loss, reason = "there are a thousand")]
    let ready = ready as f64;
    report.sample(subject, "ready", "modules", ready);
    let _ = std::fs::remove_dir_all(&folder);
    report.promise("modules ready on one kernel", Some(ready), Sense::AtLeast, 1_000.0, "modules");
    Ok(report)
}
