//! All modules of a home and a project: one value that the kernel compares with what it knows, and what is needed to
//! start each.
//!
//! One bad folder never hides the others: it becomes a refused module, or, where it has no usable name, a complaint.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use abi::limits::MODULES_MAX;
use abi::{ModuleId, Permissions};
use kernel::{Discovered, Door, Grants, Spec};
use protocol::files::policy::Policy;

use super::approvals::Approvals;
use super::blueprint::{self, Blueprint, Origin};
use super::folder::{self, ModuleFolder, Unusable};
use super::project::ProjectModules;
use super::seal::{self, Covers, HashCache, Hashes, Seal, fingerprint};
use crate::runtime::Runtime;

#[cfg(test)]
mod tests;

/// Folders that change without the module having become another one; in a linked folder they don't count.
const WORKPLACE_FOLDERS: [&str; 5] = [".git", "node_modules", "__pycache__", ".venv", "target"];

/// A module that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) discovered: Discovered,
    pub(crate) blueprint: Blueprint,
    /// What its approval is to be bound to now; nothing for what needs none or has none.
    pub(crate) binding: Option<Binding>,
}

/// What follows for an approval from files that it still covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The hash of everything but the permissions.
    pub(crate) rest: String,
    /// The hashes of a manifest that asks for less than was approved, and for nothing else.
    pub(crate) narrowed: Option<Hashes>,
}

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finding {
    /// By name, so that the same files give the same value.
    pub(crate) modules: BTreeMap<ModuleId, Found>,
    /// What can't be shown as a module.
    pub(crate) complaints: Vec<String>,
    /// Hashes of trees whose approval is older than such hashes: to be noted.
    pub(crate) new_trees: Vec<(ModuleId, String)>,
}

/// What a search needs to know.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    /// `<home>/modules`.
    pub(crate) modules: &'a Path,
    pub(crate) approvals: &'a Approvals,
    pub(crate) project: Option<&'a ProjectModules>,
    /// What `~/` in permissions stands for.
    pub(crate) user_home: &'a Path,
}

/// Looks at all folders and the project.
pub(crate) fn search(search: &Search<'_>, cache: &mut HashCache) -> Finding {
    let mut finding = Finding::default();
    for path in folders(search.modules, &mut finding.complaints) {
        match folder::read(&path, Origin::Home, &Policy::default()) {
            Ok(module) => finding.add(judge(search, cache, module, &[]), &path),
            Err(Unusable::NoModule) => {}
            Err(Unusable::Refused(Some(id), why)) => {
                let grants = search.approvals.grants(&id);
                finding.add(refused(&id, Origin::Home, grants, why), &path);
            }
            Err(Unusable::Refused(None, why)) => {
                finding.complaints.push(format!("`{}`: {why}", path.display()));
            }
        }
    }
    for found in search.project.iter().flat_map(|project| project.found(search, cache)) {
        let place = PathBuf::from("the project file");
        finding.add(found, &place);
    }
    finding.note_new_trees(search.approvals, cache);
    finding
}

impl Finding {
    fn add(&mut self, found: Found, place: &Path) {
        let id = found.discovered.spec.id.clone();
        if self.modules.len() >= MODULES_MAX {
            self.complaints.push(format!("`{}`: there are {MODULES_MAX} modules already", place.display()));
            return;
        }
        match self.modules.entry(id) {
            Entry::Vacant(free) => {
                free.insert(found);
            }
            Entry::Occupied(taken) => {
                let id = taken.key();
                self.complaints.push(format!("`{}`: there is a module `{id}` already", place.display()));
            }
        }
    }

    /// Whether any module is run by this.
    pub(crate) fn uses(&self, runtime: Runtime) -> bool {
        self.modules.values().any(|found| found.blueprint.runtime == runtime)
    }

    /// What the kernel is told.
    pub(crate) fn discovered(&self) -> Vec<Discovered> {
        self.modules.values().map(|found| found.discovered.clone()).collect()
    }

    /// How many can't be started as they are.
    pub(crate) fn refused(&self) -> usize {
        self.modules.values().filter(|found| found.discovered.refused.is_some()).count()
    }

    fn note_new_trees(&mut self, approvals: &Approvals, cache: &mut HashCache) {
        for (id, found) in &self.modules {
            let Some(seal) = &found.blueprint.seal else { continue };
            let approved = approvals.entry(id).is_some_and(|entry| {
                entry.is_approved() && entry.tree_hash.is_none() && found.discovered.refused.is_none()
            });
            if approved && seal.covers == Covers::Tree {
                let writable = writable(&found.discovered.grants.effective(), seal, Path::new("/"));
                let tree = cache.look(seal, &writable).ok().and_then(|hashes| hashes.tree);
                self.new_trees.extend(tree.map(|tree| (id.clone(), tree)));
            }
        }
    }
}

/// The folders below `modules`, sorted, without hidden ones.
fn folders(modules: &Path, complaints: &mut Vec<String>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(modules) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            complaints.push(format!("`{}` can't be read: {error}", modules.display()));
            return Vec::new();
        }
    };
    let visible =
        |path: &PathBuf| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(visible).collect();
    folders.sort();
    folders
}

