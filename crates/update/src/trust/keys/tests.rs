//! Keys: written as they are read, and never shown.

use super::*;

#[test]
fn a_key_is_written_as_it_is_read() {
    let key = SigningKey::from_seed([7; 32]).unwrap();
    let read = SigningKey::parse(&key.to_secret_json()).unwrap();
    assert_eq!(read.public(), key.public());
    assert_eq!(PublicKey::parse(&key.public().to_string()), Ok(key.public()));
    assert_eq!(key.public().id().to_string().len(), 64);
}

#[test]
fn the_public_half_is_the_published_one() {
    // RFC 8032, section 7.1, test 1.
    let seed = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
    let key = SigningKey::from_seed(seed).unwrap();
    assert_eq!(key.public().to_string(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

#[test]
fn a_private_key_is_never_shown() {
    let key = SigningKey::from_seed([0xab; 32]).unwrap();
    assert!(!format!("{key:?}").contains("abab"));
}

#[test]
fn a_text_that_is_no_key_is_refused() {
    let text = String::from_utf8(SigningKey::from_seed([1; 32]).unwrap().to_secret_json()).unwrap();
    let refused = |from: &str, to: &str| SigningKey::parse(text.replace(from, to).as_bytes()).unwrap_err();
    assert_eq!(refused("ed25519", "rsa"), KeyFlaw::File);
    assert_eq!(refused("\"kind\"", "\"sort\""), KeyFlaw::File);
    assert_eq!(refused(&"01".repeat(32), "01"), KeyFlaw::Hex);
    assert_eq!(refused(&"01".repeat(32), &"02".repeat(32)), KeyFlaw::Digits);
    assert_eq!(PublicKey::parse("xyz"), Err(KeyFlaw::Hex));
}
