//! The launcher: everything that can be done ahead is done once in `prepare`; `launch` then costs one birth and one `execve`.
//!
//! The child is born by `clone3` with `CLONE_VM | CLONE_VFORK | CLONE_PIDFD`, as the C library's own `posix_spawn` does it: it
//! shares our memory until `execve` and we stand still meanwhile, so that a large kernel process is never copied. See `child` for
//! what the child does and `raw` for why that is sound.

use std::ffi::{CString, OsString};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, fcntl_setfl};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::cgroup::JoinFds;
use crate::confinement::Confinement;
use crate::house::{self, House};
use crate::layer::Layer;
use crate::raw::{self, Failure};
use crate::{ruleset, seccomp};

mod berths;
mod child;
mod error;
mod innermost;
mod nanny;
mod program;
mod watched;

pub use berths::Berths;
use berths::Moored;
pub(crate) use child::{Init, Last, Recipe, Spaces, Word, live};
pub use error::{Blame, LaunchError, Step};
pub use innermost::Innermost;
pub(crate) use watched::Telling;
pub use watched::Watched;

/// 12 descriptors beside stdin, stdout and stderr: sockets handed over by the host; more would be a list in a file.
const EXTRA_FDS_MAX: usize = 12;

/// Descriptors that the child still needs lie from here on, so that putting others at 0 to 14 can never overwrite one.
pub(crate) const FDS_FROM: i32 = 16;

/// Where the child's standard input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// A pipe; its other end is [`Child::stdin`].
    Piped,
    /// `/dev/null`.
    Null,
}

/// What the child leads, so that it can be signalled with all that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// A session of its own, without a terminal.
    Session,
    /// A process group of its own in our session: it keeps the terminal.
    Group,
}

/// What to launch. Nothing is inherited that is not in here.
pub struct Launch {
    /// Program and arguments. A program without `/` is looked for in the `PATH` of `env`; a relative one starts in `cwd`.
    pub argv: Vec<OsString>,
    /// The whole environment, in this order.
    pub env: Vec<(OsString, OsString)>,
    /// The working folder.
    pub cwd: PathBuf,
    /// Where standard input comes from.
    pub stdin: Stdin,
    /// What the child leads.
    pub apart: Apart,
    /// What it is held to.
    pub confinement: Confinement,
    /// Descriptors that the child gets as 3, 4, 5 and so on; at most 12.
    pub extra_fds: Vec<OwnedFd>,
    /// A cgroup v2 folder that the child is born into.
    pub cgroup: Option<PathBuf>,
}

impl fmt::Debug for Launch {
    /// Arguments and values of variables may hold secrets, so only their number and names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&OsString> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Launch")
            .field("program", &self.argv.first())
            .field("arguments", &self.argv.len().saturating_sub(1))
            .field("env", &names)
            .field("cwd", &self.cwd)
            .field("stdin", &self.stdin)
            .field("apart", &self.apart)
            .field("confinement", &self.confinement)
            .field("extra_fds", &self.extra_fds)
            .field("cgroup", &self.cgroup)
            .finish()
    }
}

/// A launched process. Dropping it closes the pipes and the pidfd; the process is left alone, unless it has a pid
/// namespace of its own: that ends with [`Innermost`].
#[derive(Debug)]
pub struct Child {
    /// Its number; good until it is reaped, so prefer the pidfd.
    pub pid: u32,
    /// Refers to this process for ever, whoever gets its number later. Readable once it has ended.
    pub pidfd: OwnedFd,
    /// Our end of its standard input, when that is a pipe; never blocks.
    pub stdin: Option<OwnedFd>,
    /// Our end of its standard output; never blocks.
    pub stdout: OwnedFd,
    /// Our end of its standard error; never blocks.
    pub stderr: OwnedFd,
    /// What holds its pid namespace, when it has one of its own: to be kept as long as the process is to live.
    pub innermost: Option<Innermost>,
    /// Where its calls to the network wait for an answer, when its confinement has [`Layer::NetBroker`]: for
    /// [`crate::broker::serve`]. Without anybody who answers it has no network.
    pub watched: Option<Watched>,
}

