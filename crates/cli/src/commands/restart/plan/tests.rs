//! Who loses what, by what modules declare.

use serde_json::json;

use super::*;

fn module(id: &str, provides: &[&str], requires: &[&str], needs: &[&str], may_call: &[&str]) -> ModuleDetail {
    serde_json::from_value(json!({
        "id": id, "status": "ready", "pid": null, "provides": provides, "restartCount": 0, "startedAt": null,
        "version": "", "runtime": "command", "generation": 1, "sinceMs": 0, "restartsTotal": 0,
        "restartAtMs": null, "note": "", "waitingFor": [], "containment": "", "zone": "stable",
        "requires": requires, "needs": needs, "topics": [], "mayCall": may_call, "folder": null, "command": [],
        "configKey": null, "declared": {}, "effective": {}, "manifestHash": null, "confinement": [],
        "stderrTail": [],
    }))
    .unwrap()
}

#[test]
fn those_who_require_it_come_first_then_those_behind_them_then_those_who_may_call_it() {
    let db = module("db", &["sql"], &[], &[], &[]);
    let all = [
        db.clone(),
        module("cron", &[], &[], &[], &["s*"]),
        module("web", &["http"], &["sql"], &[], &[]),
        module("job", &[], &[], &["db"], &[]),
        module("edge", &[], &["http"], &[], &[]),
        module("other", &[], &[], &[], &["mail"]),
    ];
    let found: Vec<String> = affected(&db, &all)
        .into_iter()
        .map(|one| format!("{} {} {}", one.module_id, one.how, one.what.join(",")))
        .collect();
    assert_eq!(found, ["web requires sql", "job needs sql", "edge through web", "cron may_call sql"]);
}

#[test]
fn a_circle_comes_to_an_end() {
    let one = module("one", &["a"], &["b"], &[], &[]);
    let two = module("two", &["b"], &["a"], &[], &[]);
    assert_eq!(affected(&one, &[one.clone(), two]).len(), 1);
}
