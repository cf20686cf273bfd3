//! Why another binary does not take the kernel's place.

use std::io;
use std::path::PathBuf;

use abi::Explain;

/// Why another binary does not take the kernel's place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelfUpdateError {
    /// The kernel lives in a program that does something else besides.
    #[error("this kernel was not started by `up`, so its program can't be replaced")]
    NotHere,
    /// One is being done.
    #[error("another binary is about to take over already")]
    Busy,
    /// Everything is about to end.
    #[error("the kernel is about to stop")]
    ShuttingDown,
    /// A file can't be used.
    #[error("can't {doing} `{}`", path.display())]
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The list of binaries can't be written.
    #[error("the list of the kernel's own binaries can't be kept: {0}")]
    List(String),
    /// The new one does not prove that it can take over.
    #[error("`{}` can't take over: {why}", path.display())]
    NotVerified {
        /// Which.
        path: PathBuf,
        /// What it said or did.
        why: String,
    },
    /// Some modules would not run on.
    #[error("these modules can't be handed over and would be started again: {}", .0.join(", "))]
    Restarts(Vec<String>),
    /// Some are on their way from one life to another.
    #[error("these modules are being swapped or keep an earlier life until their probation is over: {}", .0.join(", "))]
    Swapping(Vec<String>),
    /// There is no earlier one.
    #[error("no earlier binary is kept to go back to")]
    NothingBefore,
}

impl Explain for SelfUpdateError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotHere => "host::self_update::not_here",
            Self::Busy => "host::self_update::busy",
            Self::ShuttingDown => "kernel::order::shutting_down",
            Self::Disk { .. } => "host::self_update::disk",
            Self::List(_) => "host::self_update::list",
            Self::NotVerified { .. } => "host::self_update::not_verified",
            Self::Restarts(_) => "host::self_update::restarts",
            Self::Swapping(_) => "host::self_update::swapping",
            Self::NothingBefore => "host::self_update::not_found",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NotHere => Some("start it with: ostoja up -d".to_owned()),
            Self::Busy => Some("ostoja self-update --list".to_owned()),
            Self::ShuttingDown => None,
            Self::Disk { path, .. } => Some(format!("ls -l {}", path.display())),
            Self::List(_) => Some("look at the room that is left: df -h".to_owned()),
            Self::NotVerified { .. } => Some("use a binary of ostoja for this machine".to_owned()),
            Self::Restarts(_) => Some("allow it with --allow-restarts".to_owned()),
            Self::Swapping(_) => Some("wait until `ostoja update history` says how it ended".to_owned()),
            Self::NothingBefore => Some("ostoja self-update --list".to_owned()),
        }
    }
}
