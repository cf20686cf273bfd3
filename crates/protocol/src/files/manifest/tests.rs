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
