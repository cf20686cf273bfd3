//! Issuing: the files that vouch for a package, made from drafts and signed. The same draft and keys make the same
//! bytes.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use abi::Wall;
use chrono::{DateTime, Utc};
use serde_json::json;
use tough::TargetName;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::{
    DelegatedRole, Delegations, Hashes, Metafile, PathPattern, PathSet, Role, RoleKeys, RoleType, Root,
    Signed, Snapshot, Target, Targets, Timestamp,
};

use super::{PublicKey, SNAPSHOT, SPEC, SigningKey, TARGETS, TIMESTAMP, TrustError};
use crate::digest::Digests;
use crate::package::Slice;

/// The four roles that a root gives to keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrustRole {
    /// Says who holds every role.
    Root,
    /// Vouches for packages.
    Targets,
    /// Says which files of the repository belong together.
    Snapshot,
    /// Says which of those is the newest.
    Timestamp,
}

impl TrustRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];

    pub(super) fn tuf(self) -> RoleType {
        match self {
            Self::Root => RoleType::Root,
            Self::Targets => RoleType::Targets,
            Self::Snapshot => RoleType::Snapshot,
            Self::Timestamp => RoleType::Timestamp,
        }
    }

    /// Its name in the files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }
}

/// Who holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleDraft {
    /// The keys, each once.
    pub keys: Vec<PublicKey>,
    /// How many of them have to sign; at least 1.
    pub threshold: u64,
}

/// A version of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootDraft {
    /// One more than the version before; the first is 1.
    pub version: u64,
    /// From then on it is not believed.
    pub expires: Wall,
    /// All four roles.
    pub roles: BTreeMap<TrustRole, RoleDraft>,
}

impl RootDraft {
    /// The draft behind a root that was issued: what a next version is made from.
    ///
    /// # Errors
    /// `TrustError` when it is no root, or one that is refused.
    pub fn parse(text: &[u8]) -> Result<Self, TrustError> {
        let root = super::verify::parse_root(text, "root.json")?.signed;
        let mut roles = BTreeMap::new();
        for role in TrustRole::ALL {
            let keys = root.keys(role.tuf()).filter_map(PublicKey::of).collect();
            let threshold = root.roles.get(&role.tuf()).map_or(0, |held| held.threshold.get());
            roles.insert(role, RoleDraft { keys, threshold });
        }
        let expires = Wall(u64::try_from(root.expires.timestamp_millis()).unwrap_or(0));
        Ok(Self { version: root.version.get(), expires, roles })
    }
}

/// A role that vouches for some of the targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationDraft {
    /// Its name; its file is `NAME.json`.
    pub name: String,
    /// Who holds it.
    pub held: RoleDraft,
    /// Which targets, as patterns such as `web/*`.
    pub paths: Vec<String>,
    /// For what matches, nobody behind it is asked.
    pub terminating: bool,
}

/// What a role vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetsDraft {
    /// One more than the version before.
    pub version: u64,
    /// From then on it is not believed.
    pub expires: Wall,
    /// `okm.json` of each package, by [`crate::Head::target`].
    pub targets: BTreeMap<String, Digests>,
    /// Roles that vouch for more, in the order in which they are asked.
    pub delegations: Vec<DelegationDraft>,
}

/// Signs a root. The first is signed by its own root keys, each next one also by those of the version before.
///
/// # Errors
/// `Draft` when there can't be such a root.
pub fn issue_root(draft: &RootDraft, signers: &[&SigningKey]) -> Result<Vec<u8>, TrustError> {
    let file = "root.json";
    let (mut keys, mut roles) = (HashMap::new(), HashMap::new());
    for role in TrustRole::ALL {
        let held = draft.roles.get(&role).ok_or_else(|| flaw(file, "it gives a role to nobody"))?;
        for key in &held.keys {
            keys.insert(id(key, file)?, key.tuf());
        }
        roles.insert(role.tuf(), role_keys(held, file)?);
    }
    let root = Root {
        spec_version: SPEC.to_owned(),
        consistent_snapshot: false,
        version: version(draft.version, file)?,
        expires: time(draft.expires, file)?,
        keys,
        roles,
        _extra: HashMap::new(),
    };
    sign(root, signers, file)
}

/// Signs what a role vouches for: the role `targets`, or one that was delegated to.
///
/// # Errors
/// `Draft` when there can't be such a file.
pub fn issue_targets(draft: &TargetsDraft, signers: &[&SigningKey]) -> Result<Vec<u8>, TrustError> {
    let mut targets =
        Targets::new(SPEC.to_owned(), version(draft.version, TARGETS)?, time(draft.expires, TARGETS)?);
    for (name, digests) in &draft.targets {
        let name = TargetName::new(name.clone()).map_err(|_| flaw(TARGETS, "a target has no name"))?;
        let hashes = Hashes {
            sha256: digests.sha256.to_vec().into(),
            _extra: HashMap::from([("blake3".to_owned(), json!(hex(&digests.blake3)))]),
        };
        let target = Target { length: digests.bytes, hashes, custom: HashMap::new(), _extra: HashMap::new() };
        targets.targets.insert(name, target);
    }
    targets.delegations = delegations(&draft.delegations)?;
    sign(targets, signers, TARGETS)
}

