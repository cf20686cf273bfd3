//! What `/proc` tells about other processes: who descends from whom, memory, processor time.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A look this often while waiting for an end: 100 looks cost a tenth of that.
const LOOK: Duration = Duration::from_micros(500);

/// Sends a signal; a process that is gone is none of our worries.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process is there and not just waiting to be reaped.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Waits until none of them is alive; how many were left when the time was up.
pub(crate) fn wait_gone(pids: &[u32], patience: Duration) -> usize {
    let deadline = Instant::now() + patience;
    let mut left: Vec<u32> = pids.to_vec();
    loop {
        left.retain(|pid| is_alive(*pid));
        if left.is_empty() || Instant::now() > deadline {
            return left.len();
        }
        std::thread::sleep(LOOK);
    }
}

/// A process and everything that descends from it, except processes of this program.
pub(crate) fn tree_without(root: u32, program: &Path) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in all() {
        if let Some((_, parent)) = stat(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        if std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program) {
            continue;
        }
        found.push(pid);
        next.extend(children.get(&pid).into_iter().flatten());
    }
    found
}

/// Resident memory of these processes in MiB: counted per process, and with shared pages divided among sharers.
pub(crate) fn memory_mib(pids: &[u32]) -> (f64, f64) {
    let sum = |field: &str| pids.iter().map(|pid| rollup_kib(*pid, field)).sum::<f64>() / 1024.0;
    (sum("Rss:"), sum("Pss:"))
}

fn rollup_kib(pid: u32, field: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0)
}

/// Processor time of all threads of these processes in milliseconds, to the nanosecond where the kernel counts so.
pub(crate) fn cpu_ms(pids: &[u32]) -> f64 {
    let mut total = 0.0;
    for pid in pids {
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let nanos: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
            total += nanos / 1e6;
        }
    }
    total
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything, brackets and blanks too.
    let mut rest = text[text.rfind(')')? + 1..].split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

fn all() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The machine in a few words.
pub(crate) fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or("0");
    let gib = kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / (1 << 20);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores of {}, {gib} GiB, Linux {}",
        model.trim_start_matches([' ', '\t', ':']),
        kernel.trim()
    )
}

/// The date, as one writes it.
pub(crate) fn today() -> String {
    crate::shell::read(crate::shell::program("date").args(["-u", "+%Y-%m-%d"]))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
