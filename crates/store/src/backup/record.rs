//! A backup's record: one line of JSON that says what was backed up when, and the hash of that line.

use std::path::PathBuf;

use abi::Wall;
use serde::{Deserialize, Serialize};
use update::{ChunkId, FileRef};

use super::catalogue::{WireRef, escaped, stays_inside, unescaped};

/// 1 MiB: some thousand components with their counts.
pub(super) const RECORD_BYTES_MAX: u64 = 1 << 20;

/// 32 files that could not be read are named; all of them are counted.
pub(super) const SKIPPED_NAMED_MAX: usize = 32;

/// The form of records that this program writes.
const FORM: u32 = 1;

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// By this it is named; a later one has a higher number.
    pub number: u64,
    /// When it was made.
    pub at: Wall,
    /// What a person called it; one with a name stays until a person removes it.
    pub label: Option<String>,
    /// By component, in the order of their names.
    pub parts: Vec<Part>,
}

/// One component of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `kernel`, or `module/<id>`.
    pub component: String,
    /// The files and folders that it is made of, from the home's root, those too that were not there.
    pub places: Vec<PathBuf>,
    /// Its list in the depot.
    pub list: FileRef,
    /// The hash of that list.
    pub list_hash: ChunkId,
    /// How many files there are.
    pub files: u64,
    /// How many bytes are in them.
    pub bytes: u64,
    /// How many of the files had to be read.
    pub files_read: u64,
    /// What could not be read.
    pub skipped: Skipped,
}

/// What a backup lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// How many places.
    pub count: u64,
    /// The first of them, each with the reason.
    pub first: Vec<String>,
}

impl Skipped {
    /// Notes one more.
    pub(super) fn add(&mut self, path: &std::path::Path, why: &str) {
        self.count += 1;
        if self.first.len() < SKIPPED_NAMED_MAX {
            self.first.push(format!("{}: {why}", path.display()));
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    backup: u32,
    number: u64,
    at_ms: u64,
    label: Option<String>,
    parts: Vec<WirePart>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePart {
    component: String,
    places: Vec<String>,
    list: WireRef,
    list_hash: String,
    files: u64,
    bytes: u64,
    files_read: u64,
    skipped: Skipped,
}

/// What begins the components of a snapshot: states, not files of a home.
pub const SNAPSHOT_COMPONENTS: &str = "state/";

impl Backup {
    /// Whether it holds states at one moment, which nobody means who asks for the newest backup.
    pub fn is_snapshot(&self) -> bool {
        self.parts.iter().any(|part| part.component.starts_with(SNAPSHOT_COMPONENTS))
    }

    /// The bytes of its file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let parts = self.parts.iter().map(|part| WirePart {
            component: part.component.clone(),
            places: part.places.iter().map(|place| escaped(place.as_os_str())).collect(),
            list: (&part.list).into(),
            list_hash: part.list_hash.to_string(),
            files: part.files,
            bytes: part.bytes,
            files_read: part.files_read,
            skipped: part.skipped.clone(),
        });
        let wire = Wire {
            backup: FORM,
            number: self.number,
            at_ms: self.at.0,
            label: self.label.clone(),
            parts: parts.collect(),
        };
        let mut bytes = serde_json::to_vec(&wire).expect("plain texts and numbers are always JSON");
        let hash = ChunkId::of(&bytes);
        bytes.extend_from_slice(format!("\n{hash}\n").as_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; nothing when a single byte of it is another.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (line, hash) = text.strip_suffix('\n')?.split_once('\n')?;
        if ChunkId::parse(hash)? != ChunkId::of(line.as_bytes()) {
            return None;
        }
        let wire: Wire = serde_json::from_str(line).ok()?;
        let parts = wire.parts.into_iter().map(|part| {
            let places = part
                .places
                .iter()
                .map(|place| unescaped(place).map(PathBuf::from).filter(|place| stays_inside(place)));
            Some(Part {
                component: part.component,
                places: places.collect::<Option<_>>()?,
                list: part.list.read()?,
                list_hash: ChunkId::parse(&part.list_hash)?,
                files: part.files,
                bytes: part.bytes,
                files_read: part.files_read,
                skipped: part.skipped,
            })
        });
        let parts = parts.collect::<Option<Vec<_>>>()?;
        (wire.backup == FORM).then_some(Self {
            number: wire.number,
            at: Wall(wire.at_ms),
            label: wire.label,
            parts,
        })
    }

    /// The part of a component.
    pub fn part(&self, component: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.component == component)
    }
}

#[cfg(test)]
mod tests;
