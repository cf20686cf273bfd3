//! Packages, `.okm`: a tar inside one zstd frame, in the one form that this file describes. Whatever differs from it by
//! a byte is refused, so that no two readers can see two things in one package.
//!
//! ```text
//! okm.json            what is in it: module, version, each file with length, rights, SHA-256, BLAKE3
//! trust/NAME …        the slice of a repository that vouches for okm.json, in the order of the names
//! files/PATH …        the files, in the order of okm.json
//! 1,024 zero bytes    the end; nothing follows, neither in the tar nor behind the frame
//! ```
//! Each entry is a plain ustar header without owner and time, and the file's bytes, filled up to 512.

use abi::Explain;

mod head;
mod path;
mod read;
mod write;

pub use head::{Head, HeadFlaw, PackedFile, Rights};
pub use path::{PackedPath, PathFlaw};
pub use read::{PackageFile, PackageReader};
pub use write::write_package;

/// The entry that says what is in a package.
const HEAD: &str = "okm.json";

/// What the names of trust's files begin with.
const TRUST: &str = "trust/";

/// What the names of the module's files begin with.
const FILES: &str = "files/";

/// What tar counts in.
const BLOCK: usize = 512;

/// 1,024 zero bytes end a tar.
const END_BYTES: usize = 2 * BLOCK;

/// 4,096 files: more than any module has, little enough that their list stays small.
pub const FILES_MAX: usize = 4096;

/// 2 GiB of all files together: what a home's disk can bear of one module.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;

/// 200 bytes from one: text packs to a tenth, a bomb to a ten-thousandth.
pub const RATIO_MAX: u64 = 200;

/// 1 MiB: what may unpack at any ratio, since small packages are mostly headers.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// 4 MiB of `okm.json`: 4,096 files with long names.
const HEAD_BYTES_MAX: u64 = 4 << 20;

/// 128 files of trust: the root's versions and some delegated roles.
const TRUST_FILES_MAX: usize = 128;

/// 1 MiB for each of them.
const TRUST_BYTES_MAX: u64 = 1 << 20;

/// 2^23 bytes, 8 MiB: how far back a frame may refer, which is what reading it takes of memory.
const WINDOW_LOG_MAX: u32 = 23;

/// The files that vouch for a package, by name.
pub type Slice = std::collections::BTreeMap<String, Vec<u8>>;

/// A package could not be read or written, or is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The bytes of the package could not be read, or are no zstd frame.
    #[error("can't read the package")]
    Read(#[source] std::io::Error),
    /// The package could not be written.
    #[error("can't write the package")]
    Write(#[source] std::io::Error),
    /// A file to be packed could not be read.
    #[error("can't read `{path}` to pack it")]
    Source {
        /// Its name in the package.
        path: PackedPath,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ends before it is complete.
    #[error("the package ends within `{entry}`")]
    Short {
        /// What was being read.
        entry: String,
    },
    /// Something follows its end.
    #[error("something follows the end of the package")]
    Trailing,
    /// `okm.json` is not what it should be.
    #[error("the package's `okm.json` is refused")]
    Head(#[source] HeadFlaw),
    /// An entry has a name that no file may have.
    #[error("the package holds an entry with a name that is refused")]
    Path(#[source] PathFlaw),
    /// An entry is a link, a folder, a device or another thing that is no file.
    #[error("`{entry}` is {kind}, and only plain files may be in a package")]
    Kind {
        /// Its name, as far as it can be shown.
        entry: String,
        /// What it is.
        kind: &'static str,
    },
    /// An entry's header is not in the one form.
    #[error("the header of `{entry}` differs from the one form that a package may have")]
    Form {
        /// Its name, as far as it can be shown.
        entry: String,
    },
    /// Another entry is due here: this one is extra, twice there, or out of order.
    #[error("`{entry}` is in the package where `{due}` is due")]
    Unexpected {
        /// Its name.
        entry: String,
        /// The one that should be there.
        due: String,
    },
    /// A file's bytes are not those that `okm.json` names.
    #[error("`{path}` has other bytes than `okm.json` says: its {what} differs")]
    Content {
        /// The file.
        path: PackedPath,
        /// Which check failed.
        what: &'static str,
    },
    /// More of something than a package may have.
    #[error("the package has more than {limit} {unit}")]
    Limit {
        /// The limit.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// It unpacks to more than it may.
    #[error("the package unpacks to more than {RATIO_MAX} times its size")]
    Ratio,
}

impl Explain for PackageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "update::package::read",
            Self::Write(_) => "update::package::write",
            Self::Source { .. } => "update::package::source",
            Self::Short { .. } => "update::package::short",
            Self::Trailing => "update::package::trailing",
            Self::Head(_) => "update::package::head",
            Self::Path(_) => "update::package::path",
            Self::Kind { .. } => "update::package::kind",
            Self::Form { .. } => "update::package::form",
            Self::Unexpected { .. } => "update::package::unexpected",
            Self::Content { .. } => "update::package::content",
            Self::Limit { .. } => "update::package::limit",
            Self::Ratio => "update::package::ratio",
        }
    }
}

/// The one header that an entry may have.
///
/// # Errors
/// `PathFlaw::TooLong` when the name does not fit into a ustar header.
fn header(name: &str, bytes: u64, rights: Rights) -> Result<tar::Header, PathFlaw> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(|_| PathFlaw::TooLong)?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(match rights {
        Rights::Plain => 0o644,
        Rights::Executable => 0o755,
    });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}

/// How many zero bytes fill an entry up.
fn padding(bytes: u64) -> usize {
    // Less than a block.
    (bytes.wrapping_neg() % BLOCK as u64) as usize
}

#[cfg(test)]
mod tests;
