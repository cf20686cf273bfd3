//! Snapshots: what the kernel's cut gave, written as a backup of its own kind, and put back.
//!
//! ```text
//! state/kernel     state/snapshot.json (who gave what, and the kernel's own value), state/context.json (the variables)
//! state/<module>   state/kept/<module>, as a planned restart would have left it
//! ```
//! These are components of an ordinary backup, so that its chunks are shared, verified, pruned and cleaned with all others, and
//! putting one back puts each state to where its module's next life looks for it.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use abi::{Explain, ModuleId, Wall};
use kernel::{Cut, Given};
use protocol::operator::{SnapshotMade, SnapshotModule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    Backup, BackupError, BackupSource, Backups, DepotLockError, Kept, KeptError, KeptStates, LocalDisk, Made,
    Trust, Wanted, lock_depot,
};

use crate::backup::LOCK_WITHIN;
use crate::clock::wall_now;
use crate::handover::json_of;
use crate::home::Home;
use crate::memory;
use crate::shell::Shell;

/// What begins the component of a state.
const STATE: &str = store::SNAPSHOT_COMPONENTS;

/// The component with the kernel's own.
const KERNEL: &str = "state/kernel";

/// Who gave what, from the home's root.
const ABOUT: &str = "state/snapshot.json";

/// The variables, from the home's root.
const CONTEXT: &str = "state/context.json";

/// Where states lie, from the home's root.
const KEPT: &str = "state/kept";

/// 256 MiB: the most of what a snapshot says about itself that is read.
const ABOUT_BYTES_MAX: u64 = 256 << 20;

/// For the owner alone.
const MODE: u32 = 0o600;

/// The form of [`About`] that this program writes.
const FORM: u32 = 1;

/// A snapshot could not be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Another command works on the depot.
    #[error("the depot is in use")]
    Busy(#[source] DepotLockError),
    /// It could not be stored or read.
    #[error("the snapshot can't be stored or read")]
    Store(#[source] BackupError),
    /// A state could not be written or read.
    #[error("the state of `{module}` can't be written or read")]
    State {
        /// Whose.
        module: ModuleId,
        /// Why.
        #[source]
        source: KeptError,
    },
    /// A file beside the home could not be written or read.
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
    /// The number is that of a backup.
    #[error("{number} is a backup and no snapshot")]
    NoSnapshot {
        /// Which.
        number: u64,
    },
    /// The snapshot has no state of this module.
    #[error("snapshot {number} holds no state of `{module}`")]
    Without {
        /// Which.
        number: u64,
        /// Who was asked for.
        module: String,
    },
    /// What it says about itself can't be understood.
    #[error("snapshot {number} does not say what is in it")]
    Unread {
        /// Which.
        number: u64,
    },
}

impl Explain for SnapshotError {
    fn code(&self) -> &'static str {
        match self {
            Self::Busy(source) => source.code(),
            Self::Store(source) => source.code(),
            Self::State { source, .. } => source.code(),
            Self::Disk { .. } => "host::snapshot::disk",
            Self::NoSnapshot { .. } => "host::snapshot::is_backup",
            Self::Without { .. } => "host::snapshot::unknown",
            Self::Unread { .. } => "host::snapshot::unread",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Busy(source) => source.help(),
            Self::Store(BackupError::NotFound { .. } | BackupError::Missing) => {
                Some("see which there are: ostoja snapshot list".to_owned())
            }
            Self::Store(source) => source.help(),
            Self::State { source, .. } => source.help(),
            Self::NoSnapshot { .. } => Some("ostoja snapshot list".to_owned()),
            Self::Without { number, .. } => Some(format!("ostoja snapshot show {number}")),
            Self::Disk { .. } | Self::Unread { .. } => None,
        }
    }
}

/// What a snapshot says about itself.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    form: u32,
    /// The program that made it.
    pub version: String,
    /// For how long what modules said was held at most, in milliseconds.
    pub pause_ms: u64,
    /// Who was asked, and what came of it.
    pub modules: Vec<SnapshotModule>,
    /// What the kernel knew, as it hands it over to another binary.
    kernel: Value,
}

