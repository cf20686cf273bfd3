//! How many tests ran, read from what the runners say at their end.

use std::ops::AddAssign;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Ended as they should.
    pub(crate) passed: u64,
    /// Did not, ran out of time, or could not be started.
    pub(crate) failed: u64,
    /// Did not run.
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// Adds up every summary in a runner's output: nextest, cargo test, Python's unittest, node's runner, Go's, and
    /// the plain line `N passed, N failed`.
    pub(crate) fn of_output(text: &str) -> Self {
        let mut tally = Self::default();
        let mut unittest_ran = 0;
        for line in text.lines().map(plain) {
            // Nextest shows the own summary of a failed test's process, indented: that one is counted already.
            let own = line.strip_prefix("test result:");
            let line = line.trim();
            if let Some(rest) = own {
                tally += Self { skipped: before(rest, "ignored"), ..counts(rest) };
            } else if line.starts_with("Summary [")
                && (line.contains("tests run:") || line.contains("test run:"))
            {
                // What nextest calls skipped is what we left to another step; a test can't be switched off here.
                tally += Self { skipped: 0, ..counts(line) };
            } else if let Some(rest) = line.strip_prefix("Ran ") {
                unittest_ran = rest.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
            } else if line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (") {
                tally += unittest(line, unittest_ran);
                unittest_ran = 0;
            } else if let Some((count, word)) = node(line) {
                match word {
                    "pass" => tally.passed += count,
                    "fail" | "cancelled" => tally.failed += count,
                    _ => tally.skipped += count,
                }
            } else if let Some((word, _test)) =
                line.strip_prefix("--- ").and_then(|rest| rest.split_once(": "))
            {
                // Go counts nothing itself: it says how each test ended.
                match word {
                    "PASS" => tally.passed += 1,
                    "FAIL" => tally.failed += 1,
                    "SKIP" => tally.skipped += 1,
                    _ => {} // Something else that begins so, such as a difference of two files.
                }
            } else if is_plain_summary(line) {
                tally += counts(line);
            }
        }
        tally
    }
}

/// The numbers before the words that runners use; whatever is not a pass or a skip is a failure.
fn counts(line: &str) -> Tally {
    // Nextest counts tests whose process could not be started as `exec failed`, apart from `failed`.
    let failed = before(line, "failed") + before(line, "timed out") + before(line, "exec failed");
    Tally { passed: before(line, "passed"), failed, skipped: before(line, "skipped") }
}

/// The number that stands right before a word; 0 when the word is not there.
fn before(line: &str, word: &str) -> u64 {
    let number = line.match_indices(word).find_map(|(at, _)| {
        let words = line[..at].trim_end().rsplit([' ', ',', ';', '.']).next();
        words.and_then(|number| number.parse().ok())
    });
    number.unwrap_or(0)
}

/// `OK (skipped=2)` or `FAILED (failures=1, errors=2)`, with how many ran.
fn unittest(line: &str, ran: u64) -> Tally {
    let part = |name: &str| {
        let after = line.split(&format!("{name}=")).nth(1).unwrap_or("");
        after.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap_or(0)
    };
    let (failed, skipped) = (part("failures") + part("errors"), part("skipped"));
    Tally { passed: ran.saturating_sub(failed + skipped), failed, skipped }
}

/// `# pass 11` and its like, as node's runner ends.
fn node(line: &str) -> Option<(u64, &str)> {
    let (word, count) = line.strip_prefix("# ")?.split_once(' ')?;
    let is_known = ["pass", "fail", "cancelled", "skipped", "todo"].contains(&word);
    is_known.then_some((count.parse().ok()?, word))
}

/// `N passed, N failed` alone on a line, `, N skipped` may follow.
fn is_plain_summary(line: &str) -> bool {
    let parts: Vec<&str> = line.split(", ").collect();
    let is = |part: &str, word: &str| {
        part.strip_suffix(word)
            .is_some_and(|number| !number.is_empty() && number.trim().parse::<u64>().is_ok())
    };
    matches!(parts.as_slice(), [passed, failed, rest @ ..]
        if is(passed, "passed") && is(failed, "failed") && rest.iter().all(|part| is(part, "skipped")))
}

/// A line without terminal colours.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // A colour ends with its letter.
            chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests;
