//! The dashboard's process beside a real kernel: turned on, asked, killed, turned off.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::kernel::{Running, check_schema, project};

/// 60 s: what is waited for here takes a second on an idle machine.
const DEADLINE: Duration = Duration::from_secs(60);

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

fn exchange(mut stream: impl Read + Write, host: &str, line: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    write!(stream, "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{kind}{headers}Content-Length: {length}\r\n\r\n{body}")
        .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(json!(body)) }
}

fn owner(kernel: &Running, line: &str, body: &str) -> Answer {
    let socket = kernel.world.home().join("state/web/api.sock");
    exchange(UnixStream::connect(socket).expect("connected"), "localhost", line, "", body)
}

/// On, at an address of the test's own.
fn on(listen: &str) -> (Running, Value) {
    let (kernel, _) = Running::start(&project(""), 0);
    kernel.run(&format!("config set ostoja-web.listen {listen}")).expect(0);
    let link = kernel.data("dashboard");
    check_schema("dashboard", &link);
    (kernel, link)
}

fn row(kernel: &Running) -> Option<Value> {
    let rows = kernel.data("ps")["modules"].take();
    rows.as_array().into_iter().flatten().find(|row| row["id"] == "ostoja-web").cloned()
}

#[track_caller]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "it did not come");
    }
}

#[test]
fn it_is_off_until_asked_for_and_its_socket_shows_what_ps_shows() {
    let (kernel, _) = Running::start(&project(""), 0);
    assert_eq!(row(&kernel), None);
    kernel.run("config set ostoja-web.listen none").expect(0);
    let link = kernel.data("dashboard");
    assert_eq!((&link["on"], &link["url"]), (&json!(true), &Value::Null));
    let found = row(&kernel).expect("a module");
    assert_eq!((&found["status"], &found["zone"]), (&json!("ready"), &json!("system")));
    assert_ne!(found["containment"], "none");
    let shown = owner(&kernel, "GET /api/v1/modules", "");
    let ids = |rows: &Value| -> Vec<Value> {
        rows["modules"].as_array().into_iter().flatten().map(|row| row["id"].clone()).collect()
    };
    assert_eq!((shown.status, ids(&shown.body)), (200, ids(&kernel.data("ps"))));
    let text = owner(&kernel, "GET /metrics", "").body;
    assert!(
        text.as_str().is_some_and(|text| text.contains("ostoja_module_ready{module=\"ticker\"} 1.0")),
        "{text}"
    );
    kernel.run("dashboard --off").expect(0);
    until(|| row(&kernel).is_none().then_some(()));
}

