//! The maker's side: what was published so far, without any private key, and the slice that goes into the next package.
//!
//! A workshop counts the versions, keeps every root since the first, and asks for the keys only when something is signed.
//! It is a value: whoever acts keeps [`Workshop::to_json`] whole on a disk before the slice leaves the house, or two
//! different files could have one version.

use std::collections::BTreeMap;
use std::time::Duration;

use abi::Wall;
use serde::{Deserialize, Serialize};

use super::issue::{
    RoleDraft, RootDraft, TargetsDraft, TrustRole, issue_root, issue_snapshot, issue_targets, issue_timestamp,
};
use super::keys::{PublicKey, SigningKey};
use super::verify::Trust;
use super::{SNAPSHOT, TARGETS, TIMESTAMP, TrustError};
use crate::chunk::ChunkId;
use crate::digest::Digests;
use crate::package::{Head, Slice};

/// 1,000 packages that a workshop vouches for; beyond that `targets.json` would outgrow its limit.
const TARGETS_MAX: usize = 1000;

/// How long what is signed is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The root: it is rarely signed.
    pub root: Duration,
    /// Which packages are vouched for.
    pub targets: Duration,
    /// Which files belong together.
    pub snapshot: Duration,
    /// Which of those is the newest: the shortest, for it ends a freeze.
    pub timestamp: Duration,
}

impl Default for Terms {
    /// A year, and 90 days for what every package brings along: packages are files that lie around.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self { root: days(365), targets: days(365), snapshot: days(90), timestamp: days(90) }
    }
}

/// What a maker published, without the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workshop {
    /// Every root by its version, from 1.
    roots: BTreeMap<u64, Vec<u8>>,
    /// `okm.json` of each package by its target name.
    targets: BTreeMap<String, Digests>,
    /// The version of targets, snapshot and timestamp that was signed last; they count together.
    sealed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    roots: Vec<String>,
    targets: BTreeMap<String, WireTarget>,
    sealed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTarget {
    sha256: String,
    blake3: String,
    bytes: u64,
}

