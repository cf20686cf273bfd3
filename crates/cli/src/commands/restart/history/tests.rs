//! Restarts out of a journal that a real scribe wrote.

use std::time::Duration;

use abi::{Generation, Record, Wall};
use store::{BootId, Scribe, ScribeOptions};

use super::*;

/// What the records tell, as lines.
fn check(records: Vec<(u64, Record)>, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BootId(1))).unwrap();
    for (at, record) in records {
        let _admitted = scribe.try_append(Wall(at), record);
    }
    scribe.close(Duration::from_secs(60)).unwrap();
    let mut entries = JournalReader::open(&path).unwrap().read(&Query::last(RECORDS_MAX)).unwrap().entries;
    entries.sort_by_key(|entry| entry.seq);
    let lines: Vec<String> = told(&entries)
        .into_iter()
        .map(|one| format!("{} {} {} {:?} {}", one.module_id, one.at_ms, one.cause, one.took_ms, one.result))
        .collect();
    assert_eq!(lines, expected);
}

fn web(code: &'static str, life: u64) -> Record {
    Record::new(code).of(&ModuleId::parse("web").unwrap(), Some(Generation(life)))
}

#[test]
fn a_crash_an_order_and_a_plan_are_told_with_cause_duration_and_result() {
    check(
        vec![
            (1, web("module.starting", 1)),
            (5, web("module.ready", 1)),
            (100, web("module.exited", 1).text("exit", "code 1")),
            (1100, web("module.starting", 2)),
            (1140, web("module.ready", 2)),
            (2000, web("module.stopping", 2).text("reason", "requested")),
            (2010, web("module.stopped", 2).text("reason", "requested")),
            (2011, web("module.starting", 3)),
            (2031, web("module.ready", 3)),
            (3000, web("plan.restarted", 3).text("plan", "nightly")),
            (3001, web("module.stopping", 3).text("reason", "requested")),
            (3002, web("module.starting", 4)),
            (3050, web("module.exited", 4).text("exit", "signal 11")),
            (4050, web("module.starting", 5)),
        ],
        &[
            "web 100 code 1 Some(1040) ready",
            "web 2000 requested Some(31) ready",
            "web 3001 plan nightly Some(49) failed",
            "web 3050 signal 11 None starting",
        ],
    );
}

#[test]
fn a_first_start_and_a_stop_are_no_restarts() {
    check(
        vec![
            (1, web("module.starting", 1)),
            (5, web("module.ready", 1)),
            (9, web("module.stopping", 1).text("reason", "requested")),
            (10, web("module.stopped", 1).text("reason", "requested")),
        ],
        &[],
    );
}
