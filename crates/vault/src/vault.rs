//! An opened vault: its secrets by name, and their form in the sealed body.
//!
//! ```text
//! body  = length u32 │ count u32 │ entry*      (length: of what follows, so that a cut is told from a change)
//! entry = name length u16 │ name │ version u64 │ set at u64 │ value length u32 │ value
//! ```

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::format::{self, Header, VAULT_BYTES_MAX};
use crate::secret::{SECRETS_MAX, Secret, SecretName};
use crate::{Key, VaultError};

/// What is kept under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    value: Secret,
    version: u64,
    set_at_ms: u64,
}

/// What can be told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: SecretName,
    /// How often it was set, from 1.
    pub version: u64,
    /// When it was set last, in milliseconds since the epoch.
    pub set_at_ms: u64,
    /// How long its value is, in bytes.
    pub bytes: usize,
}

/// An opened vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    pub(crate) header: Header,
    entries: BTreeMap<SecretName, Entry>,
}

impl Vault {
    /// An empty one.
    pub(crate) fn empty(header: Header) -> Self {
        Self { header, entries: BTreeMap::new() }
    }

    /// Opens a file's bytes.
    ///
    /// # Errors
    /// `Foreign`, `Form`, `Truncated`, `WrongKey`, `Tampered`, `Cost`.
    pub fn open(file: &[u8], key: &Key) -> Result<Self, VaultError> {
        let (header, body) = format::open(file, key)?;
        // What was sealed by this program can be read by it; anything else was made by somebody with the key.
        let entries = parse(&body).ok_or(VaultError::Tampered)?;
        Ok(Self { header, entries })
    }

    /// Seals it into a file's bytes.
    ///
    /// # Errors
    /// `Random`; `Full` when there is more than a file may have.
    pub fn seal(&self, key: &Key) -> Result<Vec<u8>, VaultError> {
        let file = format::seal(&self.header, key, &self.body())?;
        if file.len() > VAULT_BYTES_MAX { Err(VaultError::Full) } else { Ok(file) }
    }

    /// Keeps a value, in the place of an earlier one.
    ///
    /// # Errors
    /// `Full` when there are as many as may be.
    pub fn set(&mut self, name: SecretName, value: Secret, set_at_ms: u64) -> Result<(), VaultError> {
        if self.entries.len() >= SECRETS_MAX && !self.entries.contains_key(&name) {
            return Err(VaultError::Full);
        }
        let version = self.entries.get(&name).map_or(1, |earlier| earlier.version.saturating_add(1));
        self.entries.insert(name, Entry { value, version, set_at_ms });
        Ok(())
    }

    /// Forgets a value; whether there was one.
    #[must_use]
    pub fn remove(&mut self, name: &SecretName) -> bool {
        self.entries.remove(name).is_some()
    }

    /// The value of a secret.
    pub fn get(&self, name: &SecretName) -> Option<&Secret> {
        self.entries.get(name).map(|entry| &entry.value)
    }

    /// All secrets by name, without their values.
    pub fn rows(&self) -> Vec<Row> {
        let row = |(name, entry): (&SecretName, &Entry)| Row {
            name: name.clone(),
            version: entry.version,
            set_at_ms: entry.set_at_ms,
            bytes: entry.value.expose().len(),
        };
        self.entries.iter().map(row).collect()
    }

    fn body(&self) -> Zeroizing<Vec<u8>> {
        const NUMBERS: usize = 2 + 8 + 8 + 4;
        let size =
            |(name, entry): (&SecretName, &Entry)| NUMBERS + name.as_str().len() + entry.value.expose().len();
        let length = 4 + self.entries.iter().map(size).sum::<usize>();
        // Exactly as much as is needed, so that the buffer never moves and leaves a copy behind.
        let mut body = Zeroizing::new(Vec::with_capacity(4 + length));
        body.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        body.extend_from_slice(&u32::try_from(self.entries.len()).unwrap_or(u32::MAX).to_le_bytes());
        for (name, entry) in &self.entries {
            let (name, value) = (name.as_str().as_bytes(), entry.value.expose().as_bytes());
            body.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
            body.extend_from_slice(name);
            body.extend_from_slice(&entry.version.to_le_bytes());
            body.extend_from_slice(&entry.set_at_ms.to_le_bytes());
            body.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend_from_slice(value);
        }
        body
    }
}

fn parse(body: &[u8]) -> Option<BTreeMap<SecretName, Entry>> {
    let mut rest = body;
    let length = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
    if rest.len() != length {
        return None;
    }
    let count = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
    if count > SECRETS_MAX {
        return None;
    }
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let name = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let name = SecretName::parse(text(&mut rest, name)?).ok()?;
        let version = u64::from_le_bytes(take(&mut rest)?);
        let set_at_ms = u64::from_le_bytes(take(&mut rest)?);
        let value = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
        let value = Secret::new(text(&mut rest, value)?.to_owned()).ok()?;
        entries.insert(name, Entry { value, version, set_at_ms });
    }
    (rest.is_empty() && entries.len() == count).then_some(entries)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

fn text<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a str> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    std::str::from_utf8(taken).ok()
}
