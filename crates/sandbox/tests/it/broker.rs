//! Real programs whose `net` names places: they reach these by the broker, and nothing else, whatever they try.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use abi::{ExitKind, PermissionKind};
use sandbox::broker::{Refusal, serve};
use sandbox::{Child, Confinement, Layer, Outside, Proof, Reach, Request};

use crate::stage::{Finished, Stage, command, end_of, first_line, skipped};

/// Whether this machine can do it and has the program; tells when not.
fn given(test: &str, program: &str) -> bool {
    let proof = sandbox::probe::run().proof(Layer::NetBroker);
    if proof != Proof::Works {
        skipped(test, &proof.to_string());
        return false;
    }
    let is_there = std::path::Path::new(program).exists();
    if !is_there {
        skipped(test, &format!("{program} is not installed"));
    }
    is_there
}

const PYTHON: &str = "/usr/bin/python3";

/// A server of somebody else's on the loopback, which answers every request with `hello`.
struct Server {
    at: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn at(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("the loopback has ports");
        let at = listener.local_addr().expect("it is bound");
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = is_over.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                // Who goes away early is no matter here.
                let _ = greet(stream);
            }
        });
        Self { at, is_over, thread: Some(thread) }
    }

    fn new() -> Self {
        Self::at("127.0.0.1")
    }

    fn port(&self) -> u16 {
        self.at.port()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.at);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn greet(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && !line.ends_with("\r\n\r\n") && line != "\r\n" {
        if line.ends_with("\r\n") || line.starts_with("GET") {
            line.clear();
        }
    }
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
}

/// A child under way, and who answers it.
struct Answered {
    child: Child,
    broker: JoinHandle<Vec<Refusal>>,
}

impl Answered {
    fn end(self) -> (Finished, Vec<Refusal>) {
        let finished = end_of(self.child);
        (finished, self.broker.join().expect("it does not panic"))
    }
}

fn held(stage: &Stage, values: &[&str]) -> Confinement {
    let granted: Vec<(PermissionKind, &str)> =
        values.iter().map(|value| (PermissionKind::Net, *value)).collect();
    Request { outside: Outside::Brokered, ..stage.request(&granted) }.to_confinement()
}

fn start(stage: &Stage, values: &[&str], argv: &[&str]) -> Answered {
    let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
    let mut prepared =
        command(argv, &stage.path("module"), held(stage, values)).prepare().expect("it can be prepared");
    let mut child = prepared.launch().expect("it can be launched");
    let watched = child.watched.take().expect("the probe said so");
    let reach = Reach::of(values.iter().copied());
    let broker = std::thread::spawn(move || {
        let mut refusals = Vec::new();
        serve(watched, reach, |refusal| refusals.push(refusal)).expect("it answers");
        refusals
    });
    Answered { child, broker }
}

fn run(stage: &Stage, values: &[&str], argv: &[&str]) -> (Finished, Vec<Refusal>) {
    start(stage, values, argv).end()
}

fn python(stage: &Stage, values: &[&str], code: &str) -> (String, Vec<Refusal>) {
    let (finished, refusals) = run(stage, values, &[PYTHON, "-S", "-c", code]);
    (format!("{}{}", finished.stdout, finished.stderr), refusals)
}

#[test]
fn curl_reaches_the_granted_port_and_no_other() {
    if !given("curl_reaches_the_granted_port_and_no_other", "/usr/bin/curl") {
        return;
    }
    let (stage, server, other) = (Stage::new(), Server::new(), Server::new());
    let (good, bad) = (format!("127.0.0.1:{}", server.port()), format!("127.0.0.1:{}", other.port()));
    let get = |place: &str| {
        run(&stage, &[&good], &["curl", "-sS", "--max-time", "10", &format!("http://{place}/")])
    };
    let (finished, refusals) = get(&good);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("hello", ""));
    assert_eq!(refusals, []);
    let (finished, refusals) = get(&bad);
    assert_eq!((finished.end, finished.stdout.as_str()), (ExitKind::Code(7), ""));
    assert_eq!(refusals, [Refusal::Connect(other.at)]);
}

#[test]
fn a_name_is_resolved_only_when_it_was_granted() {
    if !given("a_name_is_resolved_only_when_it_was_granted", PYTHON) {
        return;
    }
    let (stage, server) = (Stage::new(), Server::new());
    let granted = format!("localhost:{}", server.port());
    let code = format!(
        "import urllib.request as u; print(u.urlopen('http://localhost:{}/').read().decode())",
        server.port()
    );
    assert_eq!(python(&stage, &[&granted], &code), ("hello\n".to_owned(), vec![]));
    let asks = "import socket\ntry: socket.getaddrinfo('secret.exfil.example', 80)\nexcept OSError as e: print(e.errno)";
    let (said, refusals) = python(&stage, &[&granted], asks);
    assert_eq!(said, "-2\n");
    assert_eq!(refusals.first(), Some(&Refusal::Name("secret.exfil.example".to_owned())));
}

