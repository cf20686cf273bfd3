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
use super::flip::{Ground, hashes_of};
use crate::files::seal::Hashes;
use crate::files::versions;
use crate::home::Home;
use crate::launch::sentence;
use crate::stock::Stock;
use crate::updates::{Declared, LookError, Looked, Makers, Vouch, foresee_all, refusal_of};

/// The module's own description, and what it says about its updates.
const MANIFEST: &str = "module.json";
const DECLARED: &str = "update.json";

/// Who calls which service, as far as the kernel knows.
pub(super) type Seen = BTreeMap<Name, BTreeSet<ModuleId>>;

/// A transaction that is verified, and what it takes to try it.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) id: TransactionId,
    /// By module; at least one.
    pub(crate) parts: Vec<Part>,
    pub(crate) strategy: Strategy,
    pub(crate) course: Course,
}

/// What a transaction does with one module.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) module: ModuleId,
    pub(crate) from: Option<Version>,
    pub(crate) to: Occupant,
    /// What it asks for.
    pub(crate) permissions: Permissions,
    /// What its approval is bound to.
    pub(crate) hashes: Hashes,
}

/// Which way a transaction goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// To versions that somebody brought.
    Forward,
    /// To versions that were active before, by a person's word.
    Back,
}

/// Reads packages, each once and from one descriptor: who vouches for it, what is in it, all of it into the depot. They are
/// one transaction. Whatever is refused of one of them leaves all modules as they are.
pub(super) fn stage(
    stock: &mut Stock,
    ground: &Ground,
    files: &[PathBuf],
    wanted: Option<Strategy>,
    now: Wall,
) -> Result<Ready, UpdateError> {
    let home = &ground.home;
    let mut makers = Makers::load(home)?;
    let opened = open_all(&makers, files, now)?;
    let mut packages = Vec::new();
    for Opened { file, reader, packed_bytes, .. } in &opened {
        let vouch = vouch(&makers, file, reader, now)?;
        // What was seen of a maker is kept before anything follows from it.
        makers.keep(&vouch)?;
        packages.push(Package { head: reader.head().clone(), vouch, packed_bytes: *packed_bytes });
    }
    for package in &packages {
        adopt(stock, home, package.head.module(), now)?;
    }
    let mut versions = BTreeMap::new();
    for Opened { reader, .. } in opened {
        let module = reader.head().module().clone();
        let (to, _) = stage_package(reader, &mut stock.depot)?;
        versions.insert(module, to);
    }
    let id = stock.slots.slots().next_id();
    stock.slots.step(Step::Stage(versions.clone()), now)?;
    match verify(stock, ground, packages, &versions, wanted) {
        Ok((parts, strategy, evidence)) => {
            stock.slots.step(Step::Verify(id, evidence), now)?;
            Ok(Ready { id, parts, strategy, course: Course::Forward })
        }
        Err(error) => {
            stock.slots.step(Step::RollBack(id, sentence(&error)), now)?;
            Err(error)
        }
    }
}

/// A package that somebody vouches for and of which nothing was read yet but what is in it.
struct Opened {
    file: PathBuf,
    reader: PackageReader<File>,
    packed_bytes: u64,
    /// Where it stands among its maker's words.
    order: u64,
}

/// All packages, in the order in which their makers signed them: a maker's earlier word is refused after a later one.
fn open_all(makers: &Makers, files: &[PathBuf], now: Wall) -> Result<Vec<Opened>, UpdateError> {
    let (mut all, mut modules) = (Vec::new(), BTreeSet::new());
    for file in files {
        let opened = |source| LookError::Open { path: file.clone(), source };
        let source = File::open(file).map_err(opened)?;
        let packed_bytes = source.metadata().map_err(opened)?.len();
        let refused = |source| LookError::Package { path: file.clone(), source };
        let reader = PackageReader::open(source).map_err(refused)?;
        let order = vouch(makers, file, &reader, now)?.order();
        if !modules.insert(reader.head().module().clone()) {
            return Err(UpdateError::Twice(reader.head().module().clone()));
        }
        all.push(Opened { file: file.clone(), reader, packed_bytes, order });
    }
    all.sort_by_key(|one| one.order);
    Ok(all)
}

fn vouch(
    makers: &Makers,
    file: &Path,
    reader: &PackageReader<File>,
    now: Wall,
) -> Result<Vouch, UpdateError> {
    let refused = |source| LookError::Vouch { path: file.to_owned(), source: Box::new(source) };
    Ok(makers.vouch(now, reader).map_err(refused)?)
}

/// What was read of a package while it was staged.
struct Package {
    head: Head,
    vouch: Vouch,
    packed_bytes: u64,
}

