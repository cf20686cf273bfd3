//! What a vault is sealed with: 32 bytes, and how they are come by.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::format::{Cost, SALT_BYTES};
use crate::{Secret, VaultError};

/// 32 bytes: the key of XChaCha20-Poly1305.
pub(crate) const KEY_BYTES: usize = 32;

/// 16 bytes of a hash: enough that no wrong key passes for the right one by chance.
pub(crate) const CHECK_BYTES: usize = 16;

/// Keeps the check apart from every other hash of the same bytes.
const CHECK_CONTEXT: &[u8] = b"ostoja vault key check v1\0";

/// A key, overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// A new one, from the system's own chance.
    ///
    /// # Errors
    /// `Random` when the system gives none.
    pub fn fresh() -> Result<Self, VaultError> {
        let mut key = Self::blank();
        fill_random(&mut *key.0)?;
        Ok(key)
    }

    /// The key that a passphrase comes to; takes as long as the cost says, by intention.
    ///
    /// # Errors
    /// `Cost` when the file asks for a cost that nobody should pay.
    pub fn of_passphrase(
        passphrase: &Secret,
        salt: &[u8; SALT_BYTES],
        cost: Cost,
    ) -> Result<Self, VaultError> {
        let cost = cost.checked()?;
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES));
        let params = params.map_err(|_| VaultError::Cost { cost })?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut key = Self::blank();
        let made = argon.hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key.0);
        made.map_err(|_| VaultError::Cost { cost })?;
        Ok(key)
    }

    /// 64 hex digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
        for byte in *self.0 {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
        }
        text
    }

    /// Reads 64 hex digits; nothing when they are anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return None;
        }
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let mut key = Self::blank();
        for (byte, pair) in key.0.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(key)
    }

    fn blank() -> Self {
        Self(Zeroizing::new([0; KEY_BYTES]))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Tells a wrong key from a changed file. It gives nothing away about a random key; about a passphrase no more than
    /// the seal itself does, at the same cost for each guess.
    pub(crate) fn check(&self) -> [u8; CHECK_BYTES] {
        let mut hash = Sha256::new();
        hash.update(CHECK_CONTEXT);
        hash.update(self.0.as_slice());
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&hash.finalize()[..CHECK_BYTES]);
        check
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Fills a buffer from the system's own chance.
pub(crate) fn fill_random(buffer: &mut [u8]) -> Result<(), VaultError> {
    let mut filled = 0;
    while filled < buffer.len() {
        let got = rustix::rand::getrandom(&mut buffer[filled..], rustix::rand::GetRandomFlags::empty());
        filled += got.map_err(|errno| VaultError::Random(errno.into()))?;
    }
    Ok(())
}
