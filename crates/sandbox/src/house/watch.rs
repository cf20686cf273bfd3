//! Whether the machine's files are still laid out as they were when somebody looked: answered by a dozen questions to the system.
//!
//! Two things are watched: the machine's mounts, whose list tells by itself that it has changed, and folders, whose date changes with
//! every entry that comes, goes or is replaced.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

#[cfg(test)]
mod tests;

/// 50 ms: several steps of the clock that dates files. A folder that changed within it could change again under the same date.
const DATE_STEP: Duration = Duration::from_millis(50);

/// Something that was looked at.
#[derive(Debug)]
pub(super) struct Watch {
    mounts: File,
    folders: Vec<(PathBuf, Option<Mark>)>,
    /// No folder had just changed.
    is_settled: bool,
}

/// What changes with a folder's entries: which folder it is, and its two dates.
type Mark = (u64, u64, (i64, i64), (i64, i64));

/// The watch on the machine's mounts; to be begun before anything is looked at.
#[derive(Debug)]
pub(super) struct Mounts(File);

impl Mounts {
    /// # Errors
    /// The list can't be opened: then nothing can be watched.
    pub(super) fn watch() -> std::io::Result<Self> {
        File::open("/proc/self/mountinfo").map(Self)
    }

    /// Adds folders, as they are now.
    pub(super) fn with(self, folders: BTreeSet<PathBuf>) -> Watch {
        let now = SystemTime::now();
        let folders: Vec<(PathBuf, Option<Mark>)> = folders
            .into_iter()
            .map(|folder| (mark(&folder), folder))
            .map(|(mark, folder)| (folder, mark))
            .collect();
        let is_settled = folders.iter().all(|(_, mark)| mark.is_none_or(|mark| is_older(mark, now)));
        Watch { mounts: self.0, folders, is_settled }
    }
}

impl Watch {
    /// Whether all is as it was. What can't be told is taken for a change.
    pub(super) fn is_unchanged(&self) -> bool {
        let mut list = [PollFd::new(&self.mounts, PollFlags::PRI)];
        let asked = poll(&mut list, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        let same_mounts = asked.is_ok() && !list[0].revents().intersects(PollFlags::PRI | PollFlags::ERR);
        same_mounts && self.is_settled && self.folders.iter().all(|(folder, before)| mark(folder) == *before)
    }
}

fn mark(folder: &Path) -> Option<Mark> {
    let found = fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino(), (found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec())))
}

/// Whether both dates lie so far back that a later change has another one.
fn is_older((_, _, changed, altered): Mark, now: SystemTime) -> bool {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(DATE_STEP);
    [changed, altered].into_iter().all(|(seconds, nanoseconds)| {
        let (seconds, nanoseconds) = (u64::try_from(seconds), u32::try_from(nanoseconds));
        // Dates before 1970 are old enough.
        seconds.is_err() || Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0)) < since
    })
}
