//! What a builder does: a list of prepared steps, each a system call or two.
//!
//! A module's root is made upon a copy of the common one, and what it has of its own comes from the machine:
//! 1. among the machine's mounts the own parts are taken up as trees that are mounted nowhere, and cut down to what was granted;
//! 2. a copy of the common root is made, where none of the machine's mounts are;
//! 3. new memory gets the places, takes over the common parts, shows the trees, and becomes the root.
//!
//! The memory is the module's alone, so that nobody sees for which folders of others there is a place. The common root itself, and a
//! root that can't stand on it, are made in a copy of the machine's mounts in the same way, and that is taken away at the end.
//!
//! Nothing here takes mounts away when a root stands on the common one: the system would wait for all processors then.
//!
//! Protocol: as in `launch::child`: the builder shares our memory and our table of descriptors all its life, so it allocates nothing,
//! cannot panic, and puts every descriptor that it opens where we own it. It blocks all signals, runs no program and leaves nothing.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Refused, told};
use crate::launch::Step as Stage;
use crate::layer::Layer;
use crate::raw::sockets::{self, Need};
use crate::raw::{self, Failure, Handed, Opened, Strings};

/// Where a new root is put together in a copy of the machine's mounts: a folder that every Linux has and no module's files lie in.
const SITE_ON_MACHINE: &CStr = c"/proc";

/// The same in a copy of the common root.
pub(super) const SITE_ON_COMMON: &CStr = c"/.site";

/// 64 MiB and 8,192 entries: what a module may leave in its temporary folder. Whoever needs more has `TMPDIR`.
pub(super) const OWN_MEMORY: &CStr = c"mode=755,size=64m,nr_inodes=8k";

/// 1 MiB and 4,096 entries: the common root holds nothing but places to show other things at.
pub(super) const COMMON_MEMORY: &CStr = c"mode=755,size=1m,nr_inodes=4k";

/// One step of filling the new root. Paths inside of it are relative: it is the working folder meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// An empty folder.
    Folder(CString),
    /// An empty file.
    File(CString),
    /// A link, as the machine has it.
    Link { target: CString, at: CString },
    /// A folder that stays writable when the root no longer is.
    Temporary(CString),
    /// A folder becomes a mount, so that it can be taken with all that is mounted in it.
    Enclose(CString),
    /// What is at this place in the common root.
    Take { from: CString, at: CString },
    /// A part of the machine, and what may not be done with it there.
    Show { source: CString, at: CString, attributes: u64 },
    /// Something else in the place of a part.
    Cover { source: CString, at: CString },
}

/// A step, and what has come of it.
#[derive(Debug)]
pub(crate) struct Doing {
    step: Step,
    /// The part, between being taken up and being mounted.
    tree: Handed,
    /// It was left out, since the machine does not have it any more or does not let us see it.
    missed: AtomicBool,
}

impl Doing {
    pub(super) fn of(step: Step) -> Self {
        Self { step, tree: Handed::empty(), missed: AtomicBool::new(false) }
    }

    /// What was to be shown and could not be.
    pub(super) fn hidden(&self) -> Option<PathBuf> {
        match &self.step {
            Step::Show { source, .. } if self.missed.load(Ordering::Relaxed) => {
                Some(PathBuf::from(OsStr::from_bytes(source.to_bytes())))
            }
            _ => None,
        }
    }
}

/// A root to be made.
pub(crate) struct Root<'a> {
    /// The machine's mounts.
    machine: BorrowedFd<'a>,
    /// The common root that it stands on; without it, it is made from the machine's.
    pub(super) ground: Option<BorrowedFd<'a>>,
    pub(super) memory: &'static CStr,
    /// How it is filled.
    pub(super) steps: Vec<Doing>,
    /// What was made: the namespace, and the root itself.
    pub(super) mounts: Handed,
    pub(super) entry: Handed,
}

impl<'a> Root<'a> {
    /// A root on this ground, or from the machine's own.
    pub(super) fn of(
        steps: Vec<Step>,
        machine: BorrowedFd<'a>,
        ground: Option<BorrowedFd<'a>>,
        memory: &'static CStr,
    ) -> Self {
        let steps = steps.into_iter().map(Doing::of).collect();
        Self { machine, ground, memory, steps, mounts: Handed::empty(), entry: Handed::empty() }
    }

