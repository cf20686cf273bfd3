//! A release: one version of a module as the depot keeps it. It names every file's content, and is itself a file of the
//! depot, so that a slot holds one name.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::chunk::ChunkId;
use crate::package::{FILES_MAX, PackedPath, Rights};
use crate::tree::FileRef;

/// 4 MiB: 4,096 files with long names.
pub const RELEASE_BYTES_MAX: u64 = 4 << 20;

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its name in the module's folder.
    pub path: PackedPath,
    /// Whether it is a program.
    pub rights: Rights,
    /// Its content.
    pub content: FileRef,
}

/// One version of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Which one.
    pub version: Version,
    /// In the order of their names.
    pub files: Vec<ReleaseFile>,
}

/// A text is no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not the list of a release's files")]
pub struct ReleaseFlaw;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: String,
    files: Vec<WireFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    path: String,
    executable: bool,
    content: WireRef,
}

/// A [`FileRef`] as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireRef {
    root: String,
    depth: u8,
    bytes: u64,
}

impl From<&FileRef> for WireRef {
    fn from(file: &FileRef) -> Self {
        Self { root: file.root.to_string(), depth: file.depth, bytes: file.bytes }
    }
}

impl WireRef {
    pub(crate) fn read(&self) -> Option<FileRef> {
        let file = FileRef { root: ChunkId::parse(&self.root)?, depth: self.depth, bytes: self.bytes };
        file.top().ok().map(|_| file)
    }
}

impl Release {
    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// `ReleaseFlaw` for anything else.
    pub fn parse(text: &[u8]) -> Result<Self, ReleaseFlaw> {
        let wire: Wire = serde_json::from_slice(text).map_err(|_| ReleaseFlaw)?;
        if wire.files.len() > FILES_MAX {
            return Err(ReleaseFlaw);
        }
        let files: Option<Vec<ReleaseFile>> = wire.files.iter().map(file).collect();
        let files = files.ok_or(ReleaseFlaw)?;
        let version = Version::parse(&wire.version).map_err(|_| ReleaseFlaw)?;
        let in_order = files.windows(2).all(|pair| pair[0].path < pair[1].path);
        if in_order { Ok(Self { version, files }) } else { Err(ReleaseFlaw) }
    }

    /// Writes it, always the same for the same release.
    pub fn to_json(&self) -> Vec<u8> {
        let files = self.files.iter().map(|file| WireFile {
            path: file.path.as_str().to_owned(),
            executable: file.rights == Rights::Executable,
            content: (&file.content).into(),
        });
        let wire = Wire { version: self.version.to_string(), files: files.collect() };
        serde_json::to_vec(&wire).expect("plain texts and numbers are always JSON")
    }
}

fn file(wire: &WireFile) -> Option<ReleaseFile> {
    Some(ReleaseFile {
        path: PackedPath::parse(&wire.path).ok()?,
        rights: if wire.executable { Rights::Executable } else { Rights::Plain },
        content: wire.content.read()?,
    })
}

#[cfg(test)]
mod tests;
