//! The limits on lines and bytes, for all and for one module.

use super::super::entry::{Level, LogLine, Source};
use super::*;

fn entry(module: &str, msg: &str) -> LogEntry {
    LogEntry {
        module: ModuleId::parse(module).unwrap(),
        generation: Generation(1),
        ts: Wall(7),
        said: Said::Line(LogLine::new(Level::Info, Source::Log, msg)),
    }
}

fn lost(module: &str, count: u64) -> LogEntry {
    LogEntry { said: Said::Lost(count), ..entry(module, "") }
}

fn push(buffer: &mut LogBuffer, module: &str, count: usize) -> usize {
    (0..count).filter(|_| buffer.push(entry(module, "x")) == Admission::Queued).count()
}

fn take_all(buffer: &mut LogBuffer) -> (usize, Vec<LogEntry>) {
    let mut into = Vec::new();
    let own = usize::try_from(buffer.take(&mut into)).unwrap();
    let waited = into.len() - own;
    let mut losses = into.split_off(waited);
    losses.sort_by(|one, other| one.module.cmp(&other.module));
    (waited, losses)
}

#[test]
fn a_flood_loses_its_own_lines_only() {
    let mut buffer = LogBuffer::default();
    let share = LINES_MAX / SHARES;
    assert_eq!(push(&mut buffer, "loud", share + 10), share);
    assert_eq!(push(&mut buffer, "quiet", 5), 5);
    assert_eq!(take_all(&mut buffer), (share + 5, vec![lost("loud", 10)]));
    assert!(buffer.is_empty());
    assert_eq!(push(&mut buffer, "loud", 1), 1);
}

#[test]
fn all_together_stay_within_the_limit() {
    let mut buffer = LogBuffer::default();
    let admitted: usize =
        ["a", "b", "c", "d", "e"].map(|module| push(&mut buffer, module, LINES_MAX / SHARES)).iter().sum();
    assert_eq!(admitted, LINES_MAX);
    let (waited, losses) = take_all(&mut buffer);
    assert_eq!((waited, losses), (LINES_MAX, vec![lost("e", (LINES_MAX / SHARES) as u64)]));
}

#[test]
fn bytes_of_one_module_stay_within_its_share() {
    let base = bytes_of(&entry("m", ""));
    let exact = "x".repeat(BYTES_MAX / SHARES - base);
    assert_eq!(LogBuffer::default().push(entry("m", &exact)), Admission::Queued);
    assert_eq!(LogBuffer::default().push(entry("m", &format!("{exact}x"))), Admission::Lost);
}

#[test]
fn a_count_that_is_lost_counts_for_its_lines() {
    let mut buffer = LogBuffer::default();
    push(&mut buffer, "m", LINES_MAX / SHARES + 1);
    assert_eq!(buffer.push(lost("m", 40)), Admission::Lost);
    assert_eq!(take_all(&mut buffer).1, [lost("m", 41)]);
}
