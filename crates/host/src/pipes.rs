//! What modules write: read in pieces, split into lines, told to the kernel or to the log.
//!
//! One read per turn and stream. A module that writes faster than it is read fills its own pipe and waits there.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use abi::limits::LINE_BYTES_MAX_DEFAULT;
use abi::{Generation, Slot, Time};
use kernel::{Door, Event, Incoming};
use protocol::lines::{Line, LineDecoder};
use rustix::io::Errno;
use store::{Admission, Level, LogLine, Source};

use crate::life::{Life, Stream};
use crate::limits::{LAST_WORDS_BYTES_MAX, LOG_LINE_BYTES_MAX, READ_BYTES, READ_BYTES_SLOWED};
use crate::shell::Shell;
use crate::translate::{Heard, Sheet, hear};

/// 20 ms: a module that can't be heard because another binary is about to take over is heard so soon if that fails.
const LEAVING_LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Took {
    /// The pipe is empty now.
    All,
    /// The buffer was filled, so there is probably more.
    More,
    /// There may be more, and it is to be read after this time and not before.
    Later(Duration),
    /// There will be no more: the pipe is closed, or the life is over.
    End,
}

impl Shell {
    /// One turn of reading.
    pub(crate) fn take_in(&mut self, slot: Slot, generation: Generation, stream: Stream) -> Took {
        if let Some(wait) = self.must_wait(slot, generation) {
            return Took::Later(wait);
        }
        let took = self.read_once(slot, generation, stream);
        if stream == Stream::Stdout {
            // There a module that uses its lane writes line breaks, to wake us.
            self.ring_lane(slot, generation);
        }
        self.end_turn();
        took
    }

    /// How long a module that is held is not to be heard.
    pub(crate) fn must_wait(&mut self, slot: Slot, generation: Generation) -> Option<Duration> {
        if self.is_leaving {
            return Some(LEAVING_LOOK_EVERY);
        }
        self.must_pay(slot, generation)
    }

    /// What a dead process left in its pipes, stderr first, so that a crash report has its last words.
    pub(crate) fn take_last_words(&mut self, slot: Slot, generation: Generation) {
        for stream in [Stream::Stderr, Stream::Stdout] {
            let reads = LAST_WORDS_BYTES_MAX / READ_BYTES;
            for _ in 0..reads {
                if self.read_once(slot, generation, stream) != Took::More {
                    break;
                }
            }
            self.finish_lines(slot, generation, stream);
        }
        self.take_last_frames(slot, generation);
    }

    fn read_once(&mut self, slot: Slot, generation: Generation, stream: Stream) -> Took {
        let mut sheet = self.fresh_sheet();
        let Some(life) = self.life_mut(slot, generation) else { return Took::End };
        let is_slowed = life.held.is_slowed();
        let (pipe, Some(mut lines)) = take_stream(life, stream) else { return Took::End };
        let Some(room) = Sheet::get_mut(&mut sheet) else { return Took::End };
        let room = if is_slowed { &mut room[..READ_BYTES_SLOWED] } else { room };
        let asked = room.len();
        let read = rustix::io::retry_on_intr(|| rustix::io::read(&pipe, &mut *room));
        let took = match read {
            Ok(0) => Took::End,
            Ok(bytes) => {
                self.split(slot, generation, stream, &mut lines, (&sheet, bytes));
                if bytes == asked { Took::More } else { Took::All }
            }
            Err(Errno::AGAIN) => Took::All,
            Err(_) => Took::End,
        };
        self.sheet = Some(sheet);
        self.put_back(slot, generation, stream, lines);
        if took == Took::End {
            self.finish_lines(slot, generation, stream);
        }
        took
    }

    fn put_back(&mut self, slot: Slot, generation: Generation, stream: Stream, lines: LineDecoder) {
        if let Some(life) = self.life_mut(slot, generation) {
            match stream {
                Stream::Stdout => life.stdout_lines = Some(lines),
                Stream::Stderr => life.stderr_lines = Some(lines),
            }
        }
    }

    fn split(
        &mut self,
        slot: Slot,
        generation: Generation,
        stream: Stream,
        lines: &mut LineDecoder,
        (sheet, bytes): (&Sheet, usize),
    ) {
        let now = self.now();
        let mut rest = &sheet[..bytes];
        let mut count = 0;
        let before = self.seat(slot).map_or(0, |seat| seat.tally.calls_in);
        while let Some(line) = lines.next_line(&mut rest) {
            count += 1;
            self.take_line(now, slot, generation, stream, (line, sheet));
        }
        let calls = self.seat(slot).map_or(0, |seat| seat.tally.calls_in).saturating_sub(before);
        self.pay(now, slot, generation, count, calls);
    }

    /// The last line may lack its newline.
    fn finish_lines(&mut self, slot: Slot, generation: Generation, stream: Stream) {
        let Some(life) = self.life_mut(slot, generation) else { return };
        let (_, Some(mut lines)) = take_stream(life, stream) else { return };
        let now = self.now();
        if let Some(line) = lines.finish() {
            self.take_line(now, slot, generation, stream, (line, &Sheet::from(Vec::new())));
        }
        self.put_back(slot, generation, stream, lines);
    }

