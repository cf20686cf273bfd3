//! Edges follow from services and needs.

use serde_json::{Value, json};

use super::*;

fn detail(id: &str, more: Value) -> ModuleDetail {
    let mut all = json!({
        "id": id, "status": "ready", "pid": null, "provides": [], "restartCount": 0, "startedAt": null, "version": "1",
        "runtime": "node", "generation": null, "sinceMs": 0, "restartsTotal": 0, "restartAtMs": null, "note": "",
        "waitingFor": [], "containment": "", "transport": "", "rssBytes": null, "cpuMs": null, "framesIn": 0,
        "framesOut": 0, "dropped": 0, "badLines": 0, "logLost": 0, "folder": null, "command": [], "requires": [],
        "needs": [], "topics": [], "mayCall": [], "configKey": null, "declared": {}, "effective": {},
        "manifestHash": null, "confinement": [], "stderrTail": [],
    });
    let fields = all.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    serde_json::from_value(all).expect("a detail")
}

#[test]
fn callers_point_to_every_provider_once_and_never_to_themselves() {
    let all = [
        detail("shop", json!({"provides": ["cart"], "mayCall": ["cart"]})),
        detail("front", json!({"requires": ["cart"], "mayCall": ["cart", "nobody"], "needs": ["shop"]})),
    ];
    let graph = graph(&all, None);
    assert_eq!(graph.edges, [edge("front", "shop", "calls", "cart"), edge("front", "shop", "needs", "shop")]);
    assert_eq!(graph.nodes.len(), 2);
}
