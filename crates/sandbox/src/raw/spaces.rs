//! The system calls that make namespaces and fill them: mounts, the root, the first process of a pid namespace.
//!
//! The same protocol holds as one level up: nothing is allocated and no pointer kept, since all of it runs in children that share our
//! memory. Everything here changes only what is the child's own: it was born without `CLONE_FS`, and touches mounts in a
//! namespace of its own alone.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{KernelAction, SIGNAL_SET_BYTES, Strings, checked, errno};

/// What a mount may not do: bits of `mount_setattr`.
pub(crate) const READ_ONLY: u64 = 1;
pub(crate) const NO_SETUID: u64 = 2;
pub(crate) const NO_DEVICES: u64 = 4;
pub(crate) const NO_PROGRAMS: u64 = 8;

/// `AT_RECURSIVE`: the mount and all below it.
const WHOLE_TREE: libc::c_uint = 0x8000;

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// How far a change of a mount reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This mount alone.
    Itself,
    /// It and all mounts below it.
    Tree,
}

/// Joins the namespace behind the descriptor.
pub(crate) fn join_namespace(fd: BorrowedFd<'_>, kind: c_int) -> Result<(), i32> {
    // SAFETY: the call takes two numbers; the namespaces are this process's own.
    let returned = unsafe { libc::setns(fd.as_raw_fd(), kind) };
    checked(returned.into()).map(|_| ())
}

/// Takes namespaces of its own, by the flags of `unshare`.
pub(crate) fn own_namespaces(flags: c_int) -> Result<(), i32> {
    // SAFETY: the call takes a number; the namespaces are this process's own.
    let returned = unsafe { libc::unshare(flags) };
    checked(returned.into()).map(|_| ())
}

/// `mount` with what is common to all uses here: no pointer is null where the kernel wants none.
fn mount(source: &CStr, target: &CStr, kind: &CStr, flags: libc::c_ulong, options: &CStr) -> Result<(), i32> {
    // SAFETY: all four are valid C strings that live through the call, which only reads them.
    let returned = unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast::<c_void>())
    };
    checked(returned.into()).map(|_| ())
}

/// Cuts the tie to mounts that others make, both ways.
pub(crate) fn keep_mounts_private() -> Result<(), i32> {
    mount(c"none", c"/", c"none", libc::MS_REC | libc::MS_PRIVATE, c"")
}

pub(crate) fn mount_memory(target: &CStr, options: &CStr) -> Result<(), i32> {
    mount(c"ostoja", target, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC, options)
}

/// A view of the processes of this pid namespace, which can't be written: there a user with the number 0 may set what
/// belongs to the whole machine, without any capability.
pub(crate) fn mount_processes(target: &CStr) -> Result<(), i32> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    mount(c"proc", target, c"proc", flags, c"")
}

/// Shows a tree at a second place, with all that is mounted below it.
pub(crate) fn bind_tree(source: &CStr, target: &CStr) -> Result<(), i32> {
    mount(source, target, c"none", libc::MS_BIND | libc::MS_REC, c"")
}

/// Takes freedoms from a mount; none is ever given.
pub(crate) fn restrict_mount(target: &CStr, attributes: u64, reach: Reach) -> Result<(), i32> {
    let attributes = MountAttributes { set: attributes, clear: 0, propagation: 0, user_namespace: 0 };
    let flags = match reach {
        Reach::Itself => 0,
        Reach::Tree => WHOLE_TREE,
    };
    // SAFETY: the path is a valid C string, and the attributes are a valid value of the kernel's layout and of the size given.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    checked(returned).map(|_| ())
}

/// Makes `new` the root, with the old one at `old` below it, and enters it.
pub(crate) fn change_to_root(new: &CStr, old: &CStr) -> Result<(), i32> {
    // SAFETY: both are valid C strings.
    let returned = unsafe { libc::syscall(libc::SYS_pivot_root, new.as_ptr(), old.as_ptr()) };
    checked(returned)?;
    super::enter_folder(c"/")
}

/// Takes a mount with all below it out of sight.
pub(crate) fn detach(target: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string.
    let returned = unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    checked(returned.into()).map(|_| ())
}

/// What is there already is as good.
fn made(returned: c_int) -> Result<(), i32> {
    match checked(returned.into()) {
        Ok(_) | Err(libc::EEXIST) => Ok(()),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn make_folder(path: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string.
    made(unsafe { libc::mkdir(path.as_ptr(), 0o755) })
}

/// An empty file, as a place to show another one at.
pub(crate) fn make_file(path: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string. A plain file without a descriptor to close.
    made(unsafe { libc::mknod(path.as_ptr(), libc::S_IFREG | 0o444, 0) })
}

pub(crate) fn make_link(target: &CStr, at: &CStr) -> Result<(), i32> {
    // SAFETY: both are valid C strings.
    made(unsafe { libc::symlink(target.as_ptr(), at.as_ptr()) })
}

pub(crate) fn remove_folder(path: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string.
    let returned = unsafe { libc::rmdir(path.as_ptr()) };
    checked(returned.into()).map(|_| ())
}

/// Becomes the program in this file; returns only the errno for which it could not.
pub(crate) fn exec_file(fd: BorrowedFd<'_>, argv: &Strings<'_>) -> i32 {
    let no_env: [*const c_char; 1] = [ptr::null()];
    // SAFETY: the path is an empty C string, both lists end with a null, and all of it lives through the call.
    let _ = unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd.as_raw_fd(),
            c"".as_ptr(),
            argv.pointers.as_ptr(),
            no_env.as_ptr(),
            libc::AT_EMPTY_PATH,
        )
    };
    errno()
}

/// Children that end leave nothing behind, in the program too: an ignored signal stays ignored across `execve`.
pub(crate) fn forget_children() -> Result<(), i32> {
    let ignore = KernelAction { handler: libc::SIG_IGN, flags: 0, restorer: 0, mask: 0 };
    let old: *mut KernelAction = ptr::null_mut();
    // SAFETY: the action is a valid value of the kernel's layout and a null old action is not written to; the table of
    // dispositions is the child's own.
    let returned = unsafe {
        libc::syscall(libc::SYS_rt_sigaction, libc::SIGCHLD, &raw const ignore, old, SIGNAL_SET_BYTES)
    };
    checked(returned).map(|_| ())
}

pub(crate) fn parent_number() -> i32 {
    // SAFETY: the call takes no argument and touches no memory.
    unsafe { libc::getppid() }
}

/// Ends a process by its number, which must be that of a child that nobody can have reaped yet.
pub(crate) fn end_process(pid: i32) {
    // SAFETY: the call takes two numbers and touches no memory.
    let _ = unsafe { libc::kill(pid, libc::SIGKILL) };
}
