//! The way to the network of modules whose `net` names places: a little process of the same binary, the *net helper*, that answers
//! their calls (`sandbox::broker`). The kernel's own process opens no internet socket, and no module can make it wait.
//!
//! The helper is started by the first module that needs it. Each life is handed over once, with two descriptors, and what it is refused
//! is told back. When the helper ends, these modules have no network until they start again; the next launch starts another helper.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use abi::{Generation, ModuleId, Permissions, Record};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    recv, sendmsg, socketpair,
};
use sandbox::broker::{Grounds, Manner, Whose};
use sandbox::probe::Report;
use sandbox::{Access, Layer, Outside, PathRule, Prepared, Watched};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_local;

use crate::files::blueprint::Blueprint;
use crate::launch;
use crate::observe::Seen;
use crate::shell::Handle;
use crate::tasks;

mod lives;
mod process;
mod swap;

pub use process::net_helper_main;
pub(crate) use swap::bearer;

/// 64 KiB for one message: thousands of `net` values.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What the helper is told.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    /// A life that is handed over; its two descriptors go with it.
    Life(Handed),
    /// Other places for a life that was handed over.
    Reach { module: String, generation: u64, net: BTreeSet<String> },
}

/// A life that is handed over.
#[derive(Debug, Serialize, Deserialize)]
struct Handed {
    module: String,
    generation: u64,
    #[serde(flatten)]
    terms: Terms,
}

/// How a life's calls are to be answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The `net` that it was granted.
    pub(crate) net: BTreeSet<String>,
    /// For one that is observed.
    pub(crate) watching: Option<Watching>,
}

impl Terms {
    /// Those of a life that nobody observes.
    pub(crate) fn of(net: &BTreeSet<String>) -> Self {
        Self { net: net.clone(), watching: None }
    }
}

/// What an observed life's wants are judged by.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Watching {
    is_open: bool,
    /// Path, what may be done there, and whether it was granted.
    rules: Vec<(PathBuf, String, bool)>,
}

impl Watching {
    /// Nothing for a life that nobody observes.
    pub(crate) fn of(
        blueprint: &Blueprint,
        effective: &Permissions,
        user_home: &Path,
        prepared: &Prepared,
    ) -> Option<Self> {
        let confinement = prepared.confinement();
        let manner = confinement.observed()?;
        let rules = launch::grounds(blueprint, effective, user_home, confinement).into_iter();
        let rule = |(rule, whose): (PathRule, Whose)| {
            (rule.path, rule.access.as_str().to_owned(), whose == Whose::Granted)
        };
        Some(Self { is_open: manner == Manner::Open, rules: rules.map(rule).collect() })
    }

    fn grounds(self) -> Grounds {
        let rule = |(path, access, is_granted): (PathBuf, String, bool)| {
            let whose = if is_granted { Whose::Granted } else { Whose::Everybodys };
            Some((PathRule { path, access: Access::parse(&access)? }, whose))
        };
        let manner = if self.is_open { Manner::Open } else { Manner::Held };
        Grounds { manner, rules: self.rules.into_iter().filter_map(rule).collect() }
    }
}

/// Something that the helper tells of a life.
#[derive(Debug, Serialize, Deserialize)]
struct Heard {
    module: String,
    generation: u64,
    what: What,
}

/// What is told.
#[derive(Debug, Serialize, Deserialize)]
enum What {
    /// It was refused this.
    Refused { act: String, grant: String },
    /// It is observed, and used or wanted this.
    Seen(Seen),
    /// Its places are others now, and these, beyond them, are still open.
    StillOpen(Vec<String>),
}

/// What the kernel knows of the helper.
#[derive(Debug)]
pub(crate) struct NetHelper {
    command: Option<Vec<OsString>>,
    line: RefCell<Option<Rc<OwnedFd>>>,
}

impl NetHelper {
    /// A helper that this command starts, when it is needed.
    pub(crate) fn new(command: Option<Vec<OsString>>) -> Rc<Self> {
        Rc::new(Self { command, line: RefCell::new(None) })
    }

    /// What connects us with the helper, while there is one.
    pub(crate) fn line(&self) -> Option<Rc<OwnedFd>> {
        self.line.borrow().clone()
    }

    /// Goes on with the helper of an earlier program in this process.
    ///
    /// # Errors
    /// The system's own: the line can't be watched.
    pub(crate) fn resume(self: &Rc<Self>, shell: &Handle, line: OwnedFd) -> io::Result<()> {
        self.listen(shell, Rc::new(line))
    }

