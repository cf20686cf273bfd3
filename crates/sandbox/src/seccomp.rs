//! The system calls that no module needs, as data with a reason each, and the filter program made of them.
//!
//! Every refused call answers `EPERM`, as if the user lacked the right, so that programs take the path they have for that.
//! Two answers differ. `clone3` answers `ENOSYS`: its flags lie in memory where no filter can see them, and the C library
//! then falls back to `clone`, whose flags can be seen. The x32 twins of all calls answer `ENOSYS` too, since their numbers
//! would slip past the list. Calls of another architecture (32-bit programs) end the process.

use core::fmt;

mod denials;
mod program;
#[cfg(test)]
mod tests;

pub use denials::{DENIALS, DENIALS_WITHOUT_NET};
pub(crate) use program::compile;

/// When a call is refused. Only the lower 32 bits of an argument count, as in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Whatever its arguments.
    Always,
    /// When this argument is this value.
    Is {
        /// Which argument, from 0.
        argument: u8,
        /// The value that is refused.
        value: u32,
    },
    /// When this argument, cut down to the mask's bits, is this value.
    Holds {
        /// Which argument, from 0.
        argument: u8,
        /// The bits that count.
        mask: u32,
        /// What they may not be.
        value: u32,
    },
    /// When this argument has any of these bits.
    HasAny {
        /// Which argument, from 0.
        argument: u8,
        /// The bits that are refused.
        bits: u32,
    },
    /// When this argument is none of these values.
    IsNot {
        /// Which argument, from 0.
        argument: u8,
        /// The values that are let through.
        allowed: &'static [u32],
    },
}

/// One refused call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The call's name.
    pub call: &'static str,
    /// The call's number on x86_64.
    pub(crate) number: libc::c_long,
    /// When it is refused.
    pub when: When,
    /// Why no module needs it.
    pub reason: &'static str,
}

impl Denial {
    /// The call's number on x86_64.
    pub fn number(&self) -> i64 {
        self.number
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)?;
        match self.when {
            When::Always => {}
            When::Is { argument, value } => write!(f, " (argument {argument} is {value:#x})")?,
            When::Holds { argument, mask, value } => {
                write!(f, " (argument {argument} holds {value:#x} of {mask:#x})")?;
            }
            When::HasAny { argument, bits } => write!(f, " (argument {argument} has any of {bits:#x})")?,
            When::IsNot { argument, allowed } => write!(f, " (argument {argument} is not of {allowed:x?})")?,
        }
        write!(f, ": {}", self.reason)
    }
}
