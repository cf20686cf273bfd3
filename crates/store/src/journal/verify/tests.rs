//! Every way of changing the journal's tables is found, and the place is named.

use abi::{Generation, ModuleId, Record, Wall};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use rusqlite::{Connection, params};

use super::super::head::read_head;
use super::super::{BootId, Journal, JournalLimits};
use super::*;

/// Records that every test journal holds after its oldest were dropped.
const KEPT: u64 = 30;

/// How often each property is tried.
const CASES: u32 = 4000;

struct Sample {
    journal: Journal,
    head_file: HeadFile,
    first: u64,
    last: u64,
    _folder: tempfile::TempDir,
}

impl Sample {
    /// A journal with `dropped` records behind its anchor, sealed at its end.
    fn new(limits: JournalLimits, records: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let mut journal = Journal::open(&path, limits, Wall(1), BootId(1)).unwrap().journal;
        for number in 0..records {
            journal.append(Wall(1000 + number), BootId(9), &[record(number)]).unwrap();
            journal.prune(Wall(1000 + number), BootId(9)).unwrap();
        }
        journal.sync().unwrap();
        let head_file = read_head(&folder.path().join("journal.head")).unwrap();
        let (first, last) = journal
            .connection
            .query_row("SELECT min(seq), max(seq) FROM records", [], |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
            })
            .unwrap();
        Self { journal, head_file, first, last, _folder: folder }
    }

    fn pruned() -> Self {
        let sample = Self::new(JournalLimits { records_max: KEPT, drop_at_once: 5 }, 80);
        assert!(sample.first > 20, "the oldest were dropped");
        sample
    }

    fn whole() -> Self {
        Self::new(JournalLimits::default(), KEPT)
    }

    /// What is found after `tamper`, which is then undone.
    fn verdict_after(&self, tamper: impl FnOnce(&Connection)) -> Verdict {
        let transaction = self.journal.connection.unchecked_transaction().unwrap();
        tamper(&transaction);
        verify(&transaction, &self.head_file).unwrap()
    }

    fn seq(&self, place: Index) -> u64 {
        self.first + place.index(usize::try_from(self.last - self.first + 1).unwrap()) as u64
    }
}

fn record(number: u64) -> Record {
    let record = Record::new(if number.is_multiple_of(3) { "module.ready" } else { "restart.planned" })
        .number("after_ms", number * 7)
        .text("because", format!("reason {number}"));
    match number % 4 {
        0 => record,
        _ => record.of(&ModuleId::parse("chatty").unwrap(), Some(Generation(number))),
    }
}

fn run(connection: &Connection, sql: &str, values: impl rusqlite::Params) {
    assert!(connection.execute(sql, values).unwrap() > 0, "the change must change something: {sql}");
}

/// Each changes one field of one record, whatever it was before.
const EDITS: [&str; 15] = [
    "UPDATE records SET wall_ms = wall_ms + 1 WHERE seq = ?1",
    "UPDATE records SET wall_ms = -wall_ms WHERE seq = ?1",
    "UPDATE records SET boot = x'00000000000000000000000000000008' WHERE seq = ?1",
    "UPDATE records SET boot = CAST(boot AS TEXT) || 'x' WHERE seq = ?1",
    "UPDATE records SET code = code || 'x' WHERE seq = ?1",
    "UPDATE records SET code = CAST(code AS BLOB) WHERE seq = ?1",
    "UPDATE records SET module = coalesce(module, '') || 'x' WHERE seq = ?1",
    "UPDATE records SET module = iif(module IS NULL, '', NULL) WHERE seq = ?1",
    "UPDATE records SET generation = coalesce(generation, -1) + 1 WHERE seq = ?1",
    "UPDATE records SET generation = iif(generation IS NULL, 0, NULL) WHERE seq = ?1",
    "UPDATE records SET facts = facts || ' ' WHERE seq = ?1",
    "UPDATE records SET facts = CAST(facts AS BLOB) WHERE seq = ?1",
    "UPDATE records SET facts = '' WHERE seq = ?1",
    "UPDATE records SET prev = zeroblob(31) || x'01' WHERE seq = ?1",
    "UPDATE records SET hash = zeroblob(32) WHERE seq = ?1",
];

/// Each changes the head or the anchor, and nothing else.
const END_EDITS: [&str; 10] = [
    "UPDATE head SET seq = seq + 1",
    "UPDATE head SET seq = seq - 1",
    "UPDATE head SET seq = -1",
    "UPDATE head SET hash = zeroblob(32)",
    "DELETE FROM head",
    "UPDATE anchor SET seq = seq + 1",
    "UPDATE anchor SET seq = -1",
    "UPDATE anchor SET hash = zeroblob(31) || x'01'",
    "UPDATE anchor SET hash = 'text'",
    "DELETE FROM anchor",
];

