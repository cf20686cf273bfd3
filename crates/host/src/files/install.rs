//! Putting a module's folder into the home, replacing and removing it. The home never holds half a module: a copy is
//! made under a hidden name and put in place by one rename.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use abi::{Explain, ModuleId};
use protocol::files::policy::Policy;

use super::blueprint::Origin;
use super::folder::{self, ModuleFolder, Unusable};
use super::versions;

#[cfg(test)]
mod tests;

/// 50,000 files are copied; a larger folder is linked instead.
const FILES_MAX: usize = 50_000;

/// 1 GiB is copied at the most, so that a mistyped folder does not fill the disk.
const BYTES_MAX: u64 = 1 << 30;

/// How a folder comes into the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Copy,
    Link,
}

/// Why a folder can't be installed, replaced or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallError {
    #[error("Module directory not found: {0}")]
    NoFolder(String),
    #[error("`{}` holds no module.json", .0.display())]
    NoModule(PathBuf),
    #[error("{why}")]
    Unusable { why: String },
    #[error("module `{0}` is installed already")]
    Present(ModuleId),
    #[error("the folder is module `{found}`, not `{wanted}`")]
    OtherModule { wanted: ModuleId, found: ModuleId },
    #[error("the folder is larger than {FILES_MAX} files or {} MiB", BYTES_MAX >> 20)]
    TooLarge,
    #[error("`{}` can't be put in place", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Explain for InstallError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder(_) => "host::install::no_folder",
            Self::NoModule(_) => "host::install::no_module",
            Self::Unusable { .. } => "host::install::unusable",
            Self::Present(_) => "host::install::present",
            Self::OtherModule { .. } => "host::install::other_module",
            Self::TooLarge => "host::install::too_large",
            Self::Io { .. } => "host::install::io",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Present(id) => Some(format!("ostoja module update {id} DIR")),
            Self::OtherModule { .. } => Some("ostoja module install DIR".to_owned()),
            Self::TooLarge => Some("ostoja module install --symlink DIR".to_owned()),
            Self::NoFolder(_) | Self::NoModule(_) | Self::Unusable { .. } | Self::Io { .. } => None,
        }
    }
}

/// Looks at a folder that is to be installed.
pub(crate) fn inspect(dir: &Path) -> Result<ModuleFolder, InstallError> {
    if !dir.is_dir() {
        return Err(InstallError::NoFolder(dir.display().to_string()));
    }
    folder::read(dir, Origin::Home, &Policy::default()).map_err(|unusable| match unusable {
        Unusable::NoModule => InstallError::NoModule(dir.to_owned()),
        Unusable::Refused(_, why) => InstallError::Unusable { why },
    })
}

/// Looks at a folder that is to be installed where no module of its name may be yet.
pub(crate) fn inspect_new(dir: &Path, modules: &Path) -> Result<ModuleFolder, InstallError> {
    let module = inspect(dir)?;
    let id = &module.manifest.id;
    if fs::symlink_metadata(modules.join(id.as_str())).is_ok() {
        return Err(InstallError::Present(id.clone()));
    }
    Ok(module)
}

/// Puts a folder into `modules` under its module's name.
pub(crate) fn install(dir: &Path, modules: &Path, way: Way) -> Result<ModuleFolder, InstallError> {
    let id = inspect_new(dir, modules)?.manifest.id;
    let place = modules.join(id.as_str());
    bring(dir, &place, modules, &id, way)?;
    inspect(&place)
}

