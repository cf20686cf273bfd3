//! The module door by hand: lines in, lines out, and nothing checked. `good` and `relay-probe` take a lane when they are
//! offered one; all others stay on their pipes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shm::{Doze, Lane, Pushed, Receiver, Rouse, Sender};

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
    /// The offer of `init`.
    #[serde(default)]
    pub(crate) transport: Option<Offer>,
}

impl Frame<'_> {
    pub(crate) fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }
}

/// A lane that the kernel offers.
#[derive(Deserialize, Clone, Copy)]
pub(crate) struct Offer {
    fd: i32,
    bytes: u32,
}

/// The way from the kernel: a pipe, or a lane once both sides have said so.
pub(crate) struct Input {
    reader: BufReader<Box<dyn io::Read + Send>>,
    line: Vec<u8>,
    lane: Option<FromLane>,
    /// The kernel's last line on the pipe was there.
    is_switched: bool,
}

/// Frames that were read from a lane at once, one after the other with their line breaks.
struct FromLane {
    receiver: Receiver,
    frames: Vec<u8>,
    at: usize,
    /// Where a kernel that waits for room is woken.
    bell: File,
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
        let reader = BufReader::with_capacity(bytes_at_once, source);
        Self { reader, line: Vec::new(), lane: None, is_switched: false }
    }

    /// The next line as a frame; a line that is none has no type. `None` at the end of the pipe.
    pub(crate) fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.line.clear();
        let is_open = match &mut self.lane {
            Some(lane) if self.is_switched => lane.next_line(&mut self.reader, &mut self.line),
            _ => self.reader.read_until(b'\n', &mut self.line).unwrap_or(0) > 0,
        };
        let frame: Frame<'_> = is_open.then(|| serde_json::from_slice(&self.line).unwrap_or_default())?;
        self.is_switched |= frame.kind == "transport";
        Some(frame)
    }

    /// Whether another line can be read without waiting.
    pub(crate) fn has_line(&self) -> bool {
        match &self.lane {
            Some(lane) if self.is_switched => lane.at < lane.frames.len() || lane.receiver.is_ready(),
            _ => self.reader.buffer().contains(&b'\n'),
        }
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

/// 64 frames are taken from a lane at once.
const LANE_FRAMES: usize = 64;

impl FromLane {
    /// The next frame as a line; `false` at the end of the pipe, on which it sleeps when there is nothing.
    fn next_line(&mut self, pipe: &mut impl BufRead, line: &mut Vec<u8>) -> bool {
        while self.at == self.frames.len() {
            self.frames.clear();
            self.at = 0;
            let frames = &mut self.frames;
            let received = self.receiver.receive(LANE_FRAMES, |frame| {
                frames.extend_from_slice(frame);
                frames.push(b'\n');
            });
            let Ok(received) = received else { return false };
            rouse(&mut self.bell, received.rouse);
            if received.frames > 0 || self.receiver.spin() || self.receiver.doze() == Doze::Ready {
                continue;
            }
            let begin = Instant::now();
            let woken = pipe.fill_buf().map_or(0, <[u8]>::len);
            pipe.consume(woken);
            self.receiver.dozed(begin.elapsed());
            if woken == 0 {
                return false;
            }
        }
        let rest = &self.frames[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        line.extend_from_slice(&rest[..end]);
        self.at += end;
        true
    }
}

/// Wakes a kernel that sleeps on its end of the pipe.
fn rouse(pipe: &mut File, rouse: Rouse) {
    if rouse == Rouse::ByPipe && pipe.write_all(b"\n").is_err() {
        std::process::exit(1);
    }
}

/// The pipe to the kernel. Writes what it is given; a pipe that is gone ends the process, as SIGPIPE would.
pub(crate) struct Output {
    pipe: File,
    lane: Option<Sender>,
}

impl Output {
    /// Stdout.
    pub(crate) fn stdout() -> Self {
        match io::stdout().as_fd().try_clone_to_owned() {
            Ok(fd) => Self { pipe: File::from(fd), lane: None },
            Err(_) => std::process::exit(1),
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if self.lane.is_some() {
            return self.raw_by_lane(bytes);
        }
        if self.pipe.write_all(bytes).is_err() {
            std::process::exit(1);
        }
    }

    /// Each whole line as a frame; waits for room as a write to a full pipe does.
    fn raw_by_lane(&mut self, bytes: &[u8]) {
        let Some(lane) = &mut self.lane else { return };
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            while lane.push(line).is_ok_and(|pushed| pushed == Pushed::Full) {
                publish(lane, &mut self.pipe);
                if lane.wait_for_room(ROOM_WAIT).is_err() {
                    std::process::exit(1);
                }
            }
        }
        publish(lane, &mut self.pipe);
    }

    /// Says `frame`, which is a `ready`, and takes the lane that `init` offered, if it can be had.
    pub(crate) fn ready_by_lane(&mut self, input: &mut Input, offer: Option<Offer>, mut frame: Value) {
        let lane = offer.and_then(|offer| Lane::attach_inherited(offer.fd, offer.bytes).ok());
        let bell = self.pipe.try_clone().ok();
        let Some((Lane { sender, receiver }, bell)) = lane.zip(bell) else { return self.frame(&frame) };
        frame["transport"] = json!("shm");
        self.frame(&frame);
        self.lane = Some(sender);
        input.lane = Some(FromLane { receiver, frames: Vec::new(), at: 0, bell });
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

/// 100 ms between two looks for room in a lane, if nobody wakes us.
const ROOM_WAIT: Duration = Duration::from_millis(100);

fn publish(lane: &mut Sender, pipe: &mut File) {
    match lane.publish() {
        Ok(woken) => rouse(pipe, woken),
        Err(_) => std::process::exit(1),
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
