//! Keeping and putting back: what differs, what comes back, and where the rest goes.

use std::fs;
use std::path::Path;

use super::{Difference, aside, differences, keep, restore};
use crate::home::Home;

fn write(home: &Home, name: &str, text: &str) {
    let path = home.root().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    home.create().expect("made");
    (folder, home)
}

#[test]
fn before_a_kernel_was_at_rest_there_is_nothing_to_put_back() {
    let (_folder, home) = home();
    assert!(differences(&home).is_err());
    keep(&home).expect("kept");
    assert_eq!(differences(&home).expect("kept"), []);
}

#[test]
fn what_changed_went_or_came_is_put_back_and_the_rest_is_set_aside() {
    let (_folder, home) = home();
    write(&home, "config.yaml", "good");
    write(&home, "permissions.yaml", "approved");
    write(&home, "config.d/90-set.yaml", "set");
    keep(&home).expect("kept");
    write(&home, "config.yaml", "[bad");
    fs::remove_file(home.permissions()).expect("removed");
    write(&home, "config.d/95-more.yaml", "more");
    let found = differences(&home).expect("kept");
    let words: Vec<_> = found.iter().map(|(name, what)| (name.to_str().expect("plain"), *what)).collect();
    let expected = [
        ("config.d/95-more.yaml", Difference::New),
        ("config.yaml", Difference::Changed),
        ("permissions.yaml", Difference::Gone),
    ];
    assert_eq!(words, expected);
    restore(&home, &found).expect("restored");
    assert_eq!(differences(&home).expect("kept"), []);
    let now = ["config.yaml", "permissions.yaml", "config.d/90-set.yaml", "config.d/95-more.yaml"];
    let now = now.map(|name| text(&home.root().join(name)));
    let good = ["good", "approved", "set"].map(|text| Some(text.to_owned()));
    assert_eq!((&now[..3], &now[3]), (&good[..], &None));
    assert_eq!(text(&aside(&home).join("config.yaml")).as_deref(), Some("[bad"));
    assert_eq!(text(&aside(&home).join("config.d/95-more.yaml")).as_deref(), Some("more"));
}

#[test]
fn what_is_kept_follows_the_files() {
    let (_folder, home) = home();
    write(&home, "config.d/1.yaml", "one");
    keep(&home).expect("kept");
    fs::remove_file(home.root().join("config.d/1.yaml")).expect("removed");
    write(&home, "config.yaml", "two");
    keep(&home).expect("kept");
    assert_eq!(differences(&home).expect("kept"), []);
}
