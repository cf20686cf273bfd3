//! What is shown where, and with which freedom.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::works::Step;
use super::of;
use crate::confinement::{Access, PathRule};

/// A folder with a real path, and some files in it.
fn ground() -> (tempfile::TempDir, PathBuf) {
    let held = tempfile::tempdir().expect("a temporary folder");
    let root = held.path().canonicalize().expect("it is there");
    for folder in ["a/inner", "b"] {
        std::fs::create_dir_all(root.join(folder)).expect("it is ours");
    }
    std::fs::write(root.join("a/file"), "").expect("it is ours");
    symlink("a", root.join("link")).expect("it is ours");
    (held, root)
}

fn rule(path: PathBuf, access: Access) -> PathRule {
    PathRule { path, access }
}

/// The steps that say something about this folder, without its own path.
fn steps(root: &Path, rules: &[PathRule], cwd: &Path) -> Vec<String> {
    let text = root.to_str().expect("temporary folders have plain names");
    let plan = of(rules, cwd).expect("there is something to hide");
    let told = plan.steps.iter().map(|step| match step {
        Step::Folder(path) => format!("folder {}", path.to_string_lossy()),
        Step::File(path) => format!("file {}", path.to_string_lossy()),
        Step::Link { target, at } => format!("link {} {}", at.to_string_lossy(), target.to_string_lossy()),
        Step::Show { at, attributes, .. } => format!("show {} {attributes}", at.to_string_lossy()),
        Step::Memory { .. } | Step::Cover { .. } => String::new(),
    });
    let below = format!("{text}/");
    told.filter(|line| line.contains(&below)).map(|line| line.replace(&below, "")).collect()
}

#[test]
fn a_part_gets_a_place_and_no_more_freedom_than_was_granted() {
    let (_held, root) = ground();
    let rules = [rule(root.join("a"), Access::Read), rule(root.join("b"), Access::Write)];
    assert_eq!(steps(&root, &rules, Path::new("/")), ["folder a", "show a 15", "folder b", "show b 14"]);
    let file = [rule(root.join("a/file"), Access::ReadExecute)];
    assert_eq!(steps(&root, &file, Path::new("/")), ["folder a", "file a/file", "show a/file 7"]);
}

#[test]
fn what_lies_in_a_part_is_shown_again_only_with_more_freedom() {
    let (_held, root) = ground();
    let same = [rule(root.join("a"), Access::Read), rule(root.join("a/inner"), Access::Read)];
    assert_eq!(steps(&root, &same, Path::new("/")), ["folder a", "show a 15"]);
    let more = [rule(root.join("a"), Access::ReadExecute), rule(root.join("a/inner"), Access::Write)];
    assert_eq!(steps(&root, &more, Path::new("/")), ["folder a", "show a 7", "show a/inner 6"]);
    let less = [rule(root.join("a"), Access::WriteExecute), rule(root.join("a/inner"), Access::Read)];
    assert_eq!(steps(&root, &less, Path::new("/")), ["folder a", "show a 6"]);
}

#[test]
fn a_link_is_made_again_and_what_it_leads_to_is_shown() {
    let (_held, root) = ground();
    let rules = [rule(root.join("link/inner"), Access::Read)];
    let expected = ["folder a", "folder a/inner", "show a/inner 15", "link link a"];
    assert_eq!(steps(&root, &rules, Path::new("/")), expected);
}

#[test]
fn what_is_not_there_is_not_shown_and_a_loop_of_links_ends() {
    let (_held, root) = ground();
    symlink("round", root.join("round")).expect("it is ours");
    let rules = [rule(root.join("none"), Access::Read), rule(root.join("round/x"), Access::Read)];
    assert_eq!(steps(&root, &rules, Path::new("/")), ["link round round"]);
}

#[test]
fn a_working_folder_has_a_place_without_what_is_in_it() {
    let (_held, root) = ground();
    assert_eq!(steps(&root, &[], &root.join("a")), ["folder a"]);
    assert_eq!(steps(&root, &[], &root.join("none")), Vec::<String>::new());
}

#[test]
fn the_whole_machine_can_not_be_hidden() {
    assert_eq!(of(&[rule("/".into(), Access::Read)], Path::new("/")), None);
    assert_eq!(of(&[rule("/usr/..".into(), Access::Read)], Path::new("/")), None);
}
