//! The system calls that no safe library offers, each behind a safe function of the same meaning.
//!
//! Protocol: every pointer handed to the kernel here points to a value that lives until the call has returned, the kernel
//! writes only where the call's manual says so, and no function here keeps a pointer. The functions allocate nothing and take no
//! lock, so that the child between its birth and `execve` may use them. Errors are plain `errno` numbers for the same reason.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::PhantomData;
use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use crate::rlimits::Rlimit;

mod birth;
mod code;
mod handed;
pub(crate) mod inherited;
pub(crate) mod sockets;
mod spaces;
mod trial;
pub(crate) mod watch;

pub(crate) use birth::{Born, Cradle, Failure, Nursery, Role, Stack, spawn, spawn_builder, spawn_founder};
pub(crate) use code::give_back_code;
pub(crate) use handed::Handed;
pub(crate) use spaces::{
    NO_DEVICES, NO_PROGRAMS, NO_SETUID, Opened, READ_ONLY, bind_to_itself, bind_tree, change_root,
    change_to_root_here, close_root, end_process, exec_file, forget_children, hand_over, join_namespace,
    keep_mounts_private, lay_upon_root, let_mounts_follow, make_file, make_folder, make_link,
    make_temporary_folder, mount_memory, mount_processes, mount_tree, move_mount, own_namespaces,
    parent_number, restrict_tree, seal_root, take_up_tree,
};
pub(crate) use trial::{
    Semaphore, ask_everybody, ask_parent, bind_loopback, connect_loopback, duplicate_from, find_loopback,
    has_no_new_privs, landlock_abi, number_of, open_folder, run, stop_swapping, terminal_input, write_one,
};

/// Linux 6.9: the signal goes to the group whose leader the pidfd refers to.
const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 4;

/// The number of the last error of this thread. glibc keeps it per thread; reading it is a load.
fn errno() -> i32 {
    // SAFETY: the function has no precondition and returns a pointer to this thread's own, always valid `errno`.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the pointer was just given by the C library and is valid and aligned for the life of the thread.
    unsafe { *place }
}

fn checked(returned: libc::c_long) -> Result<libc::c_long, i32> {
    if returned < 0 { Err(errno()) } else { Ok(returned) }
}

/// Signals the group that the pidfd's process leads, found by the pidfd alone.
pub(crate) fn pidfd_signal_group(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), i32> {
    pidfd_send_signal(pidfd, signal, PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Signals the pidfd's process; signal 0 only asks whether it is still unreaped.
pub(crate) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), i32> {
    pidfd_send_signal(pidfd, signal, 0)
}

fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32, flags: libc::c_uint) -> Result<(), i32> {
    let no_info: *const libc::siginfo_t = core::ptr::null();
    // SAFETY: a null siginfo is allowed and means a plain signal; the other arguments are numbers, and the kernel writes nothing.
    let returned =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, flags) };
    checked(returned).map(|_| ())
}

/// Signals the process group with this number.
pub(crate) fn kill_group(leader: u32, signal: i32) -> Result<(), i32> {
    // Groups 0 and 1 would mean our own group and everybody.
    let group = i32::try_from(leader).ok().filter(|group| *group > 1).ok_or(libc::ESRCH)?;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    let returned = unsafe { libc::kill(-group, signal) };
    checked(returned.into()).map(|_| ())
}

/// The number of a child that has ended and is not reaped, without reaping it.
pub(crate) fn peek_ended() -> Option<u32> {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: all zeros is a valid `siginfo_t`, which is made of numbers and a union of plain data.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    // SAFETY: `info` is a valid place for the answer, and the id is ignored for P_ALL.
    let returned = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) };
    // SAFETY: after `waitid` the union holds the fields of a child's end, or zeros when there was none.
    let pid = unsafe { info.si_pid() };
    u32::try_from(pid).ok().filter(|pid| returned == 0 && *pid != 0)
}

/// A list of C strings as `execve` takes it: pointers, then a null. Borrowed, so that the strings outlive it.
pub(crate) struct Strings<'a> {
    pointers: Vec<*const c_char>,
    strings: PhantomData<&'a [CString]>,
}

impl<'a> Strings<'a> {
    pub(crate) fn of(strings: &'a [CString]) -> Self {
        let mut pointers: Vec<*const c_char> = strings.iter().map(|string| string.as_ptr()).collect();
        pointers.push(core::ptr::null());
        Self { pointers, strings: PhantomData }
    }
}

/// One bound in the kernel's own form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    resource: i32,
    value: libc::rlimit64,
}

