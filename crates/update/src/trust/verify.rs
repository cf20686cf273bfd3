//! Verifying: a slice against what is trusted, in the order of the framework's specification (5.3 to 5.7). Nothing is
//! taken over from a slice of which any part is refused.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;

use abi::Wall;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tough::TargetName;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::schema::{Metafile, Role, RoleKeys, RoleType, Root, Signed, Snapshot, Targets, Timestamp};

use super::issue::TrustRole;
use super::{KEYS_MAX, KeyId, META_MAX, PublicKey, ROLES_MAX, SNAPSHOT, TARGETS, TIMESTAMP, TrustError};
use crate::digest::Digests;
use crate::package::{PackageReader, PackedPath, Slice};

/// What a home trusts: the root, and the versions that it saw, below which it never goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trust {
    root: Signed<Root>,
    /// The root byte for byte.
    root_text: Vec<u8>,
    /// Versions that were seen; 0 for none.
    timestamp: u64,
    snapshot: u64,
    /// By file.
    targets: BTreeMap<String, u64>,
    /// The latest time at which something was verified: a clock that goes back makes nothing young again.
    latest: Wall,
}

/// [`Trust`] as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    root: String,
    timestamp: u64,
    snapshot: u64,
    targets: BTreeMap<String, u64>,
    latest_ms: u64,
}

/// A slice that was verified: what it vouches for, and what is trusted from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct Vouched {
    trust: Trust,
    targets: Signed<Targets>,
}

