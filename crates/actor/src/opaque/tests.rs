//! Bytes come back whole, at the border between inline and shared as well.

use alloc::vec;

use super::*;

#[test]
fn bytes_come_back_on_both_sides_of_the_border() {
    for length in
        [0, 1, OPAQUE_INLINE_BYTES_MAX - 1, OPAQUE_INLINE_BYTES_MAX, OPAQUE_INLINE_BYTES_MAX + 1, 5000]
    {
        let bytes = vec![0xa5; length];
        let opaque = Opaque::copy_of(9, &bytes);
        assert_eq!((opaque.tag(), opaque.as_bytes()), (9, &bytes[..]));
        assert_eq!(opaque.into_bytes().as_bytes(), &bytes[..]);
    }
}

#[test]
fn what_is_in_it_is_not_shown() {
    assert_eq!(alloc::format!("{:?}", Opaque::copy_of(1, b"secret")), "Opaque(1, 6 bytes)");
}
