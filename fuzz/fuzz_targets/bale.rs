//! Any bytes as a bale of chunks and as a node of a file's tree: what is in them or a flaw, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use update::{BaleTail, CHUNK_BYTES_MAX, Node, Press, TAIL_BYTES};

fuzz_target!(|bytes: &[u8]| {
    let _ = Node::parse(bytes, 1, bytes.len() as u64);
    let Some(tail) = bytes.last_chunk::<TAIL_BYTES>() else { return };
    let Ok(tail) = BaleTail::parse(tail, bytes.len() as u64) else { return };
    let (at, length) = tail.index_span();
    let at = usize::try_from(at).expect("an index lies within the file");
    let Ok(entries) = tail.entries(&bytes[at..at + length]) else { return };
    let mut press = Press::new().expect("there is memory for one");
    for entry in entries {
        let at = usize::try_from(entry.at).expect("a chunk lies within the file");
        if let Ok(chunk) = press.unpack(&entry, &bytes[at..at + entry.stored as usize]) {
            assert!(chunk.len() <= CHUNK_BYTES_MAX);
        }
    }
});
