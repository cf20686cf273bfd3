//! The home's files as they were when a kernel was last at rest with them, and putting them back.
//!
//! Kept are `config.yaml`, `config.d/*.yaml` and `permissions.yaml`, in `state/good`, whenever a start has settled and when a
//! kernel stops in order, provided that all of them can be read. What is put back replaces what is there now, which goes to
//! `state/before-restore`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::files::FILE_BYTES_MAX;

use crate::home::Home;

#[cfg(test)]
mod tests;

/// For the owner alone, as the files themselves.
const MODE: u32 = 0o600;

/// 256 files in `config.d`, as a kernel reads at the most.
const LAYERS_MAX: usize = 256;

/// How a file differs from what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// Its text is another.
    Changed,
    /// It is not there any more.
    Gone,
    /// It was not there then.
    New,
}

impl Difference {
    /// What putting it back means, as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "put back",
            Self::Gone => "brought back",
            Self::New => "moved away",
        }
    }
}

/// Why nothing was put back, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No kernel has ever been at rest on this home.
    #[error("nothing is kept: no kernel has been at rest on this home yet")]
    NothingKept,
    /// What was there could not be set aside; nothing is changed for this file.
    #[error("`{}` could not be set aside", path.display())]
    SetAside {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is kept could not be read or written.
    #[error("`{}` could not be put back", path.display())]
    PutBack {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl abi::Explain for RestoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::NothingKept => "host::restore::nothing_kept",
            Self::SetAside { .. } => "host::restore::set_aside",
            Self::PutBack { .. } => "host::restore::put_back",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NothingKept => Some("ostoja config check".to_owned()),
            Self::SetAside { .. } | Self::PutBack { .. } => None,
        }
    }
}

/// Where what is replaced goes.
pub fn aside(home: &Home) -> PathBuf {
    home.state().join("before-restore")
}

fn kept(home: &Home) -> PathBuf {
    home.state().join("good")
}

/// The files that are kept, by their path in the home.
fn names(root: &Path) -> Vec<PathBuf> {
    let plain = ["config.yaml", "permissions.yaml"].map(PathBuf::from);
    let layers = fs::read_dir(root.join("config.d")).into_iter().flatten().flatten();
    let is_layer = |name: &PathBuf| name.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let layers = layers.map(|entry| Path::new("config.d").join(entry.file_name())).filter(is_layer);
    let mut names: Vec<PathBuf> = layers.take(LAYERS_MAX).collect();
    names.extend(plain.into_iter().filter(|name| root.join(name).is_file()));
    names.sort();
    names
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Keeps the files as they are now. The caller has seen that they can be read and understood.
///
/// # Errors
/// The first step that failed; what was kept before may be kept in part then, each file whole.
pub(crate) fn keep(home: &Home) -> io::Result<()> {
    let folder = kept(home);
    fs::create_dir_all(folder.join("config.d"))?;
    let now = names(home.root());
    for name in names(&folder).iter().filter(|name| !now.contains(name)) {
        fs::remove_file(folder.join(name))?;
    }
    for name in now {
        let bytes = read(&home.root().join(&name))?;
        if read(&folder.join(&name)).is_ok_and(|old| old == bytes) {
            continue;
        }
        store::write_whole(&folder.join(&name), &bytes, MODE).map_err(io::Error::other)?;
    }
    // A home without any of the files is kept too.
    fs::write(folder.join("kept"), "")
}

/// What putting back would do, by path in the home.
///
/// # Errors
/// [`RestoreError::NothingKept`].
pub fn differences(home: &Home) -> Result<Vec<(PathBuf, Difference)>, RestoreError> {
    let folder = kept(home);
    if !folder.join("kept").is_file() {
        return Err(RestoreError::NothingKept);
    }
    let (good, now) = (names(&folder), names(home.root()));
    let mut all: Vec<&PathBuf> = good.iter().chain(&now).collect();
    all.sort();
    all.dedup();
    let difference = |name: &PathBuf| match (good.contains(name), now.contains(name)) {
        (true, false) => Some(Difference::Gone),
        (false, _) => Some(Difference::New),
        (true, true) => {
            let texts = read(&folder.join(name)).ok().zip(read(&home.root().join(name)).ok());
            texts.is_none_or(|(good, now)| good != now).then_some(Difference::Changed)
        }
    };
    Ok(all.into_iter().filter_map(|name| difference(name).map(|found| (name.clone(), found))).collect())
}

/// Puts these files back. What is there now is set aside first.
///
/// # Errors
/// The first file that could not be set aside or written; those before it are done, and the same call does the rest.
pub fn restore(home: &Home, wanted: &[(PathBuf, Difference)]) -> Result<(), RestoreError> {
    let (folder, aside) = (kept(home), aside(home));
    for (name, difference) in wanted {
        let target = home.root().join(name);
        let set_aside = |source| RestoreError::SetAside { path: target.clone(), source };
        if *difference != Difference::Gone {
            let place = aside.join(name);
            let bytes = read(&target).map_err(set_aside)?;
            place.parent().map_or(Ok(()), fs::create_dir_all).map_err(set_aside)?;
            store::write_whole(&place, &bytes, MODE).map_err(|error| set_aside(io::Error::other(error)))?;
        }
        if *difference == Difference::New {
            fs::remove_file(&target).map_err(set_aside)?;
            continue;
        }
        let put_back = |source| RestoreError::PutBack { path: target.clone(), source };
        let bytes = read(&folder.join(name)).map_err(put_back)?;
        target.parent().map_or(Ok(()), fs::create_dir_all).map_err(put_back)?;
        store::write_whole(&target, &bytes, MODE).map_err(|error| put_back(io::Error::other(error)))?;
    }
    Ok(())
}
