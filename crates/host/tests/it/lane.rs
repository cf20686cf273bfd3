//! Modules whose frames go through shared memory: those of the real SDKs, and some that lie in it.

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};

/// The SDK for Python, as a module copies it beside itself.
const OSTOJA_PY: &str = include_str!("../../../../sdk/python/ostoja.py");

/// Answers with what it was given, streams, publishes, and calls on behalf of whoever asks.
const SDK_MODULE: &str = "import os, sys\n\
    from ostoja import call, emit, log, on, publish, run, service, stream\n\
    @service('NAME', 'echo')\ndef echo(text=''):\n    return text\n\
    @service('NAME', 'ask')\ndef ask(other, text):\n    return call(other, 'echo', {'text': text})\n\
    @service('NAME', 'count')\ndef count(to):\n    for n in range(to): yield n\n    return to\n\
    @service('NAME', 'sum')\ndef total(other, to):\n    return sum(stream(other, 'count', {'to': to}))\n\
    @service('NAME', 'flood')\ndef flood(times, size):\n    for n in range(times): publish('noise', 'x' * size)\n    return times\n\
    @service('NAME', 'die')\ndef die():\n    os.kill(os.getpid(), 9)\n\
    heard = [0]\n\
    @on('noise')\ndef noise(payload):\n    heard[0] += 1\n\
    @service('NAME', 'heard')\ndef how_many():\n    return heard[0]\n\
    run()\n";

/// `topics` are those that it hears, which those are too that it publishes on.
fn sdk_module(kernel: &Kernel, name: &str, topics: &[&str]) {
    kernel.file(&format!("{name}/ostoja.py"), OSTOJA_PY);
    kernel.file(&format!("{name}/main.py"), &SDK_MODULE.replace("NAME", name));
    let manifest = json!({ "id": name, "name": name, "runtime": "python", "entry": "main.py", "permissions": {},
        "transport": "shm", "features": ["cancel", "progress", "stream", "deadline", "trace"],
        "provides": [name], "optionalRequires": ["left", "right"], "subscribes": topics, "publishes": topics });
    kernel.file(&format!("{name}/module.json"), &manifest.to_string());
}

/// Three modules of the SDK for Python, all by their lanes; one hears noise.
fn pair() -> Kernel {
    let mut kernel = Kernel::home(
        "modules:\n  left: {path: left}\n  right: {path: right}\n  calm: {path: calm}\n\
         security: {enforcementMode: off}\nlifecycle: {restartBaseMs: 1}\n",
    );
    sdk_module(&kernel, "left", &["noise"]);
    sdk_module(&kernel, "right", &["noise"]);
    sdk_module(&kernel, "calm", &[]);
    kernel.start();
    for name in ["left", "right", "calm"] {
        kernel.wait_for_state(name, "ready");
        assert_eq!(kernel.status(name)["transport"], "shm");
    }
    kernel
}

fn call(kernel: &Kernel, service: &str, method: &str, params: Value) -> Value {
    kernel.ask(json!({ "cmd": "call", "service": service, "method": method, "params": params }))
}

fn answer(kernel: &Kernel, service: &str, method: &str, params: Value) -> Value {
    let response = call(kernel, service, method, params);
    assert_eq!(response["ok"], true, "{response}");
    response["data"].clone()
}

#[test]
fn calls_streams_and_messages_go_by_the_lane_in_both_ways() {
    let kernel = pair();
    assert_eq!(answer(&kernel, "left", "echo", json!({ "text": "zażółć\n" })), "zażółć\n");
    assert_eq!(answer(&kernel, "left", "ask", json!({ "other": "right", "text": "hi" })), "hi");
    assert_eq!(answer(&kernel, "right", "sum", json!({ "other": "left", "to": 500 })), 124_750);
    answer(&kernel, "left", "flood", json!({ "times": 20, "size": 10 }));
    eventually("all were heard", || answer(&kernel, "right", "heard", json!({})) == 20);
    assert_eq!(kernel.status("left")["badLines"], 0);
    assert_eq!(kernel.status("right")["badLines"], 0);
}

