//! Slots as a file: a line with the hash of the rest, and the rest as JSON. A changed byte is found, never read.

use std::collections::BTreeMap;

use abi::{Explain, ModuleId, Wall};
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Change, Ended, ModuleSlots, Occupant, Outcome, Phase, Slots, Transaction, TransactionId};
use crate::release::WireRef;

/// What the first line begins with; another form gets another number.
const MAGIC: &str = "ostoja-slots-1 ";

/// These bytes are not slots as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotsUnreadable {
    /// They are none, or were written by another version of this program.
    #[error("this is no file of slots that this program knows")]
    Form,
    /// Their hash is another one.
    #[error("the file of slots is damaged")]
    Damaged,
    /// They say what can't be.
    #[error("the file of slots says what can't be")]
    Unsound,
}

impl Explain for SlotsUnreadable {
    fn code(&self) -> &'static str {
        match self {
            Self::Form => "update::slots::form",
            Self::Damaged => "update::slots::damaged",
            Self::Unsound => "update::slots::unsound",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSlots {
    next_id: u64,
    modules: BTreeMap<String, WireModule>,
    open: BTreeMap<u64, WireTransaction>,
    history: Vec<WireEnded>,
    pins: BTreeMap<String, WireRef>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireModule {
    active: WireOccupant,
    fallback: Option<WireOccupant>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOccupant {
    version: String,
    release: WireRef,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTransaction {
    phase: WirePhase,
    since_ms: u64,
    evidence: String,
    changes: BTreeMap<String, WireChange>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WirePhase {
    Staged,
    Verified,
    Tried,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireChange {
    to: WireOccupant,
    before: Option<WireModule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEnded {
    id: u64,
    outcome: WireOutcome,
    at_ms: u64,
    evidence: String,
    versions: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireOutcome {
    Committed,
    RolledBack,
}

impl Slots {
    /// The file of these slots.
    pub fn to_file(&self) -> Vec<u8> {
        let wire = WireSlots {
            next_id: self.next_id,
            modules: self.modules.iter().map(|(module, slots)| (module.to_string(), slots.into())).collect(),
            open: self.open.iter().map(|(id, transaction)| (id.0, transaction.into())).collect(),
            history: self.history.iter().map(WireEnded::from).collect(),
            pins: self.pins.iter().map(|(name, release)| (name.clone(), release.into())).collect(),
        };
        let mut rest = serde_json::to_vec_pretty(&wire).expect("plain texts and numbers are always JSON");
        rest.push(b'\n');
        [MAGIC.as_bytes(), blake3::hash(&rest).to_hex().as_bytes(), b"\n", &rest].concat()
    }

    /// Reads a file of slots.
    ///
    /// # Errors
    /// `SlotsUnreadable` when it is not, byte for byte, what was written.
    pub fn from_file(file: &[u8]) -> Result<Self, SlotsUnreadable> {
        let after = file.strip_prefix(MAGIC.as_bytes()).ok_or(SlotsUnreadable::Form)?;
        let (hash, rest) = after.split_at_checked(64).ok_or(SlotsUnreadable::Damaged)?;
        let rest = rest.strip_prefix(b"\n").ok_or(SlotsUnreadable::Damaged)?;
        if blake3::hash(rest).to_hex().as_bytes() != hash {
            return Err(SlotsUnreadable::Damaged);
        }
        let wire: WireSlots = serde_json::from_slice(rest).map_err(|_| SlotsUnreadable::Form)?;
        let slots = wire.read().ok_or(SlotsUnreadable::Unsound)?;
        if slots.is_sound() { Ok(slots) } else { Err(SlotsUnreadable::Unsound) }
    }
}

impl WireSlots {
    fn read(self) -> Option<Slots> {
        let modules =
            self.modules.iter().map(|(id, module)| Some((ModuleId::parse(id).ok()?, module.read()?)));
        let open = self.open.iter().map(|(id, open)| Some((TransactionId(*id), open.read()?)));
        let pins = self.pins.iter().map(|(name, release)| Some((name.clone(), release.read()?)));
        Some(Slots {
            modules: modules.collect::<Option<_>>()?,
            open: open.collect::<Option<_>>()?,
            history: self.history.iter().map(WireEnded::read).collect::<Option<_>>()?,
            pins: pins.collect::<Option<_>>()?,
            next_id: self.next_id,
        })
    }
}

impl From<&ModuleSlots> for WireModule {
    fn from(slots: &ModuleSlots) -> Self {
        Self { active: (&slots.active).into(), fallback: slots.fallback.as_ref().map(Into::into) }
    }
}

impl WireModule {
    fn read(&self) -> Option<ModuleSlots> {
        let fallback = match &self.fallback {
            Some(fallback) => Some(fallback.read()?),
            None => None,
        };
        Some(ModuleSlots { active: self.active.read()?, fallback })
    }
}

impl From<&Occupant> for WireOccupant {
    fn from(occupant: &Occupant) -> Self {
        Self { version: occupant.version.to_string(), release: (&occupant.release).into() }
    }
}

impl WireOccupant {
    fn read(&self) -> Option<Occupant> {
        Some(Occupant { version: Version::parse(&self.version).ok()?, release: self.release.read()? })
    }
}

impl From<&Transaction> for WireTransaction {
    fn from(transaction: &Transaction) -> Self {
        let change = |change: &Change| WireChange {
            to: (&change.to).into(),
            before: change.before.as_ref().map(Into::into),
        };
        Self {
            phase: match transaction.phase {
                Phase::Staged => WirePhase::Staged,
                Phase::Verified => WirePhase::Verified,
                Phase::Tried => WirePhase::Tried,
            },
            since_ms: transaction.since.0,
            evidence: transaction.evidence.clone(),
            changes: transaction
                .changes
                .iter()
                .map(|(module, it)| (module.to_string(), change(it)))
                .collect(),
        }
    }
}

impl WireTransaction {
    fn read(&self) -> Option<Transaction> {
        let mut changes = BTreeMap::new();
        for (module, change) in &self.changes {
            let before = match &change.before {
                Some(before) => Some(before.read()?),
                None => None,
            };
            changes.insert(ModuleId::parse(module).ok()?, Change { to: change.to.read()?, before });
        }
        let phase = match self.phase {
            WirePhase::Staged => Phase::Staged,
            WirePhase::Verified => Phase::Verified,
            WirePhase::Tried => Phase::Tried,
        };
        Some(Transaction { phase, since: Wall(self.since_ms), evidence: self.evidence.clone(), changes })
    }
}

impl From<&Ended> for WireEnded {
    fn from(ended: &Ended) -> Self {
        let versions =
            ended.versions.iter().map(|(module, version)| (module.to_string(), version.to_string()));
        Self {
            id: ended.id.0,
            outcome: match ended.outcome {
                Outcome::Committed => WireOutcome::Committed,
                Outcome::RolledBack => WireOutcome::RolledBack,
            },
            at_ms: ended.at.0,
            evidence: ended.evidence.clone(),
            versions: versions.collect(),
        }
    }
}

impl WireEnded {
    fn read(&self) -> Option<Ended> {
        let version = |(module, version): (&String, &String)| {
            Some((ModuleId::parse(module).ok()?, Version::parse(version).ok()?))
        };
        Some(Ended {
            id: TransactionId(self.id),
            outcome: match self.outcome {
                WireOutcome::Committed => Outcome::Committed,
                WireOutcome::RolledBack => Outcome::RolledBack,
            },
            at: Wall(self.at_ms),
            evidence: self.evidence.clone(),
            versions: self.versions.iter().map(version).collect::<Option<_>>()?,
        })
    }
}
