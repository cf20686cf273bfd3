//! Secrets, sealed on disk: read by who has the key, changed in one step, and overwritten in memory after use.
//!
//! # What is and isn't in this crate
//! - [`Vault`]: the secrets by name, opened from a file and sealed into it again.
//! - [`Key`]: what a vault is sealed with; from a key file ([`Places`]) or from a passphrase ([`Cost`]).
//! - [`set`], [`remove`] and [`rotate`] change a vault under its lock; [`read`] gives one secret.
//!
//! Not here: who may have which secret (`kernel` decides), how one reaches a module (`host`), prompts (`cli`).
//!
//! # The file
//! ```text
//! "ostoja-vault" 0x0a │ form u8 │ lock u8 │ cost 3 × u32 │ salt 16 │ id 16 │ key check 16 │ nonce 24 │ sealed body + tag 16
//! ```
//! Everything before the body is authenticated with it, so nothing of it can be changed without the key. The body holds
//! all names and values in one piece: a file shows how much is kept, not what it is called.
//!
//! # Invariants
//! - A file is whole at every instant; between two keys there is always one that opens it.
//! - A wrong key, a changed file and a file that is cut are told apart.
//! - No value and no key is in a `Debug`, an error or a log; both are overwritten when they are dropped.
//!
//! What it can't do: notice that a whole older file was put in the place of a newer one, or keep a secret from somebody
//! who reads the memory of this process or the key file.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod change;
mod error;
mod format;
mod key;
mod places;
mod secret;
mod vault;

pub use change::{Rotated, header, list, read, remove, rotate, set};
pub use error::VaultError;
pub use format::{Cost, Header, Lock, VAULT_BYTES_MAX};
pub use key::Key;
pub use places::{Opener, Places};
pub use secret::{SECRET_BYTES_MAX, SECRETS_MAX, Secret, SecretName};
pub use vault::{Row, Vault};

/// Overwrites what a buffer holds and has held, and empties it.
pub fn wipe(buffer: &mut Vec<u8>) {
    zeroize::Zeroize::zeroize(buffer);
}
