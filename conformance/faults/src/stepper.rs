//! Runs a program, stops each of its threads at every system call, and spoils the one that is wanted. What the program
//! starts is not followed: a module has a disk of its own.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::calls::{Call, Kind, call_of};
use crate::plan::{Fault, Plan};

/// What the system says at the end of a call, instead of making it.
const NO_CALL: u64 = u64::MAX;

/// What became of a program.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Its file system calls while they were counted, in order.
    pub(crate) calls: Vec<Call>,
    /// Whether the wanted one came.
    pub(crate) hit: bool,
    /// Its exit code; 128 and the signal when it was killed.
    pub(crate) code: i32,
}

/// A program that is being stepped through.
struct Stepper<'a> {
    plan: &'a Plan,
    home: PathBuf,
    main: Pid,
    /// Threads in a call that is not made, and what it is to give.
    spoiled: BTreeMap<Pid, Errno>,
    known: HashSet<Pid>,
    seen: u64,
    /// The disk is full from here on.
    is_full: bool,
    told: Told,
}

/// Runs a program to its end.
///
/// # Errors
/// When it can't be started or watched.
pub(crate) fn run(plan: &Plan, words: &[String]) -> Result<Told> {
    let home = plan.home.canonicalize().context("finding the home")?;
    // It stops itself before it becomes the program, so that it is watched from the first call on.
    let mut command = Command::new("sh");
    command.args(["-c", "kill -STOP $$; exec \"$@\"", "sh"]).args(words);
    let child = command.spawn().context("starting the program")?;
    let main = Pid::from_raw(i32::try_from(child.id()).context("a pid")?);
    let stopped = waitpid(main, Some(WaitPidFlag::WUNTRACED)).context("waiting for the program")?;
    if !matches!(stopped, WaitStatus::Stopped(..)) {
        bail!("the program did not stop before it began: {stopped:?}");
    }
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options).context("taking hold of the program")?;
    kill(main, Signal::SIGCONT).context("letting the program begin")?;
    let mut stepper = Stepper {
        plan,
        home,
        main,
        spoiled: BTreeMap::new(),
        known: HashSet::from([main]),
        seen: 0,
        is_full: false,
        told: Told::default(),
    };
    while stepper.step()? == Goes::On {}
    Ok(stepper.told)
}

/// Whether the program still runs.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Ended,
}

impl Stepper<'_> {
    fn step(&mut self) -> Result<Goes> {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::PtraceSyscall(thread)) => {
                self.at_call(thread);
                go_on(thread, None);
            }
            Ok(WaitStatus::PtraceEvent(thread, ..)) => self.at_event(thread),
            Ok(WaitStatus::Stopped(thread, signal)) => go_on(thread, Some(signal)),
            Ok(WaitStatus::Exited(pid, code)) if pid == self.main => {
                self.told.code = code;
                return Ok(Goes::Ended);
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.main => {
                self.told.code = 128 + signal as i32;
                return Ok(Goes::Ended);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("waiting for the program"),
        }
        Ok(Goes::On)
    }

    /// A new thread, or a new program in the place of the old one.
    fn at_event(&mut self, thread: Pid) {
        if self.known.insert(thread) && !self.is_ours(thread) {
            // A child that was born in an unusual way.
            let _gone = ptrace::detach(thread, None);
            return;
        }
        go_on(thread, None);
    }

    fn is_ours(&self, thread: Pid) -> bool {
        std::path::Path::new(&format!("/proc/{}/task/{thread}", self.main)).is_dir()
    }

    fn at_call(&mut self, thread: Pid) {
        let Ok(info) = ptrace::syscall_info(thread) else { return };
        if info.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            if let Some(errno) = self.spoiled.remove(&thread) {
                set(thread, |regs| regs.rax = (-(errno as i64)).cast_unsigned());
            }
            return;
        }
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY || !self.plan.is_armed() {
            return;
        }
        let Some(call) = call_of(thread, &self.home) else { return };
        let is_wanted = self.plan.target.as_ref().is_some_and(|target| target.key == call.key);
        self.seen += u64::from(is_wanted);
        let is_it = is_wanted
            && !self.told.hit
            && self.plan.target.as_ref().is_some_and(|target| target.nth == self.seen);
        if is_it {
            self.told.hit = true;
        }
        self.spoil(thread, &call, is_it);
        self.told.calls.push(call);
    }

    fn spoil(&mut self, thread: Pid, call: &Call, is_it: bool) {
        let fault = self.plan.target.as_ref().map(|target| target.fault);
        match fault {
            Some(Fault::Kill) if is_it => drop(kill(self.main, Signal::SIGKILL)),
            Some(Fault::Broken) if is_it => self.refuse(thread, Errno::EIO),
            Some(Fault::Full) if is_it && call.kind == Kind::Write => {
                // The last room there is takes the first half.
                self.is_full = true;
                set(thread, |regs| regs.rdx /= 2);
            }
            Some(Fault::Full) if (is_it || self.is_full) && needs_room(call) => {
                self.is_full = true;
                self.refuse(thread, Errno::ENOSPC);
            }
            _ => {}
        }
    }

    fn refuse(&mut self, thread: Pid, errno: Errno) {
        self.spoiled.insert(thread, errno);
        set(thread, |regs| regs.orig_rax = NO_CALL);
    }
}

fn needs_room(call: &Call) -> bool {
    matches!(call.kind, Kind::Grow | Kind::Write)
}

/// A thread that has died meanwhile needs nothing.
fn go_on(thread: Pid, signal: Option<Signal>) {
    let _gone = ptrace::syscall(thread, signal);
}

fn set(thread: Pid, change: impl FnOnce(&mut libc::user_regs_struct)) {
    if let Ok(mut regs) = ptrace::getregs(thread) {
        change(&mut regs);
        let _gone = ptrace::setregs(thread, regs);
    }
}
