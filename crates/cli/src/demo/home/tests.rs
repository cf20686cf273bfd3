//! The demo's folder goes with its value.

use super::PrivateHome;

#[test]
fn it_is_gone_when_removed_and_when_dropped() {
    let home = PrivateHome::create().expect("a temporary folder");
    let path = home.path().to_owned();
    assert!(path.is_dir());
    std::fs::write(path.join("file"), "x").expect("it is ours");
    home.remove().expect("it can be removed");
    assert!(!path.exists());

    let home = PrivateHome::create().expect("a temporary folder");
    let path = home.path().to_owned();
    drop(home);
    assert!(!path.exists());
}

#[test]
fn two_at_once_have_folders_of_their_own() {
    let (one, other) = (PrivateHome::create().expect("a folder"), PrivateHome::create().expect("a folder"));
    assert_ne!(one.path(), other.path());
}
