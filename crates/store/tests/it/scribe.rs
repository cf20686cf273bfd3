//! The scribe with a healthy disk: everything is written, in order, and news are told.

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use abi::{Fact, Record, Wall};
use store::{
    Admission, BootId, Entry, Found, Health, JournalLimits, JournalReader, Notice, Query, Scribe,
    ScribeOptions, Verdict,
};

use crate::DEADLINE;

const BOOT: BootId = BootId(9);

pub(crate) fn numbered(number: u64) -> Record {
    Record::new("test.number").number("n", number)
}

pub(crate) fn number(entry: &Entry) -> u64 {
    match entry.facts.as_slice() {
        [(name, Fact::Number(number))] if name == "n" => *number,
        other => panic!("not a numbered record: {other:?}"),
    }
}

/// The `test.number` records of a journal, oldest first, and the sum of what `journal.lost` records count.
pub(crate) fn numbers_and_lost(path: &Path) -> (Vec<u64>, u64) {
    let reader = JournalReader::open(path).unwrap();
    let (mut numbers, mut lost, mut since) = (Vec::new(), 0, 0);
    loop {
        let page = reader.read(&Query { since_seq: Some(since), ..Query::first(5000) }).unwrap();
        assert!(page.damaged.is_empty());
        let Some(last) = page.entries.last() else { return (numbers, lost) };
        since = last.seq + 1;
        for entry in &page.entries {
            match entry.code.as_str() {
                "test.number" => numbers.push(number(entry)),
                "journal.lost" => match &entry.facts[0] {
                    (name, Fact::Number(count)) if name == "count" => lost += count,
                    other => panic!("{other:?}"),
                },
                _ => {}
            }
        }
    }
}

pub(crate) fn assert_sound(path: &Path) {
    let verdict = JournalReader::open(path).unwrap().verify().unwrap();
    assert!(matches!(verdict, Verdict::Sound { .. }), "{verdict}");
}

#[test]
fn what_is_flushed_is_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BOOT)).unwrap();
    for number in 0..500 {
        assert_eq!(scribe.try_append(Wall(number), numbered(number)), Admission::Queued);
    }
    scribe.flush(DEADLINE).unwrap();
    assert_eq!(numbers_and_lost(&path), ((0..500).collect(), 0));
    assert_sound(&path);
    let counts = scribe.counts();
    assert_eq!((counts.accepted, counts.settled, counts.lost, scribe.health()), (500, 500, 0, Health::Well));
    scribe.close(DEADLINE).unwrap();
    assert_eq!(scribe.try_append(Wall(1), numbered(1)), Admission::Lost);
    scribe.close(DEADLINE).unwrap();
}

#[test]
fn a_close_writes_what_waits_and_seals_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BOOT)).unwrap();
    for number in 0..100 {
        let _ = scribe.try_append(Wall(number), numbered(number));
    }
    scribe.close(DEADLINE).unwrap();
    assert!(!folder.path().join("journal.db-wal").exists(), "a closed database has no log beside it");
    let head = std::fs::read_to_string(folder.path().join("journal.head")).unwrap();
    assert!(head.contains(" 101 "), "the head file names the last of 100 records and the first: {head}");
    assert_eq!(numbers_and_lost(&path).0.len(), 100);
}

#[test]
fn many_callers_lose_nothing_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BOOT)).unwrap();
    let queued: u64 = thread::scope(|scope| {
        let callers: Vec<_> = (0..4_u64)
            .map(|caller| {
                let scribe = &scribe;
                scope.spawn(move || {
                    let numbers = (0..10_000).map(|number| caller * 1_000_000 + number);
                    numbers.filter(|n| scribe.try_append(Wall(*n), numbered(*n)) == Admission::Queued).count()
                        as u64
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let lost = scribe.counts().lost;
    scribe.close(DEADLINE).unwrap();
    let (numbers, lost_written) = numbers_and_lost(&path);
    assert_eq!((numbers.len() as u64, queued + lost, lost_written), (queued, 40_000, lost));
    for caller in 0..4 {
        let of_caller: Vec<_> = numbers.iter().filter(|number| **number / 1_000_000 == caller).collect();
        assert!(of_caller.is_sorted(), "each caller's records keep their order");
    }
    assert_sound(&path);
}

#[test]
fn the_news_are_told_when_the_journal_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (tx, rx) = mpsc::channel();
    let start = || {
        let tx = tx.clone();
        let options = ScribeOptions::new(&path, BOOT).on_notice(move |notice| tx.send(notice).unwrap());
        Scribe::start(options).unwrap()
    };
    start().close(DEADLINE).unwrap();
    start().close(DEADLINE).unwrap();
    std::fs::write(&path, b"no longer a database").unwrap();
    start().close(DEADLINE).unwrap();
    let news: Vec<Notice> = rx.try_iter().collect();
    assert_eq!(news[..2], [Notice::Opened(Found::Nothing), Notice::Opened(Found::Kept { count: 1 })]);
    assert!(
        matches!(&news[2..], [Notice::Opened(Found::Damaged { aside, .. })] if aside.exists()),
        "{news:?}"
    );
}

#[test]
fn a_journal_taken_away_in_use_is_begun_again_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let path = state.join("journal.db");
    let scribe = Scribe::start(ScribeOptions::new(&path, BOOT)).unwrap();
    let _ = scribe.try_append(Wall(1), numbered(1));
    scribe.flush(DEADLINE).unwrap();
    std::fs::remove_dir_all(&state).unwrap();
    let _ = scribe.try_append(Wall(2), numbered(2));
    // The first try finds the file gone; a flush makes the next one come at once.
    while scribe.flush(DEADLINE).is_err() {}
    scribe.close(DEADLINE).unwrap();
    assert_eq!(numbers_and_lost(&path), (vec![2], 0));
    assert_sound(&path);
}

#[test]
fn the_limit_of_records_holds_while_the_scribe_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let limits = JournalLimits { records_max: 100, drop_at_once: 10 };
    let scribe = Scribe::start(ScribeOptions::new(&path, BOOT).with_limits(limits)).unwrap();
    for number in 0..1000 {
        let _ = scribe.try_append(Wall(number), numbered(number));
        if number % 50 == 0 {
            scribe.flush(DEADLINE).unwrap();
        }
    }
    scribe.close(DEADLINE).unwrap();
    let (numbers, _) = numbers_and_lost(&path);
    assert!(numbers.len() <= 100 && numbers.last() == Some(&999), "{} kept", numbers.len());
    assert_sound(&path);
}

#[test]
fn a_scribe_that_is_dropped_still_writes_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (tx, rx) = mpsc::channel::<()>();
    // The sender lives in the callback, so the channel ends when the thread does.
    let options = ScribeOptions::new(&path, BOOT).on_notice(move |_| drop(tx.clone()));
    let scribe = Scribe::start(options).unwrap();
    let _ = scribe.try_append(Wall(1), numbered(1));
    drop(scribe);
    assert_eq!(rx.recv_timeout(DEADLINE), Err(mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(numbers_and_lost(&path), (vec![1], 0));
}
