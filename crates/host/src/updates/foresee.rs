//! Foreseeing: the modules of a home as they are, and what a package would change of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use abi::{ModuleId, Name};
use protocol::files::manifest::{DoorVersion, Manifest};
use semver::Version;
use update::{Digests, Facts, Obstacle, PackedPath, Plan, Question, Strategy, Wish, plan};

use super::look::{DECLARED, Declared, Looked, MANIFEST, facts};

/// 4,096 files of an installed module are compared; of the rest it is not known whether they change.
const FILES_MAX: usize = 4096;

/// 16 folders deep, as in a package.
const DEPTH_MAX: usize = 16;

/// 2 s: how long a module that is stopped and started is expected to be away; most take less, an interpreter that
/// loads much takes more.
const RESTART_EXPECTED: Duration = Duration::from_secs(2);

/// 10 ms: how long messages are held at the most while state goes from one life to another; see `SPECIFICATION.md`.
const SWAP_EXPECTED: Duration = Duration::from_millis(10);

/// A plan with what it was made from.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// Which module.
    pub module: ModuleId,
    /// How it is to become new.
    pub strategy: Strategy,
    /// What happens, what is to be agreed to, and what stands in the way.
    pub plan: Plan,
}

/// A plan of several packages that are one transaction.
#[derive(Debug, Clone)]
pub struct ForeseenAll {
    /// How all of them are to become new.
    pub strategy: Strategy,
    /// What happens, what is to be agreed to, and what stands in the way.
    pub plan: Plan,
}

/// How much of a folder is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What it says of itself.
    Words,
    /// Every file too.
    Files,
}

/// What is known of the module in a folder; nothing when there is none, or none that can be understood.
///
/// # Errors
/// The system's, when one of its files can't be read.
pub fn facts_of_folder(folder: &Path, depth: Depth) -> io::Result<Option<(ModuleId, Facts)>> {
    let text = match fs::read_to_string(folder.join(MANIFEST)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let Ok(manifest) = Manifest::parse(MANIFEST, &text) else { return Ok(None) };
    // A version that is none is older than every other one.
    let version = manifest.version.as_deref().and_then(|version| Version::parse(version).ok());
    let declared = fs::read(folder.join(DECLARED)).ok().and_then(|text| Declared::parse(&text).ok());
    let mut files = BTreeMap::new();
    if depth == Depth::Files {
        collect(folder, "", 0, &mut files)?;
    }
    let version = version.unwrap_or(Version::new(0, 0, 0));
    let facts = facts(version, &manifest, &declared.unwrap_or_default(), files);
    Ok(Some((manifest.id, facts)))
}

fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<PackedPath, Digests>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (kind, name) = (entry.file_type()?, format!("{prefix}{name}"));
        if kind.is_dir() && depth < DEPTH_MAX {
            collect(&entry.path(), &format!("{name}/"), depth + 1, files)?;
        } else if let (true, Ok(path)) = (kind.is_file() && files.len() < FILES_MAX, PackedPath::parse(&name))
        {
            let mut digester = update::Digester::default();
            io::copy(&mut fs::File::open(entry.path())?, &mut Feed(&mut digester))?;
            files.insert(path, digester.finish());
        }
    }
    Ok(())
}

/// A digester as something that is written to.
struct Feed<'a>(&'a mut update::Digester);

impl io::Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a package would change in a home with these modules folders.
///
/// # Errors
/// The system's, when the folder of modules can't be read.
pub fn foresee(
    modules: &Path,
    looked: &Looked,
    wanted: Option<Strategy>,
    seen: &BTreeMap<Name, BTreeSet<ModuleId>>,
) -> io::Result<Foreseen> {
    let all = foresee_all(modules, std::slice::from_ref(looked), wanted, seen)?;
    Ok(Foreseen { module: looked.head.module().clone(), strategy: all.strategy, plan: all.plan })
}

