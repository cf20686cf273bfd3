//! What the store takes of the host's memory, measured in a process of its own: the limits hold under load.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use abi::{Generation, ModuleId, Wall};
use store::{BootId, Level, LogEntry, LogLine, Logs, LogsOptions, Said, Scribe, ScribeOptions, Source};

use crate::DEADLINE;
use crate::scribe::numbered;

/// Names the folder of the child that measures itself.
const CHILD_FOLDER: &str = "STORE_TEST_MEMORY_FOLDER";

/// 100,000 records and as many log lines pass in the measured part.
const ITEMS: u64 = 100_000;

/// 8 MiB: the queues (2 MiB each for journal and logs, twice), the database's cache and what the allocator keeps.
/// A leak of only 100 bytes an item would add 20 MiB.
const GROWTH_MAX_KIB: u64 = 8 << 10;

#[test]
fn memory_does_not_grow_with_what_was_written() {
    if let Some(folder) = env::var_os(CHILD_FOLDER) {
        return measure(&PathBuf::from(folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["memory::memory_does_not_grow_with_what_was_written", "--exact", "--nocapture"])
        .env(CHILD_FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, growth) = text.split_once("growth_kib ").unwrap_or_else(|| panic!("the child measures: {text}"));
    let growth: u64 = growth.lines().next().unwrap().parse().unwrap();
    assert!(growth <= GROWTH_MAX_KIB, "the memory grew by {growth} KiB");
}

fn measure(folder: &std::path::Path) {
    let before = resident_kib();
    let scribe = Scribe::start(ScribeOptions::new(&folder.join("journal.db"), BootId(1))).unwrap();
    let logs = Logs::start(LogsOptions::new(&folder.join("logs"))).unwrap();
    let module = ModuleId::parse("chatty").unwrap();
    let mut peak = before;
    for number in 0..ITEMS {
        let record =
            numbered(number).of(&module, Some(Generation(number))).text("because", "it left within 40 ms");
        let _ = scribe.try_append(Wall(number), record);
        let line =
            LogLine::new(Level::Info, Source::Stderr, format!("line {number} says a little more than that"));
        let (generation, ts) = (Generation(1), Wall(number));
        let _ = logs.try_append(LogEntry { module: module.clone(), generation, ts, said: Said::Line(line) });
        if number % 1000 == 0 {
            peak = peak.max(resident_kib());
        }
        if number % 10_000 == 0 {
            scribe.flush(DEADLINE).unwrap();
            logs.flush(DEADLINE).unwrap();
        }
    }
    scribe.close(DEADLINE).unwrap();
    logs.close(DEADLINE).unwrap();
    println!("growth_kib {}", peak.max(resident_kib()) - before);
}

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("the system tells it");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
