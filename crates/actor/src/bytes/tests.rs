//! What is shared, what is copied, and what goes when the last share goes.

use alloc::format;
use alloc::vec;

use super::*;

#[test]
fn bytes_are_three_words_and_can_be_sent() {
    fn sent<T: Send + Sync + 'static>() -> usize {
        size_of::<T>()
    }
    assert_eq!((sent::<Bytes>(), sent::<Option<Bytes>>()), (24, 24));
}

#[test]
fn owned_bytes_move_in_and_out_without_a_copy() {
    let vec = vec![1, 2, 3];
    let place = vec.as_ptr();
    let bytes = Bytes::from(vec);
    assert_eq!(bytes.as_ptr(), place);
    let vec = bytes.into_vec();
    assert_eq!(vec.as_ptr(), place);
}

#[test]
fn shared_bytes_clone_and_slice_without_a_copy() {
    let owned = Bytes::from(vec![0, 1, 2, 3, 4, 5]);
    let place = owned.as_ptr();
    let shared = owned.share();
    let part = shared.slice(1..5).unwrap();
    let part_of_part = part.slice(1..3).unwrap().clone();
    assert_eq!((shared.as_ptr(), &*part_of_part), (place, &[2, 3][..]));
    assert_eq!(part_of_part.as_ptr(), place.wrapping_add(2));
    drop((shared, part));
    assert_eq!(&*part_of_part, [2, 3]);
}

#[test]
fn slice_outside_of_the_part_is_refused_even_inside_the_buffer() {
    let part = Bytes::from(vec![0, 1, 2, 3]).share().slice(1..3).unwrap();
    #[expect(clippy::reversed_empty_ranges, reason = "the hostile case")]
    for range in [0..3, 2..4, 2..1, usize::MAX..usize::MAX] {
        assert_eq!(part.slice(range), None);
    }
    assert_eq!(part.slice(2..2), Some(Bytes::default()));
    assert_eq!(Bytes::from_static(b"abc").slice(1..4), None);
    assert_eq!(Bytes::from_static(b"abc").slice(1..3), Some(Bytes::copy_of(b"bc")));
    assert_eq!(Bytes::copy_of(b"abc").slice(1..3), Some(Bytes::from_static(b"bc")));
}

#[test]
fn part_of_a_line_becomes_a_payload_without_a_copy_and_back() {
    let line: Arc<[u8]> = Arc::from(&b"{\"a\":1}"[..]);
    let bytes = Bytes::of_line(&line, 5..6).unwrap();
    assert_eq!(bytes.as_ptr(), line[5..].as_ptr());
    let payload = Payload::from(&bytes);
    assert_eq!(payload.as_bytes().as_ptr(), bytes.as_ptr());
    let back = Bytes::from(payload);
    assert_eq!(back.as_ptr(), bytes.as_ptr());
    assert_eq!(Payload::from(&back).as_bytes().as_ptr(), bytes.as_ptr());
    assert_eq!(Bytes::of_line(&line, 5..8), None);
}

#[test]
fn owned_and_static_bytes_become_a_payload_by_a_copy() {
    assert_eq!(Payload::from(&Bytes::from_static(b"x")).as_bytes(), b"x");
    let part = Bytes::from(Payload::new(b"abc")).slice(1..2).unwrap();
    assert_eq!(Payload::from(&part).as_bytes(), b"b");
}

#[test]
fn debug_shows_the_length_only() {
    assert_eq!(format!("{:?}", Bytes::from_static(b"secret")), "Bytes(6 bytes)");
}