/// A launch with all its strings, rules and filters made. Launch it as often as needed; paths that its rules
/// name are those that existed when it was prepared.
pub struct Prepared {
    program: PathBuf,
    exec: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: CString,
    folder: PathBuf,
    stdin: Option<OwnedFd>,
    apart: Apart,
    extra_fds: Vec<OwnedFd>,
    cgroup: Option<JoinFds>,
    house: House,
    ruleset: Option<OwnedFd>,
    skipped: Vec<PathBuf>,
    capabilities: Option<u32>,
    filter: Arc<[libc::sock_filter]>,
    rlimits: Vec<raw::Bound>,
    confinement: Confinement,
    /// Made by the first launch that does not come from berths.
    stack: Option<raw::Stack>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("program", &self.program)
            .field("confinement", &self.confinement)
            .finish_non_exhaustive()
    }
}

impl Launch {
    /// Does everything that can be done before the child exists: finds the program, makes all strings, opens the
    /// Landlock rules, compiles the filter.
    ///
    /// # Errors
    /// One variant of [`LaunchError`] for each thing that can't be made.
    pub fn prepare(self) -> Result<Prepared, LaunchError> {
        let program = program::find(&self.argv, &self.env, &self.cwd)?;
        let mut confinement = program::admitted(self.confinement, &program, |name| {
            program::find(&[OsString::from(name)], &self.env, &self.cwd).ok()
        });
        confinement.open_when_observed();
        let cwd = c_string(self.cwd.clone().into_os_string(), "working folder")?;
        let (house, opened) = house::open(&confinement, &self.cwd, |root| ruleset::open(&confinement, root))?;
        let (ruleset, mut skipped) = match opened {
            Some(opened) => (Some(lifted(opened.fd)?), opened.skipped),
            None => (None, Vec::new()),
        };
        skipped
            .extend(house.hidden.iter().filter(|path| !skipped.contains(path)).cloned().collect::<Vec<_>>());
        // What this machine does not give is not claimed.
        confinement.layers.retain(|layer| !house.missing.iter().any(|(missing, _)| missing == layer));
        if house.names.is_none() || !confinement.has(Layer::Seccomp) {
            // In the machine's network, what the broker does not open would not be nowhere; it then has the ports alone.
            confinement.layers.retain(|layer| *layer != Layer::NetBroker);
        }
        let watch = match confinement.observed {
            _ if !confinement.has(Layer::NetBroker) => seccomp::Watch::Nothing,
            None => seccomp::Watch::Network,
            Some(_) => seccomp::Watch::Wants,
        };
        let filter = match confinement.has(Layer::Seccomp) {
            true => seccomp::compiled(confinement.denials(), confinement.groups(), watch),
            false => Arc::default(),
        };
        let rlimits = if confinement.has(Layer::Rlimits) { confinement.rlimits() } else { &[] };
        if self.extra_fds.len() > EXTRA_FDS_MAX {
            return Err(LaunchError::TooManyFds { given: self.extra_fds.len(), most: EXTRA_FDS_MAX });
        }
        Ok(Prepared {
            exec: c_string(program.as_os_str().to_owned(), "program")?,
            argv: self.argv.into_iter().map(|word| c_string(word, "argument")).collect::<Result<_, _>>()?,
            env: self.env.into_iter().map(variable).collect::<Result<_, _>>()?,
            cwd,
            folder: self.cwd,
            stdin: null_input(self.stdin)?,
            apart: self.apart,
            extra_fds: self.extra_fds.into_iter().map(lifted).collect::<Result<_, _>>()?,
            cgroup: self.cgroup.map(JoinFds::open).transpose()?,
            rlimits: rlimits.iter().map(raw::Bound::of).collect(),
            capabilities: kept_capabilities(&confinement),
            program,
            house,
            ruleset,
            skipped,
            filter,
            confinement,
            stack: None,
        })
    }
}

impl Prepared {
    /// What the child is held to, with the rules that its own program needed.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// The file that is run.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Namespaces that the confinement asked for and this machine did not give, each with the reason.
    pub fn missing(&self) -> &[(Layer, String)] {
        &self.house.missing
    }

