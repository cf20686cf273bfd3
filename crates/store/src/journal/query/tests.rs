//! Every part of a question holds, alone and together.

use abi::Record;

use super::super::{Journal, JournalLimits};
use super::*;

struct Sample {
    journal: Journal,
    _folder: tempfile::TempDir,
}

fn module(name: &str) -> ModuleId {
    ModuleId::parse(name).unwrap()
}

/// Seq 1 is `journal.begun`; 2 to 7 follow at 100 to 600 ms.
fn sample() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = Journal::open(&path, JournalLimits::default(), Wall(50), BootId(1)).unwrap().journal;
    let told = [("module.ready", "a"), ("restart.planned", "a"), ("restart.spent", "b"), ("restarts", "b")];
    for (wall, (code, name)) in (1..).map(|step| Wall(step * 100)).zip(told) {
        journal.append(wall, BootId(2), &[Record::new(code).of(&module(name), Some(Generation(3)))]).unwrap();
    }
    journal.append(Wall(500), BootId(2), &[Record::new("module.ready").number("after_ms", 9)]).unwrap();
    journal.append(Wall(600), BootId(2), &[Record::new("module.ready").of(&module("b"), None)]).unwrap();
    Sample { journal, _folder: folder }
}

impl Sample {
    fn seqs(&self, query: &Query) -> Vec<u64> {
        self.journal.read(query).unwrap().entries.iter().map(|entry| entry.seq).collect()
    }
}

#[test]
fn a_record_comes_back_as_it_was_told() {
    let sample = sample();
    let page = sample.journal.read(&Query { since_seq: Some(6), ..Query::first(1) }).unwrap();
    let before = sample.journal.read(&Query { since_seq: Some(5), ..Query::first(1) }).unwrap();
    let found = &page.entries[0];
    let expected = Entry {
        seq: 6,
        wall: Wall(500),
        boot: BootId(2),
        code: "module.ready".to_owned(),
        module: None,
        generation: None,
        facts: vec![("after_ms".to_owned(), abi::Fact::Number(9))],
        prev: before.entries[0].hash,
        hash: found.hash,
    };
    assert_eq!(found, &expected);
}

#[test]
fn each_part_of_a_question_holds() {
    let sample = sample();
    let all = Query::first(100);
    let codes = |codes: &[&str]| Query {
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        ..all.clone()
    };
    assert_eq!(sample.seqs(&all), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(sample.seqs(&Query::last(3)), [7, 6, 5]);
    assert_eq!(sample.seqs(&Query::first(0)), [] as [u64; 0]);
    assert_eq!(sample.seqs(&Query { module: Some(module("a")), ..all.clone() }), [2, 3]);
    assert_eq!(sample.seqs(&Query { since_seq: Some(6), ..all.clone() }), [6, 7]);
    assert_eq!(sample.seqs(&Query { since_seq: Some(u64::MAX), ..all.clone() }), [] as [u64; 0]);
    assert_eq!(sample.seqs(&Query { before_seq: Some(3), ..all.clone() }), [1, 2]);
    assert_eq!(sample.seqs(&Query { since_wall: Some(Wall(400)), ..all.clone() }), [5, 6, 7]);
    assert_eq!(sample.seqs(&codes(&["module.ready"])), [2, 6, 7]);
    assert_eq!(sample.seqs(&codes(&["restart.", "journal.begun"])), [1, 3, 4]);
    assert_eq!(sample.seqs(&codes(&["restart.planned' OR 1 --"])), [] as [u64; 0]);
}

#[test]
fn the_parts_hold_together() {
    let query = Query {
        module: Some(module("b")),
        since_seq: Some(2),
        before_seq: None,
        since_wall: Some(Wall(350)),
        codes: vec!["restarts".to_owned(), "module.".to_owned()],
        limit: 1,
        order: Order::NewestFirst,
    };
    assert_eq!(sample().seqs(&query), [7]);
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_hides_no_other() {
    let sample = sample();
    sample.journal.connection.execute("UPDATE records SET facts = 'x' WHERE seq = 3", []).unwrap();
    sample.journal.connection.execute("UPDATE records SET module = '../x' WHERE seq = 4", []).unwrap();
    let page = sample.journal.read(&Query::first(100)).unwrap();
    assert_eq!(page.damaged, [3, 4]);
    assert_eq!(page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 5, 6, 7]);
}
