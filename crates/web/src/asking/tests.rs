//! Requests made of HTTP parts, and what is refused.

use protocol::operator::{ReloadWhat, UpdateVerb};
use serde_json::json;

use super::*;
use crate::routes::{Method, routes};

fn route(method: Method, path: &str) -> &'static Route {
    routes().find(|route| route.method == method && route.path == path).expect("a route")
}

fn refused(route: &Route, parts: Parts<'_>) -> String {
    request(route, parts).expect_err("refused").detail
}

#[test]
fn path_query_and_body_become_one_request() {
    let stop = Parts {
        path: vec![("id", "shop".to_owned())],
        query: query_of(Some("dryRun=true")).expect("a query"),
        body: None,
    };
    let expected = Request::ModuleStop { module_id: "shop".to_owned(), dry_run: true };
    assert_eq!(request(route(Method::Post, "/modules/{id}/stop"), stop), Ok(expected));
    let reload = Parts { body: Some(json!({"what": "config"})), ..Parts::default() };
    let expected = Request::KernelReload { what: Some(ReloadWhat::Config), dry_run: false };
    assert_eq!(request(route(Method::Post, "/kernel/reload"), reload), Ok(expected));
}

#[test]
fn of_a_verb_with_verbs_the_route_says_which_and_a_number_in_the_path_is_one() {
    let path = |text: &str| Parts { path: vec![("transaction", text.to_owned())], ..Parts::default() };
    let go = route(Method::Post, "/updates/{transaction}/go");
    let expected = UpdateVerb::Go { transaction: 7, approve: false };
    assert_eq!(request(go, path("7")), Ok(Request::Update(expected)));
    assert!(refused(go, path("seven")).contains("no whole number"));
    let verb = Parts { body: Some(json!({"verb": "gc"})), ..path("7") };
    assert!(refused(go, verb).contains("`verb` is no field"));
}

#[test]
fn a_time_to_wait_is_bounded_before_anybody_waits() {
    let asked = |ms: &str| Parts {
        query: query_of(Some(&format!("intervalMs={ms}"))).expect("a query"),
        ..Parts::default()
    };
    let actors = route(Method::Get, "/actors");
    for (ms, number) in [("1", 1), ("5000", 5000)] {
        assert_eq!(request(actors, asked(ms)), Ok(Request::Actors { interval_ms: Some(number) }));
    }
    for ms in ["0", "5001", "18446744073709551615", "-1", "1.5"] {
        assert!(refused(actors, asked(ms)).contains("from 1 to 5000"), "{ms}");
    }
}

#[test]
fn every_verb_of_updates_and_of_the_configuration_has_a_route_or_a_reason() {
    // Another binary in the kernel's own place is a file of its machine, and so for those who are there.
    let without = ["own", "own-list"];
    let door = protocol::operator::operator_door();
    for (cmd, name) in [("update", "UpdateVerb"), ("config", "ConfigVerb"), ("snapshot", "SnapshotVerb")] {
        let verbs = door["$defs"][name]["oneOf"].as_array().expect("verbs");
        for verb in verbs.iter().filter_map(|verb| verb["properties"]["verb"]["const"].as_str()) {
            let has = routes().any(|route| route.cmd == cmd && route.verb == Some(verb));
            assert_ne!(has, without.contains(&verb), "{cmd} {verb}");
        }
    }
}

#[test]
fn a_body_can_name_neither_another_verb_nor_another_module_nor_an_asker() {
    for body in
        [json!({"cmd": "kernel.stop"}), json!({"moduleId": "other"}), json!({"by": {"role": "admin"}})]
    {
        let parts = Parts { path: vec![("id", "a".to_owned())], body: Some(body), ..Parts::default() };
        assert!(refused(route(Method::Post, "/modules/{id}/start"), parts).contains("no field"));
    }
}

#[test]
fn a_function_cannot_be_read_from_a_file_of_the_kernels() {
    let body = Some(json!({"file": "/etc/shadow"}));
    let parts = Parts { path: vec![("name", "f".to_owned())], body, ..Parts::default() };
    assert!(refused(route(Method::Put, "/functions/{name}"), parts).contains("`file` is no field"));
}

#[test]
fn misspelled_and_odd_fields_are_told() {
    let logs = route(Method::Get, "/logs");
    let with = |query: &str| Parts { query: query_of(Some(query)).expect("a query"), ..Parts::default() };
    assert!(refused(logs, with("line=3")).contains("`line` is no field"));
    assert!(refused(logs, with("lines=-3")).contains("no whole number"));
    assert!(refused(route(Method::Post, "/kernel/stop"), with("dryRun=maybe")).contains("neither"));
    let list = Parts { body: Some(json!([])), ..Parts::default() };
    assert!(refused(logs, list).contains("no JSON object"));
}

#[test]
fn escapes_of_a_query_are_decoded_and_broken_ones_refused() {
    let pairs = query_of(Some("grep=a%20b+%c5%bc&x")).expect("a query");
    assert_eq!(pairs, [("grep".to_owned(), "a b ż".to_owned()), ("x".to_owned(), String::new())]);
    for broken in ["a=%", "a=%f", "a=%zz", "a=%ff"] {
        assert!(query_of(Some(broken)).is_err(), "{broken}");
    }
}

#[test]
fn every_route_names_a_verb_of_the_door_and_only_fields_that_it_has() {
    let door = protocol::operator::operator_door();
    for route in routes() {
        let fields = crate::openapi::fields_of(&door, route);
        assert!(!fields.is_empty(), "{} is no verb", route.cmd);
        let taken = match route.body {
            Taken::Nothing => &[],
            Taken::Fields(names) => names,
        };
        let query = route.query.iter().map(|asked| field_of(route, asked.name));
        let parts = route.parts.iter().map(|(_, field)| (*field).to_owned());
        for name in query.chain(parts).chain(taken.iter().map(|name| (*name).to_owned())) {
            assert!(fields.contains_key(&name), "{} has no {name}", route.cmd);
        }
    }
}

#[test]
fn every_verb_of_the_door_has_a_route_or_a_reason() {
    // Followed by `/events`; a part of `module.show`; asked by commands only; about a vault whose key stays local; about
    // what a module does touch of the machine, which is not given over HTTP.
    let without = [
        "events",
        "subscribe",
        "module.status",
        "kernel.settle",
        "secrets.unlock",
        "secrets.changed",
        "module.profile",
    ];
    let door = protocol::operator::operator_door();
    for cmd in crate::openapi::commands(&door) {
        let has = routes().any(|route| route.cmd == cmd);
        assert_ne!(has, without.contains(&cmd.as_str()), "{cmd}");
    }
}
