//! From the paths of a confinement to the steps that make a root of them: what is not named there is not there.
//!
//! The root is memory that holds nothing but places; at each place a part of the machine is shown, with no more freedom than was
//! granted. Links of the machine are made again, so that every path means what it means outside. What lies in a part that is shown
//! already needs no place of its own, unless it is granted more.
//!
//! Most of a root is the same for all modules: that is the [`Common`] root. What a module has beside it is planned here on top: parts
//! of the common root are taken over whole, and only the folders of its own are made for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::works::{SITE_ON_COMMON, Step};
use crate::confinement::{Access, PathRule};
use crate::raw::{NO_DEVICES, NO_PROGRAMS, NO_SETUID, READ_ONLY};

mod layout;
#[cfg(test)]
mod tests;

use layout::Layout;

/// 40 links: as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// Where the view of processes goes; it is no part of the machine's files.
const PROCESSES: &str = "/proc";

/// The private temporary folder.
const TEMPORARY: &str = "/tmp";

/// Links that programs expect. Shared memory by name is a file below `/dev/shm`.
const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/shm", TEMPORARY),
];

/// What lies among the settings that every program needs and is a secret: covered, unless it was granted by name. It matters
/// where the kernel runs as root.
pub(crate) const SECRETS: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/security/opasswd",
    "/etc/krb5.keytab",
    "/etc/wireguard",
    "/etc/NetworkManager/system-connections",
];

/// The steps that make a module's root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Whether they begin in a copy of the common root, and not of the machine's.
    pub(super) on_common: bool,
}

/// What the roots of all modules have alike.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// The rules that it follows from, sorted.
    pub(super) rules: Vec<PathRule>,
    /// What is shown in it.
    pub(super) parts: BTreeMap<PathBuf, Part>,
    /// Its links, and where they point.
    pub(super) links: BTreeMap<PathBuf, OsString>,
}

/// A shown part of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// What may not be done there.
    pub(super) attributes: u64,
    pub(super) is_folder: bool,
}

/// A common root and how it comes to be.
#[derive(Debug)]
pub(super) struct CommonPlan {
    pub(super) common: Common,
    pub(super) steps: Vec<Step>,
    /// The folders that were looked into: as long as no entry of theirs changes, the plan stays as it is.
    pub(super) looked: BTreeSet<PathBuf>,
}

/// The plan of a common root; nothing when it would show the whole machine.
pub(super) fn common(rules: Vec<PathRule>) -> Option<CommonPlan> {
    let mut draft = Draft::of(&rules);
    if draft.parts.contains_key(Path::new("/")) {
        return None;
    }
    draft.links.extend(LINKS.map(|(at, target)| (PathBuf::from(at), OsString::from(target))));
    let mut layout = Layout::default();
    layout.folder(Path::new(OsStr::from_bytes(SITE_ON_COMMON.to_bytes())));
    layout.processes();
    // Tied to themselves, so that each can be taken over with all that is in it.
    for top in draft.tops() {
        layout.enclose(&top);
    }
    layout.parts(&draft.parts);
    layout.links(&draft.links);
    layout.cover(&draft.parts);
    draft.looked.extend(SECRETS.iter().filter_map(|secret| Path::new(secret).parent()).map(Path::to_owned));
    draft.links.retain(|at, _| !layout.is_shown(at));
    let Layout { steps, shown, .. } = layout;
    let common = Common { rules, parts: shown.into_iter().collect(), links: draft.links };
    Some(CommonPlan { common, steps, looked: draft.looked })
}

/// The plan of a module's root; nothing when the whole machine was granted, so that there is nothing to hide.
pub(super) fn of(rules: &[PathRule], cwd: &Path, common: Option<&Common>) -> Option<Plan> {
    if let Some((common, own)) = common.and_then(|common| Some((common, common.beside(rules)?))) {
        return Some(Plan { steps: beside(common, &own, cwd), on_common: true });
    }
    let mut draft = Draft::of(rules);
    if draft.parts.contains_key(Path::new("/")) {
        return None;
    }
    draft.links.extend(LINKS.map(|(at, target)| (PathBuf::from(at), OsString::from(target))));
    let mut layout = Layout::default();
    if !draft.parts.contains_key(Path::new(TEMPORARY)) {
        layout.temporary();
    }
    layout.processes();
    layout.parts(&draft.parts);
    layout.links(&draft.links);
    layout.working_folder(cwd, &[&draft.links]);
    layout.cover(&draft.parts);
    Some(Plan { steps: layout.steps, on_common: false })
}

