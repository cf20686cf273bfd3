//! Acts that no library does: bare system calls by number, made by a test's child to see what they answer.
#![expect(unsafe_code, reason = "system calls by number")]

use std::io;
use std::os::fd::AsRawFd;

fn checked(returned: libc::c_long) -> io::Result<()> {
    if returned < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn bare(number: libc::c_long, arguments: [u64; 5]) -> io::Result<()> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: only this short-lived test program is at stake, and its callers pass numbers and null pointers alone, which the kernel
    // refuses to write to.
    checked(unsafe { libc::syscall(number, a, b, c, d, e) })
}

/// One call with these numbers.
pub(crate) fn one(number: &str, arguments: &[&str]) -> io::Result<()> {
    let mut all = [0_u64; 5];
    for (place, text) in all.iter_mut().zip(arguments) {
        *place = text.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
    }
    bare(number.parse().map_err(|_| io::ErrorKind::InvalidInput)?, all)
}

/// Prints for each number what a call with all its arguments 0 answers.
#[expect(clippy::print_stdout, reason = "what it prints is what the tests read")]
pub(crate) fn all(numbers: &[&str]) -> io::Result<()> {
    for number in numbers {
        let outcome = one(number, &[]);
        let errno = outcome.err().and_then(|error| error.raw_os_error()).unwrap_or(0);
        println!("{number} {errno}");
    }
    Ok(())
}

/// Whether a process may be signalled.
pub(crate) fn ask(pid: i32) -> io::Result<()> {
    // SAFETY: signal 0 only asks.
    checked(unsafe { libc::kill(pid, 0) }.into())
}

/// Types a byte into a terminal of its own: the slave end of a new pseudo terminal, made the controlling one.
pub(crate) fn terminal_input() -> io::Result<()> {
    let master = std::fs::OpenOptions::new().read(true).write(true).open("/dev/ptmx")?;
    let unlocked: libc::c_int = 0;
    // SAFETY: the pointer is to a number that lives through the call.
    checked(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) }.into())?;
    let mut index: libc::c_uint = 0;
    // SAFETY: the pointer is to a place for one number that lives through the call.
    checked(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTN, &raw mut index) }.into())?;
    let slave = std::fs::OpenOptions::new().read(true).write(true).open(format!("/dev/pts/{index}"))?;
    // SAFETY: the pointer is to a static byte, which the kernel only reads.
    let typed = checked(unsafe { libc::ioctl(slave.as_raw_fd(), libc::TIOCSTI, c"x".as_ptr()) }.into());
    // Closing the terminal would hang up on its own session, which is us, before we could tell.
    std::mem::forget(master);
    typed
}

/// Blocks SIGTERM in this thread and ignores SIGINT and SIGPIPE in this process.
pub(crate) fn turn_deaf() -> io::Result<()> {
    // SAFETY: all zeros is an empty set, and a valid one.
    let mut set: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: the set is a valid place.
    checked(unsafe { libc::sigaddset(&raw mut set, libc::SIGTERM) }.into())?;
    let old: *mut libc::sigset_t = core::ptr::null_mut();
    // SAFETY: the set is valid, and a null old set is not written to.
    checked(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, old) }.into())?;
    for signal in [libc::SIGINT, libc::SIGPIPE] {
        // SAFETY: ignoring installs no handler.
        let _ = unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    Ok(())
}
