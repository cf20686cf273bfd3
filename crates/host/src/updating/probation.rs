//! Probation: for some time the new version is compared with what was seen of the old one. Worse, and the old one comes
//! back by itself, with what was measured as the reason.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use abi::{ModuleId, Record, State};
use kernel::Tally;
use tokio::task::spawn_local;
use update::{Step, TransactionId};

use super::UpdateError;
use super::flip::roll_back;
use super::prepare::{Part, Ready};
use crate::clock::wall_now;
use crate::shell::{Handle, Shell};
use crate::stock::{Stock, Stockroom};

/// 100 ms: how late a fault is noticed at the most; a look costs some microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// 5 s until what the disk refused is tried again: a version stays on probation no longer than the disk is broken.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// 20 answers: fewer say nothing about a rate.
const ANSWERS_MIN: u64 = 20;

/// A tenth more of all answers are errors: what a few unlucky callers don't explain.
const FAILED_MORE: f64 = 0.1;

/// Three times as slow, and
const SLOWER: u64 = 3;

/// 50 ms more: what callers notice.
const SLOWER_BY_MS: u64 = 50;

/// Versions on probation: those of one transaction.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) id: TransactionId,
    pub(crate) versions: Vec<Tried>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) module: ModuleId,
    pub(crate) version: String,
    /// What was seen of the version before; nothing when it did not run, or another kernel saw it.
    pub(crate) past: Option<Tally>,
    /// How often the module had fallen back to an earlier life before this.
    pub(crate) falls_back: u64,
}

impl Trial {
    /// Before the flip: the lives that answer now are the past.
    pub(super) fn before(shell: &Shell, ready: &Ready) -> Self {
        let tried = |part: &Part| {
            let slot = shell.kernel.find(part.module.as_str());
            let past = slot.and_then(|slot| shell.kernel.tally(slot));
            let falls_back = slot.and_then(|slot| shell.kernel.view(slot)).map_or(0, |view| view.falls_back);
            Tried { module: part.module.clone(), version: part.to.version.to_string(), past, falls_back }
        };
        Self { id: ready.id, versions: ready.parts.iter().map(tried).collect() }
    }

    /// Its modules, for a sentence.
    fn modules(&self) -> String {
        let modules: Vec<&str> = self.versions.iter().map(|tried| tried.module.as_str()).collect();
        modules.join(", ")
    }

    /// What is worse about the first of them that is.
    fn worse(&self, shell: &Shell, known: &[u32]) -> Option<String> {
        let mut each = self.versions.iter().zip(known);
        each.find_map(|(tried, known)| Some(self.of(tried, worse(shell, tried, *known)?)))
    }

    /// Of several it is said which one a sentence is about.
    fn of(&self, tried: &Tried, sentence: String) -> String {
        if self.versions.len() > 1 { format!("{}: {sentence}", tried.module) } else { sentence }
    }
}

/// Watches versions until their time is over, then they stay.
pub(super) fn begin(shell: &Rc<RefCell<Shell>>, trial: Trial, left: Duration) {
    let handle = shell.borrow().handle();
    spawn_local(watch(handle, trial, Instant::now() + left, None));
}

/// Undoes versions, for this reason, as soon as the disk lets it: it did not a moment ago.
pub(super) fn undo_later(shell: &Rc<RefCell<Shell>>, trial: Trial, why: String) {
    let handle = shell.borrow().handle();
    spawn_local(watch(handle, trial, Instant::now() + AGAIN_AFTER, Some(why)));
}

/// Looks until the time is over or it is `worse`, then ends the transaction.
async fn watch(shell: Handle, trial: Trial, mut until: Instant, mut worse: Option<String>) {
    let count = |shell: &Shell| -> Vec<u32> {
        trial.versions.iter().map(|tried| restarts(shell, &tried.module)).collect()
    };
    // Ends that were counted before are the old versions'.
    let mut known = shell.upgrade().map_or_else(Vec::new, |shell| count(&shell.borrow()));
    loop {
        while Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now()))).await;
            let Some(shell) = shell.upgrade() else { return };
            if shell.borrow().is_stopping {
                // It goes on at the next start.
                return;
            }
            if worse.is_none() {
                worse = trial.worse(&shell.borrow(), &known);
                known = count(&shell.borrow());
                // What is found is acted upon at once; what the disk refused waits for its next try.
                until = if worse.is_some() { Instant::now() } else { until };
            }
        }
        let Some(shell) = shell.upgrade() else { return };
        let done = match &worse {
            Some(why) => roll_back(&shell, trial.id, why.clone()).await.map(drop),
            None => commit(&shell, &trial).await,
        };
        if tell(&shell, &trial, done) == Told::Ended {
            return;
        }
        until = Instant::now() + AGAIN_AFTER;
    }
}

