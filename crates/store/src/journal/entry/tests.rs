//! Boot ids and hashes as text.

use super::*;

#[test]
fn a_boot_id_comes_back_from_its_text() {
    let boot = BootId(0x0123_4567_89ab_cdef);
    assert_eq!(boot.to_string(), "00000000000000000123456789abcdef");
    assert_eq!(BootId::parse(&boot.to_string()), Ok(boot));
    assert_eq!(BootId::parse("00000000-0000-0000-0123-456789ABCDEF"), Ok(boot));
}

#[test]
fn what_is_no_boot_id_is_refused() {
    for text in ["", "1", "+0000000000000000123456789abcdef", "g0000000000000000123456789abcdef", "é"] {
        assert_eq!(BootId::parse(text), Err(BootIdError), "{text}");
    }
}

#[test]
fn fresh_boot_ids_differ() {
    assert_ne!(BootId::fresh().unwrap(), BootId::fresh().unwrap());
}

#[test]
fn a_hash_comes_back_from_its_text() {
    let hash = Digest(std::array::from_fn(|index| u8::try_from(index * 7).unwrap()));
    assert_eq!(Digest::parse(&hash.to_string()), Some(hash));
    for text in ["", "0", &"é".repeat(32), &"+0".repeat(32)] {
        assert_eq!(Digest::parse(text), None, "{text}");
    }
}
