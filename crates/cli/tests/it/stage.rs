//! A kernel that only plays one: it sits behind the socket of a home and gives every request its line from a script.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use protocol::operator::{Request, Response};
use serde_json::{Value, json};

/// What is said to a request: a response, then events, then nothing more.
pub(crate) type Script = fn(&Request) -> (Response, Vec<Value>);

/// The played kernel; it leaves the stage with this value.
pub(crate) struct Played {
    socket: PathBuf,
    is_over: Arc<AtomicBool>,
    door: Option<JoinHandle<()>>,
}

impl Played {
    pub(crate) fn on(home: &Path, script: Script) -> Self {
        let socket = home.join("run/kernel.sock");
        std::fs::create_dir_all(home.join("run")).expect("it is ours");
        let listener = UnixListener::bind(&socket).expect("a short path");
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let door = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.expect("somebody knocked");
                std::thread::spawn(move || converse(stream, script));
            }
        });
        Self { socket, is_over, door: Some(door) }
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // One more knock, so that the door sees that it is over.
        let _ = UnixStream::connect(&self.socket);
        if let Some(door) = self.door.take() {
            let _ = door.join();
        }
    }
}

fn converse(stream: UnixStream, script: Script) {
    let mut answers = stream.try_clone().expect("a second handle");
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let request: Request = serde_json::from_str(&line).expect("a request as the protocol has it");
        let (response, events) = script(&request);
        let mut text = serde_json::to_string(&response).expect("it can be written") + "\n";
        let stays = events.last() == Some(&stay());
        for event in events.iter().filter(|event| **event != stay()) {
            text.push_str(&format!("{event}\n"));
        }
        if stays {
            // The connection is open until the other side hangs up.
            let _ = answers.write_all(text.as_bytes());
            continue;
        }
        if answers.write_all(text.as_bytes()).is_err() || !events.is_empty() {
            return;
        }
    }
}

/// Stands at the end of a script whose connection is to stay open.
pub(crate) fn stay() -> Value {
    json!("stay")
}

fn done(data: Value) -> (Response, Vec<Value>) {
    (Response::done(Some(data)), Vec::new())
}

fn failed(code: &str, error: &str) -> (Response, Vec<Value>) {
    (Response::failed(code, error.to_owned(), None), Vec::new())
}

/// Two modules: `web` is ready, `worker` comes back again and again.
pub(crate) fn shop(request: &Request) -> (Response, Vec<Value>) {
    match request {
        Request::KernelStatus {} => done(kernel()),
        Request::KernelStop { dry_run: false } | Request::ModuleRemove { .. } => done(json!({})),
        Request::KernelSafeMode { .. } | Request::KernelResume {} => done(json!({ "already": false })),
        Request::ZonePromote { module_id } => known(module_id, |_| json!({ "already": false })),
        Request::ZoneRestart { .. } | Request::ZoneReset { .. } => (Response::done(None), Vec::new()),
        Request::KernelSettle { .. } => done(json!({ "notReady": ["worker"] })),
        Request::KernelReload { dry_run: false, .. } => (Response::done(None), Vec::new()),
        Request::KernelReload { dry_run: true, .. } => done(plan()),
        Request::ModuleList {} => done(json!([module("web"), module("worker")])),
        Request::ModuleStatus { module_id } => known(module_id, module),
        Request::ModuleShow { module_id } => known(module_id, detail),
        Request::ModuleInstall { dry_run: false, .. } => done(installed()),
        Request::ModuleRun { .. } => done(json!({ "already": false, "status": module("web") })),
        Request::ModuleUninstall { module_id, dry_run: false } => done(json!({ "moduleId": module_id })),
        Request::ModuleUpdate { dry_run: false, .. } => done(installed()),
        Request::KernelStop { dry_run: true }
        | Request::ModuleInstall { dry_run: true, .. }
        | Request::ModuleStart { dry_run: true, .. }
        | Request::ModuleStop { dry_run: true, .. }
        | Request::ModuleRestart { dry_run: true, .. }
        | Request::ModuleApprove { dry_run: true, .. }
        | Request::ModuleUninstall { dry_run: true, .. }
        | Request::ModuleUpdate { dry_run: true, .. } => done(plan()),
        Request::ModuleStart { module_id, .. }
        | Request::ModuleStop { module_id, .. }
        | Request::ModuleRestart { module_id, .. }
        | Request::ModuleApprove { module_id, .. } => act(module_id),
        Request::PermissionsList { .. }
        | Request::PermissionsPending {}
        | Request::PermissionsGrant(_)
        | Request::PermissionsDeny(_)
        | Request::PermissionsRevoke(_) => permitted(request),
        Request::Logs(request) => logs(request.follow),
        Request::Call { service, method, .. } => call(service, method),
        Request::Publish { .. } => done(json!({ "receivers": 2 })),
        Request::Subscribe { topics } => {
            let message =
                json!({ "event": "message", "data": { "tsMs": 1, "topic": topics[0], "payload": [1] } });
            (Response::done(Some(json!({}))), vec![message.clone(), message, end()])
        }
        Request::Events {} => (Response::done(Some(json!({}))), vec![exited(), end()]),
        Request::Usage { interval_ms } => used(*interval_ms),
        Request::ModuleSwap { module_id, .. } => {
            known(module_id, |id| json!({ "pauseUs": 40, "stateBytes": 4, "status": module(id) }))
        }
        Request::ModuleProfile { module_id, .. } => known(module_id, profiled),
        Request::Actors { interval_ms } => done(actors(interval_ms.unwrap_or_default())),
        Request::FunctionPut { name, .. } => done(function(name)),
        Request::FunctionRun { .. } => done(json!(42)),
        Request::FunctionList {} => done(json!([function("double")])),
        Request::FunctionRemove { name } => done(json!({ "name": name })),
        Request::FunctionStats {} => done(function_stats()),
        Request::ContextList { .. }
        | Request::ContextGet(_)
        | Request::ContextSet(_)
        | Request::ContextDelete(_)
        | Request::SecretsUnlock { .. }
        | Request::SecretsChanged(_) => kept(request),
        Request::Why { module_id, .. } => known(module_id, story),
        Request::Journal(_) => done(json!({ "records": [], "damaged": [] })),
        Request::Config(_) => failed("host::config::not_found", "nothing was set under `a`"),
        Request::Snapshot(_) => done(snapshot()),
        Request::Update(_) => failed("host::update::not_found", "no version of `web` is kept here"),
    }
}

