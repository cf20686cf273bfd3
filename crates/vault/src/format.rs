//! The file's bytes: a header that anybody can read, and a body that only the key opens.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key::{CHECK_BYTES, Key, fill_random};

/// 2 MiB: the most that a file may have; larger ones are no vaults and are not read.
pub const VAULT_BYTES_MAX: usize = 2 << 20;

const MAGIC: &[u8; 13] = b"ostoja-vault\n";
const FORM: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// 16 bytes: what Argon2 asks of a salt.
pub(crate) const SALT_BYTES: usize = 16;

/// 16 bytes: no two vaults have the same, so that their key files don't meet.
pub(crate) const ID_BYTES: usize = 16;

/// Everything before the nonce.
const HEADER_BYTES: usize = MAGIC.len() + 2 + 12 + SALT_BYTES + ID_BYTES + CHECK_BYTES;

/// How a vault's key is come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// From a key file, or a credential that holds one.
    KeyFile,
    /// From a passphrase.
    Passphrase,
}

/// What a passphrase's key costs to make: the parameters of Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, 8 to 1,048,576.
    pub memory_kib: u32,
    /// Passes over it, 1 to 64.
    pub passes: u32,
    /// Lanes, 1 to 16.
    pub lanes: u32,
}

impl Cost {
    /// 64 MiB, 3 passes, 4 lanes: what RFC 9106 recommends where memory is scarce.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };

    /// Whether it is one that may be paid: the file says it, and whoever changed the file must not make us pay more.
    ///
    /// # Errors
    /// `Cost`.
    pub(crate) fn checked(self) -> Result<Self, VaultError> {
        let is_fair = (8..=1 << 20).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes);
        if is_fair { Ok(self) } else { Err(VaultError::Cost { cost: self }) }
    }
}

/// What anybody can read of a vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How its key is come by.
    pub lock: Lock,
    /// What the passphrase's key costs; without meaning for a key file.
    pub cost: Cost,
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) id: [u8; ID_BYTES],
    pub(crate) check: [u8; CHECK_BYTES],
}

impl Header {
    /// A header for a new vault, or an old one under a new lock; its key is put in when it is sealed.
    pub(crate) fn fresh(lock: Lock, cost: Cost, id: Option<[u8; ID_BYTES]>) -> Result<Self, VaultError> {
        let mut header =
            Self { lock, cost, salt: [0; SALT_BYTES], id: id.unwrap_or_default(), check: [0; CHECK_BYTES] };
        fill_random(&mut header.salt)?;
        if id.is_none() {
            fill_random(&mut header.id)?;
        }
        Ok(header)
    }

    /// Whether this is the key that the vault is sealed with.
    pub fn fits(&self, key: &Key) -> bool {
        self.check == key.check()
    }

    /// The key that a passphrase comes to.
    ///
    /// # Errors
    /// `WrongKey` when it is another passphrase's; `Cost`.
    pub fn unlock(&self, passphrase: &crate::Secret) -> Result<Key, VaultError> {
        let key = Key::of_passphrase(passphrase, &self.salt, self.cost)?;
        if self.fits(&key) { Ok(key) } else { Err(VaultError::WrongKey) }
    }

    fn bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let lock = match self.lock {
            Lock::KeyFile => 0,
            Lock::Passphrase => 1,
        };
        let (memory, passes) = (self.cost.memory_kib.to_le_bytes(), self.cost.passes.to_le_bytes());
        let lanes = self.cost.lanes.to_le_bytes();
        let parts: [&[u8]; 8] =
            [MAGIC, &[FORM, lock], &memory, &passes, &lanes, &self.salt, &self.id, &self.check];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    /// Reads the header of a file.
    ///
    /// # Errors
    /// `Foreign`, `Form`, `Truncated`, `Cost`.
    pub fn parse(file: &[u8]) -> Result<Self, VaultError> {
        let shared = file.len().min(MAGIC.len());
        if file.is_empty() || file[..shared] != MAGIC[..shared] {
            return Err(VaultError::Foreign);
        }
        let form = *file.get(MAGIC.len()).ok_or(VaultError::Truncated)?;
        if form != FORM {
            return Err(VaultError::Form { found: form });
        }
        let mut rest = file.get(MAGIC.len() + 1..HEADER_BYTES).ok_or(VaultError::Truncated)?;
        let lock = match take::<1>(&mut rest)? {
            [0] => Lock::KeyFile,
            [1] => Lock::Passphrase,
            _ => return Err(VaultError::Tampered),
        };
        let mut number = || take::<4>(&mut rest).map(u32::from_le_bytes);
        let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
        let (salt, id, check) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        if lock == Lock::Passphrase {
            cost.checked()?;
        }
        Ok(Self { lock, cost, salt, id, check })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], VaultError> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(VaultError::Truncated)?;
    *rest = left;
    Ok(*taken)
}

/// Seals a body into a whole file.
pub(crate) fn seal(header: &Header, key: &Key, body: &[u8]) -> Result<Vec<u8>, VaultError> {
    let header = Header { check: key.check(), ..header.clone() }.bytes();
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;
    // With room for the tag, so that the buffer never moves and leaves a copy behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(body.len() + TAG_BYTES));
    sealed.extend_from_slice(body);
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let nonce = XNonce::from(nonce);
    cipher.encrypt_in_place(&nonce, &header, &mut *sealed).map_err(|_| VaultError::Full)?;
    let mut file = Vec::with_capacity(HEADER_BYTES + NONCE_BYTES + sealed.len());
    file.extend_from_slice(&header);
    file.extend_from_slice(&nonce);
    file.extend_from_slice(&sealed);
    Ok(file)
}

/// Opens a whole file.
///
/// # Errors
/// Those of [`Header::parse`]; `WrongKey`; `Truncated`; `Tampered`.
pub(crate) fn open(file: &[u8], key: &Key) -> Result<(Header, Zeroizing<Vec<u8>>), VaultError> {
    let header = Header::parse(file)?;
    if !header.fits(key) {
        return Err(VaultError::WrongKey);
    }
    let mut rest = file.get(HEADER_BYTES..).ok_or(VaultError::Truncated)?;
    let nonce = XNonce::from(take::<NONCE_BYTES>(&mut rest)?);
    if rest.len() < TAG_BYTES {
        return Err(VaultError::Truncated);
    }
    let mut body = Zeroizing::new(rest.to_vec());
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let opened = cipher.decrypt_in_place(&nonce, &file[..HEADER_BYTES], &mut *body);
    opened.map_err(|_| VaultError::Tampered)?;
    Ok((header, body))
}
