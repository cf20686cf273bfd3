//! Snapshots by the real binary: made beside a kernel, shown, put back with one and without, removed.

use std::fs;

use serde_json::{Value, json};

use crate::kernel::{Running, check_schema};

/// Counts its calls; one method makes it deaf to the question for its state.
const COUNTER: &str = "\
import json, sys
n, deaf = 0, False
def say(**f):
    sys.stdout.write(json.dumps(f) + '\\n'); sys.stdout.flush()
for line in sys.stdin:
    f = json.loads(line)
    kind = f['type']
    if kind == 'init': say(type='ready')
    if kind == 'ping': say(type='pong')
    if kind == 'shutdown': sys.exit(0)
    if kind == 'rpc_request':
        if f['method'] == 'deafen': deaf = True
        n += 1; say(type='rpc_response', id=f['id'], result=n)
    if kind == 'state:save' and not deaf: say(type='state:saved', id=f['id'], state={'n': n}, version='1')
    if kind == 'state:restore': n = f['state']['n']; say(type='state:restored', id=f['id'])
";

fn running() -> Running {
    let module = |name: &str| {
        format!(
            "  {name}: {{run: [python3, counter.py], protocol: lines, provides: [{name}], features: [state], state: all}}\n"
        )
    };
    let project = format!("modules:\n{}{}  idle: {{run: sleep 1000}}\n", module("one"), module("two"));
    let world = crate::runner::World::new();
    fs::write(world.path().join("counter.py"), COUNTER).expect("it is ours");
    fs::write(world.path().join("ostoja.yaml"), project).expect("it is ours");
    world.run("up -d -f ostoja.yaml").expect(0);
    Running { world }
}

fn next(kernel: &Running, service: &str) -> Value {
    kernel.data(&format!("call {service} next"))["result"].clone()
}

#[test]
fn states_of_one_moment_are_kept_shown_put_back_and_removed() {
    let kernel = running();
    assert_eq!(
        (next(&kernel, "one"), next(&kernel, "one"), next(&kernel, "two")),
        (json!(1), json!(2), json!(1))
    );
    let made = kernel.data("snapshot create --label first");
    check_schema("snapshot create", &made);
    let names: Vec<&str> =
        made["modules"].as_array().expect("rows").iter().filter_map(|row| row["moduleId"].as_str()).collect();
    assert_eq!(names, ["one", "two"], "{made}");
    assert!(made["pauseMs"].as_u64() < Some(2000), "{made}");
    assert_eq!((next(&kernel, "one"), next(&kernel, "two")), (json!(3), json!(2)));
    let restored = kernel.data("snapshot restore 1 one --yes");
    check_schema("snapshot restore", &restored);
    assert_eq!(restored["modules"], json!([{ "moduleId": "one", "restarted": true, "why": null }]));
    assert_eq!((next(&kernel, "one"), next(&kernel, "two")), (json!(3), json!(3)), "one alone went back");
    kernel.run("snapshot restore 1 --yes").expect(0);
    assert_eq!((next(&kernel, "one"), next(&kernel, "two")), (json!(3), json!(2)));
    let shown = kernel.data("snapshot show");
    check_schema("snapshot show", &shown);
    assert_eq!((&shown["snapshot"]["label"], &shown["modules"]), (&json!("first"), &made["modules"]));
    let listed = kernel.data("snapshot list");
    check_schema("snapshot list", &listed);
    assert_eq!(listed["snapshots"][0]["modules"], json!(["one", "two"]));
    assert!(kernel.run("snapshot list").expect(0).stdout.contains("one, two"));
    kernel.run("snapshot restore 1 idle --yes").expect(4);
    kernel.run("snapshot restore 7 --yes").expect(4);
    kernel.run("backup restore --dry-run").expect(4);
    kernel.run("backup verify").expect(0);
    let removed = kernel.data("snapshot rm 1");
    check_schema("snapshot rm", &removed);
    assert!(removed["chunksRemoved"].as_u64() > Some(0), "{removed}");
    kernel.run("snapshot show").expect(4);
}

#[test]
fn without_a_kernel_states_and_variables_wait_for_the_next_one() {
    let kernel = running();
    assert_eq!((next(&kernel, "one"), next(&kernel, "one")), (json!(1), json!(2)));
    kernel.run("context set session:chat step 7").expect(0);
    kernel.run("snapshot create").expect(0);
    kernel.run("context set session:chat step 8").expect(0);
    assert_eq!(next(&kernel, "one"), json!(3));
    kernel.run("down").expect(0);
    let restored = kernel.data("snapshot restore 1 --yes");
    assert_eq!(restored["context"], true, "{restored}");
    kernel.run("snapshot create").expect(9);
    kernel.run("up -d -f ostoja.yaml").expect(0);
    assert_eq!(next(&kernel, "one"), json!(3), "it goes on from the second call");
    assert_eq!(kernel.data("context get session:chat step")["value"], json!(7));
}

#[test]
fn who_gives_nothing_is_named_and_the_others_are_kept() {
    let kernel = running();
    kernel.run("call two deafen").expect(0);
    let ran = kernel.run("snapshot create --json").expect(3);
    let made = ran.json()["data"].clone();
    assert_eq!(made["modules"][0]["why"], Value::Null, "{made}");
    assert!(made["modules"][1]["why"].as_str().is_some_and(|why| why.contains("in time")), "{made}");
    let said = kernel.run("snapshot create").expect(3);
    assert!(said.stdout.contains("it gave none in time"), "{}", said.stdout);
    kernel.run("backup create").expect(0);
    kernel.run("snapshot restore 3 --yes").expect(1);
}
