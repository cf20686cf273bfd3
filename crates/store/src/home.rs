//! One kernel per home: a lock that the operating system lets go of when its holder dies, however it dies.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use abi::Explain;

/// 20 bytes: more than any process id has digits, so that a foreign file is never read whole.
const PID_BYTES_MAX: u64 = 20;

/// A home is held by a process, or could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A kernel runs on this home.
    #[error("{} already runs on `{}`", holder(*pid), home.display())]
    Held {
        /// The home.
        home: PathBuf,
        /// The kernel's process id; nothing in the instant in which it starts.
        pid: Option<u32>,
    },
    /// The folder of the lock could not be made.
    #[error("can't make the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock file could not be opened.
    #[error("can't open the lock file `{}`", path.display())]
    Open {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file system refused the lock.
    #[error("can't lock `{}`", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process id could not be written into the lock file.
    #[error("can't write the process id into `{}`", path.display())]
    Write {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another kernel".to_owned(), |pid| format!("the kernel with pid {pid}"))
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            Self::Held { .. } => "store::home::held",
            Self::Folder { .. } => "store::home::folder",
            Self::Open { .. } => "store::home::open",
            Self::Lock { .. } => "store::home::lock",
            Self::Write { .. } => "store::home::write",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Held { home, .. } => Some(format!("ostoja --home {} status", home.display())),
            Self::Folder { path, .. } | Self::Open { path, .. } | Self::Write { path, .. } => {
                let folder = path.parent()?;
                Some(format!("look at the folder's rights and room: ls -ld {0}; df -h {0}", folder.display()))
            }
            Self::Lock { .. } => Some("put the home on a file system that knows locks".to_owned()),
        }
    }
}

/// While this value lives, no other kernel can lock the home. The file stays behind, empty of meaning, when it is dropped.
#[derive(Debug)]
pub struct HomeLock {
    path: PathBuf,
    /// Closing it lets the lock go.
    file: File,
}

impl HomeLock {
    /// The lock that whoever was in this program's place before held by this file.
    pub fn inherited(home: &Path, file: File) -> Self {
        Self { path: home.join("run").join("kernel.lock"), file }
    }

    /// What refers to the lock file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes the lock of a home, `<home>/run/kernel.lock`, and writes this process's id into it.
///
/// # Errors
/// `Held` names the kernel that runs there; the other variants are the steps that can fail on the disk.
pub fn lock_home(home: &Path) -> Result<HomeLock, LockError> {
    let folder = home.join("run");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|source| LockError::Folder { path: folder.clone(), source })?;
    let path = folder.join("kernel.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|source| LockError::Open { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(LockError::Held { home: home.to_owned(), pid: read_pid(&file) });
        }
        Err(TryLockError::Error(source)) => return Err(LockError::Lock { path, source }),
    }
    write_pid(&mut file).map_err(|source| LockError::Write { path: path.clone(), source })?;
    Ok(HomeLock { path, file })
}

/// Whether a kernel holds this home now. Looking takes the lock for an instant, so whoever starts a kernel in it may find it held.
///
/// # Errors
/// When the lock can't be looked at. A home without a lock is held by nobody.
pub fn is_locked(home: &Path) -> io::Result<bool> {
    let file = match File::open(home.join("run/kernel.lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
