//! The hashes are those that other programs compute.

use super::*;

#[test]
fn both_hashes_are_the_published_ones() {
    assert_eq!(
        format!("{:?}", Digests::of(b"abc")),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad \
         blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85 (3 bytes)"
    );
}

#[test]
fn hashing_in_pieces_is_hashing_the_whole() {
    let mut digester = Digester::default();
    digester.update(b"a");
    digester.update(b"");
    digester.update(b"bc");
    assert_eq!(digester.finish(), Digests::of(b"abc"));
}