/// A usable folder against its approval: are these the files that were approved? `extra` is what else makes it the
/// module it is.
pub(crate) fn judge(
    search: &Search<'_>,
    cache: &mut HashCache,
    module: ModuleFolder,
    extra: &[String],
) -> Found {
    let ModuleFolder { mut spec, mut blueprint, protocol, .. } = module;
    blueprint::apply_bridge(&mut spec, &mut blueprint, protocol);
    let id = spec.id.clone();
    let origin = blueprint.origin;
    let mut grants = search.approvals.grants(&id);
    let Some(folder) = blueprint.folder.clone() else {
        return refused(&id, origin, grants, "it has no folder".to_owned());
    };
    let covers = blueprint.seal.as_ref().map_or(Covers::Manifest, |seal| seal.covers);
    let seal = Seal { folder: folder.clone(), covers };
    let looked = cache.look(&seal, &writable(&grants.effective(), &seal, search.user_home));
    let hashes = match looked {
        Ok(hashes) => hashes,
        Err(error) => {
            return refused(&id, origin, grants, format!("its files can't be read: {error}"));
        }
    };
    let mut why = match origin {
        Origin::Home => mismatch(search.approvals, &id, &hashes),
        Origin::Project | Origin::Hand => None,
    };
    let rest = match origin {
        // What can't be told apart is approved as a whole.
        Origin::Home => cache.rest(&seal, &writable(&grants.effective(), &seal, search.user_home)).ok(),
        Origin::Project | Origin::Hand => None,
    };
    let mut narrowed = None;
    if why.is_some() && rest.as_deref().is_some_and(|rest| asks_for_less(search, &spec, rest)) {
        let held = Grants { base: Some(spec.declared.clone()), ..grants.clone() };
        narrowed = cache.look(&seal, &writable(&held.effective(), &seal, search.user_home)).ok();
        if narrowed.is_some() {
            (why, grants) = (None, held);
        }
    }
    if blueprint.runtime == Runtime::Wasm {
        blueprint.code = cache.code_of(blueprint.entry());
    }
    // What a module gives up by itself is no part of what it is: that follows from what is approved.
    let known = match origin {
        Origin::Home if narrowed.is_some() => search.approvals.before_narrowing(&id),
        Origin::Home => Some(search.approvals.approved_as(&id, &hashes)),
        Origin::Project | Origin::Hand => None,
    };
    let apart = writable(&grants.effective(), &seal, search.user_home);
    let parts = identity(cache, &blueprint, (&known.unwrap_or(hashes), &apart));
    let parts: Vec<&str> = parts.iter().chain(extra).map(String::as_str).collect();
    spec.fingerprint = fingerprint(&parts);
    let binding = rest.filter(|_| why.is_none()).map(|rest| Binding { rest, narrowed });
    Found { discovered: Discovered { spec, grants, refused: why }, blueprint, binding }
}

/// What makes a module the one it is: its manifest and its files, but for those that may change within a life.
fn identity(
    cache: &mut HashCache,
    blueprint: &Blueprint,
    (hashes, writable): (&Hashes, &[PathBuf]),
) -> [String; 2] {
    let folder = blueprint.folder.as_deref().unwrap_or(&blueprint.cwd);
    // The code of a WebAssembly module can change within a life.
    let swaps = blueprint.runtime == Runtime::Wasm && blueprint.door == Door::Lines;
    let own = swaps.then(|| blueprint.entry().to_owned());
    // The manifest counts by a hash of its own.
    let apart = own.into_iter().chain([folder.join(seal::MANIFEST)]);
    let tree = match &hashes.tree {
        Some(tree) if !swaps => tree.clone(),
        Some(_) => {
            let apart: Vec<PathBuf> = writable.iter().cloned().chain(apart).collect();
            cache.of_tree(folder, &apart).unwrap_or_default()
        }
        None => {
            let workplace = WORKPLACE_FOLDERS.iter().map(|name| folder.join(name));
            let workplace: Vec<PathBuf> = workplace.chain(apart).collect();
            // A workplace that can't be hashed whole changes only with its manifest.
            cache.of_tree(folder, &workplace).unwrap_or_default()
        }
    };
    [hashes.manifest.clone(), tree]
}

/// Whether a manifest differs from the approved one by asking for less, and in nothing else.
fn asks_for_less(search: &Search<'_>, spec: &Spec, rest: &str) -> bool {
    let entry = search.approvals.entry(&spec.id);
    entry.is_some_and(|entry| {
        let approved = entry.base.as_ref().is_some_and(|base| spec.declared.within(base) == spec.declared);
        approved && entry.rest_hash.as_deref() == Some(rest)
    })
}

/// Why the files are not those that were approved, if so.
pub(crate) fn mismatch(approvals: &Approvals, id: &ModuleId, hashes: &Hashes) -> Option<String> {
    let entry = approvals.entry(id).filter(|entry| entry.is_approved())?;
    if entry.base_manifest_hash.as_ref().is_some_and(|approved| *approved != hashes.manifest) {
        return Some(format!("manifest hash mismatch for {id} - re-install required"));
    }
    let changed = match (&entry.tree_hash, &hashes.tree) {
        (Some(approved), Some(found)) => approved != found,
        _ => false,
    };
    changed.then(|| format!("tree hash mismatch for {id} - re-install required"))
}

/// Folders of a module that it may write itself, so that they are no part of what was approved.
pub(crate) fn writable(effective: &Permissions, seal: &Seal, user_home: &Path) -> Vec<PathBuf> {
    let located = effective.write.iter().map(|text| match text.strip_prefix("~/") {
        Some(rest) => user_home.join(rest),
        None => seal.folder.join(text),
    });
    // The whole folder can't be excepted: then nothing would be bound.
    located.filter(|path| path.starts_with(&seal.folder) && *path != seal.folder).collect()
}

/// A module that is shown and can't be started.
pub(crate) fn refused(id: &ModuleId, origin: Origin, grants: Grants, why: String) -> Found {
    let mut spec = Spec::plain(id.clone());
    spec.fingerprint = fingerprint(&[&why]);
    Found {
        discovered: Discovered { spec, grants, refused: Some(why) },
        blueprint: Blueprint::unusable(id, origin),
        binding: None,
    }
}