fn permitted(request: &Request) -> (Response, Vec<Value>) {
    match request {
        Request::PermissionsList { module_id: Some(id) } => known(id, |id| json!([permissions(id)])),
        Request::PermissionsList { module_id: None } => done(json!([permissions("web")])),
        Request::PermissionsPending {} => done(json!([wish()])),
        Request::PermissionsGrant(change)
        | Request::PermissionsDeny(change)
        | Request::PermissionsRevoke(change)
            if change.dry_run =>
        {
            done(plan())
        }
        _ => (Response::done(None), Vec::new()),
    }
}

fn function_stats() -> Value {
    json!({
        "functions": 1, "warm": 1, "warmBytes": 4096, "onDisk": 1, "diskBytes": 4096, "runs": 2, "runsFailed": 1,
        "compiled": 1, "fromDisk": 0, "waited": 0, "evictedByWeight": 0, "evictedByAge": 0,
    })
}

/// What the kernel keeps: one variable.
fn kept(request: &Request) -> (Response, Vec<Value>) {
    match request {
        Request::ContextList { .. } => {
            done(json!({ "variables": [variable(Value::Null)], "leftOut": 0, "bytesTotal": 160 }))
        }
        Request::ContextGet(_) => done(variable(json!("weather"))),
        _ => done(json!({})),
    }
}

fn variable(value: Value) -> Value {
    json!({ "scope": "session:chat", "key": "topic", "bytes": 9, "version": 1, "value": value })
}

fn profiled(id: &str) -> Value {
    json!({ "moduleId": id, "held": "closed", "observedMs": 10_000, "granted": { "read": ["/data"] },
        "needed": { "run": ["git"] }, "refusedCalls": ["bpf"], "leftOut": 0, "status": "ready", "file": null })
}

fn function(name: &str) -> Value {
    json!({
        "name": name, "owner": "operator", "form": "core", "imports": ["call"],
        "permissions": { "run": ["kernel.call"] }, "content": "00ff",
    })
}

fn actors(over_ms: u64) -> Value {
    let row = |id: &str, supervisor: Value| {
        json!({
            "id": id, "name": "web", "system": "wasm-0", "core": 0, "kind": "Resident", "supervisor": supervisor,
            "queued": 1, "queueMax": 100, "congested": false, "handled": 7, "sent": 0, "refused": 0, "panics": 0,
            "cpuMs": 5, "handledPerS": 3, "cpuPercent": 0.5, "queueGrowth": -1,
        })
    };
    let core = json!({ "turns": 1, "handled": 7, "actors": 2, "queued": 1, "dead": 0, "panics": 0 });
    json!({
        "tsMs": 1, "overMs": over_ms, "systems": [{ "name": "wasm-0", "cores": [core] }],
        "actors": [row("a", Value::Null), row("b", json!("a"))], "leftOut": 0,
    })
}

fn known(id: &str, answer: impl Fn(&str) -> Value) -> (Response, Vec<Value>) {
    match id {
        "web" | "worker" => done(answer(id)),
        _ => {
            let error = format!("Module \"{id}\" not found");
            (Response::failed("kernel::order::not_found", error, Some("ostoja ps".to_owned())), Vec::new())
        }
    }
}

fn act(id: &str) -> (Response, Vec<Value>) {
    match id {
        "worker" => failed("kernel::order::failed", "worker did not become ready: exit code 1"),
        _ => known(id, |id| json!({ "already": false, "status": module(id) })),
    }
}