    /// Paths of the confinement that were not there when it was prepared, and so can't be used by the child.
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Starts one child and returns when its program runs.
    ///
    /// Call it on a thread that lives as long as the process: the child gets SIGKILL when this *thread* ends, however it ends.
    /// The thread stands still until the program runs, about as long as a plain spawn takes.
    ///
    /// # Errors
    /// `Pipe` and `Birth` when the machine gives no pipe or process; all others name the step at which the child gave up.
    pub fn launch(&mut self) -> Result<Child, LaunchError> {
        self.start(None)
    }

    /// The same by way of these berths: its price does not grow with the number of descriptors that this process has.
    ///
    /// # Errors
    /// As [`Prepared::launch`].
    pub fn launch_from(&mut self, berths: &mut Berths) -> Result<Child, LaunchError> {
        self.start(Some(berths))
    }

    /// The same, from berths if there are some, with descriptors that this child alone gets: it finds them after those
    /// that all children of this launch get. They are closed here when it runs.
    ///
    /// # Errors
    /// `TooManyFds`, and as [`Prepared::launch`].
    pub fn launch_handing(
        &mut self,
        berths: Option<&mut Berths>,
        handed: Vec<OwnedFd>,
    ) -> Result<Child, LaunchError> {
        let (kept, given) = (self.extra_fds.len(), self.extra_fds.len() + handed.len());
        if given > EXTRA_FDS_MAX {
            return Err(LaunchError::TooManyFds { given, most: EXTRA_FDS_MAX });
        }
        let handed: Vec<OwnedFd> = handed.into_iter().map(lifted).collect::<Result<_, _>>()?;
        self.extra_fds.extend(handed);
        let launched = self.start(berths);
        self.extra_fds.truncate(kept);
        launched
    }

    fn start(&mut self, berths: Option<&mut Berths>) -> Result<Child, LaunchError> {
        let (stdin_child, stdin) = match &self.stdin {
            Some(_) => (None, None),
            None => {
                let (child, ours) = pipe()?;
                (Some(lifted(child)?), Some(not_blocking(ours)?))
            }
        };
        let (stdout, stdout_child) = output_pipe()?;
        let (stderr, stderr_child) = output_pipe()?;
        let argv = raw::Strings::of(&self.argv);
        let env = raw::Strings::of(&self.env);
        let input = stdin_child.as_ref().or(self.stdin.as_ref()).expect("stdin is a pipe or /dev/null");
        let stdio = [input.as_fd(), stdout_child.as_fd(), stderr_child.as_fd()];
        let names = self.house.names.as_ref().filter(|_| self.confinement.has(Layer::NetBroker));
        let telling = names.map(Telling::new).transpose()?;
        let ruleset = self.ruleset.as_ref().map(AsFd::as_fd);
        let join = self.cgroup.as_ref().map(|fds| fds.procs.as_fd());
        let watch = telling.as_ref().map(Telling::end);
        let fixed = [ruleset, join, self.house.init(), watch];
        let moored = berths.map(|berths| berths.moor(stdio, fixed, &self.extra_fds)).transpose();
        let (moored, stack) = moored.map_err(LaunchError::Pipe)?.unzip();
        let stack = match (stack, &mut self.stack) {
            (Some(stack), _) | (None, Some(stack)) => stack,
            (None, none) => none.insert(raw::Stack::new().map_err(LaunchError::Stack)?),
        };
        let moored = moored.as_ref();
        let first = house::words();
        let recipe = Recipe {
            table_end: moored.map(|_| Berths::end()),
            stdio: moored.map_or(stdio, Moored::stdio),
            extra_fds: moored.map_or(&self.extra_fds, |moored| moored.extra(self.extra_fds.len())),
            join: join.map(|join| moored.map_or(join, Moored::join)),
            apart: self.apart,
            spaces: self.house.spaces(moored.map(Moored::init), &first),
            cwd: Some(&self.cwd),
            umask: self.confinement.umask,
            rlimits: &self.rlimits,
            no_new_privs: self.confinement.has(Layer::NoNewPrivs),
            ruleset: ruleset.map(|ruleset| moored.map_or(ruleset, Moored::ruleset)),
            filter: &self.filter,
            watch: watch.map(|watch| moored.map_or(watch, Moored::watch)),
            capabilities: self.capabilities,
            last: Last::Exec { program: &self.exec, argv: &argv, env: &env },
        };
        let family = raw::spawn(&recipe, self.cgroup.as_ref(), stack).map_err(LaunchError::Birth)?;
        let watched = telling.as_ref().map(Telling::read).transpose();
        drop(telling);
        self.house.keep_net(family.net);
        let (born, innermost) = (family.born, family.init.map(Innermost::new));
        let refused = match (born.failure, watched) {
            (None, Ok(watched)) => {
                let (pid, pidfd) = (born.pid, born.pidfd);
                return Ok(Child { pid, pidfd, stdin, stdout, stderr, innermost, watched });
            }
            (Some(failure), _) => self.explained(failure),
            (None, Err(error)) => {
                let _ = raw::pidfd_signal(born.pidfd.as_fd(), libc::SIGKILL);
                error
            }
        };
        // It has ended already, or is about to; its end belongs to nobody else.
        let _ = crate::reap::wait(born.pidfd.as_fd());
        if let Some(innermost) = innermost {
            innermost.end();
        }
        Err(refused)
    }

