//! Names that a package may have, and how many are kept.

use axum::http::HeaderValue;

use super::*;

#[test]
fn a_name_is_one_of_a_package_beside_others_and_nothing_else() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    for name in ["shop-1.0.0.okm", "A_b.okm"] {
        assert_eq!(sound(name, &headers), Ok(()), "{name}");
    }
    let long = format!("{}.okm", "a".repeat(NAME_CHARS_MAX));
    for name in
        [".okm", "..okm", "../a.okm", "a/b.okm", "-a.okm", ".a.okm", "a b.okm", "a.okm\0", "a.zip", "", &long]
    {
        assert!(sound(name, &headers).is_err(), "{name}");
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(BYTES_MAX));
    assert_eq!(sound("a.okm", &headers), Ok(()));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(BYTES_MAX + 1));
    assert!(sound("a.okm", &headers).is_err_and(|problem| problem.status == StatusCode::PAYLOAD_TOO_LARGE));
}

fn put_one(folder: &Path, name: &str, pieces: Vec<Option<Bytes>>) -> io::Result<(u64, String)> {
    let (sender, receiver) = channel(WAITING_MAX);
    for piece in pieces {
        sender.try_send(piece).expect("room");
    }
    drop(sender);
    keep(folder, &folder.join(name), receiver)
}

#[test]
fn the_newest_are_kept_and_what_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("packages");
    let whole = || vec![Some(Bytes::from_static(b"abc")), None];
    for number in 0..KEPT_MAX + 3 {
        let (bytes, digest) = put_one(&place, &format!("p{number}.okm"), whole()).expect("kept");
        assert_eq!(bytes, 3);
        assert!(digest.starts_with("ba7816bf"), "{digest}");
    }
    assert!(put_one(&place, "cut.okm", vec![Some(Bytes::from_static(b"abc"))]).is_err());
    let names = || -> Vec<String> {
        let entries = fs::read_dir(&place).expect("there").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names().len(), KEPT_MAX, "{:?}", names());
    assert!(names().contains(&format!("p{}.okm", KEPT_MAX + 2)));
    // The same name again takes no other's place.
    put_one(&place, "p9.okm", whole()).expect("kept");
    assert_eq!(names().len(), KEPT_MAX, "{:?}", names());
    fs::write(place.join(".left"), "").expect("written");
    clear(folder.path());
    assert_eq!(names().len(), KEPT_MAX, "{:?}", names());
}
