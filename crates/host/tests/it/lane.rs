//! Modules whose frames go through shared memory: those of the real SDKs, and some that lie in it.

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually};

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

fn sdk_module(kernel: &Kernel, name: &str) {
    kernel.file(&format!("{name}/ostoja.py"), OSTOJA_PY);
    kernel.file(&format!("{name}/main.py"), &SDK_MODULE.replace("NAME", name));
    let manifest = json!({ "id": name, "name": name, "runtime": "python", "entry": "main.py", "permissions": {},
        "transport": "shm", "features": ["cancel", "progress", "stream", "deadline", "trace"],
        "provides": [name], "optionalRequires": ["left", "right"], "subscribes": ["noise"], "publishes": ["noise"] });
    kernel.file(&format!("{name}/module.json"), &manifest.to_string());
}

/// Two modules of the SDK for Python, both by their lanes.
fn pair() -> Kernel {
    let mut kernel = Kernel::home(
        "modules:\n  left: {path: left}\n  right: {path: right}\n\
         security: {enforcementMode: off}\nlifecycle: {restartBaseMs: 1}\n",
    );
    sdk_module(&kernel, "left");
    sdk_module(&kernel, "right");
    kernel.start();
    for name in ["left", "right"] {
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