impl Bound {
    /// The bound, lowered to what this process may set at all: a hard bound can't be raised without the right for it.
    pub(crate) fn of(rlimit: &Rlimit) -> Self {
        let mut now = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: pid 0 is this process, the new value is null (nothing is set) and `now` is a valid place for the old one.
        let returned = unsafe {
            libc::syscall(
                libc::SYS_prlimit64,
                0,
                rlimit.resource,
                core::ptr::null::<libc::rlimit64>(),
                &raw mut now,
            )
        };
        let most = if returned == 0 { now.rlim_max } else { libc::RLIM64_INFINITY };
        let value = libc::rlimit64 { rlim_cur: rlimit.soft.min(most), rlim_max: rlimit.hard.min(most) };
        Self { resource: rlimit.resource, value }
    }
}

pub(crate) fn set_bound(bound: &Bound) -> Result<(), i32> {
    let old: *mut libc::rlimit64 = core::ptr::null_mut();
    // SAFETY: pid 0 is this process, the new value is a valid reference, and a null old value is not written to.
    let returned =
        unsafe { libc::syscall(libc::SYS_prlimit64, 0, bound.resource, &raw const bound.value, old) };
    checked(returned).map(|_| ())
}

pub(crate) fn new_session() -> Result<(), i32> {
    // SAFETY: the call takes no argument and touches no memory.
    let returned = unsafe { libc::setsid() };
    checked(returned.into()).map(|_| ())
}

pub(crate) fn new_group() -> Result<(), i32> {
    // SAFETY: the call takes two numbers; zeros mean the caller itself.
    let returned = unsafe { libc::setpgid(0, 0) };
    checked(returned.into()).map(|_| ())
}

/// The kernel's `struct sigaction`: handler, flags, restorer, mask.
#[repr(C)]
struct KernelAction {
    handler: usize,
    flags: u64,
    restorer: usize,
    mask: u64,
}

/// 64 signals, and 8 bytes for a set of them, on x86_64.
const SIGNALS: c_int = 64;
const SIGNAL_SET_BYTES: usize = 8;

/// Every signal does again what it does in a new program. `execve` resets handlers by itself and leaves ignored ones ignored.
pub(crate) fn default_dispositions() {
    let default = KernelAction { handler: libc::SIG_DFL, flags: 0, restorer: 0, mask: 0 };
    let old: *mut KernelAction = core::ptr::null_mut();
    for signal in 1..=SIGNALS {
        // SAFETY: the action is a valid value of the kernel's layout, a null old action is not written to. The table of
        // dispositions is the child's own, since it was born without CLONE_SIGHAND. SIGKILL and SIGSTOP answer EINVAL.
        let _ = unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, &raw const default, old, SIGNAL_SET_BYTES)
        };
    }
}

fn set_signal_mask(new: u64) -> Result<u64, i32> {
    let mut old = 0_u64;
    // SAFETY: both sets are valid 8-byte places, as the size says. The raw call is used since glibc's keeps two signals out.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const new,
            &raw mut old,
            SIGNAL_SET_BYTES,
        )
    };
    checked(returned).map(|_| old)
}

pub(crate) fn empty_signal_mask() -> Result<(), i32> {
    set_signal_mask(0).map(|_| ())
}

/// Asks for SIGKILL when the launching thread ends, and makes sure that it has not ended before.
pub(crate) fn die_with_parent(parent: i32) -> Result<(), i32> {
    // SAFETY: the call takes two numbers and touches no memory.
    let returned = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    checked(returned.into())?;
    // SAFETY: the call takes no argument and touches no memory.
    let now = unsafe { libc::getppid() };
    if now == parent { Ok(()) } else { Err(libc::ESRCH) }
}

/// Joins the cgroup whose `cgroup.procs` this is.
pub(crate) fn write_zero(procs: BorrowedFd<'_>) -> Result<(), i32> {
    // SAFETY: the buffer is one static byte, and the length says so.
    let returned = unsafe { libc::write(procs.as_raw_fd(), c"0".as_ptr().cast::<c_void>(), 1) };
    checked(returned as libc::c_long).map(|_| ())
}

/// Takes a table of descriptors of its own, without those from this number on.
pub(crate) fn own_table(end: c_int) -> Result<(), i32> {
    // SAFETY: the call takes three numbers; it copies the table before it closes anything, so the shared one stays whole.
    let returned =
        unsafe { libc::syscall(libc::SYS_close_range, end, libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE) };
    if returned == 0 {
        return Ok(());
    }
    // Linux before 5.9: the whole table is copied.
    // SAFETY: the call takes a number and only changes whose table this process has.
    let returned = unsafe { libc::unshare(libc::CLONE_FILES) };
    checked(returned.into()).map(|_| ())
}

