//! What editors and builds do to files, and what is heard of it.

use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Changes, FILES_MAX, watch};

/// 30 s: far more than a gathering takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

struct Watched {
    folder: tempfile::TempDir,
    changes: Receiver<Changes>,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("src/deep")).expect("it is ours");
        fs::create_dir(folder.path().join("node_modules")).expect("it is ours");
        fs::write(folder.path().join("main.py"), "1").expect("it is ours");
        let changes = watch(folder.path()).expect("it can be watched");
        Self { folder, changes }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The names of the next gatherings up to one that holds this one, without repetition.
    fn until(&self, name: &str) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let changes = self.changes.recv_timeout(DEADLINE).expect("a change comes");
            let short = |path: &Path| path.strip_prefix(self.path()).expect("below it").display().to_string();
            names.extend(changes.files.iter().map(|path| short(path)));
            names.sort();
            names.dedup();
            if names.iter().any(|found| found == name) {
                return names;
            }
        }
    }
}

#[test]
fn a_file_that_is_renamed_over_another_is_one_change() {
    let watched = Watched::new();
    fs::write(watched.path().join(".main.py.swp"), "2").expect("it is ours");
    fs::rename(watched.path().join(".main.py.swp"), watched.path().join("main.py")).expect("it is ours");
    assert_eq!(watched.until("main.py"), ["main.py"]);
}

#[test]
fn a_file_that_is_cut_and_written_anew_is_one_change() {
    let watched = Watched::new();
    fs::write(watched.path().join("main.py"), "2").expect("it is ours");
    assert_eq!(watched.until("main.py"), ["main.py"]);
}

#[test]
fn what_editors_keep_beside_a_file_and_what_is_made_is_no_change() {
    let watched = Watched::new();
    for name in ["4913", "main.py~", ".hidden", "node_modules/x.js", "main.pyc"] {
        fs::write(watched.path().join(name), "x").expect("it is ours");
    }
    fs::write(watched.path().join("last"), "x").expect("it is ours");
    assert_eq!(watched.until("last"), ["last"]);
}

#[test]
fn folders_below_are_watched_and_new_ones_too() {
    let watched = Watched::new();
    fs::write(watched.path().join("src/deep/a"), "x").expect("it is ours");
    assert_eq!(watched.until("src/deep/a"), ["src/deep/a"]);
    fs::create_dir(watched.path().join("new")).expect("it is ours");
    assert_eq!(watched.until("new"), ["new"]);
    fs::write(watched.path().join("new/b"), "x").expect("it is ours");
    assert_eq!(watched.until("new/b"), ["new/b"]);
    fs::remove_file(watched.path().join("new/b")).expect("it is ours");
    assert_eq!(watched.until("new/b"), ["new/b"]);
}

#[test]
fn a_flood_is_gathered_and_not_remembered_file_by_file() {
    let mut changes = Changes::default();
    for number in 0..FILES_MAX {
        assert!(!changes.may_hold(|path| path == Path::new("module.json")) || changes.files.is_empty());
        changes.note(format!("{number}").into());
    }
    changes.note("module.json".into());
    assert_eq!((changes.files.len(), changes.count), (FILES_MAX, FILES_MAX as u64 + 1));
    assert!(
        changes.may_hold(|path| path == Path::new("module.json")),
        "it may be among those not remembered"
    );
    let watched = Watched::new();
    for number in 0..200 {
        fs::write(watched.path().join(format!("f{number}")), "x").expect("it is ours");
    }
    let mut gatherings = 0;
    let mut count = 0;
    while count < 200 {
        count += watched.changes.recv_timeout(DEADLINE).expect("it comes").count;
        gatherings += 1;
    }
    assert!(gatherings < 100, "{gatherings}");
}

#[test]
fn what_is_lost_may_be_anything() {
    let mut changes = Changes::default();
    changes.note("a".into());
    assert!(!changes.may_hold(|path| path == Path::new("b")));
    changes.lose();
    assert!(changes.may_hold(|path| path == Path::new("b")));
}
