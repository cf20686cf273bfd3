//! What a builder does: a list of prepared steps, each a system call or two.
//!
//! Protocol: as in `launch::child`: the builder shares our memory until it runs its program, so it allocates nothing and cannot panic.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{FRESH, Refused, told};
use crate::launch::Step as Stage;
use crate::layer::Layer;
use crate::raw::sockets::{self, Need};
use crate::raw::{self, Failure, Reach, Strings};

/// Where the machine's own root is while the new one is filled.
pub(super) const OLD_ROOT: &CStr = c"/.machine";

/// Where the new root is put together, before it is the root: a folder that every Linux has and no module's files lie in.
const SITE: &CStr = c"/proc";
const SITE_OLD_ROOT: &CStr = c"/proc/.machine";

/// The number at which a builder has the socket for names, above all that it may have of ours below 16 and beside it.
pub(super) const NAMES_AT: i32 = 128;

/// 1 MiB and 4,096 entries: the root holds nothing but places to show other things at.
const ROOT_OPTIONS: &CStr = c"mode=755,size=1m,nr_inodes=4k";

/// One step of filling the new root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// An empty folder.
    Folder(CString),
    /// An empty file.
    File(CString),
    /// A link, as the machine has it.
    Link { target: CString, at: CString },
    /// Memory that can be written.
    Memory { at: CString, options: &'static CStr },
    /// A part of the machine, and what may not be done with it there.
    Show { source: CString, at: CString, attributes: u64 },
    /// Something else in the place of a part.
    Cover { source: CString, at: CString },
}

impl Step {
    /// What it shows.
    pub(super) fn shown(&self) -> Option<PathBuf> {
        match self {
            Self::Show { at, .. } => Some(PathBuf::from(OsStr::from_bytes(at.to_bytes()))),
            _ => None,
        }
    }
}

/// Everything that a builder needs, made before its birth.
pub(crate) struct Works<'a> {
    /// The user namespace that the rest is to belong to.
    pub(crate) user: Option<BorrowedFd<'a>>,
    /// Namespaces that every life makes for itself: made here to see that they can be, one by one.
    pub(crate) try_out: i32,
    /// Whether there is to be an empty network.
    pub(crate) net: bool,
    /// What is put into it; without furniture not even its loopback is up.
    pub(crate) furniture: Vec<(Vec<u8>, Need)>,
    /// How the new root is filled; without steps there is none.
    pub(crate) steps: Vec<Step>,
    /// Which of them were left out, since the machine refused them.
    pub(crate) missed: Vec<AtomicBool>,
    /// What it runs at its end.
    pub(crate) program: BorrowedFd<'a>,
    pub(crate) argv: &'a Strings<'a>,
}

/// The numbers by which a failure says what it was about: before the steps' own.
const WHICH_ROOT: u16 = 0;
const WHICH_STEPS_FROM: u16 = 1;

impl Works<'_> {
    /// The layer that a failure takes away.
    pub(super) fn blamed(&self, failure: Failure) -> Refused {
        let fresh = FRESH.iter().find(|(_, flag)| {
            failure.step == Stage::Namespaces && i32::from(failure.which) == flag >> FLAG_SHIFT
        });
        match failure.step {
            Stage::Namespaces if i32::from(failure.which) == libc::CLONE_NEWNET >> FLAG_SHIFT => {
                (Layer::NetNamespace, told("no network of its own is given", failure))
            }
            Stage::Namespaces => {
                let layer = fresh.map_or(Layer::MountNamespace, |(layer, _)| *layer);
                (layer, told("the namespace is not given", failure))
            }
            Stage::Mounts => {
                let step = usize::from(failure.which).checked_sub(usize::from(WHICH_STEPS_FROM));
                let step = step.and_then(|at| self.steps.get(at));
                let what = step.map_or_else(|| "no new root".to_owned(), |step| format!("{step:?}"));
                (Layer::MountNamespace, told(&what, failure))
            }
            Stage::Parent | Stage::Init => {
                (Layer::PidNamespace, told("no program from memory runs", failure))
            }
            _ => (Layer::UserNamespace, told("the user namespace can't be entered", failure)),
        }
    }
}