#[test]
fn a_link_logs_in_once_and_a_viewer_changes_nothing() {
    let (_kernel, link) = on("127.0.0.1:0");
    let url = link["url"].as_str().expect("a link");
    let (origin, code) = url.split_once("/#login=").expect("a code");
    let host = origin.strip_prefix("http://").expect("an address");
    let ask = |line: &str, headers: &str, body: &str| {
        exchange(TcpStream::connect(host).expect("connected"), host, line, headers, body)
    };
    let code = json!({ "code": code }).to_string();
    let login = ask("POST /api/v1/session", "", &code);
    assert_eq!((login.status, &login.body["role"]), (200, &json!("admin")));
    assert_eq!(ask("POST /api/v1/session", "", &code).status, 401);
    let cookie = login.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let cookie = cookie.split(';').next().expect("its value");
    let headers =
        format!("Cookie: {cookie}\r\nX-Csrf-Token: {}\r\n", login.body["csrf"].as_str().expect("one"));
    let stopped = ask("POST /api/v1/modules/ticker/stop", &headers, "");
    assert_eq!((stopped.status, &stopped.body["status"]["status"]), (200, &json!("stopped")));
    let made = ask("POST /api/v1/tokens", &headers, r#"{"name":"looker","role":"viewer"}"#);
    let token = format!("Authorization: Bearer {}\r\n", made.body["token"].as_str().expect("a token"));
    assert_eq!(ask("GET /api/v1/modules/ticker", &token, "").body["status"], "stopped");
    let refused = ask("POST /api/v1/modules/ticker/start", &token, "");
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("host::door::forbidden")));
    let page = ask("GET /api/v1/journal?code=operator.", &token, "").body;
    let told: Vec<(&str, &str)> = page["records"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| (row["code"].as_str().unwrap_or(""), row["facts"]["by"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(told, [("operator.asked", "owner"), ("operator.refused", "looker")]);
}

#[test]
fn killed_it_comes_back_and_the_kernel_and_its_modules_do_not_notice() {
    let (kernel, _) = on("none");
    let before = kernel.data("ps");
    let pid =
        |row: &Value| row["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let killed = row(&kernel).expect("a module");
    kill_process(pid(&killed).expect("a process"), Signal::KILL).expect("killed");
    let back = until(|| {
        row(&kernel).filter(|row| row["status"] == "ready" && row["generation"] != killed["generation"])
    });
    assert_ne!(back["pid"], killed["pid"]);
    for id in ["greeter", "ticker"] {
        let of = |rows: &Value| {
            let rows = rows["modules"].as_array().into_iter().flatten();
            rows.clone().find(|row| row["id"] == id).map(|row| (row["pid"].clone(), row["status"].clone()))
        };
        assert_eq!(of(&kernel.data("ps")), of(&before));
    }
    until(|| (owner(&kernel, "GET /readyz", "").status == 200).then_some(()));
}

#[test]
fn the_configuration_is_read_with_origins_and_changed_only_as_it_was_seen() {
    let (kernel, _) = on("none");
    let table = owner(&kernel, "GET /api/v1/config", "");
    let entry = |table: &Value, key: &str| {
        let entries = table["entries"].as_array().into_iter().flatten();
        entries.clone().find(|entry| entry["key"] == key).cloned().unwrap_or_default()
    };
    let before = entry(&table.body, "lifecycle.maxRestarts");
    assert_eq!(before["origin"], "default");
    let version = table.body["version"].as_str().expect("a version");
    assert!(table.head.contains(&format!("etag: \"{version}\"")), "{}", table.head);
    let socket = kernel.world.home().join("state/web/api.sock");
    let put = |key: &str, value: &str, version: &str| {
        let stream = UnixStream::connect(&socket).expect("connected");
        let headers = format!("If-Match: \"{version}\"\r\n");
        let body = json!({ "value": value }).to_string();
        exchange(stream, "localhost", &format!("PUT /api/v1/config/{key}"), &headers, &body)
    };
    let set = put("lifecycle.maxRestarts", "9", version);
    assert_eq!((set.status, &entry(&set.body, "lifecycle.maxRestarts")["value"]), (200, &json!(9)));
    assert_eq!(kernel.data("config get lifecycle.maxRestarts")["value"], 9);
    let late = put("lifecycle.maxRestarts", "11", version);
    assert_eq!((late.status, &late.body["code"]), (412, &json!("host::config::changed")));
    let version = set.body["version"].as_str().expect("a version");
    let wrong = put("lifecycle.maxRestarts", "many", version);
    assert_eq!((wrong.status, &wrong.body["code"]), (400, &json!("host::config::refused")));
    let back = owner(&kernel, "DELETE /api/v1/config/lifecycle.maxRestarts", "");
    assert_eq!((back.status, entry(&back.body, "lifecycle.maxRestarts")), (200, before));
    assert_eq!(owner(&kernel, "DELETE /api/v1/config/lifecycle.maxRestarts", "").status, 404);
}

/// Takes webhooks and gives the body of each.
fn hooks() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tx, rx) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = std::io::BufReader::new(&mut stream);
            let (mut line, mut length) = (String::new(), 0);
            while std::io::BufRead::read_line(&mut reader, &mut line).is_ok_and(|bytes| bytes > 2) {
                if let Some(text) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = text.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let mut body = vec![0; length];
            let _cut = reader.read_exact(&mut body);
            let _answered = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            if tx.send(String::from_utf8_lossy(&body).into_owned()).is_err() {
                return;
            }
        }
    });
    (port, rx)
}

