//! The scribe's thread: takes what waits, writes it, keeps it when the disk refuses, and says how it is.

use std::time::{Duration, Instant};

use abi::{Record, Wall};

use super::buffer::{Loss, RecordBuffer};
use super::{Notice, ScribeOptions};
use crate::clock::wall_now;
use crate::health::{Health, Trouble};
use crate::inbox::{Appetite, Inbox, Round};
use crate::journal::{Found, Journal, JournalError, Opened};

/// 1 s between two tries of a disk that refuses: it is noticed soon that it is back, and trying costs nothing.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// 5 ms after each batch the next gathers: who hands over many records wakes the thread two hundred times a second at the
/// most. Each wake would cost the caller some 20 microseconds and the machine a transaction, when it has least to spare.
const GATHER_FOR: Duration = Duration::from_millis(5);

/// 5 s: how much of the journal a power cut may take; every sync costs a few fsyncs, so not after each batch.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// 3 damaged databases are set aside in one run; a disk that damages a fourth would fill the folder with them.
const SET_ASIDE_MAX: u32 = 3;

/// The code of the record that stands where records were lost.
const LOST_CODE: &str = "journal.lost";

pub(super) struct Worker<'a> {
    inbox: &'a Inbox<RecordBuffer>,
    options: ScribeOptions,
    journal: Option<Journal>,
    /// What was taken and is not yet written.
    batch: Vec<(Wall, Record)>,
    /// Whether the last round had something to write.
    wrote: bool,
    /// When what is written must become durable.
    sync_due: Option<Instant>,
    failing_since: Option<Wall>,
    set_aside: u32,
}

impl<'a> Worker<'a> {
    pub(super) fn new(inbox: &'a Inbox<RecordBuffer>, options: ScribeOptions) -> Self {
        Self {
            inbox,
            options,
            journal: None,
            batch: Vec::new(),
            wrote: false,
            sync_due: None,
            failing_since: None,
            set_aside: 0,
        }
    }

    /// Works until the callers have closed and everything is written or given up.
    pub(super) fn run(mut self) {
        let mut round = Round::FIRST;
        loop {
            let done = match self.attempt(round) {
                Err(error) if error.is_damage() => self.begin_anew(&error).and_then(|()| self.attempt(round)),
                done => done,
            };
            let well = done.is_ok();
            self.report(done, round);
            // A success that only wrote what was left over has not yet taken what came meanwhile.
            if round.last && (round.took || !well) {
                return;
            }
            round = self.next_round(well);
        }
    }

    fn next_round(&mut self, well: bool) -> Round {
        let now = Instant::now();
        let (appetite, until) = match (well, self.wrote) {
            (false, _) if !self.batch.is_empty() => (Appetite::Full, Some(now + RETRY_EVERY)),
            (false, _) => (Appetite::Patient, Some(now + RETRY_EVERY)),
            (true, true) => (Appetite::Patient, Some(now + GATHER_FOR)),
            (true, false) => (Appetite::Hungry, self.sync_due),
        };
        let batch = &mut self.batch;
        self.inbox.wait(appetite, until, |buffer| {
            let loss = buffer.take(batch);
            batch.extend(loss.map(lost_record));
            loss.iter().len() as u64
        })
    }

    /// Writes the batch, and makes it durable when that is due or asked for.
    fn attempt(&mut self, round: Round) -> Result<(), JournalError> {
        let boot = self.options.boot;
        let mut journal = match self.journal.take() {
            Some(journal) => journal,
            None => self.open()?,
        };
        self.wrote = !self.batch.is_empty();
        if self.wrote {
            journal.append_each(boot, self.batch.iter().map(|(wall, record)| (*wall, record)))?;
            self.inbox.settle(self.batch.len() as u64);
            self.batch.clear();
            journal.prune(wall_now(), boot)?;
        }
        let now = Instant::now();
        let due = self.sync_due.is_some_and(|due| due <= now);
        if due || round.last || round.flush.is_some() {
            journal.sync()?;
        }
        self.sync_due = journal.is_dirty().then(|| self.sync_due.unwrap_or(now + SYNC_EVERY));
        // Only a journal that did all it was asked is kept: after an error it is opened anew.
        self.journal = Some(journal);
        Ok(())
    }

    fn open(&mut self) -> Result<Journal, JournalError> {
        let options = &self.options;
        let Opened { journal, found } =
            Journal::open(&options.path, options.limits, wall_now(), options.boot)?;
        self.tell_opened(found);
        Ok(journal)
    }

    /// The database turned out to be damaged while it was in use.
    fn begin_anew(&mut self, error: &JournalError) -> Result<(), JournalError> {
        if self.set_aside >= SET_ASIDE_MAX {
            return Err(JournalError::DamagedAgain {
                path: self.options.path.clone(),
                times: self.set_aside,
            });
        }
        let options = &self.options;
        let Opened { journal, found } =
            Journal::begin_anew(&options.path, options.limits, wall_now(), options.boot, error)?;
        self.journal = Some(journal);
        self.tell_opened(found);
        Ok(())
    }

    fn tell_opened(&mut self, found: Found) {
        if matches!(found, Found::Damaged { .. }) {
            self.set_aside += 1;
        }
        self.tell(Notice::Opened(found));
    }

    fn report(&mut self, done: Result<(), JournalError>, round: Round) {
        match done {
            Ok(()) => {
                let changed = self.inbox.set_health(Health::Well);
                self.failing_since = None;
                if changed {
                    tracing::info!("journal is written again");
                    self.tell(Notice::Recovered);
                }
                self.inbox.answer_flushes(round, None);
            }
            Err(error) => {
                let trouble = Trouble::of(&error);
                let since = *self.failing_since.get_or_insert_with(wall_now);
                let changed = self.inbox.set_health(Health::Failing { error: trouble.clone(), since });
                if changed {
                    tracing::error!(code = trouble.code, error = trouble.message, "journal can't be written");
                    self.tell(Notice::Failing(trouble.clone()));
                }
                self.inbox.answer_flushes(round, Some(trouble));
            }
        }
    }

    fn tell(&mut self, notice: Notice) {
        if let Some(tell) = &mut self.options.on_notice {
            tell(notice);
        }
    }
}

fn lost_record(loss: Loss) -> (Wall, Record) {
    let record = Record::new(LOST_CODE).number("count", loss.count).number("since_ms", loss.since.0);
    (loss.until, record)
}
