//! A module's log as it is looked at: from the end, or some lines back, with what is searched for.

use protocol::operator::LogLine;

/// The log that is looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::tui) struct Log {
    pub(in crate::tui) module: String,
    pub(in crate::tui) lines: Vec<LogLine>,
    /// Lines back from the end; 0 follows.
    pub(in crate::tui) back: usize,
    pub(in crate::tui) search: String,
}

impl Log {
    pub(super) fn scroll_back(&mut self, by: usize) {
        self.back = self.back.saturating_add(by).min(self.lines.len().saturating_sub(1));
    }

    pub(in crate::tui) fn matches(&self, line: &LogLine) -> bool {
        !self.search.is_empty() && line.msg.to_lowercase().contains(&self.search.to_lowercase())
    }

    /// The nearest line that holds what is searched for, this many lines back or more.
    pub(super) fn find_from(&mut self, back: usize) {
        let count = self.lines.len();
        let found = (back..count).find(|back| self.matches(&self.lines[count - 1 - back]));
        self.back = found.unwrap_or(self.back);
    }

    pub(super) fn find_newer(&mut self) {
        let found = (0..self.back).rev().find(|back| self.matches(&self.lines[self.lines.len() - 1 - back]));
        self.back = found.unwrap_or(self.back);
    }
}
