//! One module process and what it says, read beside the conversation so that no side waits for the other for ever.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use abi::limits::LINE_BYTES_MAX_DEFAULT;
use protocol::decode::{Decoded, decode};
use protocol::lines::{Line, LineDecoder};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome};

/// 10,000 frames: a module that says more before it is asked is ended.
const FRAMES_MAX: usize = 10_000;

/// 4 KiB: what is kept of its stderr for a report.
const WORDS_BYTES_MAX: usize = 4096;

/// 5 kinds of refused frames: the same mistake is not told a hundred times.
const REFUSED_MAX: usize = 5;

/// What came on stdout.
enum Heard {
    Frame(Value),
    Printed,
    Refused(String),
}

/// What was no frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Strays {
    /// Lines that are no JSON.
    pub(super) printed: u32,
    /// Why a kernel would drop a frame, each once.
    pub(super) refused: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this code, or with 128 and the number of a signal.
    Code(i32),
    /// It had to be killed.
    Killed,
}

/// What becomes of a module's own questions while something else is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They are answered with what a bare kernel would say.
    Plays,
    /// They wait until somebody wants them.
    Silent,
}

/// A running module.
pub(crate) struct Voice {
    child: Child,
    folder: PathBuf,
    /// What is said goes through a thread, since a module that does not read would hold it up.
    mouth: Option<Sender<Vec<u8>>>,
    ears: Receiver<Heard>,
    /// Frames that nobody waited for yet.
    kept: VecDeque<Value>,
    strays: Strays,
    manner: Manner,
    words: Arc<Mutex<Vec<u8>>>,
}

impl Voice {
    /// Starts it in its folder.
    ///
    /// # Errors
    /// When its program can't be run.
    pub(crate) fn start(folder: &Path, command: &[String]) -> Outcome<Self> {
        let (program, words) = command.split_first().unwrap_or((&command[0], &[]));
        let mut child = Command::new(program)
            .args(words)
            .current_dir(folder)
            .env_clear()
            .envs(super::environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::io("run", Path::new(program), &error))?;
        let (mouth, lines) = channel::<Vec<u8>>();
        let (tell, ears) = channel();
        if let Some(mut stdin) = child.stdin.take() {
            std::thread::spawn(move || lines.iter().try_for_each(|line| stdin.write_all(&line)));
        }
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || listen(stdout, &tell));
        }
        let kept_words = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            let kept = kept_words.clone();
            std::thread::spawn(move || keep_words(stderr, &kept));
        }
        Ok(Self {
            child,
            folder: folder.to_owned(),
            mouth: Some(mouth),
            ears,
            kept: VecDeque::new(),
            strays: Strays::default(),
            manner: Manner::Plays,
            words: kept_words,
        })
    }

    /// The folder that it is told as its workspace.
    pub(super) fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    /// Changes what becomes of the module's own questions.
    pub(crate) fn take_manner(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// Says one frame.
    pub(crate) fn say(&mut self, frame: &Value) {
        let mut line = frame.to_string().into_bytes();
        line.push(b'\n');
        if let Some(mouth) = &self.mouth {
            // A module that is gone is noticed where an answer is waited for.
            let _ = mouth.send(line);
        }
    }

    /// Waits for a frame; what the module asks meanwhile is answered with what a bare kernel would say.
    pub(crate) fn wait(&mut self, most: Duration, is_wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(at) = self.kept.iter().position(&is_wanted) {
            return self.kept.remove(at);
        }
        let deadline = Instant::now() + most;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.ears.recv_timeout(left).ok()? {
                Heard::Frame(frame) if is_wanted(&frame) => return Some(frame),
                Heard::Frame(frame) => self.answer(frame),
                other => self.stray(other),
            }
            if self.kept.len() > FRAMES_MAX {
                return None;
            }
        }
    }

    fn answer(&mut self, frame: Value) {
        let id = frame["id"].clone();
        match frame["type"].as_str() {
            _ if self.manner == Manner::Silent => self.kept.push_back(frame),
            Some("call") => {
                self.say(&json!({ "type": "call:response", "id": id, "error": "this kernel only plays one" }))
            }
            Some("rpc_request") => {
                self.say(&json!({ "type": "rpc_response", "id": id, "error": "service_not_found" }))
            }
            _ => self.kept.push_back(frame),
        }
    }

    fn stray(&mut self, heard: Heard) {
        match heard {
            Heard::Printed => self.strays.printed = self.strays.printed.saturating_add(1),
            Heard::Refused(reason)
                if self.strays.refused.len() < REFUSED_MAX && !self.strays.refused.contains(&reason) =>
            {
                self.strays.refused.push(reason);
            }
            Heard::Refused(_) | Heard::Frame(_) => {}
        }
    }

    /// What was no frame so far.
    pub(super) fn strays(&mut self) -> Strays {
        while let Ok(heard) = self.ears.try_recv() {
            self.stray(heard);
        }
        self.strays.clone()
    }

    /// Closes its stdin, as a kernel that dies does.
    pub(crate) fn hang_up(&mut self) {
        self.mouth = None;
    }

    /// The end of what it wrote to stderr, on one line.
    pub(super) fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&words).into_owned();
        text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
    }

    /// Waits for its end, and kills it and all that it started when that does not come in time.
    pub(crate) fn end(mut self, most: Duration) -> Ended {
        let pid = Pid::from_child(&self.child);
        let left = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => {
                let timeout = rustix::event::Timespec::try_from(most).ok();
                poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()).is_ok_and(|count| count > 0)
            }
            Err(_) => false,
        };
        // What it left behind is in its group; a group that is gone is no mistake.
        let _ = kill_process_group(pid, Signal::KILL);
        match self.child.wait() {
            Ok(status) if left => Ended::Code(code_of(status)),
            Ok(_) | Err(_) => Ended::Killed,
        }
    }
}

fn code_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// Reads lines as the kernel does, with its own decoder.
fn listen(mut stdout: impl Read, tell: &Sender<Heard>) {
    let mut decoder = LineDecoder::new(LINE_BYTES_MAX_DEFAULT);
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = stdout.read(&mut buffer) {
        if count == 0 {
            return;
        }
        let mut rest = &buffer[..count];
        while let Some(line) = decoder.next_line(&mut rest) {
            let heard = match line {
                Line::Complete(line) => judged(line),
                Line::Oversize { .. } => Some(Heard::Refused("a line is longer than 1 MiB".to_owned())),
            };
            if heard.is_some_and(|heard| tell.send(heard).is_err()) {
                return;
            }
        }
    }
}

fn judged(line: &[u8]) -> Option<Heard> {
    Some(match decode(line) {
        Decoded::Frame(_) => Heard::Frame(serde_json::from_slice(line).ok()?),
        Decoded::NotJson => Heard::Printed,
        Decoded::Invalid(reason) => Heard::Refused(reason.to_string()),
    })
}

fn keep_words(mut stderr: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count) = stderr.read(&mut buffer) {
        if count == 0 {
            return;
        }
        let mut words = kept.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&buffer[..count]);
        let over = words.len().saturating_sub(WORDS_BYTES_MAX);
        words.drain(..over);
    }
}