    fn take_line(
        &mut self,
        now: Time,
        slot: Slot,
        generation: Generation,
        stream: Stream,
        (line, sheet): (Line<'_>, &Sheet),
    ) {
        let Some(life) = self.life_mut(slot, generation) else { return };
        let door = life.door;
        match (line, stream, door) {
            (Line::Complete(line), Stream::Stdout, Door::Lines) if life.lane.is_used() => {
                self.take_stray(slot, generation, line);
            }
            (Line::Complete(line), Stream::Stdout, Door::Lines) => {
                self.take_frame(now, slot, generation, line, sheet);
            }
            (Line::Complete(line), _, _) => self.take_text(slot, generation, stream, line),
            (Line::Oversize { bytes }, _, _) => self.refuse_long(slot, generation, bytes),
        }
    }

    pub(crate) fn refuse_long(&mut self, slot: Slot, generation: Generation, bytes: u64) {
        self.count_bad(slot);
        let text = format!("a line of {bytes} bytes is too long and was dropped");
        self.warn(slot, generation, text);
    }

    /// A line on the pipe of a module whose frames come by its lane: the order of such a frame would be lost.
    fn take_stray(&mut self, slot: Slot, generation: Generation, line: &[u8]) {
        self.count_bad(slot);
        if line.trim_ascii_start().starts_with(b"{") {
            let text = "a frame came by the pipe after `ready` had named the lane, and was dropped";
            self.warn(slot, generation, text.to_owned());
        } else {
            self.say(slot, generation, text_line(Level::Warn, Source::Stdout, line));
        }
    }

    pub(crate) fn take_frame(
        &mut self,
        now: Time,
        slot: Slot,
        generation: Generation,
        line: &[u8],
        sheet: &Sheet,
    ) {
        self.tap_in(slot, generation, line);
        match hear(line, sheet) {
            Heard::Ready(transport) => {
                self.settle_lane(slot, generation, transport);
                self.frames += 1;
                if let Some(seat) = self.seat_mut(slot) {
                    seat.tally.frames_in += 1;
                }
                self.feed_at(now, Event::Said(slot, generation, Incoming::Ready));
            }
            Heard::Incoming(said) => {
                self.frames += 1;
                if let Some(seat) = self.seat_mut(slot) {
                    seat.tally.frames_in += 1;
                    seat.tally.calls_in += u64::from(matches!(said, Incoming::Call { .. }));
                }
                self.feed_at(now, Event::Said(slot, generation, said));
            }
            Heard::Said(lines) => {
                if let Some(seat) = self.seat_mut(slot) {
                    seat.tally.frames_in += 1;
                }
                for line in lines {
                    self.say(slot, generation, line);
                }
            }
            Heard::Printed => {
                self.count_bad(slot);
                self.say(slot, generation, text_line(Level::Warn, Source::Stdout, line));
            }
            Heard::Refused(why) => {
                self.count_bad(slot);
                self.warn(slot, generation, why);
            }
        }
    }

    /// A line of a plain command, or of anybody's stderr.
    fn take_text(&mut self, slot: Slot, generation: Generation, stream: Stream, line: &[u8]) {
        let Some(seat) = self.seat_mut(slot) else { return };
        if stream == Stream::Stderr {
            seat.stderr_tail.push(line);
        }
        let Some(life) = seat.life_of(generation) else { return };
        let shows_ready = life.awaited_text.as_ref().is_some_and(|text| contains(line, text.as_bytes()));
        if shows_ready {
            life.awaited_text = None;
        }
        let (level, source) = match (life.door, stream) {
            // Plain programs say everything there, so it says nothing about how grave it is.
            (Door::Plain, Stream::Stderr) => (Level::Info, Source::Stderr),
            (Door::Lines, Stream::Stderr) => (Level::Warn, Source::Stderr),
            (_, Stream::Stdout) => (Level::Info, Source::Stdout),
        };
        self.say(slot, generation, text_line(level, source, line));
        if shows_ready {
            self.feed(Event::ReadySeen(slot, generation));
        }
    }

    fn count_bad(&mut self, slot: Slot) {
        if let Some(seat) = self.seat_mut(slot) {
            seat.tally.bad_lines += 1;
        }
    }

    /// A line in the module's own log, from the kernel.
    pub(crate) fn warn(&mut self, slot: Slot, generation: Generation, text: String) {
        self.say(slot, generation, LogLine::new(Level::Warn, Source::Kernel, text));
    }

    /// A line in the module's log.
    pub(crate) fn say(&mut self, slot: Slot, generation: Generation, line: LogLine) {
        let Some(seat) = self.seat(slot) else { return };
        let id = seat.id.clone();
        if self.talk.say(&id, generation, line) == Admission::Lost
            && let Some(seat) = self.seat_mut(slot)
        {
            seat.tally.log_lost += 1;
        }
    }
}

/// A stream's pipe, and its splitter for as long as its lines are being read.
fn take_stream(life: &mut Life, stream: Stream) -> (Rc<OwnedFd>, Option<LineDecoder>) {
    match stream {
        Stream::Stdout => (life.stdout.clone(), life.stdout_lines.take()),
        Stream::Stderr => (life.stderr.clone(), life.stderr_lines.take()),
    }
}

/// A splitter for a stream: the door's own bound for frames, the log's for everything else.
pub(crate) fn splitter(stream: Stream, door: Door) -> LineDecoder {
    match (stream, door) {
        (Stream::Stdout, Door::Lines) => LineDecoder::new(LINE_BYTES_MAX_DEFAULT),
        (Stream::Stderr, _) | (Stream::Stdout, Door::Plain) => LineDecoder::new(LOG_LINE_BYTES_MAX),
    }
}

pub(crate) fn text_line(level: Level, source: Source, line: &[u8]) -> LogLine {
    LogLine::new(level, source, String::from_utf8_lossy(line))
}

pub(crate) fn contains(line: &[u8], text: &[u8]) -> bool {
    !text.is_empty() && line.windows(text.len()).any(|part| part == text)
}

#[cfg(test)]
mod tests;