/// All flags of namespaces lie above the lower 16 bits, so that a failure's short number can say which it was.
const FLAG_SHIFT: i32 = 16;

/// The builder's life.
pub(crate) fn build(works: &Works<'_>, parent: i32) -> Result<u8, Failure> {
    let at = Failure::at;
    raw::default_dispositions();
    raw::die_with_parent(parent).map_err(at(Stage::Parent))?;
    if let Some(user) = works.user {
        raw::join_namespace(user, libc::CLONE_NEWUSER).map_err(at(Stage::Birth))?;
    }
    raw::set_umask(0);
    if !works.steps.is_empty() {
        own(libc::CLONE_NEWNS)?;
        fill(works)?;
    }
    if works.net {
        own(libc::CLONE_NEWNET)?;
        furnish(works)?;
    }
    for bit in 0..i32::BITS {
        let flag = 1_i32.wrapping_shl(bit);
        if works.try_out & flag != 0 {
            own(flag)?;
        }
    }
    // Whoever looks at it finds it by its number, in our own view of processes; it needs nothing of its own for that.
    Err(at(Stage::Init)(raw::exec_file(works.program, works.argv)))
}

/// A namespace of its own, whose flag a failure tells.
fn own(flag: i32) -> Result<(), Failure> {
    let which = u16::try_from(flag >> FLAG_SHIFT).unwrap_or(u16::MAX);
    raw::own_namespaces(flag).map_err(|errno| Failure { step: Stage::Namespaces, errno, which })
}

/// What can't be furnished is a network that can't be given.
fn furnish(works: &Works<'_>) -> Result<(), Failure> {
    if works.furniture.is_empty() {
        return Ok(());
    }
    let which = u16::try_from(libc::CLONE_NEWNET >> FLAG_SHIFT).unwrap_or(u16::MAX);
    let at = |errno| Failure { step: Stage::Namespaces, errno, which };
    sockets::furnish(&works.furniture).map_err(at)?;
    sockets::open_names(NAMES_AT).map_err(at)
}

fn fill(works: &Works<'_>) -> Result<(), Failure> {
    let at = |which| move |errno| Failure { step: Stage::Mounts, errno, which };
    raw::keep_mounts_private().map_err(at(WHICH_ROOT))?;
    raw::mount_memory(SITE, ROOT_OPTIONS).map_err(at(WHICH_ROOT))?;
    raw::make_folder(SITE_OLD_ROOT).map_err(at(WHICH_ROOT))?;
    raw::change_to_root(SITE, SITE_OLD_ROOT).map_err(at(WHICH_ROOT))?;
    for ((step, missed), which) in works.steps.iter().zip(&works.missed).zip(WHICH_STEPS_FROM..) {
        carry_out(step, missed).map_err(at(which))?;
    }
    raw::detach(OLD_ROOT).map_err(at(WHICH_ROOT))?;
    raw::remove_folder(OLD_ROOT).map_err(at(WHICH_ROOT))?;
    raw::restrict_mount(c"/", raw::READ_ONLY, Reach::Itself).map_err(at(WHICH_ROOT))
}

fn carry_out(step: &Step, missed: &AtomicBool) -> Result<(), i32> {
    match step {
        Step::Folder(path) => raw::make_folder(path),
        Step::File(path) => raw::make_file(path),
        Step::Link { target, at } => raw::make_link(target, at),
        Step::Memory { at, options } => raw::mount_memory(at, options),
        Step::Show { source, at, attributes } => {
            if raw::bind_tree(source, at).is_err() {
                // What can't be shown is not there: less than was granted, never more.
                missed.store(true, Ordering::Relaxed);
                return Ok(());
            }
            raw::restrict_mount(at, *attributes, Reach::Tree)
        }
        Step::Cover { source, at } => raw::bind_tree(source, at),
    }
}
