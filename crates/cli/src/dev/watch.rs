//! Changes below a folder, gathered until it is quiet: an editor writes a file in several steps, and a compiler many
//! files at once, and each of these is to be one change.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

use crate::failure::{Failure, Outcome};

/// 80 ms without a further change end the gathering: more than an editor takes between the steps of one save, less than
/// a person notices.
const QUIET: Duration = Duration::from_millis(80);

/// 1 s: a flood that never pauses is acted upon this often.
const GATHERED_MAX: Duration = Duration::from_secs(1);

/// 1,000 files are remembered by name; of a greater change only that it was one.
const FILES_MAX: usize = 1_000;

/// 4,096 folders are watched: half of what the system grants a user by default.
const FOLDERS_MAX: usize = 4_096;

/// 16 KiB: some hundred events at one read.
const EVENTS_BYTES: usize = 16 << 10;

/// Folders that hold what is made from the sources, and change with every build.
const LEFT_OUT: [&str; 6] = ["node_modules", "target", "__pycache__", "venv", "dist", "logs"];

/// What changed since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The files, by path; empty when there were too many to name.
    pub(crate) files: BTreeSet<PathBuf>,
    /// How many changes there were.
    pub(crate) count: u64,
}

impl Changes {
    fn note(&mut self, path: PathBuf) {
        self.count += 1;
        if self.files.len() < FILES_MAX {
            self.files.insert(path);
        }
    }

    /// Whether a change was not named.
    fn lose(&mut self) {
        self.count += 1;
        self.files.clear();
    }

    /// Whether this file is among them, or may be.
    pub(crate) fn may_hold(&self, is_it: impl Fn(&Path) -> bool) -> bool {
        self.files.is_empty() || self.files.len() >= FILES_MAX || self.files.iter().any(|file| is_it(file))
    }
}

/// Watches a folder with all below it from now on; changes come one gathering at a time. What happens while nobody takes
/// one is gathered into the next.
///
/// # Errors
/// When the system does not watch it.
pub(crate) fn watch(folder: &Path) -> Outcome<Receiver<Changes>> {
    let failed = |error: rustix::io::Errno| {
        let failure = Failure::new("cli::dev::watch", format!("can't watch `{}`", folder.display()));
        failure
            .caused_by(error.to_string())
            .help("sysctl fs.inotify.max_user_watches fs.inotify.max_user_instances")
    };
    let mut watcher = Watcher {
        fd: init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed)?,
        folders: BTreeMap::new(),
    };
    watcher.add(folder).map_err(failed)?;
    let (sender, receiver) = sync_channel(0);
    let spawned = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || watcher.run(&sender));
    let failed = |error: std::io::Error| {
        Failure::new("cli::dev::watch", "can't start a thread").caused_by(error.to_string())
    };
    // It ends with the process, or when nobody takes changes any more.
    Ok(spawned.map(|_| receiver).map_err(failed)?)
}

/// Every folder that is watched, by the number that the system gave it.
struct Watcher {
    fd: OwnedFd,
    folders: BTreeMap<i32, PathBuf>,
}

impl Watcher {
    /// A folder and those in it. One that can't be read is left out, but for the first.
    fn add(&mut self, folder: &Path) -> rustix::io::Result<()> {
        if self.folders.len() >= FOLDERS_MAX {
            return Ok(());
        }
        // A file that is being written says so at its close; one that was renamed over another, at once.
        let wanted = WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::CREATE
            | WatchFlags::DELETE;
        let number = add_watch(&self.fd, folder, wanted | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW)?;
        self.folders.insert(number, folder.to_owned());
        let inner = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in inner.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            if !is_left_out(&entry.file_name()) {
                // A folder that went away meanwhile is no failure of the rest.
                let _gone = self.add(&entry.path());
            }
        }
        Ok(())
    }

    fn run(mut self, sender: &SyncSender<Changes>) {
        loop {
            let mut changes = Changes::default();
            while changes.count == 0 {
                self.await_more(None);
                self.take(&mut changes);
            }
            let until = Instant::now() + GATHERED_MAX;
            while Instant::now() < until && self.await_more(Some(QUIET)) {
                self.take(&mut changes);
            }
            if sender.send(changes).is_err() {
                return;
            }
        }
    }

    /// Whether something came within this time.
    fn await_more(&self, most: Option<Duration>) -> bool {
        let timeout = most.and_then(|most| Timespec::try_from(most).ok());
        poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], timeout.as_ref()).is_ok_and(|count| count > 0)
    }

    fn take(&mut self, changes: &mut Changes) {
        let mut buffer = [MaybeUninit::<u8>::uninit(); EVENTS_BYTES];
        let mut seen = Vec::new();
        let mut reader = Reader::new(&self.fd, &mut buffer);
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
            seen.push((event.wd(), event.events(), name));
        }
        for (number, flags, name) in seen {
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.lose();
            } else if flags.contains(ReadFlags::IGNORED) {
                self.folders.remove(&number);
            }
            let (Some(folder), Some(name)) = (self.folders.get(&number), name) else { continue };
            if is_left_out(&name) {
                continue;
            }
            let path = folder.join(&name);
            if flags.contains(ReadFlags::ISDIR) && flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                let _gone = self.add(&path);
            }
            // A file that was only made is not written yet; that comes by itself.
            if flags.contains(ReadFlags::ISDIR) || !flags.contains(ReadFlags::CREATE) {
                changes.note(path);
            }
        }
    }
}

/// Whether changes of this name say nothing of the module: hidden files, what editors keep beside a file, what is made.
fn is_left_out(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    // vim tries with a file of this name whether it may write here.
    name.starts_with('.')
        || name.ends_with('~')
        || name.ends_with(".pyc")
        || name == "4913"
        || LEFT_OUT.contains(&name)
}

#[cfg(test)]
mod tests;
