//! Releases: read as they are written, and nothing else.

use super::*;

#[test]
fn a_release_is_read_as_it_is_written() {
    let file = |path: &str, rights| ReleaseFile {
        path: PackedPath::parse(path).unwrap(),
        rights,
        content: FileRef { root: ChunkId::of(path.as_bytes()), depth: 0, bytes: 5 },
    };
    let files = vec![file("module.json", Rights::Plain), file("run", Rights::Executable)];
    let release = Release { version: Version::new(1, 0, 0), files };
    let text = release.to_json();
    assert_eq!(Release::parse(&text), Ok(release));
    let text = String::from_utf8(text).unwrap();
    for (from, to) in [
        ("\"run\"", "\"../run\""),
        ("\"run\"", "\"a\""),
        ("1.0.0", "one"),
        ("\"depth\":0", "\"depth\":9"),
        ("\"bytes\":5", "\"bytes\":0"),
        ("\"version\"", "\"x\":1,\"version\""),
    ] {
        assert_eq!(Release::parse(text.replace(from, to).as_bytes()), Err(ReleaseFlaw), "{to}");
    }
}