#[test]
fn node_reaches_the_granted_port_and_no_other() {
    if !given("node_reaches_the_granted_port_and_no_other", "/usr/bin/node") {
        return;
    }
    let (stage, server, other) = (Stage::new(), Server::new(), Server::new());
    let code = format!(
        "fetch('http://127.0.0.1:{}/').then(r => r.text()).then(t => console.log(t))
            .then(() => fetch('http://127.0.0.1:{}/')).catch(e => console.log(e.cause.code))",
        server.port(),
        other.port()
    );
    let granted = format!("127.0.0.1:{}", server.port());
    let (finished, refusals) = run(&stage, &[&granted], &["/usr/bin/node", "-e", &code]);
    assert!(finished.stdout.starts_with("hello\n"), "{finished:?}");
    assert!(["EACCES\n", "ECONNREFUSED\n"].contains(&&finished.stdout[6..]), "{finished:?}");
    assert_eq!(refusals, [Refusal::Connect(other.at)]);
}

#[test]
fn no_clothes_and_no_trick_of_the_address_lead_elsewhere() {
    if !given("no_clothes_and_no_trick_of_the_address_lead_elsewhere", PYTHON) {
        return;
    }
    let (stage, server, other) = (Stage::new(), Server::new(), Server::new());
    let granted = format!("127.0.0.1:{}", server.port());
    let code = format!(
        r"
import socket
def attempt(family, address):
    s = socket.socket(family)
    s.settimeout(5)
    try: s.connect(address); print('harm')
    except OSError as e: print(e.errno)
attempt(socket.AF_INET, ('127.0.0.1', {port}))
attempt(socket.AF_INET, ('0.0.0.0', {port}))
attempt(socket.AF_INET, ('127.9.9.9', {port}))
attempt(socket.AF_INET6, ('::ffff:127.0.0.1', {port}))
attempt(socket.AF_INET6, ('::', {port}))
attempt(socket.AF_INET, ('169.254.169.254', 80))
attempt(socket.AF_INET, ('10.0.0.1', {port}))
s = socket.create_connection(('127.0.0.1', {good}))
try: s.connect(('127.0.0.1', {port})); print('harm')
except OSError as e: print(e.errno)
",
        port = other.port(),
        good = server.port()
    );
    let (said, _) = python(&stage, &[&granted], &code);
    let errors: Vec<&str> = said.lines().collect();
    assert_eq!(errors.len(), 8, "{said}");
    // The child's own loopback refuses what nobody listens at; everything else is forbidden.
    assert!(errors.iter().all(|error| ["13", "111"].contains(error)), "{said}");
}

#[test]
fn datagrams_lead_nowhere_but_to_names() {
    if !given("datagrams_lead_nowhere_but_to_names", PYTHON) {
        return;
    }
    let stage = Stage::new();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let code = format!(
        r"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'x', ('127.0.0.1', {port}))
s.connect(('127.0.0.1', {port}))
for _ in range(2):
    try: s.send(b'x')
    except OSError as e: print(e.errno)
"
    );
    let (said, _) = python(&stage, &[&format!("127.0.0.1:{port}")], &code);
    assert_eq!(said, "111\n");
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 8]).is_err());
}

#[test]
fn an_event_loop_connects_without_waiting() {
    if !given("an_event_loop_connects_without_waiting", PYTHON) {
        return;
    }
    let (stage, server) = (Stage::new(), Server::new());
    let code = format!(
        r"
import asyncio
async def one():
    reader, writer = await asyncio.open_connection('127.0.0.1', {port})
    writer.write(b'GET / HTTP/1.1\r\n\r\n')
    answer = await reader.read()
    writer.close()
    return answer.endswith(b'hello')
async def main():
    print(sum(await asyncio.gather(*[one() for _ in range(50)])))
asyncio.run(main())
",
        port = server.port()
    );
    let (said, refusals) = python(&stage, &[&format!("127.0.0.1:{}", server.port())], &code);
    assert_eq!((said.as_str(), refusals.len()), ("50\n", 0));
}

#[test]
fn many_threads_connect_at_once() {
    if !given("many_threads_connect_at_once", PYTHON) {
        return;
    }
    let (stage, server) = (Stage::new(), Server::new());
    let code = format!(
        r"
import socket, threading
good = []
def one():
    for _ in range(20):
        s = socket.create_connection(('127.0.0.1', {port}))
        s.sendall(b'GET / HTTP/1.1\r\n\r\n')
        good.append(s.recv(100).startswith(b'HTTP'))
        s.close()
threads = [threading.Thread(target=one) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sum(good))
",
        port = server.port()
    );
    let (said, _) = python(&stage, &[&format!("127.0.0.1:{}", server.port())], &code);
    assert_eq!(said, "160\n");
}

