//! The examples as a newcomer meets them: one `ostoja up` in their folder, every runtime for real.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::runner::{DEADLINE, World};

/// The port that the examples' project names; a test takes a free one instead.
const PORT_IN_PROJECT: &str = "8765";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("it is ours");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("a readable entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("it is ours");
        }
    }
}

/// The world's own copy of the examples, with a free port, and with the adder built beside this binary put in its place.
fn examples(world: &World) -> u16 {
    let folder = world.path().join("examples");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"), &folder);
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let file = folder.join("ostoja.yaml");
    let project = fs::read_to_string(&file).expect("the examples are a project");
    assert!(project.contains(PORT_IN_PROJECT));
    fs::write(&file, project.replace(PORT_IN_PROJECT, &port.to_string())).expect("it is ours");
    let adder = Path::new(env!("CARGO_BIN_EXE_ostoja")).with_file_name("rust-adder");
    if adder.exists() {
        fs::create_dir_all(folder.join("rust-adder/bin")).expect("it is ours");
        fs::copy(adder, folder.join("rust-adder/bin/adder")).expect("it is ours");
    }
    port
}

pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Said on the real stderr, where the test runner does not swallow it.
pub(crate) fn skip(what: &str) {
    let line = format!("SKIPPED cli: {what}\n");
    let _shown =
        fs::OpenOptions::new().append(true).open("/dev/stderr").map(|mut out| out.write_all(line.as_bytes()));
}

fn state_of(world: &World, id: &str) -> (String, u64) {
    let document = world.run("--json ps").json();
    let rows = document["data"]["modules"].as_array().expect("a list").clone();
    let row = rows.into_iter().find(|row| row["id"] == id).expect("it is listed");
    (row["status"].as_str().expect("a word").to_owned(), row["restartsTotal"].as_u64().expect("a number"))
}

fn call(world: &World, service: &str, method: &str, params: &str) -> Value {
    world.run_words(&["--json", "call", service, method, params]).expect(0).json()["data"]["result"].take()
}

struct Down<'a>(&'a World);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.run("down --timeout 10s");
    }
}

#[test]
fn every_example_runs() {
    let world = World::new();
    let port = examples(&world);
    let _down = Down(&world);
    let deno = is_on_path("deno");
    if !deno {
        skip(
            "no `deno` on PATH, so deno-clock, typescript-todo and node-counter, which needs the clock, were not run",
        );
    }
    world.run("up -d -f examples/ostoja.yaml --timeout 50s").expect(if deno { 0 } else { 3 });
    let mut ready = vec!["python-greeter", "http-server", "shell-worker", "shell-facts"];
    if deno {
        ready.extend(["deno-clock", "node-counter", "typescript-todo"]);
    }
    for id in ready {
        assert_eq!(state_of(&world, id).0, "ready", "{id}: {}", world.run(&format!("why {id}")).stdout);
    }
    assert_eq!(call(&world, "greeter", "hello", r#"{"name":"Ala"}"#), "hello Ala");
    assert_eq!(call(&world, "facts", "echo", r#"{"text":"Ala"}"#), "you said: Ala");
    if deno {
        assert_eq!(call(&world, "todo", "add", r#"{"text":"read"}"#), 1);
    }
    let mut page = String::new();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    socket
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .and_then(|()| socket.read_to_string(&mut page))
        .expect("an answer");
    assert!(page.starts_with("HTTP/1.0 200"), "{page}");

    world.run("start fails-on-purpose").expect(0);
    let begun = Instant::now();
    while state_of(&world, "fails-on-purpose").1 == 0 {
        assert!(begun.elapsed() < DEADLINE, "{}", world.run("why fails-on-purpose").stdout);
    }
    let story = world.run("why fails-on-purpose").expect(0).stdout;
    assert!(story.contains("restarts after"), "{story}");
}

#[test]
fn the_rust_example_adds() {
    let world = World::new();
    examples(&world);
    if !world.path().join("examples/rust-adder/bin/adder").exists() {
        return skip("rust-adder is not built beside `ostoja`: cargo build --workspace");
    }
    let project = "modules: {rust-adder: {path: examples/rust-adder}}\n";
    fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
    let _down = Down(&world);
    world.run("up -d").expect(0);
    assert_eq!(call(&world, "adder", "add", "[1,2,3.5]"), 6.5);
}
