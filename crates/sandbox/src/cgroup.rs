//! cgroup v2 groups: one per module, so that all it has started can be killed at once, wherever it forked to; those of one
//! pool lie in a group of the pool's own, so that what all of them use together can be bounded.
//!
//! Only what needs no controllers is used here: membership and `cgroup.kill`. So a hierarchy that is mounted beside the old ones,
//! without any controller, serves as well.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use crate::launch::LaunchError;

#[cfg(test)]
mod tests;

/// 4,096 leftover groups of one pool are removed in one sweep: as many as one kernel can have modules.
const LEFTOVERS_MAX: usize = 4096;

/// 80 bytes: a module's name, a `+` and a number, which names the group that follows one that was killed.
const GROUP_NAME_BYTES_MAX: usize = abi::limits::MODULE_ID_BYTES_MAX + 16;

/// The folder beneath our own group that holds all of ours.
const FAMILY: &str = "ostoja";

/// Why there is no group tree here.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// No cgroup v2 hierarchy is mounted.
    #[error("no cgroup v2 hierarchy is mounted")]
    NotMounted,
    /// This process's own place in it can't be read.
    #[error("the own cgroup can't be read")]
    OwnGroup(#[source] io::Error),
    /// A name can't be the name of a folder.
    #[error("`{0}` can't be the name of a cgroup")]
    BadName(String),
    /// A group can't be made below it.
    #[error("no group can be made at `{}`", dir.display())]
    NotWritable {
        /// The group that can't be made.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Groups here can hold no process of their own, because one above them was divided among threads.
    #[error("a group at `{}` can hold no processes: its type is `{kind}`", dir.display())]
    NoProcesses {
        /// The group.
        dir: PathBuf,
        /// What the system says of it.
        kind: String,
    },
    /// The kernel has no `cgroup.kill` (it came with Linux 5.14).
    #[error("the kernel has no `cgroup.kill`")]
    NoKill,
}

/// What became of a group that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// Processes are still in it.
    Busy,
}

/// The groups of one kernel's modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Opens, and makes if need be, the tree `ostoja/<instance>` below the group that this process is in, with a group for
    /// each of these pools.
    ///
    /// # Errors
    /// One variant of [`Unavailable`] for each reason why there can't be one; the kernel then lives without.
    pub fn open(instance: &str, pools: &[&str]) -> Result<Self, Unavailable> {
        let tree = Self::open_below(&own_group()?, instance)?;
        for pool in pools {
            let dir = tree.root.join(plain_name(pool)?);
            fs::create_dir_all(&dir).map_err(|source| Unavailable::NotWritable { dir, source })?;
        }
        Ok(tree)
    }

    /// The tree whose folder is known, as whoever was in this program's place before had it.
    pub fn inherited(root: PathBuf) -> Self {
        Self { root }
    }

    fn open_below(own: &Path, instance: &str) -> Result<Self, Unavailable> {
        let root = own.join(FAMILY).join(plain_name(instance)?);
        fs::create_dir_all(&root).map_err(|source| Unavailable::NotWritable { dir: root.clone(), source })?;
        // No such file before Linux 4.14, which knew one kind only.
        let kind = fs::read_to_string(root.join("cgroup.type")).unwrap_or_default();
        if matches!(kind.trim(), "domain invalid" | "threaded") {
            let _empty = remove(&root);
            return Err(Unavailable::NoProcesses { dir: root, kind: kind.trim().to_owned() });
        }
        if !root.join("cgroup.kill").exists() {
            return Err(Unavailable::NoKill);
        }
        Ok(Self { root })
    }

    /// The tree's own folder.
    pub fn dir(&self) -> &Path {
        &self.root
    }

    /// Makes a module's group in a pool that the tree was opened with, or takes the one that is there, and gives its folder.
    ///
    /// # Errors
    /// `BadName` and `NotWritable`.
    pub fn group(&self, pool: &str, module: &str) -> Result<PathBuf, Unavailable> {
        let dir = self.root.join(plain_name(pool)?).join(plain_name(module)?);
        match fs::create_dir(&dir) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                Err(Unavailable::NotWritable { dir, source })
            }
            _ => Ok(dir),
        }
    }

    /// Kills all that an earlier kernel of this instance has left, and removes the groups that are empty. Gives the number of
    /// groups that were found.
    pub fn kill_leftovers(&self) -> usize {
        let mut found = 0;
        for group in folders(&self.root).iter().flat_map(|pool| folders(pool)) {
            found += 1;
            // What can't be killed now is found again at the next start.
            let _ = kill_cgroup(&group);
            let _ = remove(&group);
        }
        found
    }

    /// Removes the tree's own folder with its pools, and the family's if it was the last.
    ///
    /// # Errors
    /// As [`remove`].
    pub fn close(self) -> io::Result<Removed> {
        let removed = remove_tree(&self.root)?;
        if let Some(family) = self.root.parent() {
            let _ = remove(family);
        }
        Ok(removed)
    }
}

