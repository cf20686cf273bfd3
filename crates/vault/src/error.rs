//! Why a vault does not give or take something: what is wrong is told apart, and nothing secret is in it.

use std::io;
use std::path::PathBuf;

use abi::{Explain, NameError};
use store::WriteError;

use crate::format::Cost;
use crate::secret::{SECRET_BYTES_MAX, SECRETS_MAX, SecretName};

/// What can go wrong with a vault.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's fields are what its message names")]
pub enum VaultError {
    /// There is no vault yet.
    #[error("there is no vault at `{}`", path.display())]
    Missing { path: PathBuf },
    /// The file can't be read.
    #[error("the vault `{}` can't be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file can't be written.
    #[error("the vault was not changed")]
    Write(#[source] WriteError),
    /// Changes can't be kept apart.
    #[error("`{}` can't be locked", path.display())]
    LockFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is something else.
    #[error("the file is no vault")]
    Foreign,
    /// A newer program made it.
    #[error("the vault is of form {found}; this program knows form 1")]
    Form { found: u8 },
    /// The end is missing.
    #[error("the vault is cut off")]
    Truncated,
    /// It was sealed with another key.
    #[error("the key is not the one that the vault is sealed with")]
    WrongKey,
    /// It is not as it was sealed.
    #[error("the vault was changed by somebody without its key")]
    Tampered,
    /// It wants more than anybody should give.
    #[error(
        "the vault asks for a key of {} KiB, {} passes and {} lanes, beyond what is done here",
        cost.memory_kib, cost.passes, cost.lanes
    )]
    Cost { cost: Cost },
    /// It wants a passphrase.
    #[error("the vault is locked by a passphrase")]
    Locked,
    /// Nothing says where keys lie.
    #[error("nothing says where the key file is to lie")]
    NoPlace,
    /// A copy of the home would hold both.
    #[error("the key file `{}` lies in the home, beside what it opens", path.display())]
    InsideHome { path: PathBuf },
    /// The named file has other keys.
    #[error("the key file `{}` is there already and belongs to another vault", path.display())]
    KeyFileTaken { path: PathBuf },
    /// There is no key file.
    #[error("there is no key file at `{}`", path.display())]
    NoKeyFile { path: PathBuf },
    /// The key file can't be read.
    #[error("the key file `{}` can't be read", path.display())]
    KeyRead {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Others may read the key.
    #[error("the key file `{}` is open to others or somebody else's (mode {mode:o})", path.display())]
    KeyRights { path: PathBuf, mode: u32 },
    /// It holds no key.
    #[error("the key file `{}` holds no key of 64 hex digits", path.display())]
    KeyMalformed { path: PathBuf },
    /// Its folder can't be made.
    #[error("the folder `{}` of the key file can't be made", path.display())]
    KeyFolder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The system gives no chance.
    #[error("the system gave no random bytes")]
    Random(#[source] io::Error),
    /// The name is none.
    #[error("`{name}` is no name for a secret: it {error}")]
    Name { name: String, error: NameError },
    /// The value is too long.
    #[error("the value has {found} bytes; a secret may have {SECRET_BYTES_MAX}")]
    TooLong { found: usize },
    /// There is no room.
    #[error("the vault is full: {SECRETS_MAX} secrets, or 2 MiB")]
    Full,
    /// There is no such secret.
    #[error("there is no secret `{}`", name.as_str())]
    NotFound { name: SecretName },
}

impl Explain for VaultError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "vault::file::missing",
            Self::Read { .. } => "vault::file::read",
            Self::Write(_) => "vault::file::write",
            Self::LockFile { .. } => "vault::file::lock",
            Self::Foreign => "vault::open::foreign",
            Self::Form { .. } => "vault::open::form",
            Self::Truncated => "vault::open::truncated",
            Self::WrongKey => "vault::open::wrong_key",
            Self::Tampered => "vault::open::tampered",
            Self::Cost { .. } => "vault::open::cost",
            Self::Locked => "vault::open::locked",
            Self::NoPlace => "vault::key::no_place",
            Self::InsideHome { .. } => "vault::key::inside_home",
            Self::KeyFileTaken { .. } => "vault::key::taken",
            Self::NoKeyFile { .. } => "vault::key::missing",
            Self::KeyRead { .. } => "vault::key::read",
            Self::KeyRights { .. } => "vault::key::rights",
            Self::KeyMalformed { .. } => "vault::key::malformed",
            Self::KeyFolder { .. } => "vault::key::folder",
            Self::Random(_) => "vault::key::random",
            Self::Name { .. } => "vault::secret::name",
            Self::TooLong { .. } => "vault::secret::too_long",
            Self::Full => "vault::secret::full",
            Self::NotFound { .. } => "vault::secret::not_found",
        }
    }

    fn help(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "ostoja secret set NAME".to_owned(),
            Self::NotFound { .. } => "ostoja secret list".to_owned(),
            Self::Locked => "ostoja secret unlock".to_owned(),
            Self::WrongKey => {
                "try the other passphrase, or bring back the key file that belongs to it".to_owned()
            }
            Self::Tampered | Self::Truncated | Self::Foreign => {
                "bring the vault back from a backup, or move it away and set the secrets anew".to_owned()
            }
            Self::KeyRights { path, .. } => format!("chmod 600 {}", path.display()),
            Self::NoPlace => "name one: OSTOJA_VAULT_KEY=FILE".to_owned(),
            Self::InsideHome { .. } | Self::KeyFileTaken { .. } => {
                "name another one: OSTOJA_VAULT_KEY=FILE".to_owned()
            }
            Self::NoKeyFile { .. } => {
                "bring it back from where you keep it, or name it: OSTOJA_VAULT_KEY=FILE".to_owned()
            }
            Self::Form { .. } => "use the version of ostoja that made it".to_owned(),
            Self::Write(error) => return error.help(),
            Self::Read { .. }
            | Self::LockFile { .. }
            | Self::Cost { .. }
            | Self::KeyRead { .. }
            | Self::KeyMalformed { .. }
            | Self::KeyFolder { .. }
            | Self::Random(_)
            | Self::Name { .. }
            | Self::TooLong { .. }
            | Self::Full => return None,
        })
    }
}
