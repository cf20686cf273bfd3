//! The splitter against hand-made streams; `tests/it/properties.rs` holds it against any stream.

use super::{Line, LineDecoder, TAIL_BYTES_KEPT};

/// Feeds the pieces and gives what came out, the last line included.
fn split(line_bytes_max: usize, pieces: &[&[u8]]) -> Vec<Result<String, u64>> {
    let mut decoder = LineDecoder::new(line_bytes_max);
    let mut out = Vec::new();
    let mut note = |line: Line<'_>| {
        out.push(match line {
            Line::Complete(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            Line::Oversize { bytes } => Err(bytes),
        });
    };
    for piece in pieces {
        let mut rest = *piece;
        while let Some(line) = decoder.next_line(&mut rest) {
            note(line);
        }
        assert!(rest.is_empty(), "everything is used");
        assert!(decoder.buffered_bytes() <= line_bytes_max, "never more than the bound is kept");
    }
    if let Some(line) = decoder.finish() {
        note(line);
    }
    out
}

fn lines(texts: &[&str]) -> Vec<Result<String, u64>> {
    texts.iter().map(|text| Ok((*text).to_owned())).collect()
}

#[test]
fn several_lines_in_one_piece() {
    assert_eq!(split(10, &[b"one\ntwo\nthree\n"]), lines(&["one", "two", "three"]));
}

#[test]
fn one_line_in_many_pieces() {
    assert_eq!(split(10, &[b"o", b"n", b"", b"e\nt", b"wo", b"\n"]), lines(&["one", "two"]));
}

#[test]
fn blank_lines_are_skipped_and_lines_are_trimmed() {
    assert_eq!(
        split(20, &[b"\n \t\n\r\n  one \r\n", b" ", b"\n\r\n", b"two\r", b"\n"]),
        lines(&["one", "two"])
    );
}

#[test]
fn white_space_beyond_ascii_and_a_byte_order_mark_are_trimmed() {
    assert_eq!(split(40, &["\u{feff}{}\u{a0}\n\u{2003}\nł\n".as_bytes()]), lines(&["{}", "ł"]));
}

#[test]
fn a_character_split_over_two_reads_survives() {
    let crab = "🦀".as_bytes();
    for cut in 0..=crab.len() {
        assert_eq!(split(10, &[&crab[..cut], &crab[cut..], b"\n"]), lines(&["🦀"]));
    }
}

#[test]
fn a_last_line_without_newline_is_given_at_the_end() {
    assert_eq!(split(10, &[b"one\ntw", b"o"]), lines(&["one", "two"]));
    assert_eq!(split(10, &[b"one\n  "]), lines(&["one"]));
}

#[test]
fn the_bound_counts_the_bytes_before_the_newline() {
    assert_eq!(split(4, &[b"abc\n"]), lines(&["abc"]));
    assert_eq!(split(4, &[b"abcd\n"]), lines(&["abcd"]));
    assert_eq!(split(4, &[b"abcde\n"]), [Err(5)]);
    assert_eq!(split(4, &[b"abcd", b"\n"]), lines(&["abcd"]));
    assert_eq!(split(4, &[b"abcd", b"e\n"]), [Err(5)]);
    assert_eq!(split(4, &[b"abcd", b"e"]), [Err(5)]);
}

#[test]
fn an_oversize_line_is_dropped_up_to_its_newline_and_the_next_one_lives() {
    let pieces: [&[u8]; 5] = [b"abcdef", b"ghij", b"kl\nok", b"\n", b"again\n"];
    assert_eq!(split(5, &pieces), [Err(12), Ok("ok".to_owned()), Ok("again".to_owned())]);
}

#[test]
fn a_line_inside_one_piece_is_a_slice_of_it() {
    let piece = b"one\ntwo\n";
    let mut decoder = LineDecoder::new(10);
    let mut rest = &piece[..];
    let Some(Line::Complete(line)) = decoder.next_line(&mut rest) else { panic!("a line") };
    assert!(piece.as_ptr_range().contains(&line.as_ptr()));
}

#[test]
fn the_memory_of_a_long_line_is_given_back() {
    let mut decoder = LineDecoder::new(1 << 20);
    let long = vec![b'x'; TAIL_BYTES_KEPT * 4];
    let mut rest = &long[..];
    assert_eq!(decoder.next_line(&mut rest), None);
    let mut rest = &b"\nshort"[..];
    assert!(matches!(decoder.next_line(&mut rest), Some(Line::Complete(line)) if line.len() == long.len()));
    assert_eq!(decoder.next_line(&mut rest), None);
    assert!(decoder.tail.capacity() <= TAIL_BYTES_KEPT);
}

#[test]
fn after_the_end_the_splitter_is_as_new() {
    let mut decoder = LineDecoder::new(3);
    let mut rest = &b"abcdef"[..];
    assert_eq!(decoder.next_line(&mut rest), None);
    assert_eq!(decoder.finish(), Some(Line::Oversize { bytes: 6 }));
    assert_eq!(decoder.finish(), None);
    let mut rest = &b"ok\n"[..];
    assert_eq!(decoder.next_line(&mut rest), Some(Line::Complete(b"ok")));
}
