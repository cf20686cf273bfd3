//! Functions in a real kernel: put, run, listed and removed by operators and by modules, under their own rights.

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};

/// What every core function needs: memory, and a place for what it is given.
fn function(imports: &str, run: &str) -> String {
    format!(
        "(module {imports} (memory (export \"memory\") 2) (global $next (mut i32) (i32.const 65536))
           (data (i32.const 16) \"addergo\") (data (i32.const 32) \"topic.a\")
           (func $alloc (export \"alloc\") (param $len i32) (result i32)
             (global.get $next) (global.set $next (i32.add (global.get $next) (local.get $len))))
           (func $pack (param i32 i32) (result i64)
             (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))
           (func (export \"run\") (param $at i32) (param $len i32) (result i64) {run}))"
    )
}

/// Gives back what it is given.
fn echo() -> String {
    function("", "(call $pack (local.get $at) (local.get $len))")
}

/// Calls `adder.go` with what it is given.
fn calling() -> String {
    function(
        "(import \"ostoja:function/kernel\" \"call\" (func $call (param i32 i32 i32 i32 i32 i32) (result i64)))",
        "(call $call (i32.const 16) (i32.const 5) (i32.const 21) (i32.const 2) (local.get $at) (local.get $len))",
    )
}

fn put(kernel: &Kernel, name: &str, source: &str, permissions: Value) -> Value {
    let path = kernel.file(&format!("{name}.wat"), source);
    kernel.ask(json!({ "cmd": "fn.put", "name": name, "file": path, "permissions": permissions }))
}

fn run(kernel: &Kernel, name: &str, input: Value) -> Value {
    kernel.ask(json!({ "cmd": "fn.run", "name": name, "input": input, "timeoutMs": 10_000 }))
}

#[test]
fn an_operator_puts_runs_lists_and_removes_functions() {
    let mut kernel = Kernel::settled("modules: {}\n");
    let put_one = put(&kernel, "echo", &echo(), json!({}));
    assert_eq!((&put_one["data"]["form"], &put_one["data"]["owner"]), (&json!("core"), &json!("operator")));
    assert_eq!(run(&kernel, "echo", json!({ "a": [1, "ż"] }))["data"], json!({ "a": [1, "ż"] }));
    assert_eq!(run(&kernel, "none", json!(1))["code"], "wasm::function::unknown");
    let list = kernel.data(json!({ "cmd": "fn.list" }));
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    // It is on disk: another kernel on this home runs it without compiling.
    kernel.data(json!({ "cmd": "kernel.stop" }));
    kernel.wait();
    kernel.start();
    assert_eq!(run(&kernel, "echo", json!(7))["data"], json!(7));
    let stats = kernel.data(json!({ "cmd": "fn.stats" }));
    assert_eq!((&stats["compiled"], &stats["fromDisk"], &stats["runs"]), (&json!(0), &json!(1), &json!(1)));
    kernel.data(json!({ "cmd": "fn.rm", "name": "echo" }));
    assert_eq!(run(&kernel, "echo", json!(7))["code"], "wasm::function::unknown");
}

#[test]
fn what_a_function_does_wrong_is_an_answer() {
    let kernel = Kernel::settled("modules: {}\n");
    assert!(put(&kernel, "loop", &function("", "(loop $l (br $l)) (unreachable)"), json!({}))["ok"] == true);
    let late = kernel.ask(json!({ "cmd": "fn.run", "name": "loop", "timeoutMs": 50 }));
    assert_eq!(late["code"], "wasm::function::deadline", "{late}");
    put(&kernel, "trap", &function("", "(unreachable)"), json!({}));
    assert_eq!(run(&kernel, "trap", json!(1))["code"], "wasm::function::trapped");
    put(&kernel, "text", &function("", "(call $pack (i32.const 16) (i32.const 5))"), json!({}));
    assert_eq!(run(&kernel, "text", json!(1))["code"], "wasm::function::output_not_json");
    let refused = put(&kernel, "call", &calling(), json!({}));
    assert_eq!(refused["code"], "wasm::function::import_refused", "{refused}");
    let broken = put(&kernel, "broken", "(module (func (export \"run\")", json!({}));
    assert!(broken["error"].to_string().contains("line 1"), "{broken}");
    let gone = kernel.ask(json!({ "cmd": "fn.put", "name": "gone", "file": "/no/such/file.wasm" }));
    assert_eq!(gone["code"], "host::function::unreadable", "{gone}");
    assert_eq!(kernel.ask(json!({ "cmd": "fn.put", "name": "x" }))["code"], "host::door::bad_request");
}

#[test]
fn a_function_that_loops_keeps_nobody_waiting() {
    let kernel = Kernel::settled("modules: {}\n");
    put(&kernel, "loop", &function("", "(loop $l (br $l)) (unreachable)"), json!({}));
    put(&kernel, "echo", &echo(), json!({}));
    let mut door = kernel.door();
    door.send(&format!("{}\n", json!({ "cmd": "fn.run", "name": "loop", "timeoutMs": 1500 })));
    for number in 0..20 {
        assert_eq!(run(&kernel, "echo", json!(number))["data"], json!(number));
        kernel.data(json!({ "cmd": "kernel.status" }));
    }
    assert_eq!(door.next().expect("an answer")["code"], "wasm::function::deadline");
}

const ADDER: &str = "for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result={'sum': sum(f['params']), 'from': f['from']})\n";

#[test]
fn a_function_of_an_operator_calls_services_as_an_operator() {
    let mut kernel =
        Kernel::home("modules:\n  adder: {run: [python3, adder.py], protocol: lines, provides: [adder]}\n");
    kernel.file("adder.py", &python(ADDER));
    kernel.start();
    kernel.settle();
    put(&kernel, "ask", &calling(), json!({ "run": ["kernel.call"] }));
    assert_eq!(run(&kernel, "ask", json!([40, 2]))["data"], json!({ "sum": 42, "from": "operator" }));
}

/// Asks the kernel for what its first argument names, one after the other, and logs the answers.
const ASKER: &str = "asked=json.loads(sys.argv[1]); n=0\n\
    def ask():\n    m,p=asked[n]; say(type='call', id=str(n), method=m, **({'params':p} if p is not None else {}))\n\
    for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='deps_ready': ask()\n\
    \x20   if f['type']=='call:response':\n\
    \x20       say(type='log', level='info', msg='back '+json.dumps(f, sort_keys=True)); n+=1\n\
    \x20       if n<len(asked): ask()\n";

#[test]
fn a_module_uses_functions_under_its_own_rights_and_they_act_for_it() {
    let asked = json!([
        ["fn.put", { "name": "mine", "source": calling(), "permissions": { "run": ["kernel.call"] } }],
        ["fn.run", { "name": "mine", "input": [1, 2] }],
        ["fn.list", null],
        ["fn.put", { "name": "more", "source": echo(), "permissions": { "net": ["a:1"] } }],
        ["fn.run", { "name": "none" }],
        ["fn.run", { "input": 1 }],
        ["fn.rm", { "name": "mine" }],
    ]);
    let words = asked.to_string().replace('\'', "''");
    let mut kernel = Kernel::home(&format!(
        "modules:\n  adder: {{run: [python3, adder.py], protocol: lines, provides: [adder]}}\n\
         \x20 m:\n    run: [python3, m.py, '{words}']\n    protocol: lines\n    requires: [adder]\n\
         \x20   permissions: {{read: [/], run: [kernel.fn, kernel.fn.put, kernel.call]}}\n"
    ));
    kernel.file("adder.py", &python(ADDER));
    kernel.file("m.py", &python(ASKER));
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel
        .wait_for_log("m", r#"back {"id": "1", "result": {"from": "m", "sum": 3}, "type": "call:response"}"#);
    kernel.wait_for_log("m", r#""id": "2", "result": [{"content": ""#);
    kernel.wait_for_log("m", "may not have more permissions than who puts it");
    kernel.wait_for_log("m", "there is no function `none`");
    kernel.wait_for_log("m", "fn.run: name is missing");
    kernel.wait_for_log("m", r#""id": "6", "result": {"removed": true}"#);
}

#[test]
fn a_module_without_the_permission_runs_no_function() {
    let mut kernel = Kernel::home(
        "security: {enforcementMode: warn}\nmodules:\n\
         \x20 m: {run: [python3, m.py, '[[\"fn.run\", {\"name\": \"x\"}]]'], protocol: lines}\n",
    );
    kernel.file("m.py", &python(ASKER));
    kernel.start();
    kernel.settle();
    kernel.wait_for_log("m", "`fn.run` needs the permission `run kernel.fn`");
    eventually("it is journaled", || kernel.codes("m").contains(&"fn.forbidden".to_owned()));
}
