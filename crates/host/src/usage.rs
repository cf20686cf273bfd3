//! What processes use, read from `/proc` when somebody asks: nothing is sampled in between.

use std::fs;
use std::path::Path;

/// 256 processes of one module are added up; a module with more is told with what these use.
const PROCESSES_MAX: usize = 256;

/// What a process, or all of a module, uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Used {
    /// Processor time since its start, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// Resident memory, in bytes; what processes share counts for each.
    pub(crate) rss_bytes: u64,
}

/// A module's process, with all others of its group where it has one.
pub(crate) fn of_process(pid: u32, cgroup: Option<&Path>) -> Option<Used> {
    let own = read(&pid.to_string())?;
    let members = cgroup.and_then(|cgroup| fs::read_to_string(cgroup.join("cgroup.procs")).ok());
    let Some(members) = members else { return Some(own) };
    let own_word = pid.to_string();
    let others = members.split_ascii_whitespace().filter(|member| *member != own_word).take(PROCESSES_MAX);
    let sum = |all: Used, other: Used| Used {
        cpu_ms: all.cpu_ms + other.cpu_ms,
        rss_bytes: all.rss_bytes + other.rss_bytes,
    };
    Some(others.filter_map(read).fold(own, sum))
}

/// How many processes and threads a module has: all that are in its group, or its main process's own threads.
pub(crate) fn processes(pid: u32, cgroup: Option<&Path>) -> u64 {
    let members = cgroup.and_then(|cgroup| fs::read_to_string(cgroup.join("cgroup.procs")).ok());
    let count = members.map_or(1, |members| members.lines().count() as u64);
    count.max(fs::read_dir(format!("/proc/{pid}/task")).map_or(0, |tasks| tasks.count() as u64))
}

/// How many files a process has open; 0 when that can't be seen.
pub(crate) fn open_files(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |files| files.count() as u64)
}

/// The kernel's own process.
pub(crate) fn of_self() -> Used {
    read("self").unwrap_or_default()
}

fn read(pid: &str) -> Option<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    parse(&stat, &statm, rustix::param::page_size() as u64, rustix::param::clock_ticks_per_second())
}

/// Fields 14 to 17 of `stat` (user and system time, its own and that of reaped children) and field 2 of `statm`,
/// see proc(5). The second field of `stat` is a name in brackets and may hold anything.
fn parse(stat: &str, statm: &str, page_bytes: u64, ticks_per_s: u64) -> Option<Used> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(Used { cpu_ms: ticks * 1000 / ticks_per_s.max(1), rss_bytes: pages * page_bytes })
}

#[cfg(test)]
mod tests;
