//! Modules whose `net` names places, and modules that are observed, in a real kernel with its net helper.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use sandbox::{Layer, Proof};
use serde_json::json;

use crate::kernel::{Kernel, eventually};

/// Whether this machine can do it; tells when it can't.
pub(crate) fn given(test: &str) -> bool {
    let proof = sandbox::probe::run().proof(Layer::NetBroker);
    if proof != Proof::Works {
        skipped(test, &proof.to_string());
    }
    proof == Proof::Works
}

/// Past the runner's capture, one line each, to be counted.
fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED host {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
}

/// A kernel with its net helper, in a home with these files.
pub(crate) fn kernel(project: &str, files: &[(&str, &str)]) -> Kernel {
    let mut kernel = Kernel::home(project);
    for (name, text) in files {
        kernel.file(name, text);
    }
    kernel.start_with(|command| {
        command.env("OSTOJA_TEST_NET", std::env::current_exe().expect("this program"));
    });
    kernel
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

#[test]
fn a_server_is_ready_at_its_granted_place_and_what_it_wants_beside_is_told() {
    if !given("a_server_is_ready_at_its_granted_place_and_what_it_wants_beside_is_told") {
        return;
    }
    let port = free_port();
    let program = "import os, socket\n\
        s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n\
        try: socket.create_connection(('192.0.2.7', 443), 5)\n\
        except OSError: pass\n\
        while True:\n    c, _ = s.accept(); c.sendall(b'hello'); c.close()\n";
    let project = format!(
        "modules:\n  web:\n    run: [/usr/bin/python3, -S, web.py]\n    env: {{ PORT: {port} }}\n    \
         ready: {{ tcp: \"127.0.0.1:{port}\" }}\n    permissions: {{ net: [\"127.0.0.1:{port}\"], read: [\"web.py\"] }}\n"
    );
    let mut kernel = kernel(&project, &[("web.py", program)]);
    kernel.wait_for_state("web", "ready");
    let mut said = String::new();
    TcpStream::connect(("127.0.0.1", port)).expect("it listens").read_to_string(&mut said).expect("read");
    assert_eq!(said, "hello");
    let level = kernel.status("web")["containment"].to_string();
    assert!(!level.contains("net_broker") && !level.contains("net_namespace"), "{level}");
    eventually("the refusal is journaled", || {
        let story = kernel.data(json!({ "cmd": "why", "moduleId": "web", "limit": 1000 }));
        let records = story["records"].as_array().expect("records").clone();
        records.iter().any(|row| {
            row["code"] == "net.refused" && row["facts"]["grant"].to_string().contains("192.0.2.7:443")
        })
    });
    kernel.signal(rustix::process::Signal::TERM);
    kernel.wait();
}

#[test]
fn a_command_that_looks_whether_it_is_ready_reaches_what_its_module_may() {
    if !given("a_command_that_looks_whether_it_is_ready_reaches_what_its_module_may") {
        return;
    }
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("bound").port();
    let look = format!("import socket; socket.create_connection((\\\"127.0.0.1\\\", {port}), 5)");
    let kernel = kernel(
        &format!(
            "modules:\n  client:\n    run: [sleep, \"1000\"]\n    \
         ready: {{ exec: [/usr/bin/python3, -S, -c, \"{look}\"] }}\n    permissions: {{ net: [\"127.0.0.1:{port}\"] }}\n"
        ),
        &[],
    );
    kernel.wait_for_state("client", "ready");
    server.accept().expect("it came");
}

/// The project of one module that does its work once, with one file that it may read and one that it does not.
fn working(kernel: &str, run: &str) -> String {
    format!(
        "modules:\n  worker:\n    run: {run}\n    restart: never\n    ready: completed\n    \
         permissions: {{ net: [\"{kernel}\"], read: [\"/srv/not-used\"], run: [\"true\"] }}\n"
    )
}

/// What is needed, by kind.
fn needed(profiled: &serde_json::Value, kind: &str) -> Vec<String> {
    serde_json::from_value(profiled["needed"][kind].clone()).unwrap_or_default()
}

#[test]
fn a_profile_of_python_names_what_it_was_refused_and_leaves_out_what_it_did_not_use() {
    if !given("a_profile_of_python_names_what_it_was_refused_and_leaves_out_what_it_did_not_use") {
        return;
    }
    let secret = tempfile::tempdir().expect("a folder");
    let secret = secret.path().canonicalize().expect("it is there");
    for folder in ["in", "out"] {
        std::fs::create_dir(secret.join(folder)).expect("made");
    }
    std::fs::write(secret.join("in/key"), "s").expect("written");
    let program = format!(
        "import socket, subprocess\n\
         def attempt(what):\n    try: what()\n    except OSError: pass\n\
         attempt(lambda: open('{secret}/in/key').read())\n\
         attempt(lambda: open('{secret}/out/new', 'w'))\n\
         attempt(lambda: subprocess.run(['/usr/bin/id']))\n\
         attempt(lambda: socket.getaddrinfo('api.nowhere.example.', 443))\n",
        secret = secret.display()
    );
    let project = working("other.example:443", "[/usr/bin/python3, -S, work.py]");
    let kernel = kernel(&project, &[("work.py", &program)]);
    let profiled = kernel.data(json!({ "cmd": "module.profile", "moduleId": "worker", "forMs": 60_000 }));
    let path = |name: &str| vec![secret.join(name).display().to_string()];
    assert_eq!(needed(&profiled, "read"), path("in/key"), "{profiled}");
    assert_eq!(needed(&profiled, "write"), path("out"), "{profiled}");
    assert_eq!(needed(&profiled, "run"), ["id"], "{profiled}");
    assert_eq!(needed(&profiled, "net"), ["api.nowhere.example"], "{profiled}");
    assert_eq!((&profiled["held"], &profiled["status"]), (&json!("closed"), &json!("completed")));
    let story = kernel.data(json!({ "cmd": "why", "moduleId": "worker", "limit": 1000 }));
    let records = story["records"].as_array().expect("records").clone();
    let told = |code: &str, value: &str| {
        records.iter().any(|row| row["code"] == code && row["facts"]["value"].to_string().contains(value))
    };
    assert!(told("access.refused", "/in/key") && told("access.refused", "/usr/bin/id"), "{story}");
}

#[test]
fn a_profile_in_the_open_refuses_node_nothing_and_the_next_life_is_held_again() {
    let test = "a_profile_in_the_open_refuses_node_nothing_and_the_next_life_is_held_again";
    if !given(test) {
        return;
    }
    if !std::path::Path::new("/usr/bin/node").exists() {
        skipped(test, "node is not installed");
        return;
    }
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("bound").port();
    let secret = tempfile::tempdir().expect("a folder");
    let secret = secret.path().canonicalize().expect("it is there").join("key");
    std::fs::write(&secret, "s").expect("written");
    let program = format!(
        "const fs = require('fs'), net = require('net');\n\
         try {{ fs.readFileSync('{}'); console.log('read it') }} catch (e) {{ console.log(e.code) }}\n\
         const s = net.connect({port}, '127.0.0.1', () => s.destroy());\n\
         s.on('error', () => {{}});\n",
        secret.display()
    );
    let project = working("other.example:443", "[/usr/bin/node, work.js]");
    let kernel = kernel(&project, &[("work.js", &program)]);
    let profiled =
        kernel.data(json!({ "cmd": "module.profile", "moduleId": "worker", "forMs": 60_000, "open": true }));
    assert_eq!(needed(&profiled, "read"), [secret.display().to_string()], "{profiled}");
    assert_eq!(needed(&profiled, "net"), [format!("127.0.0.1:{port}")], "{profiled}");
    assert_eq!(profiled["held"], json!("open"));
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "worker" }));
    let said = |kernel: &Kernel| -> Vec<String> {
        let logs = kernel.data(json!({ "cmd": "logs", "modules": ["worker"], "lines": 100 }));
        let lines = logs["lines"].as_array().cloned().unwrap_or_default();
        lines.iter().filter_map(|line| line["msg"].as_str().map(str::to_owned)).collect()
    };
    eventually("the open life read it, the held ones before and after did not", || {
        let said = said(&kernel);
        let read = said.iter().filter(|text| *text == "read it").count();
        read == 1 && said.last().is_some_and(|text| text == "ENOENT")
    });
}

