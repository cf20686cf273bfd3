//! The end: in order, by signal, by order, in a hurry, and with a terminal that is gone.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::kernel::{Kernel, eventually, lives, python};

const STUBBORN: &str = "import signal,time\nsignal.signal(signal.SIGTERM,signal.SIG_IGN)\nprint('deaf',flush=True)\nwhile True: time.sleep(100)\n";

#[test]
fn sigterm_ends_everything_and_the_kernel_leaves_with_0() {
    let mut kernel =
        Kernel::settled("modules:\n  a: {run: sleep 1000}\n  b: {run: sleep 1000, needs: [a]}\n");
    let pids: Vec<u32> = ["a", "b"].iter().map(|id| kernel.module_pid(id).expect("it runs")).collect();
    kernel.signal(Signal::TERM);
    assert_eq!(kernel.wait().code(), Some(0));
    assert!(pids.iter().all(|pid| !lives(*pid)));
    assert!(!kernel.path().join("run/kernel.sock").exists());
}

#[test]
fn an_order_to_stop_is_answered_when_nothing_runs_any_more() {
    let mut kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n");
    let pid = kernel.module_pid("a").expect("it runs");
    let mut followers = kernel.door();
    followers.ask(json!({ "cmd": "events" }));
    kernel.data(json!({ "cmd": "kernel.stop" }));
    assert!(!lives(pid));
    assert_eq!(followers.event("end"), json!("the kernel stops"));
    assert_eq!(kernel.wait().code(), Some(0));
}

#[test]
fn a_module_that_refuses_to_end_is_killed_after_its_grace() {
    let mut kernel = Kernel::home(
        "modules:\n  deaf: {run: [python3, deaf.py], ready: {log: deaf}, stop: {grace: 100ms}}\n",
    );
    kernel.file("deaf.py", STUBBORN);
    kernel.start();
    kernel.settle();
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "deaf" }));
    assert_eq!(kernel.state("deaf"), "stopped");
    assert!(kernel.codes("deaf").contains(&"module.killed".to_owned()));
}

#[test]
fn a_command_that_is_paused_ends_as_soon_as_it_is_told_to() {
    let kernel = Kernel::settled("modules:\n  paused: {run: sleep 1000, stop: {grace: 1000s}}\n");
    let pid = kernel.module_pid("paused").expect("it runs");
    let number = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a small number"));
    rustix::process::kill_process(number.expect("not zero"), Signal::STOP).expect("signalled");
    eventually("it is paused", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    });
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "paused" }));
    assert_eq!(kernel.state("paused"), "stopped");
    assert!(!kernel.codes("paused").contains(&"module.killed".to_owned()));
}

#[test]
fn a_second_signal_does_not_wait_for_anybody() {
    let mut kernel = Kernel::home(
        "modules:\n  deaf: {run: [python3, deaf.py], ready: {log: deaf}, stop: {grace: 1000s}}\n",
    );
    kernel.file("deaf.py", STUBBORN);
    kernel.start();
    kernel.settle();
    kernel.signal(Signal::INT);
    eventually("the stop has begun", || kernel.codes("deaf").contains(&"module.stopping".to_owned()));
    kernel.signal(Signal::INT);
    assert_eq!(kernel.wait().code(), Some(0));
}

#[test]
fn a_module_of_the_door_hears_the_shutdown_and_its_dependents_go_first() {
    let mut kernel = Kernel::home(
        "modules:\n  base: {run: [python3, m.py, base], protocol: lines, provides: [s]}\n\
         \x20 top: {run: [python3, m.py, top], protocol: lines, requires: [s]}\n",
    );
    let body = "for f in frames():\n\
        \x20   if f['type']=='init': say(type='ready')\n\
        \x20   if f['type']=='shutdown':\n\
        \x20       open('order','a').write(sys.argv[1]+'\\n'); sys.exit(0)\n";
    kernel.file("m.py", &python(body));
    kernel.start();
    assert_eq!(kernel.settle(), Vec::<String>::new());
    kernel.signal(Signal::TERM);
    assert_eq!(kernel.wait().code(), Some(0));
    assert_eq!(std::fs::read_to_string(kernel.path().join("order")).expect("written"), "top\nbase\n");
}

#[test]
fn many_modules_stop_together() {
    let modules: String = (0..60).map(|n| format!("  m{n}: {{run: sleep 1000}}\n")).collect();
    let mut kernel = Kernel::settled(&format!("modules:\n{modules}"));
    let begun = Instant::now();
    kernel.signal(Signal::TERM);
    kernel.wait();
    // One after the other would take as many waits; the promised number is the bench's business.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_stop_in_the_middle_of_a_mass_start_leaves_nobody() {
    for heard in [1, 20, 50] {
        let mut kernel = Kernel::home("");
        let mark = kernel.path().join("mark").display().to_string();
        let modules: String =
            (0..60).map(|n| format!("  m{n}: {{run: 'echo x >> {mark}; exec tail -f {mark}'}}\n")).collect();
        kernel.file("ostoja.yaml", &format!("modules:\n{modules}"));
        kernel.start();
        let count = || std::fs::read_to_string(&mark).map_or(0, |text| text.lines().count());
        eventually("some run", || count() >= heard);
        kernel.signal(Signal::TERM);
        assert_eq!(kernel.wait().code(), Some(0));
        let processes = std::fs::read_dir("/proc").expect("mounted").flatten();
        let left = processes
            .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
            .filter(|words| words.starts_with("tail") && words.contains(&mark));
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn sighup_without_a_terminal_reads_the_modules_again() {
    let kernel = Kernel::settled("modules:\n  a: {run: sleep 1000}\n  b: {run: sleep 1000}\n");
    kernel.file("ostoja.yaml", "modules:\n  b: {run: sleep 1000}\n  c: {run: sleep 1000}\n");
    let before = kernel.module_pid("b");
    kernel.signal(Signal::HUP);
    kernel_has(&kernel, &["b", "c"]);
    assert_eq!(kernel.module_pid("b"), before, "what did not change goes on living");
}

fn kernel_has(kernel: &Kernel, names: &[&str]) {
    eventually(&format!("{names:?} are there"), || {
        let rows = kernel.data(json!({ "cmd": "module.list" }));
        let found: Vec<&str> =
            rows.as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("id")).collect();
        found == names
    });
}
