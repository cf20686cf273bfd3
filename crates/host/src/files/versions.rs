//! Folders of versions: each release of the depot that a module runs from, laid out once below `versions`, and the link
//! in `modules` that says which one it is. The slots decide; links follow them.
//!
//! A link is replaced by one rename, so that at every instant the module is the old version or the new one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use abi::ModuleId;
use store::{Depot, DepotError, LayoutError};
use update::{Digester, FileRef, Rights};

use super::seal::{Covers, HashCache, Hashes, Seal, expected};
use crate::home::Home;

#[cfg(test)]
mod tests;

/// Where the links of `modules` lead to, from there.
const VERSIONS: &str = "../versions";

/// What begins the name of a folder that is being laid out.
const ASIDE: &str = ".new-";

/// 24 digits of a release's hash name its folder: two releases of one module never share them by chance.
const NAME_DIGITS: usize = 24;

/// The folder of a version that a module's place leads to, from the home's root; none when it is a folder, or a link to
/// somebody's workplace.
pub(crate) fn version_behind(place: &Path) -> Option<PathBuf> {
    let leads_to = fs::read_link(place).ok()?;
    let name = leads_to.strip_prefix(VERSIONS).ok()?;
    name.components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then(|| Path::new("versions").join(name))
}

/// Whether a module's place is a link to one of these folders, and not to somebody's workplace.
pub(crate) fn is_version_link(place: &Path) -> bool {
    fs::read_link(place).is_ok_and(|leads_to| leads_to.starts_with(VERSIONS))
}

/// The name of a release's folder.
fn name_of(release: &FileRef) -> String {
    release.root.to_string().chars().take(NAME_DIGITS).collect()
}

/// The folder of a release.
pub(crate) fn folder_of(home: &Home, module: &ModuleId, release: &FileRef) -> PathBuf {
    home.versions().join(module.as_str()).join(name_of(release))
}

/// Lays a release out, unless it is there as it should be. The folder is whole and durable as soon as it has its name: what
/// leads to it may be durable at any time after.
///
/// # Errors
/// `LayoutError`; the folder is not there then.
pub(crate) fn lay_out(
    depot: &mut Depot,
    home: &Home,
    module: &ModuleId,
    release: &FileRef,
) -> Result<PathBuf, LayoutError> {
    let folder = folder_of(home, module, release);
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| LayoutError::Disk { doing, path, source }
    };
    if folder.is_dir() {
        let hashes = hashes_of(depot, release, &folder, &[]).map_err(LayoutError::Release)?;
        let seal = Seal { folder: folder.clone(), covers: Covers::Tree };
        if HashCache::default().look(&seal, &[]).is_ok_and(|found| found == hashes) {
            return Ok(folder);
        }
        fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?;
    }
    let above = home.versions().join(module.as_str());
    make_private(&above).map_err(failed("make the folder", &above))?;
    let aside = above.join(format!("{ASIDE}{}", name_of(release)));
    if aside.is_dir() {
        fs::remove_dir_all(&aside).map_err(failed("remove", &aside))?;
    }
    depot.lay_out(release, &aside)?;
    // One call for all files and folders that were written, before the name and after it.
    sync_all(&aside).map_err(failed("make durable", &aside))?;
    fs::rename(&aside, &folder).map_err(failed("put in place", &folder))?;
    sync_all(&above).map_err(failed("make durable", &above))?;
    Ok(folder)
}

/// The hashes that an approval of this release is bound to, from what the depot holds.
///
/// # Errors
/// As [`Depot::read`].
pub(crate) fn hashes_of(
    depot: &mut Depot,
    release: &FileRef,
    folder: &Path,
    writable: &[PathBuf],
) -> Result<Hashes, DepotError> {
    let mut files = BTreeMap::new();
    for file in depot.release(release)?.files {
        let mut feed = Feed(Digester::default());
        depot.read(&file.content, &mut feed)?;
        let path = folder.join(file.path.as_str());
        files.insert(path, (file.rights == Rights::Executable, feed.0.finish().sha256));
    }
    Ok(expected(folder, &files, writable))
}

/// A digester as something that is written to.
struct Feed(Digester);

impl io::Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a module's place leads to this release.
pub(crate) fn leads_to(home: &Home, module: &ModuleId, release: &FileRef) -> bool {
    let place = home.modules().join(module.as_str());
    fs::read_link(place).is_ok_and(|found| found == target(module, release))
}

fn target(module: &ModuleId, release: &FileRef) -> PathBuf {
    Path::new(VERSIONS).join(module.as_str()).join(name_of(release))
}

/// Makes a module's place lead to a release, in the place of what is there.
///
/// # Errors
/// The system's; the place leads to what it did before, or is put back by the next start.
pub(crate) fn point(home: &Home, module: &ModuleId, release: &FileRef) -> io::Result<()> {
    let modules = home.modules();
    let (place, incoming) = (modules.join(module.as_str()), modules.join(format!(".incoming-{module}")));
    clear(&incoming)?;
    symlink(target(module, release), &incoming)?;
    if fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_dir()) {
        // A folder can't be replaced by a link in one step; between the two, the next start puts the folder back.
        let old = modules.join(format!(".old-{module}"));
        clear(&old)?;
        fs::rename(&place, &old)?;
        fs::rename(&incoming, &place)?;
        // The folder goes only when what replaces it is durable.
        fs::File::open(&modules)?.sync_all()?;
        clear(&old)?;
    } else {
        fs::rename(&incoming, &place)?;
    }
    fs::File::open(&modules)?.sync_all()
}

/// Takes a module's link away; a folder that a person put there stays.
///
/// # Errors
/// The system's.
pub(crate) fn unpoint(home: &Home, module: &ModuleId) -> io::Result<()> {
    let place = home.modules().join(module.as_str());
    if !is_version_link(&place) {
        return Ok(());
    }
    fs::remove_file(place)?;
    fs::File::open(home.modules())?.sync_all()
}

/// The modules whose places are links to versions.
pub(crate) fn linked(home: &Home) -> Vec<ModuleId> {
    let entries = fs::read_dir(home.modules()).into_iter().flatten().flatten();
    let links = entries.filter(|entry| is_version_link(&entry.path()));
    links.filter_map(|entry| ModuleId::parse(&entry.file_name().to_string_lossy()).ok()).collect()
}

/// Removes the folders of versions that are not among these; says how many.
///
/// # Errors
/// The system's; what could be removed by then is gone.
pub(crate) fn clean(home: &Home, kept: &[FileRef]) -> io::Result<u64> {
    let mut removed = 0;
    let keep: Vec<String> = kept.iter().map(name_of).collect();
    let entries = match fs::read_dir(home.versions()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    for module in entries.flatten() {
        for folder in fs::read_dir(module.path())?.flatten() {
            if keep.iter().all(|name| folder.file_name() != name.as_str()) {
                fs::remove_dir_all(folder.path())?;
                removed += 1;
            }
        }
        // It stays while a version is in it.
        let _kept = fs::remove_dir(module.path());
    }
    Ok(removed)
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

/// Makes everything on the file system of a folder durable.
fn sync_all(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(folder)?)?)
}

fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
