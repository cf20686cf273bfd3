//! The last lines of many modules, merged, filtered and limited, against a plain twin that reads everything.

use std::fs;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::super::entry::{Level, LogLine, Source};
use super::super::line::push_line;
use super::*;

fn id(name: &str) -> ModuleId {
    ModuleId::parse(name).unwrap()
}

fn entry(module: &str, generation: u64, ts: u64, msg: &str) -> LogEntry {
    LogEntry {
        module: id(module),
        generation: Generation(generation),
        ts: Wall(ts),
        said: Said::Line(LogLine::new(Level::Info, Source::Log, msg)),
    }
}

/// Puts entries into a file, with the time of change that writing them then would have given.
fn put(logs: &Path, name: &str, entries: &[LogEntry]) {
    let Some(last) = entries.last() else { return };
    let folder = logs.join(last.module.as_str());
    fs::create_dir_all(&folder).unwrap();
    let mut bytes = Vec::new();
    entries.iter().for_each(|entry| push_line(entry, &mut bytes));
    fs::write(folder.join(name), bytes).unwrap();
    touch(&folder.join(name), entries.iter().map(|entry| entry.ts.0).max().unwrap());
}

fn touch(path: &Path, wall_ms: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_millis(wall_ms)).unwrap();
}

fn sample() -> tempfile::TempDir {
    let logs = tempfile::tempdir().unwrap();
    put(logs.path(), "1.jsonl", &[entry("a", 1, 10, "Zażółć"), entry("a", 1, 20, "two")]);
    // The last words of life 1 come while life 2 speaks.
    put(logs.path(), "1.1.jsonl", &[entry("a", 1, 30, "three"), entry("a", 1, 55, "bye")]);
    put(logs.path(), "2.jsonl", &[entry("a", 2, 50, "hello"), entry("a", 2, 60, "GĘŚLĄ")]);
    put(logs.path(), "7.jsonl", &[entry("b", 7, 25, "b one"), entry("b", 7, 55, "b two")]);
    logs
}

fn walls(logs: &Path, query: &LogQuery) -> Vec<u64> {
    read_logs(logs, query).unwrap().entries.iter().map(|entry| entry.ts.0).collect()
}

fn grep(text: &str, case: Case) -> LogQuery {
    LogQuery { grep: Some(Grep::new(text, case)), ..LogQuery::last(100) }
}

#[test]
fn modules_and_lives_are_merged_by_time() {
    let logs = sample();
    let page = read_logs(logs.path(), &LogQuery::last(100)).unwrap();
    assert_eq!((page.end, page.unreadable), (PageEnd::Complete, 0));
    assert_eq!(walls(logs.path(), &LogQuery::last(100)), [10, 20, 25, 30, 50, 55, 55, 60]);
    let of_a = LogQuery { modules: vec![id("a"), id("a"), id("missing")], ..LogQuery::last(100) };
    assert_eq!(walls(logs.path(), &of_a), [10, 20, 30, 50, 55, 60]);
    let of_life = LogQuery { generation: Some(Generation(1)), ..of_a };
    assert_eq!(walls(logs.path(), &of_life), [10, 20, 30, 55]);
}

#[test]
fn the_limit_gives_the_last_lines_and_says_that_there_are_more() {
    let logs = sample();
    for (lines, expected, end) in [
        (0, vec![], PageEnd::Limit),
        (2, vec![55, 60], PageEnd::Limit),
        (7, vec![20, 25, 30, 50, 55, 55, 60], PageEnd::Limit),
        (8, vec![10, 20, 25, 30, 50, 55, 55, 60], PageEnd::Complete),
    ] {
        let page = read_logs(logs.path(), &LogQuery::last(lines)).unwrap();
        assert_eq!(page.entries.iter().map(|entry| entry.ts.0).collect::<Vec<_>>(), expected);
        assert_eq!(page.end, end, "{lines} lines");
    }
}

#[test]
fn since_and_grep_hold_together() {
    let logs = sample();
    let since = LogQuery { since: Some(Wall(50)), ..LogQuery::last(100) };
    assert_eq!(walls(logs.path(), &since), [50, 55, 55, 60]);
    assert_eq!(walls(logs.path(), &grep("zażÓŁĆ", Case::Any)), [10]);
    assert_eq!(walls(logs.path(), &grep("gęślą", Case::Any)), [60]);
    assert_eq!(walls(logs.path(), &grep("gęślą", Case::Exact)), [] as [u64; 0]);
    assert_eq!(walls(logs.path(), &grep(".*", Case::Any)), [] as [u64; 0]);
    let both = LogQuery { since: Some(Wall(30)), ..grep("b ", Case::Exact) };
    assert_eq!(walls(logs.path(), &both), [55]);
}