#[test]
fn what_fires_is_told_to_a_webhook_once_and_again_when_it_is_over() {
    let (port, told) = hooks();
    let (kernel, _) = Running::start(&project(""), 0);
    let config = format!(
        "ostoja-web:\n  listen: 127.0.0.1:0\n  alerts:\n    rules: [{{ what: held, critical: 1 }}, {{ what: memory, module: ticker, warning: 1 }}]\n    \
         outputs: [{{ to: webhook, name: hook, url: 'http://127.0.0.1:{port}/x' }}]\n"
    );
    std::fs::write(kernel.world.home().join("config.yaml"), config).expect("it is ours");
    kernel.run("reload").expect(0);
    kernel.run("dashboard").expect(0);
    let next = || {
        let text = told.recv_timeout(DEADLINE).expect("somebody is told");
        serde_json::from_str::<Value>(&text).expect("JSON")["notification"].take()
    };
    let first = next();
    assert_eq!((&first["subject"], &first["level"]), (&json!("ticker"), &json!("warning")));
    let table = until(|| Some(kernel.data("alert list")).filter(|table| table["outputs"][0]["told"] == 1));
    check_schema("alert list", &table);
    assert_eq!((&table["firing"][0]["rule"], &table["trouble"]), (&json!("memory"), &Value::Null));
    check_schema("alert test", &kernel.data("alert test hook"));
    assert_eq!(next()["rule"], "test");
    let silence = kernel.data("alert silence --module ticker --for 1h --why moved");
    check_schema("alert silence", &silence);
    check_schema("alert unsilence", &kernel.data(&format!("alert unsilence {}", silence["id"])));
    kernel.run("alert unsilence 7").expect(4);
    kernel.run("stop ticker").expect(0);
    let over = next();
    assert_eq!((&over["subject"], &over["level"]), (&json!("ticker"), &json!("resolved")));
}

#[test]
fn a_token_is_made_listed_lets_a_program_in_and_is_revoked() {
    let (kernel, link) = on("127.0.0.1:0");
    let origin = link["url"].as_str().and_then(|url| url.split('/').nth(2)).expect("an address");
    let made = kernel.data("token create prometheus --for 1h");
    check_schema("token create", &made);
    let look = || {
        let token = format!("Authorization: Bearer {}\r\n", made["token"].as_str().expect("a token"));
        exchange(TcpStream::connect(origin).expect("connected"), origin, "GET /metrics", &token, "").status
    };
    assert_eq!(look(), 200);
    let rows = kernel.data("token list");
    check_schema("token list", &rows);
    assert_eq!(rows["tokens"], json!([made["row"]]));
    kernel.run("token revoke nobody").expect(4);
    kernel.run("token create x --for 0s").expect(2);
    kernel.run("token create prometheus --role operator").expect(0);
    kernel.run("token revoke prometheus").expect(2);
    let id = made["row"]["id"].as_str().expect("an id");
    check_schema("token revoke", &kernel.data(&format!("token revoke {id}")));
    assert_eq!(look(), 401);
    kernel.run("dashboard --off").expect(0);
    until(|| row(&kernel).is_none().then_some(()));
    kernel.run("token list").expect(9);
}

#[test]
fn it_comes_back_with_the_kernel() {
    let (kernel, _) = on("none");
    kernel.run("kernel stop").expect(0);
    kernel.run("up -d -f ostoja.yaml").expect(0);
    until(|| row(&kernel).filter(|row| row["status"] == "ready"));
}

#[test]
fn an_alert_calls_a_module_and_a_service_that_is_not_there_is_told_by_the_test() {
    let (kernel, _) = Running::start(&project(""), 0);
    let config = "ostoja-web:\n  listen: none\n  alerts:\n    rules: [{ what: memory, module: ticker, warning: 1 }]\n    \
         outputs: [{ to: call, name: pager, service: greeter, method: hello }, { to: call, name: nobody, service: nobody, method: x }]\n";
    std::fs::write(kernel.world.home().join("config.yaml"), config).expect("it is ours");
    kernel.run("reload").expect(0);
    kernel.run("dashboard").expect(0);
    let table = until(|| {
        let table = kernel.data("alert list");
        let row = |name: &str| {
            let rows = table["outputs"].as_array().into_iter().flatten();
            rows.clone().find(|row| row["name"] == name).cloned().unwrap_or_default()
        };
        (row("pager")["told"] == 1).then(|| row("pager"))
    });
    assert_eq!((&table["kind"], &table["error"]), (&json!("call"), &Value::Null));
    let tested = kernel.run("alert test nobody --json").stdout;
    assert!(tested.contains("nobody"), "{tested}");
    let tested: Value = serde_json::from_str(&tested).expect("JSON");
    let error = tested["data"]["outputs"][0]["error"].as_str().unwrap_or_default();
    assert!(!error.is_empty(), "{tested}");
}
