//! `permissions.yaml` in memory: what is approved for each module, changed by the kernel's decisions and saved whole.
//!
//! The kernel keeps sets; the file keeps who asked for what and when. A change of a set is therefore written as a
//! difference: values that are new get an entry of their own, values that are gone are taken out of theirs.

use std::io;
use std::path::{Path, PathBuf};

use abi::{ModuleId, Name, Permissions, Wall};
use kernel::{Grants, PendingRequest};
use protocol::files::permissions::{Denial, Earlier, Entry, Grant, Request, Store};
use sha2::{Digest, Sha256};

use super::blueprint;
use super::read_text;
use super::seal::Hashes;
use crate::error::HostError;
use crate::translate::uuid_text;

#[cfg(test)]
mod tests;

/// For the owner alone: the file says what may be attacked.
const MODE: u32 = 0o600;

/// 4 contents that a module had before are remembered with what was approved for each: the slots keep one to go back to.
const EARLIER_MAX: usize = 4;

/// How much a change matters to whoever waits for it to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// Nothing changed.
    Nothing,
    /// Only the first start was noted: losing that means one more `install` frame.
    FirstStart,
    /// Somebody decided or asked something.
    Decision,
}

/// The store and where it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Approvals {
    path: PathBuf,
    store: Store,
    /// The file is there and could not be read, so nothing is written over it.
    is_unread: bool,
}

