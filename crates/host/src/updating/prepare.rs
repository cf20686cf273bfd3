//! Staging and verifying: from the file of a package to a transaction that can be tried. It works on the disk only, on a
//! thread that may wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use abi::{ModuleId, Name, Permissions, Wall};
use protocol::files::manifest::Manifest;
use semver::Version;
use store::stage_package;
use update::{
    FILES_MAX, FileRef, Head, Occupant, PackageReader, PackedPath, Release, ReleaseFile, Rights, Step,
    Strategy, TransactionId,
};

use super::UpdateError;
use crate::files::versions;
use crate::home::Home;
use crate::launch::sentence;
use crate::stock::Stock;
use crate::updates::{Declared, LookError, Looked, Makers, Vouch, foresee, refusal_of};

/// The module's own description, and what it says about its updates.
const MANIFEST: &str = "module.json";
const DECLARED: &str = "update.json";

/// Who calls which service, as far as the kernel knows.
pub(super) type Seen = BTreeMap<Name, BTreeSet<ModuleId>>;

/// A transaction of one module that is verified, and what it takes to try it.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) id: TransactionId,
    pub(crate) module: ModuleId,
    pub(crate) from: Option<Version>,
    pub(crate) to: Occupant,
    /// What it asks for.
    pub(crate) permissions: Permissions,
    pub(crate) strategy: Strategy,
}

/// Reads a package, once and from one descriptor: who vouches for it, what is in it, all of it into the depot. Whatever
/// is refused leaves the module as it is.
pub(super) fn stage(
    stock: &mut Stock,
    home: &Home,
    file: &Path,
    wanted: Option<Strategy>,
    seen: &Seen,
    now: Wall,
) -> Result<Ready, UpdateError> {
    let opened = |source| LookError::Open { path: file.to_owned(), source };
    let source = File::open(file).map_err(opened)?;
    let packed_bytes = source.metadata().map_err(opened)?.len();
    let refused = |source| LookError::Package { path: file.to_owned(), source };
    let reader = PackageReader::open(source).map_err(refused)?;
    let mut makers = Makers::load(home)?;
    let vouch = makers
        .vouch(now, &reader)
        .map_err(|source| LookError::Vouch { path: file.to_owned(), source: Box::new(source) })?;
    // What was seen of a maker is kept before anything follows from it.
    makers.keep(&vouch)?;
    let head = reader.head().clone();
    adopt(stock, home, head.module(), now)?;
    let (to, _) = stage_package(reader, &mut stock.depot)?;
    let id = stock.slots.slots().next_id();
    let module = head.module().clone();
    stock.slots.step(Step::Stage(BTreeMap::from([(module.clone(), to.clone())])), now)?;
    let package = Package { head, vouch, packed_bytes };
    match verify(stock, home, package, &to, wanted, seen) {
        Ok((permissions, strategy, evidence)) => {
            stock.slots.step(Step::Verify(id, evidence), now)?;
            let from = stock.slots.slots().module(&module).map(|slots| slots.active.version.clone());
            Ok(Ready { id, module, from, to, permissions, strategy })
        }
        Err(error) => {
            stock.slots.step(Step::RollBack(id, sentence(&error)), now)?;
            Err(error)
        }
    }
}

/// What was read of a package while it was staged.
struct Package {
    head: Head,
    vouch: Vouch,
    packed_bytes: u64,
}

/// Reads back what was staged, makes the plan, and lays the version out.
fn verify(
    stock: &mut Stock,
    home: &Home,
    package: Package,
    to: &Occupant,
    wanted: Option<Strategy>,
    seen: &Seen,
) -> Result<(Permissions, Strategy, String), UpdateError> {
    let Package { head, vouch, packed_bytes } = package;
    let release = stock.depot.release(&to.release)?;
    let manifest = text_of(stock, &release, MANIFEST)?.unwrap_or_default();
    let manifest = crate::updates::check_manifest(&head, &manifest)?;
    let declared = text_of(stock, &release, DECLARED)?;
    let declared = declared.map(|text| Declared::parse(&text)).transpose().map_err(LookError::Declared)?;
    let evidence = format!("maker {} vouches for it ({})", vouch.maker, vouch.keys);
    let declared = declared.unwrap_or_default();
    let looked = Looked { head, vouch, manifest, declared, packed_bytes };
    let modules = home.modules();
    let foreseen = foresee(&modules, &looked, wanted, seen).map_err(|source| UpdateError::Disk {
        doing: "read",
        path: modules,
        source,
    })?;
    if let Some(first) = foreseen.plan.obstacles.first() {
        let all: Vec<String> = foreseen.plan.obstacles.iter().map(|one| refusal_of(one).1).collect();
        return Err(UpdateError::Obstacle { code: refusal_of(first).0, why: all.join("; ") });
    }
    let module = looked.head.module();
    versions::lay_out(&mut stock.depot, home, module, &to.release)?;
    let files = release.files.len();
    let evidence = format!("{evidence}; {files} files stored, read back and laid out");
    Ok((looked.manifest.permissions, foreseen.strategy, evidence))
}

/// The bytes of one file of a release; nothing when it has none of this name.
fn text_of(stock: &mut Stock, release: &Release, name: &str) -> Result<Option<Vec<u8>>, UpdateError> {
    let Some(file) = release.files.iter().find(|file| file.path.as_str() == name) else { return Ok(None) };
    let mut text = Vec::new();
    stock.depot.read(&file.content, &mut text)?;
    Ok(Some(text))
}

