//! A process that leaves its family and takes the pipes with it.

use std::process::{Command, ExitCode};
use std::thread;

use serde_json::json;

use crate::door::{LIFE_MAX, Output, become_ready};
use crate::good::{Manners, serve};

/// The hidden mode of the processes that `fork-away` starts.
pub(crate) const INNER_MODE: &str = "--inner";

/// Starts a child that starts a grandchild and leaves; logs the grandchild's pid and goes on as a good module.
pub(crate) fn fork_away(_: &[String]) -> ExitCode {
    let Some((mut input, mut output)) = become_ready() else { return ExitCode::SUCCESS };
    if let Err(problem) = start("child") {
        output.log("cannot fork away", json!(problem.to_string()));
        return ExitCode::FAILURE;
    }
    serve(&mut input, &mut output, "echo", Manners::default())
}

/// What the child and the grandchild do.
pub(crate) fn inner(words: &[String]) -> ExitCode {
    // A session of its own is out of reach of a kill by process group. It fails only for a group's leader.
    let _ = rustix::process::setsid();
    if words.first().is_some_and(|word| word == "child") {
        let started = start("grandchild");
        return if started.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    Output::stdout().log("forked away", json!({"pid": std::process::id()}));
    thread::sleep(LIFE_MAX);
    ExitCode::SUCCESS
}

/// Starts this program again, on the same pipes. Only the child is waited for: it leaves at once.
fn start(who: &str) -> std::io::Result<()> {
    let mut process = Command::new(std::env::current_exe()?).args([INNER_MODE, who]).spawn()?;
    if who == "child" {
        process.wait()?;
    }
    Ok(())
}
