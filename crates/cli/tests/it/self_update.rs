//! Another binary takes the place of a real kernel while real modules run: none restarts and no call fails; and what can't
//! take over, falls at it or falls afterwards leads back to the earlier one.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kernel::{Running, check_schema, is_alive};

/// Answers, and for `slow` only after what it is asked next.
const ECHO: &str = r#"
import json, os, sys
def say(**frame):
    os.write(1, (json.dumps(frame) + "\n").encode())
held = []
for line in sys.stdin:
    frame = json.loads(line)
    kind = frame["type"]
    if kind == "init":
        say(type="ready")
    elif kind == "ping":
        say(type="pong")
    elif kind == "rpc_request" and frame["method"] == "slow":
        held.append(frame["id"])
    elif kind == "rpc_request":
        say(type="rpc_response", id=frame["id"], result={"echo": frame.get("params"), "pid": os.getpid()})
        if frame["method"] == "release":
            for one in held:
                say(type="rpc_response", id=one, result="late")
            held = []
    elif kind == "shutdown":
        break
"#;

/// Calls without a pause, one after the other, beside one slow call; says what came of it.
const CALLER: &str = r#"
import json, os, sys
def say(**frame):
    os.write(1, (json.dumps(frame) + "\n").encode())
calls, errors, late, number = 0, [], None, 0
def call():
    global number
    number += 1
    say(type="rpc_request", id="c%d" % number, service="echo", method="say", params=number)
for line in sys.stdin:
    frame = json.loads(line)
    kind = frame["type"]
    if kind == "init":
        say(type="ready")
    elif kind == "ping":
        say(type="pong")
    elif kind == "all_deps_ready":
        pass
    elif kind == "rpc_request" and frame["method"] == "begin":
        say(type="rpc_request", id="slow", service="echo", method="slow", params=None)
        call()
        say(type="rpc_response", id=frame["id"], result=True)
    elif kind == "rpc_request":
        say(type="rpc_response", id=frame["id"], result={"calls": calls, "errors": errors, "late": late})
    elif kind == "rpc_response" and frame["id"] == "slow":
        late = frame.get("result") or frame.get("error")
    elif kind == "rpc_response":
        expected = {"echo": number}
        got = frame.get("result") or {}
        if got.get("echo") != number or frame["id"] != "c%d" % number:
            errors.append(json.dumps(frame)[:200])
        calls += 1
        call()
    elif kind == "shutdown":
        break
"#;

const PROJECT: &str = "modules:
  echo: { run: [python3, echo.py], protocol: lines, provides: [echo] }
  caller: { run: [python3, caller.py], protocol: lines, provides: [caller], requires: [echo] }
  ticker: { run: 'echo started; sleep 1000', needs: [echo], ready: { log: started } }
";

/// A kernel with these modules.
struct Kernel {
    running: Running,
}

impl Kernel {
    fn start() -> Self {
        let world = crate::runner::World::new();
        fs::write(world.path().join("echo.py"), ECHO).expect("it is ours");
        fs::write(world.path().join("caller.py"), CALLER).expect("it is ours");
        fs::write(world.path().join("ostoja.yaml"), PROJECT).expect("it is ours");
        world.run("up -d -f ostoja.yaml").expect(0);
        Self { running: Running { world } }
    }

    fn data(&self, line: &str) -> Value {
        self.running.data(line)
    }

    /// The module processes, and how often each was restarted.
    fn lives(&self) -> Vec<(String, u64, u64)> {
        let modules = self.data("ps");
        let row = |module: &Value| {
            let number = |name: &str| module[name].as_u64().unwrap_or_default();
            (module["id"].as_str().expect("a name").to_owned(), number("pid"), number("generation"))
        };
        modules["modules"].as_array().expect("a list").iter().map(row).collect()
    }

    fn pid(&self) -> u64 {
        // A trouble that is told is no success of `status`.
        self.running.run("--json status").json()["data"]["kernel"]["pid"].as_u64().expect("a pid")
    }

    fn report(&self) -> Value {
        self.data("call caller report")["result"].take()
    }

    /// Another binary: this one with a byte more, which changes nothing but what it is.
    fn another(&self, name: &str) -> PathBuf {
        let path = self.running.world.path().join(name);
        fs::copy(env!("CARGO_BIN_EXE_ostoja"), &path).expect("there is room");
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is ours");
        file.write_all(name.as_bytes()).expect("there is room");
        path
    }

    /// A binary that is this one, but does what the script says instead of being a kernel.
    fn script(&self, name: &str, instead: &str) -> PathBuf {
        let path = self.running.world.path().join(name);
        let real = env!("CARGO_BIN_EXE_ostoja");
        let text = format!(
            "#!/bin/sh\nREAL={real}\ncase \"$*\" in\n'internal handover-check') exec $REAL \"$@\" ;;\nesac\n{instead}\n"
        );
        let mut file = File::options();
        let mut file =
            file.write(true).create(true).truncate(true).mode(0o755).open(&path).expect("it is ours");
        file.write_all(text.as_bytes()).expect("there is room");
        path
    }

    fn kill(&self) {
        let pid = self.pid();
        let raw = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(raw, rustix::process::Signal::KILL).expect("it runs");
        until("the kernel is gone", || !is_alive(pid));
    }
}

