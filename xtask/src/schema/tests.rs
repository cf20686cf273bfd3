//! What is generated says what is there.

use crate::shell;

#[test]
fn the_page_about_the_operator_door_names_every_request() {
    let page = std::fs::read_to_string(shell::root().join("docs/reference/operator-door.md")).unwrap();
    let schema = protocol::operator::operator_door();
    let requests = schema["$defs"]["Request"]["oneOf"].as_array().unwrap();
    assert!(requests.len() > 20, "the schema lists the requests one by one");
    for request in requests {
        let cmd = request["properties"]["cmd"]["const"].as_str().unwrap();
        assert!(
            page.contains(&format!("`{cmd}`")),
            "docs/reference/operator-door.md says nothing about `{cmd}`"
        );
    }
}

#[test]
fn every_answer_belongs_to_a_request() {
    let schema = protocol::operator::operator_door();
    let requests = schema["$defs"]["Request"].to_string();
    // Of a request with verbs of its own, the answer is named by both.
    let verbs = |cmd: &str| match cmd {
        "update" => schema["$defs"]["UpdateVerb"].to_string(),
        "snapshot" => schema["$defs"]["SnapshotVerb"].to_string(),
        _ => String::new(),
    };
    for name in schema["$defs"]["Answers"]["properties"].as_object().unwrap().keys() {
        // Several packages at once are answered in a form of their own.
        let name = name.strip_suffix(".several").unwrap_or(name);
        let is_request = requests.contains(&format!("\"{name}\""));
        let is_verb =
            name.split_once('.').is_some_and(|(cmd, verb)| verbs(cmd).contains(&format!("\"{verb}\"")));
        assert!(name == "dryRun" || is_request || is_verb, "there is no request `{name}`");
    }
}
