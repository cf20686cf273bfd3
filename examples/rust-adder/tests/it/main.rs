//! The compiled example as the kernel starts it, and the files of all examples as the kernel reads them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use protocol::files::manifest::Manifest;
use protocol::files::project::{Project, Source};
use serde_json::{Value, json};

/// All examples, by the names of their folders.
const FOLDERS: [&str; 11] = [
    "deno-clock",
    "fails-on-purpose",
    "go-hasher",
    "http-server",
    "node-counter",
    "python-greeter",
    "rust-adder",
    "shell-facts",
    "shell-worker",
    "typescript-todo",
    "wasm-adder",
];

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Says these frames and `shutdown`; gives what the module said.
fn say(words: &[&str], frames: &[Value]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rust-adder"));
    let spawned = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = spawned.expect("it is built");
    let mut lines: String = frames.iter().map(|frame| format!("{frame}\n")).collect();
    lines.push_str("{\"type\":\"shutdown\"}\n");
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("a child");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("every line is a frame")).collect()
}

fn call(service: &str, params: Value) -> Value {
    json!({"type": "rpc_request", "id": "1", "from": "m", "service": service, "method": "add", "params": params})
}

#[test]
fn it_adds_and_answers_pings() {
    let init = json!({"type": "init", "protocolVersion": "1.0", "config": {}, "workspacePath": "/", "projectRoot": "/"});
    let ping = json!({"type": "ping"});
    let said = say(&[], &[init, call("adder", json!([1, 2, 3.5])), ping, call("adder", json!("text"))]);
    assert_eq!(said[0]["type"], json!("ready"));
    assert_eq!(said[1], json!({"type": "rpc_response", "id": "1", "result": 6.5}));
    assert_eq!(said[2], json!({"type": "pong"}));
    let error = said[3]["error"].as_str().expect("an error");
    assert!(error.starts_with("bad params: "), "{error}");
}

#[test]
fn a_sum_beyond_all_numbers_is_an_error() {
    let said = say(&[], &[call("adder", json!([1e308, 1e308]))]);
    assert_eq!(said[0]["error"], json!("the sum is too large"));
}

#[test]
fn its_service_can_have_another_name() {
    let said = say(&["adder-17"], &[call("adder-17", json!([1]))]);
    assert_eq!(said[0]["result"], json!(1.0));
}

#[test]
fn every_manifest_is_read_without_a_warning() {
    let mut count = 0;
    for entry in std::fs::read_dir(examples()).expect("the folder") {
        let path = entry.expect("an entry").path().join("module.json");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let manifest = Manifest::parse(&path.display().to_string(), &text);
        let manifest = manifest.unwrap_or_else(|errors| panic!("{errors:?}"));
        assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
        let folder = path.parent().and_then(|folder| folder.file_name()).expect("a folder");
        assert_eq!(manifest.id.as_str(), folder.to_str().expect("UTF-8"));
        count += 1;
    }
    assert_eq!(count, FOLDERS.len());
}

#[test]
fn the_project_file_gathers_every_folder() {
    let text = std::fs::read_to_string(examples().join("ostoja.yaml")).expect("the file");
    let project = Project::parse("ostoja.yaml", &text).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut ids: Vec<&str> = project.modules.iter().map(|module| module.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, FOLDERS);
    for module in &project.modules {
        if let Source::Folder(folder) = &module.source {
            assert!(examples().join(folder).join("module.json").is_file(), "{folder}");
        }
    }
}
