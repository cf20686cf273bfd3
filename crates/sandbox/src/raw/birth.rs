//! The birth of a child that shares our memory until its program runs, on a stack of its own.
//!
//! Why sharing memory is sound:
//! 1. `CLONE_VFORK` stops the launching thread until the child has left our memory by `execve` or `_exit`, so everything it borrows
//!    lives, and nothing of this thread's changes under it.
//! 2. It runs on a stack that is borrowed mutably meanwhile.
//! 3. All signals are blocked before, so no handler of ours ever runs in the child; it makes all dispositions default before it
//!    opens the mask.
//! 4. It shares this thread's `errno`, which is not read across the call.
//! 5. What it changes of itself (folder, masks, limits, rights) is its own, since `CLONE_FS`, `CLONE_SIGHAND` and
//!    `CLONE_THREAD` are not given. So are its descriptors: either `CLONE_FILES` is not given, or its first step takes a
//!    table of its own and it ends when that fails.
//! 6. It never changes whether memory may be dumped, which it would share.
#![expect(unsafe_code, reason = "no safe library gives birth to a child that runs steps of ours")]

use core::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::set_signal_mask;
use crate::cgroup::JoinFds;
use crate::launch::{Recipe, Step, Word, live};

/// 64 KiB: the child's steps use below 8 KiB even unoptimised.
const STACK_BYTES: usize = 64 << 10;
/// One page that can't be touched lies below the stack, so that an overflow is a SIGSEGV of the child and not a change in our memory.
const GUARD_BYTES: usize = 4096;

/// The stack on which a child takes its steps.
#[derive(Debug)]
pub(crate) struct Stack {
    base: *mut c_void,
}

// SAFETY: the mapping belongs to this value alone and is not tied to the thread that made it.
unsafe impl Send for Stack {}

impl Stack {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a null hint with an anonymous private mapping makes new memory and touches none that exists.
        let base =
            unsafe { libc::mmap(core::ptr::null_mut(), GUARD_BYTES + STACK_BYTES, rights, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base };
        // SAFETY: the page is the first of the mapping just made, and nothing lies there yet.
        let returned = unsafe { libc::mprotect(base, GUARD_BYTES, libc::PROT_NONE) };
        if returned == 0 { Ok(stack) } else { Err(io::Error::last_os_error()) }
    }

    /// The lowest address that may be used; 16-byte aligned, since pages are.
    fn bottom(&self) -> u64 {
        self.base.addr() as u64 + GUARD_BYTES as u64
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and no child runs on it: `spawn` borrows it until the child has left it.
        let _ = unsafe { libc::munmap(self.base, GUARD_BYTES + STACK_BYTES) };
    }
}

/// A process that was born, and the step at which it gave up if it did.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) failure: Option<(Step, i32)>,
}

/// What the child finds at its birth.
struct Cradle<'a> {
    recipe: &'a Recipe<'a>,
    parent: i32,
    join: Option<BorrowedFd<'a>>,
    word: &'a Word,
}

/// The child's first function, on its own stack.
extern "C" fn first(cradle: *const Cradle<'_>) -> ! {
    // SAFETY: `spawn` gives a pointer to a value on its own frame, which stands still until this process has left our memory.
    let cradle = unsafe { &*cradle };
    live(cradle.recipe, cradle.parent, cradle.join, cradle.word)
}

/// Gives birth to a child that follows the recipe, and returns when it runs its program, has done its act or has given up.
pub(crate) fn spawn(recipe: &Recipe<'_>, cgroup: Option<&JoinFds>, stack: &mut Stack) -> io::Result<Born> {
    let word = Word::default();
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    let before = set_signal_mask(u64::MAX).map_err(io::Error::from_raw_os_error)?;
    let born = birth(Cradle { recipe, parent, join: None, word: &word }, cgroup, stack);
    // Restoring what was there before can't fail.
    let _ = set_signal_mask(before);
    let (pid, pidfd) = born.map_err(io::Error::from_raw_os_error)?;
    Ok(Born { pid, pidfd, failure: word.read() })
}

/// The bit lies above the 32 that the C library's type has room for.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

const FLAGS: i32 = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;

/// By `clone3`, which can put the child into its cgroup at birth; by `clone` where a filter or an old kernel answers that
/// there is no such call.
fn birth<'a>(
    mut cradle: Cradle<'a>,
    cgroup: Option<&'a JoinFds>,
    stack: &mut Stack,
) -> Result<(u32, OwnedFd), i32> {
    let mut pidfd: c_int = -1;
    let into_cgroup = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
    let flags = FLAGS | if cradle.recipe.table_end.is_some() { libc::CLONE_FILES } else { 0 };
    let args = libc::clone_args {
        flags: flags as u64 | into_cgroup,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: stack.bottom(),
        stack_size: STACK_BYTES as u64,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |fds| fds.dir.as_raw_fd() as u64),
    };
    let modern =
        [(&raw const args).expose_provenance() as u64, size_of::<libc::clone_args>() as u64, 0, 0, 0];
    let mut returned = clone_onto(libc::SYS_clone3, modern, &cradle);
    if returned == -i64::from(libc::ENOSYS) {
        cradle.join = cradle.recipe.join;
        let top = stack.bottom() + STACK_BYTES as u64;
        let pidfd_place = (&raw mut pidfd).expose_provenance() as u64;
        let old = [flags as u64 | libc::SIGCHLD as u64, top, pidfd_place, 0, 0];
        returned = clone_onto(libc::SYS_clone, old, &cradle);
    }
    if returned < 0 {
        return Err(i32::try_from(-returned).unwrap_or(libc::EIO));
    }
    // SAFETY: the call succeeded with CLONE_PIDFD, so the kernel has put a new descriptor there that nobody else knows.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok((u32::try_from(returned).expect("numbers of processes are positive and small"), pidfd))
}

/// The call itself. In the child it goes on in [`first`] on the new stack and never comes back here.
fn clone_onto(number: libc::c_long, args: [u64; 5], cradle: &Cradle<'_>) -> i64 {
    let returned: i64;
    let cradle: *const Cradle<'_> = cradle;
    // SAFETY: as glibc's own `clone`: the parent passes through as through any system call (rcx and r11 are lost, memory is
    // assumed to change). The child has rax = 0, all other registers as set here and the stack pointer at the 16-byte aligned top of its own
    // stack; it calls `first`, which never returns, so no frame of the parent is ever used by both. Addresses in `args` are valid
    // until the call returns, since they belong to the caller's frame.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") number => returned,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r12") cradle,
            in("r13") first as extern "C" fn(*const Cradle<'static>) -> !,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    returned
}
