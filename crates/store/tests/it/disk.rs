//! Full disks and read-only folders: the system runs on, says so, and catches up when it can.
//!
//! A full disk is a small tmpfs, which takes the right to mount; where that is missing, the test says so loudly, and the
//! limit on the size of files stands in for it, in a child.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use abi::{Generation, ModuleId, Wall};
use store::{
    Admission, BootId, Flaw, FlushError, Found, Health, JournalReader, Level, LogEntry, LogLine, LogQuery,
    Logs, LogsOptions, Notice, Said, Scribe, ScribeOptions, Source, Verdict, read_logs, write_whole,
};

use crate::DEADLINE;
use crate::scribe::{assert_sound, numbered, numbers_and_lost};

/// A small disk of its own.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// 2 MiB, or nothing where this process may not mount.
    fn mount(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder.path()).output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        // Past the capture of the test harness, so that nobody takes this for a pass.
        let loud = format!("\n!!! SKIPPED: {test} needs the right to mount a tmpfs (run as root)\n\n");
        let _ = std::io::stderr().write_all(loud.as_bytes());
        None
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let mut file = fs::File::create(self.ballast()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        while file.write_all(&[0]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.path()).status().unwrap();
        assert!(status.success(), "remounting {how}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn start(path: &Path) -> (Scribe, Receiver<Notice>) {
    let (tx, rx) = mpsc::channel();
    let options = ScribeOptions::new(path, BootId(3)).on_notice(move |notice| drop(tx.send(notice)));
    (Scribe::start(options).unwrap(), rx)
}

/// The next notice of the kind that `pick` looks for.
fn wait_for<T>(notices: &Receiver<Notice>, pick: impl Fn(Notice) -> Option<T>) -> T {
    loop {
        let notice = notices.recv_timeout(DEADLINE).expect("the scribe says it in time");
        if let Some(found) = pick(notice) {
            return found;
        }
    }
}

fn failing(notice: Notice) -> Option<store::Trouble> {
    match notice {
        Notice::Failing(trouble) => Some(trouble),
        Notice::Opened(_) | Notice::Recovered => None,
    }
}

fn recovered(notice: Notice) -> Option<()> {
    (notice == Notice::Recovered).then_some(())
}

#[test]
fn a_full_disk_stops_nothing_and_is_caught_up_with() {
    let Some(disk) = SmallDisk::mount("a_full_disk_stops_nothing_and_is_caught_up_with") else { return };
    let path = disk.path().join("state/journal.db");
    let (scribe, notices) = start(&path);
    for number in 0..10 {
        let _ = scribe.try_append(Wall(number), numbered(number));
    }
    scribe.flush(DEADLINE).unwrap();
    disk.fill();
    let mut queued: Vec<u64> = (0..10).collect();
    let mut trouble = None;
    for number in 10..40_000 {
        if scribe.try_append(Wall(number), numbered(number)) == Admission::Queued {
            queued.push(number);
        }
        // What the log file has room for is still written, so it fails only after some.
        if number == 2_000 {
            while trouble.is_none() {
                let _ = scribe.flush(DEADLINE);
                trouble = notices.try_iter().find_map(failing);
                let _ = scribe.try_append(Wall(number), numbered(number));
                queued.push(number);
            }
        }
    }
    let trouble = trouble.unwrap();
    assert_eq!(
        trouble.help,
        Some(format!("make room: df -h {}", path.parent().unwrap().display())),
        "{trouble:?}"
    );
    assert!(matches!(scribe.health(), Health::Failing { .. }));
    assert!(matches!(scribe.flush(DEADLINE), Err(FlushError::Failing { waiting, .. }) if waiting > 0));
    let lost = scribe.counts().lost;
    assert!(lost > 1000, "more came than may wait: {lost}");
    disk.make_room();
    wait_for(&notices, recovered);
    scribe.flush(DEADLINE).unwrap();
    assert_eq!((numbers_and_lost(&path), scribe.health()), ((queued, lost), Health::Well));
    scribe.close(DEADLINE).unwrap();
    assert_sound(&path);
    assert_eq!(
        names(path.parent().unwrap()),
        ["journal.db", "journal.db-shm", "journal.db-wal", "journal.head"]
    );
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_disk_that_is_full_from_the_start_is_caught_up_with() {
    let Some(disk) = SmallDisk::mount("a_disk_that_is_full_from_the_start_is_caught_up_with") else { return };
    disk.fill();
    let path = disk.path().join("state/journal.db");
    let (scribe, notices) = start(&path);
    let _ = scribe.try_append(Wall(1), numbered(1));
    wait_for(&notices, failing);
    let error = scribe.flush(DEADLINE).unwrap_err();
    assert!(matches!(error, FlushError::Failing { waiting: 1, .. }), "{error:?}");
    disk.make_room();
    assert_eq!(
        wait_for(&notices, |notice| match notice {
            Notice::Opened(found) => Some(found),
            _ => None,
        }),
        Found::Nothing
    );
    wait_for(&notices, recovered);
    scribe.close(DEADLINE).unwrap();
    assert_eq!(numbers_and_lost(&path), (vec![1], 0));
    assert_sound(&path);
}

#[test]
fn what_a_full_disk_refused_to_the_end_is_told_at_the_close() {
    let Some(disk) = SmallDisk::mount("what_a_full_disk_refused_to_the_end_is_told_at_the_close") else {
        return;
    };
    disk.fill();
    let (scribe, _notices) = start(&disk.path().join("state/journal.db"));
    let _ = scribe.try_append(Wall(1), numbered(1));
    let error = scribe.close(DEADLINE).unwrap_err();
    assert!(matches!(error, store::CloseError::GaveUp { lost: 1, .. }), "{error:?}");
}

fn said(number: u64) -> LogEntry {
    LogEntry {
        module: ModuleId::parse("chatty").unwrap(),
        generation: Generation(1),
        ts: Wall(number),
        said: Said::Line(LogLine::new(
            Level::Info,
            Source::Stderr,
            format!("line {number} {}", "x".repeat(100)),
        )),
    }
}

#[test]
fn logs_on_a_full_disk_are_kept_within_limits_and_losses_counted() {
    let Some(disk) = SmallDisk::mount("logs_on_a_full_disk_are_kept_within_limits_and_losses_counted") else {
        return;
    };
    let folder = disk.path().join("logs");
    let (tx, rx) = mpsc::channel();
    let options = LogsOptions::new(&folder).on_health(move |health| drop(tx.send(health)));
    let logs = Logs::start(options).unwrap();
    let _ = logs.try_append(said(0));
    logs.flush(DEADLINE).unwrap();
    disk.fill();
    for number in 1..20_000 {
        let _ = logs.try_append(said(number));
        if number % 500 == 0 {
            let _ = logs.flush(DEADLINE);
        }
    }
    assert!(matches!(rx.recv_timeout(DEADLINE).unwrap(), Health::Failing { .. }));
    disk.make_room();
    while logs.flush(DEADLINE).is_err() {}
    assert_eq!(rx.recv_timeout(DEADLINE).unwrap(), Health::Well);
    let page = read_logs(&folder, &LogQuery::last(10_000)).unwrap();
    assert_eq!(page.unreadable, 0, "no half line stays");
    let (mut lines, mut lost) = (Vec::new(), 0);
    for entry in &page.entries {
        match entry.said {
            Said::Line(_) => lines.push(entry.ts.0),
            Said::Lost(count) => lost += count,
        }
    }
    assert!(lines.iter().copied().eq(0..lines.len() as u64), "what was kept is whole and in order");
    assert_eq!(lines.len() as u64 + lost, 20_000);
    assert!(lost > 0 && lines.len() > 1000, "{} lines, {lost} lost", lines.len());
}

#[test]
fn a_read_only_disk_is_a_failing_journal_until_it_can_be_written() {
    let Some(disk) = SmallDisk::mount("a_read_only_disk_is_a_failing_journal_until_it_can_be_written") else {
        return;
    };
    let path = disk.path().join("journal.db");
    start(&path).0.close(DEADLINE).unwrap();
    disk.remount("ro");
    let (scribe, notices) = start(&path);
    let _ = scribe.try_append(Wall(1), numbered(1));
    let trouble = wait_for(&notices, failing);
    assert!(trouble.help.unwrap().contains("ls -ld"));
    let reader = JournalReader::open(&path).unwrap();
    assert_eq!(reader.verify().unwrap(), Verdict::Sound { records: 1, dropped: 0 });
    drop(reader);
    disk.remount("rw");
    wait_for(&notices, recovered);
    scribe.close(DEADLINE).unwrap();
    assert_eq!(numbers_and_lost(&path), (vec![1], 0));
    assert_sound(&path);
}

#[test]
fn a_whole_write_to_a_full_disk_leaves_the_old_version() {
    let Some(disk) = SmallDisk::mount("a_whole_write_to_a_full_disk_leaves_the_old_version") else { return };
    let path = disk.path().join("permissions.yaml");
    write_whole(&path, b"old", 0o600).unwrap();
    disk.fill();
    let error = write_whole(&path, &[b'x'; 100_000], 0o600).unwrap_err();
    assert_eq!(abi::Explain::help(&error), Some(format!("make room: df -h {}", disk.path().display())));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(disk.path()), ["ballast", "permissions.yaml"]);
}

/// Names the folder in which the child is to write under a limit on the size of files.
const LIMITED_FOLDER: &str = "STORE_TEST_LIMITED_FOLDER";

/// The child starts under a soft limit of 128 KiB a file, ignoring the signal that goes with it, and says on stdout when
/// writing fails; then the parent lifts the limit, and the child says when it has caught up.
#[test]
fn a_limit_on_file_size_is_survived_as_a_full_disk_is() {
    if let Some(folder) = env::var_os(LIMITED_FOLDER) {
        return fill_up_and_catch_up(&PathBuf::from(folder).join("journal.db"));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 256; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["disk::a_limit_on_file_size_is_survived_as_a_full_disk_is", "--exact", "--nocapture"])
        .env(LIMITED_FOLDER, folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("writing fails")), "the limit is felt");
    let lifted =
        Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &child.id().to_string()]).status();
    assert!(lifted.unwrap().success(), "the limit is lifted");
    assert!(lines.any(|line| line.contains("caught up")), "the child goes on");
    assert!(child.wait().unwrap().success());
    let path = folder.path().join("journal.db");
    let (numbers, lost) = numbers_and_lost(&path);
    assert_eq!((numbers.iter().copied().eq(0..numbers.len() as u64), lost), (true, 0));
    assert_sound(&path);
}

