//! What others may send, and that nothing of it reaches the kernel.

use super::stage::{House, written};
use super::*;
use crate::body;

/// One by one, each with a right token, so that only the attack is refused.
async fn refused(house: &House, line: &str, headers: &[(&str, &str)], sent: &str, status: u16) {
    let before = house.asked().len();
    let token = house.token(Role::Admin);
    let all = [&[("authorization", token.as_str())], headers].concat();
    let answer = house.send(written(line, &all, sent).as_bytes()).await;
    assert_eq!(answer.status, status, "{line} {headers:?}: {}{}", answer.head, answer.body);
    assert_eq!(house.asked().len(), before, "{line} {headers:?} reached the kernel");
}

#[tokio::test]
async fn a_name_that_was_bound_to_this_machine_by_an_attacker_is_refused() {
    let house = House::open().await;
    let port = house.address.port();
    for host in
        [format!("evil.example:{port}"), "127.0.0.1".to_owned(), format!("127.0.0.1.evil.example:{port}")]
    {
        refused(&house, "GET /api/v1/modules", &[("host", &host)], "", 421).await;
    }
    refused(&house, "GET /api/v1/modules", &[], "", 421).await;
    // The files too: a page under a foreign name could read ours.
    refused(&house, "GET /", &[("host", "evil.example")], "", 421).await;
}

#[tokio::test]
async fn a_foreign_page_changes_nothing_with_our_cookie() {
    let house = House::open().await;
    let host = house.address.to_string();
    let (cookie, csrf) = house.login().await;
    let own = format!("http://{host}");
    let stop = "POST /api/v1/modules/shop/stop";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers<'_>, u16); 5] = [
        ("http://evil.example", &[("x-csrf-token", &csrf)], 403),
        ("null", &[("x-csrf-token", &csrf)], 403),
        (&own, &[], 403),
        (&own, &[("x-csrf-token", "guessed")], 403),
        (&own, &[("x-csrf-token", &csrf)], 200),
    ];
    for (origin, more, status) in cases {
        let headers = [&[("origin", origin), ("cookie", cookie.as_str())], more].concat();
        assert_eq!(house.ask(stop, &headers, "").await.status, status, "{origin} {more:?}");
    }
    assert_eq!(house.asked().len(), 1);
    // A form can send text, but no JSON; and a session is begun by a code, so logging somebody in is no use either.
    let form = [("host", host.as_str()), ("content-type", "text/plain")];
    refused(&house, "POST /api/v1/publish", &form, r#"{"topic":"a","payload":1}"#, 415).await;
}

#[tokio::test]
async fn a_token_in_the_url_is_refused_even_where_a_right_one_stands_beside_it() {
    let house = House::open().await;
    let host = house.address.to_string();
    refused(&house, "GET /api/v1/modules?token=ostoja_1_2", &[("host", &host)], "", 400).await;
    refused(&house, "GET /api/v1/modules?access_token=x", &[("host", &host)], "", 400).await;
}

#[tokio::test]
async fn paths_that_want_out_find_nothing() {
    let house = House::open().await;
    let host = house.address.to_string();
    for path in [
        "/../../etc/passwd.txt",
        "/..%2f..%2fetc%2fpasswd.txt",
        "//etc/passwd.txt",
        "/%2e%2e/Cargo.toml",
        "/api/v1/../../access.json",
        "/api/v2/modules",
        "/api",
    ] {
        let answer = house.ask(&format!("GET {path}"), &[], "").await;
        let is_page = answer.body.contains("<!doctype html>");
        assert!(answer.status == 404 || is_page, "{path}: {}", answer.head);
        assert!(!answer.body.contains("root:") && !answer.body.contains("[package]"), "{path}");
    }
    // What is in the path is the module's name, whatever it is, and never another field or verb.
    let token = house.token(Role::Admin);
    let headers = [("authorization", token.as_str())];
    house.ask("GET /api/v1/modules/a%2f..%2fb%22%2c%22cmd%22%3a%22kernel.stop", &headers, "").await;
    let asked = house.asked().pop().expect("a request");
    assert_eq!(
        (&asked["cmd"], &asked["moduleId"]),
        (&json!("module.show"), &json!("a/../b\",\"cmd\":\"kernel.stop"))
    );
    refused(&house, "GET http://evil.example/api/v1/modules", &[("host", &host)], "", 421).await;
}