#[test]
fn a_server_listens_outside_at_its_granted_address() {
    if !given("a_server_listens_outside_at_its_granted_address", PYTHON) {
        return;
    }
    let stage = Stage::new();
    // Free a moment ago; nobody on this machine takes a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let code = format!(
        r"
import socket, sys
s = socket.create_server(('127.0.0.1', {port}))
print('listens', flush=True)
client, _ = s.accept()
client.sendall(b'hello')
client.close()
for wide in ('0.0.0.0', '127.0.0.2'):
    try: socket.create_server((wide, {port})); print('harm')
    except OSError as e: print(e.errno)
"
    );
    let answered = start(&stage, &[&format!("127.0.0.1:{port}")], &[PYTHON, "-S", "-c", &code]);
    assert_eq!(first_line(&answered.child.stdout), "listens");
    let mut said = String::new();
    TcpStream::connect(("127.0.0.1", port)).unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello");
    let (finished, refusals) = answered.end();
    assert_eq!(finished.stdout, "13\n13\n", "{finished:?}");
    assert_eq!(refusals.len(), 2);
}

#[test]
fn its_own_loopback_is_its_own() {
    if !given("its_own_loopback_is_its_own", PYTHON) {
        return;
    }
    let stage = Stage::new();
    let code = r"
import socket
s = socket.create_server(('127.0.0.1', 0))
c = socket.create_connection(s.getsockname())
p, _ = s.accept()
c.sendall(b'itself'); print(p.recv(9).decode(), s.getsockname()[1])
";
    let (said, _) = python(&stage, &["api.example:443"], code);
    let (word, port) = said.trim().split_once(' ').unwrap_or_else(|| panic!("{said}"));
    assert_eq!(word, "itself");
    assert!(port.parse::<u16>().is_ok());
}

#[test]
fn a_listener_without_an_address_is_not_one_of_the_machine() {
    if !given("a_listener_without_an_address_is_not_one_of_the_machine", PYTHON) {
        return;
    }
    let stage = Stage::new();
    // A stream that was opened outside, given up half way, would listen at any address if only its caller were asked. On a machine
    // that has no way there nothing was opened, and it listens in its own network.
    let code = r"
import errno, socket
s = socket.socket(); s.setblocking(False)
began = s.connect_ex(('192.0.2.1', 9))
try: s.shutdown(socket.SHUT_RDWR)
except OSError: pass
try: s.listen(); print('inside' if began == errno.ENETUNREACH else 'harm', s.getsockname())
except OSError as e: print('refused')
";
    let (said, _) = python(&stage, &["192.0.2.1:9"], code);
    assert!(said == "refused\n" || said.starts_with("inside "), "{said}");
}

#[test]
fn local_sockets_are_those_of_its_own_root() {
    if !given("local_sockets_are_those_of_its_own_root", PYTHON) {
        return;
    }
    let stage = Stage::new();
    let (own, outside) = (stage.path("data/own"), stage.path("secret/door"));
    let _own = UnixListener::bind(&own).unwrap();
    let _outside = UnixListener::bind(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, stage.path("data/link")).unwrap();
    let code = format!(
        r"
import os, socket
def attempt(path):
    s = socket.socket(socket.AF_UNIX)
    try: s.connect(path); print('there')
    except OSError as e: print(e.errno)
attempt('{own}')
attempt('{outside}')
attempt('{data}/link')
os.chdir('{data}'); attempt('own'); attempt('../secret/door')
p = socket.socket(socket.AF_UNIX); p.bind('{data}/mine'); p.listen(); attempt('mine')
",
        own = own.display(),
        outside = outside.display(),
        data = stage.path("data").display()
    );
    let (said, _) = python(&stage, &["api.example:443"], &code);
    assert_eq!(said, "there\n2\n2\nthere\n18\nthere\n");
}

#[test]
fn without_anybody_who_answers_there_is_no_network() {
    if !given("without_anybody_who_answers_there_is_no_network", PYTHON) {
        return;
    }
    let (stage, server) = (Stage::new(), Server::new());
    let granted = format!("127.0.0.1:{}", server.port());
    let code = format!(
        "import socket\ntry: socket.create_connection(('127.0.0.1', {}))\nexcept OSError as e: print(e.errno)",
        server.port()
    );
    let argv = [PYTHON, "-S", "-c", &code].map(Into::into).into();
    let mut child =
        command(argv, &stage.path("module"), held(&stage, &[&granted])).prepare().unwrap().launch().unwrap();
    drop(child.watched.take());
    assert_eq!(end_of(child).stdout, "38\n");
}
