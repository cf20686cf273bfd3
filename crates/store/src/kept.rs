//! What modules keep over planned restarts: one small file per module, whole at every instant, compressed, and bound to the
//! module that gave it and to the form that it has.
//!
//! ```text
//! state/kept/<module>           the state for its next life: 64 hex digits of a hash, a line break, and one zstd frame
//! state/kept/<module>~refused   what a life refused or fell over, the last one only, for whoever looks into it
//! ```
//! In the frame are a line of JSON about the state and the state itself. The hash is over the frame, so that a file that was
//! changed, cut or swapped for another module's is found and never handed on.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abi::{Explain, Generation, ModuleId, Wall};
use serde::{Deserialize, Serialize};
use update::ChunkId;

use crate::disk::{Disk, ReplaceError, replace};

/// 16 MiB: the largest state that is kept; as much as a WebAssembly module may give, and far more than fits into a frame.
pub const KEPT_BYTES_MAX: usize = 16 << 20;

/// 4 KiB: the line about a state has a name, a form and some numbers.
const ABOUT_BYTES_MAX: usize = 4 << 10;

/// 17 MiB: the most of a file that is read; what can't be compressed grows by some bytes.
const FILE_BYTES_MAX: u64 = 17 << 20;

/// The level of zstd: its default, some hundred megabytes a second.
const LEVEL: i32 = 3;

/// The only form of the file so far.
const FORM: u32 = 1;

/// Hex digits of the hash, and a line break.
const HASH_BYTES: usize = 65;

/// A state that outlives a life.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub module: ModuleId,
    /// Which life gave it.
    pub life: Generation,
    /// When.
    pub at: Wall,
    /// Of which form it is, in the module's own words.
    pub version: String,
    /// The state, opaque.
    pub state: Vec<u8>,
}

impl fmt::Debug for Kept {
    /// Without the state.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("module", &self.module)
            .field("life", &self.life)
            .field("at", &self.at)
            .field("version", &self.version)
            .field("bytes", &self.state.len())
            .finish()
    }
}

#[derive(Serialize, Deserialize)]
struct About {
    form: u32,
    module: String,
    life: u64,
    at_ms: u64,
    version: String,
}

/// A state could not be kept or brought back.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It is more than is kept.
    #[error("it has {bytes} bytes, at most {KEPT_BYTES_MAX} are kept")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// The disk refused.
    #[error("can't {doing} `{}`", path.display())]
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk gave back other bytes than were written.
    #[error("`{}` holds other bytes than were written", path.display())]
    ReadBack {
        /// The file, which was removed again.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("`{}` is damaged: {flaw}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        flaw: &'static str,
    },
}

impl From<ReplaceError> for KeptError {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Disk { doing, path, source } => Self::Disk { doing, path, source },
            ReplaceError::ReadBack { path } => Self::ReadBack { path },
        }
    }
}

impl Explain for KeptError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "store::kept::too_large",
            Self::Disk { .. } => "store::kept::disk",
            Self::ReadBack { .. } => "store::kept::read_back",
            Self::Damaged { .. } => "store::kept::damaged",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => Some("keep some members only: state: {keys: [..]}".to_owned()),
            Self::Disk { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room: df -h {}", path.parent()?.display()))
            }
            Self::Disk { .. } | Self::ReadBack { .. } | Self::Damaged { .. } => None,
        }
    }
}

/// The folder with the states of a home's modules.
#[derive(Debug, Clone)]
pub struct KeptStates {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl KeptStates {
    /// Those in this folder of a home; made when something is kept.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path) -> Self {
        Self { disk, folder: folder.to_owned() }
    }

    /// Where a module's state lies.
    pub fn path(&self, module: &ModuleId) -> PathBuf {
        self.folder.join(module.as_str())
    }

    /// Where what a module refused lies.
    pub fn refused(&self, module: &ModuleId) -> PathBuf {
        self.folder.join(format!("{module}~refused"))
    }

    /// Keeps a state in the place of an earlier one; gives how many bytes it takes on the disk. It is durable then.
    ///
    /// # Errors
    /// `TooLarge`, `Disk`, `ReadBack`; what was kept before is still there.
    pub fn keep(&self, kept: &Kept) -> Result<u64, KeptError> {
        let bytes = to_bytes(kept)?;
        let failed = |source| KeptError::Disk { doing: "make the folder", path: self.folder.clone(), source };
        self.disk.make_folder(&self.folder).map_err(failed)?;
        let path = self.path(&kept.module);
        replace(&*self.disk, &path, &self.folder.join(format!("{}~new", kept.module)), &bytes)?;
        Ok(bytes.len() as u64)
    }

