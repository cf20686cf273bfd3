//! From the paths of a confinement to the steps that make a root of them: what is not named there is not there.
//!
//! The root is memory that holds nothing but places; at each place a part of the machine is shown, with no more freedom than was
//! granted. Links of the machine are made again, so that every path means what it means outside. What lies in a part that is shown
//! already needs no place of its own, unless it is granted more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use super::works::{OLD_ROOT, Step};
use crate::confinement::{Access, PathRule};
use crate::raw::{NO_DEVICES, NO_PROGRAMS, NO_SETUID, READ_ONLY};

#[cfg(test)]
mod tests;

/// 40 links: as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// Where the view of processes goes; it is no part of the machine's files.
const PROCESSES: &str = "/proc";

/// The private temporary folder: 64 MiB and 8,192 entries. Whoever needs more has `TMPDIR`.
const TEMPORARY: &str = "/tmp";
const TEMPORARY_OPTIONS: &core::ffi::CStr = c"mode=1777,size=64m,nr_inodes=8k";

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

/// What is shown in their place.
const EMPTY_FILE: &str = "/.empty";
const EMPTY_FOLDER: &str = "/.none";

/// The steps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
}

/// The plan; nothing when the whole machine was granted, so that there is nothing to hide.
pub(super) fn of(rules: &[PathRule], cwd: &Path) -> Option<Plan> {
    let mut draft = Draft::default();
    for rule in rules {
        if let Some(real) = draft.find(&rule.path) {
            let attributes = attributes(rule.access);
            draft.parts.entry(real).and_modify(|all| *all &= attributes).or_insert(attributes);
        }
    }
    if draft.parts.contains_key(Path::new("/")) {
        return None;
    }
    draft.links.extend(LINKS.map(|(at, target)| (PathBuf::from(at), OsString::from(target))));
    Some(Plan { steps: draft.steps(cwd) })
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

#[derive(Default)]
struct Draft {
    /// Real paths, and what may not be done there.
    parts: BTreeMap<PathBuf, u64>,
    /// Links that were met on the way, and where they point.
    links: BTreeMap<PathBuf, OsString>,
}

impl Draft {
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

    fn steps(self, cwd: &Path) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut places = Places::default();
        let shared_tmp = self.parts.keys().any(|real| real == Path::new(TEMPORARY));
        places.folder(&mut steps, Path::new(TEMPORARY));
        if !shared_tmp {
            steps.push(Step::Memory { at: c(Path::new(TEMPORARY)), options: TEMPORARY_OPTIONS });
        }
        places.folder(&mut steps, Path::new(PROCESSES));
        steps.push(Step::Show {
            source: outside(Path::new(PROCESSES)),
            at: c(Path::new(PROCESSES)),
            attributes: attributes(Access::Read),
        });
        let mut shown: Vec<(&Path, u64)> = Vec::new();
        for (real, attributes) in &self.parts {
            let around = shown.iter().rev().find(|(above, _)| real.starts_with(above)).copied();
            let attributes = around.map_or(*attributes, |(_, above)| attributes & above);
            match around {
                Some((_, above)) if above == attributes => continue,
                Some(_) => {}
                None if real.is_dir() => places.folder(&mut steps, real),
                None => places.file(&mut steps, real),
            }
            steps.push(Step::Show { source: outside(real), at: c(real), attributes });
            shown.push((real, attributes));
        }
        let is_shown = |path: &Path| shown.iter().any(|(above, _)| path.starts_with(above));
        for (at, target) in self.links.iter().filter(|(at, _)| !is_shown(at)) {
            places.above(&mut steps, at);
            steps.push(Step::Link { target: c(Path::new(target)), at: c(at) });
        }
        if cwd.is_dir() && !is_shown(cwd) && !self.links.keys().any(|at| cwd.starts_with(at)) {
            places.folder(&mut steps, cwd);
        }
        self.cover(&mut steps, &mut places, is_shown);
        steps
    }

    fn cover(&self, steps: &mut Vec<Step>, places: &mut Places, is_shown: impl Fn(&Path) -> bool) {
        let secrets = SECRETS.iter().map(Path::new);
        let granted = |secret: &Path| self.parts.keys().any(|real| real.starts_with(secret));
        for secret in secrets.filter(|secret| is_shown(secret) && !granted(secret)) {
            let Ok(found) = secret.symlink_metadata() else { continue };
            let source = if found.is_dir() { EMPTY_FOLDER } else { EMPTY_FILE };
            match found.is_dir() {
                true => places.folder(steps, Path::new(source)),
                false => places.file(steps, Path::new(source)),
            }
            steps.push(Step::Cover { source: c(Path::new(source)), at: c(secret) });
        }
    }
}

/// Places that were made already.
#[derive(Default)]
struct Places(BTreeSet<PathBuf>);

impl Places {
    fn above(&mut self, steps: &mut Vec<Step>, path: &Path) {
        if let Some(above) = path.parent() {
            self.folder(steps, above);
        }
    }

    fn folder(&mut self, steps: &mut Vec<Step>, path: &Path) {
        let mut missing: Vec<&Path> = path.ancestors().filter(|above| *above != Path::new("/")).collect();
        missing.reverse();
        for folder in missing {
            if self.0.insert(folder.to_owned()) {
                steps.push(Step::Folder(c(folder)));
            }
        }
    }

    fn file(&mut self, steps: &mut Vec<Step>, path: &Path) {
        self.above(steps, path);
        if self.0.insert(path.to_owned()) {
            steps.push(Step::File(c(path)));
        }
    }
}

/// The names of a path, without its root and `.`.
fn names(path: &Path) -> VecDeque<OsString> {
    let parts = path.components();
    parts
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// The same path below the old root.
fn outside(path: &Path) -> CString {
    let mut text = OLD_ROOT.to_bytes().to_vec();
    text.extend(path.as_os_str().as_bytes());
    CString::new(text).expect("paths of files that were found hold no zero byte")
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().to_owned().into_vec())
        .expect("paths of files that were found hold no zero byte")
}
