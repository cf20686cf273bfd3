//! Safe mode in a real kernel: entered by a word, by a file that can't be read, by starts that fail; and left again.

use serde_json::json;

use crate::kernel::{Kernel, eventually, lives};

const SLEEPER: &str = "modules:\n  sleeper: {run: [sleep, '1000']}\n";

fn why(kernel: &Kernel) -> Option<String> {
    let status = kernel.data(json!({ "cmd": "kernel.status" }));
    status["safeMode"]["why"].as_str().map(str::to_owned)
}

#[test]
fn a_word_ends_every_module_and_another_starts_them_again() {
    let kernel = Kernel::settled(SLEEPER);
    let pid = kernel.module_pid("sleeper").expect("it runs");
    let request = json!({ "cmd": "kernel.safe-mode", "why": "a test" });
    assert_eq!(kernel.data(request.clone()), json!({ "already": false }));
    eventually("it has ended", || !lives(pid));
    kernel.wait_for_state("sleeper", "stopped");
    assert_eq!(why(&kernel).as_deref(), Some("a test"));
    assert_eq!(kernel.data(request), json!({ "already": true }));
    let refused = kernel.ask(json!({ "cmd": "module.start", "moduleId": "sleeper" }));
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("safe mode: a test")), "{refused}");
    // What always works, works.
    kernel.data(json!({ "cmd": "why", "moduleId": "sleeper", "limit": 10 }));
    kernel.data(json!({ "cmd": "logs", "modules": ["sleeper"], "lines": 10 }));
    assert_eq!(kernel.data(json!({ "cmd": "kernel.resume" })), json!({ "already": false }));
    kernel.wait_for_state("sleeper", "ready");
    assert_eq!(why(&kernel), None);
}

#[test]
fn a_configuration_that_cannot_be_read_stops_no_kernel_that_was_at_rest_here_before() {
    let mut kernel = Kernel::settled(SLEEPER);
    kernel.data(json!({ "cmd": "kernel.stop" }));
    kernel.wait();
    kernel.file("config.yaml", "lifecycle: [unclosed\n");
    kernel.start();
    let why_now = why(&kernel).expect("it is in safe mode");
    assert!(why_now.contains("config.yaml"), "{why_now}");
    let refused = kernel.ask(json!({ "cmd": "kernel.resume" }));
    assert_eq!(refused["code"], "host::safe_mode::cause_remains");
    // Mended, it is left without anybody's word.
    kernel.file("config.yaml", "lifecycle: {}\n");
    eventually("it is left by itself", || why(&kernel).is_none());
    kernel.wait_for_state("sleeper", "ready");
}

#[test]
fn on_a_new_home_a_broken_file_is_an_error_unless_safe_mode_is_wished() {
    let mut kernel = Kernel::home(SLEEPER);
    kernel.file("config.yaml", "lifecycle: [unclosed\n");
    assert!(kernel.refusal().contains("config.yaml"));
    kernel.start_with(|command| {
        command.env("OSTOJA_TEST_SAFE", "1");
    });
    assert!(why(&kernel).is_some_and(|why| why.contains("config.yaml")));
}

#[test]
fn after_three_starts_that_did_not_settle_the_next_one_is_safe() {
    let mut kernel = Kernel::home(SLEEPER);
    kernel.file("state/boots", "2\n");
    kernel.start();
    assert_eq!(why(&kernel), None, "two are not enough");
    kernel.signal(rustix::process::Signal::KILL);
    kernel.wait();
    kernel.start();
    assert_eq!(why(&kernel).as_deref(), Some("the last 3 starts did not settle"));
    assert_eq!(kernel.module_pid("sleeper"), None);
    kernel.data(json!({ "cmd": "kernel.resume" }));
    kernel.wait_for_state("sleeper", "ready");
    // An end in order is a start that went well.
    kernel.data(json!({ "cmd": "kernel.stop" }));
    kernel.wait();
    kernel.start();
    assert_eq!(why(&kernel), None);
}

