//! Signals to a module's process group, sent so that they can never reach a stranger who got the same number later.

use core::fmt;
use std::io;
use std::os::fd::BorrowedFd;

use crate::raw;

#[cfg(test)]
mod tests;

/// A signal by its Linux number, 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// The names that people use, with or without `SIG`.
const NAMES: &[(&str, Signal)] = &[
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("TERM", Signal::TERM),
    ("CONT", Signal::CONT),
    ("STOP", Signal::STOP),
    ("WINCH", Signal(libc::SIGWINCH)),
];

impl Signal {
    /// Hang up; many programs read their configuration again.
    pub const HUP: Self = Self(libc::SIGHUP);
    /// Interrupt, as by Ctrl-C.
    pub const INT: Self = Self(libc::SIGINT);
    /// Quit.
    pub const QUIT: Self = Self(libc::SIGQUIT);
    /// End at once; can't be refused.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// The program's own meaning.
    pub const USR1: Self = Self(libc::SIGUSR1);
    /// The program's own meaning.
    pub const USR2: Self = Self(libc::SIGUSR2);
    /// Finish and end.
    pub const TERM: Self = Self(libc::SIGTERM);
    /// Go on after a stop.
    pub const CONT: Self = Self(libc::SIGCONT);
    /// Stop until told to go on; can't be refused.
    pub const STOP: Self = Self(libc::SIGSTOP);

    /// The signal with this name (`TERM`, `SIGTERM`, any case) or number (1 to 64).
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<i32>() {
            return (1..=64).contains(&number).then_some(Self(number));
        }
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES.iter().find(|(name, _)| *name == bare).map(|(_, signal)| *signal)
    }

    /// The system's number.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, signal)| signal == self) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// At least one process of the group has it.
    Delivered,
    /// The group is empty, or its leader is reaped and the group can no longer be told from a stranger's.
    Gone,
}

/// Signals the process group whose leader was launched as `pid` and is watched by `pidfd`.
///
/// Where the kernel can (Linux 6.9), the group is found by the pidfd itself. Elsewhere the number is used, and only after the pidfd
/// has said that the leader is not reaped yet: until then the number cannot be given to another process.
/// Call it on the thread that also reaps, or the leader may be reaped in between.
///
/// # Errors
/// The system's own: `EPERM` when every process of the group has changed its user.
pub fn signal_group(pid: u32, pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<Sent> {
    match raw::pidfd_signal_group(pidfd, signal.0) {
        Ok(()) => return Ok(Sent::Delivered),
        Err(libc::ESRCH) => return Ok(Sent::Gone),
        // An older kernel does not know the flag.
        Err(libc::EINVAL) => {}
        Err(errno) => return Err(io::Error::from_raw_os_error(errno)),
    }
    if raw::pidfd_signal(pidfd, 0) == Err(libc::ESRCH) {
        return Ok(Sent::Gone);
    }
    match raw::kill_group(pid, signal.0) {
        Ok(()) => Ok(Sent::Delivered),
        Err(libc::ESRCH) => Ok(Sent::Gone),
        Err(errno) => Err(io::Error::from_raw_os_error(errno)),
    }
}