fn call(service: &str, method: &str) -> (Response, Vec<Value>) {
    match (service, method) {
        ("web", "hello") => done(json!("Hello!")),
        ("web", "list") => done(json!({ "items": [1, 2] })),
        ("web", "secret") => failed("kernel::call::error", "forbidden"),
        ("web", "slow") => failed("kernel::call::error", "timeout"),
        _ => failed("kernel::call::error", "service_not_found"),
    }
}

fn logs(follow: bool) -> (Response, Vec<Value>) {
    let line = |module: &str, msg: &str| {
        json!({ "tsMs": 1_795_257_000_000_u64, "moduleId": module, "generation": 1, "level": "info",
                "source": "stdout", "msg": msg })
    };
    let page = json!({ "lines": [line("web", "listening"), line("worker", "hello")], "lost": 3 });
    let events = if follow {
        vec![
            json!({ "event": "log", "data": line("web", "more") }),
            json!({ "event": "lost", "data": 2 }),
            end(),
        ]
    } else {
        Vec::new()
    };
    (Response::done(Some(page)), events)
}

fn end() -> Value {
    json!({ "event": "end", "data": "the kernel stops" })
}

fn exited() -> Value {
    json!({ "event": "record", "data": { "seq": 5, "tsMs": 1, "code": "module.exited", "moduleId": "web",
            "generation": 1, "facts": { "exit": "exit code 3", "after_ms": 5 } } })
}

fn kernel() -> Value {
    json!({ "pid": 2_147_483_647, "version": "9.9.9", "home": "/h", "project": null, "startedAtMs": 1, "uptimeMs": 5_000,
            "states": { "ready": 1, "restarting": 1 }, "journal": "well", "watchdog": "active", "rssBytes": 9_000_000,
            "cpuMs": 30, "frames": 12, "troubles": [] })
}

fn module(id: &str) -> Value {
    let (status, note) = if id == "web" { ("ready", "") } else { ("restarting", "exit code 1 after 40 ms") };
    json!({ "id": id, "status": status, "pid": 4711, "provides": [id], "restartCount": 0, "startedAt": 1,
            "version": "1", "runtime": "python", "generation": 3, "sinceMs": 1, "restartsTotal": 2, "restartAtMs": null,
            "note": note, "waitingFor": [], "transport": "pipes", "containment": "full", "rssBytes": 1_000_000, "cpuMs": 5, "framesIn": 1,
            "framesOut": 2, "dropped": 0, "badLines": 0, "logLost": 0 })
}

fn detail(id: &str) -> Value {
    let mut detail = module(id);
    let more = json!({ "folder": null, "command": ["python3", "x.py"], "requires": [], "needs": [], "topics": [],
        "mayCall": [], "configKey": null, "declared": { "net": ["a:1", "b:2"] }, "effective": { "net": ["a:1"] },
        "manifestHash": null, "confinement": [], "stderrTail": ["ValueError: no port"] });
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    detail
}

fn plan() -> Value {
    json!({ "steps": [{ "moduleId": "web", "code": "module.stopping", "text": "told to end: hot-swap" }] })
}

fn installed() -> Value {
    json!({ "moduleId": "web", "manifestHash": "ab", "approved": false, "asks": { "net": ["a:1"] } })
}

fn permissions(id: &str) -> Value {
    json!({ "moduleId": id, "approved": true, "base": { "net": ["a:1"] }, "dynamic": { "read": ["data"] },
            "denied": {}, "pending": [wish()] })
}

fn wish() -> Value {
    json!({ "requestId": "4f0c9a1e-1111-4222-8333-444444444444", "moduleId": "web",
            "permissions": { "net": ["b:2"] }, "reason": "weather" })
}

fn snapshot() -> Value {
    json!({
        "number": 1, "atMs": 1, "label": null, "pauseMs": 3, "storedBytes": 10,
        "modules": [{ "moduleId": "web", "life": 1, "bytes": 2, "form": "1", "why": null }]
    })
}

fn used(interval_ms: Option<u64>) -> (Response, Vec<Value>) {
    if interval_ms.is_none() {
        return done(usage());
    }
    let event = json!({ "event": "usage", "data": usage() });
    (Response::done(Some(json!({}))), vec![event.clone(), event.clone(), event, end()])
}

fn usage() -> Value {
    let row = |id: &str| {
        json!({ "id": id, "status": "ready", "pid": 1, "cpuPercent": 1.5, "cpuMs": 5, "rssBytes": 1, "frames": 2,
                "framesPerS": 0.5 })
    };
    json!({ "tsMs": 1_795_257_000_000_u64, "kernel": row("kernel"), "modules": [row("web")],
            "pools": [{ "zone": "sandbox", "modules": 1, "share": 20, "used": { "memory": 1 }, "limits": { "memory": 9 },
                        "pressurePermille": 5, "restartsBurst": 100, "restartsPerS": 25 }] })
}

fn story(id: &str) -> Value {
    json!({ "status": module(id), "records": [{ "seq": 1, "tsMs": 1, "code": "module.ready", "moduleId": id,
            "generation": 3, "facts": { "after_ms": 40 } }], "stderrTail": [] })
}
