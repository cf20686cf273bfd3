//! Following gives every whole line once, in the order of time, across files and lives.

use std::fs::{self, OpenOptions};
use std::io::Write;

use abi::{Generation, Wall};
use proptest::prelude::*;

use super::super::entry::{Level, LogLine, Said, Source};
use super::super::line::push_line;
use super::super::read::{Case, Grep, read_logs};
use super::*;

struct Home {
    logs: tempfile::TempDir,
    cursor: LogCursor,
    query: LogQuery,
}

impl Home {
    fn new() -> Self {
        Self { logs: tempfile::tempdir().unwrap(), cursor: LogCursor::default(), query: LogQuery::last(1000) }
    }

    fn append(&self, file: &str, bytes: &[u8]) {
        let path = self.logs.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    fn say(&self, file: &str, ts: u64, msg: &str) {
        self.append(file, &line(ts, msg));
    }

    fn follow(&mut self) -> LogPage {
        let page = follow_logs(self.logs.path(), &self.query, &self.cursor).unwrap();
        self.cursor = page.cursor.clone();
        page
    }

    fn walls(&mut self) -> Vec<u64> {
        self.follow().entries.iter().map(|entry| entry.ts.0).collect()
    }
}

fn line(ts: u64, msg: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let said = Said::Line(LogLine::new(Level::Info, Source::Log, msg));
    let module = ModuleId::parse("m").unwrap();
    push_line(&LogEntry { module, generation: Generation(1), ts: Wall(ts), said }, &mut bytes);
    bytes
}

#[test]
fn what_comes_after_reading_is_given_once() {
    let mut home = Home::new();
    home.say("a/1.jsonl", 1, "");
    let page = read_logs(home.logs.path(), &LogQuery::last(0)).unwrap();
    home.cursor = page.cursor;
    assert_eq!(home.walls(), [] as [u64; 0]);
    home.say("a/1.jsonl", 5, "");
    home.say("b/1.jsonl", 4, "");
    home.say("a/1.1.jsonl", 6, "");
    home.say("a/2.jsonl", 3, "");
    assert_eq!(home.walls(), [3, 4, 5, 6]);
    assert_eq!(home.walls(), [] as [u64; 0]);
    home.say("a/1.jsonl", 7, "last words");
    assert_eq!(home.walls(), [7]);
}

#[test]
fn half_a_line_waits_for_its_end() {
    let mut home = Home::new();
    let whole = line(2, "half");
    home.say("a/1.jsonl", 1, "");
    home.append("a/1.jsonl", &whole[..20]);
    let page = read_logs(home.logs.path(), &LogQuery::last(10)).unwrap();
    assert_eq!(page.entries.len(), 1);
    home.cursor = page.cursor;
    assert_eq!(home.walls(), [] as [u64; 0]);
    home.append("a/1.jsonl", &whole[20..]);
    assert_eq!(home.walls(), [2]);
}

#[test]
fn a_limited_page_goes_on_where_it_ended() {
    let mut home = Home::new();
    for ts in 1..=10 {
        home.say(if ts % 2 == 0 { "a/1.jsonl" } else { "b/1.jsonl" }, ts, "");
    }
    home.query.lines = 4;
    let page = home.follow();
    assert_eq!(page.end, PageEnd::Limit);
    assert_eq!(page.entries.iter().map(|entry| entry.ts.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(home.walls(), [5, 6, 7, 8]);
    let page = home.follow();
    assert_eq!((page.entries.len(), page.end), (2, PageEnd::Complete));
}

#[test]
fn what_does_not_match_is_passed_over_for_good() {
    let mut home = Home::new();
    home.query.grep = Some(Grep::new("yes", Case::Exact));
    home.say("a/1.jsonl", 1, "no");
    home.say("a/1.jsonl", 2, "yes");
    home.append("a/1.jsonl", b"garbage\n");
    let page = home.follow();
    assert_eq!((page.entries.len(), page.unreadable), (1, 1));
    assert_eq!(home.follow().unreadable, 0);
}

#[test]
fn files_that_were_dropped_or_emptied_do_not_stop_the_rest() {
    let mut home = Home::new();
    home.say("a/1.jsonl", 1, "a long line that makes the file long");
    home.say("a/2.jsonl", 2, "a long line that makes the file long");
    assert_eq!(home.walls(), [1, 2]);
    fs::remove_file(home.logs.path().join("a/1.jsonl")).unwrap();
    fs::write(home.logs.path().join("a/2.jsonl"), line(3, "")).unwrap();
    assert_eq!(home.walls(), [3]);
    assert_eq!(home.cursor.offsets[&ModuleId::parse("a").unwrap()].len(), 1, "the dropped file is forgotten");
}

#[test]
fn a_line_longer_than_any_is_passed_over() {
    let mut home = Home::new();
    home.append("a/1.jsonl", "x".repeat(3 * LINE_BYTES_MAX).as_bytes());
    home.append("a/1.jsonl", b"\n");
    home.say("a/1.jsonl", 4, "");
    let mut found = Vec::new();
    for _ in 0..10 {
        found.extend(home.walls());
    }
    assert_eq!(found, [4]);
}

#[test]
fn much_is_given_in_pieces_and_in_order() {
    let mut home = Home::new();
    let text = "x".repeat(10_000);
    for ts in 0..600 {
        // The second file of the life holds what came after the first.
        home.say(if ts < 590 { "a/1.jsonl" } else { "a/1.1.jsonl" }, ts, &text);
    }
    let mut found = Vec::new();
    loop {
        let page = home.follow();
        found.extend(page.entries.iter().map(|entry| entry.ts.0));
        if page.end == PageEnd::Complete {
            break;
        }
    }
    assert_eq!(found, (0..600).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn however_it_is_written_every_line_is_given_once(
        pieces in prop::collection::vec((0..3_usize, 1..200_usize), 1..60), lines in 1..20_usize,
    ) {
        let mut home = Home::new();
        home.query.lines = lines;
        let files = ["a/1.jsonl", "a/1.1.jsonl", "b/4.jsonl"];
        let mut streams: Vec<Vec<u8>> = (0..3_u64)
            .map(|file| (0..20).flat_map(|number| line(file * 100 + number, "some text")).collect())
            .collect();
        let mut found = Vec::new();
        for (file, length) in pieces {
            let length = length.min(streams[file].len());
            let piece: Vec<u8> = streams[file].drain(..length).collect();
            home.append(files[file], &piece);
            found.extend(home.walls());
        }
        for (file, rest) in files.into_iter().zip(streams) {
            home.append(file, &rest);
        }
        loop {
            let walls = home.walls();
            if walls.is_empty() {
                break;
            }
            found.extend(walls);
        }
        for file in 0..3_u64 {
            let of_file: Vec<u64> = found.iter().copied().filter(|ts| ts / 100 == file).collect();
            prop_assert_eq!(of_file, (file * 100..file * 100 + 20).collect::<Vec<_>>());
        }
    }
}
