//! Staging: a package's files into the depot, as a release. It is not said here who vouches for the package: whoever
//! stages has compared that before, with what the reader gives when it is opened.

use std::io::Read;

use abi::Explain;
use update::{Occupant, PackageError, PackageReader, Release, ReleaseFile};

use crate::depot::{Depot, DepotError, Stocked};

/// A package could not be staged; nothing of it counts as stored.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The package is refused.
    #[error("the package is refused")]
    Package(#[source] PackageError),
    /// The depot could not store it.
    #[error("the package can't be stored")]
    Depot(#[source] DepotError),
    /// A file was stored with other bytes than its package says.
    #[error("`{path}` was stored with other bytes than its package says")]
    Content {
        /// The file's name in the package.
        path: String,
    },
}

impl Explain for StageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Package(error) => error.code(),
            Self::Depot(error) => error.code(),
            Self::Content { .. } => "store::stage::content",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Package(error) => error.help(),
            Self::Depot(error) => error.help(),
            Self::Content { .. } => None,
        }
    }
}

/// Reads a package to its end and stores its files. What it gives can be put into a slot: everything is durable by then,
/// and each file has the hashes that the package names.
///
/// # Errors
/// `StageError`; chunks that were stored by then are what the next cleaning removes.
pub fn stage_package<R: Read>(
    mut package: PackageReader<R>,
    depot: &mut Depot,
) -> Result<(Occupant, Stocked), StageError> {
    let mut intake = depot.intake();
    let mut files = Vec::new();
    while let Some((said, mut source)) = package.next_file().map_err(StageError::Package)? {
        let taken = match intake.take(&mut source) {
            Ok(taken) => taken,
            // What was wrong with the package stands behind the reading that failed; the package says it itself.
            Err(DepotError::Source(error)) => {
                return Err(package
                    .finish()
                    .err()
                    .map_or_else(|| StageError::Depot(DepotError::Source(error)), StageError::Package));
            }
            Err(error) => return Err(StageError::Depot(error)),
        };
        // The reader compares too, what came out of it; this is what went into the depot.
        if taken.digests != said.digests {
            return Err(match package.finish() {
                Err(error) => StageError::Package(error),
                Ok(_) => StageError::Content { path: said.path.to_string() },
            });
        }
        files.push(ReleaseFile { path: said.path, rights: said.rights, content: taken.file });
    }
    let head = package.finish().map_err(StageError::Package)?;
    let release = Release { version: head.version().clone(), files };
    let text = release.to_json();
    let taken = intake.take(&mut text.as_slice()).map_err(StageError::Depot)?;
    let stocked = intake.finish().map_err(StageError::Depot)?;
    Ok((Occupant { version: release.version, release: taken.file }, stocked))
}
