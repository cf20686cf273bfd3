//! Reading and changing configuration. What whole files merge to stands in `conformance/vectors/config.jsonl`.

use abi::Explain;
use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no map"),
    }
}

#[test]
fn a_dotted_path_walks_maps_and_lists() {
    let root = map(json!({ "web": { "port": 80, "hosts": ["a", { "name": "b" }] } }));
    assert_eq!(get(&root, "web.port"), Some(&json!(80)));
    assert_eq!(get(&root, "web.hosts.1.name"), Some(&json!("b")));
    for absent in ["", "web.", "web..port", "web.port.x", "web.hosts.2", "web.hosts.x", "mail"] {
        assert_eq!(get(&root, absent), None, "{absent}");
    }
}

#[test]
fn set_makes_the_maps_on_its_way() {
    let mut root = map(json!({ "web": { "port": 80 }, "empty": null }));
    assert_eq!(set(&mut root, "web.port", json!(81)), Ok(()));
    assert_eq!(set(&mut root, "web.tls.cert", json!("c")), Ok(()));
    assert_eq!(set(&mut root, "empty.a", json!(1)), Ok(()));
    assert_eq!(set(&mut root, "new", json!([1])), Ok(()));
    let expected = json!({ "web": { "port": 81, "tls": { "cert": "c" } }, "empty": { "a": 1 }, "new": [1] });
    assert_eq!(Value::Object(root), expected);
}

#[test]
fn set_refuses_what_it_must_and_changes_nothing() {
    let before = map(json!({ "web": { "port": 80 } }));
    let deep = vec!["a"; 33].join(".");
    for (path, text, code) in [
        ("web.port.x", "`web.port` is no map, so `web.port.x` has no place", "files::config::path_not_a_map"),
        ("a..b", "key `a..b` holds the refused segment `..`", "files::config::path_refused"),
        (
            "__proto__.a",
            "key `__proto__.a` holds the refused segment `__proto__`",
            "files::config::path_refused",
        ),
        ("", "key `` is no dotted path of 1 to 32 segments", "files::config::path_malformed"),
        ("a.", "key `a.` is no dotted path of 1 to 32 segments", "files::config::path_malformed"),
        (
            &deep,
            &format!("key `{deep}` is no dotted path of 1 to 32 segments"),
            "files::config::path_malformed",
        ),
    ] {
        let mut root = before.clone();
        let error = set(&mut root, path, json!(1)).expect_err(path);
        assert_eq!((error.to_string().as_str(), error.code()), (text, code));
        assert_eq!(root, before);
    }
}

#[test]
fn unset_tells_whether_there_was_something() {
    let mut root = map(json!({ "web": { "port": 80, "host": "h" }, "mail": 1 }));
    assert_eq!(unset(&mut root, "web.port"), Ok(Removed::Yes));
    assert_eq!(unset(&mut root, "web.port"), Ok(Removed::Absent));
    assert_eq!(unset(&mut root, "mail.port"), Ok(Removed::Absent));
    assert_eq!(Value::Object(root), json!({ "web": { "host": "h" }, "mail": 1 }));
}

