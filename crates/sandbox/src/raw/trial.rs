//! The system calls that only probes make: forbidden acts, and questions about the kernel.
//!
//! The same protocol holds as one level up: nothing is allocated and no pointer kept, since the acts run in a child that shares our
//! memory. What they open is closed with that child.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use std::os::fd::RawFd;

use super::checked;

/// The version of Landlock that the kernel has; 0 when it has none.
pub(crate) fn landlock_abi() -> i64 {
    /// `LANDLOCK_CREATE_RULESET_VERSION`
    const ASK_VERSION: libc::c_uint = 1;
    let nothing: *const c_void = ptr::null();
    // SAFETY: with this flag the kernel demands a null pointer of length 0 and only answers a number.
    let returned = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, ASK_VERSION) };
    returned.max(0)
}

pub(crate) fn has_no_new_privs() -> bool {
    // SAFETY: the call takes numbers and touches no memory.
    let returned = unsafe { libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) };
    returned == 1
}

/// Opens a second number for a descriptor, at or above `from`.
pub(crate) fn duplicate_from(fd: RawFd, from: c_int) -> Result<(), i32> {
    // SAFETY: the call takes numbers and makes a new descriptor, which belongs to a child that ends.
    let returned = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, from) };
    checked(returned.into()).map(|_| ())
}

/// Puts a byte into the input of the terminal behind `fd`.
pub(crate) fn terminal_input(fd: RawFd) -> Result<(), i32> {
    // SAFETY: the pointer is to a static byte, which the kernel only reads, if the descriptor is a terminal at all.
    let returned = unsafe { libc::ioctl(fd, libc::TIOCSTI, c"".as_ptr()) };
    checked(returned.into()).map(|_| ())
}

pub(crate) fn open_folder(path: &CStr) -> Result<(), i32> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the pointer is a valid C string; the new descriptor belongs to a child that ends.
    let returned = unsafe { libc::open(path.as_ptr(), flags) };
    checked(returned.into()).map(|_| ())
}

/// Becomes a program without arguments; returns only when it can't.
pub(crate) fn run(program: &CStr) -> Result<(), i32> {
    let argv = [program.as_ptr(), ptr::null()];
    let env = [ptr::null()];
    // SAFETY: both lists end with a null, and they and the path live through the call.
    let returned = unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    checked(returned.into()).map(|_| ())
}

/// The loopback's first address with a port.
fn loopback(port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_be_bytes([127, 0, 0, 1]).to_be() },
        sin_zero: [0; 8],
    }
}

/// A socket of this kind, and the address as the calls take it.
fn socket_at(kind: c_int, address: &libc::sockaddr_in) -> Result<(c_int, *const libc::sockaddr), i32> {
    // SAFETY: the call takes numbers; the new descriptor belongs to a child that ends.
    let fd = unsafe { libc::socket(libc::AF_INET, kind | libc::SOCK_CLOEXEC, 0) };
    checked(fd.into()).map(|_| (fd, ptr::from_ref(address).cast()))
}

const ADDRESS_BYTES: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

/// Connects to a TCP port of the loopback.
pub(crate) fn connect_loopback(port: u16) -> Result<(), i32> {
    let address = loopback(port);
    let (fd, at) = socket_at(libc::SOCK_STREAM, &address)?;
    // SAFETY: the pointer is to a valid `sockaddr_in` of this length, which the kernel only reads.
    let returned = unsafe { libc::connect(fd, at, ADDRESS_BYTES) };
    checked(returned.into()).map(|_| ())
}

/// Binds a TCP port of the machine's choice on the loopback.
pub(crate) fn bind_loopback() -> Result<(), i32> {
    let address = loopback(0);
    let (fd, at) = socket_at(libc::SOCK_STREAM, &address)?;
    // SAFETY: the pointer is to a valid `sockaddr_in` of this length, which the kernel only reads.
    let returned = unsafe { libc::bind(fd, at, ADDRESS_BYTES) };
    checked(returned.into()).map(|_| ())
}

/// Looks for a way to the loopback: a datagram socket is pointed at it, which sends nothing.
pub(crate) fn find_loopback() -> Result<(), i32> {
    let address = loopback(9);
    let (fd, at) = socket_at(libc::SOCK_DGRAM, &address)?;
    // SAFETY: as for `bind_loopback`.
    let returned = unsafe { libc::connect(fd, at, ADDRESS_BYTES) };
    checked(returned.into()).map(|_| ())
}

/// Asks whether the parent may be signalled.
pub(crate) fn ask_parent() -> Result<(), i32> {
    // SAFETY: the call takes no argument and touches no memory.
    let parent = unsafe { libc::getppid() };
    // SAFETY: signal 0 only asks; the call takes two numbers.
    let returned = unsafe { libc::kill(parent, 0) };
    checked(returned.into()).map(|_| ())
}

/// Writes `1` to a descriptor.
pub(crate) fn write_one(fd: RawFd) -> Result<(), i32> {
    // SAFETY: the buffer is one static byte, and the length says so.
    let returned = unsafe { libc::write(fd, c"1".as_ptr().cast::<c_void>(), 1) };
    checked(returned as libc::c_long).map(|_| ())
}

/// Asks whether there is any process beside its own group's first that it may signal.
pub(crate) fn ask_everybody() -> Result<(), i32> {
    // SAFETY: signal 0 only asks; the call takes two numbers.
    let returned = unsafe { libc::kill(-1, 0) };
    checked(returned.into()).map(|_| ())
}

/// Stops swapping to a file that is not named: who may do that at all is told that the name is bad.
pub(crate) fn stop_swapping() -> Result<(), i32> {
    let nothing: *const c_void = ptr::null();
    // SAFETY: the kernel checks the right first and refuses a null name without reading it.
    let returned = unsafe { libc::syscall(libc::SYS_swapoff, nothing) };
    checked(returned).map(|_| ())
}

/// The number by which the system knows a file, as a namespace's under `/proc`; 0 when there is no such file.
pub(crate) fn number_of(path: &CStr) -> u64 {
    // SAFETY: all zeros is a valid `stat`, which is made of numbers.
    let mut found: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the path is a valid C string and the place valid for the answer.
    let returned = unsafe { libc::stat(path.as_ptr(), &raw mut found) };
    if returned == 0 { found.st_ino } else { 0 }
}

/// A semaphore that others can name by its number.
#[derive(Debug)]
pub(crate) struct Semaphore(c_int);

impl Semaphore {
    pub(crate) fn new() -> Result<Self, i32> {
        // SAFETY: the call takes numbers and touches no memory.
        let id = unsafe { libc::semget(libc::IPC_PRIVATE, 1, 0o600) };
        checked(id.into()).map(|_| Self(id))
    }

    pub(crate) fn number(&self) -> i32 {
        self.0
    }

    /// Looks at a semaphore by its number.
    pub(crate) fn look(number: i32) -> Result<(), i32> {
        // SAFETY: this command takes no fourth argument and touches no memory of ours.
        let returned = unsafe { libc::semctl(number, 0, libc::GETVAL) };
        checked(returned.into()).map(|_| ())
    }
}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: this command takes no fourth argument; the semaphore is this value's own.
        let _ = unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) };
    }
}
