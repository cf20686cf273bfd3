//! Laying a release out: its files in a folder of their own, for as long as a module runs from them.
//!
//! The copy is made from chunks that are checked as they are read, into a folder that nobody else can write to, and is
//! thrown away when it is no longer needed. So it is not synced: after a crash it is removed and made anew.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use abi::Explain;
use update::{FileRef, Release, ReleaseFile, Rights};

use crate::depot::{Depot, DepotError};

/// Folders belong to the owner alone.
const FOLDER_MODE: u32 = 0o700;

/// Files are read, and nobody changes them, not even their owner by mistake.
const FILE_MODE: u32 = 0o400;

/// Programs are run as well.
const PROGRAM_MODE: u32 = 0o500;

/// 256 KiB gathered before they are written: eight chunks or more.
const BUFFER_BYTES: usize = 256 << 10;

/// A release could not be laid out; what was laid out of it is gone again.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The disk refused.
    #[error("can't {doing} `{}`", path.display())]
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of the release is not there as it was stored.
    #[error("can't read what belongs into `{}`", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DepotError,
    },
    /// The release itself can't be read.
    #[error("can't read the release")]
    Release(#[source] DepotError),
}

impl Explain for LayoutError {
    fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "store::layout::disk",
            Self::Content { source, .. } | Self::Release(source) => source.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Disk { path, source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room: df -h {}", path.parent()?.display()))
            }
            Self::Disk { .. } => None,
            Self::Content { source, .. } | Self::Release(source) => source.help(),
        }
    }
}

impl Depot {
    /// Lays a release out in `folder`, which is made and must not be there yet. The folder above it should be one that
    /// only the owner can write to.
    ///
    /// # Errors
    /// `LayoutError`; the folder is gone then, if it was made here.
    pub fn lay_out(&mut self, release: &FileRef, folder: &Path) -> Result<Release, LayoutError> {
        let release = self.release(release).map_err(LayoutError::Release)?;
        make_folder(folder)?;
        let laid = release.files.iter().try_for_each(|file| self.lay_file(file, folder));
        if let Err(error) = laid {
            // The first error is the one that matters; who makes room for the next try removes the rest.
            let _ = fs::remove_dir_all(folder);
            return Err(error);
        }
        Ok(release)
    }

    fn lay_file(&mut self, file: &ReleaseFile, folder: &Path) -> Result<(), LayoutError> {
        // A packed path has no way up and no root, so it stays below the folder.
        let path = folder.join(file.path.as_str());
        let mut parent = folder.to_owned();
        for part in Path::new(file.path.as_str()).parent().into_iter().flat_map(Path::iter) {
            parent.push(part);
            if !parent.is_dir() {
                make_folder(&parent)?;
            }
        }
        let opened = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE | 0o200).open(&path);
        let opened = opened.map_err(failed("create", &path))?;
        let mut sink = BufWriter::with_capacity(BUFFER_BYTES, opened);
        match self.read(&file.content, &mut sink) {
            Ok(()) => {}
            Err(DepotError::Sink(source)) => return Err(failed("write", &path)(source)),
            Err(source) => return Err(LayoutError::Content { path, source }),
        }
        sink.flush().map_err(failed("write", &path))?;
        let mode = match file.rights {
            Rights::Plain => FILE_MODE,
            Rights::Executable => PROGRAM_MODE,
        };
        sink.get_ref().set_permissions(Permissions::from_mode(mode)).map_err(failed("seal", &path))
    }
}

fn make_folder(folder: &Path) -> Result<(), LayoutError> {
    DirBuilder::new().mode(FOLDER_MODE).create(folder).map_err(failed("make the folder", folder))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError + use<> {
    let path = path.to_owned();
    move |source| LayoutError::Disk { doing, path, source }
}

#[cfg(test)]
mod tests;
