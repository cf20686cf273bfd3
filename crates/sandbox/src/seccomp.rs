//! The system calls that a child may make and those that it may not, as data with reasons, and the filter program made of them.
//!
//! | a call that | answers | since programs then |
//! |---|---|---|
//! | is dangerous, or is so with these arguments | `EPERM` | do as they do without the right |
//! | nobody thought of, in a contained child | `ENOSYS` | do as on an older kernel |
//! | belongs to another architecture | by the end of the process | no program does that by mistake |
//!
//! Three answers differ. `memfd_create` answers `ENOSYS` unless the file is made so that it can't be run. `clone3` answers `ENOSYS`: its flags lie in memory where no filter can see them, and the C library
//! then falls back to `clone`, whose flags can be seen. The x32 twins of all calls answer `ENOSYS` too, since their numbers
//! would slip past the list. Calls of another architecture (32-bit programs) end the process.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::policy::Runtime;

mod denials;
mod groups;
mod naming;
mod program;
#[cfg(test)]
mod tests;

pub use denials::{DENIALS, DENIALS_BROKERED, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_WITHOUT_NET};
pub use groups::groups;
pub(crate) use naming::{Deed, NAMINGS, Naming};
pub(crate) use program::compile;

/// Whether calls are answered by somebody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// None.
    Nothing,
    /// Those of [`WATCHED`].
    Network,
    /// Those too that name files, and all that would be refused.
    Wants,
}

/// The calls by which a socket comes to lead somewhere. What else could do it is refused: [`DENIALS_BROKERED`].
const WATCHED: &[libc::c_long] = &[libc::SYS_connect, libc::SYS_bind, libc::SYS_listen];

/// 24 programs: seven kinds of runtimes without a network, with one and with a broker, and three that are observed.
const KEPT_MAX: usize = 24;

/// What a program was made of, and the program.
type Kept = (Vec<Denial>, Option<Vec<&'static Group>>, Watch, Arc<[libc::sock_filter]>);

/// As [`compile`]: the same lists are compiled once, since most modules of a kind have the same.
pub(crate) fn compiled(
    denials: &[Denial],
    groups: Option<&[&'static Group]>,
    watch: Watch,
) -> Arc<[libc::sock_filter]> {
    static KEPT: Mutex<VecDeque<Kept>> = Mutex::new(VecDeque::new());
    // Whoever panicked with it left whole entries there.
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |(denied, let_through, watched, _): &&Kept| {
        *watched == watch && denied == denials && let_through.as_deref() == groups
    };
    if let Some((.., program)) = kept.iter().find(same) {
        return program.clone();
    }
    let program: Arc<[libc::sock_filter]> = compile(denials, groups, watch).into();
    if kept.len() == KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back((denials.to_vec(), groups.map(<[_]>::to_vec), watch, program.clone()));
    program
}

/// The errno by which a call is refused that an observed child's filter sends away; nothing for those that are answered.
pub(crate) fn refusal(number: libc::c_long) -> Option<i32> {
    if WATCHED.contains(&number) || NAMINGS.iter().any(|naming| naming.number == number) {
        return None;
    }
    let is_denied = EVERY_DENIAL.iter().any(|list| list.iter().any(|denial| denial.number == number));
    Some(if is_denied { libc::EPERM } else { libc::ENOSYS })
}

/// A call's name; `call 999` for one that is in no list.
pub(crate) fn name_of(number: libc::c_long) -> String {
    let mut denied = EVERY_DENIAL.iter().flat_map(|list| list.iter());
    let known = denied.find(|denial| denial.number == number).map(|denial| denial.call);
    let listed = || {
        let calls = groups(Runtime::Native).into_iter().flat_map(|group| group.calls);
        let mut named = calls.filter(|(_, known)| *known == number);
        named.next().map(|(name, _)| name.trim_start_matches("SYS_"))
    };
    known.or_else(listed).map_or_else(|| format!("call {number}"), str::to_owned)
}

/// Every list of refused calls.
const EVERY_DENIAL: [&[Denial]; 4] = [DENIALS, DENIALS_CONTAINED, DENIALS_WITH_NET, DENIALS_BROKERED];

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
    /// When this argument lacks all of these bits; the call then is not there at all.
    Lacks {
        /// Which argument, from 0.
        argument: u8,
        /// The bits of which it needs one.
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

/// Calls that are let through together.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// A word for it.
    pub name: &'static str,
    /// What programs need it for.
    pub reason: &'static str,
    /// Names as the C library has them, and numbers on x86_64.
    calls: &'static [(&'static str, libc::c_long)],
}

impl Group {
    /// The names of its calls.
    pub fn calls(&self) -> impl Iterator<Item = &'static str> {
        self.calls.iter().map(|(name, _)| name.trim_start_matches("SYS_"))
    }
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
            When::Lacks { argument, bits } => write!(f, " (argument {argument} lacks {bits:#x})")?,
            When::IsNot { argument, allowed } => write!(f, " (argument {argument} is not of {allowed:x?})")?,
        }
        write!(f, ": {}", self.reason)
    }
}
