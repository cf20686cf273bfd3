//! The doctor sees what is wrong with a home, and nothing wrong with a good one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sandbox::probe::Report;
use sandbox::{Layer, Proof};

use super::{Condition, bounds_finding, examine, findings_of, home_findings, pressure_finding};
use crate::Home;

fn condition_of(findings: &[super::Finding], name: &str) -> Option<Condition> {
    findings.iter().find(|finding| finding.name == name).map(|finding| finding.condition)
}

#[test]
fn a_fresh_private_folder_is_good() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    let findings = home_findings(home.path());
    assert_eq!(condition_of(&findings, "folder"), Some(Condition::Good));
    assert_eq!(condition_of(&findings, "journal"), None);
}

#[test]
fn a_folder_that_others_can_write_is_bad_and_the_help_says_what_to_do() {
    let home = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    let findings = home_findings(home.path());
    let folder = findings.iter().find(|finding| finding.name == "folder").expect("it is looked at");
    assert_eq!(folder.condition, Condition::Bad);
    assert!(folder.help.starts_with("chmod go-w "), "{}", folder.help);
}

#[test]
fn a_missing_home_is_absent_and_not_made() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let home = parent.path().join("none");
    assert_eq!(condition_of(&home_findings(&home), "folder"), Some(Condition::Absent));
    assert!(!home.exists());
}

#[test]
fn a_journal_that_is_no_database_is_bad() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let journal = Home::at(home.path()).journal();
    fs::create_dir_all(journal.parent().expect("it lies in a folder")).expect("it is ours");
    fs::write(journal, b"this is no database, and long enough to be seen as none").expect("it is ours");
    assert_eq!(condition_of(&home_findings(home.path()), "journal"), Some(Condition::Bad));
}

#[test]
fn every_layer_and_a_shell_are_looked_at() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let findings = examine(home.path());
    let layers =
        findings.iter().filter(|finding| finding.area == "containment" && finding.name != "level").count();
    assert_eq!(layers, Layer::ALL.len());
    assert_eq!(condition_of(&findings, "sh"), Some(Condition::Good));
}

/// What is said and advised about a layer when these do not work.
fn advised(layer: Layer, lacking: &[Layer]) -> (Condition, String) {
    let proof = |layer: Layer| match lacking.contains(&layer) {
        true => Proof::Missing("no new root: Invalid argument".to_owned()),
        false => Proof::Works,
    };
    let report = Report::of(Layer::ALL.into_iter().map(|layer| (layer, proof(layer))).collect());
    let findings = findings_of(&report);
    let found = findings.iter().find(|finding| finding.name == layer.as_str()).expect("every layer is told");
    (found.condition, found.help.clone())
}

#[test]
fn who_has_user_namespaces_is_not_told_to_allow_them() {
    let (condition, help) = advised(Layer::MountNamespace, &[Layer::MountNamespace]);
    assert_eq!(condition, Condition::Weak);
    assert!(help.contains("switch_root") && !help.contains("sysctl"), "{help}");
    let (_, help) = advised(Layer::PidNamespace, &[Layer::PidNamespace]);
    assert_eq!(help, "");
    for layer in [Layer::MountNamespace, Layer::PidNamespace, Layer::UserNamespace] {
        let (_, help) = advised(layer, &[layer, Layer::UserNamespace]);
        assert!(help.contains("sysctl"), "{layer}: {help}");
    }
}

#[test]
fn who_keeps_bounds_here_is_said_and_what_to_do_where_nobody_does() {
    let told = |found| {
        let finding = bounds_finding(found);
        (finding.condition, finding.seen, finding.help.is_empty())
    };
    let all = vec!["cpu", "memory", "pids"];
    let expected = (Condition::Good, "cgroup v1 (cpu, memory, pids)".to_owned(), true);
    assert_eq!(told(Some(("cgroup v1", all))), expected);
    let part = told(Some(("cgroup v2", vec!["cpu", "pids"])));
    assert_eq!(part, (Condition::Weak, "cgroup v2 (cpu, pids)".to_owned(), false));
    assert_eq!(told(None), (Condition::Weak, "rlimits and sampling".to_owned(), false));
}

#[test]
fn whether_the_system_tells_its_pressure_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(pressure_finding(folder.path()).condition, Condition::Absent);
    for name in ["cpu", "memory"] {
        fs::write(folder.path().join(name), "some avg10=0.00\n").expect("written");
    }
    assert_eq!(pressure_finding(folder.path()).condition, Condition::Good);
}
