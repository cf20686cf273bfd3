//! The module door by hand: lines in, lines out, and nothing checked.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// 64 KiB are read at once, as much as a pipe holds: the probe must not be what is measured.
const READ_BYTES: usize = 64 << 10;

/// 10 minutes: what never ends by itself ends then, so that a test that failed leaves nothing behind for ever.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(600);

/// What a line says, as far as these modules care.
#[derive(Deserialize, Default)]
pub(crate) struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) error: Option<Cow<'a, str>>,
}

impl Frame<'_> {
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }
}

/// The pipe from the kernel.
pub(crate) struct Input {
    reader: BufReader<Box<dyn io::Read + Send>>,
    line: Vec<u8>,
}

impl Input {
    /// Stdin.
    pub(crate) fn stdin() -> Self {
        let stdin: Box<dyn io::Read + Send> = match io::stdin().as_fd().try_clone_to_owned() {
            Ok(fd) => Box::new(File::from(fd)),
            Err(_) => Box::new(io::empty()),
        };
        Self::from(stdin, READ_BYTES)
    }

    /// Anything else, read in pieces of this size.
    pub(crate) fn from(source: Box<dyn io::Read + Send>, bytes_at_once: usize) -> Self {
        Self { reader: BufReader::with_capacity(bytes_at_once, source), line: Vec::new() }
    }

    /// The next line as a frame; a line that is none has no type. `None` at the end of the pipe.
    pub(crate) fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.line.clear();
        let bytes = self.reader.read_until(b'\n', &mut self.line).unwrap_or(0);
        (bytes > 0).then(|| serde_json::from_slice(&self.line).unwrap_or_default())
    }

    /// Whether another line can be read without waiting.
    pub(crate) fn has_line(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// Waits for a frame of one of these types; `false` at the end of the pipe.
    pub(crate) fn wait_for(&mut self, kinds: &[&str]) -> bool {
        while let Some(frame) = self.next_frame() {
            if kinds.contains(&&*frame.kind) {
                return true;
            }
        }
        false
    }

    /// Reads and forgets until the end of the pipe.
    pub(crate) fn wait_for_end(&mut self) {
        while self.next_frame().is_some() {}
    }
}

/// The pipe to the kernel. Writes what it is given; a pipe that is gone ends the process, as SIGPIPE would.
pub(crate) struct Output {
    pipe: File,
}

impl Output {
    /// Stdout.
    pub(crate) fn stdout() -> Self {
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(fd) => Self { pipe: File::from(fd) },
            Err(_) => std::process::exit(1),
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.pipe.write_all(bytes).is_err() {
            std::process::exit(1);
        }
    }

    pub(crate) fn frame(&mut self, frame: &Value) {
        self.raw(format!("{frame}\n").as_bytes());
    }

    pub(crate) fn log(&mut self, msg: &str, data: Value) {
        self.frame(&json!({"type": "log", "level": "info", "msg": msg, "data": data}));
    }

    pub(crate) fn ready(&mut self) {
        self.frame(&json!({"type": "ready", "manifest": {}}));
    }

    pub(crate) fn pong(&mut self) {
        self.raw(b"{\"type\":\"pong\"}\n");
    }
}

/// Waits for `init`, says ready, and waits until everything else is there. `None` when the kernel hangs up before.
pub(crate) fn become_ready() -> Option<(Input, Output)> {
    let (mut input, mut output) = (Input::stdin(), Output::stdout());
    if !input.wait_for(&["init"]) {
        return None;
    }
    output.ready();
    input.wait_for(&["deps_ready"]).then_some((input, output))
}

/// A thread that ends the process when stdin ends, for modes whose own thread never reads again.
pub(crate) fn leave_at_end_of(mut input: Input) {
    thread::spawn(move || {
        input.wait_for_end();
        std::process::exit(0);
    });
}

/// The argument at this place, or its default.
pub(crate) fn argument<'a>(words: &'a [String], at: usize, default: &'a str) -> &'a str {
    words.get(at).map_or(default, String::as_str)
}

/// The number at this place, or its default.
pub(crate) fn number(words: &[String], at: usize, default: usize) -> usize {
    words.get(at).and_then(|word| word.parse().ok()).unwrap_or(default)
}