#[test]
fn a_passive_watchdog_only_tells_of_starts_that_did_not_settle() {
    let mut kernel = Kernel::home(SLEEPER);
    kernel.file("config.yaml", "watchdog: {mode: passive}\n");
    kernel.file("state/boots", "3\n");
    kernel.start();
    kernel.wait_for_state("sleeper", "ready");
    assert_eq!(why(&kernel), None);
    let told = |kernel: &Kernel| {
        let status = kernel.data(json!({ "cmd": "kernel.status" }));
        status["troubles"].to_string().contains("the last 3 starts did not settle")
    };
    assert!(told(&kernel), "it is told");
    let rows = kernel.data(json!({ "cmd": "journal", "code": "safe_mode.reported" }));
    assert_eq!(rows["records"].as_array().map(Vec::len), Some(1), "{rows}");
    // A word is a word, whatever the watchdog.
    kernel.data(json!({ "cmd": "kernel.safe-mode", "why": "a test" }));
    kernel.wait_for_state("sleeper", "stopped");
}

#[test]
fn a_passive_watchdog_only_tells_of_a_fault_of_the_kernel_itself() {
    let mut kernel = Kernel::home(SLEEPER);
    kernel.file("config.yaml", "watchdog: {mode: passive}\n");
    kernel.start_with(|command| {
        command.env("OSTOJA_TEST_FAULT", "1").stderr(std::process::Stdio::null());
    });
    eventually("it is told", || {
        let status = kernel.data(json!({ "cmd": "kernel.status" }));
        status["troubles"].to_string().contains("the watchdog is passive")
    });
    assert_eq!(why(&kernel), None);
    kernel.wait_for_state("sleeper", "ready");
    kernel.signal(rustix::process::Signal::KILL);
    kernel.wait();
    kernel.start();
    let status = kernel.data(json!({ "cmd": "kernel.status" }));
    assert!(!status["troubles"].to_string().contains("fault"), "it was told once: {status}");
}

#[test]
fn a_fault_of_the_kernel_itself_ends_every_module_and_is_told_at_the_next_start_too() {
    let mut kernel = Kernel::home(SLEEPER);
    kernel.start_with(|command| {
        command.env("OSTOJA_TEST_FAULT", "1").stderr(std::process::Stdio::null());
    });
    eventually("it is in safe mode", || why(&kernel).is_some());
    let told = why(&kernel).unwrap_or_default();
    assert!(
        told.starts_with("the kernel itself has a fault, at ") && told.contains("it/kernel.rs:"),
        "{told}"
    );
    kernel.wait_for_state("sleeper", "stopped");
    let status = kernel.data(json!({ "cmd": "kernel.status" }));
    assert!(status["troubles"].to_string().contains("has a fault"), "{status}");
    // Nobody has looked, so the next start is safe too.
    kernel.signal(rustix::process::Signal::KILL);
    kernel.wait();
    kernel.start();
    assert_eq!(why(&kernel), Some(told));
    kernel.data(json!({ "cmd": "kernel.resume" }));
    kernel.wait_for_state("sleeper", "ready");
    kernel.data(json!({ "cmd": "kernel.stop" }));
    kernel.wait();
    kernel.start();
    assert_eq!(why(&kernel), None);
}

#[test]
fn approvals_that_cannot_be_read_stop_no_kernel_and_are_never_written_over() {
    let mut kernel = Kernel::settled(SLEEPER);
    kernel.data(json!({ "cmd": "kernel.stop" }));
    kernel.wait();
    let file = kernel.file("permissions.yaml", "modules: [unclosed\n");
    kernel.start();
    assert!(why(&kernel).is_some_and(|why| why.contains("permissions.yaml")), "{:?}", why(&kernel));
    kernel.ask(
        json!({ "cmd": "permissions.revoke", "moduleId": "sleeper", "permissions": { "net": ["a:1"] } }),
    );
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "modules: [unclosed\n");
    // What the last kernel was at rest with is there to be put back.
    let home = host::Home::at(kernel.path());
    let wanted = host::restore::differences(&home).expect("kept when it stopped");
    assert_eq!(wanted.len(), 1);
    host::restore::restore(&home, &wanted).expect("put back");
    eventually("it is left by itself", || why(&kernel).is_none());
    kernel.wait_for_state("sleeper", "ready");
}