    /// Whether its memory is for many modules, so that nothing may ever change in it.
    fn is_common(&self) -> bool {
        self.memory == COMMON_MEMORY
    }
}

/// Everything that a builder needs, made before its birth.
#[derive(Default)]
pub(crate) struct Works<'a> {
    /// The user namespace that the rest is to belong to.
    pub(super) user: Option<BorrowedFd<'a>>,
    pub(super) root: Option<Root<'a>>,
    /// Where a copy of the machine's mounts is to be put.
    pub(super) machine: Option<Handed>,
    /// Where an empty network is to be put.
    pub(super) net: Option<Handed>,
    /// What is put into it; without furniture not even its loopback is up.
    pub(super) furniture: Option<Furniture>,
    /// Flags of namespaces that are made to see that they can be.
    pub(super) try_out: i32,
}

/// What makes a network one that a broker can serve.
pub(super) struct Furniture {
    pub(super) messages: Vec<(Vec<u8>, Need)>,
    /// The way on which they go.
    pub(super) line: Handed,
    /// The socket at which names are asked for.
    pub(super) names: Handed,
}

/// What makes the user namespace, and holds it until its numbers are set.
pub(crate) struct Founding<'a> {
    /// What it runs at its end.
    pub(super) program: BorrowedFd<'a>,
    pub(super) argv: &'a Strings<'a>,
}

/// The numbers by which a failure says what it was about: before the steps' own.
const WHICH_ROOT: u16 = 0;
const WHICH_STEPS_FROM: u16 = 1;

impl Works<'_> {
    /// The layer that a failure takes away.
    pub(super) fn blamed(&self, failure: Failure) -> Refused {
        match failure.step {
            Stage::Network => (Layer::NetNamespace, told("no network of its own is given", failure)),
            Stage::Namespaces => (Layer::MountNamespace, told("the namespace is not given", failure)),
            Stage::Mounts => {
                let step = usize::from(failure.which).checked_sub(usize::from(WHICH_STEPS_FROM));
                let step = self.root.as_ref().and_then(|root| root.steps.get(step?));
                let what = step.map_or_else(|| "no new root".to_owned(), |doing| format!("{:?}", doing.step));
                (Layer::MountNamespace, told(&what, failure))
            }
            _ => (Layer::UserNamespace, told("the user namespace can't be entered", failure)),
        }
    }
}

/// The builder's life.
pub(crate) fn build(works: &Works<'_>, parent: i32) -> Result<u8, Failure> {
    let at = Failure::at;
    raw::die_with_parent(parent).map_err(at(Stage::Parent))?;
    if let Some(user) = works.user {
        raw::join_namespace(user, libc::CLONE_NEWUSER).map_err(at(Stage::Birth))?;
    }
    if works.try_out != 0 {
        raw::own_namespaces(works.try_out).map_err(at(Stage::Namespaces))?;
    }
    if let Some(machine) = &works.machine {
        copy_machine(machine).map_err(at(Stage::Namespaces))?;
    }
    if let Some(root) = &works.root {
        raise(root)?;
    }
    if let Some(net) = &works.net {
        make_network(net).map_err(at(Stage::Network))?;
        if let Some(furniture) = &works.furniture {
            sockets::furnish(&furniture.messages, &furniture.line).map_err(at(Stage::Network))?;
            sockets::open_names(&furniture.names).map_err(at(Stage::Network))?;
        }
    }
    Ok(0)
}

/// An empty network, for this process and for us.
pub(crate) fn make_network(net: &Handed) -> Result<(), i32> {
    raw::own_namespaces(libc::CLONE_NEWNET)?;
    raw::hand_over(c"/proc/self/ns/net", Opened::Namespace, net)
}

/// A copy of the machine's mounts that follows it, as far as the machine tells of changes, and that it knows nothing of.
fn copy_machine(copy: &Handed) -> Result<(), i32> {
    raw::own_namespaces(libc::CLONE_NEWNS)?;
    raw::let_mounts_follow()?;
    raw::hand_over(c"/proc/self/ns/mnt", Opened::Namespace, copy)
}

