//! What the cache repaired or could not do while it went on: for the host's log, never a reason to fail.

use std::collections::VecDeque;
use std::fmt;

use abi::Explain;

use super::bounds::NOTICES_MAX;

/// One thing that an operator may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which file, as its name inside of the folder.
    pub file: String,
    /// What happened to it.
    pub kind: NoticeKind,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// It is not what was written: changed, cut, swapped with another, or not ours. It was not used, and was removed.
    Changed,
    /// It was made by another version or another configuration. It was removed.
    OtherEngine,
    /// It is larger than anything that is written. It was not read, and was removed.
    TooLarge,
    /// It can't be read.
    Unreadable,
    /// It could not be written; the function runs, and is compiled again after a restart.
    NotKept,
    /// It is about a name that could not be taken over; the name is free.
    NameLost,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            NoticeKind::Changed => "was changed on disk, or is not ours; it was dropped",
            NoticeKind::OtherEngine => "is of another version; it was dropped",
            NoticeKind::TooLarge => "is too large to be ours; it was dropped",
            NoticeKind::Unreadable => "can't be read",
            NoticeKind::NotKept => "could not be written; it will be compiled again after a restart",
            NoticeKind::NameLost => "can't be taken over; its name is free",
        };
        write!(f, "`{}` {what}", self.file)
    }
}

impl std::error::Error for Notice {}

impl Explain for Notice {
    fn code(&self) -> &'static str {
        match self.kind {
            NoticeKind::Changed => "wasm::function::file_changed",
            NoticeKind::OtherEngine => "wasm::function::file_other_engine",
            NoticeKind::TooLarge => "wasm::function::file_too_large",
            NoticeKind::Unreadable => "wasm::function::file_unreadable",
            NoticeKind::NotKept => "wasm::function::file_not_kept",
            NoticeKind::NameLost => "wasm::function::name_lost",
        }
    }
}

/// The latest notices, bounded; who is late learns how many were missed.
#[derive(Debug, Default)]
pub(super) struct Notices {
    kept: VecDeque<Notice>,
    missed: u64,
}

impl Notices {
    pub(super) fn push(&mut self, file: String, kind: NoticeKind) {
        if self.kept.len() >= NOTICES_MAX {
            self.kept.pop_front();
            self.missed += 1;
        }
        self.kept.push_back(Notice { file, kind });
    }

    /// All that are kept, and how many older ones were missed.
    pub(super) fn take(&mut self) -> (Vec<Notice>, u64) {
        (std::mem::take(&mut self.kept).into(), std::mem::take(&mut self.missed))
    }
}
