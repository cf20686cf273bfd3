//! What holds for any source: no panic, and what is given out is read by Ostoja.

use import::Format;
use proptest::prelude::*;
use protocol::files::Fault;
use protocol::files::project::Project;
use serde_json::{Map, Value};

/// Reads it; a project that comes out must be one, and no other reason than the source's may be given.
fn holds(format: Format, text: &str) -> Result<(), TestCaseError> {
    match import::import(format, "source", text) {
        Ok(imported) => {
            let project = Project::parse("ostoja.yaml", &imported.yaml);
            prop_assert!(project.is_ok(), "{:?}\n{}", project.err(), imported.yaml);
        }
        Err(errors) => {
            for error in &errors {
                let is_ours =
                    matches!(&error.fault, Fault::BadValue { why, .. } if why.contains("Ostoja can't read"));
                prop_assert!(!is_ours, "{error}");
            }
        }
    }
    Ok(())
}

fn formats() -> impl Strategy<Value = Format> {
    prop::sample::select(Format::ALL.to_vec())
}

/// Pieces that mean something to one of the formats, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~ł\\n\\t]{0,12}",
        prop::sample::select(vec![
            "services:\n",
            "  a:\n",
            "    command: ",
            "    depends_on: [a, b]\n",
            "processes:\n",
            "[program:a]\n",
            "command=",
            "environment=A=\"1\"\n",
            "[Service]\n",
            "ExecStart=",
            "Environment=",
            "\\\n",
            "${A:-b}",
            "$$",
            "%(process_num)d",
            "%i",
            "web: ",
            "\n",
            "\"",
            "'",
            "{\"apps\": [",
            "{\"mcpServers\": {",
            "]}",
            "}}",
            "{{ .A }}",
            "    healthcheck: { test: x }\n",
            "    restart: always\n",
            "numprocs=3\n",
            "\u{2028}",
            "\u{0}",
            "\u{85}",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Scalars, lists and maps under keys that the readers know.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        "[a-z$ {}:'\"|-]{0,14}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn keys() -> impl Strategy<Value = String> {
    let known = vec![
        "command",
        "entrypoint",
        "environment",
        "depends_on",
        "condition",
        "restart",
        "healthcheck",
        "test",
        "interval",
        "working_dir",
        "volumes",
        "deploy",
        "resources",
        "limits",
        "memory",
        "image",
        "script",
        "args",
        "env",
        "cwd",
        "name",
        "readiness_probe",
        "http_get",
        "exec",
        "port",
        "path",
        "host",
        "availability",
        "shutdown",
        "signal",
        "profiles",
        "stop_grace_period",
        "timeout_seconds",
        "kill_timeout",
        "instances",
        "url",
        "ready_log_line",
        "ulimits",
        "nofile",
        "retries",
        "start_period",
    ];
    prop_oneof![4 => prop::sample::select(known).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

fn object(value: Value) -> Value {
    match value {
        Value::Object(_) => value,
        other => serde_json::json!({ "command": other }),
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_what_comes_out_is_read(format in formats(), text in pieces()) {
        holds(format, &text)?;
    }

    #[test]
    fn no_bytes_panic(format in formats(), text in "\\PC{0,80}") {
        holds(format, &text)?;
    }

    #[test]
    fn trees_of_known_keys_come_out_as_projects(one in values(), two in values(), name in "\\PC{1,12}") {
        let (one, two) = (object(one), object(two));
        for (format, list) in [(Format::Compose, "services"), (Format::ProcessCompose, "processes"), (Format::Mcp, "mcpServers")] {
            let mut all = Map::new();
            all.insert(name.clone(), one.clone());
            all.insert("other".to_owned(), two.clone());
            let mut root = Map::new();
            root.insert(list.to_owned(), Value::Object(all));
            holds(format, &Value::Object(root).to_string())?;
        }
        holds(Format::Pm2, &serde_json::json!({ "apps": [one, two] }).to_string())?;
    }

    #[test]
    fn a_command_of_any_words_is_run_with_the_same_words(program in "\\PC{1,8}", rest in prop::collection::vec("\\PC{0,8}", 0..4)) {
        let words: Vec<String> = [program].into_iter().chain(rest).collect();
        let source = serde_json::json!({ "mcpServers": { "a": { "command": words[0], "args": words[1..] } } }).to_string();
        let imported = import::import(Format::Mcp, "a", &source).expect("it is one");
        let project = Project::parse("ostoja.yaml", &imported.yaml).expect("it is one");
        // An empty word fits no list, and a builtin's name with one fits no text.
        if let Some(module) = project.module("a") {
            prop_assert_eq!(&module.source, &protocol::files::project::Source::Run(words));
        } else {
            prop_assert!(words.iter().any(String::is_empty), "{}", imported.yaml);
        }
    }

    #[test]
    fn a_variable_keeps_its_value(value in "[^\u{0}]{0,40}", name in "[A-Z_]{1,8}") {
        let mut env = Map::new();
        env.insert(name.clone(), Value::from(value.clone()));
        let source = serde_json::json!({ "apps": [{ "script": "a.js", "env": env }] }).to_string();
        let imported = import::import(Format::Pm2, "a", &source).expect("it is one");
        let project = Project::parse("ostoja.yaml", &imported.yaml);
        prop_assert!(project.is_ok(), "{:?}\n{}", project.err(), imported.yaml);
        let project = project.expect("checked");
        prop_assert_eq!(project.modules[0].env.get(&name), Some(&value));
    }
}
