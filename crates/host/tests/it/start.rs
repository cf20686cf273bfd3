//! From nothing to ready: plain commands with each kind of readiness, modules of the door, and what can't be started.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::kernel::{Kernel, eventually, python};

#[test]
fn an_empty_project_is_ready_at_once() {
    let kernel = Kernel::settled("modules: {}\n");
    let status = kernel.data(json!({ "cmd": "kernel.status" }));
    assert_eq!(status["journal"], "well");
    assert_eq!(status["troubles"], json!([]));
    assert_eq!(kernel.data(json!({ "cmd": "module.list" })), json!([]));
}

#[test]
fn a_plain_command_runs_and_its_output_is_its_log() {
    let kernel = Kernel::settled("modules:\n  web: {run: 'echo hello; echo oops >&2; exec sleep 1000'}\n");
    assert_eq!(kernel.state("web"), "ready");
    kernel.wait_for_log("web", "hello");
    kernel.wait_for_log("web", "oops");
    let status = kernel.status("web");
    assert!(status["pid"].is_u64() && status["rssBytes"].is_u64(), "{status}");
    assert!(status["containment"].as_str().expect("a level").starts_with("partial"), "{status}");
}

#[test]
fn every_kind_of_readiness_is_seen() {
    let server = "import http.server,socketserver,sys\n\
        s=socketserver.TCPServer(('127.0.0.1',0),http.server.SimpleHTTPRequestHandler)\n\
        open(sys.argv[1],'w').write(str(s.server_address[1]))\ns.serve_forever()\n";
    let kernel = Kernel::home("");
    kernel.file("server.py", server);
    let port = free_port();
    let project = format!(
        "modules:\n\
         \x20 tcp: {{run: [python3, -m, http.server, '{port}', --bind, 127.0.0.1], ready: {{tcp: '127.0.0.1:{port}'}}}}\n\
         \x20 http: {{run: sleep 1000, needs: [tcp], ready: {{http: 'http://127.0.0.1:{port}/'}}}}\n\
         \x20 log: {{run: 'sleep 0.05; echo I am up now; exec sleep 1000', ready: {{log: am up}}}}\n\
         \x20 exec: {{run: 'sleep 0.05; touch up; exec sleep 1000', ready: {{exec: [test, -f, up]}}}}\n\
         \x20 notify: {{run: [python3, notify.py], ready: notify}}\n\
         \x20 held: {{run: [python3, notify.py], ready: notify, permissions: {{read: [.]}}}}\n"
    );
    kernel.file("ostoja.yaml", &project);
    kernel.file(
        "notify.py",
        "import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n\
         s.sendto(b'STATUS=soon',os.environ['NOTIFY_SOCKET'])\n\
         s.sendto(b'MAINPID=1\\nREADY=1',os.environ['NOTIFY_SOCKET'])\ntime.sleep(1000)\n",
    );
    let mut kernel = kernel;
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    for module in ["tcp", "http", "log", "exec", "notify", "held"] {
        assert_eq!(kernel.state(module), "ready", "{module}");
    }
}

#[test]
fn one_time_work_is_done_before_those_who_need_it_start() {
    let kernel = Kernel::settled(
        "modules:\n  web: {run: 'cat table; exec sleep 1000', needs: [migrate]}\n\
         \x20 migrate: {run: 'echo migrated > table', ready: completed}\n",
    );
    assert_eq!(kernel.state("migrate"), "completed");
    assert_eq!(kernel.state("web"), "ready");
    kernel.wait_for_log("web", "migrated");
    let codes = kernel.codes("migrate");
    assert!(codes.contains(&"module.completed".to_owned()), "{codes:?}");
    assert!(!codes.contains(&"module.ready".to_owned()), "{codes:?}");
    assert_eq!(kernel.data(json!({ "cmd": "kernel.status" }))["states"]["completed"], 1);
}

#[test]
fn in_a_mass_start_every_end_is_told_as_it_was() {
    // Ends that come while others are being born must not be taken for those of orphans.
    let mut project = "modules:\n".to_owned();
    for number in 0..20 {
        project += &format!(
            "  done{number}: {{run: 'true', ready: completed}}\n\
             \x20 failed{number}: {{run: 'exit 7', ready: completed, restart: never}}\n\
             \x20 missing{number}: {{run: [no-such-program], restart: never}}\n\
             \x20 orphan{number}: {{run: '(sleep 0.01 &) ; exec sleep 1000'}}\n"
        );
    }
    let kernel = Kernel::with(&project);
    kernel.settle();
    for number in 0..20 {
        assert_eq!(kernel.state(&format!("done{number}")), "completed");
        assert_eq!(kernel.state(&format!("orphan{number}")), "ready");
        let failed = kernel.data(json!({ "cmd": "why", "moduleId": format!("failed{number}") }));
        assert!(failed.to_string().contains(r#""exit":"left with exit code 7""#), "{failed}");
        let codes = kernel.codes(&format!("missing{number}"));
        assert_eq!(codes, ["module.starting", "module.refused"]);
    }
    let children = format!("/proc/{0}/task/{0}/children", kernel.pid());
    eventually("no orphan is left unreaped", || {
        let all = std::fs::read_to_string(&children).expect("it lives");
        let is_dead = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.contains(") Z ")
        };
        !all.split_whitespace().any(is_dead)
    });
}

#[test]
fn who_needs_one_time_work_that_failed_says_why_it_waits() {
    let kernel = Kernel::with(
        "modules:\n  web: {run: sleep 1000, needs: [migrate]}\n\
         \x20 migrate: {run: 'echo no database >&2; exit 3', ready: completed, restart: never}\n",
    );
    assert_eq!(kernel.settle(), ["migrate", "web"]);
    assert_eq!((kernel.state("migrate").as_str(), kernel.state("web").as_str()), ("crashed", "waiting"));
    let note = kernel.status("web")["note"].as_str().expect("a note").to_owned();
    assert!(note.contains("waits for `migrate`") && note.contains("left with exit code 3"), "{note}");
}

/// A port that was free a moment ago. The modules here have to be told one, and nobody else in a test run asks for it.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_module_that_is_never_ready_is_told_apart_from_one_that_is() {
    let kernel = Kernel::settled(
        "modules:\n  good: {run: sleep 1000}\n  never: {run: sleep 1000, restart: never, ready: {log: x, timeout: 50ms}}\n\
         \x20 after: {run: sleep 1000, needs: [never]}\nlifecycle: {maxRestarts: 0}\n",
    );
    assert!(kernel.codes("never").contains(&"ready.timeout".to_owned()));
    assert_eq!(kernel.state("good"), "ready");
    assert_eq!(kernel.state("after"), "waiting");
}

