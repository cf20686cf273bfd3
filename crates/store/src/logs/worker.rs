//! The thread that writes log lines: takes what waits, writes one piece per file, keeps what the disk refuses.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use abi::{Generation, Wall};

use super::buffer::LogBuffer;
use super::entry::{LogEntry, Said};
use super::error::LogError;
use super::line::{push_line, push_lost};
use super::writer::{Life, Writer};
use super::{LogsOptions, OnHealth};
use crate::clock::wall_now;
use crate::health::{Health, Trouble};
use crate::inbox::{Appetite, Inbox, Round};

/// 1 s between two tries of a disk that refuses: it is noticed soon that it is back, and trying costs nothing.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// 5 ms after each batch the next gathers: a talkative module wakes the thread two hundred times a second at the most, each
/// of which would cost the caller some 20 microseconds.
const GATHER_FOR: Duration = Duration::from_millis(5);

/// 2 MiB: what the lines that the disk refused may take of the host's memory; further ones are lost and counted.
const KEPT_BYTES_MAX: usize = 2 << 20;

/// 256 KiB of those for one life, so that one broken folder does not use up what a full disk needs.
const KEPT_BYTES_OF_ONE_MAX: usize = 256 << 10;

/// The lines of one life that are to be written.
#[derive(Debug, Default)]
struct Piece {
    lines: Vec<u8>,
    /// Lines that came after those and found no room, and when the last of them came.
    lost: u64,
    lost_ts: Wall,
    /// Whether the disk has refused it already.
    refused: bool,
}

pub(super) struct Worker<'a> {
    inbox: &'a Inbox<LogBuffer>,
    writer: Writer,
    on_health: Option<OnHealth>,
    taken: Vec<LogEntry>,
    pieces: BTreeMap<Life, Piece>,
    /// Whether the last round had something to write.
    wrote: bool,
    failing_since: Option<Wall>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(inbox: &'a Inbox<LogBuffer>, options: LogsOptions) -> Self {
        Self {
            inbox,
            writer: Writer::new(options.folder, options.limits),
            on_health: options.on_health,
            taken: Vec::new(),
            pieces: BTreeMap::new(),
            wrote: false,
            failing_since: None,
        }
    }

    /// Works until the callers have closed and everything is written or given up.
    pub(super) fn run(mut self) {
        let mut well = true;
        loop {
            let round = self.next_round(well);
            self.wrote = !self.taken.is_empty();
            self.sort_into_pieces();
            let done = self.write_pieces();
            well = done.is_ok();
            self.report(done, round);
            if round.last {
                return;
            }
        }
    }

    fn next_round(&mut self, well: bool) -> Round {
        let taken = &mut self.taken;
        // While the disk refuses, every new line would be a reason to try again; once a second is enough.
        let (appetite, until) = match (well, self.wrote) {
            (false, _) => (Appetite::Patient, Some(Instant::now() + RETRY_EVERY)),
            (true, true) => (Appetite::Patient, Some(Instant::now() + GATHER_FOR)),
            (true, false) => (Appetite::Hungry, None),
        };
        self.inbox.wait(appetite, until, |buffer| buffer.take(taken))
    }

    fn sort_into_pieces(&mut self) {
        let mut kept_bytes: usize = self.pieces.values().map(|piece| piece.lines.len()).sum();
        let mut lost = 0;
        for entry in self.taken.drain(..) {
            let piece = self.pieces.entry((entry.module.clone(), entry.generation)).or_default();
            let full = piece.lines.len() >= KEPT_BYTES_OF_ONE_MAX || kept_bytes >= KEPT_BYTES_MAX;
            if piece.lost > 0 || (piece.refused && full) {
                piece.lost += match entry.said {
                    Said::Line(_) => 1,
                    Said::Lost(count) => count,
                };
                piece.lost_ts = entry.ts;
                lost += 1;
            } else {
                let before = piece.lines.len();
                push_line(&entry, &mut piece.lines);
                kept_bytes += piece.lines.len() - before;
            }
        }
        if lost > 0 {
            self.inbox.settle_lost(lost);
        }
    }

    /// Tries every piece, since one broken folder is no reason to keep the others waiting; gives the first error.
    fn write_pieces(&mut self) -> Result<(), LogError> {
        let mut result = Ok(());
        let mut written = 0;
        for (life, piece) in &mut self.pieces {
            let waiting = line_count(&piece.lines);
            let done = self.writer.write(life, &mut piece.lines);
            written += waiting - line_count(&piece.lines);
            let done = done.and_then(|()| self.writer.write(life, &mut piece.lost_line(life.1)));
            if let Err(error) = done {
                piece.refused = true;
                result = result.and(Err(error));
            } else {
                *piece = Piece::default();
            }
        }
        self.pieces.retain(|_, piece| piece.refused);
        self.inbox.settle(written);
        result
    }

    fn report(&mut self, done: Result<(), LogError>, round: Round) {
        let trouble = done.err().map(|error| Trouble::of(&error));
        let health = match &trouble {
            None => Health::Well,
            Some(error) => {
                let since = *self.failing_since.get_or_insert_with(wall_now);
                Health::Failing { error: error.clone(), since }
            }
        };
        if trouble.is_none() {
            self.failing_since = None;
        }
        if self.inbox.set_health(health.clone()) {
            match &trouble {
                None => tracing::info!("logs are written again"),
                Some(error) => {
                    tracing::error!(code = error.code, error = error.message, "logs can't be written")
                }
            }
            if let Some(tell) = &mut self.on_health {
                tell(health);
            }
        }
        self.inbox.answer_flushes(round, trouble);
    }
}

impl Piece {
    /// The line that says how many are missing; empty when none are.
    fn lost_line(&self, generation: Generation) -> Vec<u8> {
        let mut line = Vec::new();
        if self.lost > 0 {
            push_lost(self.lost_ts, generation, self.lost, &mut line);
        }
        line
    }
}

fn line_count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}