/// Moves every record from `from` on by one place, the last first, so that none meets another.
fn make_room(connection: &Connection, from: u64) {
    let last: i64 = connection.query_row("SELECT max(seq) FROM records", [], |row| row.get(0)).unwrap();
    for seq in (from.cast_signed()..=last).rev() {
        run(connection, "UPDATE records SET seq = seq + 1 WHERE seq = ?1", [seq]);
    }
}

fn swap(connection: &Connection, one: u64, other: u64) {
    for (from, to) in
        [(one.cast_signed(), -7), (other.cast_signed(), one.cast_signed()), (-7, other.cast_signed())]
    {
        run(connection, "UPDATE records SET seq = ?2 WHERE seq = ?1", [from, to]);
    }
}

/// Recomputes the hashes from `from` through `through`, as somebody would who knows how.
fn rehash(connection: &Connection, from: u64, through: u64) -> Digest {
    let mut prev: Option<Digest> = None;
    for seq in from..=through {
        let hash = connection
            .query_row(
                "SELECT seq, wall_ms, boot, code, module, generation, facts, prev, hash FROM records WHERE seq = ?1",
                [seq.cast_signed()],
                |row| {
                    let (mut link, _) = to_link(row, seq).expect("it is a record");
                    link.prev = prev.unwrap_or(link.prev);
                    Ok((link.prev, link.hash()))
                },
            )
            .unwrap();
        run(
            connection,
            "UPDATE records SET prev = ?2, hash = ?3 WHERE seq = ?1",
            params![seq.cast_signed(), &hash.0.0[..], &hash.1.0[..]],
        );
        prev = Some(hash.1);
    }
    prev.expect("at least one was recomputed")
}

fn set_head_row(connection: &Connection, seq: u64, hash: Digest) {
    run(connection, "UPDATE head SET seq = ?1, hash = ?2", params![seq.cast_signed(), &hash.0[..]]);
}

fn hash_at(connection: &Connection, seq: u64) -> Digest {
    super::super::schema::hash_of(connection, seq).unwrap().expect("there is such a record")
}

#[test]
fn untouched_journals_are_sound() {
    let whole = Sample::whole();
    assert_eq!(whole.verdict_after(|_| ()), Verdict::Sound { records: KEPT + 1, dropped: 0 });
    let pruned = Sample::pruned();
    let records = pruned.last - pruned.first + 1;
    assert_eq!(pruned.verdict_after(|_| ()), Verdict::Sound { records, dropped: pruned.first - 1 });
}

#[test]
fn every_edit_of_every_record_is_found_at_its_place() {
    for sample in [Sample::whole(), Sample::pruned()] {
        for seq in sample.first..=sample.last {
            for edit in EDITS {
                let verdict = sample.verdict_after(|connection| run(connection, edit, [seq.cast_signed()]));
                assert_eq!(verdict, Verdict::Broken { seq, flaw: Flaw::Edited }, "{edit} at {seq}");
            }
        }
    }
}

#[test]
fn every_change_of_head_or_anchor_is_found() {
    for sample in [Sample::whole(), Sample::pruned()] {
        for edit in END_EDITS {
            let verdict = sample.verdict_after(|connection| run(connection, edit, []));
            assert!(matches!(verdict, Verdict::Broken { .. }), "{edit}: {verdict}");
        }
    }
}

#[test]
fn every_change_of_the_head_file_is_found() {
    for mut sample in [Sample::whole(), Sample::pruned()] {
        let HeadFile::Sealed(sealed) = sample.head_file else { panic!("it was sealed") };
        let last = sample.last;
        let changed = [
            (HeadFile::Missing, last, Flaw::HeadFileMissing),
            (HeadFile::Garbled, last, Flaw::HeadFileGarbled),
            (HeadFile::Sealed(Head { hash: Digest([7; 32]), ..sealed }), last, Flaw::HeadFileDiffers),
            (HeadFile::Sealed(Head { count: last - 1, ..sealed }), last - 1, Flaw::HeadFileDiffers),
            (
                HeadFile::Sealed(Head { count: last + 3, ..sealed }),
                last + 1,
                Flaw::Removed { through: last + 3 },
            ),
        ];
        for (head_file, seq, flaw) in changed {
            sample.head_file = head_file;
            assert_eq!(sample.verdict_after(|_| ()), Verdict::Broken { seq, flaw });
        }
    }
}

#[test]
fn a_head_file_that_is_behind_is_sound() {
    let mut sample = Sample::whole();
    sample.head_file = HeadFile::Sealed(Head { count: 7, hash: hash_at(&sample.journal.connection, 7) });
    assert!(matches!(sample.verdict_after(|_| ()), Verdict::Sound { .. }));
}

