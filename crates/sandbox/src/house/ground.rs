//! The ground that roots stand on: a root with what all modules are shown, built once and copied for each. There are two: one for those
//! that may run every program of the system, and one for those that may run what was named.
//!
//! With it goes a copy of the machine's mounts, in which builders find what a module has of its own.
//!
//! Both are kept for the life of this process, and made anew as soon as the machine is laid out otherwise: a mount that came or went,
//! a system folder that appeared or was replaced (see [`super::watch`]). Roots that stand on an older one stay as they are, like all
//! roots. The common root's memory can't be written by anybody any more before the first module stands on it.
//!
//! What is kept keeps file systems in use. Where mounts are told of, as every systemd has it, the copy lets a file system go when the
//! machine unmounts it; elsewhere it does so with the next module that is prepared. One that lies in a system folder is always in use.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::{self, Common, CommonPlan};
use super::watch::{Mounts, Watch};
use super::works::{COMMON_MEMORY, OWN_MEMORY, Root};
use super::{Refused, Works, construct};
use crate::confinement::PathRule;
use crate::layer::Layer;
use crate::policy::system::{self, Programs};
use crate::raw::{self, Handed};
use crate::ruleset;

/// The ground of all roots.
#[derive(Debug)]
pub(super) struct Ground {
    /// The machine's mounts.
    machine: OwnedFd,
    common: CommonRoot,
    /// Whether it belongs to the user namespace of modules.
    has_user: bool,
    watch: Watch,
}

/// The common root.
#[derive(Debug)]
pub(super) struct CommonRoot {
    mounts: OwnedFd,
    plan: Common,
    /// What each of its rules opens, if it is there.
    pub(super) files: Vec<ruleset::Known>,
    /// Paths that could not be shown.
    pub(super) hidden: Vec<PathBuf>,
}

impl Ground {
    /// A root for a module with these rules, to be built; and the common one if it stands on that.
    ///
    /// # Errors
    /// It would hide nothing.
    pub(super) fn bear(
        &self,
        rules: &[PathRule],
        cwd: &Path,
    ) -> Result<(Root<'_>, Option<&CommonRoot>), Refused> {
        let plan = plan::of(rules, cwd, Some(&self.common.plan)).ok_or_else(nothing_to_hide)?;
        let common = plan.on_common.then_some(&self.common);
        let ground = common.map(|common| common.mounts.as_fd());
        Ok((Root::of(plan.steps, self.machine.as_fd(), ground, OWN_MEMORY), common))
    }
}

fn nothing_to_hide() -> Refused {
    (Layer::MountNamespace, "it may use all files of the machine".to_owned())
}

/// The ground as the machine is now.
///
/// # Errors
/// The layer that this machine does not give for it.
pub(super) fn shared(
    programs: Programs,
    user: Option<BorrowedFd<'_>>,
    stack: &mut raw::Stack,
) -> Result<Arc<Ground>, Refused> {
    static KEPT_ALL: Mutex<Option<Arc<Ground>>> = Mutex::new(None);
    static KEPT_NAMED: Mutex<Option<Arc<Ground>>> = Mutex::new(None);
    let kept = match programs {
        Programs::All => &KEPT_ALL,
        Programs::Named => &KEPT_NAMED,
    };
    // Whoever panicked with it left a whole value there: it is only replaced.
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |ground: &Arc<Ground>| ground.has_user == user.is_some() && ground.watch.is_unchanged();
    if let Some(ground) = kept.clone().filter(fits) {
        return Ok(ground);
    }
    // The old one is let go before there are two.
    *kept = None;
    let ground = Arc::new(make(programs, user, stack)?);
    *kept = Some(ground.clone());
    Ok(ground)
}

fn make(programs: Programs, user: Option<BorrowedFd<'_>>, stack: &mut raw::Stack) -> Result<Ground, Refused> {
    let refused = |why: String| (Layer::MountNamespace, why);
    let mounts = Mounts::watch().map_err(|error| refused(format!("no list of mounts: {error}")))?;
    let rules = PathRule::merged(system::paths(programs).collect());
    let planned = plan::common(rules).ok_or_else(nothing_to_hide)?;
    let CommonPlan { common: mut plan, steps, looked } = planned;
    let watch = mounts.with(looked);
    let works = Works { user, machine: Some(Handed::empty()), ..Works::default() };
    construct(&works, stack)?;
    let machine = works.machine.as_ref().and_then(Handed::take);
    let machine = machine.ok_or_else(|| refused("no copy of the machine's mounts".to_owned()))?;
    let root = Root::of(steps, machine.as_fd(), None, COMMON_MEMORY);
    let works = Works { user, root: Some(root), ..Works::default() };
    let built = construct(&works, stack)?.ok_or_else(|| refused("no common root".to_owned()))?;
    plan.parts.retain(|path, _| !built.hidden.contains(path));
    let files = ruleset::known(&plan.rules, built.entry.as_fd());
    drop(works);
    let common = CommonRoot { mounts: built.mounts, plan, files, hidden: built.hidden };
    Ok(Ground { machine, common, has_user: user.is_some(), watch })
}