/// Looks until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn another_binary_takes_over_and_no_module_and_no_call_notices() {
    let kernel = Kernel::start();
    kernel.data("call caller begin");
    until("calls run", || kernel.report()["calls"].as_u64() > Some(10));
    let (pid, lives) = (kernel.pid(), kernel.lives());
    let new = kernel.another("new").display().to_string();

    let plan = kernel.data(&format!("self-update {new} --dry-run"));
    check_schema("self-update --dry-run", &plan);
    assert_eq!(
        (&plan["modules"], &plan["restarts"], &plan["isSame"]),
        (&json!(3), &json!([]), &json!(false))
    );

    let done = kernel.data(&format!("self-update {new}"));
    check_schema("self-update", &done);
    assert_eq!((&done["tookOver"], &done["modules"]), (&json!(true), &json!(3)), "{done}");
    assert_eq!(kernel.pid(), pid, "it is the same process");
    let program = fs::read_link(format!("/proc/{pid}/exe")).expect("it runs");
    assert!(
        program.starts_with(kernel.running.world.home().canonicalize().expect("it is there")),
        "{program:?}"
    );
    assert_eq!(kernel.lives(), lives, "no module was started again");

    let before = kernel.report()["calls"].as_u64();
    until("calls go on", || kernel.report()["calls"].as_u64() > before.map(|calls| calls + 10));
    // A call that was open across all of it is answered by whoever it was asked of.
    kernel.data("call echo release");
    until("the open call is answered", || kernel.report()["late"] == "late");
    assert_eq!(kernel.report()["errors"], json!([]));

    let list = kernel.data("self-update --list");
    check_schema("self-update --list", &list);
    assert_eq!((&list["active"]["runs"], &list["fallback"]["runs"]), (&json!(true), &json!(false)));
    let record = kernel.running.run("audit --json").expect(0).stdout;
    assert!(record.contains("kernel.replaced"), "{record}");

    // And back, and an end in order.
    let back = kernel.data("self-update --rollback");
    assert_eq!(back["tookOver"], true, "{back}");
    assert_eq!((kernel.pid(), kernel.lives()), (pid, lives.clone()));
    assert_eq!(kernel.report()["errors"], json!([]));
    kernel.running.run("down").expect(0);
    assert!(!lives.iter().any(|(_, pid, _)| is_alive(*pid)), "all are gone");
}

#[test]
fn what_is_no_binary_of_ostoja_changes_nothing() {
    let kernel = Kernel::start();
    let lives = kernel.lives();
    let text = kernel.running.world.path().join("text");
    fs::write(&text, "no program").expect("it is ours");
    let exits = kernel.script("exits", "");
    let silent = kernel.running.world.path().join("silent");
    fs::copy("/bin/true", &silent).expect("it is there");
    for file in [text, silent] {
        let refused = kernel.running.run(&format!("self-update {} --json", file.display())).expect(7);
        assert_eq!(refused.error_code(), "host::self_update::not_verified");
    }
    let missing = kernel.running.run("self-update --rollback --json").expect(4);
    assert_eq!(missing.error_code(), "host::self_update::not_found");
    kernel.data(&format!("self-update {} --dry-run", exits.display()));
    assert_eq!(kernel.lives(), lives);
    assert_eq!(kernel.data("self-update --list")["active"], Value::Null);
}

#[test]
fn a_binary_that_fails_at_taking_over_gives_the_place_back() {
    let kernel = Kernel::start();
    let (pid, lives) = (kernel.pid(), kernel.lives());
    let bad = kernel.script(
        "bad",
        "for last; do :; done\nexec $REAL internal --home \"$OSTOJA_HOME\" kernel-process --file /nowhere/ostoja.yaml --handover \"$last\"",
    );
    let ran = kernel.running.run(&format!("self-update {} --json", bad.display())).expect(8);
    assert_eq!(ran.json()["data"]["tookOver"], false, "{ran:#?}");
    assert_eq!((kernel.pid(), kernel.lives()), (pid, lives));
    let list = kernel.data("self-update --list");
    assert_eq!(list["active"]["runs"], true, "{list}");
}

#[test]
fn after_a_kill_the_new_binary_is_started_and_one_that_falls_each_time_is_not() {
    let kernel = Kernel::start();
    let new = kernel.another("new").display().to_string();
    kernel.data(&format!("self-update {new}"));
    kernel.kill();
    kernel.running.run("up -d -f ostoja.yaml").expect(0);
    let list = kernel.data("self-update --list");
    assert_eq!(list["active"]["runs"], true, "whoever starts the installed file gets the active one: {list}");

    let falls = kernel.script("falls", "exit 3");
    let pid = kernel.pid();
    kernel.running.run(&format!("self-update {} --timeout 1s", falls.display())).expect(6);
    until("the kernel fell", || !is_alive(pid));
    let mut starts = 0;
    while kernel.running.run("up -d -f ostoja.yaml").code != 0 {
        starts += 1;
        assert!(starts < 10, "it is not given up");
    }
    assert_eq!(starts, 3, "it was tried three times");
    let list = kernel.data("self-update --list");
    assert_eq!(list["active"]["runs"], true, "{list}");
    assert!(list["last"]["why"].as_str().is_some_and(|why| why.contains("3 times")), "{list}");
}
