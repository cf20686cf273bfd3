//! Takes without end: memory, processes. Meant for places with bounds.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::door::become_ready;

/// 4 MiB at a time.
const BITE_BYTES: usize = 4 << 20;

/// 2 ms between two bites: 2 GiB a second.
const BITE_EVERY: Duration = Duration::from_millis(2);

/// 5 ms before a fork is tried again that the system refused.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Ready, then takes memory and writes to it, without end.
pub(crate) fn eat_memory(_: &[String]) -> ExitCode {
    if become_ready().is_none() {
        return ExitCode::SUCCESS;
    }
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; BITE_BYTES]);
        std::thread::sleep(BITE_EVERY);
    }
}

/// Ready, then starts itself again and again, and each of those does too.
pub(crate) fn fork_bomb(_: &[String]) -> ExitCode {
    // A descendant has no door; it begins at once.
    let _door = become_ready();
    let mut children = Vec::new();
    loop {
        let program = std::env::current_exe().unwrap_or_default();
        let mut child = Command::new(program);
        child.arg("fork-bomb").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match child.spawn() {
            Ok(child) => children.push(child),
            Err(_) => std::thread::sleep(AGAIN_AFTER),
        }
    }
}
