//! Conversations with the server as a client of each era holds them.

use protocol::operator::{Request, Response, Role};
use serde_json::json;

use super::*;

const NOW: Duration = Duration::from_secs(1);

/// A server and its client, and the kernel played by the test.
struct Talk {
    server: Server,
}

impl Talk {
    fn of(role: Role) -> Self {
        Self { server: Server::new(role, "1.2.3", 42) }
    }

    /// In a session of this revision with these abilities.
    fn session(role: Role, revision: &str, abilities: Value) -> Self {
        let mut talk = Self::of(role);
        let params = json!({
            "protocolVersion": revision, "capabilities": abilities, "clientInfo": { "name": "tester", "version": "1" },
        });
        let answer = talk.result("initialize", params);
        assert_eq!(answer["protocolVersion"], revision);
        talk
    }

    fn acts(&mut self, line: Value) -> Vec<Act> {
        self.server.handle(NOW, &line.to_string())
    }

    fn send(&mut self, method: &str, params: Value) -> Vec<Act> {
        self.acts(json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    fn answer(&mut self, method: &str, params: Value) -> Value {
        said(self.send(method, params))
    }

    fn result(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert_eq!(answer["id"], 1, "{answer}");
        answer["result"].clone()
    }

    fn error_code(&mut self, method: &str, params: Value) -> i64 {
        let answer = self.answer(method, params);
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Vec<Act> {
        self.send("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// The door answers the one question that is open.
    fn door(&mut self, acts: &[Act], data: Value) -> Vec<Act> {
        let (ticket, _) = asked(acts);
        self.server.answered(NOW, ticket, Response::done(Some(data)))
    }
}

fn said(acts: Vec<Act>) -> Value {
    match acts.as_slice() {
        [Act::Say(value)] => value.clone(),
        other => panic!("not one answer: {other:?}"),
    }
}

fn asked(acts: &[Act]) -> (u64, Request) {
    match acts {
        [Act::Ask { ticket, request, .. }] => (*ticket, (**request).clone()),
        other => panic!("not one question: {other:?}"),
    }
}

fn plan() -> Value {
    json!({ "steps": [{ "moduleId": "web", "code": "module.stopping", "text": "it is stopped" }] })
}

fn modern(params: Value, abilities: Value) -> Value {
    let mut params = params;
    params["_meta"] = json!({
        META_VERSION: "2026-07-28", META_CLIENT: { "name": "new", "version": "1" }, META_ABILITIES: abilities,
    });
    params
}

fn names(list: &Value) -> Vec<String> {
    let tools = list["tools"].as_array().expect("a list");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn each_role_is_offered_what_the_kernel_lets_it_do_and_no_more() {
    let offered = |role| {
        let list = Talk::session(role, "2025-11-25", json!({})).result("tools/list", json!({}));
        names(&list)
    };
    let viewer = offered(Role::Viewer);
    assert_eq!(viewer, ["status", "ps", "module", "why", "journal", "usage", "permissions", "pending"]);
    assert_eq!(offered(Role::Developer)[viewer.len()..], ["logs", "call"]);
    assert_eq!(offered(Role::Operator)[viewer.len() + 2..], ["plan", "start", "stop", "restart"]);
    assert_eq!(offered(Role::Admin).last().map(String::as_str), Some("approve"));
}

#[test]
fn a_tools_least_role_is_that_of_the_request_it_makes() {
    let module = json!({ "module": "m" });
    for tool in Tool::ALL {
        let arguments = match tool {
            Tool::Call => json!({ "service": "s", "method": "m" }),
            Tool::Plan => json!({ "action": "restart", "module": "m" }),
            Tool::Module | Tool::Why | Tool::Start | Tool::Stop | Tool::Restart | Tool::Approve => {
                module.clone()
            }
            _ => json!({}),
        };
        let least = match tool.step(&arguments).expect("sound arguments") {
            Step::Look(request) => request.least_role(),
            Step::Propose { dry_run, real } => {
                assert_eq!(dry_run.least_role(), real.least_role());
                real.least_role()
            }
            Step::Confirm { .. } => panic!("nothing was confirmed"),
        };
        assert_eq!(tool.least_role(), least, "{tool:?}");
    }
}

#[test]
fn a_tool_above_the_role_is_refused_before_anybody_is_asked() {
    let mut talk = Talk::session(Role::Viewer, "2025-06-18", json!({}));
    let result = said(talk.call("stop", json!({ "module": "web" })))["result"].clone();
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().is_some_and(|text| text.contains("operator")), "{result}");
    assert_eq!(talk.error_code("tools/call", json!({ "name": "format_disk" })), code::INVALID_PARAMS);
}

#[test]
fn a_look_is_asked_for_the_client_and_answered_as_text_and_as_data() {
    let mut talk = Talk::session(Role::Viewer, "2025-06-18", json!({}));
    let acts = talk.call("ps", json!({}));
    let [Act::Ask { request, by, .. }] = acts.as_slice() else { panic!("{acts:?}") };
    assert_eq!(**request, Request::ModuleList {});
    assert_eq!((by.name.as_str(), by.role), ("mcp: tester", Role::Viewer));
    let result = said(talk.door(&acts, json!([{ "id": "web" }])))["result"].clone();
    assert_eq!(result["structuredContent"], json!({ "modules": [{ "id": "web" }] }));
    assert_eq!(result["content"][0]["text"], r#"{"modules":[{"id":"web"}]}"#);
    assert_eq!(result["isError"], false);
}

#[test]
fn an_old_client_gets_text_alone_and_a_huge_answer_is_cut() {
    let mut talk = Talk::session(Role::Viewer, "2024-11-05", json!({}));
    let acts = talk.call("why", json!({ "module": "web" }));
    let result = said(talk.door(&acts, json!({ "text": "ł".repeat(300_000) })))["result"].clone();
    assert!(result.get("structuredContent").is_none());
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert!(text.len() < 263_000 && text.contains("[cut after"), "{}", text.len());
}

#[test]
fn what_the_kernel_refuses_is_told_with_its_code_and_help() {
    let mut talk = Talk::session(Role::Viewer, "2025-11-25", json!({}));
    let acts = talk.call("why", json!({ "module": "wbe" }));
    let refused =
        Response::failed("kernel::order::not_found", "no `wbe`".to_owned(), Some("ostoja ps".to_owned()));
    let result = said(talk.server.answered(NOW, asked(&acts).0, refused))["result"].clone();
    assert_eq!(result["isError"], true);
    assert_eq!(result["content"][0]["text"], "no `wbe` (kernel::order::not_found); help: ostoja ps");
}

#[test]
fn wrong_arguments_are_told_to_the_one_who_can_mend_them() {
    let mut talk = Talk::session(Role::Developer, "2025-11-25", json!({}));
    for (tool, arguments) in [
        ("why", json!({})),
        ("why", json!({ "module": 7 })),
        ("ps", json!({ "modul": "web" })),
        ("logs", json!({ "lines": -1 })),
        ("call", json!({ "service": "s" })),
    ] {
        let result = said(talk.call(tool, arguments))["result"].clone();
        assert_eq!(result["isError"], true, "{tool}");
    }
}

#[test]
fn without_questions_a_change_needs_the_word_that_came_with_its_plan() {
    let mut talk = Talk::session(Role::Operator, "2025-11-25", json!({}));
    let acts = talk.call("stop", json!({ "module": "web" }));
    assert_eq!(asked(&acts).1, Request::ModuleStop { module_id: "web".to_owned(), dry_run: true });
    let told = said(talk.door(&acts, plan()))["result"]["structuredContent"].clone();
    assert_eq!(told["plan"], json!(["web: it is stopped"]));
    let word = told["confirm"].clone();
    // For another change, or without being told, it is worth nothing.
    let other = said(talk.call("restart", json!({ "module": "web", "confirm": "0000000000000000" })));
    assert_eq!(other["result"]["isError"], true);
    let acts = talk.call("stop", json!({ "module": "web", "confirm": word }));
    assert_eq!(asked(&acts).1, Request::ModuleStop { module_id: "web".to_owned(), dry_run: false });
    // Once only.
    let again = said(talk.call("stop", json!({ "module": "web", "confirm": word })));
    assert_eq!(again["result"]["isError"], true);
}

#[test]
fn a_word_for_one_change_confirms_no_other_and_ends_with_its_time() {
    let mut talk = Talk::session(Role::Operator, "2025-11-25", json!({}));
    let word = |talk: &mut Talk| {
        let acts = talk.call("stop", json!({ "module": "web" }));
        said(talk.door(&acts, plan()))["result"]["structuredContent"]["confirm"].clone()
    };
    let first = word(&mut talk);
    let other = said(talk.call("stop", json!({ "module": "db", "confirm": first })));
    assert_eq!(other["result"]["isError"], true);
    let second = word(&mut talk);
    let line = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "stop", "arguments": { "module": "web", "confirm": second } },
    });
    let late = said(talk.server.handle(NOW + Duration::from_secs(301), &line.to_string()));
    assert_eq!(late["result"]["isError"], true);
}

#[test]
fn a_session_that_can_ask_its_user_is_asked_and_only_a_yes_acts() {
    for (answer, acts_on_it) in [
        (json!({ "action": "accept", "content": { "yes": true } }), true),
        (json!({ "action": "accept", "content": { "yes": false } }), false),
        (json!({ "action": "decline" }), false),
        (json!({ "action": "cancel" }), false),
    ] {
        let mut talk = Talk::session(Role::Operator, "2025-06-18", json!({ "elicitation": {} }));
        let acts = talk.call("restart", json!({ "module": "web" }));
        let question = said(talk.door(&acts, plan()));
        assert_eq!(question["method"], "elicitation/create");
        assert!(question["params"]["message"].as_str().is_some_and(|text| text.contains("it is stopped")));
        let acts = talk.acts(json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer }));
        if acts_on_it {
            assert_eq!(
                asked(&acts).1,
                Request::ModuleRestart { module_id: "web".to_owned(), dry_run: false }
            );
        } else {
            let result = said(acts);
            assert_eq!((&result["id"], &result["result"]["isError"]), (&json!(1), &json!(true)));
        }
    }
}

#[test]
fn a_client_that_can_ask_is_offered_no_word_and_a_guessed_one_does_nothing() {
    let mut talk = Talk::session(Role::Operator, "2025-06-18", json!({ "elicitation": {} }));
    let list = talk.result("tools/list", json!({}));
    assert!(!list.to_string().contains("confirm"), "{list}");
    let result = said(talk.call("stop", json!({ "module": "web", "confirm": "1" })));
    assert_eq!(result["result"]["isError"], true);
}

#[test]
fn without_a_session_each_request_stands_for_itself() {
    let mut talk = Talk::of(Role::Operator);
    let discovered = talk.result("server/discover", modern(json!({}), json!({})));
    assert_eq!(discovered["resultType"], "complete");
    assert_eq!(discovered["supportedVersions"][0], "2026-07-28");
    assert_eq!(discovered["_meta"][META_SERVER]["name"], "ostoja");
    let list = talk.result("tools/list", modern(json!({}), json!({})));
    assert_eq!((&list["resultType"], &list["cacheScope"]), (&json!("complete"), &json!("private")));
    let acts = talk.send("tools/call", modern(json!({ "name": "status", "arguments": {} }), json!({})));
    let result = said(talk.door(&acts, json!({ "pid": 1 })))["result"].clone();
    assert_eq!((&result["resultType"], &result["structuredContent"]["pid"]), (&json!("complete"), &json!(1)));
}

#[test]
fn without_a_session_the_question_is_the_answer_and_comes_back_with_its_yes() {
    let abilities = json!({ "elicitation": { "form": {} } });
    let call = json!({ "name": "stop", "arguments": { "module": "web" } });
    let mut talk = Talk::of(Role::Operator);
    let acts = talk.send("tools/call", modern(call.clone(), abilities.clone()));
    let result = said(talk.door(&acts, plan()))["result"].clone();
    assert_eq!(result["resultType"], "input_required");
    assert_eq!(result["inputRequests"]["confirm"]["method"], "elicitation/create");
    let mut again = call.clone();
    again["requestState"] = result["requestState"].clone();
    again["inputResponses"] = json!({ "confirm": { "action": "accept", "content": { "yes": true } } });
    let acts = talk.send("tools/call", modern(again.clone(), abilities.clone()));
    assert_eq!(asked(&acts).1, Request::ModuleStop { module_id: "web".to_owned(), dry_run: false });
    // The same answer a second time is worth nothing.
    let spent = talk.result("tools/call", modern(again, abilities));
    assert_eq!(spent["isError"], true);
}

#[test]
fn a_revision_that_nobody_knows_is_refused_with_those_that_are_known() {
    let mut talk = Talk::of(Role::Viewer);
    let params = json!({ "_meta": { META_VERSION: "2031-01-01" } });
    let answer = talk.answer("tools/list", params);
    assert_eq!(answer["error"]["code"], code::UNSUPPORTED_VERSION);
    assert_eq!(answer["error"]["data"]["requested"], "2031-01-01");
    assert_eq!(answer["error"]["data"]["supported"].as_array().map(Vec::len), Some(5));
    assert_eq!(talk.error_code("tools/list", json!({})), code::INVALID_PARAMS);
}

#[test]
fn batches_are_taken_where_the_revision_has_them() {
    let line = json!([
        { "jsonrpc": "2.0", "id": 1, "method": "ping" },
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
        { "jsonrpc": "2.0", "id": 2, "method": "tools/list" },
    ]);
    let acts = Talk::session(Role::Viewer, "2025-03-26", json!({})).acts(line.clone());
    assert_eq!(acts.len(), 2);
    let refused = said(Talk::session(Role::Viewer, "2025-06-18", json!({})).acts(line));
    assert_eq!(refused["error"]["code"], code::INVALID_REQUEST);
}

#[test]
fn a_cancelled_call_is_answered_by_nobody_and_its_question_is_void() {
    let mut talk = Talk::session(Role::Operator, "2025-06-18", json!({ "elicitation": {} }));
    let acts = talk.call("restart", json!({ "module": "web" }));
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(talk.acts(cancel.clone()), Vec::new());
    assert_eq!(talk.door(&acts, plan()), Vec::new());
    let acts = talk.call("restart", json!({ "module": "web" }));
    let question = said(talk.door(&acts, plan()));
    talk.acts(cancel);
    let yes = json!({ "action": "accept", "content": { "yes": true } });
    assert_eq!(talk.acts(json!({ "jsonrpc": "2.0", "id": question["id"], "result": yes })), Vec::new());
}

#[test]
fn what_is_open_is_bounded() {
    let mut talk = Talk::session(Role::Viewer, "2025-11-25", json!({}));
    for _ in 0..OPEN_MAX {
        asked(&talk.call("ps", json!({})));
    }
    assert_eq!(said(talk.call("ps", json!({})))["result"]["isError"], true);
}

#[test]
fn no_line_panics_and_every_request_is_answered_once() {
    let mut talk = Talk::of(Role::Admin);
    let pieces = ["", "[", "{}", "null", "\u{0}", "[[[[", "{\"jsonrpc\":\"2.0\",\"id\":{}}"];
    for line in pieces {
        for act in talk.server.handle(NOW, line) {
            assert!(matches!(act, Act::Say(_)));
        }
    }
    let methods = ["initialize", "ping", "tools/list", "tools/call", "server/discover", "resources/list", ""];
    let odd = [
        json!({}),
        json!({ "_meta": 7 }),
        json!({ "name": [] }),
        json!({ "capabilities": "x", "requestState": 1 }),
    ];
    for method in methods {
        for params in &odd {
            assert_eq!(talk.send(method, params.clone()).len(), 1, "{method} {params}");
        }
    }
}

#[test]
fn a_clients_name_is_kept_sound_for_the_journal() {
    let mut talk = Talk::of(Role::Viewer);
    let name = format!("a\nb{}", "x".repeat(200));
    talk.send("initialize", json!({ "protocolVersion": "2025-11-25", "clientInfo": { "name": name } }));
    let by = talk.server.by();
    assert!(by.is_sound(), "{by:?}");
    assert!(by.name.starts_with("mcp: abxxx"));
}
