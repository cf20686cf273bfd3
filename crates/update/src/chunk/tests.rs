//! Chunks: together they are the file, and a change moves only the cuts around it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Bytes without order, the same for the same seed (xorshift).
pub(crate) fn noise(mut seed: u64, length: usize) -> Vec<u8> {
    seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    });
    words.take(length / 8 + 1).flatten().take(length).collect()
}

fn ids(bytes: &[u8]) -> Vec<ChunkId> {
    Cuts::new(bytes, End::Final).map(ChunkId::of).collect()
}

#[test]
fn the_chunks_of_a_file_are_the_file_and_keep_their_limits() {
    for length in [0, 1, CHUNK_BYTES_MIN, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1, 3_000_001] {
        let bytes = noise(7, length);
        let chunks: Vec<&[u8]> = Cuts::new(&bytes, End::Final).collect();
        assert_eq!(chunks.concat(), bytes);
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES_MAX));
        let all_but_last = &chunks[..chunks.len().saturating_sub(1)];
        assert!(all_but_last.iter().all(|chunk| chunk.len() >= CHUNK_BYTES_MIN));
    }
}

#[test]
fn chunks_are_about_as_long_as_they_are_meant_to_be() {
    let bytes = noise(3, 8 << 20);
    let mean = bytes.len() / ids(&bytes).len();
    assert!((CHUNK_BYTES_MEAN * 3 / 4..CHUNK_BYTES_MEAN * 5 / 4).contains(&mean), "{mean}");
}

#[test]
fn a_file_of_equal_bytes_has_equal_chunks() {
    let unique: BTreeSet<ChunkId> = ids(&vec![0; 1 << 20]).into_iter().collect();
    assert_eq!(unique.len(), 1);
}

#[test]
fn a_name_is_written_as_it_is_read() {
    let id = ChunkId::of(b"ostoja");
    assert_eq!(ChunkId::parse(&id.to_string()), Some(id));
    assert_eq!(ChunkId::parse(&id.to_string().to_uppercase()), None);
    assert_eq!(ChunkId::parse(&id.to_string()[1..]), None);
    assert_eq!(ChunkId::parse(""), None);
}

/// The cuts find each other again soon, not at once: what counts is how many chunks change on the mean.
#[test]
fn an_inserted_byte_changes_few_chunks() {
    let old = noise(5, 1_000_000);
    let known: BTreeSet<ChunkId> = ids(&old).into_iter().collect();
    let fresh = |at: usize| {
        let mut new = old.clone();
        new.insert(at, 0x5a);
        ids(&new).into_iter().filter(|id| !known.contains(id)).count()
    };
    let counts: Vec<usize> = (0..40).map(|number| fresh(number * 24_989)).collect();
    assert!(counts.iter().all(|count| (1..=20).contains(count)), "{counts:?}");
    assert!(counts.iter().sum::<usize>() <= 3 * counts.len(), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn cutting_buffer_by_buffer_gives_the_cuts_of_the_whole(seed: u64, step in 1_usize..200_000) {
        let bytes = noise(seed, 300_000);
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            buffer.extend_from_slice(piece);
            let mut cuts = Cuts::new(&buffer, End::Open);
            found.extend(cuts.by_ref().map(ChunkId::of));
            buffer = cuts.rest().to_vec();
        }
        found.extend(Cuts::new(&buffer, End::Final).map(ChunkId::of));
        prop_assert_eq!(found, ids(&bytes));
    }
}
