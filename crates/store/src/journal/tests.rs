//! Writing, sealing, dropping for age, and what happens when the file is taken away.

use super::*;

const BOOT: BootId = BootId(5);

fn open(path: &Path) -> Journal {
    open_with(path, JournalLimits::default())
}

fn open_with(path: &Path, limits: JournalLimits) -> Journal {
    Journal::open(path, limits, Wall(1), BOOT).unwrap().journal
}

fn records(count: u64) -> Vec<Record> {
    (0..count).map(|number| Record::new("module.ready").number("number", number)).collect()
}

fn sound(records: u64, dropped: u64) -> Verdict {
    Verdict::Sound { records, dropped }
}

#[test]
fn a_closed_journal_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state").join("journal.db");
    let mut journal = open(&path);
    journal.append(Wall(2), BOOT, &records(3)).unwrap();
    journal.close().unwrap();
    let mut opened = Journal::open(&path, JournalLimits::default(), Wall(3), BOOT).unwrap();
    assert_eq!(opened.found, Found::Kept { count: 4 });
    opened.journal.append(Wall(4), BOOT, &records(2)).unwrap();
    assert_eq!(opened.journal.verify().unwrap(), sound(6, 0));
}

#[test]
fn an_empty_batch_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder.path().join("journal.db"));
    journal.append(Wall(2), BOOT, &[]).unwrap();
    assert_eq!((journal.count(), journal.is_dirty()), (1, false));
}

#[test]
fn the_head_file_follows_only_with_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = open(&path);
    let head_file = || fs::read_to_string(folder.path().join("journal.head")).unwrap();
    let before = head_file();
    journal.append(Wall(2), BOOT, &records(3)).unwrap();
    assert_eq!((head_file(), journal.is_dirty()), (before, true));
    journal.sync().unwrap();
    assert!(head_file().starts_with("ostoja-journal-head-1 4 "), "{}", head_file());
    assert!(!journal.is_dirty());
}

#[test]
fn a_journal_that_was_not_sealed_is_sealed_by_the_next_sync() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = open(&path);
    journal.append(Wall(2), BOOT, &records(3)).unwrap();
    drop(journal);
    let mut journal = open(&path);
    assert!(journal.is_dirty());
    journal.sync().unwrap();
    let head = fs::read_to_string(folder.path().join("journal.head")).unwrap();
    assert!(head.starts_with("ostoja-journal-head-1 4 "), "{head}");
}

#[test]
fn numbers_of_any_size_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = open(&folder.path().join("journal.db"));
    let module = abi::ModuleId::parse("m").unwrap();
    let record = Record::new("a.b").number("n", u64::MAX).of(&module, Some(abi::Generation(u64::MAX)));
    journal.append(Wall(u64::MAX), BootId(u128::MAX), &[record]).unwrap();
    assert_eq!(journal.verify().unwrap(), sound(2, 0));
    let entry = journal.read(&Query::last(1)).unwrap().entries.remove(0);
    assert_eq!((entry.wall, entry.boot), (Wall(u64::MAX), BootId(u128::MAX)));
    assert_eq!(entry.generation, Some(abi::Generation(u64::MAX)));
    assert_eq!(entry.facts, [("n".to_owned(), abi::Fact::Number(u64::MAX))]);
}

#[test]
fn the_oldest_are_dropped_only_past_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let limits = JournalLimits { records_max: 10, drop_at_once: 4 };
    let mut journal = open_with(&folder.path().join("journal.db"), limits);
    journal.append(Wall(2), BOOT, &records(8)).unwrap();
    assert_eq!(journal.prune(Wall(3), BOOT).unwrap(), 0);
    journal.append(Wall(2), BOOT, &records(1)).unwrap();
    assert_eq!(journal.prune(Wall(3), BOOT).unwrap(), 0);
    journal.append(Wall(2), BOOT, &records(1)).unwrap();
    assert_eq!(journal.prune(Wall(3), BOOT).unwrap(), 4);
    // 11 less 4, and the record that says so.
    assert_eq!(journal.verify().unwrap(), sound(8, 4));
    let first = journal.read(&Query::first(1)).unwrap().entries.remove(0);
    assert_eq!(first.seq, 5);
}

#[test]
fn one_batch_far_past_the_limit_is_brought_back_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let limits = JournalLimits { records_max: 10, drop_at_once: 4 };
    let mut journal = open_with(&path, limits);
    journal.append(Wall(2), BOOT, &records(99)).unwrap();
    assert_eq!(journal.prune(Wall(3), BOOT).unwrap(), 90);
    assert_eq!(journal.verify().unwrap(), sound(11, 90));
    drop(journal);
    let opened = Journal::open(&path, limits, Wall(4), BOOT).unwrap();
    assert_eq!(opened.found, Found::Kept { count: 101 });
}

#[test]
fn limits_that_make_no_sense_still_keep_the_chain() {
    for limits in [
        JournalLimits { records_max: 0, drop_at_once: 0 },
        JournalLimits { records_max: 3, drop_at_once: u64::MAX },
        JournalLimits { records_max: 1, drop_at_once: 9 },
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open_with(&folder.path().join("journal.db"), limits);
        for _ in 0..20 {
            journal.append(Wall(2), BOOT, &records(1)).unwrap();
            journal.prune(Wall(3), BOOT).unwrap();
        }
        assert!(matches!(journal.verify().unwrap(), Verdict::Sound { .. }), "{limits:?}");
    }
}

#[test]
fn a_journal_taken_away_under_the_writer_is_an_error_and_not_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut journal = open(&path);
    fs::rename(&path, folder.path().join("elsewhere.db")).unwrap();
    assert!(matches!(journal.append(Wall(2), BOOT, &records(1)), Err(JournalError::Moved { .. })));
    fs::write(&path, b"another file").unwrap();
    assert!(matches!(journal.append(Wall(2), BOOT, &records(1)), Err(JournalError::Moved { .. })));
}