impl Approvals {
    /// Reads the file; one that is missing is an empty store. The second part says what in it can't be understood.
    ///
    /// # Errors
    /// The file can't be read, or not be understood as a whole.
    pub(crate) fn load(path: &Path) -> Result<(Self, Vec<String>), HostError> {
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(HostError::Read { path: path.to_owned(), source }),
        };
        if text.trim().is_empty() {
            let empty = Self { path: path.to_owned(), store: Store::default(), is_unread: false };
            return Ok((empty, Vec::new()));
        }
        let (store, faults) = Store::parse(&path.display().to_string(), &text).map_err(HostError::File)?;
        let faults = faults.iter().map(ToString::to_string).collect();
        Ok((Self { path: path.to_owned(), store, is_unread: false }, faults))
    }

    /// No approvals, for a start in safe mode on a home whose file may be unreadable: it is never written over.
    pub(crate) fn unread(path: &Path) -> Self {
        Self { path: path.to_owned(), store: Store::default(), is_unread: true }
    }

    /// Whether the file was not read, and so must not be written.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// The file as it has to be written, for a thread that may wait.
    pub(crate) fn to_file(&self) -> ApprovalsFile {
        ApprovalsFile { path: self.path.clone(), text: self.store.to_yaml() }
    }

    /// Which module offers a service, where an operator chose.
    pub(crate) fn providers(&self) -> impl Iterator<Item = (&Name, &ModuleId)> {
        self.store.service_providers.iter()
    }

    /// The names that something is stored about.
    pub(crate) fn names(&self) -> impl Iterator<Item = &ModuleId> {
        self.store.modules.keys()
    }

    /// The stored entry of a module.
    pub(crate) fn entry(&self, id: &ModuleId) -> Option<&Entry> {
        self.store.modules.get(id)
    }

    /// What the kernel has to know of a module's entry.
    pub(crate) fn grants(&self, id: &ModuleId) -> Grants {
        let Some(entry) = self.entry(id) else { return Grants::default() };
        let mut dynamic = Permissions::default();
        for grant in &entry.dynamic {
            dynamic.extend(&grant.permissions);
        }
        let mut denied = Permissions::default();
        for denial in &entry.denied {
            denied.extend(&denial.permissions);
        }
        Grants {
            base: entry.base.clone(),
            dynamic,
            pending: entry.pending.iter().map(pending).collect(),
            denied,
            capabilities: entry.capabilities.as_ref().map(blueprint::capabilities),
            forbid: blueprint::forbidden(&entry.forbid),
            spawned_before: entry.first_spawn_at.is_some(),
            zone: entry.zone,
            is_quarantined: entry.is_quarantined,
        }
    }

    /// Takes over what the kernel decided about a module.
    pub(crate) fn keep(&mut self, id: &ModuleId, grants: &Grants, now: Wall) -> Change {
        let entry = self.store.modules.entry(id.clone()).or_default();
        let before = entry.clone();
        keep_granted(&mut entry.dynamic, &grants.dynamic, now);
        keep_denied(&mut entry.denied, &grants.denied, now);
        keep_pending(&mut entry.pending, &grants.pending, now);
        if entry.base != grants.base {
            entry.base.clone_from(&grants.base);
        }
        (entry.zone, entry.is_quarantined) = (grants.zone, grants.is_quarantined);
        let decided = *entry != before;
        if grants.spawned_before && entry.first_spawn_at.is_none() {
            entry.first_spawn_at = Some(now);
        }
        match (decided, *entry != before) {
            (true, _) => Change::Decision,
            (false, true) => Change::FirstStart,
            (false, false) => Change::Nothing,
        }
    }

    /// Approves what a manifest asks for, bound to these hashes.
    pub(crate) fn approve(&mut self, id: &ModuleId, declared: &Permissions, hashes: &Hashes, now: Wall) {
        let entry = self.store.modules.entry(id.clone()).or_default();
        remember(entry, hashes);
        entry.base = Some(declared.clone());
        entry.base_granted_at = Some(now);
        // Who approves has looked.
        entry.is_quarantined = false;
        bind(entry, hashes);
    }

    /// The manifest asks for less by itself: what it asks for no more is approved no more.
    pub(crate) fn narrow(&mut self, id: &ModuleId, declared: &Permissions, hashes: &Hashes) {
        let entry = self.store.modules.entry(id.clone()).or_default();
        entry.base = Some(declared.clone());
        let rest = entry.rest_hash.clone();
        let whole = whole(entry);
        self.bind(id, hashes);
        self.note_rest(id, rest);
        let entry = self.store.modules.entry(id.clone()).or_default();
        if let Some(Hashes { manifest, tree }) = whole {
            (entry.whole_manifest_hash, entry.whole_tree_hash) = (Some(manifest), tree);
        }
    }

    /// What a module with these hashes was when a person approved it: it may have asked for less by itself since, which
    /// makes no other module of it.
    pub(crate) fn approved_as(&self, id: &ModuleId, hashes: &Hashes) -> Hashes {
        let entry = self.entry(id).filter(|entry| {
            entry.base_manifest_hash.as_ref() == Some(&hashes.manifest) && entry.tree_hash == hashes.tree
        });
        entry.and_then(whole).unwrap_or_else(|| hashes.clone())
    }

    /// What a module whose manifest asks for less than was approved was before.
    pub(crate) fn before_narrowing(&self, id: &ModuleId) -> Option<Hashes> {
        self.entry(id).and_then(whole)
    }

    /// Notes the hash of what is approved beside the permissions. Says whether it was another one.
    pub(crate) fn note_rest(&mut self, id: &ModuleId, rest: Option<String>) -> bool {
        let Some(entry) = self.store.modules.get_mut(id).filter(|entry| entry.is_approved()) else {
            return false;
        };
        std::mem::replace(&mut entry.rest_hash, rest) != entry.rest_hash
    }

    /// Binds the approval that is there to other hashes.
    pub(crate) fn bind(&mut self, id: &ModuleId, hashes: &Hashes) {
        let entry = self.store.modules.entry(id.clone()).or_default();
        remember(entry, hashes);
        bind(entry, hashes);
    }

    /// What was approved with content that a module had before.
    pub(crate) fn approved_with(&self, id: &ModuleId, hashes: &Hashes) -> Option<&Permissions> {
        let earlier = self.entry(id)?.earlier.iter().find(|earlier| is_of(earlier, hashes))?;
        Some(&earlier.base)
    }

    /// A module has content again that it had before, and gets back what was approved with it: exactly that, and of what
    /// was granted at run time what it had then. What was refused or taken back since stays so.
    pub(crate) fn give_back(&mut self, id: &ModuleId, hashes: &Hashes) {
        let entry = self.store.modules.entry(id.clone()).or_default();
        remember(entry, hashes);
        if let Some(at) = entry.earlier.iter().position(|earlier| is_of(earlier, hashes)) {
            let earlier = entry.earlier.remove(at);
            entry.base = Some(earlier.base);
            entry.base_granted_at = earlier.base_granted_at;
            for grant in &mut entry.dynamic {
                let since = grant.permissions.minus(&earlier.dynamic);
                grant.permissions = grant.permissions.minus(&since);
            }
            entry.dynamic.retain(|grant| !grant.permissions.is_empty());
        }
        bind(entry, hashes);
    }

    /// Notes the hash of a tree whose approval is older than such hashes.
    pub(crate) fn note_tree(&mut self, id: &ModuleId, tree: &str) {
        if let Some(entry) = self.store.modules.get_mut(id) {
            entry.tree_hash = Some(tree.to_owned());
        }
    }

    /// Forgets a module.
    pub(crate) fn forget(&mut self, id: &ModuleId) {
        self.store.modules.remove(id);
    }
}