#[test]
fn records_outside_the_chain_are_found() {
    let sample = Sample::pruned();
    for seq in [-3, 0, 1, sample.first.cast_signed() - 1] {
        let verdict = sample.verdict_after(|connection| {
            run(
                connection,
                "INSERT INTO records SELECT ?1, wall_ms, boot, code, module, generation, facts, prev, hash
                 FROM records ORDER BY seq LIMIT 1",
                [seq],
            );
        });
        let seq = u64::try_from(seq).unwrap_or(0);
        assert_eq!(verdict, Verdict::Broken { seq, flaw: Flaw::Inserted });
    }
}

#[test]
fn an_anchor_moved_along_with_the_first_records_is_found() {
    let sample = Sample::pruned();
    let verdict = sample.verdict_after(|connection| {
        let through = sample.first + 4;
        let hash = hash_at(connection, through);
        run(connection, "DELETE FROM records WHERE seq <= ?1", [through.cast_signed()]);
        run(connection, "UPDATE anchor SET seq = ?1, hash = ?2", params![through.cast_signed(), &hash.0[..]]);
    });
    assert_eq!(verdict, Verdict::Broken { seq: sample.first + 4, flaw: Flaw::AnchorDiffers });
}

#[test]
fn verdicts_are_sentences() {
    let broken = Verdict::Broken { seq: 4, flaw: Flaw::Removed { through: 6 } };
    assert_eq!(broken.to_string(), "broken at record 4: the records from here through 6 were removed");
    let sound = Verdict::Sound { records: 5, dropped: 2 };
    assert_eq!(sound.to_string(), "5 records, all as they were written; 2 older ones were dropped for age");
}

/// What somebody may do to the records; places are turned into the seqs that the journal has.
#[derive(Debug, Clone)]
enum Change {
    Edit {
        at: Index,
        edit: usize,
    },
    /// As `Edit`, with the record's own hash made to fit.
    EditAndRehash {
        at: Index,
        edit: usize,
    },
    /// As `Edit`, with every hash from there on and the head in the database made to fit.
    EditAndRehashAll {
        at: Index,
        edit: usize,
    },
    Remove {
        at: Index,
        count: u64,
    },
    /// The end is cut off and the head in the database made to fit.
    CutEnd {
        at: Index,
    },
    Swap {
        one: Index,
        other: Index,
    },
    /// A copy of a record pushes the rest on.
    Insert {
        copy_of: Index,
        before: Index,
    },
    /// A copy of a record takes another's place.
    Replace {
        copy_of: Index,
        at: Index,
    },
    /// A record that fits is put behind the last.
    Add {
        copy_of: Index,
    },
}

/// The edits after which a record is still one, so that a hash can be made to fit.
const WELL_FORMED_EDITS: [usize; 9] = [0, 1, 2, 4, 6, 8, 9, 10, 12];

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let well_formed = || prop::sample::select(&WELL_FORMED_EDITS[..]);
    prop_oneof![
        (place(), 0..EDITS.len()).prop_map(|(at, edit)| Change::Edit { at, edit }),
        (place(), well_formed()).prop_map(|(at, edit)| Change::EditAndRehash { at, edit }),
        (place(), well_formed()).prop_map(|(at, edit)| Change::EditAndRehashAll { at, edit }),
        (place(), 1..40_u64).prop_map(|(at, count)| Change::Remove { at, count }),
        place().prop_map(|at| Change::CutEnd { at }),
        (place(), place()).prop_map(|(one, other)| Change::Swap { one, other }),
        (place(), place()).prop_map(|(copy_of, before)| Change::Insert { copy_of, before }),
        (place(), place()).prop_map(|(copy_of, at)| Change::Replace { copy_of, at }),
        place().prop_map(|copy_of| Change::Add { copy_of }),
    ]
}