/// The steps of a root that has these parts of its own beside the common ones.
fn beside(common: &Common, own: &Draft, cwd: &Path) -> Vec<Step> {
    let mut layout = Layout::default();
    if !own.parts.contains_key(Path::new(TEMPORARY)) {
        layout.temporary();
    }
    let own_links: BTreeMap<PathBuf, OsString> = own
        .links
        .iter()
        .filter(|(at, _)| !common.links.contains_key(*at))
        .map(|(at, to)| (at.clone(), to.clone()))
        .collect();
    let is_common = |path: &Path| common.parts.keys().any(|part| path.starts_with(part));
    let places =
        own.parts.keys().chain(own_links.keys()).map(PathBuf::as_path).chain([cwd, Path::new(TEMPORARY)]);
    let mixed: BTreeSet<PathBuf> = places.filter(|path| !is_common(path)).filter_map(top).collect();
    let mut outer: Option<&Path> = None;
    for (path, part) in &common.parts {
        // What lies in another part comes along with it, and follows it in this order.
        let comes_along = outer.is_some_and(|outer| path.starts_with(outer));
        if let Some(top) = top(path).filter(|_| !comes_along) {
            outer = Some(path);
            let whole = if mixed.contains(&top) { path } else { &top };
            layout.take(whole, part.is_folder || whole != path);
        }
        layout.shown.push((path.clone(), *part));
    }
    let remade = |at: &Path| top(at).is_some_and(|top| top == at || mixed.contains(&top));
    let common_links = common.links.iter().filter(|(at, _)| remade(at));
    layout.links(&common_links.map(|(at, to)| (at.clone(), to.clone())).collect());
    layout.parts(&own.parts);
    layout.links(&own_links);
    layout.working_folder(cwd, &[&common.links, &own_links]);
    layout.steps
}

impl Common {
    /// What these rules come to beside the common ones; nothing when they are not the common ones and some more, or when a part
    /// of theirs holds a common one or touches a secret that is covered here.
    fn beside(&self, rules: &[PathRule]) -> Option<Draft> {
        let (common, own): (Vec<PathRule>, Vec<PathRule>) =
            rules.iter().cloned().partition(|rule| self.rules.binary_search(rule).is_ok());
        let own = Draft::of(&own);
        let touches = |part: &PathBuf| {
            let secrets = SECRETS.iter().map(Path::new);
            self.parts.keys().any(|common| common.starts_with(part))
                || secrets.into_iter().any(|secret| secret.starts_with(part) || part.starts_with(secret))
        };
        let stands = common.len() == self.rules.len() && !own.parts.keys().any(touches);
        stands.then_some(own)
    }
}

/// What may not be done with a part of this access.
fn attributes(access: Access) -> u64 {
    match access {
        Access::Read => READ_ONLY | NO_SETUID | NO_DEVICES | NO_PROGRAMS,
        Access::ReadExecute | Access::Library => READ_ONLY | NO_SETUID | NO_DEVICES,
        Access::Write => NO_SETUID | NO_DEVICES | NO_PROGRAMS,
        Access::WriteExecute => NO_SETUID | NO_DEVICES,
        Access::Device => NO_SETUID | NO_PROGRAMS,
    }
}

/// What rules come to on this machine.
#[derive(Default)]
struct Draft {
    /// Real paths, and what may not be done there.
    parts: BTreeMap<PathBuf, u64>,
    /// Links that were met on the way, and where they point.
    links: BTreeMap<PathBuf, OsString>,
    /// The folders that were looked into.
    looked: BTreeSet<PathBuf>,
}

impl Draft {
    fn of(rules: &[PathRule]) -> Self {
        let mut draft = Self::default();
        for rule in rules {
            if let Some(real) = draft.find(&rule.path) {
                let attributes = attributes(rule.access);
                draft.parts.entry(real).and_modify(|all| *all &= attributes).or_insert(attributes);
            }
        }
        draft
    }

    /// Where a path really lies; nothing when it is not there or lies among the processes. Notes every link on the way.
    fn find(&mut self, path: &Path) -> Option<PathBuf> {
        let mut ahead: VecDeque<OsString> = names(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            if next.starts_with(PROCESSES) {
                return None;
            }
            if !self.looked.contains(&at) {
                self.looked.insert(at.clone());
            }
            let Ok(target) = next.read_link() else {
                at = next;
                continue;
            };
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            let on = names(&target);
            self.links.insert(next, target.into_os_string());
            for name in on.into_iter().rev() {
                ahead.push_front(name);
            }
        }
        at.exists().then_some(at)
    }

    /// The folders of the root that are neither parts nor links themselves.
    fn tops(&self) -> BTreeSet<PathBuf> {
        let all = self.parts.keys().chain(self.links.keys());
        let tops = all.filter_map(|path| top(path));
        tops.filter(|top| !self.parts.contains_key(top) && !self.links.contains_key(top)).collect()
    }
}

/// The entry of the root that a path lies in, or is.
fn top(path: &Path) -> Option<PathBuf> {
    let name = path.components().find(|part| matches!(part, Component::Normal(_)))?;
    Some(Path::new("/").join(name))
}

/// The names of a path, without its root and `.`.
fn names(path: &Path) -> VecDeque<OsString> {
    let parts = path.components();
    parts
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}
