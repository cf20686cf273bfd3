//! Interpreters work unchanged under a confinement, with their own folder read-only. One that is not installed here is reported as skipped.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use abi::ExitKind;
use sandbox::{Launch, Limits, Request, Runtime};

use crate::stage::{Stage, command, finish, skipped};

/// Where version managers and package folders put runtimes, beside the test runner's own PATH.
const HOMES: &[&str] = &[".deno/bin", ".bun/bin", ".local/bin"];

/// The first file of this name on the test runner's PATH.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let homes = HOMES.iter().map(|folder| home.join(folder));
    std::env::split_paths(&path).chain(homes).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Writes the program, runs it under a confinement without any permission, and expects `hello` and no write to the own folder.
fn hello(runtime: Runtime, name: &str, words: &[&str], file: &str, source: &str) {
    let Some(program) = find(name) else {
        return skipped(&format!("hello_from_{name}"), &format!("{name} is not installed"));
    };
    let stage = Stage::new();
    std::fs::write(stage.path("module").join(file), source).expect("the folder is ours");
    let request = Request { runtime, ..stage.request(&[]) };
    let mut argv: Vec<OsString> = vec![program.clone().into()];
    argv.extend(words.iter().map(OsString::from));
    argv.push(file.into());
    let finished = finish(Launch {
        env: environment(&stage, &program),
        ..command(argv, &stage.path("module"), request.to_confinement())
    });
    assert_eq!(finished.end, ExitKind::Code(0), "{finished:?}");
    assert_eq!(finished.stdout, "refused\nhello\n", "{finished:?}");
}

fn environment(stage: &Stage, program: &Path) -> Vec<(OsString, OsString)> {
    let folder = program.parent().expect("a file lies in a folder").display();
    let data = stage.path("data").into_os_string();
    vec![
        ("PATH".into(), format!("{folder}:/usr/local/bin:/usr/bin:/bin").into()),
        ("HOME".into(), std::env::var_os("HOME").unwrap_or_default()),
        ("TMPDIR".into(), data.clone()),
        ("DENO_DIR".into(), data),
        ("LANG".into(), "C.UTF-8".into()),
    ]
}

#[test]
fn hello_from_python() {
    let source = "
import threading, subprocess, json, ssl, os
try:
    open('new', 'w')
except OSError:
    print('refused', flush=True)
threads = [threading.Thread(target=json.dumps, args=({},)) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(subprocess.run(['echo', 'hello'], capture_output=True, text=True).stdout, end='')
";
    hello(Runtime::Python, "python3", &[], "main.py", source);
}

const JAVASCRIPT: &str = "
import fs from 'node:fs';
try { fs.writeFileSync('new', ''); } catch (error) { if (['EACCES', 'EROFS'].includes(error.code)) console.log('refused'); }
let sum = 0; for (let i = 0; i < 3e6; i++) sum += i % 7;
const reply = await new Promise((done) => setTimeout(() => done('hello'), 1));
await fs.promises.readFile('main.mjs');
console.log(reply);
";

#[test]
fn hello_from_node() {
    hello(Runtime::Node, "node", &[], "main.mjs", JAVASCRIPT);
}

#[test]
fn hello_from_deno() {
    hello(
        Runtime::Deno,
        "deno",
        &["run", "--quiet", "--allow-read", "--allow-write"],
        "main.mjs",
        JAVASCRIPT,
    );
}

#[test]
fn hello_from_bun() {
    hello(Runtime::Bun, "bun", &["run"], "main.mjs", JAVASCRIPT);
}

#[test]
fn hello_from_php() {
    let source =
        "<?php echo @file_put_contents('new', 'x') === false ? \"refused\\n\" : ''; echo \"hello\\n\";";
    hello(Runtime::Php, "php", &[], "main.php", source);
}

#[test]
fn hello_from_a_shell() {
    let source = "( : > new ) 2>/dev/null || echo refused\nls / >/dev/null 2>&1\necho hello | cat";
    hello(Runtime::Command, "sh", &[], "main.sh", source);
}

#[test]
fn worker_threads_of_node_run_under_limits() {
    let Some(program) = find("node") else {
        return skipped("worker_threads_of_node_run_under_limits", "node is not installed");
    };
    let stage = Stage::new();
    let source = "
const { Worker, isMainThread } = require('node:worker_threads');
if (isMainThread) new Worker(__filename); else console.log('hello');
";
    std::fs::write(stage.path("module/main.cjs"), source).unwrap();
    let limits = Limits { memory_bytes: Some(1 << 30), ..Limits::STANDARD };
    let request = Request { runtime: Runtime::Node, limits, ..stage.request(&[]) };
    let argv = vec![program.into(), "main.cjs".into()];
    let finished = finish(command(argv, &stage.path("module"), request.to_confinement()));
    assert_eq!(
        (finished.stdout.as_str(), finished.end),
        ("hello\n", ExitKind::Code(0)),
        "{}",
        finished.stderr
    );
}

#[test]
fn python_serves_http_under_the_open_profile() {
    let Some(program) = find("python3") else {
        return skipped("python_serves_http_under_the_open_profile", "python3 is not installed");
    };
    let stage = Stage::new();
    let held = Request::open(&stage.path("module"), Limits::STANDARD).to_confinement();
    let source = "import http.server, socket; s = http.server.HTTPServer(('127.0.0.1', 0), http.server.BaseHTTPRequestHandler); print(s.server_port > 0)";
    let argv = vec![program.clone().into(), "-c".into(), source.into()];
    let finished =
        finish(Launch { env: environment(&stage, &program), ..command(argv, &stage.path("module"), held) });
    assert_eq!(finished.stdout, "True\n", "{finished:?}");
}

/// Runs a program that does what modules do, with all its permissions, and expects that all of it worked.
fn work(runtime: Runtime, name: &str, words: &[&str], file: &str, source: &str) {
    let Some(program) = find(name) else {
        return skipped(&format!("{name}_works_as_a_module"), &format!("{name} is not installed"));
    };
    let stage = Stage::new();
    std::fs::write(stage.path("module").join(file), source).expect("the folder is ours");
    let granted = [(abi::PermissionKind::Net, "localhost")];
    let request = Request { runtime, ..stage.request(&granted) };
    let mut argv: Vec<OsString> = vec![program.clone().into()];
    argv.extend(words.iter().map(OsString::from));
    argv.push(file.into());
    let finished = finish(Launch {
        env: environment(&stage, &program),
        ..command(argv, &stage.path("module"), request.to_confinement())
    });
    let expected = "served\nran\nthreads\nfiles\ntimers\nresolved\n";
    assert_eq!(
        (finished.stdout.as_str(), finished.end),
        (expected, ExitKind::Code(0)),
        "{}",
        finished.stderr
    );
}

#[test]
fn python_works_as_a_module() {
    let source = r#"
import asyncio, concurrent.futures, http.server, multiprocessing, os, socket, sqlite3, subprocess, sys, tempfile, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"served")
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}").read().decode(), flush=True)
subprocess.run([sys.executable, "-c", "print('ran')"], check=True)
def square(x): return x * x
with concurrent.futures.ThreadPoolExecutor(4) as pool: assert list(pool.map(square, range(9)))[8] == 64
with multiprocessing.Pool(2) as pool: assert pool.map(square, range(4))[3] == 9
print("threads")
folder = os.environ["TMPDIR"]
with tempfile.NamedTemporaryFile(dir=folder) as file: file.write(b"x"); file.flush(); os.fsync(file.fileno())
base = sqlite3.connect(os.path.join(folder, "base.db")); base.execute("pragma journal_mode=wal"); base.execute("create table t(a)"); base.commit(); base.close()
os.rename(os.path.join(folder, "base.db"), os.path.join(folder, "moved.db"))
print("files")
async def wait(): await asyncio.wait_for(asyncio.sleep(0.001), 5); await (await asyncio.create_subprocess_exec("true")).wait()
asyncio.run(wait())
print("timers")
assert socket.getaddrinfo("localhost", 80)
print("resolved")
"#;
    work(Runtime::Python, "python3", &[], "main.py", source);
}

