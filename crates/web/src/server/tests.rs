//! The whole process against a played kernel, over real sockets: what is asked of the kernel and on whose behalf, and a
//! list of attacks.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use protocol::operator::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::*;
use crate::access::Access;
use crate::door::Door;
use crate::events::{Hub, Topic};

mod agents;
mod attacks;
mod safe;
mod stage;

use stage::{House, json_of};

#[tokio::test]
async fn a_verb_goes_to_the_kernel_on_behalf_of_who_asks_and_its_data_comes_back() {
    let house = House::open().await;
    let token = house.token(Role::Operator);
    let answer =
        house.ask("POST /api/v1/modules/shop/stop?dryRun=true", &[("authorization", &token)], "").await;
    assert_eq!((answer.status, json_of(&answer.body)), (200, json!({"did": "module.stop"})));
    let asked = house.asked().pop().expect("a request");
    assert_eq!(
        asked,
        json!({"cmd": "module.stop", "moduleId": "shop", "dryRun": true,
        "by": {"name": "test", "role": "operator"}})
    );
}

#[tokio::test]
async fn lists_are_wrapped_as_the_command_line_does() {
    let house = House::open().await;
    let token = house.token(Role::Viewer);
    let answer = house.ask("GET /api/v1/modules", &[("authorization", &token)], "").await;
    assert_eq!(json_of(&answer.body), json!({"modules": {"did": "module.list"}}));
}

