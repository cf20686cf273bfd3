//! The hash is the one that the table in the file says, and every part of a record counts.

use expect_test::expect;
use sha2::{Digest as _, Sha256};

use super::*;

fn link() -> Link<'static> {
    Link {
        prev: Digest([3; 32]),
        seq: 7,
        wall_ms: 1_700_000_000_123,
        boot: BootId(0x0102),
        code: "module.ready",
        module: Some("chatty"),
        generation: Some(4),
        facts: r#"{"after_ms":40}"#,
    }
}

/// The encoding written down once more, by hand, from the table.
fn bytes_by_the_table() -> Vec<u8> {
    let mut bytes = b"ostoja journal record 1\n".to_vec();
    bytes.extend([3; 32]);
    bytes.extend(7_u64.to_be_bytes());
    bytes.extend(1_700_000_000_123_u64.to_be_bytes());
    bytes.extend(0x0102_u128.to_be_bytes());
    bytes.extend(b"\x00\x00\x00\x0cmodule.ready");
    bytes.extend(b"\x01\x00\x00\x00\x06chatty");
    bytes.extend(b"\x01\x00\x00\x00\x00\x00\x00\x00\x04");
    bytes.extend(b"\x00\x00\x00\x0f{\"after_ms\":40}");
    bytes
}

#[test]
fn the_hash_is_the_one_of_the_documented_bytes() {
    assert_eq!(link().hash().0, <[u8; 32]>::from(Sha256::digest(bytes_by_the_table())));
    // Journals that exist were written with this encoding: another number here makes all of them broken.
    expect!["91dc0923"].assert_eq(&link().hash().to_string()[..8]);
}

#[test]
fn every_part_changes_the_hash() {
    let changed = [
        Link { prev: Digest::NONE, ..link() },
        Link { seq: 8, ..link() },
        Link { wall_ms: 0, ..link() },
        Link { boot: BootId(1), ..link() },
        Link { code: "module.read", ..link() },
        Link { module: None, ..link() },
        Link { module: Some(""), ..link() },
        Link { generation: None, ..link() },
        Link { generation: Some(0), ..link() },
        Link { facts: "{}", ..link() },
        // Letters that change sides between two parts are a change too.
        Link { code: "module.readyc", module: Some("hatty"), ..link() },
    ];
    for (index, link_changed) in changed.iter().enumerate() {
        assert_ne!(link_changed.hash(), link().hash(), "change {index}");
    }
}
