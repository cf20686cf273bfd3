//! What a record says comes back, and no byte of it can change unseen.

use super::*;

fn backup() -> Backup {
    let part = Part {
        component: "module/web".to_owned(),
        places: vec![PathBuf::from("modules/web")],
        list: FileRef { root: ChunkId::of(b"list"), depth: 0, bytes: 4 },
        list_hash: ChunkId::of(b"list"),
        files: 2,
        bytes: 30,
        files_read: 1,
        skipped: Skipped::default(),
    };
    Backup { number: 7, at: Wall(1_700_000_000_000), label: Some("before 2.0".to_owned()), parts: vec![part] }
}

#[test]
fn a_record_comes_back_as_it_was_written() {
    assert_eq!(Backup::parse(&backup().to_bytes()), Some(backup()));
}

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let whole = backup().to_bytes();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        // Hex digits in capitals are another text, too.
        assert_eq!(Backup::parse(&bytes), None, "byte {at}");
        assert_eq!(Backup::parse(&whole[..at]), None, "cut at {at}");
    }
}

#[test]
fn a_place_outside_of_the_home_is_none() {
    for place in ["/etc", "../x", "", "a/../../b"] {
        let mut strange = backup();
        strange.parts[0].places = vec![PathBuf::from(place)];
        assert_eq!(Backup::parse(&strange.to_bytes()), None, "{place}");
    }
}
