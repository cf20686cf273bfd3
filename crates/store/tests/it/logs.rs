//! Logs with a healthy disk: floods, rotation under load, broken folders, following while it is written.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use abi::{Generation, ModuleId, Wall};
use store::{
    Admission, Health, Level, LogCursor, LogEntry, LogLimits, LogLine, LogQuery, Logs, LogsOptions, PageEnd,
    Said, Source, follow_logs, read_logs,
};

use crate::DEADLINE;

fn said(module: &str, generation: u64, number: u64) -> LogEntry {
    LogEntry {
        module: ModuleId::parse(module).unwrap(),
        generation: Generation(generation),
        ts: Wall(number),
        said: Said::Line(LogLine::new(Level::Info, Source::Stderr, format!("line {number}"))),
    }
}

/// What a log tells: the lines' numbers in their order, and how many were lost between them.
fn lines_and_lost(entries: &[LogEntry]) -> (Vec<u64>, u64) {
    let (mut lines, mut lost) = (Vec::new(), 0);
    for entry in entries {
        match entry.said {
            Said::Line(_) => lines.push(entry.ts.0),
            Said::Lost(count) => lost += count,
        }
    }
    (lines, lost)
}

/// All that was written, read in pages.
fn follow_all(folder: &std::path::Path, query: &LogQuery) -> Vec<LogEntry> {
    let (mut entries, mut cursor) = (Vec::new(), LogCursor::default());
    loop {
        let page = follow_logs(folder, query, &cursor).unwrap();
        assert_eq!(page.unreadable, 0);
        entries.extend(page.entries);
        cursor = page.cursor;
        if page.end == PageEnd::Complete {
            return entries;
        }
    }
}

#[test]
fn what_is_flushed_is_in_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::start(LogsOptions::new(folder.path())).unwrap();
    let _ = logs.try_append(said("a", 1, 1));
    let _ = logs.try_append(said("b", 4, 2));
    let _ = logs.try_append(said("a", 2, 3));
    logs.flush(DEADLINE).unwrap();
    let text = fs::read_to_string(folder.path().join("a/1.jsonl")).unwrap();
    assert_eq!(text, "{\"ts_ms\":1,\"gen\":1,\"level\":\"info\",\"source\":\"stderr\",\"msg\":\"line 1\"}\n");
    let page = read_logs(folder.path(), &LogQuery::last(10)).unwrap();
    assert_eq!(page.entries, [said("a", 1, 1), said("b", 4, 2), said("a", 2, 3)]);
    logs.close(DEADLINE).unwrap();
    assert_eq!(logs.try_append(said("a", 1, 9)), Admission::Lost);
}

#[test]
fn a_flood_is_counted_to_the_last_line_and_takes_nothing_from_others() {
    const FLOOD: u64 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let logs = Logs::start(LogsOptions::new(folder.path())).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..FLOOD {
                let _ = logs.try_append(said("loud", 1, number));
            }
        });
        for number in 0..200 {
            assert_eq!(logs.try_append(said("quiet", 1, number)), Admission::Queued);
        }
    });
    let refused = logs.counts().lost;
    logs.close(DEADLINE).unwrap();
    let of =
        |module: &str| LogQuery { modules: vec![ModuleId::parse(module).unwrap()], ..LogQuery::last(10_000) };
    let (lines, lost) = lines_and_lost(&follow_all(folder.path(), &of("loud")));
    assert_eq!((lines.len() as u64 + lost, lost), (FLOOD, refused));
    assert!(lines.is_sorted(), "they keep their order");
    let (quiet, quiet_lost) = lines_and_lost(&follow_all(folder.path(), &of("quiet")));
    assert!(quiet.into_iter().eq(0..200) && quiet_lost == 0);
}

#[test]
fn a_follower_sees_every_line_once_while_files_turn_over() {
    const LINES: u64 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    // Files of 20 KiB, and enough of them that none is dropped before it was read.
    let limits = LogLimits { file_bytes_max: 20 << 10, files_max: 1000, generations_max: 100 };
    let logs = Logs::start(LogsOptions::new(folder.path()).with_limits(limits)).unwrap();
    let written = AtomicBool::new(false);
    let found = thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let (mut found, mut cursor) = (Vec::new(), LogCursor::default());
            loop {
                let last_look = written.load(Ordering::Acquire);
                let page = follow_logs(folder.path(), &LogQuery::last(300), &cursor).unwrap();
                assert_eq!(page.unreadable, 0);
                found.extend(page.entries.iter().map(|entry| entry.ts.0));
                cursor = page.cursor;
                if last_look && page.end == PageEnd::Complete {
                    return found;
                }
            }
        });
        for number in 0..LINES {
            let _ = logs.try_append(said("m", number / 2_000, number));
            if number % 500 == 0 {
                logs.flush(DEADLINE).unwrap();
            }
        }
        logs.flush(DEADLINE).unwrap();
        written.store(true, Ordering::Release);
        follower.join().unwrap()
    });
    assert_eq!(logs.counts().lost, 0);
    assert_eq!(found.len() as u64, LINES);
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..LINES), "each line once");
}

#[test]
fn one_broken_folder_does_not_keep_the_others_waiting() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken"), b"a file where a folder should be").unwrap();
    let logs = Logs::start(LogsOptions::new(folder.path())).unwrap();
    let _ = logs.try_append(said("broken", 1, 1));
    let _ = logs.try_append(said("well", 1, 2));
    assert!(logs.flush(DEADLINE).is_err());
    let Health::Failing { error, .. } = logs.health() else { panic!("it fails") };
    assert_eq!(
        error.help,
        Some(format!("a file is where a folder should be: ls -l {}", folder.path().display()))
    );
    assert!(folder.path().join("well/1.jsonl").exists(), "the other module's line is written");
    fs::remove_file(folder.path().join("broken")).unwrap();
    logs.flush(DEADLINE).unwrap();
    assert_eq!(logs.health(), Health::Well);
    let (lines, lost) = lines_and_lost(&read_logs(folder.path(), &LogQuery::last(10)).unwrap().entries);
    assert_eq!((lines, lost), (vec![1, 2], 0));
    logs.close(DEADLINE).unwrap();
}

#[test]
fn a_module_s_log_stays_within_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let limits = LogLimits { file_bytes_max: 4096, files_max: 3, generations_max: 4 };
    let logs = Logs::start(LogsOptions::new(folder.path()).with_limits(limits)).unwrap();
    for number in 0..3_000 {
        let _ = logs.try_append(said("m", number / 100, number));
        if number % 250 == 0 {
            logs.flush(DEADLINE).unwrap();
        }
    }
    logs.close(DEADLINE).unwrap();
    let sizes: Vec<u64> = fs::read_dir(folder.path().join("m"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .collect();
    assert!(sizes.iter().all(|size| *size <= 4096) && sizes.iter().sum::<u64>() <= 3 * 4096, "{sizes:?}");
    let page = read_logs(folder.path(), &LogQuery::last(10_000)).unwrap();
    assert_eq!(page.entries.last().unwrap().ts, Wall(2_999));
    let first = page.entries.first().unwrap().ts.0;
    assert!(page.entries.iter().map(|entry| entry.ts.0).eq(first..3_000), "what is kept has no gap");
}