const MODULE: &str = r#"
import http from 'node:http'; import fs from 'node:fs'; import path from 'node:path'; import dns from 'node:dns';
import { execFileSync, spawn } from 'node:child_process'; import { Worker } from 'node:worker_threads';
import crypto from 'node:crypto'; import process from 'node:process';
const server = http.createServer((_, reply) => reply.end('served'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
console.log(await (await fetch(`http://127.0.0.1:${server.address().port}`)).text());
server.close(); server.closeAllConnections?.();
console.log(execFileSync('/bin/echo', ['ran'], { encoding: 'utf8' }).trim());
await new Promise((done) => spawn('/bin/true').on('exit', done));
const worker = new Worker(new URL('data:text/javascript,import{parentPort}from"node:worker_threads";parentPort.postMessage(1)'));
await new Promise((done, fail) => { worker.on('message', done); worker.on('error', fail); });
await worker.terminate(); await new Promise((done, fail) => crypto.pbkdf2('a', 'b', 100, 16, 'sha256', (e) => e ? fail(e) : done()));
console.log('threads');
const folder = process.env.TMPDIR; const file = path.join(folder, 'a');
await fs.promises.writeFile(file, 'x'); await fs.promises.rename(file, file + 'b'); fs.copyFileSync(file + 'b', file);
const watcher = fs.watch(folder); watcher.close(); fs.mkdtempSync(path.join(folder, 't-'));
console.log('files');
await new Promise((done) => setTimeout(done, 1)); const each = setInterval(() => {}, 1); clearInterval(each);
console.log('timers');
await dns.promises.lookup('localhost');
console.log('resolved');
process.exit(0);
"#;

#[test]
fn node_works_as_a_module() {
    work(Runtime::Node, "node", &[], "main.mjs", MODULE);
}

#[test]
fn deno_works_as_a_module() {
    work(Runtime::Deno, "deno", &["run", "--allow-all", "--no-prompt"], "main.mjs", MODULE);
}

#[test]
fn bun_works_as_a_module() {
    work(Runtime::Bun, "bun", &["run"], "main.mjs", MODULE);
}

#[test]
fn php_works_as_a_module() {
    let source = r#"<?php
$server = stream_socket_server("tcp://127.0.0.1:0"); $name = stream_socket_get_name($server, false);
$client = stream_socket_client("tcp://$name"); $peer = stream_socket_accept($server); fwrite($peer, "served
"); echo fgets($client);
echo shell_exec("echo ran"); echo "threads
";
$file = tempnam(getenv("TMPDIR"), "t"); file_put_contents($file, "x"); rename($file, $file . "b"); echo "files
";
usleep(1000); echo "timers
"; assert(gethostbyname("localhost") === "127.0.0.1"); echo "resolved
";
"#;
    work(Runtime::Php, "php", &[], "main.php", source);
}
