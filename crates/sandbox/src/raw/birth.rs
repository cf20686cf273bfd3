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
//!
//! A child with a pid namespace of its own has a nanny: a process that enters the namespaces, gives birth to the first process of
//! the new one and then to the child, both as our own children (`CLONE_PARENT`), and ends. The same six points hold for it and for
//! them: each waits for the one that it gave birth to, and each has a part of the stack to itself. The nanny keeps sharing our table
//! of descriptors, closes nothing, and so puts the two pidfds, and an empty network if she makes one, where we find them.
//!
//! A builder shares our table too, for the same reason. It never leaves our memory by `execve`: it ends when it has built.
#![expect(unsafe_code, reason = "no safe library gives birth to a child that runs steps of ours")]

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicI32, Ordering};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Handed, set_signal_mask};
use crate::cgroup::JoinFds;
use crate::house::{Founding, Works};
use crate::launch::{Recipe, Step, Word, live};

/// 64 KiB: the child's steps use below 8 KiB even unoptimised, a nanny's too.
const STACK_BYTES: usize = 64 << 10;
/// 32 KiB for those that a nanny gives birth to, one after the other; the nanny has the upper half.
const NURSLING_STACK_BYTES: usize = STACK_BYTES / 2;
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
    pub(crate) failure: Option<Failure>,
}

/// A child, and the first process of its pid namespace when it has one of its own.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) born: Born,
    pub(crate) init: Option<OwnedFd>,
    /// The network that was made for it, also when it gave up later.
    pub(crate) net: Option<OwnedFd>,
}

/// What a process finds at its birth.
pub(crate) struct Cradle<'a> {
    pub(crate) role: Role<'a>,
    /// The number that its parent has for it; 0 when that is outside of its pid namespace.
    pub(crate) parent: i32,
    pub(crate) join: Option<BorrowedFd<'a>>,
    pub(crate) word: &'a Word,
}

/// What it is to become.
#[derive(Clone, Copy)]
pub(crate) enum Role<'a> {
    /// The program.
    Child(&'a Recipe<'a>),
    /// The one that brings the next two into the world.
    Nanny(&'a Recipe<'a>, &'a Nursery),
    /// The first process of the child's pid namespace.
    Init(&'a Recipe<'a>),
    /// The one that builds namespaces and hands them to us.
    Builder(&'a Works<'a>),
    /// The one that makes the user namespace.
    Founder(&'a Founding<'a>),
}

impl<'a> Role<'a> {
    /// Its group's list of members.
    fn join(self) -> Option<BorrowedFd<'a>> {
        match self {
            Self::Child(recipe) => recipe.join,
            Self::Nanny(..) | Self::Init(_) | Self::Builder(_) | Self::Founder(_) => None,
        }
    }
}

/// Where a nanny says whom she gave birth to.
#[derive(Debug)]
pub(crate) struct Nursery {
    /// An empty network, if she was to make one.
    pub(crate) net: Handed,
    init: Place,
    child: Place,
    /// The lowest address of the stack that both use, one after the other.
    nursling_stack: u64,
    /// The folder of the child's group. The first process stays out of it, so that a group is empty when its module has ended.
    group: Option<RawFd>,
}

/// One process: its number, 0 while there is none, and its pidfd.
#[derive(Debug)]
struct Place {
    pid: AtomicI32,
    pidfd: Handed,
}

impl Place {
    fn empty() -> Self {
        Self { pid: AtomicI32::new(0), pidfd: Handed::empty() }
    }

    fn put(&self, (pid, pidfd): (i32, RawFd)) {
        self.pid.store(pid, Ordering::Relaxed);
        self.pidfd.put(pidfd);
    }

    /// Called once, after the nanny has ended.
    fn take(&self) -> Option<(u32, OwnedFd)> {
        let pidfd = self.pidfd.take()?;
        Some((self.pid.load(Ordering::Relaxed).cast_unsigned(), pidfd))
    }
}

/// A step that failed, its errno, and which of several things it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: i32,
    pub(crate) which: u16,
}

/// The process's first function, on its own stack.
extern "C" fn first(cradle: *const Cradle<'_>) -> ! {
    // SAFETY: whoever gave birth to it made the value on its own frame, and stands still until this process has left our memory.
    let cradle = unsafe { &*cradle };
    live(cradle)
}

/// Gives birth to a child that follows the recipe, and returns when it runs its program, has done its act or has given up.
pub(crate) fn spawn(recipe: &Recipe<'_>, cgroup: Option<&JoinFds>, stack: &mut Stack) -> io::Result<Family> {
    if recipe.spaces.as_ref().is_some_and(|spaces| spaces.init.is_some()) {
        return spawn_by_nanny(recipe, cgroup, stack);
    }
    let word = Word::default();
    let own_table = if recipe.table_end.is_some() { libc::CLONE_FILES } else { 0 };
    let born = spawn_as(Role::Child(recipe), &word, own_table, cgroup, stack)?;
    Ok(Family { born, init: None, net: None })
}

/// Has the works done, and returns when that has come to its end: with the step at which it did, if it failed.
pub(crate) fn spawn_builder(works: &Works<'_>, stack: &mut Stack) -> io::Result<Option<Failure>> {
    let builder = spawn_as(Role::Builder(works), &Word::default(), libc::CLONE_FILES, None, stack)?;
    // Another thread that reaps strangers may have been quicker; its end tells nothing.
    let _ = crate::reap::wait(builder.pidfd.as_fd());
    Ok(builder.failure)
}

