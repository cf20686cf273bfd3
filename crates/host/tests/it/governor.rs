//! Real processes that use too much: each hurts only itself, and what was done about it is undone when it is over.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::kernel::{Kernel, eventually, python};

/// A module that answers calls to its service `echo`.
const NEIGHBOUR: &str = "\
for f in frames():
    if f['type']=='init': say(type='ready')
    if f['type']=='ping': say(type='pong')
    if f['type']=='rpc_request': say(type='rpc_response', id=f['id'], result=f.get('params'))
";

/// A kernel with a neighbour, and a module `bad` of this body with these lines in its entry.
fn house(body: &str, entry: &str) -> Kernel {
    let kernel = Kernel::home("");
    let neighbour = kernel.file("neighbour.py", &python(NEIGHBOUR));
    let bad = kernel.file("bad.py", &python(body));
    let project = format!(
        "modules:\n  neighbour:\n    run: python3 {}\n    protocol: lines\n    provides: [echo]\n  bad:\n    run: python3 {}\n    {}\n",
        neighbour.display(),
        bad.display(),
        entry.replace('\n', "\n    ")
    );
    kernel.file("ostoja.yaml", &project);
    let mut kernel = kernel;
    kernel.start();
    kernel.settle();
    kernel
}

/// The neighbour has lived on all the time and answers.
fn is_untouched(kernel: &Kernel, pid: Option<u32>) {
    assert_eq!((kernel.state("neighbour"), kernel.module_pid("neighbour")), ("ready".to_owned(), pid));
    let answer = kernel.data(json!({ "cmd": "call", "service": "echo", "method": "m", "params": 7 }));
    assert!(answer.to_string().contains('7'), "{answer}");
    let codes = kernel.codes("neighbour");
    assert!(!codes.iter().any(|code| code.starts_with("governor.")), "{codes:?}");
}

#[test]
fn a_memory_hog_ends_and_begins_again_and_nobody_else_does() {
    let body = "say(type='log',level='info',msg='begins')\nall=[]\nwhile True:\n    all.append(bytearray(4<<20))\n    time.sleep(0.002)";
    let kernel = house(body, "protocol: none\nlimits: { memory: 64M }\nmax_restarts: 1000");
    let pid = kernel.module_pid("neighbour");
    eventually("it ends for its memory", || {
        let codes = kernel.codes("bad");
        codes.iter().filter(|code| *code == "module.exited" || *code == "governor.killed").count() >= 2
    });
    let bounds = kernel.data(json!({ "cmd": "kernel.status" }))["bounds"].to_string();
    if bounds.contains("memory") {
        let codes = kernel.codes("bad");
        assert!(codes.contains(&"governor.out_of_memory".to_owned()), "{codes:?}");
    }
    is_untouched(&kernel, pid);
}

#[test]
fn a_fork_bomb_gets_no_more_processes_than_its_bound() {
    let body = "say(type='log',level='info',msg='begins')\nend=time.time()+10\nwhile time.time()<end:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.05)";
    let kernel = house(body, "protocol: none\nlimits: { processes: 24 }");
    let pid = kernel.module_pid("neighbour");
    let bombs = || {
        let all = std::fs::read_dir("/proc").expect("there").flatten();
        let is_bomb = |line: Vec<u8>| {
            let own = kernel.path().display().to_string();
            String::from_utf8_lossy(&line).contains(&format!("{own}/bad.py"))
        };
        all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
            .filter(|line| is_bomb(line.clone()))
            .count()
    };
    eventually("it has forked", || {
        bombs() > 4 || kernel.codes("bad").contains(&"governor.killed".to_owned())
    });
    let until = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until {
        let count = bombs();
        assert!(count <= 24, "{count} processes");
    }
    is_untouched(&kernel, pid);
}

#[test]
fn a_processor_hog_gets_its_share_and_no_more() {
    let kernel = house("while True: pass", "protocol: none\nlimits: { cpu: 20% }");
    let pid = kernel.module_pid("neighbour");
    let used = || {
        let status = kernel.status("bad");
        status["cpuMs"].as_u64().unwrap_or_default()
    };
    // Past the first look, which is what holds it where the system has no quota.
    eventually("it has run", || used() > 300);
    let (before, begun) = (used(), Instant::now());
    eventually("it has run more", || used() > before + 300);
    let share = 300.0 / begun.elapsed().as_secs_f64() / 1000.0;
    assert!(share < 0.45, "it had {share:.2} of a processor");
    is_untouched(&kernel, pid);
}

#[test]
fn a_flood_of_messages_is_slowed_and_let_go_when_it_is_over() {
    let body = "\
line=(json.dumps(dict(type='publish',topic='noise',payload=1))+'\\n').encode()
for f in frames():
    if f['type']=='init':
        say(type='ready')
        end=time.time()+4
        while time.time()<end: os.write(1,line*50)
    if f['type']=='ping': say(type='pong')
";
    let kernel =
        house(body, "protocol: lines\nzone: sandbox\npublishes: [noise]\nlimits: { messages_per_s: 2000 }");
    let pid = kernel.module_pid("neighbour");
    let has = |code: &str| kernel.codes("bad").iter().any(|found| found == code);
    eventually("it is slowed", || has("governor.slowed"));
    is_untouched(&kernel, pid);
    eventually("it is let go", || has("governor.eased"));
    assert!(!has("governor.killed"), "{:?}", kernel.codes("bad"));
    is_untouched(&kernel, pid);
}
