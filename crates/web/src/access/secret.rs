//! Random texts and their hashes.

use std::io;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// 20 bytes of chance: nobody guesses one, and its hex digits still fit a line.
const RANDOM_BYTES: usize = 20;

/// 16 bytes: what Argon2 asks of a salt.
const SALT_BYTES: usize = 16;

const HASH_BYTES: usize = 32;

/// 4 MiB in 3 passes: what one guess costs. Tokens are random, so the cost only has to be a nuisance.
const MEMORY_KIB: u32 = 4 * 1024;
const PASSES: u32 = 3;

/// 33 MiB are asked for, of which [`MEMORY_KIB`] are touched: what is longer than 32 MiB the C library always takes from the
/// system and gives back at once. Less would stay with each thread that ever hashed something.
const ASKED_KIB: usize = 33 << 10;

/// The SHA-256 of a text, as hex digits. It is looked up instead of the text, so the time that takes tells nothing about
/// the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Digest(String);

impl Digest {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn digest(text: &str) -> Digest {
    Digest(hex(&Sha256::digest(text.as_bytes())))
}

/// A new text that nobody can guess.
///
/// # Errors
/// The system gives no chance.
pub(crate) fn random_text() -> io::Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn fill(mut rest: &mut [u8]) -> io::Result<()> {
    while !rest.is_empty() {
        let got = rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty())?;
        rest = &mut rest[got..];
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A string takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a token's secret comes to.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct TokenHash {
    salt: String,
    hash: String,
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl TokenHash {
    pub(super) fn of(secret: &str) -> io::Result<Self> {
        let mut salt = [0; SALT_BYTES];
        fill(&mut salt)?;
        let salt = hex(&salt);
        let hash = stretched(secret, &salt).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Self { salt, hash })
    }

    /// Whether it is of this secret. Every digit is looked at, wherever the first difference is.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        let Some(hash) = stretched(secret, &self.salt) else { return false };
        let differs = hash.bytes().zip(self.hash.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
        differs == 0 && hash.len() == self.hash.len()
    }
}

fn stretched(secret: &str, salt: &str) -> Option<String> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(HASH_BYTES)).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH_BYTES];
    let mut blocks: Vec<Block> = Vec::with_capacity(ASKED_KIB * 1024 / Block::SIZE);
    blocks.resize(argon.params().block_count(), Block::default());
    argon.hash_password_into_with_memory(secret.as_bytes(), salt.as_bytes(), &mut hash, &mut blocks).ok()?;
    Some(hex(&hash))
}

impl Digest {
    /// Of anything.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }
}
