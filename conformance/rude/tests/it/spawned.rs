//! A rude module as a child process, and the few words a kernel has for it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// 30 s: nothing here takes longer on a loaded machine; a hang ends the test with what was said so far.
const DEADLINE: Duration = Duration::from_secs(30);

/// One process; killed when dropped.
pub(crate) struct Spawned {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Vec<u8>>,
}

impl Spawned {
    /// Starts a mode with its arguments, and says nothing to it.
    pub(crate) fn start(words: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rude"));
        command.args(words.split_whitespace());
        Self::command(command)
    }

    pub(crate) fn command(mut command: Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the program is there");
        let stdin = child.stdin.take();
        let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
        // Bounded, so that a flood stops at a reader that does not read.
        let (tx, lines) = std::sync::mpsc::sync_channel(64);
        thread::spawn(move || {
            loop {
                let mut line = Vec::new();
                if reader.read_until(b'\n', &mut line).unwrap_or(0) == 0 || tx.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, lines }
    }

    /// Starts a mode and tells it that all is there.
    pub(crate) fn ready(words: &str) -> Self {
        let mut spawned = Self::start(words);
        spawned.say(
            r#"{"type":"init","protocolVersion":"1.0","config":{},"workspacePath":"/","projectRoot":"/"}"#,
        );
        spawned.say(r#"{"type":"deps_ready"}"#);
        spawned
    }

    pub(crate) fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the pipe is open");
        // A module that is gone already hears nothing; what it said is still read.
        let written = stdin.write_all(format!("{line}\n").as_bytes());
        drop(written);
    }

    pub(crate) fn call(&mut self, id: &str) {
        self.say(&format!(
            r#"{{"type":"rpc_request","id":"{id}","from":"m","service":"echo","method":"e","params":[1]}}"#
        ));
    }

    /// The next line, as bytes; `None` at the end of the pipe.
    pub(crate) fn line(&self) -> Option<Vec<u8>> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing was said in time"),
        }
    }

    /// Waits for a line that holds this text.
    pub(crate) fn expect(&self, text: &str) -> String {
        while let Some(line) = self.line() {
            let line = String::from_utf8_lossy(&line);
            if line.contains(text) {
                return line.into_owned();
            }
        }
        panic!("no `{text}` before the end")
    }

    /// How many of the next lines hold this text, up to the one that holds `last`.
    pub(crate) fn count_until(&self, text: &str, last: &str) -> usize {
        let mut count = 0;
        while let Some(line) = self.line() {
            let line = String::from_utf8_lossy(&line);
            count += usize::from(line.contains(text));
            if line.contains(last) {
                return count;
            }
        }
        panic!("no `{last}` before the end")
    }

    /// Hands on every line of this module to the other one, as a relay that parses nothing.
    pub(crate) fn relay_to(&mut self, other: &mut Self) {
        let (_, none) = channel();
        let lines = std::mem::replace(&mut self.lines, none);
        let mut stdin = other.stdin.take().expect("the pipe is open");
        thread::spawn(move || while lines.recv().is_ok_and(|line| stdin.write_all(&line).is_ok()) {});
    }

    pub(crate) fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Reads on, so that nothing blocks, and gives how the process ended.
    pub(crate) fn exit_status(&mut self) -> ExitStatus {
        while self.line().is_some() {}
        self.child.wait().expect("a child")
    }

    /// Whether it is still there after it answered one more ping.
    pub(crate) fn lives_after_ping(&mut self) -> bool {
        self.say(r#"{"type":"ping"}"#);
        self.expect("pong");
        self.is_running()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub(crate) fn terminate(&self) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is not reaped yet");
    }

    /// Whether text comes out of stderr.
    pub(crate) fn stderr_line(&mut self) -> String {
        let stderr = self.child.stderr.take().expect("a pipe");
        let (tx, rx) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stderr).read_line(&mut line);
            if read.is_ok() {
                drop(tx.send(line));
            }
        });
        rx.recv_timeout(DEADLINE).expect("a line on stderr")
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let killed = self.child.kill();
        let reaped = self.child.wait();
        drop((killed, reaped));
    }
}

/// Waits until a process that is not our child is gone; whether it is, in time.
pub(crate) fn is_gone(pid: u32) -> bool {
    let until = Instant::now() + DEADLINE;
    let path = format!("/proc/{pid}/stat");
    while Instant::now() < until {
        // A zombie that nobody has reaped yet is gone too.
        match std::fs::read_to_string(&path) {
            Ok(stat) if !stat.contains(") Z ") => thread::yield_now(),
            Ok(_) | Err(_) => return true,
        }
    }
    false
}
