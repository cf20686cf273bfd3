//! The forbidden acts. Each runs in a child that shares our memory, so it makes system calls and nothing else; it returns 0 when the
//! act succeeded and the errno when it was refused.

use core::sync::atomic::{AtomicI32, AtomicU16, AtomicU64, Ordering};

use crate::raw::{self, Semaphore};

/// Above the bound that the probe sets, below what every process may open.
const HIGH_NUMBER: i32 = 100;

/// The kernel's own word on whether new rights can be gained: a setuid program to try it with is not on every machine.
pub(super) fn gain_rights() -> u8 {
    if raw::has_no_new_privs() { code(Err(libc::EPERM)) } else { 0 }
}

pub(super) fn change_the_root() -> u8 {
    code(raw::change_root(c"/"))
}

pub(super) fn open_a_high_number() -> u8 {
    code(raw::duplicate_from(0, HIGH_NUMBER))
}

pub(super) fn type_into_a_terminal() -> u8 {
    code(raw::terminal_input(0))
}

pub(super) fn list_the_root() -> u8 {
    code(raw::open_folder(c"/"))
}

/// Becomes a program that every machine has and that does nothing.
pub(super) fn run_a_program() -> u8 {
    code(raw::run(c"/bin/true"))
}

pub(super) fn bind_a_port() -> u8 {
    code(raw::bind_loopback())
}

pub(super) fn find_the_loopback() -> u8 {
    code(raw::find_loopback())
}

pub(super) fn signal_the_parent() -> u8 {
    code(raw::ask_parent())
}

/// Descriptor 3 is the group's `cgroup.kill`. What comes back is not seen by anybody when the kill works.
pub(super) fn kill_own_group() -> u8 {
    match raw::write_one(3) {
        // The signal is delivered before the call returns to the program; this is the end of a group that was not killed.
        Ok(()) => 0,
        refused => code(refused),
    }
}

/// Needs a right over the machine, whatever rights it has in a namespace.
pub(super) fn stop_swapping() -> u8 {
    code(raw::stop_swapping())
}

/// A folder that every machine has, and that the probe's own root does not show.
pub(super) fn list_the_settings() -> u8 {
    code(raw::open_folder(c"/etc"))
}

pub(super) fn ask_everybody() -> u8 {
    code(raw::ask_everybody())
}

/// The number of a semaphore that the probing process has made; the acts share its memory.
pub(super) static SEMAPHORE: AtomicI32 = AtomicI32::new(-1);

pub(super) fn look_at_a_semaphore() -> u8 {
    code(Semaphore::look(SEMAPHORE.load(Ordering::Relaxed)))
}

/// The number of the probing process's own uts namespace.
pub(super) static NAMES: AtomicU64 = AtomicU64::new(0);

/// Where the names of the machine are kept.
pub(super) const NAMES_AT: &core::ffi::CStr = c"/proc/self/ns/uts";

/// The kernel's own word on whose names it would change: changing them to find out would rename the machine.
pub(super) fn share_the_names() -> u8 {
    let own = raw::number_of(NAMES_AT);
    if own != 0 && own != NAMES.load(Ordering::Relaxed) { code(Err(libc::EPERM)) } else { 0 }
}

/// Two ports of the probing process; the first is granted.
pub(super) static PORTS: [AtomicU16; 2] = [AtomicU16::new(0), AtomicU16::new(0)];

/// Reaches what was granted and tries what was not. When not even the first can be reached, it says so by the errno of a call that
/// is not there.
pub(super) fn reach_a_port_that_was_not_granted() -> u8 {
    let [granted, other] = PORTS.each_ref().map(|port| port.load(Ordering::Relaxed));
    match raw::connect_loopback(granted) {
        Ok(()) => code(raw::connect_loopback(other)),
        Err(_) => code(Err(libc::ENOSYS)),
    }
}

fn code(outcome: Result<(), i32>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(errno) => u8::try_from(errno).unwrap_or(u8::MAX),
    }
}