#[test]
fn texts_are_coerced_as_the_contract_says() {
    for (text, value) in [
        ("true", json!(true)),
        ("false", json!(false)),
        ("null", json!(null)),
        ("8080", json!(8080)),
        ("-1.5e3", json!(-1500.0)),
        (r#"{"a": [1]}"#, json!({ "a": [1] })),
        (" [1, 2] ", json!([1, 2])),
    ] {
        assert_eq!(coerce(json!(text)), value);
    }
    for text in [
        "", " ", "True", "0755", "1.2.3", "1e", "-", "+1", "{a: 1}", "[1", "{", "\"x\"", "NaN", "0x10", "1 2",
    ] {
        assert_eq!(coerce(json!(text)), json!(text), "stays a text");
    }
    assert_eq!(coerce(json!(["1"])), json!(["1"]), "only a text itself is coerced");
}

#[test]
fn a_configuration_shows_no_value_in_debug() {
    let layer = Layer::parse("f", "web: {password: hunter2}").expect("a layer");
    assert_eq!(format!("{layer:?}"), r#"["web"]"#);
    assert!(!format!("{:?}", Config::merge(&[layer])).contains("hunter2"));
}

#[test]
fn changed_sections_are_named_once_and_sorted() {
    let config = |text: &str| Config::merge(&[Layer::parse("f", text).expect("a layer")]);
    let before = config("same: 1\nchanged: {a: 1}\ngone: 1\n");
    let after = config("zoo: 1\nsame: 1\nchanged: {a: 2}\n");
    assert_eq!(after.changed_sections(&before), ["changed", "gone", "zoo"]);
    assert!(after.changed_sections(&after).is_empty());
}

/// Sets and shows the whole file after it.
fn check_set(text: &str, path: &str, value: Value, expect: Expect) {
    let out = set_in_text("config.yaml", text, path, &value).unwrap_or_else(|error| error.to_string());
    expect.assert_eq(&out);
}

const FILE: &str = "# The shop.\nweb:\n  # The port that people know.\n  port: 80 # not 8080\n  hosts: [a, b]\n\nmail:\n  from: 'x y'\n";

#[test]
fn setting_a_scalar_keeps_every_comment() {
    check_set(
        FILE,
        "web.port",
        json!(81),
        expect![[r#"
        # The shop.
        web:
          # The port that people know.
          port: 81 # not 8080
          hosts: [a, b]

        mail:
          from: 'x y'
    "#]],
    );
    check_set(
        FILE,
        "mail.from",
        json!("a: b"),
        expect![[r##"
        # The shop.
        web:
          # The port that people know.
          port: 80 # not 8080
          hosts: [a, b]

        mail:
          from: "a: b"
    "##]],
    );
    check_set(
        FILE,
        "mail.from",
        json!({ "name": "n" }),
        expect![[r##"
        # The shop.
        web:
          # The port that people know.
          port: 80 # not 8080
          hosts: [a, b]

        mail:
          from: {"name":"n"}
    "##]],
    );
}

#[test]
fn setting_what_is_new_adds_lines() {
    check_set(
        FILE,
        "web.host",
        json!("h"),
        expect![[r#"
            # The shop.
            web:
              # The port that people know.
              port: 80 # not 8080
              hosts: [a, b]
              host: h

            mail:
              from: 'x y'
        "#]],
    );
    check_set(
        FILE,
        "web.tls.cert",
        json!("yes"),
        expect![[r##"
            # The shop.
            web:
              # The port that people know.
              port: 80 # not 8080
              hosts: [a, b]
              tls:
                cert: "yes"

            mail:
              from: 'x y'
        "##]],
    );
    check_set(
        FILE,
        "log.level",
        json!("debug"),
        expect![[r#"
        # The shop.
        web:
          # The port that people know.
          port: 80 # not 8080
          hosts: [a, b]

        mail:
          from: 'x y'
        log:
          level: debug
    "#]],
    );
    check_set(
        "",
        "a.b.c",
        json!([1, "x"]),
        expect![[r#"
        a:
          b:
            c: [1,"x"]
    "#]],
    );
    check_set(
        "a: 1",
        "b",
        json!(2),
        expect![[r#"
        a: 1
        b: 2
    "#]],
    );
    check_set(
        "web:\n",
        "web.port",
        json!(1),
        expect![[r#"
        web:
          port: 1
    "#]],
    );
    check_set(
        "web: {port: 1}\n",
        "web.host",
        json!("h"),
        expect![[r#"
            web: {"port":1,"host":"h"}
        "#]],
    );
    check_set(
        "web: {port: 1}\n",
        "web.port",
        json!(2),
        expect![[r#"
        web: {port: 2}
    "#]],
    );
}

#[test]
fn setting_inside_braces_rewrites_no_more_than_the_braces() {
    check_set(
        "# top\nweb: {port: 1} # why\n# end\n",
        "web.host",
        json!("h"),
        expect![[r##"
        # top
        web: {"port":1,"host":"h"}
        # end
    "##]],
    );
    check_set(
        "# top\nweb:\n  # in\n  tls: {a: {b: 1}}\n  x: 1 # y\n",
        "web.tls.a.c",
        json!(2),
        expect![[r##"
        # top
        web:
          # in
          tls: {"a":{"b":1,"c":2}}
          x: 1 # y
    "##]],
    );
    check_set(
        "a:\n  b: 1\n# The end.",
        "a.c",
        json!(2),
        expect![[r#"
        a:
          b: 1
          c: 2
        # The end."#]],
    );
}

#[test]
fn setting_over_a_list_or_a_map_still_means_what_was_asked_for() {
    check_set(
        FILE,
        "web.hosts",
        json!(["c"]),
        expect![[r##"
            # The shop.
            web:
              # The port that people know.
              port: 80 # not 8080
              hosts: ["c"]

            mail:
              from: 'x y'
        "##]],
    );
    check_set(
        "a: &x 1\nb: *x\n",
        "b",
        json!(2),
        expect![[r#"
            a: &x 1
            b: 2
        "#]],
    );
    check_set(
        "a: |\n  long\n  text\nb: 1\n",
        "a",
        json!("short"),
        expect![[r#"
        a: short
        b: 1
    "#]],
    );
}

#[test]
fn unsetting_takes_the_lines_and_what_is_below_them() {
    let unset = |path: &str| unset_in_text("f", FILE, path).expect("a good file").expect("it is there");
    expect![[r#"
        # The shop.
        web:
          # The port that people know.
          hosts: [a, b]

        mail:
          from: 'x y'
    "#]]
    .assert_eq(&unset("web.port"));
    expect![[r#"
        # The shop.

        mail:
          from: 'x y'
    "#]]
    .assert_eq(&unset("web"));
    expect![[r#"
        # The shop.
        web:
          # The port that people know.
          port: 80 # not 8080
          hosts: [a, b]

        mail: {}
    "#]]
    .assert_eq(&unset("mail.from"));
    assert_eq!(unset_in_text("f", FILE, "web.nothing"), Ok(None));
    assert_eq!(unset_in_text("f", "a: {b: 1, c: 2}\n", "a.b"), Ok(Some("a: {\"c\":2}\n".to_owned())));
}

#[test]
fn a_malformed_file_is_not_touched() {
    let error = set_in_text("f.yaml", "web: {", "web.port", &json!(1)).expect_err("it is malformed");
    assert_eq!(error.code(), "files::config::syntax");
    let error = set_in_text("f.yaml", "web: 1\n", "web.port", &json!(1)).expect_err("it has no place");
    assert_eq!(error.code(), "files::config::path_not_a_map");
    assert_eq!(error.help().as_deref(), Some("ostoja config unset web"));
}
