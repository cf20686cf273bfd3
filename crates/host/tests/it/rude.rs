//! Modules that misbehave hurt only themselves: while they do, another module goes on answering.

use serde_json::json;

use crate::kernel::{Kernel, eventually, python};

const PEACEFUL: &str = "for f in frames():\n\
    \x20   if f['type']=='init': say(type='ready')\n\
    \x20   if f['type']=='ping': say(type='pong')\n\
    \x20   if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result=f.get('params'))\n";

/// A kernel with a peaceful module and one that does this once it was initialised.
fn beside(body: &str, more: &str) -> Kernel {
    let mut kernel = Kernel::home(&format!(
        "modules:\n  good: {{run: [python3, good.py], protocol: lines, provides: [echo]}}\n\
         \x20 rude: {{run: [python3, rude.py], protocol: lines, subscribes: [noise], publishes: [noise], requires: [echo]}}\n{more}"
    ));
    kernel.file("good.py", &python(PEACEFUL));
    let body = format!(
        "for f in frames():\n    if f['type']=='init': say(type='ready')\n    if f['type']=='deps_ready':\n{body}"
    );
    kernel.file("rude.py", &python(&body));
    kernel.start();
    kernel.wait_for_state("good", "ready");
    kernel
}

/// Ten calls in a row are answered.
fn good_answers(kernel: &Kernel) {
    for number in 0..10 {
        let request = json!({ "cmd": "call", "service": "echo", "method": "say", "params": { "n": number } });
        assert_eq!(kernel.data(request), json!({ "n": number }));
    }
}

fn bad_lines(kernel: &Kernel) -> u64 {
    kernel.status("rude")["badLines"].as_u64().expect("a count")
}

#[test]
fn half_a_line_and_then_nothing() {
    let kernel =
        beside("        sys.stdout.write('{\"type\":\"publ'); sys.stdout.flush(); time.sleep(1000)\n", "");
    good_answers(&kernel);
    kernel.wait_for_state("rude", "ready");
    assert_eq!(bad_lines(&kernel), 0);
}

#[test]
fn a_line_of_ten_megabytes_is_dropped_and_counted() {
    let kernel = beside(
        "        sys.stdout.write('{\"type\":\"log\",\"msg\":\"'+'x'*10_000_000+'\"}\\n'); sys.stdout.flush()\n\
         \x20       say(type='log', level='info', msg='after it')\n",
        "",
    );
    kernel.wait_for_log("rude", "after it");
    good_answers(&kernel);
    assert_eq!(bad_lines(&kernel), 1);
    assert_eq!(kernel.logged("rude", "is too long and was dropped").len(), 1);
}

#[test]
fn what_is_no_frame_is_counted_and_told() {
    let kernel = beside(
        "        sys.stdout.buffer.write(b'print \\xff\\xfe\\n[1,2]\\n{\"type\":\"nope\"}\\n{\"type\":\"publish\"}\\n\\n   \\n'); sys.stdout.flush()\n\
         \x20       say(type='publish', topic='t'*300, payload=1)\n",
        "",
    );
    kernel.wait_for_log("rude", "publish: topic exceeds 256 chars (300)");
    kernel.wait_for_log("rude", "unknown type: nope");
    kernel.wait_for_log("rude", "not an object");
    kernel.wait_for_log("rude", "publish: topic is missing");
    assert_eq!(bad_lines(&kernel), 5);
    kernel.wait_for_state("rude", "ready");
}

#[test]
fn a_character_split_over_two_writes_survives() {
    let kernel = beside(
        "        b=json.dumps({'type':'log','level':'info','msg':'zażółć'}, ensure_ascii=False).encode()+b'\\n'\n\
         \x20       for byte in b: os.write(1, bytes([byte]))\n",
        "",
    );
    kernel.wait_for_log("rude", "zażółć");
    assert_eq!(bad_lines(&kernel), 0);
}

#[test]
fn floods_of_logs_frames_and_stderr_leave_room_for_others() {
    for flood in [
        "        while True: sys.stderr.write('noise\\n'*1000)\n",
        "        while True: sys.stdout.write('noise\\n'*1000)\n",
        "        line=json.dumps({'type':'publish','topic':'noise','payload':'x'*50})+'\\n'\n        while True: sys.stdout.write(line*1000)\n",
        "        line=json.dumps({'type':'rpc_request','id':'1','service':'none','method':'x'})+'\\n'\n        while True: sys.stdout.write(line*1000)\n",
    ] {
        let kernel = beside(flood, "security: {enforcementMode: off}\n");
        good_answers(&kernel);
        good_answers(&kernel);
    }
}

#[test]
fn a_module_that_never_reads_loses_its_mail_and_nobody_else_does() {
    let kernel = beside("        time.sleep(1000)\n", "");
    kernel.wait_for_state("rude", "ready");
    let payload = "y".repeat(10_000);
    let mut door = kernel.door();
    eventually("its queue is full", || {
        for _ in 0..100 {
            door.ask(json!({ "cmd": "publish", "topic": "noise", "payload": payload }));
        }
        kernel.status("rude")["dropped"].as_u64().expect("a count") > 0
    });
    good_answers(&kernel);
    assert_eq!(kernel.state("rude"), "ready");
}

#[test]
fn a_module_that_hangs_is_found_out_by_its_pings() {
    let kernel = beside(
        "        time.sleep(1000)\n",
        "lifecycle: {healthIntervalMs: 500, pingTimeoutMs: 3000, healthMaxFailures: 2, restartBaseMs: 1}\n",
    );
    eventually("it was killed and came back", || {
        let codes = kernel.codes("rude");
        codes.contains(&"health.missed".to_owned())
            && codes.iter().filter(|code| *code == "module.starting").count() > 1
    });
    good_answers(&kernel);
    assert_eq!(kernel.status("good")["restartsTotal"], 0);
}

#[test]
fn a_frame_cut_by_death_is_no_frame() {
    let kernel = beside(
        "        sys.stdout.write('{\"type\":\"publish\",\"topic\":\"noi'); sys.stdout.flush(); os._exit(0)\n",
        "lifecycle: {restartBaseMs: 1, maxRestarts: 1}\n",
    );
    kernel.wait_for_state("rude", "crashed");
    good_answers(&kernel);
    assert!(bad_lines(&kernel) > 0);
}

#[test]
fn a_closed_stdin_is_the_modules_own_loss() {
    let kernel = beside("        os.close(0); time.sleep(1000)\n", "");
    kernel.wait_for_state("rude", "ready");
    kernel.data(json!({ "cmd": "publish", "topic": "noise", "payload": 1 }));
    kernel.data(json!({ "cmd": "publish", "topic": "noise", "payload": 1 }));
    good_answers(&kernel);
}

#[test]
fn ten_thousand_unanswered_calls_are_bounded() {
    let kernel = beside(
        "        for n in range(10_000): say(type='rpc_request', id=str(n), service='echo', method='say')\n\
         \x20       say(type='log', level='info', msg='all asked')\n",
        "",
    );
    kernel.wait_for_log("rude", "all asked");
    good_answers(&kernel);
}
