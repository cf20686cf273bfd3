//! What a lane of shared memory costs beside a bare ring between the same two processors: measured by the lane's own bench.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Report, Sense};
use crate::shell;

/// Frames in a million.
const MILLION: f64 = 1e6;

/// Runs the bench, which takes the medians of its own seven rounds; the range comes with them.
pub(super) fn measure() -> Result<Report> {
    let mut report = Report::new("lanes");
    let mut bench = shell::cargo();
    bench.args(["run", "--quiet", "--release", "--locked", "--package", "shm-bench"]);
    for line in shell::read(&mut bench)?.lines() {
        let found: Value = serde_json::from_str(line).with_context(|| format!("no JSON: `{line}`"))?;
        let work = found["work"].as_str().context("a line without a work")?;
        let (measure, subject) = work.split_once(", ").context("a work without a subject")?;
        let is_flow = found["unit"] == "frames/s";
        let (unit, scale) = if is_flow { ("M frames/s", MILLION) } else { ("ns", 1.0) };
        for member in ["least", "value", "most"] {
            let value = found[member].as_f64().with_context(|| format!("a line without `{member}`"))?;
            report.sample(subject, measure, unit, value / scale);
        }
    }
    let trip = |subject| report.median(subject, "round trip");
    let ratio = trip("lane").zip(trip("bare ring")).map(|(lane, bare)| lane / bare);
    let flow = report.median("lane, batches of 64", "one way");
    report.promise("round trip of 200 bytes against a bare ring", ratio, Sense::AtMost, 2.0, "×");
    report.promise("frames of 200 bytes one way, in batches", flow, Sense::AtLeast, 10.0, "M frames/s");
    Ok(report)
}
