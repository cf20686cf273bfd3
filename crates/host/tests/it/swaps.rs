//! Hot swaps of real processes: the state goes over, no call is lost, doubled or answered out of order, and whatever goes
//! wrong with the new life, the old one answers on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use serde_json::{Value, json};

use crate::kernel::{Door, Kernel, eventually, is_by_lane, lives, python};
use crate::sdks::is_here;

/// Counts its calls, and answers a slow one once somebody opens the fifo beside it; `VERSION` and what it does with state are
/// put in.
const COUNTER: &str = "n=0\n\
    for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='ping': say(type='pong')\n\
    \x20   if f['type']=='rpc_request' and f['method']=='next':\n\
    \x20       n+=1; say(type='rpc_response', id=f['id'], result=[n, 'VERSION'])\n\
    \x20   if f['type']=='rpc_request' and f['method']=='slow':\n\
    \x20       open('slow').read(); say(type='rpc_response', id=f['id'], result='VERSION')\n\
    \x20   if f['type']=='state:save': SAVE\n\
    \x20   if f['type']=='state:restore': RESTORE";

const SAVE: &str = "say(type='state:saved', id=f['id'], state=n, version='1')";
const RESTORE: &str = "n=f['state']; say(type='state:restored', id=f['id'])";

fn counter(version: &str, save: &str, restore: &str) -> String {
    let body = COUNTER.replace("VERSION", version).replace("SAVE", save).replace("RESTORE", restore);
    python(&body)
}

/// The same counter for Node, which takes the state of the one in Python over.
const NODE_COUNTER: &str = "import { createInterface } from 'node:readline';
let n = 0;
const say = frame => process.stdout.write(JSON.stringify(frame) + '\\n');
for await (const line of createInterface({ input: process.stdin })) {
  const f = JSON.parse(line);
  if (f.type === 'init') say({ type: 'ready' });
  if (f.type === 'ping') say({ type: 'pong' });
  if (f.type === 'rpc_request') say({ type: 'rpc_response', id: f.id, result: [++n, 'node'] });
  if (f.type === 'state:save') say({ type: 'state:saved', id: f.id, state: n, version: '1' });
  if (f.type === 'state:restore') { n = f.state; say({ type: 'state:restored', id: f.id }); }
  if (f.type === 'shutdown') process.exit(0);
}
";

fn project(run: &str, features: &str) -> String {
    format!("modules:\n  counter: {{run: [{run}], protocol: lines, provides: [counter]{features}}}\n")
}

fn started(features: &str) -> Kernel {
    let mut kernel = Kernel::home(&project("python3, m.py", features));
    kernel.file("m.py", &counter("one", SAVE, RESTORE));
    kernel.start();
    kernel.settle();
    kernel
}

fn next(door: &mut Door) -> (u64, String) {
    let answer = door.ask(json!({ "cmd": "call", "service": "counter", "method": "next", "params": null }));
    assert_eq!(answer["ok"], true, "{answer}");
    let result = &answer["data"];
    (result[0].as_u64().expect("a number"), result[1].as_str().expect("a version").to_owned())
}

fn swap(kernel: &Kernel) -> Value {
    kernel.ask(json!({ "cmd": "module.swap", "moduleId": "counter" }))
}

#[test]
fn state_goes_over_and_no_call_is_lost_doubled_or_out_of_order() {
    let kernel = started(", features: [state]");
    let is_over = AtomicBool::new(false);
    let (mut calling, mut seen) = (kernel.door(), Vec::new());
    thread::scope(|scope| {
        let caller = scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                seen.push(next(&mut calling).0);
            }
        });
        for _ in 0..5 {
            let before = kernel.module_pid("counter").expect("it runs");
            let done = swap(&kernel);
            assert_eq!(done["ok"], true, "{done}");
            assert!(done["data"]["stateBytes"].as_u64() > Some(0), "{done}");
            assert_ne!(kernel.module_pid("counter"), Some(before));
            eventually("the old life is gone", || !lives(before));
        }
        is_over.store(true, Ordering::Release);
        caller.join().expect("no call failed");
    });
    let expected: Vec<u64> = (1..=seen.len() as u64).collect();
    assert_eq!(seen, expected);
    assert_eq!(kernel.status("counter")["restartsTotal"], 0, "a swap is no restart");
}