#[test]
fn a_module_that_fails_again_and_again_is_looked_at_once_and_why_tells_what_it_was_refused() {
    let test = "a_module_that_fails_again_and_again_is_looked_at_once_and_why_tells_what_it_was_refused";
    if !given(test) {
        return;
    }
    let secret = tempfile::tempdir().expect("a folder");
    let secret = secret.path().canonicalize().expect("it is there").join("key");
    std::fs::write(&secret, "s").expect("written");
    let program = format!("open('{}').read()\n", secret.display());
    let project = "lifecycle: { restartBaseMs: 1 }\nmodules:\n  failing:\n    \
         run: [/usr/bin/python3, -S, fail.py]\n    permissions: { read: [\"fail.py\"] }\n";
    let kernel = kernel(project, &[("fail.py", &program)]);
    kernel.wait_for_state("failing", "crashed");
    let story = kernel.data(json!({ "cmd": "why", "moduleId": "failing", "limit": 1000 }));
    let records = story["records"].as_array().expect("records").clone();
    let lives: std::collections::BTreeSet<u64> = records
        .iter()
        .filter(|row| row["code"] == "module.starting")
        .filter_map(|row| row["generation"].as_u64())
        .collect();
    assert!(lives.len() > 3, "it was started again and again: {lives:?}");
    let refused: Vec<_> = records.iter().filter(|row| row["code"] == "access.refused").collect();
    let of_key = |row: &&&serde_json::Value| {
        row["facts"]["value"].to_string().contains(secret.to_str().expect("text"))
    };
    assert_eq!(refused.iter().filter(of_key).count(), 1, "{story}");
    let observed = refused.iter().filter_map(|row| row["generation"].as_u64());
    assert_eq!(observed.collect::<std::collections::BTreeSet<_>>().len(), 1, "one life alone: {story}");
}

#[test]
fn what_can_not_be_observed_is_said() {
    let kernel = kernel("modules:\n  a: {run: sleep 1000}\n", &[]);
    let refused = kernel.ask(json!({ "cmd": "module.profile", "moduleId": "nobody" }));
    assert_eq!(refused["code"], "kernel::order::not_found", "{refused}");
    let refused = kernel.ask(json!({ "cmd": "module.profile", "moduleId": "a", "forMs": 1 }));
    assert_eq!(refused["code"], "host::door::bad_request", "{refused}");
}
