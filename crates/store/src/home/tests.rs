//! One lock per home, and an error that says who has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_second_kernel_learns_who_runs() {
    let home = tempfile::tempdir().unwrap();
    let lock = lock_home(home.path()).unwrap();
    let error = lock_home(home.path()).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(&error, LockError::Held { pid: Some(found), .. } if *found == pid));
    let expected = format!("the kernel with pid {pid} already runs on `{}`", home.path().display());
    assert_eq!((error.to_string(), error.code()), (expected, "store::home::held"));
    drop(lock);
    lock_home(home.path()).unwrap();
}

#[test]
fn the_lock_is_private_and_holds_the_process_id() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("run")).unwrap();
    fs::write(home.path().join("run/kernel.lock"), b"99999999999 and what else was there before\n").unwrap();
    let lock = lock_home(home.path()).unwrap();
    assert_eq!(fs::read_to_string(lock.path()).unwrap(), format!("{}\n", std::process::id()));
    drop(lock);
    let fresh = tempfile::tempdir().unwrap();
    let lock = lock_home(fresh.path()).unwrap();
    assert_eq!(fs::metadata(lock.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_holder_that_has_not_yet_said_its_name_is_another_kernel() {
    let home = tempfile::tempdir().unwrap();
    let lock = lock_home(home.path()).unwrap();
    fs::write(lock.path(), b"").unwrap();
    let error = lock_home(home.path()).unwrap_err();
    assert!(error.to_string().starts_with("another kernel already runs on"), "{error}");
}

#[test]
fn a_home_that_is_a_file_is_an_error_with_help() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::write(&home, b"").unwrap();
    let error = lock_home(&home).unwrap_err();
    assert_eq!(error.code(), "store::home::folder");
    assert!(error.help().is_some());
}
