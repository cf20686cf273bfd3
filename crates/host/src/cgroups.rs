//! One cgroup per module where the machine has such a tree, in that of its zone's pool, so that what forked away is killed
//! with its module, at the next start of the kernel at the latest, and so that what a pool's modules use is bounded together.
//!
//! Every run of a kernel has a tree of its own, named after its home and its process.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use abi::{ModuleId, Zone};
use sandbox::cgroup::{Tree, folders, is_populated, remove, remove_tree};
use sandbox::control::{self, Control};
use sandbox::kill_cgroup;
use sha2::{Digest, Sha256};

use crate::home::Home;

/// The tree of one kernel, or nothing where there can't be one.
#[derive(Debug)]
pub(crate) struct Cgroups {
    tree: Option<Tree>,
    /// Whoever enforces bounds on the groups, until the governor takes it.
    control: Option<Box<dyn Control>>,
}

impl Cgroups {
    /// Opens this run's tree, and ends what earlier kernels of this home left in theirs. Gives how many groups that were.
    /// The home's lock must be held, and nothing may have been started yet that lives in our own group.
    pub(crate) fn open(home: &Home) -> (Self, usize) {
        let family = family(home);
        let instance = format!("{family}-{}", std::process::id());
        match Tree::open(&instance, &Zone::ALL.map(Zone::as_str)) {
            Ok(tree) => {
                let own = tree.kill_leftovers();
                let left = own + end_earlier(&tree, &family);
                let control = control::open(tree.dir(), &instance);
                (Self { tree: Some(tree), control }, left)
            }
            Err(why) => {
                tracing::info!(%why, "modules run without groups of their own");
                (Self { tree: None, control: None }, 0)
            }
        }
    }

    /// The tree of a kernel that was in this process before: nothing in it is touched.
    pub(crate) fn inherited(dir: Option<PathBuf>) -> Self {
        let Some(dir) = dir else { return Self { tree: None, control: None } };
        let instance = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let control = control::open(&dir, &instance);
        Self { tree: Some(Tree::inherited(dir)), control }
    }

    /// Whoever enforces bounds here, for the governor.
    pub(crate) fn take_control(&mut self) -> Option<Box<dyn Control>> {
        self.control.take()
    }

    /// A module's own group in its zone's; another one each time that one was killed.
    pub(crate) fn group(&self, zone: Zone, id: &ModuleId, killed: u32) -> Option<PathBuf> {
        // No module's name holds a `+`, so no two modules share a group.
        let name = if killed == 0 { id.to_string() } else { format!("{id}+{killed}") };
        let group = self.tree.as_ref()?.group(zone.as_str(), &name);
        group.inspect_err(|why| tracing::debug!(%why, module = %id, "a module runs without a group")).ok()
    }

    /// The group of a zone's pool, above those of its modules.
    pub(crate) fn pool(&self, zone: Zone) -> Option<PathBuf> {
        Some(self.tree.as_ref()?.dir().join(zone.as_str()))
    }

    /// Whether a group lies in the pool of this zone.
    pub(crate) fn is_of(group: &Path, zone: Zone) -> bool {
        group.parent().and_then(Path::file_name).is_some_and(|pool| pool == zone.as_str())
    }

    /// The folder that a sentinel watches over.
    pub(crate) fn dir(&self) -> Option<PathBuf> {
        self.tree.as_ref().map(|tree| tree.dir().to_owned())
    }

    /// Kills all that is in a module's group. Says whether there was anything, and so whether the group is spent.
    pub(crate) fn kill(group: &Path) -> bool {
        // A group that is gone holds nothing that could be killed.
        if !is_populated(group).unwrap_or(false) {
            return false;
        }
        if let Err(error) = kill_cgroup(group) {
            tracing::warn!(%error, group = %group.display(), "a group could not be killed");
        }
        true
    }

    /// Whether the group of a life whose pid namespace was told to end holds nobody who was not: its first process is the last
    /// to leave, so where one is left, that is it or one that it has ended already. Such a group can be used again.
    pub(crate) fn is_ending(group: &Path) -> bool {
        control::members(group).is_ok_and(|members| members.len() <= 1)
    }

    /// Removes a module's group. One that is still busy is removed with the tree, or at the next start.
    pub(crate) fn drop_group(group: &Path) {
        let _later = remove(group);
    }

    /// Ends what is left and removes everything.
    pub(crate) fn close(&mut self) {
        if let Some(tree) = self.tree.take() {
            tree.kill_leftovers();
            // What is not gone now is found again at the next start.
            let _later = tree.close();
        }
    }
}

/// Ends the trees of earlier runs: the lock of the home says that none of them has a kernel any more.
fn end_earlier(own: &Tree, family: &str) -> usize {
    let Some(all) = own.dir().parent() else { return 0 };
    let is_earlier = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path != own.dir() && name.strip_prefix(family).is_some_and(|rest| rest.starts_with('-'))
    };
    folders(all).into_iter().filter(is_earlier).map(|tree| end_tree(&tree)).sum()
}

fn end_tree(tree: &Path) -> usize {
    // What can't be killed or removed now is found again at the next start.
    let _later = kill_cgroup(tree);
    // A kernel of an earlier version had its modules' groups where the pools are now.
    let groups = folders(tree).iter().map(|pool| folders(pool).len()).sum();
    let _later = remove_tree(tree);
    groups
}

/// What the trees of one home have in common: short, a folder's name, and another one for every home.
fn family(home: &Home) -> String {
    let hash = Sha256::digest(home.root().as_os_str().as_bytes());
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("home-{hex}")
}