/// Puts another folder in the place of an installed one; a linked one is linked anew.
pub(crate) fn update(id: &ModuleId, dir: &Path, modules: &Path) -> Result<ModuleFolder, InstallError> {
    let found = inspect(dir)?.manifest.id;
    if found != *id {
        return Err(InstallError::OtherModule { wanted: id.clone(), found });
    }
    let place = modules.join(id.as_str());
    let linked = fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_symlink())
        && !versions::is_version_link(&place);
    let old = modules.join(format!(".old-{id}"));
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::Io { path, source }
    };
    clear(&old).map_err(at(&old))?;
    let incoming = modules.join(format!(".incoming-{id}"));
    make_incoming(dir, &incoming, if linked { Way::Link } else { Way::Copy })?;
    fs::rename(&place, &old).map_err(at(&place))?;
    if let Err(source) = fs::rename(&incoming, &place) {
        // The old one goes back; if that fails too, it is still there under its hidden name.
        let _ = fs::rename(&old, &place);
        return Err(InstallError::Io { path: place, source });
    }
    clear(&old).map_err(at(&old))?;
    inspect(&place)
}

/// Puts right what a kernel that was killed in the middle left: an old folder without its successor goes back, all
/// other hidden ones go away. Call it only under the home's lock.
pub(crate) fn recover(modules: &Path) {
    for entry in fs::read_dir(modules).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let place = name.strip_prefix(".old-").map(|id| modules.join(id));
        let is_half = place.is_some() || name.starts_with(".incoming-");
        let goes_back = place.filter(|place| fs::symlink_metadata(place).is_err());
        // What can't be put right now is tried again at the next start.
        let _later = match goes_back {
            Some(place) => fs::rename(entry.path(), place),
            None if is_half => clear(&entry.path()),
            None => Ok(()),
        };
    }
}

/// Removes a module's folder; of a linked one only the link.
pub(crate) fn remove(id: &ModuleId, modules: &Path) -> Result<(), InstallError> {
    let place = modules.join(id.as_str());
    let old = modules.join(format!(".old-{id}"));
    let gone = clear(&old).and_then(|()| fs::rename(&place, &old)).and_then(|()| clear(&old));
    match gone {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        gone => gone.map_err(|source| InstallError::Io { path: place, source }),
    }
}

fn bring(dir: &Path, place: &Path, modules: &Path, id: &ModuleId, way: Way) -> Result<(), InstallError> {
    let incoming = modules.join(format!(".incoming-{id}"));
    make_incoming(dir, &incoming, way)?;
    fs::rename(&incoming, place).map_err(|source| InstallError::Io { path: place.to_owned(), source })
}

fn make_incoming(dir: &Path, incoming: &Path, way: Way) -> Result<(), InstallError> {
    let at = |source| InstallError::Io { path: incoming.to_owned(), source };
    clear(incoming).map_err(at)?;
    let dir = dir.canonicalize().map_err(at)?;
    match way {
        Way::Link => symlink(&dir, incoming).map_err(at),
        Way::Copy => {
            let mut room = Room { files: FILES_MAX, bytes: BYTES_MAX };
            let copied = copy(&dir, incoming, &mut room);
            if copied.is_err() {
                // What could not be copied whole is no module; the first error is the one that matters.
                let _ = clear(incoming);
            }
            copied
        }
    }
}

/// How much more may be copied.
struct Room {
    files: usize,
    bytes: u64,
}

/// Links are copied as links. Sockets, pipes and devices are left out: no program is made of them.
fn copy(from: &Path, to: &Path, room: &mut Room) -> Result<(), InstallError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::Io { path, source }
    };
    fs::create_dir(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let entry = entry.map_err(at(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(at(&source))?;
        if kind.is_dir() {
            copy(&source, &target, room)?;
        } else if kind.is_symlink() {
            let leads_to = fs::read_link(&source).map_err(at(&source))?;
            symlink(leads_to, &target).map_err(at(&target))?;
        } else if kind.is_file() {
            let bytes = entry.metadata().map_err(at(&source))?.len();
            room.files = room.files.checked_sub(1).ok_or(InstallError::TooLarge)?;
            room.bytes = room.bytes.checked_sub(bytes).ok_or(InstallError::TooLarge)?;
            fs::copy(&source, &target).map_err(at(&source))?;
        }
    }
    Ok(())
}

fn clear(path: &Path) -> io::Result<()> {
    let cleared = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match cleared {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    }
}
