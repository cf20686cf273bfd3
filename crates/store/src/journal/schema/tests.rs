//! New databases get the newest format, others are recognised for what they are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_new_database_has_the_newest_format_and_private_rights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = open_writer(&path).unwrap();
    assert_eq!(format_of(&connection).unwrap(), FORMAT);
    assert_eq!(head_row(&connection).unwrap(), Some(Head::EMPTY));
    assert_eq!(anchor_row(&connection).unwrap(), Some(Head::EMPTY));
    assert_eq!(last_row(&connection).unwrap(), Head::EMPTY);
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, DATABASE_MODE, "{name}");
    }
}

#[test]
fn the_settings_keep_memory_small() {
    let folder = tempfile::tempdir().unwrap();
    let connection = open_writer(&folder.path().join("journal.db")).unwrap();
    let setting = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((setting("cache_size"), setting("mmap_size")), (-CACHE_KIB, 0));
    assert_eq!((setting("wal_autocheckpoint"), setting("synchronous")), (CHECKPOINT_PAGES, 1));
}

#[test]
fn a_newer_format_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    open_writer(&path).unwrap().pragma_update(None, "user_version", FORMAT + 1).unwrap();
    for opened in [open_writer(&path), open_reader(&path)] {
        let error = opened.unwrap_err();
        assert!(
            matches!(error, JournalError::Newer { found, known, .. } if found == FORMAT + 1 && known == FORMAT)
        );
        assert!(!error.is_damage());
    }
}

#[test]
fn another_kind_of_database_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let connection = open_writer(&path).unwrap();
    connection.execute_batch("ALTER TABLE records DROP COLUMN generation").unwrap();
    drop(connection);
    for opened in [open_writer(&path), open_reader(&path)] {
        let error = opened.unwrap_err();
        assert!(matches!(error, JournalError::Shape { .. }));
        assert!(error.is_damage());
    }
}

#[test]
fn a_missing_database_is_not_made_by_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    assert!(matches!(open_reader(&path), Err(JournalError::Open { .. })));
    assert!(!path.exists());
}

#[test]
fn a_file_that_nobody_changes_is_opened_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ż ?#%&.db");
    drop(open_writer(&path).unwrap());
    assert!(is_without_log(&path));
    let connection = open_read_only(&path, &unchanging_uri(&path), OpenFlags::SQLITE_OPEN_URI).unwrap();
    assert_eq!(head_row(&connection).unwrap(), Some(Head::EMPTY));
    assert!(is_without_log(&path), "nothing was made beside it");
}