/// Applies a change and gives what is found, and what should be.
fn found_and_expected(sample: &Sample, change: &Change) -> Option<(Verdict, Verdict)> {
    let broken = |seq, flaw| Verdict::Broken { seq, flaw };
    let last = sample.last;
    match change {
        Change::Edit { at, edit } => {
            let seq = sample.seq(*at);
            let found = sample.verdict_after(|connection| run(connection, EDITS[*edit], [seq.cast_signed()]));
            Some((found, broken(seq, Flaw::Edited)))
        }
        Change::EditAndRehash { at, edit } => {
            let seq = sample.seq(*at);
            let found = sample.verdict_after(|connection| {
                run(connection, EDITS[*edit], [seq.cast_signed()]);
                rehash(connection, seq, seq);
            });
            // The record itself fits again, so the next one shows it, or the head file where it is the last.
            let flaw = if seq == last { Flaw::HeadFileDiffers } else { Flaw::Unlinked };
            Some((found, broken((seq + 1).min(last), flaw)))
        }
        Change::EditAndRehashAll { at, edit } => {
            let seq = sample.seq(*at);
            let found = sample.verdict_after(|connection| {
                run(connection, EDITS[*edit], [seq.cast_signed()]);
                let hash = rehash(connection, seq, last);
                set_head_row(connection, last, hash);
            });
            Some((found, broken(last, Flaw::HeadFileDiffers)))
        }
        Change::Remove { at, count } => {
            let seq = sample.seq(*at);
            let through = (seq + count - 1).min(last);
            let found = sample.verdict_after(|connection| {
                run(
                    connection,
                    "DELETE FROM records WHERE seq BETWEEN ?1 AND ?2",
                    [seq.cast_signed(), through.cast_signed()],
                );
            });
            Some((found, broken(seq, Flaw::Removed { through })))
        }
        Change::CutEnd { at } => {
            let seq = sample.seq(*at);
            if seq == sample.first {
                return None;
            }
            let found = sample.verdict_after(|connection| {
                run(connection, "DELETE FROM records WHERE seq >= ?1", [seq.cast_signed()]);
                set_head_row(connection, seq - 1, hash_at(connection, seq - 1));
            });
            Some((found, broken(seq, Flaw::Removed { through: last })))
        }
        Change::Swap { .. } | Change::Insert { .. } | Change::Replace { .. } | Change::Add { .. } => {
            moved_and_expected(sample, change)
        }
    }
}

fn moved_and_expected(sample: &Sample, change: &Change) -> Option<(Verdict, Verdict)> {
    const COPY: &str =
        "INSERT INTO records SELECT ?2, wall_ms, boot, code, module, generation, facts, prev, hash
                        FROM records WHERE seq = ?1";
    let broken = |seq, flaw| Verdict::Broken { seq, flaw };
    match change {
        Change::Swap { one, other } => {
            let (one, other) = (sample.seq(*one), sample.seq(*other));
            if one == other {
                return None;
            }
            let found = sample.verdict_after(|connection| swap(connection, one, other));
            Some((found, broken(one.min(other), Flaw::Moved { belongs: one.max(other) })))
        }
        Change::Insert { copy_of, before } => {
            let (copy_of, before) = (sample.seq(*copy_of), sample.seq(*before));
            let found = sample.verdict_after(|connection| {
                make_room(connection, before);
                let copy_of = if copy_of >= before { copy_of + 1 } else { copy_of };
                run(connection, COPY, [copy_of.cast_signed(), before.cast_signed()]);
            });
            // A copy of the record that stood there fits; then the original shows, one place too late.
            let expected = if copy_of == before {
                broken(before + 1, Flaw::Moved { belongs: before })
            } else {
                broken(before, Flaw::Moved { belongs: copy_of })
            };
            Some((found, expected))
        }
        Change::Replace { copy_of, at } => {
            let (copy_of, at) = (sample.seq(*copy_of), sample.seq(*at));
            if copy_of == at {
                return None;
            }
            let found = sample.verdict_after(|connection| {
                run(connection, "DELETE FROM records WHERE seq = ?1", [at.cast_signed()]);
                run(connection, COPY, [copy_of.cast_signed(), at.cast_signed()]);
            });
            Some((found, broken(at, Flaw::Moved { belongs: copy_of })))
        }
        Change::Add { copy_of } => {
            let copy_of = sample.seq(*copy_of);
            let found = sample.verdict_after(|connection| {
                let seq = sample.last + 1;
                run(connection, COPY, [copy_of.cast_signed(), seq.cast_signed()]);
                let prev = hash_at(connection, sample.last);
                run(
                    connection,
                    "UPDATE records SET prev = ?2 WHERE seq = ?1",
                    params![seq.cast_signed(), &prev.0[..]],
                );
                rehash(connection, seq, seq);
            });
            Some((found, broken(sample.last + 1, Flaw::Inserted)))
        }
        _ => None,
    }
}

/// One journal serves all cases: making one costs more than a thousand verifications.
fn check_changes(sample: &Sample) {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&change(), |change| {
            match found_and_expected(sample, &change) {
                Some((found, expected)) => prop_assert_eq!(found, expected),
                None => return Err(TestCaseError::reject("it changes nothing")),
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_single_change_of_a_whole_journal_is_found_at_its_place() {
    check_changes(&Sample::whole());
}

#[test]
fn any_single_change_of_a_pruned_journal_is_found_at_its_place() {
    check_changes(&Sample::pruned());
}