impl Trust {
    /// The first trust, in a root that came by a way that is trusted for other reasons: a person put it there.
    ///
    /// # Errors
    /// `TrustError` when it is no root, is not signed by itself, or names keys that are refused. Whether it has expired
    /// is asked when it is used.
    pub fn begin(root: &[u8]) -> Result<Self, TrustError> {
        let file = "root.json";
        let signed = parse_root(root, file)?;
        signed.signed.verify_role(&signed).map_err(signature(file))?;
        Ok(Self {
            root: signed,
            root_text: root.to_vec(),
            timestamp: 0,
            snapshot: 0,
            targets: BTreeMap::new(),
            latest: Wall(0),
        })
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// As [`Self::begin`], and `Unreadable`.
    pub fn parse(text: &[u8]) -> Result<Self, TrustError> {
        let unreadable = |source| TrustError::Unreadable { file: "trust".to_owned(), source };
        let wire: Wire = serde_json::from_slice(text).map_err(unreadable)?;
        let begun = Self::begin(wire.root.as_bytes())?;
        let Wire { timestamp, snapshot, targets, latest_ms, .. } = wire;
        Ok(Self { timestamp, snapshot, targets, latest: Wall(latest_ms), ..begun })
    }

    /// What is to be kept, whole and durable, before anything follows from a verified slice.
    pub fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            root: String::from_utf8_lossy(&self.root_text).into_owned(),
            timestamp: self.timestamp,
            snapshot: self.snapshot,
            targets: self.targets.clone(),
            latest_ms: self.latest.0,
        };
        serde_json::to_vec_pretty(&wire).expect("texts and numbers are always JSON")
    }

    /// The version of the timestamp that was seen last; it counts up with everything that its holder signs.
    pub fn timestamp_version(&self) -> u64 {
        self.timestamp
    }

    /// The version of the root that is trusted.
    pub fn root_version(&self) -> u64 {
        self.root.signed.version.get()
    }

    /// The keys that hold a role, and how many of them have to sign.
    pub fn holders(&self, role: TrustRole) -> (Vec<PublicKey>, u64) {
        let keys = self.root.signed.keys(role.tuf()).filter_map(PublicKey::of).collect();
        (keys, self.root.signed.roles.get(&role.tuf()).map_or(0, |held| held.threshold.get()))
    }

    /// Verifies a slice at a time.
    ///
    /// # Errors
    /// `TrustError`, which names the file and the check; what is trusted stays as it is.
    pub fn verify(&self, now: Wall, slice: &Slice) -> Result<Vouched, TrustError> {
        let mut trust = Self { latest: now.max(self.latest), ..self.clone() };
        trust.follow_roots(slice)?;
        let timestamp = trust.check_timestamp(slice)?;
        let snapshot = trust.check_snapshot(slice, &timestamp)?;
        let targets = trust.check_targets(slice, &snapshot)?;
        trust.check_unsigned(slice, &snapshot)?;
        trust.timestamp = timestamp.version.get();
        trust.snapshot = snapshot.version.get();
        trust.targets = snapshot.meta.iter().map(|(name, meta)| (name.clone(), meta.version.get())).collect();
        Ok(Vouched { trust, targets })
    }

    /// 5.3: each next root is signed by the one before and by itself.
    fn follow_roots(&mut self, slice: &Slice) -> Result<(), TrustError> {
        let first = self.root.signed.clone();
        // A slice holds at most 128 files, and each turn takes one.
        loop {
            let due = self.root_version().saturating_add(1);
            let file = format!("{due}.root.json");
            let Some(text) = slice.get(&file) else { break };
            let next = parse_root(text, &file)?;
            self.root.signed.verify_role(&next).map_err(signature(&file))?;
            next.signed.verify_role(&next).map_err(signature(&file))?;
            let found = next.signed.version.get();
            if found != due {
                return Err(TrustError::Mixed { file, found, due });
            }
            (self.root, self.root_text) = (next, text.clone());
        }
        self.check_age(&self.root.signed, &format!("{}.root.json", self.root_version()))?;
        // Whoever lost a key may have counted its files far ahead: a new key begins anew.
        let changed = |role| held(&first, role) != held(&self.root.signed, role);
        if changed(RoleType::Timestamp) || changed(RoleType::Snapshot) {
            (self.timestamp, self.snapshot) = (0, 0);
            self.targets.clear();
        }
        Ok(())
    }

    /// 5.4: the newest, never older than the newest so far.
    fn check_timestamp(&self, slice: &Slice) -> Result<Timestamp, TrustError> {
        let timestamp: Signed<Timestamp> = self.signed_by_root(slice, TIMESTAMP)?;
        not_before(TIMESTAMP, timestamp.signed.version.get(), self.timestamp)?;
        let meta = of(&timestamp.signed.meta, SNAPSHOT)?;
        not_before(SNAPSHOT, meta.version.get(), self.snapshot)?;
        self.check_age(&timestamp.signed, TIMESTAMP)?;
        Ok(timestamp.signed)
    }

    /// 5.5: the snapshot that the timestamp names, in which nothing went back or vanished.
    fn check_snapshot(&self, slice: &Slice, timestamp: &Timestamp) -> Result<Snapshot, TrustError> {
        let meta = of(&timestamp.meta, SNAPSHOT)?;
        check_bytes(slice, SNAPSHOT, meta)?;
        let snapshot: Signed<Snapshot> = self.signed_by_root(slice, SNAPSHOT)?;
        same_version(&snapshot.signed, SNAPSHOT, meta)?;
        if snapshot.signed.meta.len() > META_MAX {
            return Err(limit(SNAPSHOT, META_MAX, "files"));
        }
        for (file, known) in &self.targets {
            not_before(file, of(&snapshot.signed.meta, file)?.version.get(), *known)?;
        }
        self.check_age(&snapshot.signed, SNAPSHOT)?;
        Ok(snapshot.signed)
    }

    /// 5.6: what the snapshot names, and all roles that are delegated to.
    fn check_targets(&self, slice: &Slice, snapshot: &Snapshot) -> Result<Signed<Targets>, TrustError> {
        let meta = of(&snapshot.meta, TARGETS)?;
        check_bytes(slice, TARGETS, meta)?;
        let mut targets: Signed<Targets> = self.signed_by_root(slice, TARGETS)?;
        same_version(&targets.signed, TARGETS, meta)?;
        self.check_age(&targets.signed, TARGETS)?;
        let mut roles = 0;
        self.attach(&mut targets.signed, TARGETS, slice, snapshot, &mut roles)?;
        Ok(targets)
    }

    /// Puts the files of delegated roles where they belong. At most [`ROLES_MAX`] of them, which also ends circles.
    fn attach(
        &self,
        targets: &mut Targets,
        file: &str,
        slice: &Slice,
        snapshot: &Snapshot,
        roles: &mut usize,
    ) -> Result<(), TrustError> {
        let Some(delegations) = &mut targets.delegations else { return Ok(()) };
        check_keys(&delegations.keys, file)?;
        for role in &delegations.roles {
            check_role(file, &role.name, &role.keys(), &delegations.keys)?;
        }
        for at in 0..delegations.roles.len() {
            *roles += 1;
            if *roles > ROLES_MAX {
                return Err(limit(file, ROLES_MAX, "delegated roles"));
            }
            let name = delegations.roles[at].name.clone();
            let inner = delegated_file(&name, file)?;
            let meta = of(&snapshot.meta, &inner)?;
            check_bytes(slice, &inner, meta)?;
            let mut role: Signed<Targets> = parse(bytes(slice, &inner)?, &inner)?;
            delegations.verify_role(&role, &name).map_err(signature(&inner))?;
            same_version(&role.signed, &inner, meta)?;
            self.check_age(&role.signed, &inner)?;
            self.attach(&mut role.signed, &inner, slice, snapshot, roles)?;
            delegations.roles[at].targets = Some(role);
        }
        Ok(())
    }

    /// Nothing travels along that nobody signed.
    fn check_unsigned(&self, slice: &Slice, snapshot: &Snapshot) -> Result<(), TrustError> {
        for file in slice.keys() {
            let is_root = file.strip_suffix(".root.json").is_some_and(|number| {
                let parsed = number.parse::<u64>().ok();
                parsed.is_some_and(|version| {
                    (1..=self.root_version()).contains(&version) && version.to_string() == number
                })
            });
            if let Some(meta) = snapshot.meta.get(file) {
                check_bytes(slice, file, meta)?;
            } else if !is_root && file != TIMESTAMP && file != SNAPSHOT {
                return Err(TrustError::Unsigned { file: file.clone() });
            }
        }
        Ok(())
    }

    fn signed_by_root<T: Role + DeserializeOwned>(
        &self,
        slice: &Slice,
        file: &str,
    ) -> Result<Signed<T>, TrustError> {
        let role: Signed<T> = parse(bytes(slice, file)?, file)?;
        self.root.signed.verify_role(&role).map_err(signature(file))?;
        Ok(role)
    }

    fn check_age<T: Role>(&self, role: &T, file: &str) -> Result<(), TrustError> {
        let expired = Wall(u64::try_from(role.expires().timestamp_millis()).unwrap_or(0));
        if expired <= self.latest {
            return Err(TrustError::Expired { file: file.to_owned(), expired, now: self.latest });
        }
        Ok(())
    }
}

