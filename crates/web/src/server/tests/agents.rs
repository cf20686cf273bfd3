//! MCP over HTTP: sessions, questions to the user, requests that stand for themselves, and what is refused.

use super::stage::{Answered, House, json_of};
use super::*;

const BOTH: (&str, &str) = ("accept", "application/json, text/event-stream");

fn message(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn hello(abilities: &Value) -> String {
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": abilities, "clientInfo": {"name": "agent"}});
    message(0, "initialize", &params)
}

async fn post(house: &House, token: &str, session: Option<&str>, body: &str) -> Answered {
    let mut headers = vec![("authorization", token), BOTH];
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    house.ask("POST /mcp", &headers, body).await
}

fn session_of(answer: &Answered) -> String {
    let line = answer.head.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    line.unwrap_or_else(|| panic!("{}{}", answer.head, answer.body)).to_owned()
}

#[tokio::test]
async fn a_session_begins_goes_on_for_its_own_token_only_and_ends() {
    let house = House::open().await;
    let (token, other) = (house.token(Role::Viewer), house.token(Role::Viewer));
    let begun = post(&house, &token, None, &hello(&json!({}))).await;
    assert_eq!(
        (begun.status, &json_of(&begun.body)["result"]["serverInfo"]["name"]),
        (200, &json!("ostoja"))
    );
    let id = session_of(&begun);
    let list = message(1, "tools/list", &json!({}));
    let listed = post(&house, &token, Some(&id), &list).await;
    let names: Vec<Value> = json_of(&listed.body)["result"]["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tool| tool["name"].clone())
        .collect();
    assert!(names.contains(&json!("ps")) && !names.contains(&json!("stop")), "{names:?}");
    let word = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    assert_eq!(post(&house, &token, Some(&id), &word).await.status, 202);
    let ps = message(2, "tools/call", &json!({"name": "ps", "arguments": {}}));
    let called = post(&house, &token, Some(&id), &ps).await;
    assert_eq!(json_of(&called.body)["id"], 2, "{}", called.body);
    let asked = house.asked().pop().expect("a question");
    assert_eq!((&asked["cmd"], &asked["by"]["name"]), (&json!("module.list"), &json!("test, mcp: agent")));
    for (token, session, status) in
        [(&other, Some(id.as_str()), 404), (&token, Some("made up"), 404), (&token, None, 400)]
    {
        assert_eq!(post(&house, token, session, &list).await.status, status, "{session:?}");
    }
    let end = |token| [("authorization", token), ("mcp-session-id", id.as_str())];
    assert_eq!(house.ask("DELETE /mcp", &end(&other), "").await.status, 404);
    assert_eq!(house.ask("DELETE /mcp", &end(&token), "").await.status, 204);
    assert_eq!(post(&house, &token, Some(&id), &list).await.status, 404);
}

#[tokio::test]
async fn a_change_asks_the_user_on_the_stream_of_its_request_and_acts_after_a_yes() {
    let house = House::open().await;
    let token = house.token(Role::Operator);
    let id = session_of(&post(&house, &token, None, &hello(&json!({"elicitation": {"form": {}}}))).await);
    let stop = message(7, "tools/call", &json!({"name": "stop", "arguments": {"module": "planned"}}));
    let headers = [("authorization", token.as_str()), ("mcp-session-id", id.as_str()), BOTH];
    let mut stream = house.begin("POST /mcp", &headers, &stop).await;
    let text = stream.until("elicitation/create").await;
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert!(house.asked().iter().all(|asked| asked["dryRun"] == true), "{:?}", house.asked());
    let question =
        text.lines().find_map(|line| line.strip_prefix("data: ")).map(json_of).expect("a question");
    let yes = json!({"jsonrpc": "2.0", "id": question["id"],
        "result": {"action": "accept", "content": {"yes": true}}});
    assert_eq!(post(&house, &token, Some(&id), &yes.to_string()).await.status, 202);
    let text = stream.until("\"did\"").await;
    assert!(text.contains("\"id\":7"), "{text}");
    let last = house.asked().pop().expect("a change");
    assert_eq!((&last["cmd"], &last["dryRun"]), (&json!("module.stop"), &json!(false)));
}

/// A request of the era without sessions, with headers that say what it says.
async fn alone(
    house: &House,
    token: &str,
    method: &str,
    params: &Value,
    headers: &[(&str, &str)],
) -> Answered {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "agent"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let own = [("authorization", token), BOTH];
    house.ask("POST /mcp", &[&own, headers].concat(), &message(1, method, &params)).await
}

const VERSION_2026: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

#[tokio::test]
async fn requests_that_stand_for_themselves_need_no_session_and_a_word_confirms_across_them() {
    let house = House::open().await;
    let token = house.token(Role::Operator);
    let call = [VERSION_2026, ("mcp-method", "tools/call"), ("mcp-name", "stop")];
    let arguments = json!({"module": "planned"});
    let params = json!({"name": "stop", "arguments": arguments});
    let planned = alone(&house, &token, "tools/call", &params, &call).await;
    let planned = json_of(&planned.body);
    let word =
        planned["result"]["structuredContent"]["confirm"].as_str().unwrap_or_else(|| panic!("{planned}"));
    let params = json!({"name": "stop", "arguments": {"module": "planned", "confirm": word}});
    // Somebody else's word is none.
    let other = alone(&house, &house.token(Role::Operator), "tools/call", &params, &call).await;
    assert_eq!(json_of(&other.body)["result"]["isError"], true, "{}", other.body);
    let done = alone(&house, &token, "tools/call", &params, &call).await;
    assert_eq!(json_of(&done.body)["result"]["isError"], false, "{}", done.body);
    assert_eq!(house.asked().pop().expect("a change")["cmd"], "module.stop");
    let again = alone(&house, &token, "tools/call", &params, &call).await;
    assert_eq!(json_of(&again.body)["result"]["isError"], true, "{}", again.body);
}

#[tokio::test]
async fn headers_that_say_something_else_than_the_message_are_refused() {
    let house = House::open().await;
    let token = house.token(Role::Viewer);
    let params = json!({"name": "ps", "arguments": {}});
    let method = ("mcp-method", "tools/call");
    let wrong: [&[(&str, &str)]; 5] = [
        &[method, ("mcp-name", "ps")],
        &[VERSION_2026, ("mcp-name", "ps")],
        &[VERSION_2026, method],
        &[VERSION_2026, method, ("mcp-name", "stop")],
        &[("mcp-protocol-version", "2025-11-25"), method, ("mcp-name", "ps")],
    ];
    for headers in wrong {
        let answer = alone(&house, &token, "tools/call", &params, headers).await;
        let code = json_of(&answer.body)["error"]["code"].clone();
        assert_eq!((answer.status, code), (400, json!(-32020)), "{headers:?}");
    }
    let unknown = [VERSION_2026, ("mcp-method", "tools/dance")];
    assert_eq!(alone(&house, &token, "tools/dance", &json!({}), &unknown).await.status, 404);
    let discover = [VERSION_2026, ("mcp-method", "server/discover")];
    assert_eq!(alone(&house, &token, "server/discover", &json!({}), &discover).await.status, 200);
    assert_eq!(house.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn nobody_foreign_pages_and_odd_bodies_get_nowhere() {
    let house = House::open().await;
    let token = house.token(Role::Admin);
    assert_eq!(house.ask("POST /mcp", &[BOTH], &hello(&json!({}))).await.status, 401);
    let foreign = [("authorization", token.as_str()), BOTH, ("origin", "http://evil.example")];
    assert_eq!(house.ask("POST /mcp", &foreign, &hello(&json!({}))).await.status, 403);
    let (cookie, _) = house.login().await;
    let page = [("cookie", cookie.as_str()), BOTH];
    assert_eq!(house.ask("POST /mcp", &page, &hello(&json!({}))).await.status, 403);
    let own = [("authorization", token.as_str())];
    assert_eq!(house.ask("GET /mcp", &own, "").await.status, 405);
    let half = [own[0], ("accept", "application/json")];
    assert_eq!(house.ask("POST /mcp", &half, &hello(&json!({}))).await.status, 406);
    let twice = [own[0], BOTH, ("mcp-session-id", "a"), ("mcp-session-id", "b")];
    assert_eq!(house.ask("POST /mcp", &twice, &message(1, "ping", &json!({}))).await.status, 400);
    let many = format!("[{}]", vec!["{}"; 65].join(","));
    for body in ["{", "[]x", many.as_str()] {
        assert_eq!(post(&house, &token, None, body).await.status, 400, "{body}");
    }
    let id = session_of(&post(&house, &token, None, &hello(&json!({}))).await);
    for body in ["7", "{}", "[]", r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#] {
        assert_eq!(post(&house, &token, Some(&id), body).await.status, 400, "{body}");
    }
    assert_eq!(house.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn one_token_keeps_sixteen_conversations_and_the_oldest_gives_way() {
    let house = House::open().await;
    let (token, other) = (house.token(Role::Viewer), house.token(Role::Viewer));
    let theirs = session_of(&post(&house, &other, None, &hello(&json!({}))).await);
    let mut ids = Vec::new();
    for _ in 0..17 {
        ids.push(session_of(&post(&house, &token, None, &hello(&json!({}))).await));
    }
    let ping = message(1, "ping", &json!({}));
    assert_eq!(post(&house, &token, Some(&ids[0]), &ping).await.status, 404);
    assert_eq!(post(&house, &token, Some(&ids[1]), &ping).await.status, 200);
    assert_eq!(post(&house, &other, Some(&theirs), &ping).await.status, 200);
}
