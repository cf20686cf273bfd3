//! Lists of any names come back, and what leads out of a home is refused.

use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;

use super::*;

fn file(path: PathBuf) -> Listed {
    let stamp = Stamp { bytes: 3, modified_ns: 5, changed_ns: 6, inode: 7, device: 8 };
    let content = FileRef { root: ChunkId::of(b"abc"), depth: 0, bytes: 3 };
    Listed { path, mode: 0o640, modified_ns: 5, content: Content::File(content), stamp: Some(stamp) }
}

#[test]
fn every_kind_of_place_comes_back() {
    let plain = |path: &str, content| Listed {
        path: PathBuf::from(path),
        mode: 0o755,
        modified_ns: -1,
        content,
        stamp: None,
    };
    let files = vec![
        plain("modules", Content::Folder),
        plain("modules/a", Content::Link(PathBuf::from("../../elsewhere"))),
        file(PathBuf::from("modules/b")),
        Listed { stamp: None, modified_ns: 9, ..file(PathBuf::from("modules/c")) },
    ];
    assert_eq!(parse(&to_bytes(&files)), Some(files));
}

#[test]
fn paths_out_of_the_home_and_out_of_order_are_refused() {
    for path in ["/etc/passwd", "../up", "a/../../b", ""] {
        assert_eq!(parse(&to_bytes(&[file(PathBuf::from(path))])), None, "{path}");
    }
    let (one, other) = (file(PathBuf::from("a")), file(PathBuf::from("b")));
    assert_eq!(parse(&to_bytes(&[other, one.clone()])), None);
    assert_eq!(parse(&to_bytes(&[one.clone(), one])), None);
}

proptest! {
    #[test]
    fn any_name_survives_as_text(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let name = OsStr::from_bytes(&bytes);
        prop_assert_eq!(unescaped(&escaped(name)).unwrap(), name);
    }

    #[test]
    fn no_bytes_make_a_list_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
}