/// Puts a descriptor at a number, where it stays open in the program.
pub(crate) fn put_at(fd: RawFd, number: c_int) -> Result<(), i32> {
    // SAFETY: the table of descriptors is the child's own, by its birth or by `own_table`, so nothing of the parent's is closed.
    let returned = unsafe { libc::dup2(fd, number) };
    checked(returned.into()).map(|_| ())
}

/// Marks all descriptors from this number on to be closed when the program starts.
pub(crate) fn close_at_exec_from(first: c_int) -> Result<(), i32> {
    // SAFETY: the call takes three numbers and changes flags in the child's own table of descriptors, see `put_at`.
    let returned =
        unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    checked(returned).map(|_| ())
}

pub(crate) fn enter_folder(folder: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string. The working folder is the child's own, since it was born without CLONE_FS.
    let returned = unsafe { libc::chdir(folder.as_ptr()) };
    checked(returned.into()).map(|_| ())
}

pub(crate) fn set_umask(umask: u32) {
    // SAFETY: the call takes a number and cannot fail. The mask is the child's own, since it was born without CLONE_FS.
    let _ = unsafe { libc::umask(umask) };
}

pub(crate) fn no_new_privs() -> Result<(), i32> {
    // SAFETY: the call takes numbers and touches no memory.
    let returned = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    checked(returned.into()).map(|_| ())
}

pub(crate) fn enter_landlock(ruleset: BorrowedFd<'_>) -> Result<(), i32> {
    // SAFETY: the call takes a descriptor and flags and touches no memory.
    let returned = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
    checked(returned).map(|_| ())
}

pub(crate) fn install_filter(filter: &[libc::sock_filter]) -> Result<(), i32> {
    set_filter(filter, 0).map(|_| ())
}

fn set_filter(filter: &[libc::sock_filter], flags: libc::c_ulong) -> Result<libc::c_long, i32> {
    let len = libc::c_ushort::try_from(filter.len()).map_err(|_| libc::EINVAL)?;
    // The kernel only reads the program, although its type says otherwise.
    let first = filter.as_ptr().cast_mut();
    let program = libc::sock_fprog { len, filter: first };
    // SAFETY: the program points to `len` instructions, borrowed until the call has returned.
    let returned =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    checked(returned)
}

/// Version 3 of the call's layout: two words of 32 bits for each set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// What is left of root: chown, dac_override, fowner, fsetid (files), kill, setgid, setuid (its own processes) and net_bind_service.
pub(crate) const CAPABILITIES_KEPT: u32 = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10;

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilitySets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The capabilities that this process has, of the first 32.
pub(crate) fn own_capabilities() -> Result<u32, i32> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let mut sets = [CapabilitySets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: the header is valid, pid 0 is the caller, and the kernel writes two sets of this layout for this version.
    let returned = unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) };
    checked(returned).map(|_| sets[0].permitted)
}

/// Gives up all capabilities but these, for ever as long as `no_new_privs` is set.
pub(crate) fn drop_capabilities(but: u32) -> Result<(), i32> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let kept = own_capabilities()? & but;
    let none = CapabilitySets { effective: 0, permitted: 0, inheritable: 0 };
    let left = [CapabilitySets { effective: kept, permitted: kept, inheritable: 0 }, none];
    // SAFETY: the header is valid and the kernel only reads two sets of this layout. Capabilities belong to the task, not to memory.
    let returned = unsafe { libc::syscall(libc::SYS_capset, &raw const header, left.as_ptr()) };
    checked(returned).map(|_| ())
}

/// Becomes the program; returns only the errno for which it could not.
pub(crate) fn exec(program: &CStr, argv: &Strings<'_>, env: &Strings<'_>) -> i32 {
    // SAFETY: all three point to valid C strings or null-ended lists of them, which their borrows keep alive.
    let _ = unsafe { libc::execve(program.as_ptr(), argv.pointers.as_ptr(), env.pointers.as_ptr()) };
    errno()
}

/// The same by a call that is never watched: nobody answers before the program runs.
pub(crate) fn exec_unwatched(program: &CStr, argv: &Strings<'_>, env: &Strings<'_>) -> i32 {
    // SAFETY: as above; the folder's number stands for the working folder, and the flags are none.
    let _ = unsafe {
        libc::syscall(
            libc::SYS_execveat,
            libc::AT_FDCWD,
            program.as_ptr(),
            argv.pointers.as_ptr(),
            env.pointers.as_ptr(),
            0,
        )
    };
    errno()
}

/// Ends the process without running anything of the parent's that is registered for its end.
pub(crate) fn exit_now(code: u8) -> ! {
    // SAFETY: `_exit` takes a number, runs no handlers and flushes nothing, so it touches none of the shared memory.
    unsafe { libc::_exit(code.into()) }
}
