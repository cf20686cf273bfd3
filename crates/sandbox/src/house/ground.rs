//! The ground that roots stand on: a root with what all modules are shown, built once and copied for each.
//!
//! It is kept for the life of this process, and made anew as soon as the machine is laid out otherwise: a mount that came or went, a
//! system folder that appeared or was replaced (see [`super::watch`]). Roots that stand on an older one stay as they are, like all
//! roots. Its memory can't be written by anybody any more before the first module stands on it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::plan::{self, Common, CommonPlan};
use super::watch::{Mounts, Watch};
use super::works::{COMMON_MEMORY, Root};
use super::{Refused, Works, construct};
use crate::confinement::PathRule;
use crate::layer::Layer;
use crate::policy::SYSTEM_PATHS;
use crate::raw;
use crate::ruleset;

/// A common root that was built.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) mounts: OwnedFd,
    pub(super) common: Common,
    /// What each of its rules opens, if it is there.
    pub(super) files: Vec<ruleset::Known>,
    /// Paths that could not be shown.
    pub(super) hidden: Vec<PathBuf>,
    /// Whether it belongs to the user namespace of modules.
    has_user: bool,
    watch: Watch,
}

/// The ground as the machine is now; nothing when the system's paths lead to the whole machine.
///
/// # Errors
/// The layer that this machine does not give for it.
pub(super) fn shared(
    user: Option<BorrowedFd<'_>>,
    stack: &mut raw::Stack,
) -> Result<Option<Arc<Ground>>, Refused> {
    static KEPT: Mutex<Option<Arc<Ground>>> = Mutex::new(None);
    // Whoever panicked with it left a whole value there: it is only replaced.
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let fits = |ground: &Arc<Ground>| ground.has_user == user.is_some() && ground.watch.is_unchanged();
    if !kept.as_ref().is_some_and(fits) {
        *kept = None;
        *kept = make(user, stack)?.map(Arc::new);
    }
    Ok(kept.clone())
}

fn make(user: Option<BorrowedFd<'_>>, stack: &mut raw::Stack) -> Result<Option<Ground>, Refused> {
    let refused = |why: String| (Layer::MountNamespace, why);
    let mounts = Mounts::watch().map_err(|error| refused(format!("no list of mounts: {error}")))?;
    let rules = SYSTEM_PATHS.iter().map(|(path, access)| PathRule { path: path.into(), access: *access });
    let Some(planned) = plan::common(PathRule::merged(rules.collect())) else { return Ok(None) };
    let CommonPlan { mut common, steps, looked } = planned;
    let watch = mounts.with(looked);
    let root = Root::of(steps, None, COMMON_MEMORY);
    let works = Works { user, root: Some(root), ..Works::default() };
    let built = construct(&works, stack)?.ok_or_else(|| refused("no common root".to_owned()))?;
    common.parts.retain(|path, _| !built.hidden.contains(path));
    let files = ruleset::known(&common.rules, built.entry.as_fd());
    Ok(Some(Ground {
        mounts: built.mounts,
        common,
        files,
        hidden: built.hidden,
        has_user: user.is_some(),
        watch,
    }))
}
