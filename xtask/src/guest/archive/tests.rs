//! The bytes of an archive, field by field.

use super::{Archive, Entry};

fn written(archive: &Archive) -> Vec<u8> {
    let mut bytes = Vec::new();
    archive.write(&mut bytes).expect("memory can be written");
    bytes
}

/// Name, mode and content of each member, read as the format says.
fn members(bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
    let field = |at: usize, number: usize| {
        let text = std::str::from_utf8(&bytes[at + 6 + number * 8..at + 14 + number * 8]).expect("digits");
        u32::from_str_radix(text, 16).expect("a number")
    };
    let aligned = |at: usize| at.next_multiple_of(4);
    let (mut at, mut found) = (0, Vec::new());
    loop {
        assert_eq!(&bytes[at..at + 6], b"070701", "a header at {at}");
        let (mode, size, name_size) = (field(at, 1), field(at, 6) as usize, field(at, 11) as usize);
        let name = String::from_utf8(bytes[at + 110..at + 110 + name_size - 1].to_vec()).expect("a name");
        let content = aligned(at + 110 + name_size);
        if name == "TRAILER!!!" {
            assert_eq!(aligned(content + size), bytes.len(), "nothing follows");
            return found;
        }
        found.push((name, mode, bytes[content..content + size].to_vec()));
        at = aligned(content + size);
    }
}

#[test]
fn folders_come_before_what_is_in_them() {
    let mut archive = Archive::default();
    archive.put("/usr/bin/sh", Entry::File { bytes: b"echo".to_vec(), mode: 0o755 });
    archive.put("/bin", Entry::Link("usr/bin".to_owned()));
    let names: Vec<String> = members(&written(&archive)).into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names, ["bin", "usr", "usr/bin", "usr/bin/sh"]);
}

#[test]
fn kinds_rights_and_contents_are_kept() {
    let mut archive = Archive::default();
    archive.put("/a", Entry::File { bytes: b"12345".to_vec(), mode: 0o600 });
    archive.put("/b", Entry::Link("a".to_owned()));
    archive.put("/c", Entry::Folder);
    let wanted = [
        ("a".to_owned(), 0o100_600, b"12345".to_vec()),
        ("b".to_owned(), 0o120_777, b"a".to_vec()),
        ("c".to_owned(), 0o040_755, Vec::new()),
    ];
    assert_eq!(members(&written(&archive)), wanted);
}

#[test]
fn contents_of_every_length_are_filled_up() {
    for length in 0..9 {
        let mut archive = Archive::default();
        archive.put("/file", Entry::File { bytes: vec![7; length], mode: 0o644 });
        archive.put("/next", Entry::Folder);
        assert_eq!(members(&written(&archive))[0].2.len(), length);
    }
}

#[test]
fn what_was_put_first_stays() {
    let mut archive = Archive::default();
    archive.put("/lib", Entry::Link("usr/lib".to_owned()));
    archive.put("/lib", Entry::Folder);
    assert!(archive.has("/lib") && !archive.has("/usr"));
    assert_eq!(members(&written(&archive))[0].1, 0o120_777);
}