/// Kills every process of a group and of the groups below it, those included that fork at this moment.
///
/// # Errors
/// `ENOENT` when there is no such group or no `cgroup.kill`; `EACCES` when it is not ours.
pub fn kill_cgroup(dir: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(dir.join("cgroup.kill")).and_then(|mut file| {
        use io::Write;
        file.write_all(b"1")
    })
}

/// Whether any process is in the group or below it.
///
/// # Errors
/// When there is no such group.
pub fn is_populated(dir: &Path) -> io::Result<bool> {
    let events = fs::read_to_string(dir.join("cgroup.events"))?;
    Ok(events.lines().any(|line| line == "populated 1"))
}

/// Removes an empty group; one that is not there counts as removed.
///
/// # Errors
/// The system's own, except for the two that are answers.
pub fn remove(dir: &Path) -> io::Result<Removed> {
    match fs::remove_dir(dir) {
        Ok(()) => Ok(Removed::Gone),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removed::Gone),
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Ok(Removed::Busy),
        Err(error) => Err(error),
    }
}

/// The groups directly in a group.
pub fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().take(LEFTOVERS_MAX);
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Removes a tree of empty groups: its pools with their modules, then itself. What is busy stays, and so does the tree.
///
/// # Errors
/// As [`remove`], of the tree's own folder.
pub fn remove_tree(root: &Path) -> io::Result<Removed> {
    for pool in folders(root) {
        for group in folders(&pool) {
            // What is busy keeps its pool, and that keeps the tree, of which the caller is told.
            let _busy = remove(&group);
        }
        let _busy = remove(&pool);
    }
    remove(root)
}

/// What a launch needs of a group: its folder for a birth in it, and its list of members for joining it.
#[derive(Debug)]
pub(crate) struct JoinFds {
    pub(crate) dir: OwnedFd,
    pub(crate) procs: OwnedFd,
}

impl JoinFds {
    pub(crate) fn open(dir: PathBuf) -> Result<Self, LaunchError> {
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = open(&dir, folder, Mode::empty()).and_then(|fd| {
            let members = OFlags::WRONLY | OFlags::CLOEXEC;
            Ok((fd, open(dir.join("cgroup.procs"), members, Mode::empty())?))
        });
        match opened {
            Ok((dir, procs)) => {
                Ok(Self { dir: crate::launch::lifted(dir)?, procs: crate::launch::lifted(procs)? })
            }
            Err(errno) => Err(LaunchError::Cgroup { dir, source: errno.into() }),
        }
    }
}

/// The folder of the group that this process is in.
fn own_group() -> Result<PathBuf, Unavailable> {
    let mounts = fs::read_to_string("/proc/self/mounts").map_err(Unavailable::OwnGroup)?;
    let groups = fs::read_to_string("/proc/self/cgroup").map_err(Unavailable::OwnGroup)?;
    locate(&mounts, &groups).ok_or(Unavailable::NotMounted)
}

/// The v2 hierarchy's mount point joined with the path that the line `0::/path` gives.
fn locate(mounts: &str, groups: &str) -> Option<PathBuf> {
    let mount = mounts.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (point, kind) = (words.nth(1)?, words.next()?);
        (kind == "cgroup2").then_some(point)
    })?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A group above the root of our view of the hierarchy is shown with `..` and can't be named from here.
    let outside = Path::new(own).components().any(|part| part == Component::ParentDir);
    (!outside).then(|| Path::new(mount).join(own))
}

fn plain_name(name: &str) -> Result<&str, Unavailable> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let good = !name.is_empty() && name.len() <= GROUP_NAME_BYTES_MAX && name.chars().all(plain);
    if good && !name.starts_with('.') { Ok(name) } else { Err(Unavailable::BadName(name.to_owned())) }
}
