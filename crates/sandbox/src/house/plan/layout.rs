//! The steps of one root as they are put together: places first, then what is shown at them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::works::Step;
use super::{PROCESSES, Part, SECRETS, TEMPORARY, attributes};
use crate::confinement::Access;

/// What is shown in the place of secrets.
const EMPTY_FILE: &str = "/.empty";
const EMPTY_FOLDER: &str = "/.none";

/// What was planned so far.
#[derive(Default)]
pub(super) struct Layout {
    pub(super) steps: Vec<Step>,
    /// Parts of the machine; whatever lies in one comes after it.
    pub(super) shown: Vec<(PathBuf, Part)>,
    /// Places that are there.
    places: BTreeSet<PathBuf>,
}

impl Layout {
    /// The private temporary folder.
    pub(super) fn temporary(&mut self) {
        self.places.insert(TEMPORARY.into());
        self.steps.push(Step::Temporary(inside(Path::new(TEMPORARY))));
    }

    /// The machine's own view of processes, as the ground for one that each life has of its own.
    pub(super) fn processes(&mut self) {
        self.show(Path::new(PROCESSES), attributes(Access::Read));
    }

    pub(super) fn enclose(&mut self, folder: &Path) {
        self.folder(folder);
        self.steps.push(Step::Enclose(inside(folder)));
    }

    /// Takes over what is at the same place of the common root; once.
    pub(super) fn take(&mut self, path: &Path, is_folder: bool) {
        if self.places.contains(path) {
            return;
        }
        if is_folder {
            self.folder(path)
        } else {
            self.file(path)
        }
        self.steps.push(Step::Take { from: outside(path), at: inside(path) });
    }

    pub(super) fn parts(&mut self, parts: &BTreeMap<PathBuf, u64>) {
        for (real, attributes) in parts {
            self.show(real, *attributes);
        }
    }

    /// Shows a part, unless it is shown with the same freedom already; there is never more than above it.
    fn show(&mut self, real: &Path, attributes: u64) {
        let around =
            self.shown.iter().rev().find(|(above, _)| real.starts_with(above)).map(|(_, part)| *part);
        let is_folder = real.is_dir();
        let attributes = around.map_or(attributes, |above| attributes & above.attributes);
        match around {
            Some(above) if above.attributes == attributes => return,
            Some(_) => {}
            None if is_folder => self.folder(real),
            None => self.file(real),
        }
        self.steps.push(Step::Show { source: outside(real), at: inside(real), attributes });
        self.shown.push((real.to_owned(), Part { attributes, is_folder }));
    }

    pub(super) fn is_shown(&self, path: &Path) -> bool {
        self.shown.iter().any(|(above, _)| path.starts_with(above))
    }

    /// Links that do not lie in a part, where the machine has made them already.
    pub(super) fn links(&mut self, links: &BTreeMap<PathBuf, OsString>) {
        for (at, target) in links {
            if !self.is_shown(at) {
                self.above(at);
                self.steps.push(Step::Link { target: c(Path::new(target)), at: inside(at) });
            }
        }
    }

    /// A place for the working folder, if nothing of it is there.
    pub(super) fn working_folder(&mut self, cwd: &Path, links: &[&BTreeMap<PathBuf, OsString>]) {
        let by_link = |links: &&BTreeMap<PathBuf, OsString>| links.keys().any(|at| cwd.starts_with(at));
        if cwd.is_dir() && !self.is_shown(cwd) && !links.iter().any(by_link) {
            self.folder(cwd);
        }
    }

    /// Covers the secrets that are shown and were not granted themselves.
    pub(super) fn cover(&mut self, granted: &BTreeMap<PathBuf, u64>) {
        let is_granted = |secret: &Path| granted.keys().any(|real| real.starts_with(secret));
        for secret in SECRETS.iter().map(Path::new) {
            if !self.is_shown(secret) || is_granted(secret) {
                continue;
            }
            let Ok(found) = secret.symlink_metadata() else { continue };
            let source = Path::new(if found.is_dir() { EMPTY_FOLDER } else { EMPTY_FILE });
            if found.is_dir() {
                self.folder(source)
            } else {
                self.file(source)
            }
            self.steps.push(Step::Cover { source: inside(source), at: inside(secret) });
        }
    }

    fn above(&mut self, path: &Path) {
        if let Some(above) = path.parent() {
            self.folder(above);
        }
    }

    /// A folder and all that it lies in, as far as they are not there.
    pub(super) fn folder(&mut self, path: &Path) {
        let mut missing: Vec<&Path> = path.ancestors().filter(|above| *above != Path::new("/")).collect();
        missing.reverse();
        for folder in missing {
            if self.places.insert(folder.to_owned()) {
                self.steps.push(Step::Folder(inside(folder)));
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.above(path);
        if self.places.insert(path.to_owned()) {
            self.steps.push(Step::File(inside(path)));
        }
    }
}

/// A path of the root that is being made, which is the working folder meanwhile.
fn inside(path: &Path) -> CString {
    c(path.strip_prefix("/").unwrap_or(path))
}

/// The same path in the root that the steps begin in.
fn outside(path: &Path) -> CString {
    c(path)
}

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("paths of files that were found hold no zero byte")
}
