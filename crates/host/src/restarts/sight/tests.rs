//! Load and sessions from the files that the system keeps.

use super::*;

fn entry(kind: i16, line: &[u8]) -> Vec<u8> {
    let mut entry = vec![0; ENTRY_BYTES];
    entry[..2].copy_from_slice(&kind.to_ne_bytes());
    entry[LINE.start..LINE.start + line.len()].copy_from_slice(line);
    entry
}

#[test]
fn the_load_is_a_share_of_all_processors() {
    assert_eq!(load_permille("1.00 0.50 0.20 1/100 4242\n", 2), Some(500));
    assert_eq!(load_permille("0.00 0.00 0.00 1/100 1\n", 8), Some(0));
    assert_eq!(load_permille("", 2), None);
    assert_eq!(load_permille("-1.0 0 0", 2), None);
}

#[test]
fn only_sessions_of_people_on_terminals_count() {
    let file =
        [entry(USER_PROCESS, b"pts/3"), entry(6, b"tty1"), entry(USER_PROCESS, b"../etc/passwd")].concat();
    assert_eq!(terminals(&file), [PathBuf::from("/dev/pts/3")]);
    assert_eq!(terminals(&file[..100]), Vec::<PathBuf>::new());
}

#[test]
fn looking_at_this_machine_gives_a_load() {
    assert!(look().load_permille.is_some());
}
