//! Grants of the network that change in the middle of a life: the life goes on, but for one that has open what was taken back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};
use crate::net::{given, kernel};

/// Dials places and keeps what it dialled, by its number; speaks over it; stands at a place.
const DIALER: &str = "import socket, errno\n\
    kept={}\n\
    def act(method, port):\n\
    \x20   try:\n\
    \x20       if method=='dial': socket.create_connection(('127.0.0.1',port),10).close(); return 'reached'\n\
    \x20       if method=='keep': kept[port]=socket.create_connection(('127.0.0.1',port),10); return 'kept'\n\
    \x20       if method=='speak': kept[port].sendall(b'x'); return 'spoken'\n\
    \x20       if method=='stand': kept[port]=socket.create_server(('127.0.0.1',port)); return 'stands'\n\
    \x20   except OSError as error: return errno.errorcode[error.errno]\n\
    for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='ping': say(type='pong')\n\
    \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result=act(f['method'], f['params']))\n";

/// Two modules that may reach one place, and the servers at that place and another.
struct Scene {
    kernel: Kernel,
    granted: TcpListener,
    other: TcpListener,
}

impl Scene {
    fn new() -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let (granted, other) = (listen(), listen());
        let project = project(port_of(&granted), port_of(&granted));
        let text = python(DIALER);
        let kernel = kernel(&project, &[("dialer.py", &text), ("bystander.py", &text)]);
        kernel.wait_for_state("dialer", "ready");
        kernel.wait_for_state("bystander", "ready");
        Self { kernel, granted, other }
    }

    fn act(&self, method: &str, port: u16) -> Value {
        let call = json!({ "cmd": "call", "service": "dialer", "method": method, "params": port });
        self.kernel.ask(call)["data"].clone()
    }

    fn change(&self, verb: &str, port: u16) {
        let net = json!({ "net": [format!("127.0.0.1:{port}")] });
        self.kernel.data(json!({ "cmd": verb, "moduleId": "dialer", "permissions": net }));
    }

    fn pid(&self, module: &str) -> u32 {
        self.kernel.module_pid(module).expect("it runs")
    }
}

/// Both modules, each with the port that it may reach.
fn project(dialer: u16, bystander: u16) -> String {
    let module = |name: &str, port: u16| {
        format!(
            "  {name}:\n    run: [/usr/bin/python3, -S, {name}.py]\n    protocol: lines\n    provides: [{name}]\n    \
             permissions: {{ net: [\"127.0.0.1:{port}\"], read: [\"{name}.py\"] }}\n"
        )
    };
    format!("modules:\n{}{}", module("dialer", dialer), module("bystander", bystander))
}

fn port_of(server: &TcpListener) -> u16 {
    server.local_addr().expect("bound").port()
}

#[test]
fn a_place_is_granted_and_taken_back_while_the_module_goes_on() {
    if !given("a_place_is_granted_and_taken_back_while_the_module_goes_on") {
        return;
    }
    let scene = Scene::new();
    let (pid, own, port) = (scene.pid("dialer"), port_of(&scene.granted), port_of(&scene.other));
    assert_eq!(scene.act("keep", own), "kept");
    let (mut kept, _) = scene.granted.accept().expect("it came");
    assert_ne!(scene.act("dial", port), "reached", "it was not granted");
    scene.change("permissions.grant", port);
    eventually("the new place is reached", || scene.act("dial", port) == "reached");
    scene.change("permissions.revoke", port);
    eventually("it is out of reach again", || scene.act("dial", port) != "reached");
    // What stays granted is untouched: the same life, the same connection.
    assert_eq!(scene.act("speak", own), "spoken");
    let mut said = [0; 1];
    kept.read_exact(&mut said).expect("it is said");
    assert_eq!(scene.act("dial", own), "reached");
    assert_eq!(scene.pid("dialer"), pid, "it is the same life");
    let codes = scene.kernel.codes("dialer");
    assert!(!codes.contains(&"permission.changed".to_owned()), "{codes:?}");
    assert!(!codes.contains(&"permission.cut".to_owned()), "{codes:?}");
}

#[test]
fn what_is_open_at_a_place_that_is_taken_back_is_cut_by_a_new_life_of_that_module_alone() {
    let test = "what_is_open_at_a_place_that_is_taken_back_is_cut_by_a_new_life_of_that_module_alone";
    if !given(test) {
        return;
    }
    let scene = Scene::new();
    let (pid, bystander, port) = (scene.pid("dialer"), scene.pid("bystander"), port_of(&scene.other));
    scene.change("permissions.grant", port);
    eventually("the new place is reached", || scene.act("keep", port) == "kept");
    let (mut kept, _) = scene.other.accept().expect("it came");
    scene.change("permissions.revoke", port);
    assert_eq!(kept.read(&mut [0; 1]).ok(), Some(0), "the connection ends");
    eventually("a new life", || scene.kernel.module_pid("dialer").is_some_and(|now| now != pid));
    scene.kernel.wait_for_state("dialer", "ready");
    assert_ne!(scene.act("dial", port), "reached");
    eventually("it is journaled", || scene.kernel.codes("dialer").contains(&"permission.cut".to_owned()));
    assert_eq!(scene.pid("bystander"), bystander, "nobody else is touched");
}

#[test]
fn a_module_that_stands_at_a_place_that_is_taken_back_stands_there_no_more() {
    if !given("a_module_that_stands_at_a_place_that_is_taken_back_stands_there_no_more") {
        return;
    }
    let mut scene = Scene::new();
    let port = port_of(&scene.other);
    scene.other = TcpListener::bind("127.0.0.1:0").expect("a port");
    scene.change("permissions.grant", port);
    eventually("it stands there", || scene.act("stand", port) == "stands");
    let mut guest = TcpStream::connect(("127.0.0.1", port)).expect("somebody stands there");
    guest.write_all(b"x").expect("taken");
    scene.change("permissions.revoke", port);
    eventually("nobody stands there", || TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn another_grant_in_a_project_file_reaches_a_module_in_the_middle_of_its_life() {
    if !given("another_grant_in_a_project_file_reaches_a_module_in_the_middle_of_its_life") {
        return;
    }
    let scene = Scene::new();
    let (own, port) = (port_of(&scene.granted), port_of(&scene.other));
    let before = (scene.pid("dialer"), scene.pid("bystander"));
    assert_eq!(scene.act("dial", own), "reached");
    scene.kernel.file("ostoja.yaml", &project(port, own));
    scene.kernel.data(json!({ "cmd": "kernel.reload" }));
    eventually("the new place is reached", || scene.act("dial", port) == "reached");
    eventually("the old one is not", || scene.act("dial", own) != "reached");
    assert_eq!((scene.pid("dialer"), scene.pid("bystander")), before, "both are the same lives");
    assert!(scene.kernel.codes("dialer").contains(&"permission.applied".to_owned()));
    assert!(!scene.kernel.codes("bystander").contains(&"permission.applied".to_owned()));
}