/// Whether a probation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Ended,
    /// The disk, or who works on it, is in the way.
    Again,
}

/// What went wrong is told as a trouble; that somebody else ended the transaction is nothing wrong.
fn tell(shell: &Rc<RefCell<Shell>>, trial: &Trial, done: Result<(), UpdateError>) -> Told {
    use abi::Explain;
    let begins = format!("the probation of {} did not end as it should", trial.modules());
    let mut shell = shell.borrow_mut();
    shell.no_trouble(&begins);
    match done {
        Ok(()) => Told::Ended,
        Err(error) if error.code() == "update::slots::no_transaction" => Told::Ended,
        Err(UpdateError::Stopping) => Told::Ended,
        Err(error) => {
            shell.trouble(format!("{begins}, and will be tried again: {}", crate::launch::sentence(&error)));
            Told::Again
        }
    }
}

async fn commit(shell: &Rc<RefCell<Shell>>, trial: &Trial) -> Result<(), UpdateError> {
    let (room, each) = {
        let shell = shell.borrow();
        let each: Vec<String> = trial.versions.iter().map(|tried| evidence(&shell, tried)).collect();
        (Stockroom::of(&shell.files.home), each)
    };
    let said = trial.versions.iter().zip(&each).map(|(tried, said)| trial.of(tried, said.clone()));
    let (id, at, said) = (trial.id, wall_now(), said.collect::<Vec<_>>().join("; "));
    room.work(move |stock: &mut Stock| -> Result<(), UpdateError> {
        Ok(stock.slots.step(Step::Commit(id, said), at)?)
    })
    .await?;
    let mut shell = shell.borrow_mut();
    for (tried, evidence) in trial.versions.iter().zip(each) {
        shell.order(kernel::Order::Release(tried.module.clone()));
        let record = Record::new("update.committed").of(&tried.module, None).number("transaction", id.0);
        shell.record(record.text("version", tried.version.as_str()).text("evidence", evidence));
    }
    Ok(())
}

/// What was measured of a version that stays.
fn evidence(shell: &Shell, tried: &Tried) -> String {
    let tally = shell.kernel.find(tried.module.as_str()).and_then(|slot| shell.kernel.tally(slot));
    match tally.filter(|tally| tally.answered > 0) {
        Some(tally) => format!(
            "no fault in its time; {} answers, {} of them errors, {} ms on the average",
            tally.answered,
            tally.failed,
            tally.mean_ms()
        ),
        None => "no fault in its time; nobody called it".to_owned(),
    }
}

fn restarts(shell: &Shell, module: &ModuleId) -> u32 {
    let view = shell.kernel.find(module.as_str()).and_then(|slot| shell.kernel.view(slot));
    view.map_or(0, |view| view.restart_count)
}

/// Why a new version is worse than the old one was; nothing when it is not. `known` ends were counted before.
fn worse(shell: &Shell, tried: &Tried, known: u32) -> Option<String> {
    let slot = shell.kernel.find(tried.module.as_str())?;
    let view = shell.kernel.view(slot)?;
    match view.state {
        State::Crashed => return Some(format!("it ended and is given up: {}", view.note)),
        State::Restarting => return Some(format!("it ended without being told to: {}", view.note)),
        State::Starting | State::Waiting | State::Ready | State::Stopped | State::Killed => {}
    }
    if view.falls_back > tried.falls_back {
        return Some("it ended without being told to, and the version before answers again".to_owned());
    }
    if view.restart_count > known {
        return Some("it ended without being told to, and was started again".to_owned());
    }
    compare(shell.kernel.tally(slot)?, tried.past)
}

/// Compares what callers got with what they got before.
fn compare(now: Tally, past: Option<Tally>) -> Option<String> {
    if now.answered < ANSWERS_MIN {
        return None;
    }
    let past = past.filter(|past| past.answered >= ANSWERS_MIN);
    let share = |tally: Tally| tally.failed as f64 / tally.answered.max(1) as f64;
    let before = past.map_or(0.0, share);
    if share(now) > before + FAILED_MORE {
        return Some(format!(
            "{} of {} answers are errors ({:.0} %, {:.0} % before)",
            now.failed,
            now.answered,
            share(now) * 100.0,
            before * 100.0
        ));
    }
    let past = past?;
    let (is, was) = (now.mean_ms(), past.mean_ms());
    (is > was.saturating_mul(SLOWER) && is > was.saturating_add(SLOWER_BY_MS))
        .then(|| format!("it answers after {is} ms on the average, after {was} ms before"))
}

#[cfg(test)]
mod tests;
