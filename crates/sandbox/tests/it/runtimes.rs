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
