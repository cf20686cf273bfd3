//! Bales: what is written is read back, and no changed byte goes unseen.

use proptest::prelude::*;

use super::*;
use crate::chunk::tests::noise;

/// Reads a whole bale from bytes, as a store does from a file.
fn read(bytes: &[u8]) -> Result<Vec<(ChunkId, Vec<u8>)>, BaleFlaw> {
    if !bytes.starts_with(BALE_HEAD) {
        return Err(BaleFlaw::Magic);
    }
    let tail = bytes.last_chunk::<TAIL_BYTES>().ok_or(BaleFlaw::Magic)?;
    let tail = BaleTail::parse(tail, bytes.len() as u64)?;
    let (at, length) = tail.index_span();
    let at = usize::try_from(at).unwrap();
    let mut press = Press::new()?;
    let entries = tail.entries(&bytes[at..at + length])?;
    let chunk = |entry: BaleEntry| {
        let at = usize::try_from(entry.at).unwrap();
        let stored = &bytes[at..at + entry.stored as usize];
        Ok((entry.id, press.unpack(&entry, stored)?))
    };
    entries.into_iter().map(chunk).collect()
}

fn bale(chunks: &[Vec<u8>]) -> Bale {
    let mut writer = BaleWriter::default();
    let mut press = Press::new().unwrap();
    for chunk in chunks {
        writer.push(ChunkId::of(chunk), chunk, &mut press);
    }
    writer.finish()
}

fn some_chunks() -> Vec<Vec<u8>> {
    vec![noise(1, 700), vec![7; 900], b"x".to_vec(), Vec::new()]
}

#[test]
fn what_is_written_is_read_back() {
    let chunks = some_chunks();
    let named: Vec<(ChunkId, Vec<u8>)> =
        chunks.iter().map(|chunk| (ChunkId::of(chunk), chunk.clone())).collect();
    assert_eq!(read(&bale(&chunks).bytes), Ok(named));
    assert_eq!(read(&bale(&[]).bytes), Ok(Vec::new()));
}

#[test]
fn only_what_shrinks_is_compressed() {
    let forms: Vec<Form> = bale(&some_chunks()).entries.iter().map(|entry| entry.form).collect();
    assert_eq!(forms, [Form::Plain, Form::Zstd, Form::Plain, Form::Plain]);
}

#[test]
fn every_changed_or_missing_byte_is_seen() {
    let whole = bale(&some_chunks()).bytes;
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            assert!(read(&changed).is_err(), "byte {at} of {} was changed unseen", whole.len());
        }
        assert!(read(&whole[..at]).is_err(), "cut after {at} bytes unseen");
    }
    assert_eq!(read(&[whole.as_slice(), b"x"].concat()), Err(BaleFlaw::Magic));
}

#[test]
fn chunks_move_to_another_bale_without_being_unpacked() {
    let old = bale(&some_chunks());
    let mut writer = BaleWriter::default();
    for entry in &old.entries {
        let at = usize::try_from(entry.at).unwrap();
        writer.push_as_is(entry, &old.bytes[at..at + entry.stored as usize]);
    }
    assert_eq!(writer.finish(), old);
}

#[test]
fn a_frame_that_lies_about_its_length_gets_no_memory() {
    let mut press = Press::new().unwrap();
    let bomb = press.squeeze.compress(&vec![0; 64 << 20]).unwrap();
    let entry = BaleEntry {
        id: ChunkId::of(b""),
        at: 8,
        stored: 1,
        bytes: CHUNK_BYTES_MAX as u32,
        form: Form::Zstd,
        check: [0; CHECK_BYTES],
    };
    assert_eq!(press.unpack(&entry, &bomb), Err(BaleFlaw::Compression));
}

#[test]
fn a_bale_is_full_at_its_limit() {
    let mut writer = BaleWriter::default();
    let mut press = Press::new().unwrap();
    let mut count = 0;
    while !writer.is_full() {
        let chunk = noise(count, CHUNK_BYTES_MAX);
        writer.push(ChunkId::of(&chunk), &chunk, &mut press);
        count += 1;
    }
    assert!(
        (BALE_BYTES_MAX..BALE_BYTES_MAX + CHUNK_BYTES_MAX)
            .contains(&(writer.stored_bytes() + BALE_HEAD.len()))
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall(body: Vec<u8>, count in 0_u32..4, length: u64) {
        // A well-formed frame around bytes that mean nothing.
        let mut bytes = [BALE_HEAD.as_slice(), &body].concat();
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&[0; 32]);
        bytes.extend_from_slice(FOOT);
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&body).is_err());
    }
}
