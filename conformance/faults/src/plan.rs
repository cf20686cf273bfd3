//! What is to go wrong, at which call, as it is handed to the process that watches the program.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The program is killed before the call.
    Kill,
    /// The call gives an error of input and output, once.
    Broken,
    /// The disk is full from this call on; a write still writes its first half.
    Full,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Broken, Self::Full];

    pub(crate) fn parse(word: &str) -> Result<Self> {
        match Self::ALL.iter().find(|fault| fault.to_string() == word) {
            Some(fault) => Ok(*fault),
            None => bail!("no such fault: {word}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Broken => "EIO",
            Self::Full => "ENOSPC",
        })
    }
}

/// A fault at one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) key: String,
    /// Which of the calls with this key; the first is 1.
    pub(crate) nth: u64,
    pub(crate) fault: Fault,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at no. {} of `{}`", self.fault, self.nth, self.key)
    }
}

/// What the watching process does.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Calls about files below it count.
    pub(crate) home: PathBuf,
    /// Calls count while this file is there.
    pub(crate) arm: PathBuf,
    /// Nothing: calls are only told.
    pub(crate) target: Option<Target>,
}

impl Plan {
    pub(crate) fn is_armed(&self) -> bool {
        self.arm.exists()
    }
}
