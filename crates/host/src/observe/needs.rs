//! From what an observed module used and wanted to the smallest permissions that hold it: a pure step.
//!
//! What was granted and used stays as it was granted; what was granted and not used is left out; what was wanted beyond it is added,
//! as narrow as it can be said. Kinds that can't be observed stay as granted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use abi::{PermissionKind, Permissions};
use sandbox::Reach;

use super::{Seen, Wish};

#[cfg(test)]
mod tests;

/// 16 files of one folder: from here on the folder is named instead.
const FILES_OF_A_FOLDER_MAX: usize = 16;

/// Where programs are found by their name alone.
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/// What values of `run` begin with that are no programs.
const CALLS_TO_THE_KERNEL: &str = "kernel.";

/// Where a module's values are at home.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The module's own folder, where relative values start.
    pub(crate) folder: &'a Path,
    /// What `~/` stands for.
    pub(crate) home: &'a Path,
}

/// The smallest permissions.
pub(crate) fn needs(seen: &BTreeSet<Seen>, granted: &Permissions, places: Places<'_>) -> Permissions {
    let mut needed = granted.clone();
    *needed.of_mut(PermissionKind::Net) = net(seen, granted.of(PermissionKind::Net));
    *needed.of_mut(PermissionKind::Run) = run(seen, granted.of(PermissionKind::Run));
    let mut paths = Paths::of(granted, places);
    for one in seen {
        match &one.wish {
            Wish::Write(path) => paths.write(Path::new(path)),
            Wish::Read(_) | Wish::Run(_) | Wish::Net(_) | Wish::Call(_) => {}
        }
    }
    // What may be written may be read, so writes come first.
    for one in seen {
        if let Wish::Read(path) = &one.wish {
            paths.read(Path::new(path));
        }
    }
    *needed.of_mut(PermissionKind::Write) = paths.written.values(places);
    *needed.of_mut(PermissionKind::Read) = paths.read.values(places);
    needed
}

/// The names of calls that were refused.
pub(crate) fn refused_calls(seen: &BTreeSet<Seen>) -> Vec<String> {
    let call = |seen: &Seen| match &seen.wish {
        Wish::Call(call) => Some(call.clone()),
        _ => None,
    };
    seen.iter().filter_map(call).collect()
}

/// Where a value points, as the sandbox reads it.
pub(crate) fn locate(value: &str, places: Places<'_>) -> PathBuf {
    match value.strip_prefix("~/") {
        Some(rest) => places.home.join(rest),
        None if value == "~" => places.home.to_owned(),
        None => places.folder.join(value),
    }
}

/// Paths of one kind.
#[derive(Default)]
struct Kind {
    /// What was granted, and where it points.
    granted: Vec<(String, PathBuf)>,
    used: BTreeSet<String>,
    fresh: BTreeSet<PathBuf>,
}

impl Kind {
    fn of(values: &BTreeSet<String>, places: Places<'_>) -> Self {
        let granted = values.iter().map(|value| (value.clone(), locate(value, places))).collect();
        Self { granted, ..Self::default() }
    }

    /// Notes the granted value that holds a path; whether there is one.
    fn holds(&mut self, path: &Path) -> bool {
        let is_within =
            |at: &Path| path.starts_with(at) || at.canonicalize().is_ok_and(|at| path.starts_with(at));
        let holding = self.granted.iter().find(|(_, at)| is_within(at)).map(|(value, _)| value.clone());
        let is_held = holding.is_some();
        self.used.extend(holding);
        is_held
    }

    fn values(self, places: Places<'_>) -> BTreeSet<String> {
        let fresh = folded(&self.fresh);
        let outer = |path: &&PathBuf| !path.ancestors().skip(1).any(|above| fresh.contains(above));
        let said = fresh.iter().filter(outer).map(|path| value(path, places));
        self.used.into_iter().chain(said).collect()
    }
}

struct Paths {
    read: Kind,
    written: Kind,
}

