//! The list is one that can be built: each check has its file, and each name is its own.

use std::collections::BTreeSet;

use super::{CHECKS, Form, Runs};
use crate::shell;

#[test]
fn every_check_has_a_name_of_its_own_and_runs_somewhere() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    assert!(CHECKS.iter().all(|check| !check.forms.is_empty() && check.seconds > 0));
}

#[test]
fn every_form_has_a_word_of_its_own_and_checks_of_its_own_kind() {
    let words: BTreeSet<&str> = Form::ALL.iter().map(|form| form.as_str()).collect();
    assert_eq!(words.len(), Form::ALL.len());
    for form in Form::ALL {
        // Each begins by showing that the guest is what its form says.
        let first = CHECKS.iter().find(|check| check.forms.contains(&form)).expect("one at least");
        assert_eq!(first.name, "facts");
    }
}

#[test]
fn scripts_and_their_list_are_the_same() {
    let listed: BTreeSet<String> = CHECKS
        .iter()
        .filter(|check| check.runs == Runs::Script)
        .map(|check| format!("{}.py", check.name))
        .collect();
    let folder = shell::root().join("conformance/guest/checks");
    let found: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the checks lie there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        // What the checks share is no check.
        .filter(|name| name.ends_with(".py") && name != "guest.py")
        .collect();
    assert_eq!(listed, found);
}
