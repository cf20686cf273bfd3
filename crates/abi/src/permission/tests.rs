//! Sets of permissions: what is in, what is missing, and how they read.

use alloc::string::{String, ToString};

use super::{PermissionKind, Permissions};

fn set(values: &[(PermissionKind, &str)]) -> Permissions {
    let mut permissions = Permissions::default();
    for (kind, value) in values {
        permissions.of_mut(*kind).insert(String::from(*value));
    }
    permissions
}

#[test]
fn the_same_text_of_another_kind_is_another_permission() {
    let read = set(&[(PermissionKind::Read, "data")]);
    let write = set(&[(PermissionKind::Write, "data")]);
    assert!(!read.is_subset(&write));
    assert!(!read.intersects(&write));
    assert_eq!(read.minus(&write), read);
}

#[test]
fn what_is_missing_and_what_is_there_make_the_whole() {
    let wanted = set(&[(PermissionKind::Net, "a:1"), (PermissionKind::Run, "git")]);
    let has = set(&[(PermissionKind::Net, "a:1"), (PermissionKind::Env, "HOME")]);
    let missing = wanted.minus(&has);
    assert_eq!(missing, set(&[(PermissionKind::Run, "git")]));
    let mut whole = wanted.minus(&missing);
    whole.extend(&missing);
    assert_eq!(whole, wanted);
}

#[test]
fn a_set_reads_in_the_order_of_kinds() {
    let both = set(&[(PermissionKind::Read, "b"), (PermissionKind::Read, "a"), (PermissionKind::Net, "h:1")]);
    assert_eq!(both.to_string(), "net h:1, read a, read b");
    assert_eq!(Permissions::default().to_string(), "nothing");
}

#[test]
fn every_kind_is_found_by_its_word() {
    for kind in PermissionKind::ALL {
        assert_eq!(PermissionKind::from_word(kind.as_str()), Some(kind));
    }
    assert_eq!(PermissionKind::from_word("ffi"), None);
}

#[test]
fn wildcards_are_refused_where_they_would_hand_over_everything() {
    let refused = |kind: PermissionKind, value: &str| kind.refusal(value).is_some();
    assert!(refused(PermissionKind::Env, "AWS_*"));
    assert!(refused(PermissionKind::Secrets, "db.*"));
    assert!(refused(PermissionKind::Secrets, ""));
    assert!(!refused(PermissionKind::Secrets, "db.password"));
    for good in ["session:chat", "session:*", "session:chat.*", "module:web", "module:*"] {
        assert!(!refused(PermissionKind::Context, good), "{good}");
    }
    for bad in ["*", "chat", "session:", "session*", "session:chat*", "user:web", "module:a*b", "session:*x"]
    {
        assert!(refused(PermissionKind::Context, bad), "{bad}");
    }
}