impl Workshop {
    /// Opens a workshop: signs the first root, which users have to be given by a way that they trust.
    ///
    /// # Errors
    /// `Draft` when a role has too few keys, or too few of the root's are at hand.
    pub fn open(
        roles: BTreeMap<TrustRole, RoleDraft>,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<Self, TrustError> {
        let draft = RootDraft { version: 1, expires: after(now, terms.root), roles };
        let signers = holders(&draft, TrustRole::Root, keys, "1.root.json")?;
        let root = issue_root(&draft, &signers)?;
        Ok(Self { roots: [(1, root)].into(), targets: BTreeMap::new(), sealed: 0 })
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// `Unreadable`, and whatever is wrong with its roots.
    pub fn parse(text: &[u8]) -> Result<Self, TrustError> {
        let unreadable = |source| TrustError::Unreadable { file: "workshop".to_owned(), source };
        let wire: Wire = serde_json::from_slice(text).map_err(unreadable)?;
        let draft = |flaw| TrustError::Draft { file: "workshop".to_owned(), flaw };
        let mut targets = BTreeMap::new();
        for (name, target) in wire.targets {
            let hash =
                |text: &str| ChunkId::parse(text).map(|id| id.0).ok_or_else(|| draft("a hash is none"));
            let (sha256, blake3) = (hash(&target.sha256)?, hash(&target.blake3)?);
            targets.insert(name, Digests { sha256, blake3, bytes: target.bytes });
        }
        let numbered = (1..).zip(wire.roots.into_iter().map(String::into_bytes));
        let workshop = Self { roots: numbered.collect(), targets, sealed: wire.sealed };
        let (version, _) = workshop.newest().ok_or_else(|| draft("it has no root"))?;
        if workshop.draft()?.version == version {
            Ok(workshop)
        } else {
            Err(draft("its roots are out of order"))
        }
    }

    /// What is to be kept, whole and durable, before a slice leaves the house. There is no secret in it.
    pub fn to_json(&self) -> Vec<u8> {
        let hex = |hash: [u8; 32]| ChunkId(hash).to_string();
        let target = |digests: &Digests| WireTarget {
            sha256: hex(digests.sha256),
            blake3: hex(digests.blake3),
            bytes: digests.bytes,
        };
        let wire = Wire {
            roots: self.roots.values().map(|root| String::from_utf8_lossy(root).into_owned()).collect(),
            targets: self.targets.iter().map(|(name, digests)| (name.clone(), target(digests))).collect(),
            sealed: self.sealed,
        };
        serde_json::to_vec_pretty(&wire).expect("texts and numbers are always JSON")
    }

    /// The first root: what users are given.
    pub fn first_root(&self) -> &[u8] {
        self.roots.get(&1).map_or(&[], Vec::as_slice)
    }

    /// The roles as the newest root gives them.
    ///
    /// # Errors
    /// `TrustError` when that root can't be read.
    pub fn draft(&self) -> Result<RootDraft, TrustError> {
        let missing = || TrustError::Missing { file: "root.json".to_owned() };
        RootDraft::parse(self.newest().ok_or_else(missing)?.1)
    }

    fn newest(&self) -> Option<(u64, &Vec<u8>)> {
        self.roots.last_key_value().map(|(version, root)| (*version, root))
    }

    /// Signs a next root with other roles: what rotating and revoking keys comes down to. The keys at hand have to be
    /// enough for the root before and for the new one.
    ///
    /// # Errors
    /// `Draft` when a role has too few keys, or too few are at hand.
    pub fn give(
        &mut self,
        roles: BTreeMap<TrustRole, RoleDraft>,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<(), TrustError> {
        let before = self.draft()?;
        let version = before.version.saturating_add(1);
        let file = format!("{version}.root.json");
        let draft = RootDraft { version, expires: after(now, terms.root), roles };
        let mut signers = holders(&before, TrustRole::Root, keys, &file)?;
        signers.extend(holders(&draft, TrustRole::Root, keys, &file)?);
        self.roots.insert(version, issue_root(&draft, &signers)?);
        Ok(())
    }

    /// Gives the roles of one key to another one, in a next root.
    ///
    /// # Errors
    /// As [`Self::give`], and `Draft` when the old key holds nothing.
    pub fn rotate(
        &mut self,
        old: PublicKey,
        new: PublicKey,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<(), TrustError> {
        self.replace(old, Some(new), now, terms, keys)
    }

    /// Takes every role from a key, in a next root. A role that would have fewer keys than have to sign is refused:
    /// rotate it instead.
    ///
    /// # Errors
    /// As [`Self::give`], and `Draft` when the key holds nothing.
    pub fn revoke(
        &mut self,
        key: PublicKey,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<(), TrustError> {
        self.replace(key, None, now, terms, keys)
    }

    fn replace(
        &mut self,
        old: PublicKey,
        new: Option<PublicKey>,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<(), TrustError> {
        let mut roles = self.draft()?.roles;
        let mut held = false;
        for role in roles.values_mut().filter(|role| role.keys.contains(&old)) {
            held = true;
            role.keys.retain(|key| *key != old && Some(*key) != new);
            role.keys.extend(new);
        }
        if !held {
            return Err(TrustError::Draft { file: "root.json".to_owned(), flaw: "the key holds no role" });
        }
        self.give(roles, now, terms, keys)
    }

    /// Vouches for a package, beside those before it, and gives the slice that goes into it.
    ///
    /// # Errors
    /// `Draft` when too few keys are at hand, or the package's version was published with other files: what was vouched
    /// for is never changed.
    pub fn vouch(
        &mut self,
        head: &Head,
        now: Wall,
        terms: Terms,
        keys: &[&SigningKey],
    ) -> Result<Slice, TrustError> {
        let refused = |flaw| TrustError::Draft { file: TARGETS.to_owned(), flaw };
        let (target, digests) = (head.target(), Digests::of(&head.to_json()));
        match self.targets.get(&target) {
            Some(known) if *known != digests => {
                return Err(refused("this version was published with other files"));
            }
            Some(_) => {}
            None if self.targets.len() >= TARGETS_MAX => {
                return Err(refused("the workshop vouches for as many packages as it can"));
            }
            None => {}
        }
        let mut next = self.clone();
        next.targets.insert(target, digests);
        let slice = next.seal(now, terms, keys)?;
        *self = next;
        Ok(slice)
    }

    /// Signs everything anew, so that it is believed for another term.
    ///
    /// # Errors
    /// `Draft` when too few keys are at hand.
    pub fn seal(&mut self, now: Wall, terms: Terms, keys: &[&SigningKey]) -> Result<Slice, TrustError> {
        let (draft, version) = (self.draft()?, self.sealed.saturating_add(1));
        let targets = TargetsDraft {
            version,
            expires: after(now, terms.targets),
            targets: self.targets.clone(),
            delegations: Vec::new(),
        };
        let signers = |role, file| holders(&draft, role, keys, file);
        let mut slice = Slice::new();
        slice.insert(TARGETS.to_owned(), issue_targets(&targets, &signers(TrustRole::Targets, TARGETS)?)?);
        let by = signers(TrustRole::Snapshot, SNAPSHOT)?;
        let snapshot = issue_snapshot(version, after(now, terms.snapshot), &slice, &by)?;
        let by = signers(TrustRole::Timestamp, TIMESTAMP)?;
        let timestamp = issue_timestamp(version, after(now, terms.timestamp), &snapshot, &by)?;
        slice.extend([(SNAPSHOT.to_owned(), snapshot), (TIMESTAMP.to_owned(), timestamp)]);
        let roots = self.roots.iter().filter(|(version, _)| **version > 1);
        slice.extend(roots.map(|(version, root)| (format!("{version}.root.json"), root.clone())));
        // Whoever only has the first root has to be able to follow.
        Trust::begin(self.first_root())?.verify(now, &slice)?;
        self.sealed = version;
        Ok(slice)
    }
}

/// The keys at hand that hold a role, if they are enough.
fn holders<'a>(
    draft: &RootDraft,
    role: TrustRole,
    keys: &[&'a SigningKey],
    file: &str,
) -> Result<Vec<&'a SigningKey>, TrustError> {
    let refused = |flaw| TrustError::Draft { file: file.to_owned(), flaw };
    let held = draft.roles.get(&role).ok_or_else(|| refused("it gives a role to nobody"))?;
    let mut signers: Vec<&SigningKey> = Vec::new();
    for key in keys.iter().filter(|key| held.keys.contains(&key.public())) {
        if signers.iter().all(|other| other.public() != key.public()) {
            signers.push(key);
        }
    }
    if (signers.len() as u64) < held.threshold {
        return Err(refused("fewer keys are at hand than have to sign it"));
    }
    Ok(signers)
}

fn after(now: Wall, term: Duration) -> Wall {
    Wall(now.0.saturating_add(u64::try_from(term.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
