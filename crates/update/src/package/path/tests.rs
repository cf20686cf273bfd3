//! Names: what may be one and what may not.

use proptest::prelude::*;

use super::*;

#[test]
fn ordinary_names_are_taken() {
    let part = "x".repeat(100);
    for name in
        ["module.json", "lib/a-b_c.d/e f", "zażółć", ".hidden", "...", part.as_str(), "a/b/c/d/e/f/g/h"]
    {
        assert_eq!(PackedPath::parse(name).unwrap().as_str(), name);
    }
}

#[test]
fn names_that_lead_elsewhere_or_look_like_others_are_refused() {
    let (long, deep) = (["x"; 121].join("y/"), ["x"; 17].join("/"));
    let part = "x".repeat(101);
    let cases = [
        ("/etc/passwd", PathFlaw::Absolute),
        ("/", PathFlaw::Absolute),
        ("..", PathFlaw::Up),
        ("a/../b", PathFlaw::Up),
        ("a/..", PathFlaw::Up),
        ("", PathFlaw::Empty),
        (".", PathFlaw::Empty),
        ("./a", PathFlaw::Empty),
        ("a//b", PathFlaw::Empty),
        ("a/", PathFlaw::Empty),
        ("a\0b", PathFlaw::Character),
        ("a\nb", PathFlaw::Character),
        ("a\\b", PathFlaw::Character),
        ("a\u{202e}b", PathFlaw::Character),
        ("a\u{200b}", PathFlaw::Character),
        (long.as_str(), PathFlaw::TooLong),
        (deep.as_str(), PathFlaw::TooLong),
        (part.as_str(), PathFlaw::TooLong),
    ];
    for (name, flaw) in cases {
        assert_eq!(PackedPath::parse(name), Err(flaw), "{name:?}");
    }
}

#[test]
fn a_file_is_no_folder_of_another() {
    let path = |text: &str| PackedPath::parse(text).unwrap();
    assert!(path("a").is_folder_of(&path("a/b")));
    assert!(!path("a").is_folder_of(&path("ab")));
    assert!(!path("a").is_folder_of(&path("a")));
}

proptest! {
    #[test]
    fn whatever_is_taken_stays_below_its_folder(text in "[./a-c\\\\\u{0}-\u{20}]{0,40}") {
        if let Ok(path) = PackedPath::parse(&text) {
            let mut parts = std::path::Path::new(path.as_str()).components();
            prop_assert!(parts.all(|part| matches!(part, std::path::Component::Normal(_))));
        }
    }
}