#[test]
fn a_module_of_the_door_is_initialised_and_ready() {
    let body = "for f in frames():\n\
        \x20   say(type='log', level='info', msg='got '+json.dumps(f, sort_keys=True))\n\
        \x20   if f['type']=='init': say(type='ready')\n";
    let kernel =
        Kernel::home("modules:\n  echo: {run: [python3, echo.py], protocol: lines, config: {depth: 3}}\n");
    kernel.file("echo.py", &python(body));
    let mut kernel = kernel;
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.wait_for_log("echo", "deps_ready");
    let first: Vec<String> = kernel
        .logged("echo", "got ")
        .iter()
        .map(|line| line["msg"].as_str().expect("text").to_owned())
        .collect();
    assert_eq!(first[0], r#"got {"type": "install"}"#);
    assert!(first[1].contains(r#""config": {"echo": {"depth": 3}}"#), "{first:?}");
    assert!(first[1].contains(r#""protocolVersion": "1.0""#), "{first:?}");
    assert_eq!(first[2], r#"got {"type": "deps_ready"}"#);
    kernel.data(json!({ "cmd": "module.restart", "moduleId": "echo" }));
    let story = kernel.status("echo");
    assert_eq!(story["restartsTotal"], 1);
    kernel.wait_for_log("echo", "deps_ready");
    let installs = kernel.logged("echo", "install").len();
    assert_eq!(installs, 1, "it was installed once, whatever comes after");
}

#[test]
fn a_program_that_is_not_there_is_told_with_a_next_step() {
    let kernel =
        Kernel::settled("modules:\n  ghost: {run: no-such-program-here}\n  web: {run: sleep 1000}\n");
    let status = kernel.status("ghost");
    let note = status["note"].as_str().expect("a note");
    assert!(note.contains("no-such-program-here") && note.contains("command -v"), "{note}");
    assert_eq!(kernel.state("web"), "ready");
}

#[test]
fn needs_decide_the_order_of_starts() {
    let kernel = Kernel::settled(
        "modules:\n  c: {run: sleep 1000, needs: [b]}\n  b: {run: 'sleep 0.05; echo up; exec sleep 1000', needs: [a], ready: {log: up}}\n\
         \x20 a: {run: sleep 1000}\n",
    );
    let started = |module: &str| kernel.status(module)["startedAt"].as_u64().expect("started");
    assert!(started("a") <= started("b") && started("b") < started("c"));
}

#[test]
fn a_childs_environment_is_built_from_nothing() {
    let mut kernel = Kernel::home(
        "modules:\n  env: {run: 'env; echo done; exec sleep 1000', env: {SET: 'v'}, env_pass: [PASSED]}\n",
    );
    kernel.start_with(|command| {
        command.env("SECRET_OF_THE_KERNEL", "x").env("PASSED", "p");
    });
    kernel.wait_for_log("env", "done");
    assert!(kernel.logged("env", "SECRET_OF_THE_KERNEL").is_empty());
    assert_eq!(kernel.logged("env", "PASSED=p").len(), 1);
    assert_eq!(kernel.logged("env", "SET=v").len(), 1);
    assert_eq!(kernel.logged("env", "PONS_HOME=").len(), 1);
}

#[test]
fn a_broken_project_file_ends_the_start_with_its_place() {
    let kernel = Kernel::home("modules:\n  web: {rum: sleep 1}\n");
    let said = kernel.refusal();
    assert!(said.contains("rum") && said.contains("run"), "{said}");
}

#[test]
fn a_second_kernel_on_the_same_home_is_refused() {
    let kernel = Kernel::settled("modules: {}\n");
    let said = kernel.refusal();
    assert!(said.contains("Held"), "{said}");
    assert_eq!(kernel.data(json!({ "cmd": "kernel.status" }))["pid"], json!(kernel.pid()));
}

#[test]
fn the_door_is_its_owners_alone() {
    let kernel = Kernel::settled("modules: {}\n");
    let socket = kernel.path().join("run/kernel.sock");
    assert_eq!(std::fs::metadata(socket).expect("there").permissions().mode() & 0o777, 0o600);
}
