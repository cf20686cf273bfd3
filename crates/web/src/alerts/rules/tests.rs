//! The section is read whole or refused, and a refusal shows no value.

use serde_json::json;

use super::*;

fn read(value: &Value) -> Result<Wishes, String> {
    Wishes::read(value.as_object().expect("a map"))
}

#[test]
fn without_rules_there_are_ours_and_nobody_is_told() {
    let wishes = read(&json!({})).expect("read");
    assert_eq!((wishes.rules.len(), wishes.outputs.len()), (7, 0));
    for rule in &wishes.rules {
        assert_eq!(check(rule), Ok(()), "{}", rule.name);
    }
}

#[test]
fn rules_and_outputs_are_read_and_named() {
    let wishes = read(&json!({
        "rules": [{"what": "memory", "module": "web*", "warning": 1e8, "critical": 2e8, "forMs": 60000}],
        "outputs": [
            {"to": "webhook", "name": "phone", "url": "https://ntfy.example/me", "preset": "ntfy"},
            {"to": "mail", "name": "me", "server": "localhost:25", "from": "o@a.example", "recipient": "me@a.example"},
        ],
    }))
    .expect("read");
    assert_eq!(wishes.rules[0].name, "memory");
    let names: Vec<(&str, &str)> = wishes.outputs.iter().map(|one| (one.name(), one.kind())).collect();
    assert_eq!(names, [("phone", "webhook"), ("me", "mail")]);
    assert_eq!(format!("{:?}", wishes.outputs[0]), "webhook { name: \"phone\", .. }");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_its_value() {
    let wrong = [
        (json!({"rule": []}), "no setting"),
        (json!({"rules": {}}), "no list"),
        (json!({"rules": [{"what": "memory"}]}), "neither"),
        (json!({"rules": [{"what": "memory", "warning": 2, "critical": 1}]}), "before it is a warning"),
        (json!({"rules": [{"what": "memory", "warning": 2, "forMs": 86_400_001}]}), "longer than a day"),
        (json!({"rules": vec![json!({"what": "held", "warning": 1}); 65]}), "more than 64"),
        (
            json!({"outputs": [{"to": "webhook", "name": 1, "url": "https://secret.example"}]}),
            "alerts.outputs[0]",
        ),
        (
            json!({"outputs": [{"to": "webhook", "name": "a", "url": ["https://secret.example"]}]}),
            "another type",
        ),
        (
            json!({"outputs": [{"to": "https://secret.example/x", "name": "a"}]}),
            "a word is none of `webhook`",
        ),
        (json!({"outputs": [{"to": "webhook", "name": "", "url": "https://secret.example"}]}), "outputs[0]"),
        (
            json!({"outputs": vec![json!({"to": "webhook", "name": "a", "url": "https://secret.example"}); 2]}),
            "outputs[1]` has the `name` of another",
        ),
        (
            json!({"rules": [{"what": "held", "warning": 1}, {"what": "held", "module": "web", "warning": 1}]}),
            "rules[1]` has the `name` of another",
        ),
        (json!({"rules": [{"what": "held", "warning": 1, "module": "w".repeat(129)}]}), "more than 128"),
    ];
    for (section, expected) in wrong {
        let error = read(&section).expect_err("refused");
        assert!(error.contains(expected) && !error.contains("secret"), "{error}");
    }
}
