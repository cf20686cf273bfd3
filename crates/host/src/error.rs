//! What keeps a kernel process from starting, step by step.

use std::io;
use std::path::PathBuf;

use abi::Explain;
use protocol::files::FileErrors;
use store::LockError;

use crate::home::HomeError;

/// Why a kernel did not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The home can't be made.
    #[error("the home can't be used")]
    Home(#[source] HomeError),
    /// Another kernel holds the home, or it can't be locked.
    #[error("the home can't be taken")]
    Lock(#[source] LockError),
    /// A restore of a backup was cut short and could not be finished.
    #[error("a restore that was cut short can't be finished")]
    Restore(#[source] store::BackupError),
    /// A file can't be read.
    #[error("file `{}` can't be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be understood; all that is wrong in it is inside.
    #[error("a file can't be understood")]
    File(#[source] FileErrors),
    /// The event loop can't be made.
    #[error("the event loop can't be started")]
    Runtime(#[source] io::Error),
    /// A thread can't be started.
    #[error("the thread for the {what} can't be started")]
    Thread {
        /// Journal or logs.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operator door can't be opened.
    #[error("the socket `{}` can't be opened", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Signals can't be received.
    #[error("signals can't be received")]
    Signals(#[source] io::Error),
    /// What an earlier program handed over can't be taken.
    #[error("what the earlier program handed over can't be taken: {why}")]
    Handover {
        /// Why.
        why: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Random(#[source] io::Error),
}

impl Explain for HostError {
    fn code(&self) -> &'static str {
        match self {
            Self::Home(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Restore(error) => error.code(),
            Self::File(errors) => errors.code(),
            Self::Read { .. } => "host::file::read",
            Self::Runtime(_) => "host::start::runtime",
            Self::Thread { .. } => "host::start::thread",
            Self::Socket { .. } => "host::door::socket",
            Self::Signals(_) => "host::start::signals",
            Self::Handover { .. } => "host::start::handover",
            Self::Random(_) => "host::start::random",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Home(error) => error.help(),
            Self::Lock(error) => error.help(),
            Self::Restore(error) => error.help(),
            Self::File(errors) => errors.help(),
            Self::Read { path, .. } => Some(format!("look at its rights: ls -l {}", path.display())),
            Self::Socket { path, .. } => {
                Some(format!("look at the folder: ls -ld {}", path.parent().unwrap_or(path).display()))
            }
            Self::Handover { .. } => Some("ostoja self-update --list".to_owned()),
            Self::Runtime(_) | Self::Thread { .. } | Self::Signals(_) | Self::Random(_) => {
                Some("look at the limits of this user: ulimit -a".to_owned())
            }
        }
    }
}