/// Notes what is approved with the content that a module has, before it gets another one.
fn remember(entry: &mut Entry, next: &Hashes) {
    let (Some(base), Some(manifest)) = (entry.base.clone(), entry.base_manifest_hash.clone()) else { return };
    let had = Hashes { manifest, tree: entry.tree_hash.clone() };
    if had == *next {
        return;
    }
    let mut dynamic = Permissions::default();
    for grant in &entry.dynamic {
        dynamic.extend(&grant.permissions);
    }
    entry.earlier.retain(|earlier| !is_of(earlier, &had));
    let spare = (entry.earlier.len() + 1).saturating_sub(EARLIER_MAX);
    entry.earlier.drain(..spare);
    let Hashes { manifest, tree } = had;
    let base_granted_at = entry.base_granted_at;
    entry.earlier.push(Earlier { manifest_hash: manifest, tree_hash: tree, base, base_granted_at, dynamic });
}

fn bind(entry: &mut Entry, hashes: &Hashes) {
    entry.base_manifest_hash = Some(hashes.manifest.clone());
    entry.tree_hash.clone_from(&hashes.tree);
    // It is noted when these files are looked at next.
    entry.rest_hash = None;
    (entry.whole_manifest_hash, entry.whole_tree_hash) = (None, None);
}

/// The hashes that a person approved.
fn whole(entry: &Entry) -> Option<Hashes> {
    let narrowed =
        entry.whole_manifest_hash.clone().map(|manifest| (manifest, entry.whole_tree_hash.clone()));
    let bound = || Some((entry.base_manifest_hash.clone()?, entry.tree_hash.clone()));
    narrowed.or_else(bound).map(|(manifest, tree)| Hashes { manifest, tree })
}

fn is_of(earlier: &Earlier, hashes: &Hashes) -> bool {
    earlier.manifest_hash == hashes.manifest && earlier.tree_hash == hashes.tree
}

/// The whole file, not yet written.
#[derive(Debug)]
pub(crate) struct ApprovalsFile {
    path: PathBuf,
    text: String,
}

impl ApprovalsFile {
    /// Writes it and waits until it is durable.
    ///
    /// # Errors
    /// The step that failed; the old file is still there.
    pub(crate) fn write(&self) -> Result<(), store::WriteError> {
        store::write_whole(&self.path, self.text.as_bytes(), MODE)
    }
}

fn pending(request: &Request) -> PendingRequest {
    PendingRequest {
        id: request_number(&request.id),
        permissions: request.permissions.clone(),
        reason: request.reason.clone(),
    }
}

/// A uuid's number. Older stores may hold other texts; those get a number that follows from the text.
pub(crate) fn request_number(text: &str) -> u128 {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let number = if plain.len() == 32 { u128::from_str_radix(&plain, 16).ok() } else { None };
    number.unwrap_or_else(|| {
        let hash = Sha256::digest(text.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        u128::from_be_bytes(first)
    })
}

fn keep_granted(stored: &mut Vec<Grant>, wanted: &Permissions, now: Wall) {
    let mut known = Permissions::default();
    for grant in stored.iter_mut() {
        let gone = grant.permissions.minus(wanted);
        grant.permissions = grant.permissions.minus(&gone);
        known.extend(&grant.permissions);
    }
    stored.retain(|grant| !grant.permissions.is_empty());
    let fresh = wanted.minus(&known);
    if !fresh.is_empty() {
        stored.push(Grant { permissions: fresh, reason: None, granted_at: Some(now) });
    }
}

fn keep_denied(stored: &mut Vec<Denial>, wanted: &Permissions, now: Wall) {
    let mut known = Permissions::default();
    for denial in stored.iter_mut() {
        let gone = denial.permissions.minus(wanted);
        denial.permissions = denial.permissions.minus(&gone);
        known.extend(&denial.permissions);
    }
    stored.retain(|denial| !denial.permissions.is_empty());
    let fresh = wanted.minus(&known);
    if !fresh.is_empty() {
        stored.push(Denial { permissions: fresh, reason: None, denied_at: Some(now) });
    }
}

fn keep_pending(stored: &mut Vec<Request>, wanted: &[PendingRequest], now: Wall) {
    stored.retain(|request| wanted.iter().any(|wish| wish.id == request_number(&request.id)));
    for wish in wanted {
        if !stored.iter().any(|request| request_number(&request.id) == wish.id) {
            stored.push(Request {
                id: uuid_text(wish.id),
                permissions: wish.permissions.clone(),
                reason: wish.reason.clone(),
                requested_at: Some(now),
            });
        }
    }
}