/// Reads back what was staged, makes the plan of all of it, and lays the versions out.
fn verify(
    stock: &mut Stock,
    ground: &Ground,
    packages: Vec<Package>,
    versions: &BTreeMap<ModuleId, Occupant>,
    wanted: Option<Strategy>,
) -> Result<(Vec<Part>, Strategy, String), UpdateError> {
    let (mut all, mut evidence) = (Vec::new(), Vec::new());
    for package in packages {
        let Some(to) = versions.get(package.head.module()) else { continue };
        let (looked, files) = read_back(stock, package, to)?;
        let several = if versions.len() > 1 { format!("{}: ", looked.head.module()) } else { String::new() };
        let (maker, keys) = (&looked.vouch.maker, &looked.vouch.keys);
        let vouches = format!("maker {maker} vouches for it ({keys})");
        evidence.push(format!("{several}{vouches}; {files} files stored, read back and laid out"));
        all.push(looked);
    }
    let modules = ground.home.modules();
    let foreseen = foresee_all(&modules, &all, wanted, &ground.seen).map_err(|source| UpdateError::Disk {
        doing: "read",
        path: modules,
        source,
    })?;
    if let Some(first) = foreseen.plan.obstacles.first() {
        let all: Vec<String> = foreseen.plan.obstacles.iter().map(|one| refusal_of(one).1).collect();
        return Err(UpdateError::Obstacle { code: refusal_of(first).0, why: all.join("; ") });
    }
    let mut parts = Vec::new();
    for (module, to) in versions {
        versions::lay_out(&mut stock.depot, &ground.home, module, &to.release)?;
        let looked = all.iter().find(|looked| looked.head.module() == module);
        parts.push(Part {
            module: module.clone(),
            from: stock.slots.slots().module(module).map(|slots| slots.active.version.clone()),
            to: to.clone(),
            permissions: looked.map(|looked| looked.manifest.permissions.clone()).unwrap_or_default(),
            hashes: hashes_of(stock, &ground.home, module, to, &ground.user_home)?,
        });
    }
    Ok((parts, foreseen.strategy, evidence.join("; ")))
}

/// What a staged release says of itself, read from the depot, and how many files it has.
fn read_back(stock: &mut Stock, package: Package, to: &Occupant) -> Result<(Looked, usize), UpdateError> {
    let Package { head, vouch, packed_bytes } = package;
    let release = stock.depot.release(&to.release)?;
    let manifest = text_of(stock, &release, MANIFEST)?.unwrap_or_default();
    let manifest = crate::updates::check_manifest(&head, &manifest)?;
    let declared = text_of(stock, &release, DECLARED)?;
    let declared = declared.map(|text| Declared::parse(&text)).transpose().map_err(LookError::Declared)?;
    let declared = declared.unwrap_or_default();
    Ok((Looked { head, vouch, manifest, declared, packed_bytes }, release.files.len()))
}

/// The bytes of one file of a release; nothing when it has none of this name.
fn text_of(stock: &mut Stock, release: &Release, name: &str) -> Result<Option<Vec<u8>>, UpdateError> {
    let Some(file) = release.files.iter().find(|file| file.path.as_str() == name) else { return Ok(None) };
    let mut text = Vec::new();
    stock.depot.read(&file.content, &mut text)?;
    Ok(Some(text))
}

/// What a transaction that is verified needs to be tried: told from the slots and the depot alone. It goes hot, where all
/// its modules can, unless one of them says that it wants to be stopped and started.
pub(super) fn ready_of(
    stock: &mut Stock,
    ground: &Ground,
    id: TransactionId,
    course: Course,
) -> Result<Ready, UpdateError> {
    let missing = || store::SlotsFileError::Step(update::SlotsError::NoTransaction(id));
    let open = stock.slots.slots().open().get(&id).ok_or_else(missing)?.clone();
    let (mut parts, mut strategy) = (Vec::new(), Strategy::Hot);
    for (module, change) in open.changes {
        let permissions = permissions_of(stock, &change.to.release)?;
        let release = stock.depot.release(&change.to.release)?;
        // What can't be understood was refused when it was staged, or came before anybody looked.
        let declared = text_of(stock, &release, DECLARED)?.and_then(|text| Declared::parse(&text).ok());
        if declared.is_some_and(|declared| declared.strategy == Some(Strategy::Restart)) {
            strategy = Strategy::Restart;
        }
        let from = change.before.map(|before| before.active.version);
        let hashes = hashes_of(stock, &ground.home, &module, &change.to, &ground.user_home)?;
        parts.push(Part { module, from, to: change.to, permissions, hashes });
    }
    if parts.is_empty() {
        return Err(missing().into());
    }
    Ok(Ready { id, parts, strategy, course })
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
    ground: &Ground,
    module: &ModuleId,
    now: Wall,
) -> Result<Ready, UpdateError> {
    let slots = stock.slots.slots();
    let known = slots.module(module).ok_or_else(|| UpdateError::NoVersions(module.clone()))?;
    let to = known.fallback.clone().ok_or_else(|| UpdateError::NoFallback(module.clone()))?;
    let id = slots.next_id();
    stock.slots.step(Step::Stage(BTreeMap::from([(module.clone(), to.clone())])), now)?;
    let laid = versions::lay_out(&mut stock.depot, &ground.home, module, &to.release);
    if let Err(error) = laid {
        stock.slots.step(Step::RollBack(id, sentence(&error)), now)?;
        return Err(error.into());
    }
    let evidence = "an operator asked to go back; the version was kept since it ran".to_owned();
    stock.slots.step(Step::Verify(id, evidence), now)?;
    ready_of(stock, ground, id, Course::Back)
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
