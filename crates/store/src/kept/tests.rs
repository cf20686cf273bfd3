//! Kept states: what is kept comes back, for its own module alone; what was changed never does.

use std::fs;
use std::sync::Arc;

use abi::{Generation, ModuleId, Wall};

use super::{KEPT_BYTES_MAX, Kept, KeptError, KeptStates, parse, to_bytes};
use crate::disk::LocalDisk;

fn kept(module: &str, state: &[u8]) -> Kept {
    Kept {
        module: ModuleId::parse(module).expect("a name"),
        life: Generation(7),
        at: Wall(1_000),
        version: "2".to_owned(),
        state: state.to_vec(),
    }
}

fn states() -> (tempfile::TempDir, KeptStates) {
    let folder = tempfile::tempdir().expect("a folder");
    let states = KeptStates::new(Arc::new(LocalDisk), &folder.path().join("kept"));
    (folder, states)
}

#[test]
fn what_is_kept_comes_back_until_it_is_forgotten() {
    let (_folder, states) = states();
    let (first, second) = (kept("a", b"{\"n\":1}"), kept("a", b"\n\x00no JSON"));
    assert_eq!(states.find(&first.module).expect("read"), None);
    states.keep(&first).expect("kept");
    assert_eq!(states.find(&first.module).expect("read"), Some(first.clone()));
    states.keep(&second).expect("kept in its place");
    assert_eq!(states.find(&first.module).expect("read"), Some(second));
    states.forget(&first.module).expect("forgotten");
    states.forget(&first.module).expect("nothing to forget is no error");
    assert_eq!(states.find(&first.module).expect("read"), None);
}

#[test]
fn what_is_set_aside_is_not_offered_and_not_lost() {
    let (_folder, states) = states();
    let one = kept("a", b"[]");
    states.keep(&one).expect("kept");
    let bytes = fs::read(states.path(&one.module)).expect("there");
    states.set_aside(&one.module).expect("set aside");
    states.set_aside(&one.module).expect("nothing to set aside is no error");
    assert_eq!(states.find(&one.module).expect("read"), None);
    assert_eq!(fs::read(states.refused(&one.module)).expect("there"), bytes);
}

#[test]
fn a_state_is_compressed_and_bounded() {
    let (_folder, states) = states();
    let stored = states.keep(&kept("a", &vec![b'x'; KEPT_BYTES_MAX])).expect("the most that is kept");
    assert!(stored < 64 << 10, "{stored} bytes");
    assert_eq!(
        states.find(&kept("a", b"").module).expect("read").map(|kept| kept.state.len()),
        Some(KEPT_BYTES_MAX)
    );
    let refused = states.keep(&kept("b", &vec![b'x'; KEPT_BYTES_MAX + 1]));
    assert!(matches!(refused, Err(KeptError::TooLarge { bytes }) if bytes == KEPT_BYTES_MAX + 1));
}

#[test]
fn a_file_that_was_changed_in_any_byte_or_cut_anywhere_is_found() {
    let bytes = to_bytes(&kept("a", b"{\"left\":[1,2,3]}")).expect("small");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(parse(&changed).is_err(), "byte {at}");
        assert!(parse(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_state_of_another_module_is_not_handed_on() {
    let (_folder, states) = states();
    let (one, other) = (kept("a", b"1"), kept("b", b"2"));
    states.keep(&one).expect("kept");
    fs::rename(states.path(&one.module), states.path(&other.module)).expect("renamed");
    let found = states.find(&other.module);
    assert!(
        matches!(found, Err(KeptError::Damaged { flaw: "it belongs to another module", .. })),
        "{found:?}"
    );
}

#[test]
fn a_state_is_in_no_debug_text() {
    assert!(!format!("{:?}", kept("a", b"geheim")).contains("geheim"));
}

#[test]
fn what_lies_beside_a_state_can_be_no_other_modules_state() {
    let (_folder, states) = states();
    let one = kept("one", b"{}");
    let beside = states.refused(&one.module);
    let name = beside.file_name().expect("it is a file").to_string_lossy().into_owned();
    assert!(ModuleId::parse(&name).is_err(), "{name} is the name of no module");
    assert!(ModuleId::parse("one.refused").is_ok(), "with a dot it would be one");
}
