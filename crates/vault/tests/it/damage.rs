//! Files that are not as they were sealed: every byte changed, every cut, and bytes that nobody sealed.

use std::fs;

use abi::Explain;
use proptest::prelude::*;
use vault::{Key, SECRET_BYTES_MAX, SECRETS_MAX, Secret, SecretName, Vault, VaultError};

use crate::life::{Ground, secret};

#[test]
fn every_changed_byte_is_noticed() {
    let ground = Ground::new();
    ground.set("a", "value").expect("it is kept");
    let sound = fs::read(ground.path()).expect("the vault");
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 0x40;
        fs::write(ground.path(), &changed).expect("written");
        let error = ground.read("a").expect_err("it was changed");
        let code = error.code();
        let is_told = matches!(
            code,
            "vault::open::foreign"
                | "vault::open::form"
                | "vault::open::wrong_key"
                | "vault::open::tampered"
                | "vault::key::missing"
        );
        assert!(is_told, "byte {at}: {code}");
    }
    fs::write(ground.path(), &sound).expect("written");
    assert_eq!(ground.read("a").expect("it opens"), "value");
}

#[test]
fn a_changed_body_is_tampered_with_and_a_changed_check_is_a_wrong_key() {
    let ground = Ground::new();
    ground.set("a", "value").expect("it is kept");
    let sound = fs::read(ground.path()).expect("the vault");
    let code_of = |at: usize| {
        let mut changed = sound.clone();
        changed[at] ^= 1;
        fs::write(ground.path(), &changed).expect("written");
        ground.read("a").expect_err("it was changed").code()
    };
    assert_eq!(code_of(sound.len() - 1), "vault::open::tampered");
    assert_eq!(code_of(sound.len() - 30), "vault::open::tampered");
    // After magic, form, lock, cost, salt and id comes the check of the key.
    assert_eq!(code_of(13 + 2 + 12 + 16 + 16), "vault::open::wrong_key");
    // The salt means nothing for a key file, and is authenticated all the same.
    assert_eq!(code_of(13 + 2 + 12), "vault::open::tampered");
}

#[test]
fn every_cut_is_told_as_one_or_as_a_change() {
    let ground = Ground::new();
    ground.set("a", "value").expect("it is kept");
    let sound = fs::read(ground.path()).expect("the vault");
    for end in 0..sound.len() {
        fs::write(ground.path(), &sound[..end]).expect("written");
        let code = ground.read("a").expect_err("it is cut").code();
        let expected: &[&str] = match end {
            0 => &["vault::open::foreign"],
            // Whole but for its end, a file looks like one whose end was changed.
            _ => &["vault::open::truncated", "vault::open::tampered"],
        };
        assert!(expected.contains(&code), "{end}: {code}");
    }
    fs::write(ground.path(), &sound[..sound.len() / 2]).expect("written");
    assert_eq!(ground.read("a").expect_err("it is cut").code(), "vault::open::truncated");
}

#[test]
fn a_file_that_asks_for_too_much_work_is_refused_before_it_is_done() {
    let ground = Ground::new();
    ground.set("a", "value").expect("it is kept");
    let mut file = fs::read(ground.path()).expect("the vault");
    file[14] = 1;
    file[15..19].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(vault::Header::parse(&file), Err(VaultError::Cost { .. })));
}

#[test]
fn names_values_and_their_number_have_bounds() {
    let fits = Secret::new("x".repeat(SECRET_BYTES_MAX));
    assert!(fits.is_ok());
    let long = Secret::new("x".repeat(SECRET_BYTES_MAX + 1));
    assert!(matches!(long, Err(VaultError::TooLong { found }) if found == SECRET_BYTES_MAX + 1));
    for bad in ["", "a b", "-a", "a/b", "a\nb"] {
        assert!(matches!(SecretName::parse(bad), Err(VaultError::Name { .. })), "{bad:?}");
    }
    let ground = Ground::new();
    ground.set("a", "1").expect("it is kept");
    let bytes = fs::read(ground.path()).expect("the vault");
    let key = ground
        .places
        .key(&vault::Header::parse(&bytes).expect("whole"), vault::Opener::Files)
        .expect("a key");
    let mut vault = Vault::open(&bytes, &key).expect("it opens");
    for number in 1..SECRETS_MAX {
        vault
            .set(SecretName::parse(&format!("s{number}")).expect("a name"), secret("1"), 0)
            .expect("there is room");
    }
    let more = vault.set(SecretName::parse("more").expect("a name"), secret("1"), 0);
    assert!(matches!(more, Err(VaultError::Full)));
    vault.set(SecretName::parse("s1").expect("a name"), secret("2"), 0).expect("it was there");
    let again = Vault::open(&vault.seal(&key).expect("sealed"), &key).expect("it opens");
    assert_eq!(again.rows(), vault.rows());
    for number in 1..100 {
        let name = SecretName::parse(&format!("s{number}")).expect("a name");
        vault.set(name, secret(&"x".repeat(SECRET_BYTES_MAX)), 0).expect("it was there");
    }
    assert!(matches!(vault.seal(&key), Err(VaultError::Full)));
}

proptest! {
    #[test]
    fn bytes_that_nobody_sealed_never_open_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        let mut file = if magic { b"ostoja-vault\n\x01".to_vec() } else { Vec::new() };
        file.extend(bytes);
        prop_assert!(Vault::open(&file, &Key::fresh().expect("chance")).is_err());
    }
}