    fn listen(self: &Rc<Self>, shell: &Handle, line: Rc<OwnedFd>) -> io::Result<()> {
        *self.line.borrow_mut() = Some(line.clone());
        let heard = tasks::watched(line, Interest::READABLE)?;
        spawn_local(hear(self.clone(), shell.clone(), heard));
        Ok(())
    }

    /// How modules reach the network on this machine.
    pub(crate) fn outside(&self, proofs: &Report) -> Outside {
        let is_possible = self.command.is_some() && proofs.proof(Layer::NetBroker).is_works();
        if is_possible { Outside::Brokered } else { Outside::Shared }
    }

    /// Hands a life over.
    ///
    /// # Errors
    /// What the system says. The life then has no network.
    pub(crate) fn hand_over(
        self: &Rc<Self>,
        shell: &Handle,
        life: (&ModuleId, Generation),
        terms: Terms,
        watched: &Watched,
    ) -> io::Result<()> {
        let (module, generation) = (life.0.to_string(), life.1.0);
        let message = worded(&Told::Life(Handed { module, generation, terms }))?;
        let fds = [watched.calls.as_fd(), watched.names.as_fd()];
        let line = self.line.borrow().clone();
        if let Some(line) = line {
            match send(&line, &message, &fds) {
                Err(error) if is_gone(&error) => {}
                done => return done,
            }
        }
        let line = self.start(shell)?;
        send(&line, &message, &fds)
    }

    /// Gives a life other places; what it has open beyond them is told later, as [`What::StillOpen`].
    ///
    /// # Errors
    /// What the system says. The life then has its old places.
    pub(crate) fn change(&self, life: (&ModuleId, Generation), net: &BTreeSet<String>) -> io::Result<()> {
        let (module, generation) = (life.0.to_string(), life.1.0);
        let message = worded(&Told::Reach { module, generation, net: net.clone() })?;
        let line = self.line.borrow().clone();
        match line.map(|line| send(&line, &message, &[])) {
            // With the helper its lives' way out has ended.
            None => Ok(()),
            Some(Err(error)) if is_gone(&error) => Ok(()),
            Some(done) => done,
        }
    }

    fn start(self: &Rc<Self>, shell: &Handle) -> io::Result<Rc<OwnedFd>> {
        let (program, words) = self
            .command
            .as_ref()
            .and_then(|command| command.split_first())
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        Command::new(program)
            .args(words)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the kernel's terminal is not meant for it.
            .process_group(0)
            .spawn()?;
        let line = Rc::new(ours);
        self.listen(shell, line.clone())?;
        Ok(line)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}

fn worded(told: &Told) -> io::Result<Vec<u8>> {
    let message = serde_json::to_vec(told)?;
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "its permissions have too many values"));
    }
    Ok(message)
}

fn send(line: &OwnedFd, message: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // A helper that does not take its messages is as good as none: the kernel does not wait for it.
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(line, &[io::IoSlice::new(message)], &mut ancillary, flags)?;
    Ok(())
}

/// Takes what the helper tells, until it ends.
async fn hear(helper: Rc<NetHelper>, shell: Handle, line: AsyncFd<Rc<OwnedFd>>) {
    let mut bytes = vec![0; MESSAGE_BYTES_MAX];
    while let Ok(mut ready) = line.readable().await {
        let got = ready.try_io(|line| Ok(recv(line.get_ref(), bytes.as_mut_slice(), RecvFlags::DONTWAIT)?.0));
        let got = match got {
            Ok(Ok(got)) if got > 0 => got,
            Ok(_) => break,
            Err(_would_block) => continue,
        };
        let Some(shell) = shell.upgrade() else { return };
        let Ok(heard) = serde_json::from_slice::<Heard>(&bytes[..got]) else { continue };
        let Ok(module) = ModuleId::parse(&heard.module) else { continue };
        let generation = Generation(heard.generation);
        match heard.what {
            What::Refused { act, grant } => {
                let record = Record::new("net.refused").of(&module, Some(generation));
                shell.borrow_mut().record(record.text("act", act).text("grant", grant));
            }
            What::Seen(seen) => shell.borrow_mut().saw(&module, generation, seen),
            What::StillOpen(places) => shell.borrow_mut().still_open(&module, generation, &places),
        }
    }
    let is_ours = helper.line.borrow().as_ref().is_some_and(|now| Rc::ptr_eq(now, line.get_ref()));
    if is_ours {
        *helper.line.borrow_mut() = None;
    }
    if let Some(shell) = shell.upgrade() {
        shell.borrow_mut().trouble(
            "the net helper has ended: modules whose `net` names places have no network until they start again"
                .to_owned(),
        );
    }
}
