//! A seal holds for these bytes in this place under this key, and for nothing else.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use abi::Explain;

use super::*;

fn key() -> Key {
    Key([7; KEY_BYTES])
}

#[test]
fn what_was_sealed_comes_back() {
    let file = key().seal("a/b", b"body");
    assert_eq!(key().unseal("a/b", &file), Some(&b"body"[..]));
    assert_eq!(file.len(), SEAL_BYTES + 4);
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let file = key().seal("a/b", b"some compiled code");
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(key().unseal("a/b", &changed), None, "bit {bit} of byte {at}");
        }
        assert_eq!(key().unseal("a/b", &file[..at]), None, "cut to {at}");
    }
    let longer = [file.as_slice(), b"\0"].concat();
    assert_eq!(key().unseal("a/b", &longer), None);
}

#[test]
fn a_seal_of_another_place_or_another_key_does_not_hold() {
    let file = key().seal("a/b", b"body");
    assert_eq!(key().unseal("a/c", &file), None);
    // The same bytes, split elsewhere.
    assert_eq!(key().unseal("a/bb", &key().seal("a/b", b"bbody")[..]), None);
    assert_eq!(Key([8; KEY_BYTES]).unseal("a/b", &file), None);
}

#[test]
fn a_key_is_made_once_and_only_its_user_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let first = Key::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(Key::open(&path).unwrap().0, first.0);
    assert_ne!(first.0, [0; KEY_BYTES]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
}

#[test]
fn many_who_open_at_once_get_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let first = Key::open(&path).unwrap();
    // Whoever comes second makes its own key aside, and finds that the first one stays.
    Key::make(&path).unwrap();
    assert_eq!(Key::open(&path).unwrap().0, first.0);
}

#[test]
fn a_key_that_others_can_read_or_that_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let why = |path: &Path| match Key::open(path).unwrap_err() {
        FunctionError::Key { why, .. } => why,
        other => panic!("{other}"),
    };
    Key::open(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(why(&path), "others can read or write it");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, [1; 31]).unwrap();
    assert_eq!(why(&path), "it does not have 32 bytes");
    fs::write(&path, [1; 33]).unwrap();
    assert_eq!(why(&path), "it does not have 32 bytes");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_eq!(why(&path), "it can't be opened as a plain file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = Key::open(&path).unwrap_err();
    assert_eq!(error.code(), "wasm::function::key");
    assert!(error.help().unwrap().contains("chmod 600"));
}