/// What packages would change that are one transaction: the new versions are compared with each other where several
/// change, and with what is there where only one does.
///
/// # Errors
/// As [`foresee`].
pub fn foresee_all(
    modules: &Path,
    all: &[Looked],
    wanted: Option<Strategy>,
    seen: &BTreeMap<Name, BTreeSet<ModuleId>>,
) -> io::Result<ForeseenAll> {
    let is_of = |path: &Path| all.iter().any(|looked| path.ends_with(looked.head.module().as_str()));
    let mut present = BTreeMap::new();
    match fs::read_dir(modules) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        entries => {
            for path in entries?.flatten().map(|entry| entry.path()) {
                let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                // Another module that can't be read is not this update's matter.
                let depth = if is_of(&path) { Depth::Files } else { Depth::Words };
                let found = if hidden { None } else { facts_of_folder(&path, depth).ok().flatten() };
                present.extend(found);
            }
        }
    }
    let strategy = wanted.unwrap_or_else(|| strategy_of(all));
    let pause = pause_of(all, strategy, &present);
    let wished = all.iter().map(|looked| {
        let module = looked.head.module();
        let facts = looked.facts();
        let old = present.get(module).map(|facts| &facts.files);
        let is_new =
            |(path, digests): &(&PackedPath, &Digests)| old.and_then(|old| old.get(*path)) != Some(*digests);
        let stored_bytes = facts.files.iter().filter(is_new).map(|(_, digests)| digests.bytes).sum();
        let pause = if present.contains_key(module) { pause } else { Duration::ZERO };
        let state = looked.declared.state.clone();
        (module.clone(), Wish { facts, strategy, stored_bytes, pause, state })
    });
    let wished: BTreeMap<ModuleId, Wish> = wished.collect();
    let door = (DoorVersion::OURS.major, DoorVersion::OURS.minor);
    let question = Question { present: &present, wished: &wished, door, seen };
    Ok(ForeseenAll { strategy, plan: plan(&question) })
}

/// How several modules become new together: as all of them want, and by stopping and starting where they differ; one that
/// waits for a start makes all wait.
fn strategy_of(all: &[Looked]) -> Strategy {
    let wanted = |looked: &Looked| looked.declared.strategy.unwrap_or(Strategy::Restart);
    if all.iter().any(|looked| wanted(looked) == Strategy::Staged) {
        Strategy::Staged
    } else if all.iter().all(|looked| wanted(looked) == Strategy::Hot) {
        Strategy::Hot
    } else {
        Strategy::Restart
    }
}

/// How long callers are expected to wait: modules hand over, or stop and start, one after the other.
fn pause_of(all: &[Looked], strategy: Strategy, present: &BTreeMap<ModuleId, Facts>) -> Duration {
    let is_swapped =
        |looked: &Looked| looked.manifest.features.state && present.contains_key(looked.head.module());
    let each = match strategy {
        // New beside old: messages are held for some milliseconds, nobody is refused.
        Strategy::Hot if all.iter().all(is_swapped) => SWAP_EXPECTED,
        Strategy::Hot | Strategy::Restart => RESTART_EXPECTED,
        Strategy::Staged => Duration::ZERO,
    };
    each.saturating_mul(u32::try_from(all.len()).unwrap_or(u32::MAX))
}

/// What stands in the way of an update, with its code; in one sentence.
pub fn refusal_of(obstacle: &Obstacle) -> (&'static str, String) {
    let names = |callers: &[ModuleId]| callers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match obstacle {
        Obstacle::Door(module, (major, minor)) => (
            "update::plan::door",
            format!(
                "`{module}` needs version {major}.{minor} of the module door, which this program does not speak"
            ),
        ),
        Obstacle::Version { module, of, range, found } => {
            let found = found.as_ref().map_or("is not there".to_owned(), |found| format!("would be {found}"));
            ("update::plan::version", format!("`{module}` works with `{of}` {range}, which {found}"))
        }
        Obstacle::ServiceLost { module, service, callers } => (
            "update::plan::service_lost",
            format!("`{module}` would no longer offer `{service}`, which is called by {}", names(callers)),
        ),
        Obstacle::Contract { module, service, breach, callers } => (
            "update::plan::contract",
            format!("`{module}` would break what `{service}` promises to {}: {breach}", names(callers)),
        ),
    }
}