impl Vouched {
    /// Whether somebody who may vouches for these bytes under this name.
    ///
    /// # Errors
    /// `Unvouched` or `Content`.
    pub fn check(&self, target: &str, bytes: &[u8]) -> Result<(), TrustError> {
        let unvouched = || TrustError::Unvouched { target: target.to_owned() };
        let name = TargetName::new(target).map_err(|_| unvouched())?;
        // A name that means another one would let one package be vouched for as two.
        if name.raw() != name.resolved() {
            return Err(unvouched());
        }
        let said = self.targets.signed.find_target(&name, false).map_err(|_| unvouched())?;
        let found = Digests::of(bytes);
        let differs = |what| Err(TrustError::Content { file: target.to_owned(), what });
        if said.length != found.bytes {
            return differs("length");
        }
        if said.hashes.sha256 != *found.sha256.as_slice() {
            return differs("SHA-256");
        }
        Ok(())
    }

    /// Whether somebody who may vouches for a package: for its `okm.json`, under the name that this gives itself, so that
    /// one package is never taken for another. Its files hang on it by their hashes, which the reader compares.
    ///
    /// # Errors
    /// `Unvouched` or `Content`.
    pub fn check_package<R: Read>(&self, package: &PackageReader<R>) -> Result<(), TrustError> {
        self.check(&package.head().target(), package.head_text())
    }

    /// What is trusted from now on; to be kept before anything follows from this slice.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }
}

/// Reads a root, and refuses keys and roles that can't be meant.
pub(super) fn parse_root(text: &[u8], file: &str) -> Result<Signed<Root>, TrustError> {
    let root: Signed<Root> = parse(text, file)?;
    check_keys(&root.signed.keys, file)?;
    for role in TrustRole::ALL {
        let Some(held) = root.signed.roles.get(&role.tuf()) else {
            return Err(role_flaw(file, role.as_str(), "to nobody"));
        };
        check_role(file, role.as_str(), held, &root.signed.keys)?;
    }
    Ok(root)
}

/// Reads one file of a slice.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8], file: &str) -> Result<Signed<T>, TrustError> {
    serde_json::from_slice(text).map_err(|source| TrustError::Unreadable { file: file.to_owned(), source })
}