fn fill_up_and_catch_up(path: &Path) {
    let (scribe, notices) = start(path);
    let mut numbers = 0..;
    loop {
        for number in numbers.by_ref().take(100) {
            let _ = scribe.try_append(Wall(number), numbered(number));
        }
        if scribe.flush(DEADLINE).is_err() {
            break;
        }
    }
    println!("writing fails");
    wait_for(&notices, recovered);
    scribe.close(DEADLINE).unwrap();
    println!("caught up");
}

#[test]
fn a_page_damaged_in_use_is_set_aside_and_the_records_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let (scribe, _) = start(&path);
    for number in 0..2000 {
        let _ = scribe.try_append(Wall(number), numbered(number));
    }
    scribe.close(DEADLINE).unwrap();
    // The head of the table's tree, which every insertion goes through; the opening looks at none of it.
    let mut bytes = fs::read(&path).unwrap();
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let (scribe, notices) = start(&path);
    let _ = scribe.try_append(Wall(5000), numbered(5000));
    scribe.flush(DEADLINE).unwrap();
    scribe.close(DEADLINE).unwrap();
    let aside = wait_for(&notices, |notice| match notice {
        Notice::Opened(Found::Damaged { aside, .. }) => Some(aside),
        _ => None,
    });
    assert_eq!(numbers_and_lost(&path), (vec![5000], 0));
    assert_sound(&path);
    let verdict = JournalReader::open(&aside).and_then(|reader| reader.verify());
    assert!(
        matches!(&verdict, Ok(Verdict::Broken { flaw: Flaw::Unreadable { .. }, .. }) | Err(_)),
        "what was set aside is what was damaged: {verdict:?}"
    );
}