/// The snapshot with this number, the newest without one.
///
/// # Errors
/// `NoSnapshot` when it is a backup; `Store`.
pub fn find(backups: &Backups, number: Option<u64>) -> Result<Backup, SnapshotError> {
    let found = match number {
        Some(number) => backups.find(Some(number)).map_err(SnapshotError::Store)?,
        None => {
            let all = backups.all().map_err(SnapshotError::Store)?;
            let newest = all.into_iter().rev().find(Backup::is_snapshot);
            newest.ok_or(SnapshotError::Store(BackupError::Missing))?
        }
    };
    if found.is_snapshot() { Ok(found) } else { Err(SnapshotError::NoSnapshot { number: found.number }) }
}

/// What a snapshot says about itself.
///
/// # Errors
/// `Unread`, `Store`.
pub fn about(backups: &mut Backups, snapshot: &Backup) -> Result<About, SnapshotError> {
    let unread = || SnapshotError::Unread { number: snapshot.number };
    let bytes =
        backups.read_file(snapshot, Path::new(ABOUT), ABOUT_BYTES_MAX).map_err(SnapshotError::Store)?;
    let about: About = serde_json::from_slice(&bytes).map_err(|_| unread())?;
    if about.form == FORM { Ok(about) } else { Err(unread()) }
}

/// The modules whose states are in a snapshot.
fn modules_of(snapshot: &Backup) -> impl Iterator<Item = &str> {
    let states = snapshot.parts.iter().filter(|part| part.component != KERNEL);
    states.filter_map(|part| part.component.strip_prefix(STATE))
}

/// The components that are wanted, all without any name.
///
/// # Errors
/// `Without` for the first module whose state is not in it.
pub fn components(snapshot: &Backup, wanted: &[String]) -> Result<Vec<String>, SnapshotError> {
    let has = |name: &String| modules_of(snapshot).any(|module| module == name);
    if let Some(module) = wanted.iter().find(|name| !has(name)) {
        return Err(SnapshotError::Without { number: snapshot.number, module: module.clone() });
    }
    let is_wanted = |module: &&str| wanted.is_empty() || wanted.iter().any(|name| name == module);
    Ok(modules_of(snapshot).filter(is_wanted).map(|module| format!("{STATE}{module}")).collect())
}

/// Everything that goes into a snapshot, without a shell.
struct Material {
    home: Home,
    label: Option<String>,
    at: Wall,
    version: String,
    cut: Cut,
}

/// Stores what a cut gave.
pub(crate) async fn keep(
    shell: &Rc<RefCell<Shell>>,
    cut: Cut,
    label: Option<String>,
) -> Result<SnapshotMade, SnapshotError> {
    let material = {
        let shell = shell.borrow();
        let (home, version) = (shell.files.home.clone(), shell.version.clone());
        Material { home, label, at: wall_now(), version, cut }
    };
    let writing = tokio::task::spawn_blocking(move || write(&material));
    writing
        .await
        .unwrap_or_else(|_| Err(disk("write", Path::new(ABOUT))(io::Error::other("the thread has died"))))
}

fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError + use<> {
    let path = path.to_owned();
    move |source| SnapshotError::Disk { doing, path, source }
}

fn write(material: &Material) -> Result<SnapshotMade, SnapshotError> {
    let Material { home, label, at, version, cut } = material;
    let _lock = lock_depot(&home.state(), LOCK_WITHIN).map_err(SnapshotError::Busy)?;
    // Laid out as a home, and gone when it is stored. What an earlier try left is written over.
    let aside = home.state().join("cutting");
    clear(&aside)?;
    fs::create_dir_all(aside.join(KEPT)).map_err(disk("make the folder", &aside))?;
    let modules: Vec<SnapshotModule> = cut.modules.iter().map(row).collect();
    let states = KeptStates::new(Arc::new(LocalDisk), &aside.join(KEPT));
    for given in &cut.modules {
        if let Some(kept) = kept_of(given, *at) {
            states.keep(&kept).map_err(|source| SnapshotError::State { module: kept.module, source })?;
        }
    }
    let about = About {
        form: FORM,
        version: version.clone(),
        pause_ms: cut.pause_ms,
        modules: modules.clone(),
        kernel: json_of(&cut.kernel),
    };
    let about = serde_json::to_vec(&about).expect("texts and numbers are always JSON");
    put(&aside.join(ABOUT), &about)?;
    let context = memory::of_cut(&cut.context, *at).map_err(disk("write", &aside.join(CONTEXT)))?;
    put(&aside.join(CONTEXT), &context)?;
    let made = store_all(home, &aside, (*at, label.clone()), cut)?;
    clear(&aside)?;
    Ok(SnapshotMade {
        number: made.backup.number,
        at_ms: at.0,
        label: label.clone(),
        pause_ms: cut.pause_ms,
        stored_bytes: made.stocked.bytes,
        modules,
    })
}

