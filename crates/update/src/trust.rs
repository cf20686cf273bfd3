//! Trust: who may vouch for a package, by The Update Framework (roles root, targets, snapshot, timestamp, delegations).
//!
//! Types, canonical form, signatures and thresholds are the crate `tough`'s; the order of the checks is here, over
//! values: what is trusted and the time go in, what is trusted from now on comes out, and whoever acts keeps it on disk
//! before anything else follows from it. Decision 7 says why.
//!
//! What is stricter than the specification: keys are ed25519 only and each stands in a role once, whatever it is called
//! there; a slice holds nothing that nobody signed; every role that is delegated to is in it, so that leaving one out
//! can't make another one speak.

use abi::{Explain, Wall};

mod issue;
mod keys;
mod verify;
mod workshop;

pub use issue::{
    DelegationDraft, RoleDraft, RootDraft, TargetsDraft, TrustRole, issue_root, issue_snapshot,
    issue_targets, issue_timestamp,
};
pub use keys::{KeyFlaw, KeyId, PublicKey, SigningKey};
pub use verify::{Trust, Vouched};
pub use workshop::{Terms, Workshop};

/// The version of the specification that is followed.
const SPEC: &str = "1.0.0";

/// What a package's files are vouched for by.
const TARGETS: &str = "targets.json";

/// Which versions of those belong together.
const SNAPSHOT: &str = "snapshot.json";

/// Which of these is the newest.
const TIMESTAMP: &str = "timestamp.json";

/// 64 keys in one file: more than any project has people.
const KEYS_MAX: usize = 64;

/// 32 delegated roles in one slice.
const ROLES_MAX: usize = 32;

/// 1,024 files named by one snapshot.
const META_MAX: usize = 1024;

/// Nobody who may vouch for a package does, or what vouches for it is not to be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file of the slice is missing.
    #[error("`{file}` is missing")]
    Missing {
        /// Its name.
        file: String,
    },
    /// A file is not the JSON that it should be.
    #[error("`{file}` can't be read")]
    Unreadable {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Too few of those who may have signed a file.
    #[error("`{file}` is not signed as it should be")]
    Signature {
        /// Its name.
        file: String,
        /// How many signatures count, and how many are needed.
        #[source]
        source: Box<tough::schema::Error>,
    },
    /// A file names a key that is refused.
    #[error("`{file}` names the key {key}, which {flaw}")]
    Key {
        /// The file.
        file: String,
        /// The key, as the file calls it.
        key: String,
        /// What is wrong with it.
        flaw: &'static str,
    },
    /// A role can't be held by the keys it is given to.
    #[error("`{file}` gives the role `{role}` {flaw}")]
    Role {
        /// The file.
        file: String,
        /// The role.
        role: String,
        /// What is wrong.
        flaw: &'static str,
    },
    /// A file is too old to be believed.
    #[error("`{file}` expired at {} ms, it is {} ms now", expired.0, now.0)]
    Expired {
        /// Its name.
        file: String,
        /// When.
        expired: Wall,
        /// The time now, or the latest that was ever seen.
        now: Wall,
    },
    /// A file is older than one that was already believed.
    #[error("`{file}` has version {found}, and version {known} was already seen")]
    Rollback {
        /// Its name.
        file: String,
        /// Its version.
        found: u64,
        /// The one that was seen.
        known: u64,
    },
    /// A file is another version than the one that is signed for.
    #[error("`{file}` has version {found}, and version {due} is signed for")]
    Mixed {
        /// Its name.
        file: String,
        /// Its version.
        found: u64,
        /// The one that belongs here.
        due: u64,
    },
    /// A file has other bytes than those that are signed for.
    #[error("`{file}` has another {what} than is signed for")]
    Content {
        /// Its name.
        file: String,
        /// What differs.
        what: &'static str,
    },
    /// A file is in the slice that nobody signed for.
    #[error("`{file}` is among the signatures, and nobody signed for it")]
    Unsigned {
        /// Its name.
        file: String,
    },
    /// Nobody who may vouches for this package.
    #[error("nobody who may vouches for `{target}`")]
    Unvouched {
        /// What is to be vouched for.
        target: String,
    },
    /// More of something than there may be.
    #[error("`{file}` has more than {limit} {unit}")]
    Limit {
        /// The file.
        file: String,
        /// The limit.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// What should be signed can't be.
    #[error("`{file}` can't be made: {flaw}")]
    Draft {
        /// The file.
        file: String,
        /// What is wrong.
        flaw: &'static str,
    },
}

impl Explain for TrustError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "update::trust::missing",
            Self::Unreadable { .. } => "update::trust::unreadable",
            Self::Signature { .. } => "update::trust::signature",
            Self::Key { .. } => "update::trust::key",
            Self::Role { .. } => "update::trust::role",
            Self::Expired { .. } => "update::trust::expired",
            Self::Rollback { .. } => "update::trust::rollback",
            Self::Mixed { .. } => "update::trust::mixed",
            Self::Content { .. } => "update::trust::content",
            Self::Unsigned { .. } => "update::trust::unsigned",
            Self::Unvouched { .. } => "update::trust::unvouched",
            Self::Limit { .. } => "update::trust::limit",
            Self::Draft { .. } => "update::trust::draft",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Expired { .. } => Some("ask its maker for a package that was signed lately".to_owned()),
            Self::Rollback { .. } => {
                Some("an older version is kept in its slot; a package of it has to be signed anew".to_owned())
            }
            _ => None,
        }
    }
}
