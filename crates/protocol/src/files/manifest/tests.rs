//! What a project's entry and a manifest come to together; the manifest alone stands in the vectors.

use super::*;
use crate::files::policy::{Limits, Protocol, Restart};
use crate::files::project::Project;

#[test]
fn a_project_stands_above_the_manifest() {
    let text = r#"{"id": "m", "name": "M", "permissions": {}, "protocol": "none", "restart": "never",
        "limits": {"files": 7, "memory": "1k"}, "stop": {"grace": "9s"}, "ready": "notify"}"#;
    let manifest = Manifest::parse("module.json", text).expect("a manifest");
    let project = "modules: {m: {path: m, restart: on-failure, limits: {memory: 2k}, stop: {signal: INT}}}";
    let project = Project::parse("ostoja.yaml", project).expect("a project");
    let policy = project.modules[0].policy.clone().over(&manifest.policy);
    assert_eq!(policy.protocol, Some(Protocol::None));
    assert_eq!(policy.restart, Some(Restart::OnFailure));
    assert_eq!(policy.limits, Limits { memory_bytes: Some(2048), files: Some(7), ..Limits::default() });
    assert_eq!(policy.stop.grace, manifest.policy.stop.grace);
    assert!(policy.stop.signal.is_some() && policy.ready.is_some());
}

#[test]
fn a_long_manifest_with_many_unknown_fields_is_read() {
    let filler: Vec<String> = (0..4000).map(|number| format!("\"k{number}\": [[[[[{number}]]]]]")).collect();
    let text = format!("{{\"id\": \"m\", \"name\": \"M\", \"permissions\": {{}}, {}}}", filler.join(","));
    assert!(Manifest::parse("module.json", &text).is_ok());
}

/// What is said of a manifest with these permissions and limits, in this order of lines.
fn complaints(rest: &str) -> String {
    let text = format!("{{\"id\": \"m\", \"name\": \"M\",\n{rest}}}");
    let refused = Manifest::parse("module.json", &text).expect_err("it is refused");
    let told = |error: &FileError| {
        let help = abi::Explain::help(error).map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{error}{help}\n")
    };
    refused.iter().map(told).collect()
}

/// Each expectation is a line of the file and a part of what is said about it; nothing else is said.
fn check(rest: &str, expected: &[(u32, &str)]) {
    let told = complaints(rest);
    assert_eq!(told.lines().count(), expected.len(), "{told}");
    for (line, part) in expected {
        let place = format!("module.json:{line}:");
        assert!(
            told.lines().any(|one| one.starts_with(&place) && one.contains(part)),
            "{line} {part}: {told}"
        );
    }
}

#[test]
fn permissions_that_nobody_could_mean_are_refused_with_their_place_and_a_valid_form() {
    let rest = r#""permissions": {
        "nett": ["a"],
        "gpu": ["0"],
        "env": ["HOME", "*", "A=1"],
        "read": ["../other", "data/..", "a..b"],
        "write": "data",
        "secrets": ["db.*"],
        "context": ["chat"]
    }"#;
    let leads_out = (6, "leads out by `..`; write the path itself");
    let expected = [
        (3, "did you mean `net`?"),
        (4, "not one of net, read, write"),
        (5, "name each variable"),
        (5, "without its value"),
        leads_out,
        leads_out,
        (7, "a list"),
        (8, "name each secret"),
        (9, "write `session:NAME`"),
    ];
    check(rest, &expected);
}

#[test]
fn limits_of_nothing_or_in_wrong_units_are_refused_with_their_place_and_a_valid_form() {
    let rest = r#""permissions": {}, "limits": {
        "memory": 0,
        "files": 0,
        "processes": -1,
        "cpu_seconds": "5s",
        "deadline": "0s",
        "core": "1 parsec",
        "memmory": "1M"
    }"#;
    let expected = [
        (3, "such as `64M`"),
        (4, "is outside 1 to"),
        (5, "a whole number"),
        (6, "a whole number"),
        (7, "such as `2s`"),
        (8, "such as `64k`"),
        (9, "did you mean `memory`?"),
    ];
    check(rest, &expected);
    let more = "\"permissions\": {}, \"limits\": {\n\"memory\": \"-1M\",\n\"deadline\": 5 }";
    check(more, &[(3, "such as `64k`"), (4, "needs a unit")]);
}

#[test]
fn a_star_stands_in_capabilities_only_where_it_may() {
    let rest = r#""permissions": {}, "capabilities": {
        "services": ["db.*", "db*", "*"],
        "topics": ["news:*", "new*s"],
        "forbid": { "services": ["db.drop"], "topcis": [] }
    }"#;
    let why = "only at the end, after a `:` or a `.`";
    check(rest, &[(3, why), (3, why), (4, why), (5, "did you mean `topics`?")]);
}
