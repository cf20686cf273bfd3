//! Reading beside the writer.

use std::sync::atomic::{AtomicBool, Ordering};

use abi::{Record, Wall};

use super::super::{BootId, Journal, JournalLimits};
use super::*;

#[test]
fn a_journal_being_written_is_sound_at_every_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let limits = JournalLimits { records_max: 200, drop_at_once: 20 };
    let mut journal = Journal::open(&path, limits, Wall(1), BootId(1)).unwrap().journal;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let verifier = scope.spawn(|| {
            let reader = JournalReader::open(&path).unwrap();
            let mut rounds = 0;
            while !done.load(Ordering::Acquire) || rounds < 20 {
                let verdict = reader.verify().unwrap();
                assert!(matches!(verdict, Verdict::Sound { .. }), "{verdict}");
                rounds += 1;
            }
        });
        for round in 0..150_u64 {
            let records: Vec<_> =
                (0..round % 7).map(|number| Record::new("a.b").number("n", number)).collect();
            journal.append(Wall(round), BootId(1), &records).unwrap();
            journal.prune(Wall(round), BootId(1)).unwrap();
            if round % 10 == 0 {
                journal.sync().unwrap();
            }
        }
        done.store(true, Ordering::Release);
        verifier.join().unwrap();
    });
    assert!(journal.count() > limits.records_max, "some were dropped meanwhile");
}
