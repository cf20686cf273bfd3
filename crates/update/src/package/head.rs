//! `okm.json`: what is in a package. It is the one file that signatures vouch for; all others hang on it by their
//! hashes.

use abi::ModuleId;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{FILES_MAX, PackedPath, PathFlaw, UNPACKED_BYTES_MAX};
use crate::digest::Digests;

/// The form that this program writes and reads.
const FORMAT: u32 = 1;

/// The file that every module has.
const MANIFEST: &str = "module.json";

/// 64 bytes: a longer version is none that a person gave.
const VERSION_BYTES_MAX: usize = 64;

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// It is read.
    Plain,
    /// It is run.
    Executable,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// Its name.
    pub path: PackedPath,
    /// Whether it is a program.
    pub rights: Rights,
    /// Its length and both hashes.
    pub digests: Digests,
}

/// What is in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    module: ModuleId,
    version: Version,
    /// In the order of their names, each once, `module.json` among them; none is the folder of another.
    files: Vec<PackedFile>,
}

/// Why there can't be such a package.
#[derive(Debug, thiserror::Error)]
pub enum HeadFlaw {
    /// It is not the JSON that it should be.
    #[error("it is not the JSON that it should be")]
    Json(#[source] serde_json::Error),
    /// Another version of this program wrote it.
    #[error("it has the format {found}, this program knows {FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
    /// The module's name is none.
    #[error("`{0}` is no name of a module")]
    Module(String),
    /// The version is none.
    #[error("`{0}` is no version like 1.2.3")]
    Version(String),
    /// A file's name is none.
    #[error("a file has {flaw} for a name")]
    Path {
        /// What is wrong with it.
        flaw: PathFlaw,
    },
    /// A hash is not 64 hex digits in small letters.
    #[error("`{0}` has a hash that is none")]
    Hash(PackedPath),
    /// Two files have one name, or are out of order.
    #[error("`{0}` is there twice, or out of order")]
    Order(PackedPath),
    /// A file is also a folder.
    #[error("`{0}` is a file and a folder")]
    Folder(PackedPath),
    /// There is no manifest.
    #[error("there is no `{MANIFEST}` in it")]
    NoManifest,
    /// There are too many files.
    #[error("it has more than {FILES_MAX} files")]
    TooMany,
    /// The files are too long.
    #[error("its files have more than {UNPACKED_BYTES_MAX} bytes together")]
    TooLong,
}

/// `okm.json` as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u32,
    module: String,
    version: String,
    files: Vec<WireFile>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    path: String,
    bytes: u64,
    executable: bool,
    sha256: String,
    blake3: String,
}

impl Head {
    /// A package of these files, in any order.
    ///
    /// # Errors
    /// `HeadFlaw` when there can't be such a package.
    pub fn try_new(module: ModuleId, version: Version, mut files: Vec<PackedFile>) -> Result<Self, HeadFlaw> {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Self::check(module, version, files)
    }

    fn check(module: ModuleId, version: Version, files: Vec<PackedFile>) -> Result<Self, HeadFlaw> {
        if version.to_string().len() > VERSION_BYTES_MAX {
            return Err(HeadFlaw::Version(version.to_string().chars().take(VERSION_BYTES_MAX).collect()));
        }
        if files.len() > FILES_MAX {
            return Err(HeadFlaw::TooMany);
        }
        let mut bytes = 0_u64;
        for file in &files {
            bytes = bytes.saturating_add(file.digests.bytes);
        }
        if bytes > UNPACKED_BYTES_MAX {
            return Err(HeadFlaw::TooLong);
        }
        for pair in files.windows(2) {
            if pair[0].path >= pair[1].path {
                return Err(HeadFlaw::Order(pair[1].path.clone()));
            }
        }
        check_folders(&files)?;
        if !files.iter().any(|file| file.path.as_str() == MANIFEST) {
            return Err(HeadFlaw::NoManifest);
        }
        Ok(Self { module, version, files })
    }

    /// Reads `okm.json`.
    ///
    /// # Errors
    /// `HeadFlaw` when it is none, or says of a package what can't be.
    pub fn parse(text: &[u8]) -> Result<Self, HeadFlaw> {
        let wire: Wire = serde_json::from_slice(text).map_err(HeadFlaw::Json)?;
        if wire.format != FORMAT {
            return Err(HeadFlaw::Format { found: wire.format });
        }
        // Before anything is allocated for them.
        if wire.files.len() > FILES_MAX {
            return Err(HeadFlaw::TooMany);
        }
        let module = ModuleId::parse(&wire.module).map_err(|_| HeadFlaw::Module(short(&wire.module)))?;
        let version = Version::parse(&wire.version).map_err(|_| HeadFlaw::Version(short(&wire.version)))?;
        let files: Result<Vec<PackedFile>, HeadFlaw> = wire.files.into_iter().map(file).collect();
        Self::check(module, version, files?)
    }

    /// Writes `okm.json`, always the same for the same package.
    pub fn to_json(&self) -> Vec<u8> {
        let hex = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_string();
        let files = self.files.iter().map(|file| WireFile {
            path: file.path.as_str().to_owned(),
            bytes: file.digests.bytes,
            executable: file.rights == Rights::Executable,
            sha256: hex(file.digests.sha256),
            blake3: hex(file.digests.blake3),
        });
        let wire = Wire {
            format: FORMAT,
            module: self.module.to_string(),
            version: self.version.to_string(),
            files: files.collect(),
        };
        let mut text = serde_json::to_vec_pretty(&wire).expect("plain texts and numbers are always JSON");
        text.push(b'\n');
        text
    }

    /// Whose package it is.
    pub fn module(&self) -> &ModuleId {
        &self.module
    }

    /// Which version of it.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its files, in the order of their names.
    pub fn files(&self) -> &[PackedFile] {
        &self.files
    }

    /// The name under which signatures vouch for `okm.json`: nobody can pass one package off as another.
    pub fn target(&self) -> String {
        format!("{}/{}.json", self.module, self.version)
    }
}

/// Part of a strange text, for a message.
fn short(text: &str) -> String {
    text.chars().take(VERSION_BYTES_MAX).map(|char| if char.is_control() { '?' } else { char }).collect()
}

fn file(wire: WireFile) -> Result<PackedFile, HeadFlaw> {
    let path = PackedPath::parse(&wire.path).map_err(|flaw| HeadFlaw::Path { flaw })?;
    let hash = |text: &str| crate::chunk::ChunkId::parse(text).map(|id| id.0);
    let (Some(sha256), Some(blake3)) = (hash(&wire.sha256), hash(&wire.blake3)) else {
        return Err(HeadFlaw::Hash(path));
    };
    let rights = if wire.executable { Rights::Executable } else { Rights::Plain };
    Ok(PackedFile { path, rights, digests: Digests { sha256, blake3, bytes: wire.bytes } })
}

/// No file is the folder of another; the list is sorted.
fn check_folders(files: &[PackedFile]) -> Result<(), HeadFlaw> {
    for (index, file) in files.iter().enumerate() {
        // What lies below a name begins with it, and so do names like `a-b` before `a/b`.
        let behind = files[index + 1..].iter().map(|other| &other.path);
        let alike = behind.take_while(|other| other.as_str().starts_with(file.path.as_str()));
        if alike.into_iter().any(|other| file.path.is_folder_of(other)) {
            return Err(HeadFlaw::Folder(file.path.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
