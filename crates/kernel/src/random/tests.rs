//! The sequence is the published one, uuids are version 4.

use super::Random;

#[test]
fn the_sequence_is_the_published_one() {
    // First outputs for the seed 1234567, as in the reference implementation's own examples.
    let mut random = Random::new(1_234_567);
    assert_eq!(random.next(), 6_457_827_717_110_365_317);
    assert_eq!(random.next(), 3_203_168_211_198_807_973);
}

#[test]
fn uuids_carry_version_and_variant() {
    let mut random = Random::new(3);
    for _ in 0..1000 {
        let uuid = random.uuid();
        assert_eq!((uuid >> 76) & 0xf, 4);
        assert_eq!((uuid >> 62) & 0x3, 2);
    }
}
