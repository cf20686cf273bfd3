//! Which imports follow from which grant.

use super::*;

fn nothing() -> Grant {
    Grant::nothing(ModuleId::parse("guest").unwrap())
}

#[test]
fn world_of_a_module_needs_no_grant() {
    for import in
        ["ostoja:module/log@0.1.0", "ostoja:module/bus@0.1.0", "wasi:cli/stdout@0.2.6", "wasi:io/poll@0.2.0"]
    {
        assert_eq!(judge(import, &nothing()), Verdict::Allowed, "{import}");
    }
}

#[test]
fn network_needs_what_cannot_be_granted_yet() {
    let mut granted = nothing();
    granted.permissions.net.insert("api.example:443".to_owned());
    for import in ["wasi:sockets/udp@0.2.0", "wasi:http/outgoing-handler@0.2.0"] {
        assert!(matches!(judge(import, &granted), Verdict::Needs(_)), "{import}");
    }
}

#[test]
fn secrets_need_one_that_is_granted() {
    let mut granted = nothing();
    assert!(matches!(judge("ostoja:module/secrets@0.1.0", &granted), Verdict::Needs(_)));
    granted.secrets.insert("token".to_owned());
    assert_eq!(judge("ostoja:module/secrets@0.1.0", &granted), Verdict::Allowed);
}

#[test]
fn other_names_and_versions_are_unknown() {
    for import in [
        "env",
        "ostoja:module/files@0.1.0",
        "ostoja:module/log",
        "wasi:cli/stdin@0.3.0",
        "wasi:nn/graph@0.2.0",
        "",
    ] {
        assert!(matches!(judge(import, &nothing()), Verdict::Unknown(_)), "{import}");
    }
}

#[test]
fn debug_shows_no_value_of_the_environment() {
    let mut granted = nothing();
    granted.environment.insert("TOKEN".to_owned(), "hunter2".to_owned());
    granted.arguments.push("--password=hunter2".to_owned());
    assert!(!format!("{granted:?}").contains("hunter2"));
}
