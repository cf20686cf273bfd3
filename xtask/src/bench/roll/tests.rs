//! Children are heard.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use super::Roll;

/// Far more than a line through a pipe takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn all_are_heard_in_any_order_and_the_last_life_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut roll = Roll::open(folder.path()).unwrap();
    let mut pipe = OpenOptions::new().write(true).open(&roll.path).unwrap();
    pipe.write_all(b"1 11\nnoise\n0 10\n1 21\n2 12\n").unwrap();
    roll.all(3, PATIENCE).unwrap();
    assert_eq!(roll.pids.values().copied().collect::<Vec<_>>(), [10, 21, 12]);
    pipe.write_all(b"0 30\n2 32\n").unwrap();
    roll.successor(2, PATIENCE).unwrap();
    assert_eq!(roll.pids[&2], 32);
}

#[test]
fn who_is_not_heard_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut roll = Roll::open(folder.path()).unwrap();
    OpenOptions::new().write(true).open(&roll.path).unwrap().write_all(b"0 10\n").unwrap();
    let error = roll.all(2, Duration::from_millis(200)).unwrap_err();
    assert!(error.to_string().starts_with("1 of 2 were heard"), "{error}");
}
