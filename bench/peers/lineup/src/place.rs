//! Where the process is: its memory, and the cores of its threads.

use rustix::thread::{CpuSet, sched_setaffinity};

/// 4 KiB: the page of the machines that this runs on.
const PAGE_BYTES: u64 = 4096;

/// Resident memory of this process in bytes.
#[must_use]
pub fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

/// Binds the calling thread to a core, where the system allows it.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("core {core}: {error}");
    }
}