    /// What is kept for a module, if anything.
    ///
    /// # Errors
    /// `Disk`, `Damaged`.
    pub fn find(&self, module: &ModuleId) -> Result<Option<Kept>, KeptError> {
        let path = self.path(module);
        let bytes = match self.disk.read(&path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeptError::Disk { doing: "read", path, source }),
        };
        match parse(&bytes) {
            Ok(kept) if kept.module == *module => Ok(Some(kept)),
            Ok(_) => Err(KeptError::Damaged { path, flaw: "it belongs to another module" }),
            Err(flaw) => Err(KeptError::Damaged { path, flaw }),
        }
    }

    /// Nothing is kept for this module any more.
    ///
    /// # Errors
    /// `Disk`; the state may come again then.
    pub fn forget(&self, module: &ModuleId) -> Result<(), KeptError> {
        let path = self.path(module);
        match self.disk.remove(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(KeptError::Disk { doing: "remove", path, source })
            }
            _ => self.sync(),
        }
    }

    /// What is kept for this module is no longer offered, and lies beside for whoever looks into it.
    ///
    /// # Errors
    /// `Disk`; the state may come again then.
    pub fn set_aside(&self, module: &ModuleId) -> Result<(), KeptError> {
        let path = self.path(module);
        match self.disk.rename(&path, &self.refused(module)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(KeptError::Disk { doing: "set aside", path, source })
            }
            _ => self.sync(),
        }
    }

    fn sync(&self) -> Result<(), KeptError> {
        match self.disk.sync_folder(&self.folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(KeptError::Disk { doing: "make durable", path: self.folder.clone(), source })
            }
            _ => Ok(()),
        }
    }
}

/// A state as it is written.
fn to_bytes(kept: &Kept) -> Result<Vec<u8>, KeptError> {
    if kept.state.len() > KEPT_BYTES_MAX {
        return Err(KeptError::TooLarge { bytes: kept.state.len() });
    }
    let about = About {
        form: FORM,
        module: kept.module.to_string(),
        life: kept.life.0,
        at_ms: kept.at.0,
        version: kept.version.clone(),
    };
    let mut plain = serde_json::to_vec(&about).expect("texts and numbers are always JSON");
    plain.push(b'\n');
    plain.extend_from_slice(&kept.state);
    let frame = zstd::bulk::compress(&plain, LEVEL).expect("memory is the only thing that it needs");
    let mut bytes = format!("{}\n", ChunkId::of(&frame)).into_bytes();
    bytes.extend_from_slice(&frame);
    Ok(bytes)
}

/// Reads what [`to_bytes`] wrote; says what is wrong with anything else.
fn parse(bytes: &[u8]) -> Result<Kept, &'static str> {
    let (hash, frame) = bytes.split_at_checked(HASH_BYTES).ok_or("it is cut short")?;
    let hash = std::str::from_utf8(hash).ok().and_then(|text| text.strip_suffix('\n'));
    if hash.and_then(ChunkId::parse) != Some(ChunkId::of(frame)) {
        return Err("its hash is another");
    }
    let most = KEPT_BYTES_MAX + ABOUT_BYTES_MAX;
    let mut plain = Vec::new();
    let unreadable = |_| "it can't be decompressed";
    let reader = zstd::stream::read::Decoder::with_buffer(frame).map_err(unreadable)?;
    reader.take(most as u64 + 1).read_to_end(&mut plain).map_err(unreadable)?;
    if plain.len() > most {
        return Err("it is too large");
    }
    let end =
        plain.iter().take(ABOUT_BYTES_MAX).position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let about: About = serde_json::from_slice(&plain[..end]).map_err(|_| "its first line can't be read")?;
    if about.form != FORM {
        return Err("its form is not known");
    }
    Ok(Kept {
        module: ModuleId::parse(&about.module).map_err(|_| "it names no module")?,
        life: Generation(about.life),
        at: Wall(about.at_ms),
        version: about.version,
        state: plain.split_off(end + 1),
    })
}

#[cfg(test)]
mod tests;
