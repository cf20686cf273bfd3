//! A secret's name and value.

use std::fmt;

use abi::{ModuleId, NameError};
use zeroize::Zeroizing;

use crate::VaultError;

/// 32 KiB: a chain of certificates with its key fits; a file that is kept secret does not belong here.
pub const SECRET_BYTES_MAX: usize = 32 << 10;

/// 512 secrets in one vault: it is opened as a whole for each one that is read.
pub const SECRETS_MAX: usize = 512;

/// The name of a secret: made like a module's, so that it is safe as a word on a command line and in a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName(ModuleId);

impl SecretName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `Name` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let refused = |error: NameError| VaultError::Name { name: shown(text), error };
        ModuleId::parse(text).map(Self).map_err(refused)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// 64 characters of a name that is none are repeated to whoever gave it.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 64;
    text.chars().take(CHARS_MAX).map(|found| if found.is_control() { '?' } else { found }).collect()
}

/// A value, overwritten when it is dropped. It has no `Display`, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value over.
    ///
    /// # Errors
    /// `TooLong`; what was given is overwritten then too.
    pub fn new(text: String) -> Result<Self, VaultError> {
        let secret = Self(Zeroizing::new(text));
        let found = secret.0.len();
        if found > SECRET_BYTES_MAX { Err(VaultError::TooLong { found }) } else { Ok(secret) }
    }

    /// The value itself: for handing it over, nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
