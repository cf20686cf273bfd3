//! The head file comes back as it was written, and nothing else passes for one.

use super::*;

const HEAD: Head = Head { count: 42, hash: Digest([0xab; 32]) };

#[test]
fn a_head_comes_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = head_path(&folder.path().join("journal.db"));
    assert_eq!(read_head(&path).unwrap(), HeadFile::Missing);
    write_head(&path, Head::EMPTY).unwrap();
    assert_eq!(read_head(&path).unwrap(), HeadFile::Sealed(Head::EMPTY));
    write_head(&path, HEAD).unwrap();
    assert_eq!(read_head(&path).unwrap(), HeadFile::Sealed(HEAD));
    assert_eq!(path.file_name().unwrap(), "journal.head");
}

#[test]
fn anything_else_is_garbled() {
    let hash = "ab".repeat(32);
    let zeros = "00".repeat(32);
    let garbled = [
        String::new(),
        format!("{MARK} 42 {hash}"),
        format!("{MARK} 42 {hash} \n"),
        format!("{MARK} 42\n"),
        format!("{MARK} -1 {hash}\n"),
        format!("{MARK} 42 {hash}ab\n"),
        format!("{MARK} 42 {}\n", hash.replace('a', "g")),
        format!("ostoja-journal-head-2 42 {hash}\n"),
        format!("{MARK} 0 {hash}\n"),
        format!("{MARK} 42 {zeros}\n"),
        format!("{MARK} {} {hash}\n", SEQ_MAX + 1),
        "x".repeat(100_000),
    ];
    for text in garbled {
        assert_eq!(parse(text.as_bytes()), None, "{text:.80}");
    }
    assert_eq!(parse(b"\xff\xff\n"), None);
    assert_eq!(parse(format!("{MARK} 42 {hash}\n").as_bytes()), Some(HEAD));
}

#[test]
fn a_head_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read_head(folder.path()), Err(JournalError::ReadHead { .. })));
}