#[test]
fn a_flood_by_the_lane_leaves_room_for_others() {
    let kernel = pair();
    let flood = json!({ "cmd": "call", "service": "left", "method": "flood", "params": { "times": 20_000, "size": 400 } });
    let mut door = kernel.door();
    door.send(&format!("{flood}\n"));
    for number in 0..20 {
        let text = format!("call {number}");
        assert_eq!(answer(&kernel, "calm", "echo", json!({ "text": text })), text);
    }
    assert_eq!(door.next().expect("an answer")["data"], 20_000);
    assert_eq!(kernel.status("left")["restartsTotal"], 0);
    assert_eq!(kernel.status("right")["restartsTotal"], 0);
}

#[test]
fn frames_longer_than_the_ring_go_in_pieces() {
    let kernel = pair();
    let long = "ab\u{142}".repeat(150_000);
    assert_eq!(answer(&kernel, "left", "ask", json!({ "other": "right", "text": long })), long);
}

#[test]
fn a_module_killed_in_the_middle_of_a_call_comes_back_with_a_lane_of_its_own() {
    let kernel = pair();
    let before = kernel.module_pid("left");
    let refused = call(&kernel, "left", "die", json!({}));
    assert!(refused["error"].as_str().expect("why").contains("stopped while processing"), "{refused}");
    eventually("it is back", || kernel.module_pid("left") != before && kernel.state("left") == "ready");
    assert_eq!(kernel.status("left")["transport"], "shm");
    assert_eq!(answer(&kernel, "right", "ask", json!({ "other": "left", "text": "again" })), "again");
}

/// A module by hand that takes the lane as the SDK does and then does this, with `lane` and what it is made of.
fn by_hand(body: &str) -> Kernel {
    let mut kernel = Kernel::home(
        "modules:\n  good: {path: left}\n\
         \x20 odd: {run: [python3, odd.py], protocol: lines, transport: shm, subscribes: [noise]}\n\
         lifecycle: {restartBaseMs: 60000}\n",
    );
    sdk_module(&kernel, "left", &[]);
    kernel.file("ostoja.py", OSTOJA_PY);
    let taken = "import ostoja as o\nlane = None\n\
        for line in sys.stdin:\n\
        \x20   f = json.loads(line) if line.strip() else {'type': ''}\n\
        \x20   if f['type'] == 'init': lane = o._offered_lane(f['transport']); say(type='ready', transport='shm')\n\
        \x20   if f['type'] == 'transport': break\n";
    kernel.file("odd.py", &python(&format!("{taken}{body}")));
    kernel.start();
    kernel.wait_for_state("good", "ready");
    kernel
}

#[test]
fn a_module_that_breaks_its_ring_is_ended_and_nobody_else_is() {
    let lies = [
        ("lane._words[o._WRITE + o._TAIL] = 8 << 20", "is not within the ring"),
        ("lane._words[o._WRITE + o._TAIL] = 12", "is not within the ring"),
        ("lane._words[o._WRITE + o._TAIL] = 64", "a record of 0 bytes"),
        ("lane._put(b'{}', 6); lane._words[o._WRITE + o._TAIL] = 16", "flags 0x6"),
        ("lane._words[o._READ + o._HEAD] = 8 << 20", "is not within the ring"),
    ];
    for (lie, fault) in lies {
        let kernel = by_hand(&format!("{lie}\nsay()\ntime.sleep(1000)\n"));
        // The kernel reads when it is woken, and looks at the other position when it writes.
        eventually(&format!("`{lie}` is found"), || {
            kernel.data(json!({ "cmd": "publish", "topic": "noise", "payload": "x".repeat(30_000) }));
            kernel.codes("odd").contains(&"lane.broken".to_owned())
        });
        let status = kernel.status("odd");
        assert!(status["note"].as_str().expect("a note").contains(fault), "{lie}: {status}");
        eventually("it is ended", || kernel.module_pid("odd").is_none());
        assert_eq!(answer(&kernel, "left", "echo", json!({ "text": "well" })), "well");
    }
}

#[test]
fn a_module_that_does_not_read_its_lane_loses_its_mail_and_nobody_else_does() {
    let kernel = by_hand(
        "lane.send(b'{\"type\":\"log\",\"level\":\"info\",\"msg\":\"taken\"}', lambda: False, lambda: os.write(1, b'\\n'))\ntime.sleep(1000)\n",
    );
    kernel.wait_for_log("odd", "taken");
    for _ in 0..1000 {
        kernel.data(json!({ "cmd": "publish", "topic": "noise", "payload": "y".repeat(10_000) }));
    }
    assert!(kernel.status("odd")["dropped"].as_u64() > Some(0));
    assert_eq!(kernel.status("good")["dropped"], 0);
    assert_eq!(answer(&kernel, "left", "echo", json!({ "text": "well" })), "well");
}