#[tokio::test]
async fn smuggled_and_doubled_headers_are_refused() {
    let house = House::open().await;
    let host = house.address.to_string();
    refused(&house, "GET /api/v1/modules", &[("host", &host), ("host", "evil.example")], "", 421).await;
    refused(&house, "GET /api/v1/modules", &[("host", &host), ("authorization", "Bearer x")], "", 400).await;
    let raw = |more: &str| {
        format!("POST /api/v1/kernel/resume HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}")
    };
    let smuggled = [
        raw("content-length: 0\r\ncontent-length: 5\r\n\r\n"),
        raw(
            "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/modules HTTP/1.1\r\nhost: x\r\n\r\n",
        ),
        raw("transfer-encoding: chunked, identity\r\n\r\n"),
        raw("content-length: +1\r\n\r\nx"),
        raw("a b: c\r\n\r\n"),
        raw(" folded: line\r\n\r\n"),
        "POST /api/v1/kernel/resume HTTP/1.1\nhost : x\n\n".to_owned(),
    ];
    for text in smuggled {
        let answer = house.send(text.as_bytes()).await;
        // Nobody is logged in, so what is taken as one whole request ends there.
        assert!(matches!(answer.status, 400 | 401 | 421), "{}: {text}", answer.head);
        assert_eq!(answer.body.matches("HTTP/1.1").count(), 0, "two answers: {text}");
    }
    assert_eq!(house.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn giants_are_refused() {
    let house = House::open().await;
    let host = house.address.to_string();
    let headers = [("host", host.as_str())];
    let fitting = format!("{{\"topic\":\"a\",\"payload\":\"{}\"}}", "x".repeat(body::BYTES_MAX - 26));
    assert_eq!(fitting.len(), body::BYTES_MAX);
    let token = house.token(Role::Admin);
    assert_eq!(house.ask("POST /api/v1/publish", &[("authorization", &token)], &fitting).await.status, 200);
    refused(&house, "POST /api/v1/publish", &headers, &format!("{fitting} "), 413).await;
    let long = "a".repeat(5000);
    refused(&house, &format!("GET /{long}"), &headers, "", 414).await;
    let many: Vec<(String, String)> = (0..HEADERS_MAX).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    refused(&house, "GET /api/v1/modules", &[&headers[..], &many].concat(), "", 431).await;
    let wide = "x".repeat(HEAD_BYTES_MAX);
    refused(&house, "GET /api/v1/modules", &[headers[0], ("x-wide", &wide)], "", 431).await;
}

#[tokio::test]
async fn deep_and_odd_json_is_refused_without_harm() {
    let house = House::open().await;
    let host = house.address.to_string();
    let deep = format!("{{\"topic\":\"a\",\"payload\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    for sent in [
        deep.as_str(),
        "{",
        "[]",
        "\"x\"",
        "{\"topic\":1}",
        "{\"topic\":\"a\",\"payload\":1,\"cmd\":\"kernel.stop\"}",
    ] {
        refused(&house, "POST /api/v1/publish", &[("host", &host)], sent, 400).await;
    }
}

#[tokio::test(start_paused = true)]
async fn heads_and_bodies_that_drip_are_let_go() {
    let house = House::open().await;
    let mut head = TcpStream::connect(house.address).await.expect("connected");
    head.write_all(b"GET / HTTP/1.1\r\nhost: ").await.expect("sent");
    let mut all = Vec::new();
    timeout(HEAD_WITHIN * 3, head.read_to_end(&mut all)).await.expect("in time").expect("hung up");
    let token = house.token(Role::Admin);
    let mut slow = TcpStream::connect(house.address).await.expect("connected");
    let text = format!(
        "POST /api/v1/publish HTTP/1.1\r\nhost: {}\r\nauthorization: {token}\r\ncontent-type: application/json\r\n\
         content-length: 9\r\nconnection: close\r\n\r\n{{\"to",
        house.address
    );
    slow.write_all(text.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    timeout(body::WITHIN * 3, slow.read_to_end(&mut all)).await.expect("in time").expect("answered");
    assert!(String::from_utf8_lossy(&all).starts_with("HTTP/1.1 408"), "{}", String::from_utf8_lossy(&all));
    assert_eq!(house.asked(), [] as [Value; 0]);
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_strict() {
    let house = House::open().await;
    for line in ["GET /", "GET /nothing.js", "GET /api/v1/modules", "GET /livez"] {
        let answer = house.ask(line, &[], "").await;
        for word in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "nosniff",
            "x-frame-options: DENY",
            "no-referrer",
        ] {
            assert!(answer.head.contains(word), "{line} lacks {word}: {}", answer.head);
        }
        assert!(!answer.head.contains("unsafe-inline"), "{line}");
    }
}

#[tokio::test]
async fn names_lines_and_events_with_markup_stay_text() {
    let house = House::open().await;
    let token = house.token(Role::Developer);
    let mut stream = house.stream("/api/v1/events?topics=logs", &token, None).await;
    house.app.hub.tell(
        Topic::Logs,
        Some("a"),
        &json!({"msg": "</script><img src=x>\r\n\r\nevent: kernel\r\ndata: {}"}),
    );
    let text = stream.until("data: {}\"}\n").await;
    assert_eq!(text.matches("\nevent: kernel").count(), 1, "{text}");
}

#[tokio::test]
async fn a_package_is_taken_from_an_administrator_only_and_stays_in_its_folder() {
    let house = House::open().await;
    let host = house.address.to_string();
    let kind = ("content-type", "application/octet-stream");
    let headers = [("host", host.as_str()), kind];
    let own = "PUT /api/v1/packages/shop.okm";
    let operator = house.token(Role::Operator);
    assert_eq!(house.ask(own, &[("authorization", &operator), kind], "abc").await.status, 403);
    let (cookie, _) = house.login().await;
    assert_eq!(house.ask(own, &[("cookie", &cookie), kind], "abc").await.status, 403);
    refused(&house, own, &headers[..1], "{}", 415).await;
    refused(&house, own, &headers, "", 400).await;
    for name in ["..%2f..%2faccess.okm", "%2e%2e.okm", "a%00.okm", "a.zip", ".okm", "-rf.okm", "a%5cb.okm"] {
        refused(&house, &format!("PUT /api/v1/packages/{name}"), &headers, "abc", 400).await;
    }
    refused(&house, "PUT /api/v1/packages/a/b.okm", &headers, "abc", 404).await;
    // Longer than it may be: told before any of it comes.
    let token = house.token(Role::Admin);
    let text = format!(
        "{own} HTTP/1.1\r\nhost: {host}\r\nauthorization: {token}\r\ncontent-type: application/octet-stream\r\n\
         content-length: 99999999999\r\nconnection: close\r\n\r\n"
    );
    assert_eq!(house.send(text.as_bytes()).await.status, 413);
    let taken = house.ask(own, &[("authorization", &token), kind], "abc").await;
    let taken = json_of(&taken.body);
    let path = PathBuf::from(taken["file"].as_str().unwrap_or_else(|| panic!("{taken}")));
    assert_eq!(
        (path.parent(), &taken["bytes"]),
        (Some(house.app.state.join("packages").as_path()), &json!(3))
    );
    assert_eq!(fs::read(path).expect("kept"), b"abc");
    assert_eq!(house.asked(), [] as [Value; 0]);
}
