//! Reading from the end gives the lines of reading from the start, in the other direction.

use std::fs;

use proptest::prelude::*;

use super::*;

fn backwards(bytes: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.jsonl");
    fs::write(&path, bytes).unwrap();
    let end = end_of_lines(&path, bytes.len() as u64).unwrap();
    let mut reader = Backwards::new(path, end);
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        lines.push(line);
    }
    lines.reverse();
    (lines, end)
}

/// The same by reading from the start.
fn forwards(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop();
    lines.retain(|line| line.len() <= LINE_BYTES_MAX);
    lines
}

#[test]
fn small_files_are_read_as_they_are() {
    for text in ["", "\n", "a\n", "a\nb\n", "a\n\n\nb\n", "half", "a\nhalf", "\nhalf"] {
        let (lines, end) = backwards(text.as_bytes());
        assert_eq!(lines, forwards(text.as_bytes()), "{text:?}");
        assert_eq!(end, text.rfind('\n').map_or(0, |at| at as u64 + 1), "{text:?}");
    }
}

#[test]
fn lines_around_the_size_of_a_block_are_whole() {
    let block = usize::try_from(BLOCK_BYTES).unwrap();
    for length in [block - 2, block - 1, block, block + 1, 2 * block - 1, 2 * block, LINE_BYTES_MAX - 1] {
        let text = format!("first\n{}\nlast\n", "x".repeat(length));
        assert_eq!(backwards(text.as_bytes()).0, forwards(text.as_bytes()), "at {length}");
    }
}

#[test]
fn a_line_longer_than_any_is_passed_over() {
    let text = format!("first\n{}\nlast\n", "x".repeat(LINE_BYTES_MAX * 3));
    assert_eq!(backwards(text.as_bytes()).0, [b"first".to_vec(), b"last".to_vec()]);
    let text = format!("{}\nlast\n", "x".repeat(LINE_BYTES_MAX * 3));
    assert_eq!(backwards(text.as_bytes()).0, [b"last".to_vec()]);
}

#[test]
fn a_file_that_vanishes_or_shrinks_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.jsonl");
    assert_eq!(Backwards::new(path.clone(), 500).next_line().unwrap(), None);
    assert_eq!(end_of_lines(&path, 500).unwrap(), 0);
    fs::write(&path, b"a\n").unwrap();
    assert_eq!(Backwards::new(path.clone(), 500).next_line().unwrap(), None);
    assert_eq!(end_of_lines(&path, 500).unwrap(), 0);
}

proptest! {
    #[test]
    fn any_lines_are_read_as_from_the_start(
        lengths in prop::collection::vec(prop_oneof![0..40_usize, 0..40_000_usize], 0..12), half in 0..3000_usize,
    ) {
        let mut text = String::new();
        for (letter, length) in ('a'..).zip(lengths) {
            text.extend(std::iter::repeat_n(letter, length));
            text.push('\n');
        }
        let end = text.len() as u64;
        text.extend(std::iter::repeat_n('~', half));
        let (lines, found_end) = backwards(text.as_bytes());
        prop_assert_eq!(lines, forwards(text.as_bytes()));
        prop_assert_eq!(found_end, end);
    }
}
