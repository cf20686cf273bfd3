//! The kernel's own binaries on disk: what is taken in is what is there, and the list says which is which.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Binary, Installed, Versions, folder, incoming, put_right, sweep, take_in};
use crate::home::Home;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    home.create().expect("it is made");
    (folder, home)
}

fn binary(name: &str) -> Binary {
    Binary { hash: name.repeat(64), version: "1.0.0".to_owned(), path: PathBuf::from("/nowhere") }
}

#[test]
fn what_is_taken_in_is_the_file_with_its_hash_and_can_be_run() {
    let (folder, home) = home();
    let file = folder.path().join("new");
    fs::write(&file, b"abc").expect("it is written");
    let (hash, path) = take_in(&home, &file).expect("it is taken in");
    assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(fs::read(&path).expect("it is there"), b"abc");
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o700);
    // The same once more takes its own place.
    assert_eq!(take_in(&home, &file).expect("it is taken in"), (hash, path));
}

#[test]
fn a_folder_is_no_binary() {
    let (folder, home) = home();
    assert!(take_in(&home, folder.path()).is_err());
    assert!(take_in(&home, &folder.path().join("nothing")).is_err());
}

#[test]
fn the_list_is_read_as_it_was_kept_and_a_broken_one_counts_as_none() {
    let (folder, home) = home();
    let file = folder.path().join("installed");
    fs::write(&file, b"abc").expect("it is written");
    let versions = Versions {
        active: Some(binary("a")),
        fallback: Some(binary("b")),
        installed: Installed::of(&file).ok(),
        tries: Some(2),
        last: None,
    };
    versions.keep(&home).expect("it is kept");
    assert_eq!(Versions::of(&home), versions);
    fs::write(super::file(&home), b"{").expect("it is written");
    assert_eq!(Versions::of(&home), Versions::default());
}

#[test]
fn another_file_in_the_place_of_the_installed_one_is_noticed() {
    let (folder, _home) = home();
    let file = folder.path().join("installed");
    fs::write(&file, b"abc").expect("it is written");
    let before = Installed::of(&file).expect("it is there");
    assert_eq!(Installed::of(&file).expect("it is there"), before);
    fs::write(folder.path().join("other"), b"abcd").expect("it is written");
    fs::rename(folder.path().join("other"), &file).expect("it is moved");
    assert_ne!(Installed::of(&file).expect("it is there"), before);
}

#[test]
fn falling_back_names_what_failed_and_ends_its_trial() {
    let mut versions = Versions {
        active: Some(binary("a")),
        fallback: Some(binary("b")),
        tries: Some(3),
        ..Versions::default()
    };
    versions.fall_back("it fell", 7);
    assert_eq!(versions.active, Some(binary("b")));
    assert_eq!((versions.fallback, versions.tries), (None, None));
    let last = versions.last.expect("it is told");
    assert_eq!((last.hash, last.why.as_str(), last.at_ms), ("a".repeat(64), "it fell", 7));
}

#[test]
fn only_slots_that_nobody_needs_are_swept() {
    let (_folder, home) = home();
    let versions = Versions { active: Some(binary("a")), fallback: Some(binary("b")), ..Versions::default() };
    versions.keep(&home).expect("it is kept");
    for name in ["a", "b", "c"] {
        fs::create_dir(folder(&home).join(name.repeat(64))).expect("it is made");
    }
    sweep(&home);
    let left = |name: &str| folder(&home).join(name.repeat(64)).is_dir();
    assert!(left("a") && left("b") && !left("c"));
    assert_eq!(Versions::of(&home), versions);
}

#[test]
fn a_list_that_can_t_be_read_costs_no_slot() {
    let (_folder, home) = home();
    fs::create_dir_all(folder(&home).join("a".repeat(64))).expect("it is made");
    fs::write(super::file(&home), b"{").expect("it is written");
    sweep(&home);
    put_right(&home);
    assert!(folder(&home).join("a".repeat(64)).is_dir(), "the list may name it");
    assert!(Versions::read(&home).is_err());
}

#[test]
fn what_a_kernel_left_half_taken_in_is_removed_by_the_next_one() {
    let (_folder, home) = home();
    Versions { active: Some(binary("a")), ..Versions::default() }.keep(&home).expect("it is kept");
    for left in [incoming(&home), folder(&home).join(".versions.json.17-0.aside")] {
        fs::write(left, b"half").expect("it is written");
    }
    put_right(&home);
    let left: Vec<_> = fs::read_dir(folder(&home)).expect("it is there").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].file_name(), "versions.json");
}