#[test]
fn a_text_is_found_in_data_and_topic_and_losses_are_always_shown() {
    let logs = tempfile::tempdir().unwrap();
    let said = |data: &str, topic: &str| {
        Said::Line(LogLine {
            data: Some(data.to_owned()),
            topic: Some(topic.to_owned()),
            ..LogLine::new(Level::Info, Source::Log, "m")
        })
    };
    let entries = [
        LogEntry { said: said("{\"k\":\"needle\"}", "t"), ..entry("a", 1, 1, "") },
        LogEntry { said: said("1", "needle"), ..entry("a", 1, 2, "") },
        LogEntry { said: said("1", "t"), ..entry("a", 1, 3, "") },
        LogEntry { said: Said::Lost(5), ..entry("a", 1, 4, "") },
    ];
    put(logs.path(), "1.jsonl", &entries);
    assert_eq!(walls(logs.path(), &grep("needle", Case::Exact)), [1, 2, 4]);
}

#[test]
fn half_lines_and_foreign_lines_hide_nothing() {
    let logs = sample();
    let path = logs.path().join("b/7.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes.splice(0..0, *b"what is this\n\n");
    bytes.extend(b"{\"ts_ms\":56,\"gen\":7,\"level\":\"info\",\"source\":\"log\",\"msg\":\"hal");
    fs::write(&path, bytes).unwrap();
    touch(&path, 56);
    let page = read_logs(logs.path(), &LogQuery { modules: vec![id("b")], ..LogQuery::last(10) }).unwrap();
    assert_eq!((page.entries.len(), page.unreadable), (2, 2));
}

#[test]
fn no_log_at_all_is_an_empty_page() {
    let logs = tempfile::tempdir().unwrap();
    let page = read_logs(&logs.path().join("missing"), &LogQuery::last(10)).unwrap();
    assert_eq!((page.entries.len(), page.end), (0, PageEnd::Complete));
}

#[test]
fn a_page_is_bounded_in_bytes() {
    let logs = tempfile::tempdir().unwrap();
    let entries: Vec<_> = (0..200).map(|ts| entry("a", 1, ts, &"x".repeat(60_000))).collect();
    put(logs.path(), "1.jsonl", &entries);
    let page = read_logs(logs.path(), &LogQuery::last(10_000)).unwrap();
    let bytes: usize = page.entries.iter().map(bytes_of).sum();
    assert!(bytes <= PAGE_BYTES_MAX && bytes > PAGE_BYTES_MAX / 2, "{bytes}");
    assert_eq!((page.end, page.entries.last().unwrap().ts), (PageEnd::Limit, Wall(199)));
}

proptest! {
    #[test]
    fn the_merge_is_what_sorting_everything_gives(
        lives in prop::collection::vec(prop::collection::vec(0..5_u64, 0..30), 1..5),
        lines in 0..40_usize, since in proptest::option::of(0..60_u64),
    ) {
        let logs = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        for (number, steps) in (0_u64..).zip(&lives) {
            let mut ts = 0;
            let entries: Vec<_> = steps.iter().map(|step| {
                ts += step;
                entry(if number % 2 == 0 { "a" } else { "b" }, number, ts, "")
            }).collect();
            // Two files, so that the border between them is crossed.
            let (older, newer) = entries.split_at(entries.len() / 2);
            put(logs.path(), &format!("{number}.jsonl"), older);
            put(logs.path(), &format!("{number}.1.jsonl"), newer);
            all.extend(entries);
        }
        let query = LogQuery { since: since.map(Wall), ..LogQuery::last(lines) };
        let mut expected: Vec<u64> =
            all.iter().map(|entry| entry.ts.0).filter(|ts| since.is_none_or(|since| *ts >= since)).collect();
        expected.sort_unstable();
        let expected = expected.split_off(expected.len().saturating_sub(lines));
        prop_assert_eq!(walls(logs.path(), &query), expected);
    }
}
