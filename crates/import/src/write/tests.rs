//! Scalars are read back as they were, and comments are folded.

use expect_test::expect;
use proptest::prelude::*;
use protocol::files::{Area, node};

use super::*;

fn read(text: &str, key: &str) -> Option<String> {
    node::from_yaml(Area::Import, "a", text).ok()?.entry(key)?.literal().map(str::to_owned)
}

proptest! {
    #[test]
    fn any_text_is_read_back(text in "\\PC{1,24}|[ -~\\n\\t:#'\"{}\\[\\]&*!|>%@`-]{1,24}|.{1,8}") {
        prop_assume!(!text.contains('\0'));
        prop_assert_eq!(read(&format!("a: {}\n", plain(&text)), "a"), Some(text.clone()));
        prop_assert_eq!(read(&format!("a: {}\n", scalar::value(&text)), "a"), Some(text.clone()));
        let list = format!("a: [{}]\n", flow(&text));
        let node = node::from_yaml(Area::Import, "a", &list).map_err(|error| TestCaseError::fail(format!("{error}: {list}")))?;
        let node::Kind::List(items) = &node.entry("a").expect("there").kind else { panic!("{list}") };
        prop_assert_eq!(items[0].literal(), Some(text.as_str()));
        if let Some(block) = scalar::block(&text, 4) {
            prop_assert_eq!(read(&format!("a: {block}\nb: 1\n"), "a"), Some(text));
        }
    }
}

#[test]
fn words_that_yaml_takes_for_something_else_are_quoted() {
    for text in [
        "true",
        "No",
        "null",
        "~",
        "1",
        "1.5",
        "0x10",
        "1e3",
        "12:30",
        "2026-01-01",
        ".5",
        "-",
        "- a",
        "a: b",
        "a #b",
        "",
    ] {
        assert!(plain(text).starts_with('"'), "{text}");
    }
    for text in ["node a.js --b=c", "sh -c \"x\"", "a:b", "/bin/x", "./y", "$X", "e", "face-x"] {
        assert_eq!(plain(text), text);
    }
    assert_eq!(scalar::value("8080"), "8080");
    assert_eq!(scalar::value("007"), "\"007\"");
    assert_eq!(scalar::value("true"), "true");
}

#[test]
fn a_whole_project_is_written_as_a_person_would() {
    let mut draft = Draft::new("some/folder/compose.yaml");
    draft.name = Some("shop".to_owned());
    draft.remarks.add("One.");
    let mut module = Module::new("web", Program::Text("node a.js".to_owned()));
    module.remarks.add("A remark that is longer than what fits one line of a hundred columns, so that it is folded at a blank.");
    module.needs.push("db".to_owned());
    module.set_env("A", "b c");
    module.policy.ready = Some(Ready {
        probe: Probe::Http { host: "::1".to_owned(), port: 80, path: "/a".to_owned(), status: Some(204) },
        timeout: Some(Duration::from_secs(90)),
        interval: Some(Duration::from_millis(1500)),
    });
    module.policy.limits.memory_bytes = Some(512 << 20);
    draft.push(module);
    draft.leave_out("db", "it is an image.");
    draft.config = serde_json::json!({ "web": { "a": "\u{2028}" } });
    expect![[r#"
        # Made by `ostoja import` from compose.yaml.
        # One.
        name: shop

        modules:
          web:
            # A remark that is longer than what fits one line of a hundred columns, so that it is folded at
            #   a blank.
            run: node a.js
            needs: [db]
            env:
              A: b c
            ready: { http: "[::1]:80/a", status: 204, timeout: 90s, interval: 1500ms }
            limits: { memory: 512M }

          # `db` is left out: it is an image.

        config:
          web: {"a":"\u2028"}
    "#]]
    .assert_eq(&project(&draft));
}