/// Gives birth to the one that makes the user namespace, and returns when it holds it, or has given up.
pub(crate) fn spawn_founder(founding: &Founding<'_>, stack: &mut Stack) -> io::Result<Born> {
    spawn_as(Role::Founder(founding), &Word::default(), 0, None, stack)
}

fn spawn_by_nanny(recipe: &Recipe<'_>, cgroup: Option<&JoinFds>, stack: &mut Stack) -> io::Result<Family> {
    let word = Word::default();
    let nursery = Nursery {
        net: Handed::empty(),
        init: Place::empty(),
        child: Place::empty(),
        nursling_stack: stack.bottom(),
        group: cgroup.map(|group| group.dir.as_raw_fd()),
    };
    let nanny = spawn_as(Role::Nanny(recipe, &nursery), &word, libc::CLONE_FILES, None, stack)?;
    // Another thread that reaps strangers may have been quicker; its end tells nothing.
    let _ = crate::reap::wait(nanny.pidfd.as_fd());
    let net = nursery.net.take();
    let init = nursery.init.take().map(|(_, pidfd)| pidfd);
    match nursery.child.take() {
        Some((pid, pidfd)) => Ok(Family { born: Born { pid, pidfd, failure: nanny.failure }, init, net }),
        // The first process, if there is one, has ended or is ended by the nanny: the child that gave up is she herself.
        None => {
            if let Some(init) = init {
                let _ = crate::reap::wait(init.as_fd());
            }
            Ok(Family { born: nanny, init: None, net })
        }
    }
}

fn spawn_as(
    role: Role<'_>,
    word: &Word,
    flags: c_int,
    cgroup: Option<&JoinFds>,
    stack: &mut Stack,
) -> io::Result<Born> {
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    let before = set_signal_mask(u64::MAX).map_err(io::Error::from_raw_os_error)?;
    let group = cgroup.map(|group| group.dir.as_raw_fd());
    let place = (stack.bottom(), STACK_BYTES as u64);
    let born = birth(Cradle { role, parent, join: None, word }, FLAGS | flags, group, place);
    // Restoring what was there before can't fail.
    let _ = set_signal_mask(before);
    let (pid, pidfd) = born.map_err(io::Error::from_raw_os_error)?;
    // SAFETY: the call succeeded with CLONE_PIDFD, so the kernel has put a new descriptor there that nobody else knows.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Born { pid: pid.cast_unsigned(), pidfd, failure: word.read() })
}

impl Nursery {
    /// Gives birth to the first process of the namespace, and returns when it has left our memory.
    pub(crate) fn init(&self, cradle: Cradle<'_>, flags: c_int) -> Result<(), i32> {
        self.nurse(cradle, flags, None).map(|born| self.init.put(born))
    }

    /// Gives birth to the child, and returns when it has left our memory.
    pub(crate) fn child(&self, cradle: Cradle<'_>, flags: c_int) -> Result<(), i32> {
        self.nurse(cradle, flags, self.group).map(|born| self.child.put(born))
    }

    /// One of the two, whose parent is the nanny's own.
    fn nurse(&self, cradle: Cradle<'_>, flags: c_int, group: Option<RawFd>) -> Result<(i32, RawFd), i32> {
        let place = (self.nursling_stack, NURSLING_STACK_BYTES as u64);
        birth(cradle, FLAGS | libc::CLONE_PARENT | flags, group, place)
    }

    /// Ends the first process, and all of its namespace with it.
    pub(crate) fn end(&self) {
        let init = self.init.pid.load(Ordering::Relaxed);
        if init > 0 {
            super::end_process(init);
        }
    }
}

/// The bit lies above the 32 that the C library's type has room for.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

const FLAGS: i32 = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;

/// By `clone3`, which can put the child into its cgroup at birth; by `clone` where a filter or an old kernel answers that
/// there is no such call. Gives its number and its pidfd. `stack` is the lowest address and the length.
///
/// A nanny calls it too, so it allocates nothing and can't panic.
fn birth(
    mut cradle: Cradle<'_>,
    flags: c_int,
    group: Option<RawFd>,
    stack: (u64, u64),
) -> Result<(i32, RawFd), i32> {
    let mut pidfd: c_int = -1;
    let into_cgroup = if group.is_some() { CLONE_INTO_CGROUP } else { 0 };
    // A child of the nanny's parent tells its end as the nanny does.
    let exit_signal = if flags & libc::CLONE_PARENT == 0 { libc::SIGCHLD } else { 0 };
    let args = libc::clone_args {
        flags: flags as u64 | into_cgroup,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: exit_signal as u64,
        stack: stack.0,
        stack_size: stack.1,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: group.map_or(0, |dir| dir as u64),
    };
    let modern =
        [(&raw const args).expose_provenance() as u64, size_of::<libc::clone_args>() as u64, 0, 0, 0];
    let mut returned = clone_onto(libc::SYS_clone3, modern, &cradle);
    if returned == -i64::from(libc::ENOSYS) {
        cradle.join = cradle.role.join();
        let pidfd_place = (&raw mut pidfd).expose_provenance() as u64;
        let old = [flags as u64 | exit_signal as u64, stack.0 + stack.1, pidfd_place, 0, 0];
        returned = clone_onto(libc::SYS_clone, old, &cradle);
    }
    match i32::try_from(returned) {
        Ok(pid) if pid > 0 => Ok((pid, pidfd)),
        Ok(errno) => Err(-errno),
        Err(_) => Err(libc::EIO),
    }
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
