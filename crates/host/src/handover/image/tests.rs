//! What was written is read as it was; what was cut, changed, or is something else is refused.

use std::fs::File;
use std::io::Read;

use kernel::{Ensemble, Saved};
use serde_json::json;

use super::{ImageError, head, json_of, read, saved_of, write};
use crate::handover::form::{Left, bytes_of, text_of};

fn sample() -> Left {
    let left = json!({
        "version": "1", "to": "ab", "back": "/bin/true", "words": [], "left_ns": 1, "began_ns": 0, "started_wall_ms": 2,
        "lock": 3, "door": 4, "sentinel": null, "net": null, "cgroups": null, "frames": 9,
        "kernel": json_of(&Ensemble::new(1).save()), "seats": [], "launches": [], "restarts": [], "by_hand": [],
    });
    serde_json::from_value(left).expect("it has every field")
}

fn bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    File::from(write(&sample()).expect("there is memory")).read_to_end(&mut bytes).expect("it is read");
    bytes
}

#[test]
fn what_was_written_is_read_again() {
    let left = read(bytes().as_slice()).expect("it is whole");
    assert_eq!((left.frames, left.to.as_str()), (9, "ab"));
    assert_eq!(saved_of(&left.kernel), Some(Ensemble::new(1).save()));
}

#[test]
fn what_is_cut_at_any_place_is_refused() {
    let bytes = bytes();
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_byte_that_is_changed_anywhere_is_found() {
    let bytes = bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(read(changed.as_slice()).is_err(), "{at}");
    }
}

#[test]
fn another_form_is_named() {
    let mut bytes = bytes();
    bytes[16] = 99;
    assert!(matches!(read(bytes.as_slice()), Err(ImageError::Form(99))));
}

#[test]
fn a_length_beyond_all_bounds_is_not_read() {
    let mut bytes = head(b"{}");
    bytes[20..28].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(read(bytes.as_slice()), Err(ImageError::Broken)));
}

#[test]
fn all_bytes_are_texts_and_come_back() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    assert_eq!(bytes_of(&text_of(&all)), Some(all));
    assert_eq!(bytes_of("\u{100}"), None);
}

#[test]
fn a_kernels_value_is_json_and_comes_back() {
    let saved = Saved::List(vec![
        Saved::Number(u64::MAX),
        Saved::Text("\u{1}\"".to_owned()),
        Saved::List(Vec::new()),
    ]);
    assert_eq!(saved_of(&json_of(&saved)), Some(saved));
    assert_eq!(saved_of(&json!([null])), None);
}
