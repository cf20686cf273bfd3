//! What the guest says on its serial line, read as it comes: which check runs, what it said, how it ended.

use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// How each of our own lines begins.
const MARK: &str = "@guest ";

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ran {
    /// Which.
    pub(super) name: String,
    /// Its exit code; nothing when the guest ended before it did.
    pub(super) code: Option<i32>,
    /// How long it took, as seen from outside.
    pub(super) took: Duration,
    /// What it said.
    pub(super) said: Vec<String>,
}

/// What has been heard so far.
#[derive(Debug, Default)]
pub(super) struct Console {
    /// Checks in the order in which they began.
    pub(super) ran: Vec<Ran>,
    /// What was said outside of any check: the boot, or a panic.
    pub(super) around: Vec<String>,
    /// Whether the guest said that it is through.
    pub(super) is_done: bool,
    began: Option<Instant>,
}

impl Console {
    /// Takes one line, heard at `now`. Gives the check that ended with it.
    pub(super) fn hear(&mut self, now: Instant, line: &str) -> Option<&Ran> {
        let line = line.trim_end_matches(['\r', '\n']);
        // The last words of a program without an end of line, or the console's own signs, may stand before ours.
        let Some((before, marked)) = line.split_once(MARK) else {
            self.keep(line);
            return None;
        };
        if !before.trim().is_empty() {
            self.keep(before);
        }
        let words: Vec<&str> = marked.split_ascii_whitespace().collect();
        match (words.as_slice(), self.began) {
            (["begin", name], None) => {
                self.began = Some(now);
                let name = (*name).to_owned();
                self.ran.push(Ran { name, code: None, took: Duration::ZERO, said: Vec::new() });
                None
            }
            (["end", name, code], Some(began)) if self.ran.last().is_some_and(|ran| ran.name == *name) => {
                self.began = None;
                let last = self.ran.last_mut()?;
                last.code = code.parse().ok();
                last.took = now.saturating_duration_since(began);
                Some(last)
            }
            (["done"], None) => {
                self.is_done = true;
                None
            }
            _ => {
                self.keep(line);
                None
            }
        }
    }

    fn keep(&mut self, line: &str) {
        let open = self.ran.last_mut().filter(|_| self.began.is_some());
        open.map_or(&mut self.around, |ran| &mut ran.said).push(line.to_owned());
    }

    /// What did not hold, of the checks that had to run.
    pub(super) fn faults(&self, wanted: &[&str]) -> Vec<String> {
        let mut faults: Vec<String> = wanted
            .iter()
            .filter_map(|name| match self.ran.iter().find(|ran| ran.name == *name) {
                None => Some(format!("{name} did not begin")),
                Some(Ran { code: None, .. }) => Some(format!("{name} did not end")),
                Some(Ran { code: Some(0), .. }) => None,
                Some(Ran { code: Some(124 | 137), .. }) => Some(format!("{name} was not through in time")),
                Some(Ran { code: Some(code), .. }) => Some(format!("{name} ended with {code}")),
            })
            .collect();
        if !self.is_done {
            faults.push("the guest ended before it was through".to_owned());
        }
        faults
    }
}
