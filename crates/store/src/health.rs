//! How a thread that writes says how it is, and what became of what it was given: shared by journal and logs.

use std::time::Duration;

use abi::{Explain, Wall};

/// Whether what was handed over found room.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It waits to be written.
    Queued,
    /// There was no room: it is counted, and the count is written as soon as there is room.
    Lost,
}

/// What is wrong with the disk, in an operator's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The stable code of the error, `area::thing::what`.
    pub code: &'static str,
    /// The error and its causes in one line.
    pub message: String,
    /// What can be done next, if we know it.
    pub help: Option<String>,
}

impl Trouble {
    /// Takes over what an error says about itself.
    pub fn of(error: &dyn Explain) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self { code: error.code(), message, help: error.help() }
    }
}

/// The health of a writing thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// What it is given gets written.
    Well,
    /// Writing fails; it keeps what fits its limits and tries again.
    Failing {
        /// The last error.
        error: Trouble,
        /// When writing began to fail.
        since: Wall,
    },
}

/// Totals since the thread started, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Items that found room, and the counts of lost ones that are written among them.
    pub accepted: u64,
    /// Items of those that are written, or given up after they found room.
    pub settled: u64,
    /// Items that were lost.
    pub lost: u64,
}

/// Why a flush did not end with everything written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlushError {
    /// The time was over first.
    #[error("{waiting} items still waited to be written after {} ms", within.as_millis())]
    TimedOut {
        /// How many items waited.
        waiting: u64,
        /// The time that was given.
        within: Duration,
    },
    /// Writing failed; the items are kept.
    #[error("{waiting} items could not be written: {}", error.message)]
    Failing {
        /// How many items waited.
        waiting: u64,
        /// What is wrong.
        error: Trouble,
    },
    /// The thread has ended.
    #[error("the writing thread has ended")]
    Ended,
}

impl Explain for FlushError {
    fn code(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "store::flush::timed_out",
            Self::Failing { .. } => "store::flush::failing",
            Self::Ended => "store::flush::ended",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Failing { error, .. } => error.help.clone(),
            Self::TimedOut { .. } | Self::Ended => None,
        }
    }
}

/// Why a writing thread did not end with everything written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The thread has not ended in time and goes on alone.
    #[error("{waiting} items still waited to be written when the time to close was over")]
    TimedOut {
        /// How many items waited.
        waiting: u64,
    },
    /// The thread ended and could not write everything.
    #[error("{lost} items were given up at the end: {}", error.message)]
    GaveUp {
        /// How many items were given up.
        lost: u64,
        /// What is wrong.
        error: Trouble,
    },
    /// The thread died of a mistake of ours.
    #[error("the writing thread died with {lost} items that were not written")]
    Died {
        /// How many items were not written.
        lost: u64,
    },
}

impl Explain for CloseError {
    fn code(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "store::close::timed_out",
            Self::GaveUp { .. } => "store::close::gave_up",
            Self::Died { .. } => "store::close::died",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::TimedOut { .. } | Self::Died { .. } => None,
            Self::GaveUp { error, .. } => error.help.clone(),
        }
    }
}
