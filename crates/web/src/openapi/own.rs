//! What this process answers of itself, not the kernel: sessions, tokens, history, the graph, events.

use serde_json::{Map, Value, json};

use crate::routes::BASE;

/// Adds its paths.
pub(super) fn add(paths: &mut Map<String, Value>) {
    let mut path = |name: &str, methods: Value| {
        paths.insert(format!("{BASE}{name}"), methods);
    };
    let number =
        |name: &str| json!({"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0}});
    let text = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    path(
        "/usage/history",
        json!({"get": gives("History", "The last 24 hours", json!([text("module"), number("hours")]))}),
    );
    path("/graph", json!({"get": gives("Graph", "Who talks to whom", json!([]))}));
    path(
        "/events",
        json!({"get": {
            "operationId": "get.events",
            "summary": "What happens, as Server-Sent Events",
            "parameters": [text("topics"), text("modules"), {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}],
            "responses": {
                "200": {"description": "Until either side ends it", "content": {"text/event-stream": {}}},
                "default": {"$ref": "#/components/responses/Problem"},
            },
        }}),
    );
    let mut login = gives("Session", "Begin a session with a code that works once", json!([]));
    login["requestBody"] = takes(json!({"code": {"type": "string"}}), &["code"]);
    login["security"] = json!([]);
    path(
        "/session",
        json!({
            "get": gives("Session", "Who asks", json!([])),
            "post": login,
            "delete": nothing("End the session"),
        }),
    );
    let mut token = gives("NewToken", "Make a token; it is shown this once", json!([]));
    let role = json!({"$ref": "#/$defs/Role"});
    token["requestBody"] = takes(
        json!({"name": {"type": "string"}, "role": role, "expiresInMs": {"type": "integer", "minimum": 1}}),
        &["name", "role"],
    );
    path(
        "/tokens",
        json!({"get": gives("Tokens", "All tokens, without their secrets", json!([])), "post": token}),
    );
    let mut revoke = nothing("Revoke a token");
    revoke["parameters"] =
        json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}]);
    path("/tokens/{id}", json!({"delete": revoke}));
    let mut link = gives("Login", "Make a link that logs in once", json!([]));
    link["requestBody"] = takes(json!({"role": role}), &[]);
    path("/logins", json!({"post": link}));
    let mut package = gives("TakenPackage", "Take in a package, for a plan of it", json!([]));
    package["parameters"] = json!([{
        "name": "name", "in": "path", "required": true,
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9_][A-Za-z0-9._-]*\.okm$", "maxLength": 128},
    }]);
    package["requestBody"] = json!({
        "required": true,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    });
    path("/packages/{name}", json!({"put": package}));
    alerts(&mut path);
}

/// Alerts: what fires, silences, the test.
fn alerts(path: &mut impl FnMut(&str, Value)) {
    path("/alerts", json!({"get": gives("Alerts", "What fires, silences, who is told", json!([]))}));
    let mut test = gives("AlertsTested", "Tell outputs that this is a test", json!([]));
    test["requestBody"] = takes(json!({"output": {"type": ["string", "null"]}}), &[]);
    path("/alerts/test", json!({"post": test}));
    let mut silence = gives("Silence", "Tell nobody for a while", json!([]));
    let maybe = json!({"type": ["string", "null"]});
    silence["requestBody"] = takes(
        json!({
            "rule": maybe, "module": maybe, "why": {"type": "string", "maxLength": 200},
            "forMs": {"type": "integer", "minimum": 1, "maximum": 2_592_000_000_u64},
        }),
        &["forMs"],
    );
    path("/alerts/silences", json!({"post": silence}));
    let mut end = nothing("End a silence");
    end["parameters"] =
        json!([{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "minimum": 0}}]);
    path("/alerts/silences/{id}", json!({"delete": end}));
}

fn gives(schema: &str, summary: &str, parameters: Value) -> Value {
    json!({
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
    })
}

