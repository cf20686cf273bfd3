//! Reading and changing the vault of a home: one change at a time, each in one step on disk.
//!
//! # Rotation
//! 1. The key file gets the new key beside the old one.
//! 2. The vault, sealed with the new key, takes the place of the old one.
//! 3. The key file keeps the new key alone.
//!
//! Killed anywhere in between, the key file holds a key that opens the vault that is there; the next rotation tidies up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::format::{Cost, Header, Lock, VAULT_BYTES_MAX};
use crate::places::{Rights, read_keys, write_keys};
use crate::vault::{Row, Vault};
use crate::{Key, Opener, Places, Secret, SecretName, VaultError};

/// For the owner alone.
const MODE: u32 = 0o600;

/// The value of one secret.
///
/// # Errors
/// `Missing`, `NotFound`; those of finding the key and of opening the file.
pub fn read(
    path: &Path,
    places: &Places,
    opener: Opener<'_>,
    name: &SecretName,
) -> Result<Secret, VaultError> {
    let (vault, _) = open(path, places, opener)?;
    vault.get(name).cloned().ok_or_else(|| VaultError::NotFound { name: name.clone() })
}

/// All secrets without their values.
///
/// # Errors
/// As [`read`].
pub fn list(path: &Path, places: &Places, opener: Opener<'_>) -> Result<Vec<Row>, VaultError> {
    Ok(open(path, places, opener)?.0.rows())
}

/// Keeps a value. The first one makes the vault: under the passphrase, if one is given, else with a new key file.
///
/// # Errors
/// As [`read`], and those of writing; nothing is changed then.
pub fn set(
    path: &Path,
    places: &Places,
    opener: Opener<'_>,
    (name, value): (SecretName, Secret),
    now_ms: u64,
) -> Result<(), VaultError> {
    let _lock = lock(path)?;
    let (mut vault, key) = match open(path, places, opener) {
        Err(VaultError::Missing { .. }) => create(places, opener)?,
        opened => opened?,
    };
    vault.set(name, value, now_ms)?;
    write(path, &vault, &key)
}

/// Forgets a secret.
///
/// # Errors
/// `NotFound`; as [`set`].
pub fn remove(path: &Path, places: &Places, opener: Opener<'_>, name: &SecretName) -> Result<(), VaultError> {
    let _lock = lock(path)?;
    let (mut vault, key) = open(path, places, opener)?;
    if !vault.remove(name) {
        return Err(VaultError::NotFound { name: name.clone() });
    }
    write(path, &vault, &key)
}

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that the vault is sealed with now.
    pub key: Key,
    /// Where it lies; nowhere when it comes from a passphrase.
    pub key_file: Option<PathBuf>,
}

/// Seals the vault anew, with a new key: that of a passphrase, if one is given, else one in the key file.
///
/// # Errors
/// As [`set`]. Whatever fails, a key that opens the vault is where it was.
pub fn rotate(
    path: &Path,
    places: &Places,
    opener: Opener<'_>,
    passphrase: Option<(&Secret, Cost)>,
) -> Result<Rotated, VaultError> {
    let _lock = lock(path)?;
    let (mut vault, old) = open(path, places, opener)?;
    let before = vault.header.clone();
    let id = Some(before.id);
    match passphrase {
        Some((passphrase, cost)) => {
            vault.header = Header::fresh(Lock::Passphrase, cost, id)?;
            let key = Key::of_passphrase(passphrase, &vault.header.salt, cost)?;
            write(path, &vault, &key)?;
            if before.lock == Lock::KeyFile {
                let file = places.key_file(&before.id)?;
                if check_own(&file, &before).is_ok() {
                    forget_key_file(&file);
                }
            }
            Ok(Rotated { key, key_file: None })
        }
        None => {
            vault.header = Header::fresh(Lock::KeyFile, Cost::RECOMMENDED, id)?;
            let (key, file) = (Key::fresh()?, places.key_file(&before.id)?);
            check_own(&file, &before)?;
            // The key of a passphrase is never written down.
            let both = [&key, &old];
            write_keys(&file, if before.lock == Lock::KeyFile { &both } else { &both[..1] })?;
            write(path, &vault, &key)?;
            write_keys(&file, &[&key])?;
            Ok(Rotated { key, key_file: Some(file) })
        }
    }
}

/// A key file that is named may serve another vault, whose key must not go.
fn check_own(file: &Path, header: &Header) -> Result<(), VaultError> {
    match read_keys(file, Rights::OwnerOnly) {
        Ok(keys) if keys.iter().any(|key| header.fits(key)) => Ok(()),
        Ok(_) => Err(VaultError::KeyFileTaken { path: file.to_owned() }),
        Err(VaultError::NoKeyFile { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A key that opens nothing any more may stay where it can't be removed.
fn forget_key_file(path: &Path) {
    let _left = fs::remove_file(path);
}

fn create(places: &Places, opener: Opener<'_>) -> Result<(Vault, Key), VaultError> {
    if let Opener::Passphrase(passphrase) = opener {
        let cost = Cost::RECOMMENDED;
        let header = Header::fresh(Lock::Passphrase, cost, None)?;
        let key = Key::of_passphrase(passphrase, &header.salt, cost)?;
        return Ok((Vault::empty(header), key));
    }
    let header = Header::fresh(Lock::KeyFile, Cost::RECOMMENDED, None)?;
    let file = places.key_file(&header.id)?;
    // A file that is named may serve other vaults already.
    if file.exists() {
        return Err(VaultError::KeyFileTaken { path: file });
    }
    let key = Key::fresh()?;
    write_keys(&file, &[&key])?;
    Ok((Vault::empty(header), key))
}

fn open(path: &Path, places: &Places, opener: Opener<'_>) -> Result<(Vault, Key), VaultError> {
    let bytes = bytes_of(path)?;
    let key = places.key(&Header::parse(&bytes)?, opener)?;
    Ok((Vault::open(&bytes, &key)?, key))
}

/// What anybody can read of the vault of a home.
///
/// # Errors
/// `Missing`, `Read`, `Foreign`, `Form`, `Truncated`.
pub fn header(path: &Path) -> Result<Header, VaultError> {
    Header::parse(&bytes_of(path)?)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, VaultError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => VaultError::Missing { path: path.to_owned() },
        _ => VaultError::Read { path: path.to_owned(), source },
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(VAULT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > VAULT_BYTES_MAX { Err(VaultError::Foreign) } else { Ok(bytes) }
}

fn write(path: &Path, vault: &Vault, key: &Key) -> Result<(), VaultError> {
    store::write_whole(path, &vault.seal(key)?, MODE).map_err(VaultError::Write)
}

/// One change at a time: a second one waits for the first, which takes no longer than a disk and a key do.
fn lock(path: &Path) -> Result<File, VaultError> {
    let path = path.with_extension("lock");
    let failed = |source| VaultError::LockFile { path: path.clone(), source };
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(&path);
    let file = file.map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}