/// The life of the one that makes the user namespace.
pub(crate) fn found(founding: &Founding<'_>, parent: i32) -> Result<u8, Failure> {
    let at = Failure::at;
    raw::default_dispositions();
    raw::die_with_parent(parent).map_err(at(Stage::Parent))?;
    raw::own_namespaces(libc::CLONE_NEWUSER).map_err(at(Stage::Namespaces))?;
    // Whoever looks at it finds it by its number, in our own view of processes; it needs nothing of its own for that.
    Err(at(Stage::Init)(raw::exec_file(founding.program, founding.argv)))
}

fn raise(root: &Root<'_>) -> Result<(), Failure> {
    let at = |which| move |errno| Failure { step: Stage::Mounts, errno, which };
    let enter = |space| raw::join_namespace(space, libc::CLONE_NEWNS).map_err(Failure::at(Stage::Namespaces));
    raw::set_umask(0);
    enter(root.machine)?;
    for (doing, which) in root.steps.iter().zip(WHICH_STEPS_FROM..) {
        take_up(doing).map_err(at(which))?;
    }
    if let Some(ground) = root.ground {
        enter(ground)?;
    }
    raw::own_namespaces(libc::CLONE_NEWNS).map_err(Failure::at(Stage::Namespaces))?;
    if root.ground.is_none() {
        raw::keep_mounts_private().map_err(at(WHICH_ROOT))?;
    }
    let site = if root.ground.is_some() { SITE_ON_COMMON } else { SITE_ON_MACHINE };
    raw::mount_memory(site, root.memory).map_err(at(WHICH_ROOT))?;
    raw::enter_folder(site).map_err(at(WHICH_ROOT))?;
    for (doing, which) in root.steps.iter().zip(WHICH_STEPS_FROM..) {
        carry_out(doing).map_err(at(which))?;
    }
    let change = if root.ground.is_some() { raw::lay_upon_root() } else { raw::change_to_root_here() };
    let close = if root.is_common() { raw::seal_root } else { raw::close_root };
    change.and_then(|()| close()).map_err(at(WHICH_ROOT))?;
    raw::hand_over(c"/proc/self/ns/mnt", Opened::Namespace, &root.mounts).map_err(at(WHICH_ROOT))?;
    raw::hand_over(c"/", Opened::Folder, &root.entry).map_err(at(WHICH_ROOT))
}

/// Takes up the part that a step shows, if it shows one.
fn take_up(doing: &Doing) -> Result<(), i32> {
    let Step::Show { source, attributes, .. } = &doing.step else { return Ok(()) };
    if leave_out(doing, raw::take_up_tree(source, &doing.tree))? {
        return Ok(());
    }
    raw::restrict_tree(&doing.tree, *attributes)
}

/// Leaves a part out that can't be shown: that is less than was granted, never more. Says whether it did.
fn leave_out(doing: &Doing, outcome: Result<(), i32>) -> Result<bool, i32> {
    match outcome {
        Ok(()) => Ok(false),
        Err(errno) if is_about_the_part(errno) => {
            doing.missed.store(true, Ordering::Relaxed);
            Ok(true)
        }
        Err(errno) => Err(errno),
    }
}

/// Whether an errno tells that this one part can't be shown, and nothing about the others.
fn is_about_the_part(errno: i32) -> bool {
    matches!(
        errno,
        libc::ENOENT | libc::ENOTDIR | libc::EACCES | libc::ELOOP | libc::EINVAL | libc::ESTALE | libc::EIO
    )
}

fn carry_out(doing: &Doing) -> Result<(), i32> {
    match &doing.step {
        Step::Folder(path) => raw::make_folder(path),
        Step::File(path) => raw::make_file(path),
        Step::Link { target, at } => raw::make_link(target, at),
        Step::Temporary(path) => {
            raw::make_temporary_folder(path)?;
            raw::bind_to_itself(path)
        }
        Step::Enclose(path) => raw::bind_to_itself(path),
        Step::Take { from, at } => raw::move_mount(from, at),
        Step::Show { .. } if doing.missed.load(Ordering::Relaxed) => Ok(()),
        Step::Show { at, .. } => leave_out(doing, raw::mount_tree(&doing.tree, at)).map(|_| ()),
        Step::Cover { source, at } => raw::bind_tree(source, at),
    }
}
