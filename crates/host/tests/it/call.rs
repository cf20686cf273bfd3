//! Calls: between modules, from operators, to the kernel; and what happens when they can't be answered.

use serde_json::json;

use crate::kernel::{Kernel, eventually, python};

const ADDER: &str = "for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='rpc_request' and f['method']=='add': say(type='rpc_response', id=f['id'], result={'sum': sum(f['params']), 'from': f['from']})\n\
    \x20   if f['type']=='rpc_request' and f['method']=='fail': say(type='rpc_response', id=f['id'], error='it does not add up')\n\
    \x20   if f['type']=='rpc_request' and f['method']=='die': os._exit(3)\n";

/// Makes the calls that its arguments name when it is ready, and logs what comes back.
const CALLER: &str = "calls=json.loads(sys.argv[1])\n\
    for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='deps_ready':\n\
    \x20       for n, (service, method, params) in enumerate(calls): say(type='rpc_request', id='own-%d'%n, service=service, method=method, params=params)\n\
    \x20   if f['type'] in ('rpc_response', 'call:response'): say(type='log', level='info', msg='back '+json.dumps(f, sort_keys=True))\n";

fn adder() -> Kernel {
    let kernel = Kernel::home("");
    kernel.file("adder.py", &python(ADDER));
    kernel.file("caller.py", &python(CALLER));
    kernel
}

fn project(kernel: &Kernel, calls: &serde_json::Value, more: &str) {
    let calls = calls.to_string().replace('\'', "''");
    let text = format!(
        "modules:\n  adder: {{run: [python3, adder.py], protocol: lines, provides: [sum]}}\n\
         \x20 caller: {{run: [python3, caller.py, '{calls}'], protocol: lines, requires: [sum]}}\n{more}"
    );
    kernel.file("ostoja.yaml", &text);
}

#[test]
fn a_call_between_modules_comes_back_under_the_callers_own_number() {
    let mut kernel = adder();
    project(&kernel, &json!([["sum", "add", [1, 2]], ["sum", "fail", null]]), "");
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.wait_for_log(
        "caller",
        r#"back {"id": "own-0", "result": {"from": "caller", "sum": 3}, "type": "rpc_response"}"#,
    );
    kernel.wait_for_log(
        "caller",
        r#"back {"error": "it does not add up", "id": "own-1", "type": "rpc_response"}"#,
    );
}

#[test]
fn a_call_to_what_it_has_no_capability_for_is_a_violation() {
    let mut kernel = adder();
    project(&kernel, &json!([["secret", "read", null]]), "security: {enforcementMode: warn}\n");
    kernel.start();
    kernel.settle();
    kernel.wait_for_log("caller", r#""error": "forbidden""#);
    eventually("it is journaled", || kernel.codes("caller").contains(&"rpc.forbidden".to_owned()));
}

#[test]
fn a_target_that_dies_answers_by_its_death() {
    let mut kernel = adder();
    project(&kernel, &json!([["sum", "die", null]]), "lifecycle: {restartBaseMs: 1}\n");
    kernel.start();
    kernel.wait_for_log("caller", "Module adder stopped while processing RPC");
}

#[test]
fn an_operator_calls_a_service() {
    let mut kernel = adder();
    project(&kernel, &json!([]), "");
    kernel.start();
    kernel.settle();
    let call = |method: &str| {
        kernel.ask(json!({ "cmd": "call", "service": "sum", "method": method, "params": [20, 22] }))
    };
    assert_eq!(call("add")["data"], json!({ "sum": 42, "from": "operator" }));
    assert_eq!(call("fail")["code"], "kernel::call::error");
    let nowhere = kernel.ask(json!({ "cmd": "call", "service": "none", "method": "x" }));
    assert_eq!(nowhere["code"], "kernel::order::not_found");
    let late = kernel.ask(json!({ "cmd": "call", "service": "sum", "method": "never", "timeoutMs": 50 }));
    assert_eq!(late["code"], "kernel::order::timed_out");
}

#[test]
fn a_module_asks_the_kernel_about_itself() {
    let mut kernel = Kernel::home(
        "modules:\n  m: {run: [python3, m.py], protocol: lines, provides: [svc], config: {port: 80, deep: {a: 1}}}\n",
    );
    let body = "asked=[('config.get',{'key':'m.deep.a'}),('config.get',{'key':'m.none'}),('config.get',{'key':'other.x'}),\n\
        ('config.set',{'key':'m.port','value':'8080'}),('config.sections',None),('service.resolve',{'service':'svc'}),\n\
        ('module.list',None),('permissions.request',{'permissions':{'net':['a:1']},'reason':'why'}),('no.such',None)]\n\
        for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='deps_ready':\n\
        \x20       for n,(m,p) in enumerate(asked): say(type='call', id=str(n), method=m, **({'params':p} if p else {}))\n\
        \x20   if f['type'] in ('call:response','config:update'): say(type='log', level='info', msg='back '+json.dumps(f, sort_keys=True))\n";
    kernel.file("m.py", &python(body));
    kernel.file("config.yaml", "security: {enforcementMode: warn}\n");
    kernel.start();
    kernel.settle();
    let back = |text: &str| kernel.wait_for_log("m", text);
    back(r#"back {"id": "0", "result": 1, "type": "call:response"}"#);
    back(r#"back {"id": "1", "type": "call:response"}"#);
    back(r#"not permitted to read config key \"other.x\""#);
    back(r#""id": "3", "result": {"coerced": 8080, "success": true}"#);
    back(r#""id": "4", "result": [{"key": "m", "moduleId": "m"}]"#);
    back(r#""id": "5", "result": "m""#);
    back(r#""id": "6", "result": [{"id": "m", "provides": ["svc"], "status": "ready"}]"#);
    back(r#""result": {"granted": false, "pending": true, "requestId": "#);
    back("Unknown kernel method: no.such");
    back(
        r#"back {"changedSections": ["m"], "config": {"m": {"deep": {"a": 1}, "port": 8080}}, "type": "config:update"}"#,
    );
    let set = std::fs::read_to_string(kernel.path().join("config.d/90-set.yaml")).expect("written");
    assert!(set.contains("8080"), "{set}");
    let pending = kernel.data(json!({ "cmd": "permissions.pending" }));
    assert_eq!(pending[0]["permissions"], json!({ "net": ["a:1"] }));
    let wish = pending[0]["requestId"].clone();
    kernel.data(json!({ "cmd": "permissions.grant", "requestId": wish }));
    let stored = std::fs::read_to_string(kernel.path().join("permissions.yaml")).expect("written");
    assert!(stored.contains("a:1"), "it is on disk when the answer says so: {stored}");
}
