//! The system calls that make namespaces and fill them: mounts, the root, the first process of a pid namespace.
//!
//! The same protocol holds as one level up: nothing is allocated and no pointer kept, since all of it runs in children that share our
//! memory. Everything here changes only what is the child's own: it was born without `CLONE_FS`, and touches mounts in a
//! namespace of its own alone.
#![expect(unsafe_code, reason = "raw system calls have no safe wrapper")]

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::{Handed, KernelAction, SIGNAL_SET_BYTES, Strings, checked, errno};

/// What a mount may not do: bits of `mount_setattr`.
pub(crate) const READ_ONLY: u64 = 1;
pub(crate) const NO_SETUID: u64 = 2;
pub(crate) const NO_DEVICES: u64 = 4;
pub(crate) const NO_PROGRAMS: u64 = 8;

/// `AT_RECURSIVE`: the mount and all below it.
const WHOLE_TREE: libc::c_uint = 0x8000;
/// `AT_EMPTY_PATH`: what the descriptor itself refers to.
const EMPTY_PATH: libc::c_uint = 0x1000;

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
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

/// Mounts that others make or take away appear and go here too, where these tell of it; not the other way round.
pub(crate) fn let_mounts_follow() -> Result<(), i32> {
    mount(c"none", c"/", c"none", libc::MS_REC | libc::MS_SLAVE, c"")
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

/// Shows a folder at its own place, so that it is a mount that can be moved.
pub(crate) fn bind_to_itself(folder: &CStr) -> Result<(), i32> {
    mount(folder, folder, c"none", libc::MS_BIND, c"")
}

/// Moves a mount with all that is mounted below it.
pub(crate) fn move_mount(from: &CStr, to: &CStr) -> Result<(), i32> {
    mount(from, to, c"none", libc::MS_MOVE, c"")
}

/// Lets nobody write any more to the memory that the root is, by whatever mount of it.
pub(crate) fn seal_root() -> Result<(), i32> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_REMOUNT | libc::MS_RDONLY;
    mount(c"none", c"/", c"none", flags, c"")
}

/// Lets nobody write to the root by its own mount; what is shown in it stays as it is.
pub(crate) fn close_root() -> Result<(), i32> {
    let attributes = MountAttributes { set: READ_ONLY, clear: 0, propagation: 0, user_namespace: 0 };
    change_mount(libc::AT_FDCWD, c"/", 0, &attributes)
}

fn change_mount(
    at: RawFd,
    path: &CStr,
    flags: libc::c_uint,
    attributes: &MountAttributes,
) -> Result<(), i32> {
    // SAFETY: the path is a valid C string, and the attributes are a valid value of the kernel's layout and of the size given.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            at,
            path.as_ptr(),
            flags,
            ptr::from_ref(attributes),
            size_of::<MountAttributes>(),
        )
    };
    checked(returned).map(|_| ())
}

/// Takes up a part of the files with all that is mounted below it, as a tree that is mounted nowhere yet.
pub(crate) fn take_up_tree(path: &CStr, tree: &Handed) -> Result<(), i32> {
    /// `OPEN_TREE_CLONE`
    const CLONE: libc::c_uint = 1;
    let flags = CLONE | libc::O_CLOEXEC.cast_unsigned() | WHOLE_TREE;
    // SAFETY: the path is a valid C string; the new descriptor is put where it is owned.
    let returned = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    hand(checked(returned)?, tree)
}

/// Takes freedoms from all of a tree, and cuts its tie to mounts that others make; no freedom is ever given.
pub(crate) fn restrict_tree(tree: &Handed, attributes: u64) -> Result<(), i32> {
    let attributes =
        MountAttributes { set: attributes, clear: 0, propagation: libc::MS_PRIVATE, user_namespace: 0 };
    change_mount(tree.number(), c"", EMPTY_PATH | WHOLE_TREE, &attributes)
}

/// Mounts a tree.
pub(crate) fn mount_tree(tree: &Handed, at: &CStr) -> Result<(), i32> {
    /// `MOVE_MOUNT_F_EMPTY_PATH`
    const FROM_DESCRIPTOR: libc::c_uint = 4;
    // SAFETY: both paths are valid C strings, and the others are numbers.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.number(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            at.as_ptr(),
            FROM_DESCRIPTOR,
        )
    };
    checked(returned).map(|_| ())
}

/// Puts a new descriptor where it is owned.
fn hand(fd: libc::c_long, place: &Handed) -> Result<(), i32> {
    place.put(RawFd::try_from(fd).map_err(|_| libc::EBADF)?);
    Ok(())
}

/// Opens what a namespace of this process is known by, or a folder as a place: for us, whose table it shares.
pub(crate) fn hand_over(path: &CStr, kind: Opened, place: &Handed) -> Result<(), i32> {
    let flags = libc::O_CLOEXEC
        | match kind {
            Opened::Namespace => libc::O_RDONLY,
            Opened::Folder => libc::O_PATH | libc::O_DIRECTORY,
        };
    // SAFETY: the path is a valid C string; the new descriptor is put where it is owned.
    let returned = unsafe { libc::open(path.as_ptr(), flags) };
    hand(checked(returned.into())?, place)
}

/// What is opened for another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    /// By its file among the processes.
    Namespace,
    /// Only to find others from there.
    Folder,
}

/// Makes the working folder, on which something is mounted, the root; the old one is gone after that.
pub(crate) fn change_to_root_here() -> Result<(), i32> {
    // SAFETY: both are valid C strings. The old root comes to lie on top of the new one.
    let returned = unsafe { libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()) };
    checked(returned)?;
    // SAFETY: the pointer is a valid C string.
    let returned = unsafe { libc::umount2(c".".as_ptr(), libc::MNT_DETACH) };
    checked(returned.into())?;
    super::enter_folder(c"/")
}

/// Makes the working folder, on which something is mounted, the root by laying it upon the old one: that stays below, where no path
/// leads to, and costs less than being taken away.
pub(crate) fn lay_upon_root() -> Result<(), i32> {
    move_mount(c".", c"/")?;
    change_root(c".")
}

pub(crate) fn change_root(path: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string. The root is the child's own, since it was born without CLONE_FS.
    let returned = unsafe { libc::chroot(path.as_ptr()) };
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

/// A folder in which everybody may make files, and remove their own.
pub(crate) fn make_temporary_folder(path: &CStr) -> Result<(), i32> {
    // SAFETY: the pointer is a valid C string.
    made(unsafe { libc::mkdir(path.as_ptr(), 0o1777) })
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