impl Paths {
    fn of(granted: &Permissions, places: Places<'_>) -> Self {
        let kind = |kind| Kind::of(granted.of(kind), places);
        Self { read: kind(PermissionKind::Read), written: kind(PermissionKind::Write) }
    }

    fn write(&mut self, path: &Path) {
        if !self.written.holds(path) {
            self.written.fresh.insert(path.to_owned());
        }
    }

    fn read(&mut self, path: &Path) {
        let is_written = path.ancestors().any(|above| self.written.fresh.contains(above));
        if !is_written && !self.read.holds(path) && !self.written.holds(path) {
            self.read.fresh.insert(path.to_owned());
        }
    }
}

/// Many files of one folder are that folder.
fn folded(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let mut of_folder: BTreeMap<&Path, usize> = BTreeMap::new();
    for folder in paths.iter().filter_map(|path| path.parent()) {
        *of_folder.entry(folder).or_default() += 1;
    }
    let is_many = |folder: &Path| of_folder.get(folder).is_some_and(|count| *count >= FILES_OF_A_FOLDER_MAX);
    let fold = |path: &PathBuf| match path.parent() {
        // The whole machine is never meant.
        Some(folder) if folder.parent().is_some() && is_many(folder) => folder.to_owned(),
        _ => path.clone(),
    };
    paths.iter().map(fold).collect()
}

/// A path as a value is written.
fn value(path: &Path, places: Places<'_>) -> String {
    if let Ok(below) = path.strip_prefix(places.folder) {
        return if below.as_os_str().is_empty() { ".".to_owned() } else { below.display().to_string() };
    }
    match path.strip_prefix(places.home) {
        Ok(below) if places.home.parent().is_some() => format!("~/{}", below.display()),
        _ => path.display().to_string(),
    }
}

fn net(seen: &BTreeSet<Seen>, granted: &BTreeSet<String>) -> BTreeSet<String> {
    let wanted: Vec<&str> = seen
        .iter()
        .filter_map(|seen| match &seen.wish {
            Wish::Net(place) => Some(place.as_str()),
            _ => None,
        })
        .collect();
    let mut needed = BTreeSet::new();
    for place in &wanted {
        let (host, port) = host_and_port(place);
        // A name without a port was asked for; when a place of that name was reached, that says more.
        let has_more = port.is_none()
            && wanted
                .iter()
                .any(|other| host_and_port(other) == (host, port_of(other)) && port_of(other).is_some());
        if has_more {
            continue;
        }
        let admitting =
            granted.iter().find(|value| *value == "*" || Reach::of([value.as_str()]).admits(host, port));
        needed.insert(admitting.cloned().unwrap_or_else(|| (*place).to_owned()));
    }
    needed
}

fn port_of(place: &str) -> Option<u16> {
    host_and_port(place).1
}

/// `host:port`, `[v6]:port`, or a host alone.
fn host_and_port(place: &str) -> (&str, Option<u16>) {
    let bare = |host: &'_ str| host.len();
    match place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) if bare(host) > 0 => {
            (host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host), Some(port))
        }
        _ => (place, None),
    }
}

fn run(seen: &BTreeSet<Seen>, granted: &BTreeSet<String>) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> =
        granted.iter().filter(|value| value.starts_with(CALLS_TO_THE_KERNEL)).cloned().collect();
    for one in seen {
        let Wish::Run(path) = &one.wish else { continue };
        let path = Path::new(path);
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let own = granted.iter().find(|value| *value == name || Path::new(value) == path);
        match own {
            Some(own) => _ = needed.insert(own.clone()),
            // Its own programs, and those that every module may run.
            None if one.is_granted => {}
            None if path
                .parent()
                .is_some_and(|folder| PROGRAM_FOLDERS.iter().any(|known| folder == Path::new(known))) =>
            {
                needed.insert(name.to_owned());
            }
            None => _ = needed.insert(path.display().to_string()),
        }
    }
    needed
}
