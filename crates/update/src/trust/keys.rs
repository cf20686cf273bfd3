//! Keys: ed25519, public ones by their names, private ones only where something is signed.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::{Ed25519Key, Ed25519Scheme, Key};

/// 32 bytes of chance, or of a public key.
const KEY_BYTES: usize = 32;

/// What a file of a private key says that it is.
const KIND: &str = "ostoja-ed25519-1";

/// A text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFlaw {
    /// It is no file of a private key.
    #[error("this is no file of a private key")]
    File,
    /// It is not 64 hex digits.
    #[error("a key has 64 hex digits")]
    Hex,
    /// The digits are no key.
    #[error("these digits are no ed25519 key")]
    Digits,
}

/// The name of a key: the SHA-256 of how the framework writes it, in hex.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyId {
    pub(super) fn of(id: &Decoded<Hex>) -> Self {
        Self(hex(id))
    }
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PublicKey {
    /// Reads the 64 hex digits that `Display` writes.
    ///
    /// # Errors
    /// `KeyFlaw::Hex`.
    pub fn parse(text: &str) -> Result<Self, KeyFlaw> {
        unhex(text).map(Self)
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        self.tuf_id().map_or_else(|| KeyId(String::new()), |id| KeyId::of(&id))
    }

    pub(super) fn tuf(&self) -> Key {
        let public = self.0.to_vec().into();
        Key::Ed25519 {
            keyval: Ed25519Key { public, _extra: HashMap::new() },
            scheme: Ed25519Scheme::Ed25519,
            _extra: HashMap::new(),
        }
    }

    pub(super) fn tuf_id(&self) -> Option<Decoded<Hex>> {
        self.tuf().key_id().ok()
    }

    /// The key behind one of the framework's, if it is of the one kind that is taken.
    pub(super) fn of(key: &Key) -> Option<Self> {
        match key {
            Key::Ed25519 { keyval, scheme: Ed25519Scheme::Ed25519, .. } => {
                keyval.public.as_ref().try_into().ok().map(Self)
            }
            Key::Rsa { .. } | Key::Ecdsa { .. } | Key::EcdsaOld { .. } => None,
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// A private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; KEY_BYTES],
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The file of a private key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    kind: String,
    public: String,
    seed: String,
}

impl SigningKey {
    /// The key that grows from 32 bytes of chance.
    ///
    /// # Errors
    /// `KeyFlaw::Digits` when the library takes none.
    pub fn from_seed(seed: [u8; KEY_BYTES]) -> Result<Self, KeyFlaw> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyFlaw::Digits)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyFlaw::Digits)?;
        Ok(Self { pair, seed, public: PublicKey(public) })
    }

    /// Reads a file of a private key.
    ///
    /// # Errors
    /// `KeyFlaw`; it never says what was in the file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyFlaw> {
        let wire: Wire = serde_json::from_slice(text).map_err(|_| KeyFlaw::File)?;
        if wire.kind != KIND {
            return Err(KeyFlaw::File);
        }
        let key = Self::from_seed(unhex(&wire.seed)?)?;
        if PublicKey::parse(&wire.public)? == key.public { Ok(key) } else { Err(KeyFlaw::Digits) }
    }

    /// The file of this key: whoever has it signs in its name.
    pub fn to_secret_json(&self) -> Vec<u8> {
        let wire = Wire { kind: KIND.to_owned(), public: self.public.to_string(), seed: hex(&self.seed) };
        let mut text = serde_json::to_vec_pretty(&wire).expect("plain texts are always JSON");
        text.push(b'\n');
        text
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<[u8; KEY_BYTES], KeyFlaw> {
    // A chunk's name has the same form: 64 small hex digits.
    crate::chunk::ChunkId::parse(text).map(|id| id.0).ok_or(KeyFlaw::Hex)
}

#[cfg(test)]
mod tests;