#[tokio::test]
async fn a_refusal_of_the_kernels_is_a_problem_with_its_code_and_help() {
    let house = House::open().await;
    let token = house.token(Role::Viewer);
    let answer = house.ask("GET /api/v1/modules/nobody", &[("authorization", &token)], "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.head.contains("content-type: application/problem+json"), "{}", answer.head);
    let problem = json_of(&answer.body);
    assert_eq!(
        (&problem["code"], &problem["help"]),
        (&json!("kernel::order::not_found"), &json!("ostoja ps"))
    );
}

#[tokio::test]
async fn without_a_kernel_the_process_lives_and_says_so() {
    let house = House::without_kernel().await;
    let token = house.token(Role::Viewer);
    let answer = house.ask("GET /api/v1/modules", &[("authorization", &token)], "").await;
    assert_eq!((answer.status, &json_of(&answer.body)["code"]), (503, &json!("web::kernel::unreachable")));
    assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
    assert_eq!(house.ask("GET /livez", &[], "").await.status, 200);
    assert_eq!(house.ask("GET /readyz", &[], "").await.status, 503);
}

#[tokio::test]
async fn nobody_and_small_roles_see_no_more_than_they_may() {
    let house = House::open().await;
    let own = ["GET /api/v1/tokens", "GET /api/v1/events?topics=logs", "POST /api/v1/logins"];
    for line in own.into_iter().chain(["GET /api/v1/modules", "GET /api/v1/usage/history", "GET /metrics"]) {
        assert_eq!(house.ask(line, &[], "").await.status, 401, "{line}");
    }
    let viewer = house.token(Role::Viewer);
    for line in own {
        assert_eq!(house.ask(line, &[("authorization", &viewer)], "").await.status, 403, "{line}");
    }
    assert_eq!(house.ask("GET /metrics", &[("authorization", &viewer)], "").await.status, 200);
    assert!(house.asked().iter().all(|asked| asked["by"]["name"] == "test"));
}

#[tokio::test]
async fn the_owners_socket_needs_no_login_and_makes_links_that_work_once() {
    let house = House::open().await;
    let answer = house.ask_owner("POST /api/v1/logins", r#"{"role":"operator"}"#).await;
    let link = json_of(&answer.body);
    let url = link["url"].as_str().expect("a link");
    let (origin, code) = url.split_once("/#login=").expect("a code behind the #");
    assert_eq!(origin, format!("http://{}", house.address));
    let body = json!({ "code": code }).to_string();
    let login = house.ask("POST /api/v1/session", &[], &body).await;
    assert_eq!((login.status, &json_of(&login.body)["role"]), (200, &json!("operator")));
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(login.head.contains(word), "{}", login.head);
    }
    assert_eq!(house.ask("POST /api/v1/session", &[], &body).await.status, 401);
}

#[tokio::test]
async fn a_session_ends_when_it_is_told_to() {
    let house = House::open().await;
    let (cookie, csrf) = house.login().await;
    let who = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    assert_eq!(house.ask("GET /api/v1/session", &who, "").await.status, 200);
    assert_eq!(house.ask("DELETE /api/v1/session", &who, "").await.status, 204);
    assert_eq!(house.ask("GET /api/v1/session", &who, "").await.status, 401);
}

#[tokio::test]
async fn a_key_does_a_change_once() {
    let house = House::open().await;
    let token = house.token(Role::Operator);
    let headers = [("authorization", token.as_str()), ("idempotency-key", "a-1")];
    for _ in 0..3 {
        assert_eq!(house.ask("POST /api/v1/modules/shop/restart", &headers, "").await.status, 200);
    }
    assert_eq!(house.asked().len(), 1);
    assert_eq!(house.ask("POST /api/v1/modules/other/restart", &headers, "").await.status, 422);
}

#[tokio::test]
async fn a_change_with_if_match_is_done_only_to_what_was_seen() {
    let house = House::open().await;
    let token = house.token(Role::Developer);
    let path = "/api/v1/context/session:chat/topic";
    let seen = house.ask(&format!("GET {path}"), &[("authorization", &token)], "").await;
    assert!(seen.head.contains("etag: \"7\""), "{}", seen.head);
    for (tag, status) in [("\"6\"", 412), ("\"7\"", 200)] {
        let headers = [("authorization", token.as_str()), ("if-match", tag)];
        assert_eq!(
            house.ask(&format!("PUT {path}"), &headers, r#"{"value":1}"#).await.status,
            status,
            "{tag}"
        );
    }
}

#[tokio::test]
async fn the_kernel_holds_a_change_of_the_configuration_against_the_version_that_was_seen() {
    let house = House::open().await;
    let token = house.token(Role::Admin);
    let headers = [("authorization", token.as_str()), ("if-match", "\"0a1b\"")];
    let set = house.ask("PUT /api/v1/config/web.port", &headers, r#"{"value":8080}"#).await;
    assert_eq!(set.status, 200, "{}", set.body);
    house.ask("DELETE /api/v1/config/web.port", &headers, "").await;
    let asked: Vec<Value> = house
        .asked()
        .into_iter()
        .map(|mut line| {
            line["by"].take();
            line
        })
        .collect();
    let by = Value::Null;
    assert_eq!(
        asked,
        [
            json!({"cmd": "config", "verb": "set", "key": "web.port", "value": 8080, "version": "0a1b", "by": by}),
            json!({"cmd": "config", "verb": "unset", "key": "web.port", "version": "0a1b", "by": by}),
        ]
    );
}

#[tokio::test]
async fn events_come_as_they_happen_and_after_a_break_from_where_it_was() {
    let house = House::open().await;
    let token = house.token(Role::Developer);
    let mut first = house.stream("/api/v1/events?topics=records", &token, None).await;
    house.app.hub.tell(Topic::Records, Some("shop"), &json!({"code": "module.ready"}));
    let text = first.until("module.ready\"}\n").await;
    assert!(text.contains("text/event-stream") && text.contains("event: kernel\n"), "{text}");
    let id = text.rsplit("id: ").next().and_then(|rest| rest.lines().next()).expect("an id").to_owned();
    drop(first);
    house.app.hub.tell(Topic::Records, Some("shop"), &json!({"code": "module.exited"}));
    let mut again = house.stream("/api/v1/events?topics=records", &token, Some(&id)).await;
    let text = again.until("module.exited\"}\n").await;
    assert!(!text.contains("module.ready"), "{text}");
}

#[tokio::test]
async fn silences_are_made_by_operators_seen_by_viewers_and_ended_once() {
    let house = House::open().await;
    let (operator, viewer) = (house.token(Role::Operator), house.token(Role::Viewer));
    let as_operator = [("authorization", operator.as_str())];
    let as_viewer = [("authorization", viewer.as_str())];
    let wish = r#"{"rule":"memory","module":"web","forMs":60000,"why":"<b>moved</b>"}"#;
    assert_eq!(house.ask("POST /api/v1/alerts/silences", &as_viewer, wish).await.status, 403);
    let made = house.ask("POST /api/v1/alerts/silences", &as_operator, wish).await;
    assert_eq!((made.status, &json_of(&made.body)["module"]), (201, &json!("web")));
    for wrong in [r#"{"forMs":0}"#, r#"{"forMs":2592000001}"#, r#"{"forMs":1,"id":7}"#, "{}"] {
        assert_eq!(
            house.ask("POST /api/v1/alerts/silences", &as_operator, wrong).await.status,
            400,
            "{wrong}"
        );
    }
    let seen = json_of(&house.ask("GET /api/v1/alerts", &as_viewer, "").await.body);
    assert_eq!(seen["silences"], json!([json_of(&made.body)]));
    assert_eq!((&seen["firing"], &seen["outputs"]), (&json!([]), &json!([])));
    let end = format!("DELETE /api/v1/alerts/silences/{}", json_of(&made.body)["id"]);
    assert_eq!(house.ask(&end, &as_operator, "").await.status, 204);
    assert_eq!(house.ask(&end, &as_operator, "").await.status, 404);
    assert_eq!(house.ask("POST /api/v1/alerts/test", &as_operator, r#"{"output":"x"}"#).await.status, 404);
}

#[tokio::test]
async fn a_taken_port_gives_way_to_a_free_one() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = taken.local_addr().expect("an address");
    let other = bind(Listen::At(address)).await.expect("bound").expect("a listener");
    assert_ne!(other.local_addr().expect("an address").port(), address.port());
    assert!(bind(Listen::None).await.expect("nothing").is_none());
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["localhost", "7117", "", "0.0.0.0"] {
        assert!(text.parse::<Listen>().is_err(), "{text}");
    }
    assert_eq!("none".parse::<Listen>().ok(), Some(Listen::None));
    assert_eq!("127.0.0.1:7117".parse::<Listen>().ok(), Some(Listen::default()));
}
