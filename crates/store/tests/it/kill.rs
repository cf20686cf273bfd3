//! A kernel that is killed in the middle of writing leaves a journal and logs that are whole.
//!
//! The test starts itself again as a child, told by an environment variable what to be, and kills it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use abi::{Generation, ModuleId, Wall};
use store::{
    BootId, Found, Journal, JournalLimits, Level, LogEntry, LogLine, LogQuery, Logs, LogsOptions, Said,
    Scribe, ScribeOptions, Source, lock_home, read_logs,
};

use crate::DEADLINE;
use crate::scribe::{assert_sound, numbered, numbers_and_lost};

/// Names the folder in which the child is to write; without it a child's test does nothing.
const CHILD_FOLDER: &str = "STORE_TEST_CHILD_FOLDER";

/// 12 kills, at different moments of writing.
const KILLS: u64 = 12;

/// The child: writes for ever, and says on stdout what has been made durable.
fn child_folder() -> Option<PathBuf> {
    env::var_os(CHILD_FOLDER).map(PathBuf::from)
}

fn spawn(test: &str, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the child has said `flushed <n>` `times` times; gives the last n, and kills it.
fn kill_after(mut child: Child, times: u64) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut flushed =
        lines.map_while(Result::ok).filter_map(|line| line.split_once("flushed ")?.1.parse().ok());
    let last = flushed.by_ref().take(usize::try_from(times).unwrap()).last().expect("the child flushed");
    child.kill().unwrap();
    // What it said between the last line and the kill was flushed too.
    let last = flushed.last().unwrap_or(last);
    child.wait().unwrap();
    last
}

#[test]
fn a_killed_writer_leaves_a_journal_that_opens_and_verifies() {
    if let Some(folder) = child_folder() {
        return write_journal_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut flushed_before = 0;
    for kill in 1..=KILLS {
        let child = spawn("kill::a_killed_writer_leaves_a_journal_that_opens_and_verifies", folder.path());
        let flushed = kill_after(child, kill % 4 + 1);
        assert_sound(&path);
        let opened = Journal::open(&path, JournalLimits::default(), Wall(1), BootId(1)).unwrap();
        assert!(matches!(opened.found, Found::Kept { .. }), "{:?}", opened.found);
        drop(opened);
        let (numbers, _) = numbers_and_lost(&path);
        let of_this_run = &numbers[flushed_before..];
        assert!(of_this_run.len() as u64 > flushed, "{} records, {flushed} flushed", of_this_run.len());
        assert!(of_this_run.iter().copied().eq(0..of_this_run.len() as u64), "no gap before the kill");
        flushed_before = numbers.len();
    }
}

fn write_journal_for_ever(folder: &Path) {
    let scribe = Scribe::start(ScribeOptions::new(&folder.join("journal.db"), BootId(2))).unwrap();
    for number in 0.. {
        let _ = scribe.try_append(Wall(number), numbered(number));
        if number % 211 == 210 {
            scribe.flush(DEADLINE).unwrap();
            println!("flushed {number}");
        }
    }
}

fn said(number: u64) -> LogEntry {
    LogEntry {
        module: ModuleId::parse("chatty").unwrap(),
        generation: Generation(1),
        ts: Wall(number),
        said: Said::Line(LogLine::new(Level::Info, Source::Stderr, format!("line {number}"))),
    }
}

#[test]
fn a_killed_writer_leaves_logs_that_are_read_to_the_last_flushed_line() {
    if let Some(folder) = child_folder() {
        return write_logs_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let child =
        spawn("kill::a_killed_writer_leaves_logs_that_are_read_to_the_last_flushed_line", folder.path());
    let flushed = kill_after(child, 40);
    let page = read_logs(folder.path(), &LogQuery::last(10_000)).unwrap();
    let last = page.entries.last().unwrap().ts.0;
    assert!(last >= flushed, "line {last} is the last, {flushed} was flushed");
    let first = page.entries.first().unwrap().ts.0;
    assert!(page.entries.iter().map(|entry| entry.ts.0).eq(first..=last), "no line is missing");
}

fn write_logs_for_ever(folder: &Path) {
    let logs = Logs::start(LogsOptions::new(folder)).unwrap();
    for number in 0.. {
        let _ = logs.try_append(said(number));
        if number % 97 == 96 {
            logs.flush(DEADLINE).unwrap();
            println!("flushed {number}");
        }
    }
}

#[test]
fn the_home_of_a_killed_kernel_can_be_locked_again() {
    if let Some(folder) = child_folder() {
        let _lock = lock_home(&folder).unwrap();
        println!("flushed 0");
        // Holds the lock until it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["kill::the_home_of_a_killed_kernel_can_be_locked_again", "--exact", "--nocapture"]);
    command.env(CHILD_FOLDER, home.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("flushed 0"))), "the child has the lock");
    let error = lock_home(home.path()).unwrap_err();
    assert!(error.to_string().contains(&format!("the kernel with pid {} ", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    lock_home(home.path()).unwrap();
}