/// Each key is ed25519, and there once: its name also covers fields without meaning, so that one key could have many.
fn check_keys(keys: &HashMap<Decoded<Hex>, Key>, file: &str) -> Result<(), TrustError> {
    if keys.len() > KEYS_MAX {
        return Err(limit(file, KEYS_MAX, "keys"));
    }
    let mut seen = HashSet::new();
    for (id, key) in keys {
        let refused = |flaw| TrustError::Key { file: file.to_owned(), key: KeyId::of(id).to_string(), flaw };
        let public = PublicKey::of(key).ok_or_else(|| refused("is not an ed25519 key"))?;
        if !seen.insert(public) {
            return Err(refused("is there under two names"));
        }
    }
    Ok(())
}

/// A role is held by known keys, each once, and not by fewer than have to sign.
fn check_role(
    file: &str,
    role: &str,
    held: &RoleKeys,
    keys: &HashMap<Decoded<Hex>, Key>,
) -> Result<(), TrustError> {
    let unique: BTreeSet<&Decoded<Hex>> = held.keyids.iter().collect();
    if unique.len() != held.keyids.len() {
        return Err(role_flaw(file, role, "to one key twice"));
    }
    if !unique.iter().all(|id| keys.contains_key(*id)) {
        return Err(role_flaw(file, role, "to a key that it does not name"));
    }
    if held.threshold.get() > unique.len() as u64 {
        return Err(role_flaw(file, role, "to fewer keys than have to sign"));
    }
    Ok(())
}

/// The file of a delegated role, whose name may be no other file's.
fn delegated_file(role: &str, file: &str) -> Result<String, TrustError> {
    let is_plain = PackedPath::parse(role).is_ok() && !role.contains('/');
    let is_taken = TrustRole::ALL.iter().any(|known| role == known.as_str()) || role.ends_with(".root");
    if !is_plain || is_taken {
        return Err(role_flaw(file, role, "a name that no delegated role may have"));
    }
    Ok(format!("{role}.json"))
}

/// Who holds a role, in a form that can be compared.
fn held(root: &Root, role: RoleType) -> Option<(BTreeSet<Decoded<Hex>>, u64)> {
    let held = root.roles.get(&role)?;
    Some((held.keyids.iter().cloned().collect(), held.threshold.get()))
}

fn bytes<'a>(slice: &'a Slice, file: &str) -> Result<&'a Vec<u8>, TrustError> {
    slice.get(file).ok_or_else(|| TrustError::Missing { file: file.to_owned() })
}

fn of<'a>(meta: &'a HashMap<String, Metafile>, file: &str) -> Result<&'a Metafile, TrustError> {
    meta.get(file).ok_or_else(|| TrustError::Missing { file: file.to_owned() })
}

/// A file's bytes against what is signed for them.
fn check_bytes(slice: &Slice, file: &str, meta: &Metafile) -> Result<(), TrustError> {
    let found = Digests::of(bytes(slice, file)?);
    let differs = |what| Err(TrustError::Content { file: file.to_owned(), what });
    if meta.length.is_some_and(|length| length != found.bytes) {
        return differs("length");
    }
    if meta.hashes.as_ref().is_some_and(|said| said.sha256 != *found.sha256.as_slice()) {
        return differs("SHA-256");
    }
    Ok(())
}

fn same_version<T: Role>(role: &T, file: &str, meta: &Metafile) -> Result<(), TrustError> {
    let (found, due) = (role.version().get(), meta.version.get());
    if found == due { Ok(()) } else { Err(TrustError::Mixed { file: file.to_owned(), found, due }) }
}

fn not_before(file: &str, found: u64, known: u64) -> Result<(), TrustError> {
    if found < known {
        return Err(TrustError::Rollback { file: file.to_owned(), found, known });
    }
    Ok(())
}

fn signature(file: &str) -> impl FnOnce(tough::schema::Error) -> TrustError + use<> {
    let file = file.to_owned();
    move |source| TrustError::Signature { file, source: Box::new(source) }
}

fn limit(file: &str, limit: usize, unit: &'static str) -> TrustError {
    TrustError::Limit { file: file.to_owned(), limit, unit }
}

fn role_flaw(file: &str, role: &str, flaw: &'static str) -> TrustError {
    let role = role.chars().filter(|char| !char.is_control()).take(60).collect();
    TrustError::Role { file: file.to_owned(), role, flaw }
}

#[cfg(test)]
mod tests;