    fn explained(&self, failure: Failure) -> LaunchError {
        let source = io::Error::from_raw_os_error(failure.errno);
        match failure.step {
            Step::Folder => LaunchError::Folder { folder: self.folder.clone(), source },
            Step::Exec => LaunchError::exec(&self.program, source),
            step => LaunchError::Step { step, source },
        }
    }
}

/// The capabilities that a child keeps: never one that this process does not have itself, although a user namespace of its own would
/// give it all of them.
fn kept_capabilities(confinement: &Confinement) -> Option<u32> {
    let own = raw::own_capabilities().unwrap_or(0);
    confinement.has(Layer::Capabilities).then_some(own & raw::CAPABILITIES_KEPT)
}

/// A pipe as (reading end, writing end), both closed in every program that is run.
fn pipe() -> Result<(OwnedFd, OwnedFd), LaunchError> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|errno| LaunchError::Pipe(errno.into()))
}

/// A pipe for output as (our end, the child's end).
fn output_pipe() -> Result<(OwnedFd, OwnedFd), LaunchError> {
    let (ours, child) = pipe()?;
    Ok((not_blocking(ours)?, lifted(child)?))
}

/// The flag belongs to this end alone: the child's end stays as programs expect it.
fn not_blocking(fd: OwnedFd) -> Result<OwnedFd, LaunchError> {
    fcntl_setfl(&fd, OFlags::NONBLOCK).map_err(|errno| LaunchError::Pipe(errno.into()))?;
    Ok(fd)
}

/// The same descriptor at a number that the child's own can't overwrite.
pub(crate) fn lifted(fd: OwnedFd) -> Result<OwnedFd, LaunchError> {
    if fd.as_raw_fd() >= FDS_FROM {
        return Ok(fd);
    }
    fcntl_dupfd_cloexec(&fd, FDS_FROM).map_err(|errno| LaunchError::Pipe(errno.into()))
}

fn null_input(stdin: Stdin) -> Result<Option<OwnedFd>, LaunchError> {
    match stdin {
        Stdin::Piped => Ok(None),
        Stdin::Null => {
            let opened = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
            lifted(opened.map_err(|errno| LaunchError::Pipe(errno.into()))?).map(Some)
        }
    }
}

fn c_string(text: OsString, what: &'static str) -> Result<CString, LaunchError> {
    CString::new(text.into_vec()).map_err(|_| LaunchError::NulByte { what })
}

fn variable((name, value): (OsString, OsString)) -> Result<CString, LaunchError> {
    if name.is_empty() || name.as_encoded_bytes().contains(&b'=') {
        return Err(LaunchError::VariableName);
    }
    let mut text = name;
    text.push("=");
    text.push(value);
    c_string(text, "environment variable")
}
