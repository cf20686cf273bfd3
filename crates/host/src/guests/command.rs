//! Plain `wasi:cli` commands: each has a thread of its own; what it writes becomes log lines, its exit code its end.

use std::sync::mpsc;
use std::thread;

use protocol::lines::{Line, LineDecoder};
use wasm::{Command, CommandLimits, Fault, Inlet, Outlet, Stop};

use super::frames::FRAME_BYTES;
use super::make::{Failure, Made};
use super::post::{End, Help, News, Post};
use crate::life::Stream;
use crate::limits::LOG_LINE_BYTES_MAX;

/// 2 MiB of stack: a guest's own 512 KiB and the host functions below it.
const STACK_BYTES: usize = 2 << 20;

/// Prepares its thread, which begins when it is told to: whoever waits for its words listens by then. Its end is told by
/// its thread.
pub(super) fn run(command: Command, limits: CommandLimits, post: Post) -> Result<Made, Failure> {
    let stop = Stop::default();
    let stopped = stop.clone();
    let (begin, begun) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("wasm-command".to_owned()).stack_size(STACK_BYTES);
    let running = move || {
        let mut end = Ended { post: post.clone(), end: End::Fell("the thread that ran it died".to_owned()) };
        if begun.recv().is_err() {
            // Nobody wants it any more.
            end.end = End::Killed;
            return;
        }
        let stdin = Inlet::default();
        stdin.close();
        let (stdout, stderr) =
            (outlet(&post, Stream::Stdout, &stopped), outlet(&post, Stream::Stderr, &stopped));
        end.end = match command.run(limits, stdin, stdout, stderr, &stopped) {
            Ok(exit) => End::Code(exit.code),
            Err(_) if stopped.is_wanted() => End::Killed,
            Err(fault @ Fault::Trapped { .. }) => End::Fell(format!("trap: {fault}")),
            Err(fault) => End::Fell(fault.to_string()),
        };
    };
    let started = thread.spawn(running);
    started.map_err(|error| (Help::Perhaps, format!("no thread could be started for it: {error}")))?;
    Ok(Made::Command(stop, begin))
}

/// Tells the end, whatever the thread ended by.
struct Ended {
    post: Post,
    end: End,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, End::Killed);
        self.post.send(News::Left { end, hall: None });
    }
}

/// Splits what is written into lines. A command that writes faster than its lines are taken waits, as at a full pipe.
fn outlet(post: &Post, stream: Stream, stop: &Stop) -> Outlet {
    let mut lines = Lines {
        decoder: LineDecoder::new(LOG_LINE_BYTES_MAX),
        post: post.clone(),
        stream,
        stop: stop.clone(),
    };
    Outlet::new(move |bytes| lines.take(bytes))
}

struct Lines {
    decoder: LineDecoder,
    post: Post,
    stream: Stream,
    stop: Stop,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(line) = self.decoder.next_line(&mut rest) {
            let line = match line {
                Line::Complete(line) => line.to_vec(),
                Line::Oversize { bytes } => {
                    format!("a line of {bytes} bytes is too long and was dropped").into_bytes()
                }
            };
            let bytes = line.len() + FRAME_BYTES;
            self.post.send_when_room(News::Text(self.stream, line), bytes, &self.stop);
        }
    }
}

impl Drop for Lines {
    /// The last line may lack its end.
    fn drop(&mut self) {
        if let Some(Line::Complete(line)) = self.decoder.finish() {
            let (line, bytes) = (line.to_vec(), line.len() + FRAME_BYTES);
            self.post.send_when_room(News::Text(self.stream, line), bytes, &self.stop);
        }
    }
}