fn nothing(summary: &str) -> Value {
    json!({
        "summary": summary,
        "responses": {"204": {"description": "Done"}, "default": {"$ref": "#/components/responses/Problem"}},
    })
}

fn takes(properties: Value, required: &[&str]) -> Value {
    json!({
        "required": true,
        "content": {"application/json": {"schema": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        }}},
    })
}

/// The schemas of its answers.
pub(super) fn schemas() -> Map<String, Value> {
    let text = json!({"type": "string"});
    let time = json!({"type": "integer", "minimum": 0});
    let maybe = |kind: &str| json!({"type": "array", "items": {"type": [kind, "null"]}});
    let role = json!({"$ref": "#/$defs/Role"});
    let list = |item: Value| json!({"type": "array", "items": item});
    let all = json!({
        "Problem": object(json!({
            "type": text, "title": text, "status": {"type": "integer"}, "detail": text, "code": text, "help": text,
        }), &["type", "title", "status", "detail", "code"]),
        "History": object(json!({
            "stepMs": time, "tsMs": list(time.clone()),
            "cpuPercent": maybe("number"), "rssBytes": maybe("integer"), "framesPerS": maybe("number"),
        }), &["stepMs", "tsMs", "cpuPercent", "rssBytes", "framesPerS"]),
        "Graph": object(json!({
            "nodes": list(object(json!({
                "id": text, "status": text, "zone": text, "provides": list(text.clone()),
                "framesPerS": {"type": ["number", "null"]},
            }), &["id", "status", "zone", "provides"])),
            "edges": list(object(json!({
                "from": text, "to": text, "kind": {"enum": ["calls", "needs"]}, "name": text,
            }), &["from", "to", "kind", "name"])),
        }), &["nodes", "edges"]),
        "Session": object(json!({
            "name": text, "role": role, "csrf": {"type": ["string", "null"]}, "expiresAtMs": {"type": ["integer", "null"]},
        }), &["name", "role"]),
        "Token": object(json!({
            "id": text, "name": text, "role": role, "createdAtMs": time, "expiresAtMs": {"type": ["integer", "null"]},
        }), &["id", "name", "role", "createdAtMs"]),
        "Tokens": object(json!({"tokens": list(json!({"$ref": "#/$defs/Token"}))}), &["tokens"]),
        "NewToken": object(json!({"token": text, "row": {"$ref": "#/$defs/Token"}}), &["token", "row"]),
        "TakenPackage": object(json!({"file": text, "bytes": time, "sha256": text}), &["file", "bytes", "sha256"]),
        "Alerts": object(json!({
            "firing": list(object(json!({
                "rule": text, "subject": text, "level": {"enum": ["resolved", "warning", "critical"]},
                "value": {"type": "number"}, "sinceMs": time, "told": {"type": "boolean"}, "silenced": {"type": "boolean"},
            }), &["rule", "subject", "level", "value", "sinceMs", "told", "silenced"])),
            "silences": list(json!({"$ref": "#/$defs/Silence"})),
            "rules": list(json!({"type": "object"})),
            "outputs": list(object(json!({
                "name": text, "kind": text, "told": time, "lost": time, "error": {"type": ["string", "null"]},
            }), &["name", "kind", "told", "lost"])),
            "told": list(json!({"type": "object"})),
            "trouble": {"type": ["string", "null"]},
        }), &["firing", "silences", "rules", "outputs", "told"]),
        "AlertsTested": object(json!({
            "outputs": list(object(json!({"name": text, "error": {"type": ["string", "null"]}}), &["name"])),
        }), &["outputs"]),
        "Silence": object(json!({
            "id": time, "rule": {"type": ["string", "null"]}, "module": {"type": ["string", "null"]},
            "untilMs": time, "why": text,
        }), &["id", "untilMs", "why"]),
        "Login": object(json!({"url": {"type": ["string", "null"]}, "code": text, "expiresAtMs": time}), &["code", "expiresAtMs"]),
    });
    all.as_object().cloned().unwrap_or_default()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}