fn delegations(drafts: &[DelegationDraft]) -> Result<Option<Delegations>, TrustError> {
    if drafts.is_empty() {
        return Ok(None);
    }
    let mut delegations = Delegations::new();
    for draft in drafts {
        for key in &draft.held.keys {
            delegations.keys.insert(id(key, TARGETS)?, key.tuf());
        }
        let held = role_keys(&draft.held, TARGETS)?;
        let patterns: Result<Vec<PathPattern>, _> = draft.paths.iter().map(PathPattern::new).collect();
        delegations.roles.push(DelegatedRole {
            name: draft.name.clone(),
            keyids: held.keyids,
            threshold: held.threshold,
            paths: PathSet::Paths(patterns.map_err(|_| flaw(TARGETS, "a path is no pattern"))?),
            terminating: draft.terminating,
            targets: None,
        });
    }
    Ok(Some(delegations))
}

/// Signs which of these files belong together: `targets.json` and those of delegated roles.
///
/// # Errors
/// `Draft` when there can't be such a file, `Unreadable` when one of them is none.
pub fn issue_snapshot(
    version_number: u64,
    expires: Wall,
    files: &Slice,
    signers: &[&SigningKey],
) -> Result<Vec<u8>, TrustError> {
    let mut snapshot =
        Snapshot::new(SPEC.to_owned(), version(version_number, SNAPSHOT)?, time(expires, SNAPSHOT)?);
    for (name, text) in files {
        let role: Signed<Targets> = super::verify::parse(text, name)?;
        snapshot.meta.insert(name.clone(), metafile(role.signed.version, text));
    }
    sign(snapshot, signers, SNAPSHOT)
}

/// Signs which snapshot is the newest.
///
/// # Errors
/// `Draft` when there can't be such a file, `Unreadable` when the snapshot is none.
pub fn issue_timestamp(
    version_number: u64,
    expires: Wall,
    snapshot: &[u8],
    signers: &[&SigningKey],
) -> Result<Vec<u8>, TrustError> {
    let mut timestamp =
        Timestamp::new(SPEC.to_owned(), version(version_number, TIMESTAMP)?, time(expires, TIMESTAMP)?);
    let role: Signed<Snapshot> = super::verify::parse(snapshot, SNAPSHOT)?;
    timestamp.meta.insert(SNAPSHOT.to_owned(), metafile(role.signed.version, snapshot));
    sign(timestamp, signers, TIMESTAMP)
}

fn metafile(version: NonZeroU64, text: &[u8]) -> Metafile {
    let digests = Digests::of(text);
    let hashes = Hashes { sha256: digests.sha256.to_vec().into(), _extra: HashMap::new() };
    Metafile { length: Some(digests.bytes), hashes: Some(hashes), version, _extra: HashMap::new() }
}

/// Signs the canonical form and writes it as it was signed: plain names keep it JSON, and it has one order.
pub(super) fn sign<T: Role>(role: T, signers: &[&SigningKey], file: &str) -> Result<Vec<u8>, TrustError> {
    let text = role.canonical_form().map_err(|_| flaw(file, "it has no canonical form"))?;
    let mut signatures = BTreeMap::new();
    for signer in signers {
        signatures.insert(signer.public().id().to_string(), hex(&signer.sign(&text)));
    }
    let signatures: Vec<_> = signatures.iter().map(|(id, sig)| json!({ "keyid": id, "sig": sig })).collect();
    let mut whole = format!("{{\"signatures\":{},\"signed\":", json!(signatures)).into_bytes();
    whole.extend_from_slice(&text);
    whole.extend_from_slice(b"}\n");
    Ok(whole)
}

fn role_keys(held: &RoleDraft, file: &str) -> Result<RoleKeys, TrustError> {
    let mut keyids = Vec::new();
    for key in &held.keys {
        let id = id(key, file)?;
        if keyids.contains(&id) {
            return Err(flaw(file, "a role is given to one key twice"));
        }
        keyids.push(id);
    }
    if held.threshold > keyids.len() as u64 {
        return Err(flaw(file, "a role needs more signatures than it has keys"));
    }
    let threshold = NonZeroU64::new(held.threshold).ok_or_else(|| flaw(file, "a role needs no signature"))?;
    Ok(RoleKeys { keyids, threshold, _extra: HashMap::new() })
}

fn id(key: &PublicKey, file: &str) -> Result<Decoded<Hex>, TrustError> {
    key.tuf_id().ok_or_else(|| flaw(file, "a key has no name"))
}

fn version(number: u64, file: &str) -> Result<NonZeroU64, TrustError> {
    NonZeroU64::new(number).ok_or_else(|| flaw(file, "versions begin with 1"))
}

fn time(wall: Wall, file: &str) -> Result<DateTime<Utc>, TrustError> {
    // The specification counts in seconds.
    let seconds = i64::try_from(wall.0 / 1000).ok();
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or_else(|| flaw(file, "no such time"))
}

fn flaw(file: &str, flaw: &'static str) -> TrustError {
    TrustError::Draft { file: file.to_owned(), flaw }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
