//! What processes use, read from `/proc` when somebody asks: nothing is sampled in between.

use std::cell::Cell;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

/// 256 processes of one module are added up; a module with more is told with what these use.
const PROCESSES_MAX: usize = 256;

/// 4 KiB: the whole of each of these files, the numbers of as many processes included, in one read.
const FILE_BYTES_MAX: usize = 4096;

/// 100 ms: whoever lists modules again within that time is told the same use. The governor and who follows use measure anew.
const LATELY: Duration = Duration::from_millis(100);

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
    let own_word = pid.to_string();
    let own = read(&own_word)?;
    let mut buffer = [0; FILE_BYTES_MAX];
    let members = cgroup.and_then(|cgroup| start_of(&cgroup.join("cgroup.procs"), &mut buffer));
    let Some(members) = members.and_then(|members| std::str::from_utf8(members).ok()) else {
        return Some(own);
    };
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

/// What one life used when somebody last asked.
#[derive(Debug, Default)]
pub(crate) struct Lately(Cell<Option<(Instant, Option<Used>)>>);

impl Lately {
    /// What it uses, measured anew unless that was done just now.
    pub(crate) fn of_process(&self, pid: u32, cgroup: Option<&Path>) -> Option<Used> {
        let now = Instant::now();
        if let Some((at, used)) = self.0.get()
            && now.saturating_duration_since(at) < LATELY
        {
            return used;
        }
        let used = of_process(pid, cgroup);
        self.0.set(Some((now, used)));
        used
    }
}

fn read(pid: &str) -> Option<Used> {
    let mut buffer = [0; FILE_BYTES_MAX];
    let stat = start_of(Path::new(&format!("/proc/{pid}/stat")), &mut buffer)?;
    parse(stat, rustix::param::page_size() as u64, rustix::param::clock_ticks_per_second())
}

/// What a file of the system's begins with: all of it, where that fits, since such a file is made whole for each read.
fn start_of<'b>(path: &Path, buffer: &'b mut [u8; FILE_BYTES_MAX]) -> Option<&'b [u8]> {
    let length = fs::File::open(path).and_then(|mut file| file.read(buffer)).ok()?;
    buffer.get(..length)
}

/// Fields 14 to 17 (user and system time, its own and that of reaped children) and field 24 (resident pages), see proc(5).
/// The second field is a name in brackets and may hold anything.
fn parse(stat: &[u8], page_bytes: u64, ticks_per_s: u64) -> Option<Used> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let after_name = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = 0;
    for _ in 0..4 {
        ticks += fields.next()?.parse::<u64>().ok()?;
    }
    let pages: u64 = fields.nth(6)?.parse().ok()?;
    Some(Used { cpu_ms: ticks * 1000 / ticks_per_s.max(1), rss_bytes: pages * page_bytes })
}

#[cfg(test)]
mod tests;
