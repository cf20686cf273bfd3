//! What is found at opening: nothing, a whole journal, a changed one, a damaged one.

use std::os::unix::fs::FileExt;

use abi::Fact;

use super::super::{Entry, Flaw, Page, Query, Verdict};
use super::*;

const BOOT: BootId = BootId(5);

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn head(&self) -> PathBuf {
        self.folder.path().join("journal.head")
    }

    fn open(&self, wall: u64) -> Opened {
        Journal::open(&self.path(), JournalLimits::default(), Wall(wall), BOOT).unwrap()
    }

    /// A closed journal with ten records.
    fn with_ten() -> Self {
        let home = Self::new();
        let mut journal = home.open(1).journal;
        for number in 0..9 {
            journal.append(Wall(2), BOOT, &[Record::new("a.b").number("n", number)]).unwrap();
        }
        journal.close().unwrap();
        home
    }

    fn change(&self, sql: &str) {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn all(journal: &Journal) -> Vec<Entry> {
    let Page { entries, damaged } = journal.read(&Query::first(1000)).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    entries
}

fn text(entry: &Entry, name: &str) -> String {
    match entry.facts.iter().find(|(found, _)| found == name) {
        Some((_, Fact::Text(text))) => text.clone(),
        other => panic!("no text {name}: {other:?}"),
    }
}

#[test]
fn a_new_journal_begins_with_a_record_and_is_sealed() {
    let home = Home::new();
    let opened = home.open(7);
    assert_eq!(opened.found, Found::Nothing);
    let entries = all(&opened.journal);
    assert_eq!((entries.len(), entries[0].code.as_str(), entries[0].wall), (1, "journal.begun", Wall(7)));
    assert_eq!(entries[0].prev, Digest::NONE);
    assert_eq!(opened.journal.verify().unwrap(), Verdict::Sound { records: 1, dropped: 0 });
}

#[test]
fn damage_sets_the_journal_aside_and_the_new_chain_says_so_first() {
    let home = Home::with_ten();
    let old = b"this is not a database, whatever it was before".repeat(100);
    fs::write(home.path(), &old).unwrap();
    let opened = home.open(77);
    let Found::Damaged { aside, error } = opened.found else { panic!("found {:?}", opened.found) };
    assert_eq!(aside, home.folder.path().join("journal.db.corrupt-77"));
    assert_eq!(error.code, "store::journal::open");
    assert_eq!(fs::read(&aside).unwrap(), old);
    assert!(home.names().contains(&"journal.db.corrupt-77.head".to_owned()), "{:?}", home.names());
    let entries = all(&opened.journal);
    assert_eq!((entries.len(), entries[0].code.as_str(), entries[0].seq), (1, "journal.damaged", 1));
    assert_eq!(text(&entries[0], "set_aside"), "journal.db.corrupt-77");
    assert!(text(&entries[0], "error").contains("not a database"), "{:?}", entries[0]);
    assert_eq!(opened.journal.verify().unwrap(), Verdict::Sound { records: 1, dropped: 0 });
}

#[test]
fn two_damages_in_one_instant_keep_both() {
    let home = Home::with_ten();
    for _ in 0..2 {
        fs::write(home.path(), b"no database at all").unwrap();
        // The leftovers of an earlier database must not be taken for the new one's.
        assert!(matches!(home.open(77).found, Found::Damaged { .. }));
    }
    let names = home.names();
    assert!(names.contains(&"journal.db.corrupt-77".to_owned()), "{names:?}");
    assert!(names.contains(&"journal.db.corrupt-77-2".to_owned()), "{names:?}");
}

#[test]
fn a_damaged_page_is_a_verdict_and_no_panic() {
    let home = Home::with_ten();
    let file = fs::OpenOptions::new().write(true).open(home.path()).unwrap();
    let bytes = file.metadata().unwrap().len();
    // The first page holds the header and the schema, the rest the tables.
    for at in (4096..bytes).step_by(512) {
        file.write_all_at(&[0xa5; 512], at).unwrap();
    }
    let opened = home.open(78);
    assert!(matches!(opened.found, Found::Damaged { .. }), "{:?}", opened.found);
    assert!(matches!(opened.journal.verify().unwrap(), Verdict::Sound { .. }));
}

/// Changes a closed journal of ten records, opens and closes it again, and tells what it is then.
fn broken_after(tamper: impl FnOnce(&Home)) -> (Found, Verdict) {
    let home = Home::with_ten();
    tamper(&home);
    let mut opened = home.open(3);
    opened.journal.append(Wall(4), BOOT, &[Record::new("a.c")]).unwrap();
    opened.journal.close().unwrap();
    let again = home.open(5);
    assert!(matches!(again.found, Found::Kept { .. }), "it is said once: {:?}", again.found);
    (opened.found, again.journal.verify().unwrap())
}

#[test]
fn a_cut_end_stays_found_after_the_journal_went_on() {
    let (found, verdict) = broken_after(|home| home.change("DELETE FROM records WHERE seq > 7"));
    assert_eq!(found, Found::Broken { expected: 10, found: 7 });
    assert_eq!(verdict, Verdict::Broken { seq: 8, flaw: Flaw::Removed { through: 10 } });
}

#[test]
fn a_cut_end_with_a_fitting_head_stays_found() {
    let (found, verdict) = broken_after(|home| {
        home.change(
            "DELETE FROM records WHERE seq > 7;
             UPDATE head SET seq = 7, hash = (SELECT hash FROM records WHERE seq = 7)",
        );
    });
    assert_eq!(found, Found::Broken { expected: 10, found: 7 });
    assert_eq!(verdict, Verdict::Broken { seq: 8, flaw: Flaw::Removed { through: 10 } });
}

#[test]
fn a_removed_database_stays_found() {
    let (found, verdict) = broken_after(|home| fs::remove_file(home.path()).unwrap());
    assert_eq!(found, Found::Broken { expected: 10, found: 0 });
    assert_eq!(verdict, Verdict::Broken { seq: 1, flaw: Flaw::Removed { through: 10 } });
}

#[test]
fn a_removed_head_file_stays_found() {
    let (found, verdict) = broken_after(|home| fs::remove_file(home.head()).unwrap());
    assert_eq!(found, Found::Broken { expected: 10, found: 10 });
    assert_eq!(verdict, Verdict::Broken { seq: 11, flaw: Flaw::Unlinked });
}

#[test]
fn an_edited_last_record_with_a_fitting_head_stays_found() {
    let (found, verdict) = broken_after(|home| {
        home.change(
            "UPDATE records SET hash = zeroblob(31) || x'05' WHERE seq = 10;
             UPDATE head SET hash = zeroblob(31) || x'05'",
        );
    });
    assert_eq!(found, Found::Broken { expected: 10, found: 10 });
    assert_eq!(verdict, Verdict::Broken { seq: 10, flaw: Flaw::Edited });
}

#[test]
fn records_added_at_the_end_stay_found() {
    let (found, verdict) = broken_after(|home| {
        home.change(
            "INSERT INTO records SELECT 11, wall_ms, boot, code, module, generation, facts, prev, hash
             FROM records WHERE seq = 10",
        );
    });
    assert_eq!(found, Found::Broken { expected: 10, found: 11 });
    assert_eq!(verdict, Verdict::Broken { seq: 11, flaw: Flaw::Moved { belongs: 10 } });
}

#[test]
fn a_head_that_counts_to_the_end_of_numbers_does_not_stop_the_journal() {
    for sql in [
        "UPDATE head SET seq = 9223372036854775807",
        "UPDATE head SET seq = -5",
        "DELETE FROM head",
        "UPDATE records SET seq = 9223372036854775807 WHERE seq = 10",
        "DELETE FROM anchor",
    ] {
        let home = Home::with_ten();
        home.change(sql);
        let mut opened = home.open(3);
        assert!(matches!(opened.found, Found::Broken { .. }), "{sql}: {:?}", opened.found);
        opened.journal.append(Wall(4), BOOT, &[Record::new("a.c")]).unwrap();
        assert!(matches!(opened.journal.verify().unwrap(), Verdict::Broken { .. }), "{sql}");
    }
}

#[test]
fn a_database_made_and_left_before_its_first_record_is_new() {
    let home = Home::new();
    drop(schema::open_writer(&home.path()).unwrap());
    assert_eq!(home.open(1).found, Found::Nothing);
}

#[test]
fn leftovers_of_a_killed_writer_are_swept_away() {
    let home = Home::with_ten();
    fs::write(home.folder.path().join(".journal.head.4-2.aside"), b"half").unwrap();
    drop(home.open(2));
    assert_eq!(home.names(), ["journal.db", "journal.head"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_with_help() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state"), b"a file").unwrap();
    let path = folder.path().join("state").join("journal.db");
    let error = Journal::open(&path, JournalLimits::default(), Wall(1), BOOT).unwrap_err();
    assert_eq!(abi::Explain::code(&error), "store::journal::folder");
    assert!(abi::Explain::help(&error).unwrap().contains("ls -ld"));
}
