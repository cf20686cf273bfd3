//! A change of a folder is noticed, and a folder that has just changed is not trusted.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Mounts, Watch};

/// A folder that last changed a minute ago, as far as the date of its entries tells.
fn watch(folder: &Path) -> Watch {
    Mounts::watch().expect("this system has a list of mounts").with(BTreeSet::from([folder.to_owned()]))
}

#[test]
fn a_folder_that_is_left_alone_is_unchanged_and_an_entry_more_is_a_change() {
    let held = tempfile::tempdir().expect("a temporary folder");
    let mut seen = watch(held.path());
    // That it is new is the other test's matter.
    seen.is_settled = true;
    assert!(seen.is_unchanged() && seen.is_unchanged());
    std::fs::write(held.path().join("entry"), "").expect("it is ours");
    // Dates may be coarse: this one is surely another.
    let later = FileTimes::new().set_modified(SystemTime::now() + Duration::from_secs(1));
    File::open(held.path()).and_then(|folder| folder.set_times(later)).expect("it is ours");
    assert!(!seen.is_unchanged());
}

#[test]
fn a_folder_that_comes_into_being_is_a_change() {
    let held = tempfile::tempdir().expect("a temporary folder");
    let folder = held.path().join("later");
    let seen = watch(&folder);
    assert!(seen.is_unchanged());
    std::fs::create_dir(&folder).expect("it is ours");
    assert!(!seen.is_unchanged());
}

#[test]
fn a_folder_that_has_just_changed_is_not_trusted() {
    let held = tempfile::tempdir().expect("a temporary folder");
    assert!(!watch(held.path()).is_unchanged());
    assert!(watch(Path::new("/proc/sys")).is_settled);
}