/// What a transaction that is verified needs to be tried: told from the slots and the depot alone.
pub(super) fn ready_of(stock: &mut Stock, id: TransactionId) -> Result<Ready, UpdateError> {
    let slots = stock.slots.slots();
    let missing = || store::SlotsFileError::Step(update::SlotsError::NoTransaction(id));
    let open = slots.open().get(&id).ok_or_else(missing)?;
    let (module, change) = open.changes.first_key_value().ok_or_else(missing)?;
    let (module, to) = (module.clone(), change.to.clone());
    let from = change.before.as_ref().map(|before| before.active.version.clone());
    let permissions = permissions_of(stock, &to.release)?;
    Ok(Ready { id, module, from, to, permissions, strategy: Strategy::Restart })
}

/// What a release that is kept asks for.
pub(super) fn permissions_of(stock: &mut Stock, release: &FileRef) -> Result<Permissions, UpdateError> {
    let release = stock.depot.release(release)?;
    let text = text_of(stock, &release, MANIFEST)?.unwrap_or_default();
    let refused = |why: String| LookError::Manifest { why };
    let text = String::from_utf8(text).map_err(|_| refused("it is no text".to_owned()))?;
    let manifest = Manifest::parse(MANIFEST, &text).map_err(|errors| refused(errors.to_string()))?;
    Ok(manifest.permissions)
}

/// A transaction back to the version before: what is kept of it is laid out, and verified already.
pub(super) fn stage_fallback(
    stock: &mut Stock,
    home: &Home,
    module: &ModuleId,
    now: Wall,
) -> Result<Ready, UpdateError> {
    let slots = stock.slots.slots();
    let known = slots.module(module).ok_or_else(|| UpdateError::NoVersions(module.clone()))?;
    let to = known.fallback.clone().ok_or_else(|| UpdateError::NoFallback(module.clone()))?;
    let id = slots.next_id();
    stock.slots.step(Step::Stage(BTreeMap::from([(module.clone(), to.clone())])), now)?;
    let laid = versions::lay_out(&mut stock.depot, home, module, &to.release);
    if let Err(error) = laid {
        stock.slots.step(Step::RollBack(id, sentence(&error)), now)?;
        return Err(error.into());
    }
    let evidence = "an operator asked to go back; the version was kept since it ran".to_owned();
    stock.slots.step(Step::Verify(id, evidence), now)?;
    ready_of(stock, id)
}

/// Takes a module that was installed as a folder into the slots, as it is, so that there is a way back to it.
fn adopt(stock: &mut Stock, home: &Home, module: &ModuleId, now: Wall) -> Result<(), UpdateError> {
    let place = home.modules().join(module.as_str());
    let is_there = fs::symlink_metadata(&place).is_ok();
    let is_version = versions::is_version_link(&place);
    if is_there && !is_version && place.is_symlink() {
        return Err(UpdateError::Linked(module.clone()));
    }
    if is_version {
        return Ok(());
    }
    if stock.slots.slots().module(module).is_some() {
        // A person removed it, or put another folder there, past the slots.
        stock.slots.step(Step::Forget(module.clone()), now)?;
    }
    if !is_there {
        return Ok(());
    }
    let occupant = store_folder(stock, &place)?;
    versions::lay_out(&mut stock.depot, home, module, &occupant.release)?;
    stock.slots.step(Step::Adopt(module.clone(), occupant), now)?;
    Ok(())
}

/// Stores a folder as a release.
fn store_folder(stock: &mut Stock, folder: &Path) -> Result<Occupant, UpdateError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| UpdateError::Disk { doing, path, source }
    };
    let found = files_of(folder)?;
    let mut intake = stock.depot.intake();
    let mut files = Vec::new();
    for (packed, path) in found {
        let mut source = File::open(&path).map_err(failed("read", &path))?;
        let mode = source.metadata().map_err(failed("read", &path))?.permissions().mode();
        let rights = if mode & 0o111 == 0 { Rights::Plain } else { Rights::Executable };
        let content = intake.take(&mut source)?.file;
        files.push(ReleaseFile { path: packed, rights, content });
    }
    let text = fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default();
    let said = Manifest::parse(MANIFEST, &text).ok().and_then(|manifest| manifest.version);
    // A version that is none is older than every other one.
    let version = said.and_then(|said| Version::parse(&said).ok()).unwrap_or(Version::new(0, 0, 0));
    let release = Release { version, files };
    let taken = intake.take(&mut release.to_json().as_slice())?;
    intake.finish()?;
    Ok(Occupant { version: release.version, release: taken.file })
}

/// The plain files of a folder by the names that a package would give them.
fn files_of(folder: &Path) -> Result<BTreeMap<PackedPath, PathBuf>, UpdateError> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let failed = |source| UpdateError::Disk { doing: "read", path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
            let kind = entry.file_type().map_err(failed)?;
            // Sockets and pipes are left out: no program is made of them.
            match (PackedPath::parse(&name), kind) {
                (Err(_), _) => return Err(UpdateError::Unkept(path)),
                (Ok(_), kind) if kind.is_dir() => waiting.push((path, format!("{name}/"))),
                (Ok(_), kind) if kind.is_symlink() => return Err(UpdateError::Unkept(path)),
                (Ok(packed), kind) if kind.is_file() => drop(found.insert(packed, path)),
                (Ok(_), _) => {}
            }
            if found.len() > FILES_MAX {
                return Err(UpdateError::Unkept(folder));
            }
        }
    }
    Ok(found)
}
