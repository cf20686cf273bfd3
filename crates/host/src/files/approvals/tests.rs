//! Approvals: read, changed, and written whole.

use super::*;

fn net(values: &[&str]) -> Permissions {
    Permissions { net: values.iter().map(|value| (*value).to_owned()).collect(), ..Permissions::default() }
}

fn id() -> ModuleId {
    ModuleId::parse("web").expect("a name")
}

fn empty() -> (tempfile::TempDir, Approvals) {
    let folder = tempfile::tempdir().expect("a folder");
    let (approvals, faults) = Approvals::load(&folder.path().join("permissions.yaml")).expect("empty");
    assert!(faults.is_empty());
    (folder, approvals)
}

#[test]
fn what_the_kernel_decided_is_there_after_a_restart() {
    let (_folder, mut approvals) = empty();
    let wish = PendingRequest { id: 77, permissions: net(&["c"]), reason: Some("why".to_owned()) };
    let grants = Grants {
        base: Some(net(&["a"])),
        dynamic: net(&["b"]),
        pending: vec![wish],
        denied: net(&["d"]),
        capabilities: None,
        spawned_before: true,
        forbid: kernel::Forbidden::default(),
        zone: Some(abi::Zone::Stable),
        is_quarantined: true,
    };
    assert_eq!(approvals.keep(&id(), &grants, Wall(1_000)), Change::Decision);
    approvals.to_file().write().expect("saved");
    let (again, faults) = Approvals::load(&approvals.path).expect("readable");
    assert!(faults.is_empty());
    assert_eq!(again.grants(&id()), grants);
}

#[test]
fn a_first_start_is_a_small_change_and_the_same_again_is_none() {
    let (_folder, mut approvals) = empty();
    let grants = Grants { base: Some(net(&["a"])), ..Grants::default() };
    assert_eq!(approvals.keep(&id(), &grants, Wall(1)), Change::Decision);
    let started = Grants { spawned_before: true, ..grants };
    assert_eq!(approvals.keep(&id(), &started, Wall(2)), Change::FirstStart);
    assert_eq!(approvals.keep(&id(), &started, Wall(3)), Change::Nothing);
}

#[test]
fn a_revoked_value_leaves_the_others_with_their_dates() {
    let (_folder, mut approvals) = empty();
    let mut grants = Grants { base: Some(net(&[])), dynamic: net(&["a", "b"]), ..Grants::default() };
    approvals.keep(&id(), &grants, Wall(1_000));
    grants.dynamic = net(&["b", "c"]);
    approvals.keep(&id(), &grants, Wall(2_000));
    let entry = approvals.entry(&id()).expect("stored");
    let times: Vec<_> =
        entry.dynamic.iter().map(|grant| (grant.permissions.clone(), grant.granted_at)).collect();
    assert_eq!(times, [(net(&["b"]), Some(Wall(1_000))), (net(&["c"]), Some(Wall(2_000)))]);
}

#[test]
fn the_saved_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, approvals) = empty();
    approvals.to_file().write().expect("saved");
    let mode = std::fs::metadata(&approvals.path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_is_no_yaml_is_an_error_and_not_an_empty_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("permissions.yaml");
    std::fs::write(&path, "modules: [").expect("written");
    assert!(matches!(Approvals::load(&path), Err(HostError::File(_))));
}

#[test]
fn a_request_of_an_older_store_has_a_number_that_stays() {
    assert_eq!(request_number("00000000-0000-0000-0000-00000000004d"), 77);
    assert_eq!(request_number("req_12"), request_number("req_12"));
    assert_ne!(request_number("req_12"), request_number("req_13"));
}

fn content(name: &str) -> Hashes {
    let hex =
        |text: &str| format!("{:0>64}", text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    Hashes { manifest: hex(name), tree: Some(hex(&format!("{name}+"))) }
}

#[test]
fn going_back_gives_what_was_approved_with_that_content_and_takes_what_came_since() {
    let (_folder, mut approvals) = empty();
    approvals.approve(&id(), &net(&["one"]), &content("one"), Wall(1_000));
    approvals.approve(&id(), &net(&["two"]), &content("two"), Wall(2_000));
    // Granted to the second one at run time.
    let granted = Grants { dynamic: net(&["later"]), ..approvals.grants(&id()) };
    approvals.keep(&id(), &granted, Wall(3_000));
    approvals.to_file().write().expect("saved");
    let (mut approvals, faults) = Approvals::load(&approvals.path).expect("readable");
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(approvals.approved_with(&id(), &content("one")), Some(&net(&["one"])));

    approvals.give_back(&id(), &content("one"));
    let grants = approvals.grants(&id());
    assert_eq!((grants.base, grants.dynamic), (Some(net(&["one"])), net(&[])));
    // The other way: what was taken with the content that it was granted to is not granted by itself.
    approvals.give_back(&id(), &content("two"));
    let grants = approvals.grants(&id());
    assert_eq!((grants.base, grants.dynamic), (Some(net(&["two"])), net(&[])));
    assert_eq!(approvals.entry(&id()).map(|entry| entry.base_granted_at), Some(Some(Wall(2_000))));
    // Content that was never here gets nothing but the binding.
    approvals.give_back(&id(), &content("three"));
    assert_eq!(approvals.grants(&id()).base, Some(net(&["two"])));
}

#[test]
fn what_was_revoked_meanwhile_is_not_given_back_and_few_contents_are_remembered() {
    let (_folder, mut approvals) = empty();
    approvals.approve(&id(), &net(&["one"]), &content("one"), Wall(1_000));
    let granted = Grants { dynamic: net(&["more"]), ..approvals.grants(&id()) };
    approvals.keep(&id(), &granted, Wall(1_000));
    approvals.bind(&id(), &content("two"));
    let revoked = Grants { dynamic: net(&[]), denied: net(&["more"]), ..approvals.grants(&id()) };
    approvals.keep(&id(), &revoked, Wall(2_000));
    approvals.give_back(&id(), &content("one"));
    let grants = approvals.grants(&id());
    assert_eq!((grants.dynamic, grants.denied), (net(&[]), net(&["more"])));
    for number in 0..20 {
        approvals.bind(&id(), &content(&format!("next-{number}")));
    }
    assert_eq!(approvals.entry(&id()).map(|entry| entry.earlier.len()), Some(EARLIER_MAX));
    assert_eq!(approvals.approved_with(&id(), &content("one")), None);
    approvals.bind(&id(), &content("next-19"));
    assert_eq!(
        approvals.entry(&id()).map(|entry| entry.earlier.len()),
        Some(EARLIER_MAX),
        "the same is no other"
    );
}
