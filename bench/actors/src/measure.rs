//! How long a work is done, and the line that tells what came out. The same rules as for the peers.

use std::time::Duration;

use crate::Runner;
use crate::place::resident_bytes;

/// Operations of the first attempt.
const FIRST: u64 = 2_000;
/// 80 ms: what a warm-up takes at least; the last of its doublings gives the speed.
const WARM: Duration = Duration::from_millis(80);
/// 0.7 s: what the run that counts should take.
const RUN: Duration = Duration::from_millis(700);
/// A warm-up does a fifth of the least that counts.
const LEAST_SHARE: u64 = 5;
/// A tenth of the actors are spawned and let go for a warm-up.
const WARM_SHARE: usize = 10;

/// What spawning came to.
pub(crate) struct Spawned {
    /// Until the last actor had said that it runs.
    pub(crate) took: Duration,
    /// Resident memory of the process at that time.
    pub(crate) resident_bytes: u64,
}

/// Nanoseconds per operation.
pub(crate) fn nanos(work: &str, run: &mut Runner) -> Result<String, String> {
    let (operations, took) = timed(run, 0)?;
    Ok(line(work, took.as_secs_f64() * 1e9 / operations as f64, "ns", operations, took, None))
}

/// Millions of operations per second, over no fewer operations than `least`.
pub(crate) fn rate(work: &str, run: &mut Runner, least: u64) -> Result<String, String> {
    let (operations, took) = timed(run, least)?;
    Ok(line(work, operations as f64 / took.as_secs_f64() / 1e6, "M/s", operations, took, None))
}

/// Nanoseconds per actor, and by how many bytes the process grew for each.
pub(crate) fn spawning(
    work: &str,
    count: usize,
    spawn: impl Fn(usize) -> Result<Spawned, String>,
) -> Result<String, String> {
    // From before the warm-up: memory that an allocator kept from it would hide what an actor takes.
    let before = resident_bytes();
    spawn(count / WARM_SHARE)?;
    let spawned = spawn(count)?;
    let each = spawned.resident_bytes.saturating_sub(before) as f64 / count as f64;
    let nanos = spawned.took.as_secs_f64() * 1e9 / count as f64;
    Ok(line(work, nanos, "ns", count as u64, spawned.took, Some(each)))
}

/// Doubles the operations until the process is warm, then does as many as the run should take, and not less than
/// `least`.
fn timed(run: &mut Runner, least: u64) -> Result<(u64, Duration), String> {
    let mut operations = FIRST.max(least / LEAST_SHARE);
    // Not looked at: actors that were only just made take their first turn in it.
    run(operations)?;
    let speed = loop {
        let took = run(operations)?;
        if took >= WARM {
            break operations as f64 / took.as_secs_f64();
        }
        operations *= 2;
    };
    let operations = ((speed * RUN.as_secs_f64()) as u64).max(least);
    Ok((operations, run(operations)?))
}

fn line(work: &str, value: f64, unit: &str, messages: u64, took: Duration, bytes: Option<f64>) -> String {
    let seconds = took.as_secs_f64();
    let bytes = bytes.map_or_else(|| "null".to_owned(), |bytes| format!("{bytes:.1}"));
    format!(
        r#"{{"work":"{work}","value":{value},"unit":"{unit}","messages":{messages},"seconds":{seconds},"bytes_each":{bytes}}}"#
    )
}