#[test]
fn a_call_that_was_in_flight_is_answered_by_the_life_that_got_it() {
    let kernel = started(", state: none");
    let fifo = kernel.path().join("slow");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("made");
    let mut slow = kernel.door();
    let call = json!({ "cmd": "call", "service": "counter", "method": "slow", "params": null });
    let sent = || kernel.status("counter")["framesOut"].as_u64().expect("a number");
    let before = sent();
    slow.send(&format!("{call}\n"));
    eventually("the call has reached it", || sent() > before);
    kernel.file("m.py", &counter("two", SAVE, RESTORE));
    let done = swap(&kernel);
    assert_eq!(done["ok"], true, "{done}");
    assert_eq!(done["data"]["stateBytes"], 0);
    assert_eq!(next(&mut kernel.door()), (1, "two".to_owned()));
    let flags = OFlags::WRONLY | OFlags::NONBLOCK;
    eventually("the old life is let go on", || open(&fifo, flags, Mode::empty()).is_ok());
    let answer = slow.next().expect("an answer");
    assert_eq!(answer["data"], "one", "{answer}");
}

#[test]
fn who_says_nothing_of_its_state_is_refused_unless_it_may_begin_without() {
    let kernel = started("");
    let refused = swap(&kernel);
    assert_eq!(refused["code"], "host::swap::rolled_back", "{refused}");
    let request = json!({ "cmd": "module.swap", "moduleId": "counter", "withoutState": true });
    assert_eq!(kernel.ask(request)["ok"], true);
}

#[test]
fn whatever_goes_wrong_with_the_new_life_the_old_one_answers_on() {
    let kernel = started(", features: [state]");
    let mut door = kernel.door();
    assert_eq!(next(&mut door).0, 1);
    let faults = [
        ("sys.exit(3)", "left with"),
        ("say(type='nack', id=f['id'], error='a form of long ago')", "a form of long ago"),
        ("say(type='state:restored', id=f['id']); os._exit(1)", "left with"),
    ];
    for (at, (fault, said)) in faults.into_iter().enumerate() {
        kernel.file("m.py", &counter("two", SAVE, fault));
        let refused = swap(&kernel);
        assert_eq!(refused["code"], "host::swap::rolled_back", "{fault}: {refused}");
        assert!(refused["error"].as_str().is_some_and(|error| error.contains(said)), "{fault}: {refused}");
        assert_eq!(next(&mut door), (at as u64 + 2, "one".to_owned()));
    }
    assert_eq!(kernel.status("counter")["restartsTotal"], 0);
    let codes = kernel.codes("counter");
    assert_eq!(codes.iter().filter(|code| *code == "swap.refused").count(), 3, "{codes:?}");
}

#[test]
fn state_goes_from_python_to_node_and_back() {
    // The little counter for Node reads its pipe and knows no lane.
    if is_by_lane() || !is_here("node", "--version") {
        return;
    }
    let features = ", features: [state]";
    let kernel = started(features);
    kernel.file("m.mjs", NODE_COUNTER);
    let mut door = kernel.door();
    assert_eq!(next(&mut door), (1, "one".to_owned()));
    for (count, run, version) in [(2, "node, m.mjs", "node"), (3, "python3, m.py", "one")] {
        let before = kernel.module_pid("counter");
        kernel.file("ostoja.yaml", &project(run, features));
        kernel.data(json!({ "cmd": "kernel.reload" }));
        eventually("the other program answers", || kernel.module_pid("counter") != before);
        assert_eq!(next(&mut door), (count, version.to_owned()));
    }
    let codes = kernel.codes("counter");
    assert_eq!(codes.iter().filter(|code| *code == "swap.done").count(), 2, "{codes:?}");
    assert_eq!(kernel.status("counter")["restartsTotal"], 0);
}