fn store_all(
    home: &Home,
    aside: &Path,
    named: (Wall, Option<String>),
    cut: &Cut,
) -> Result<Made, SnapshotError> {
    let kernel = BackupSource {
        component: KERNEL.to_owned(),
        places: [ABOUT, CONTEXT].map(PathBuf::from).to_vec(),
        without: Vec::new(),
    };
    let given = cut.modules.iter().filter(|given| given.state.is_ok());
    let states = given.map(|given| BackupSource {
        component: format!("{STATE}{}", given.module),
        places: vec![Path::new(KEPT).join(given.module.as_str())],
        without: Vec::new(),
    });
    let sources: Vec<BackupSource> = std::iter::once(kernel).chain(states).collect();
    let mut backups = Backups::new(Arc::new(LocalDisk), &home.state());
    backups.create(named, aside, &sources, Trust::Nothing).map_err(SnapshotError::Store)
}

fn clear(folder: &Path) -> Result<(), SnapshotError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk("remove", folder)(error)),
        _ => Ok(()),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SnapshotError> {
    store::write_whole(path, bytes, MODE).map_err(|error| disk("write", path)(error.source))
}

fn row(given: &Given) -> SnapshotModule {
    let (bytes, form, why) = match &given.state {
        Ok((state, version)) => (state.len() as u64, Some(version.to_string()), None),
        Err(why) => (0, None, Some(why.clone())),
    };
    SnapshotModule { module_id: given.module.to_string(), life: given.life.0, bytes, form, why }
}

fn kept_of(given: &Given, at: Wall) -> Option<Kept> {
    let (state, version) = given.state.as_ref().ok()?;
    Some(Kept {
        module: given.module.clone(),
        life: given.life,
        at,
        version: version.to_string(),
        state: state.as_bytes().to_vec(),
    })
}

/// Puts the states of a snapshot to where the next lives of their modules look for them; gives the modules. The caller sees to it
/// that nobody reads or writes states meanwhile.
pub(crate) fn put_back(home: &Home, number: u64, wanted: &[String]) -> Result<Vec<ModuleId>, SnapshotError> {
    let _lock = lock_depot(&home.state(), LOCK_WITHIN).map_err(SnapshotError::Busy)?;
    let mut backups = Backups::new(Arc::new(LocalDisk), &home.state());
    let snapshot = find(&backups, Some(number))?;
    let wanted = components(&snapshot, wanted)?;
    let aside = home.state().join("putting-back");
    let mut read = Vec::new();
    // All of them are read before the first one is put back: a damaged one changes nothing.
    for component in &wanted {
        clear(&aside)?;
        backups.restore_to(&snapshot, Wanted::Component(component), &aside).map_err(SnapshotError::Store)?;
        let name = component.strip_prefix(STATE).unwrap_or(component);
        let unread = |_| SnapshotError::Unread { number };
        let module = ModuleId::parse(name).map_err(unread)?;
        let states = KeptStates::new(Arc::new(LocalDisk), &aside.join(KEPT));
        let found = states.find(&module);
        let found = found.map_err(|source| SnapshotError::State { module, source })?;
        read.push(found.ok_or(SnapshotError::Unread { number })?);
    }
    clear(&aside)?;
    let states = KeptStates::new(Arc::new(LocalDisk), &home.kept());
    for kept in &read {
        states.keep(kept).map_err(|source| SnapshotError::State { module: kept.module.clone(), source })?;
    }
    Ok(read.into_iter().map(|kept| kept.module).collect())
}
