//! The demo's folder goes with its value, or with the next demo; nothing else does.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use super::{MARKER, PrivateHome};

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn it_is_gone_when_removed_and_when_dropped() {
    let folder = temporary();
    let home = PrivateHome::create(folder.path()).expect("a folder");
    let path = home.path().to_owned();
    assert!(path.is_dir());
    fs::write(path.join("file"), "x").expect("it is ours");
    home.remove().expect("it can be removed");
    assert!(!path.exists());

    let home = PrivateHome::create(folder.path()).expect("a folder");
    let path = home.path().to_owned();
    drop(home);
    assert!(!path.exists());
}

#[test]
fn two_at_once_have_folders_of_their_own_and_leave_each_other_alone() {
    let folder = temporary();
    let one = PrivateHome::create(folder.path()).expect("a folder");
    fs::write(one.path().join("file"), "x").expect("it is ours");
    let other = PrivateHome::create(folder.path()).expect("a folder");
    assert_ne!(one.path(), other.path());
    assert!(one.path().join("file").is_file() && other.path().is_dir());
}

/// A folder as a demo that was killed leaves it, with this name.
fn left(folder: &Path, name: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::DirBuilder::new().mode(mode).create(&path).expect("it is ours");
    fs::write(path.join(MARKER), "").expect("it is ours");
    fs::create_dir(path.join("state")).expect("it is ours");
    fs::write(path.join("state/journal.db"), "x").expect("it is ours");
    path
}

#[test]
fn what_a_killed_demo_left_is_removed_by_the_next_one() {
    let folder = temporary();
    let dead = left(folder.path(), "ostoja-demo-1-0", 0o700);
    let home = PrivateHome::create(folder.path()).expect("a folder");
    assert!(!dead.exists() && home.path().is_dir());
}

#[test]
fn what_is_not_provably_a_dead_demos_folder_stays() {
    let folder = temporary();
    let unmarked = left(folder.path(), "ostoja-demo-1-0", 0o700);
    fs::remove_file(unmarked.join(MARKER)).expect("it is there");
    let linked_marker = left(folder.path(), "ostoja-demo-1-1", 0o700);
    fs::rename(linked_marker.join(MARKER), folder.path().join("elsewhere")).expect("it is there");
    symlink(folder.path().join("elsewhere"), linked_marker.join(MARKER)).expect("it is ours");
    let other_name = left(folder.path(), "my-ostoja-demo-1-2", 0o700);
    let open_to_all = left(folder.path(), "ostoja-demo-1-3", 0o755);
    let unfinished = left(folder.path(), "ostoja-demo-1-4.new", 0o700);
    let link = folder.path().join("ostoja-demo-1-5");
    symlink(&other_name, &link).expect("it is ours");
    let _home = PrivateHome::create(folder.path()).expect("a folder");
    for path in [unmarked, linked_marker, other_name, open_to_all, unfinished, link] {
        assert!(path.exists(), "{}", path.display());
    }
}
