//! What is shown where, and with which freedom.

use std::ffi::CStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::super::works::Step;
use super::{Common, Part, common, of};
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

/// A step in a line.
fn told(step: &Step) -> String {
    let text = |path: &CStr| path.to_string_lossy().into_owned();
    match step {
        Step::Folder(path) => format!("folder {}", text(path)),
        Step::File(path) => format!("file {}", text(path)),
        Step::Link { target, at } => format!("link {} {}", text(at), text(target)),
        Step::Show { at, attributes, .. } => format!("show {} {attributes}", text(at)),
        Step::Temporary(path) => format!("temporary {}", text(path)),
        Step::Enclose(path) => format!("enclose {}", text(path)),
        Step::Take { from, .. } => format!("take {}", text(from)),
        Step::Cover { at, .. } => format!("cover {}", text(at)),
    }
}

/// The steps that say something about this folder, without its own path.
fn steps(root: &Path, rules: &[PathRule], cwd: &Path) -> Vec<String> {
    let text = root.to_str().expect("temporary folders have plain names");
    let plan = of(rules, cwd, None).expect("there is something to hide");
    assert!(!plan.on_common);
    let below = format!("{}/", text.trim_start_matches('/'));
    let told = plan.steps.iter().map(told);
    told.filter(|line| line.contains(&below)).map(|line| line.replace(&below, "")).collect()
}

/// A small common root: two folders, a device, a link beside it and one in the root.
fn small() -> Common {
    let part = |path: &str, attributes, is_folder| (path.into(), Part { attributes, is_folder });
    let links = [("/bin", "usr/bin"), ("/dev/fd", "/proc/self/fd")];
    Common {
        rules: vec![rule("/dev/null".into(), Access::Device), rule("/usr".into(), Access::ReadExecute)],
        parts: [part("/dev/null", 10, false), part("/proc", 15, true), part("/usr", 7, true)].into(),
        links: links.map(|(at, to)| (at.into(), to.into())).into(),
    }
}

/// All steps upon the small common root with one rule more; nothing when they don't begin there.
fn beside(own: PathRule, cwd: &Path) -> Option<Vec<String>> {
    let common = small();
    let rules = PathRule::merged([common.rules.clone(), vec![own]].concat());
    let plan = of(&rules, cwd, Some(&common)).expect("there is something to hide");
    plan.on_common.then(|| plan.steps.iter().map(told).collect())
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
    assert_eq!(of(&[rule("/".into(), Access::Read)], Path::new("/"), None), None);
    assert_eq!(of(&[rule("/usr/..".into(), Access::Read)], Path::new("/"), None), None);
}

#[test]
fn common_folders_are_taken_over_whole_and_links_of_the_root_are_made_again() {
    let (_held, root) = ground();
    let text = root.to_str().expect("temporary folders have plain names").trim_start_matches('/');
    let steps = beside(rule(root.join("a"), Access::Read), Path::new("/")).expect("it stands there");
    let below = |line: &String| line.replace(text, "ROOT");
    let (taken, own): (Vec<String>, Vec<String>) =
        steps.iter().map(below).partition(|line| !line.contains("ROOT"));
    let taken_over = [
        "folder dev",
        "take /dev",
        "folder proc",
        "take /proc",
        "folder usr",
        "take /usr",
        "link bin usr/bin",
    ];
    assert_eq!(taken.first().map(String::as_str), Some("temporary tmp"));
    assert!(taken.ends_with(&taken_over.map(str::to_owned)), "{taken:?}");
    assert_eq!(own, ["folder ROOT", "folder ROOT/a", "show ROOT/a 15"]);
}

#[test]
fn a_common_folder_with_something_of_ones_own_is_made_anew_with_the_same_parts() {
    let steps = beside(rule("/dev/full".into(), Access::Device), Path::new("/")).expect("it stands there");
    let (at_dev, _): (Vec<String>, Vec<String>) = steps.into_iter().partition(|line| line.contains("dev"));
    let expected = [
        "folder dev",
        "file dev/null",
        "take /dev/null",
        "link dev/fd /proc/self/fd",
        "file dev/full",
        "show dev/full 10",
    ];
    assert_eq!(at_dev, expected);
}

#[test]
fn a_part_in_a_common_one_is_shown_only_with_less_freedom_than_that_and_needs_no_place() {
    let more = beside(rule("/usr/bin".into(), Access::ReadExecute), Path::new("/")).expect("it stands there");
    assert!(!more.iter().any(|line| line.contains("usr/bin ")), "{more:?}");
    let write =
        beside(rule("/usr/bin".into(), Access::WriteExecute), Path::new("/")).expect("it stands there");
    assert!(write.iter().any(|line| line == "show usr/bin 6"), "{write:?}");
    assert!(!write.contains(&"folder usr/bin".to_owned()), "{write:?}");
}

#[test]
fn what_holds_a_common_part_or_touches_a_secret_does_not_stand_on_the_common_root() {
    for path in ["/usr", "/dev", "/bin/..", "/etc", "/etc/ssl"] {
        assert_eq!(beside(rule(path.into(), Access::Write), Path::new("/")), None, "{path}");
    }
    let other = [rule("/usr".into(), Access::ReadExecute)];
    let plan = of(&other, Path::new("/"), Some(&small())).expect("there is something to hide");
    assert!(!plan.on_common, "a rule of the common root is missing");
}

#[test]
fn a_common_root_has_its_folders_enclosed_and_its_secrets_covered() {
    let rules = [("/dev/null", Access::Device), ("/etc", Access::Read), ("/usr", Access::ReadExecute)];
    let plan = common(rules.map(|(path, access)| rule(path.into(), access)).into()).expect("not all of it");
    let steps: Vec<String> = plan.steps.iter().map(told).collect();
    let at = |line: &str| {
        steps.iter().position(|step| step == line).unwrap_or_else(|| panic!("{line}: {steps:?}"))
    };
    assert!(at("enclose dev") < at("show dev/null 10"));
    assert!(at("show etc 15") < at("cover etc/shadow"), "{steps:?}");
    assert!(!steps.iter().any(|line| line.starts_with("temporary") || line == "enclose usr"), "{steps:?}");
    for folder in ["/", "/dev", "/etc", "/etc/ssl"] {
        assert!(plan.looked.contains(Path::new(folder)), "{folder}");
    }
    assert!(common(vec![rule("/".into(), Access::Read)]).is_none());
}
