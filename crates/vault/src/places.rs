//! Where keys lie: never in the home, because a copy of the home would then hold the vault and what opens it.
//!
//! A key file holds one key of 64 hex digits a line; during a rotation it holds two, the new one first. Besides the
//! file there are the credentials that systemd hands to a service (`$CREDENTIALS_DIRECTORY`): [`KEY_CREDENTIAL`] is like
//! a key file, [`PASSPHRASE_CREDENTIAL`] holds a passphrase.

use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::format::{Header, ID_BYTES, Lock};
use crate::secret::SECRET_BYTES_MAX;
use crate::{Key, Secret, VaultError};

/// The credential with a key.
const KEY_CREDENTIAL: &str = "ostoja-vault-key";

/// The credential with a passphrase.
const PASSPHRASE_CREDENTIAL: &str = "ostoja-vault-passphrase";

/// For the owner alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// 4 keys: two are there during a rotation, more are a mistake.
const KEYS_MAX: usize = 4;

/// 4 KiB: more than a key file ever has.
const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

/// Where keys may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The kernel's home: no key may lie in it.
    pub home: PathBuf,
    /// The key file, if it was named.
    pub named: Option<PathBuf>,
    /// The folder for key files that were not.
    pub folder: Option<PathBuf>,
    /// systemd's credentials.
    pub credentials: Option<PathBuf>,
}

/// How a vault is opened where its key is not in a file.
#[derive(Debug, Clone, Copy)]
pub enum Opener<'a> {
    /// There is nothing more than the files.
    Files,
    /// With this key.
    Key(&'a Key),
    /// With the key that this passphrase comes to.
    Passphrase(&'a Secret),
}

impl Places {
    /// Where the key file of a vault lies, or will.
    ///
    /// # Errors
    /// `NoPlace` when nothing says where; `InsideHome`.
    pub(crate) fn key_file(&self, id: &[u8; ID_BYTES]) -> Result<PathBuf, VaultError> {
        let in_folder = || {
            let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            self.folder.as_ref().map(|folder| folder.join(format!("{name}.key")))
        };
        let path = self.named.clone().or_else(in_folder).ok_or(VaultError::NoPlace)?;
        if is_inside(&path, &self.home) {
            return Err(VaultError::InsideHome { path });
        }
        Ok(path)
    }

    /// The key of a vault.
    ///
    /// # Errors
    /// `Locked` when it wants a passphrase and none is there; `WrongKey`; those of reading a key file.
    pub fn key(&self, header: &Header, opener: Opener<'_>) -> Result<Key, VaultError> {
        match opener {
            Opener::Key(key) if header.fits(key) => return Ok(key.clone()),
            Opener::Passphrase(passphrase) if header.lock == Lock::Passphrase => {
                return header.unlock(passphrase);
            }
            Opener::Key(_) | Opener::Passphrase(_) | Opener::Files => {}
        }
        match header.lock {
            Lock::KeyFile => self.key_from_files(header),
            Lock::Passphrase => match self.credential(PASSPHRASE_CREDENTIAL) {
                Some(path) => header.unlock(&read_passphrase(&path)?),
                None => Err(VaultError::Locked),
            },
        }
    }

    fn key_from_files(&self, header: &Header) -> Result<Key, VaultError> {
        let mut keys = Vec::new();
        if let Some(path) = self.credential(KEY_CREDENTIAL) {
            keys = read_keys(&path, Rights::Any)?;
        }
        if !keys.iter().any(|key| header.fits(key)) {
            let path = self.key_file(&header.id)?;
            match read_keys(&path, Rights::OwnerOnly) {
                Err(VaultError::NoKeyFile { .. }) if !keys.is_empty() => {}
                read => keys.extend(read?),
            }
        }
        keys.into_iter().find(|key| header.fits(key)).ok_or(VaultError::WrongKey)
    }

    fn credential(&self, name: &str) -> Option<PathBuf> {
        self.credentials.as_ref().map(|folder| folder.join(name)).filter(|path| path.is_file())
    }
}

/// By the real paths, as far as they exist: a link into the home is in the home.
fn is_inside(path: &Path, home: &Path) -> bool {
    let real = |path: &Path| {
        let mut missing = Vec::new();
        let mut at = path;
        loop {
            if let Ok(found) = fs::canonicalize(at) {
                return missing.iter().rev().fold(found, |path, part| path.join(part));
            }
            let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return path.to_owned() };
            missing.push(name.to_owned());
            at = parent;
        }
    };
    real(path).starts_with(real(home))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Nobody but its owner may read it.
    OwnerOnly,
    /// Somebody else has seen to that.
    Any,
}

pub(crate) fn read_keys(path: &Path, rights: Rights) -> Result<Vec<Key>, VaultError> {
    let text = read_private(path, KEY_FILE_BYTES_MAX, rights)?;
    let malformed = || VaultError::KeyMalformed { path: path.to_owned() };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let keys: Vec<Key> = lines.map(Key::from_hex).collect::<Option<_>>().ok_or_else(malformed)?;
    if keys.is_empty() || keys.len() > KEYS_MAX { Err(malformed()) } else { Ok(keys) }
}

fn read_passphrase(path: &Path) -> Result<Secret, VaultError> {
    let text = read_private(path, SECRET_BYTES_MAX as u64, Rights::Any)?;
    Secret::new(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn read_private(path: &Path, bytes_max: u64, rights: Rights) -> Result<Zeroizing<String>, VaultError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => VaultError::NoKeyFile { path: path.to_owned() },
        _ => VaultError::KeyRead { path: path.to_owned(), source },
    };
    let file = fs::File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let ours = [rustix::process::geteuid().as_raw(), 0].contains(&found.uid());
    if rights == Rights::OwnerOnly && (found.mode() & 0o077 != 0 || !ours) {
        return Err(VaultError::KeyRights { path: path.to_owned(), mode: found.mode() & 0o7777 });
    }
    // All the room at once, so that the text never moves and leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(bytes_max).unwrap_or_default() + 1));
    file.take(bytes_max + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > bytes_max {
        return Err(VaultError::KeyMalformed { path: path.to_owned() });
    }
    Ok(text)
}

/// Writes a key file whole; its folder is made for the owner alone.
pub(crate) fn write_keys(path: &Path, keys: &[&Key]) -> Result<(), VaultError> {
    if let Some(folder) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        made.map_err(|source| VaultError::KeyFolder { path: folder.to_owned(), source })?;
    }
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * 65));
    for key in keys {
        text.push_str(&key.to_hex());
        text.push('\n');
    }
    store::write_whole(path, text.as_bytes(), MODE).map_err(VaultError::Write)
}
