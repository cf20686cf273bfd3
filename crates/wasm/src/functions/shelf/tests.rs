//! The folder on disk, when it is not as it should be.

use super::*;
use crate::engine::{EngineOptions, Metering, Reach};

fn engine() -> Engine {
    let options = EngineOptions { instances_max: 4, reach: Reach::Checked, metering: Metering::Deadline };
    Engine::try_new(options).unwrap()
}

fn id(number: u8) -> ContentId {
    ContentId::of(&[number])
}

#[test]
fn the_least_recently_used_compiled_form_gives_way_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    let max = 3 * (100 + SEAL_BYTES as u64);
    for number in 0..3 {
        shelf.keep_compiled(&id(number), &[0; 100], max);
    }
    assert!(shelf.compiled(&id(0)).is_some());
    shelf.keep_compiled(&id(3), &[0; 100], max);
    let left: Vec<_> = (0..4).map(|number| shelf.compiled_path(&id(number)).exists()).collect();
    assert_eq!(left, [true, false, true, true]);
    assert_eq!(shelf.size(), (3, max));
}

#[test]
fn what_writers_left_that_were_killed_is_removed_and_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    drop(Shelf::open(folder.path(), &engine).unwrap());
    let left = ["", "names", "sources", "compiled"].map(|name| folder.path().join(name).join(".1-0.aside"));
    for path in &left {
        fs::write(path, b"half of it").unwrap();
    }
    let shelf = Shelf::open(folder.path(), &engine).unwrap();
    assert!(left.iter().all(|path| !path.exists()));
    assert!(shelf.functions().unwrap().functions.is_empty());
    assert_eq!(shelf.take_notices(), (vec![], 0));
}

#[test]
fn what_is_no_plain_file_or_too_large_is_dropped_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    let path = shelf.compiled_path(&id(0));
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(shelf.compiled(&id(0)).is_none());
    assert!(fs::symlink_metadata(&path).is_err(), "the link is gone");
    let file = File::create(&path).unwrap();
    file.set_len((COMPILED_BYTES_MAX + SEAL_BYTES + 1) as u64).unwrap();
    assert!(shelf.compiled(&id(0)).is_none());
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(shelf.compiled(&id(0)).is_none());
    let kinds: Vec<_> = shelf.take_notices().0.into_iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [NoticeKind::Unreadable, NoticeKind::TooLarge, NoticeKind::Unreadable]);
}

#[test]
fn a_compiled_form_that_cannot_be_written_is_noticed_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    fs::remove_dir(folder.path().join(COMPILED)).unwrap();
    shelf.keep_compiled(&id(0), b"code", 1_000);
    assert_eq!(shelf.take_notices().0[0].kind, NoticeKind::NotKept);
    assert_eq!(shelf.size(), (0, 0));
}

#[test]
fn a_rename_that_fails_removes_what_was_written_aside() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    // A folder in the file's place makes the rename fail after the bytes were written.
    let target = folder.path().join(SOURCES).join(id(0).to_string());
    fs::create_dir_all(target.join("occupied")).unwrap();
    assert!(matches!(shelf.keep_source(&id(0), b"x"), Err(FunctionError::Folder { .. })));
    assert_eq!(fs::read_dir(folder.path().join(SOURCES)).unwrap().count(), 1);
}

#[test]
fn files_in_the_names_folder_that_are_not_ours_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    fs::write(folder.path().join("names/evil"), b"OSTFUNC1 and then something").unwrap();
    assert!(shelf.functions().unwrap().functions.is_empty());
    assert_eq!(shelf.take_notices().0, [Notice { file: "names/evil".into(), kind: NoticeKind::Changed }]);
}

#[test]
fn a_folder_has_one_holder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let first = Shelf::open(folder.path(), &engine).unwrap();
    let aside = folder.path().join("names/.1-0.aside");
    fs::write(&aside, b"half of what the first one writes").unwrap();
    assert!(matches!(Shelf::open(folder.path(), &engine), Err(FunctionError::InUse { .. })));
    assert!(aside.exists(), "the second one cleaned up nothing");
    drop(first);
    Shelf::open(folder.path(), &engine).unwrap();
    assert!(!aside.exists());
}

#[test]
fn what_was_used_last_stays_longest_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let shelf = Shelf::open(folder.path(), &engine).unwrap();
    for number in 0..3 {
        shelf.keep_compiled(&id(number), &[0; 100], u64::MAX);
    }
    shelf.used(&[id(2), id(0)]);
    shelf.keep_order();
    drop(shelf);
    let shelf = Shelf::open(folder.path(), &engine).unwrap();
    shelf.keep_compiled(&id(3), &[0; 100], 2 * (100 + SEAL_BYTES as u64));
    let left: Vec<_> = (0..4).map(|number| shelf.compiled_path(&id(number)).exists()).collect();
    assert_eq!(left, [true, false, false, true]);
}

#[test]
fn a_folder_of_names_that_cannot_be_listed_stops_the_start_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    shelf.keep_source(&id(0), b"source").unwrap();
    let (names, aside) = (folder.path().join(NAMES), folder.path().join("elsewhere"));
    fs::rename(&names, &aside).unwrap();
    fs::write(&names, b"a file").unwrap();
    assert!(matches!(shelf.functions(), Err(FunctionError::Folder { what: "listing", .. })));
    assert!(shelf.source(&id(0)).is_some());
}

#[test]
fn a_record_that_cannot_be_read_now_keeps_what_it_may_lead_to() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), &engine()).unwrap();
    let place = "names/later";
    fs::write(folder.path().join(place), shelf.key.seal(place, b"of another version")).unwrap();
    assert!(!shelf.functions().unwrap().is_whole);
    assert_eq!(shelf.take_notices().0, [Notice { file: place.into(), kind: NoticeKind::NameLost }]);
    fs::remove_file(folder.path().join(place)).unwrap();
    fs::write(folder.path().join(place), b"not ours").unwrap();
    assert!(shelf.functions().unwrap().is_whole, "what was dropped for good leads to nothing");
}
