//! Modules whose `net` names places, in a real kernel with its net helper.

use std::io::Read;
use std::net::{TcpListener, TcpStream};

use sandbox::{Layer, Proof};
use serde_json::json;

use crate::kernel::{Kernel, eventually};

/// Whether this machine can do it; tells when it can't.
fn given(test: &str) -> bool {
    let proof = sandbox::probe::run().proof(Layer::NetBroker);
    if proof != Proof::Works {
        eprintln!("SKIPPED host {test}: {proof}");
    }
    proof == Proof::Works
}

fn kernel(project: &str, file: Option<(&str, &str)>) -> Kernel {
    let mut kernel = Kernel::home(project);
    if let Some((name, text)) = file {
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
    let mut kernel = kernel(&project, Some(("web.py", program)));
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
        None,
    );
    kernel.wait_for_state("client", "ready");
    server.accept().expect("it came");
}
