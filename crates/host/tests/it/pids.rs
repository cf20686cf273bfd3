//! Numbers of processes come again: a stranger that got a dead module's number is never touched.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::kernel::{Kernel, eventually, lives};

/// 200 tries: other processes of the machine are born between setting the number and using it.
const TRIES_MAX: usize = 200;

/// 40,000 births: more than there are numbers on a machine with the usual 32,768.
const BIRTHS_MAX: usize = 40_000;

/// A process of ours, ended with this value.
struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn birth() -> Stranger {
    let mut command = Command::new("/bin/sleep");
    Stranger(command.arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("sleep is there"))
}

/// A stranger with just this number: by telling the system where to go on counting, else by going all the way round.
fn stranger_with(pid: u32) -> Option<Stranger> {
    let tries = if tell_last(pid - 1) { TRIES_MAX } else { BIRTHS_MAX };
    for _ in 0..tries {
        tell_last(pid - 1);
        let stranger = birth();
        if stranger.0.id() == pid {
            return Some(stranger);
        }
    }
    None
}

fn tell_last(pid: u32) -> bool {
    let file = std::fs::OpenOptions::new().write(true).open("/proc/sys/kernel/ns_last_pid");
    file.and_then(|mut file| file.write_all(pid.to_string().as_bytes())).is_ok()
}

#[test]
fn a_stranger_with_a_dead_modules_number_is_left_alone() {
    let mut kernel =
        Kernel::settled("modules:\n  once: {run: sleep 1000, restart: never}\n  other: {run: sleep 1000}\n");
    let pid = kernel.module_pid("once").expect("it runs");
    let group = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a pid");
    rustix::process::kill_process(group, rustix::process::Signal::KILL).expect("it is ours");
    eventually("the module is gone", || kernel.module_pid("once").is_none() && !lives(pid));
    let Some(stranger) = stranger_with(pid) else {
        eprintln!("SKIPPED host pids: the number {pid} did not come again within {BIRTHS_MAX} births");
        return;
    };
    assert_eq!(stranger.0.id(), pid);
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "once" }));
    kernel.data(json!({ "cmd": "module.stop", "moduleId": "other" }));
    kernel.signal(rustix::process::Signal::TERM);
    assert!(kernel.wait().success());
    assert!(lives(pid), "somebody ended the stranger");
}