#[test]
fn frames_by_the_pipe_are_dropped_once_the_lane_is_taken() {
    let kernel = by_hand(
        "say(type='publish', topic='noise', payload=1)\nprint('hello', flush=True)\ntime.sleep(1000)\n",
    );
    kernel.wait_for_log("odd", "a frame came by the pipe");
    kernel.wait_for_log("odd", "hello");
    assert_eq!(kernel.status("odd")["badLines"], 2);
}

const PLAIN: &str = "for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready', **READY)\n\
    \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result=f['params'])\n";

/// A module that speaks on its pipes, whatever was offered.
fn on_pipes(entry: &str, ready: &str) -> Kernel {
    let mut kernel = Kernel::home(&format!(
        "modules:\n  odd: {{run: {entry}, protocol: lines, transport: shm, provides: [odd]}}\n\
         \x20 none: {{run: [python3, none.py], protocol: lines, provides: [none]}}\n"
    ));
    kernel.file("ostoja.py", OSTOJA_PY);
    kernel.file("odd.py", &python(&PLAIN.replace("READY", ready)));
    kernel.file("none.py", &python(&PLAIN.replace("READY", "{'transport': 'shm'}")));
    kernel.file("sdk.py", &SDK_MODULE.replace("NAME", "odd"));
    kernel.start();
    kernel.wait_for_state("odd", "ready");
    kernel.wait_for_state("none", "ready");
    kernel
}

#[test]
fn a_module_that_does_not_take_the_lane_stays_on_its_pipes() {
    for ready in ["{}", "{'transport': 'carrier pigeon'}", "{'transport': None}"] {
        let kernel = on_pipes("[python3, odd.py]", ready);
        assert_eq!(kernel.status("odd")["transport"], "pipes");
        assert_eq!(answer(&kernel, "odd", "any", json!([1, 2])), json!([1, 2]));
        // Who was not offered one can't take one.
        assert_eq!(kernel.status("none")["transport"], "pipes");
        assert_eq!(kernel.logged("none", "none was offered").len(), 1);
        assert_eq!(answer(&kernel, "none", "any", json!([3])), json!([3]));
    }
}

#[test]
fn a_module_that_can_t_have_the_lane_stays_on_its_pipes_by_itself() {
    for closed in ["exec 3<&-", "exec 3</dev/null"] {
        let kernel = on_pipes(&format!("'{closed}; exec python3 sdk.py'"), "{}");
        assert_eq!(kernel.status("odd")["transport"], "pipes");
        assert_eq!(answer(&kernel, "odd", "echo", json!({ "text": "still here" })), "still here");
    }
}

/// Not a test of its own: a module of the SDK for Rust.
#[test]
fn rust_module_process() {
    if std::env::var_os("OSTOJA_TEST_RUST_MODULE").is_none() {
        return;
    }
    let module = sdk::Module::new().service("rust", |call: sdk::Call| match call.method() {
        "echo" => Ok(call.raw_params().clone()),
        "count" => {
            for number in 0..call.params::<u32>()? {
                call.emit(json!(number))?;
            }
            Ok(json!("counted"))
        }
        _ => Err(sdk::Failure::new("no such method")),
    });
    let _code = module.run();
    std::process::exit(0);
}

#[test]
fn the_sdk_for_rust_takes_the_lane() {
    let program = std::env::current_exe().expect("this program");
    let mut kernel = Kernel::home(&format!(
        "modules:\n  left: {{path: left, requires: [rust]}}\n\
         \x20 rust: {{run: ['{}', -q, --exact, 'lane::rust_module_process', --nocapture], protocol: lines,\n\
         \x20   transport: shm, provides: [rust], env: {{OSTOJA_TEST_RUST_MODULE: '1'}}}}\n",
        program.display()
    ));
    sdk_module(&kernel, "left", &[]);
    kernel.start();
    kernel.wait_for_state("left", "ready");
    assert_eq!(kernel.status("rust")["transport"], "shm");
    for size in [0, 10, 1000, 300_000] {
        let text = "z".repeat(size);
        assert_eq!(answer(&kernel, "rust", "echo", json!(text)), text);
        assert_eq!(
            answer(&kernel, "left", "ask", json!({ "other": "rust", "text": text })),
            json!({ "text": text })
        );
    }
}
