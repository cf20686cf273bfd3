//! Headers survive the ring, and payloads are dropped once.

use alloc::sync::Arc;

use super::*;

fn check(dst: u32, generation: u32, tag: u32, lane: Lane) {
    let header = Header { dst, meta: generation << 8 | lane as u32, tag };
    let back = Packet::unpack(Packet::pack(header));
    assert_eq!((back.dst, back.meta, back.tag), (header.dst, header.meta, header.tag));
}

#[test]
fn a_header_survives_the_ring_at_its_limits() {
    for lane in Lane::ALL {
        check(0, 1, 1, lane);
        check((1 << INDEX_BITS) - 1, crate::address::GENERATION_MAX, TYPES_MAX as u32 - 1, lane);
    }
}

#[test]
fn a_short_message_and_a_long_one_come_out_as_they_went_in() {
    let (mut short, mut long) = (EMPTY, EMPTY);
    // SAFETY: both payloads are filled and taken once with the same type.
    unsafe {
        put(short.as_mut_ptr().cast(), [7u8; 48]);
        put(long.as_mut_ptr().cast(), [9u64; 64]);
        assert_eq!(take::<[u8; 48]>(short.as_mut_ptr().cast()), [7; 48]);
        assert_eq!(take::<[u64; 64]>(long.as_mut_ptr().cast()), [9; 64]);
    }
}

#[test]
fn a_message_that_nobody_takes_is_dropped_as_its_type_wants() {
    let held = Arc::new(());
    let mut payload = EMPTY;
    // SAFETY: filled and discarded once under the tag of its type.
    unsafe {
        put(payload.as_mut_ptr().cast(), held.clone());
        discard(tag_of::<Arc<()>>(), payload.as_mut_ptr().cast());
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn a_type_keeps_its_tag() {
    assert_eq!(tag_of::<u8>(), tag_of::<u8>());
    assert_ne!(tag_of::<u8>(), tag_of::<i8>());
}
