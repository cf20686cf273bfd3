//! The MCP server's process: started, watched, and ended before the bridge ends.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sdk::{Failure, Handle, LogLevel};

use super::peer::{Peer, lock};
use super::session::Session;

/// 1.5 s for a server to end when its stdin does, 1 s more after SIGTERM: both within the grace of a module's end.
const END_OF_INPUT_GRACE: Duration = Duration::from_millis(1500);
const TERM_GRACE: Duration = Duration::from_secs(1);

/// 10 ms between two looks whether the server has ended: nobody waits for it but its successor.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// 128: what shells add to the number of the signal that ended a program.
const SIGNAL_BASE: i32 = 128;

/// The process.
pub(super) struct Server {
    child: Mutex<Child>,
    peer: Mutex<Option<Arc<Peer>>>,
    /// Its end is wanted, so it is no reason to leave.
    is_ending: AtomicBool,
}

/// Its two pipes.
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
}

impl Server {
    /// Starts it; its stderr is the bridge's own, which is the module's log.
    pub(super) fn start(command: &[String]) -> Result<(Arc<Self>, Pipes), Failure> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| Failure::new("there is no command"))?;
        let mut spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::new(format!("`{program}` can't be started: {error}")))?;
        let (Some(input), Some(output)) = (spawned.stdin.take(), spawned.stdout.take()) else {
            return Err(Failure::new("the pipes of the MCP server are not there"));
        };
        let (child, peer, is_ending) = (Mutex::new(spawned), Mutex::new(None), AtomicBool::new(false));
        Ok((Arc::new(Self { child, peer, is_ending }), Pipes { input, output }))
    }

    /// How it ended, in words, if it has.
    pub(super) fn ended_by_itself(&self) -> Option<String> {
        let status = wait_for(&mut lock(&self.child), TERM_GRACE)?;
        Some(format!("ended ({status})"))
    }

    /// From now on the end of the server is the end of the bridge.
    pub(super) fn leave_with(self: &Arc<Self>, session: &Session, handle: &Handle) {
        *lock(&self.peer) = Some(session.peer.clone());
        let (server, news, log) = (self.clone(), session.news.clone(), handle.clone());
        thread::spawn(move || {
            let mut is_over = lock(&news.is_over);
            while !*is_over {
                is_over = match news.changed.wait(is_over) {
                    Ok(guard) => guard,
                    Err(poisoned) => poisoned.into_inner(),
                };
            }
            drop(is_over);
            if server.is_ending.load(Ordering::SeqCst) {
                return;
            }
            let status = server.bring_to_an_end();
            let told = status.map_or_else(|| "unknown".to_owned(), |status| status.to_string());
            let _unread = log.log(LogLevel::Error, &format!("the MCP server ended ({told})"));
            std::process::exit(exit_code(status));
        });
    }

    /// Ends it in order: the end of its input, SIGTERM, SIGKILL.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        if let Some(peer) = lock(&self.peer).as_ref() {
            peer.hang_up();
        }
        let mut child = lock(&self.child);
        if wait_for(&mut child, END_OF_INPUT_GRACE).is_none() {
            drop(child);
            self.bring_to_an_end();
        }
    }

    /// SIGTERM, and SIGKILL to what does not heed it.
    fn bring_to_an_end(&self) -> Option<ExitStatus> {
        let mut child = lock(&self.child);
        if let Some(status) = wait_for(&mut child, LOOK_EVERY) {
            return Some(status);
        }
        // It has not been waited for, so the number is still its own.
        let _gone = kill_process(Pid::from_child(&child), Signal::TERM);
        if let Some(status) = wait_for(&mut child, TERM_GRACE) {
            return Some(status);
        }
        let _gone = child.kill();
        child.wait().ok()
    }
}

fn wait_for(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => thread::sleep(LOOK_EVERY),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// The server's own exit code, as a shell would tell it.
fn exit_code(status: Option<ExitStatus>) -> i32 {
    let signal = status.and_then(|status| status.signal()).map(|signal| SIGNAL_BASE + signal);
    status.and_then(|status| status.code()).or(signal).unwrap_or(1)
}
