//! Why a module does not become new.

use std::io;
use std::path::PathBuf;

use abi::{Explain, ModuleId};
use store::{BackupError, DepotError, LayoutError, SlotsFileError, StageError};

use crate::stock::StockError;
use crate::updates::{LookError, MakersError};

/// 64 modules become new together: more than anybody changes in one step, and each is read and laid out before.
pub(super) const TOGETHER_MAX: usize = 64;

/// That nothing has changed for these modules.
fn as_before(modules: &[ModuleId]) -> String {
    let quoted: Vec<String> = modules.iter().map(|module| format!("`{module}`")).collect();
    let are = if modules.len() == 1 { "is what it was" } else { "are what they were" };
    format!("{} {are}", quoted.join(", "))
}

/// Why a module does not become new.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateError {
    /// The stock can't be used.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// Whom to believe can't be read or kept.
    #[error(transparent)]
    Makers(Box<MakersError>),
    /// The package is refused.
    #[error(transparent)]
    Look(Box<LookError>),
    /// The package can't be staged.
    #[error(transparent)]
    Stage(Box<StageError>),
    /// The slots refuse a step, or can't be written.
    #[error(transparent)]
    Slots(#[from] SlotsFileError),
    /// What was stored can't be read.
    #[error(transparent)]
    Depot(#[from] DepotError),
    /// What backups need can't be told, so nothing is cleaned away.
    #[error(transparent)]
    Backup(Box<BackupError>),
    /// A version can't be laid out.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A file or folder.
    #[error("can't {doing} `{}`", path.display())]
    Disk {
        /// What was to be done, as in "can't …".
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The module is a link to somebody's workplace.
    #[error("`{0}` is linked to a folder that somebody works in, so it has no versions")]
    Linked(ModuleId),
    /// The module is no module of the home.
    #[error("`{0}` belongs to the project file, so it has no versions here")]
    NotOfHome(ModuleId),
    /// The module as it is can't be kept, so that there would be no way back.
    #[error("`{}` can't be kept to go back to: it is a link, or has a name that no package may have", .0.display())]
    Unkept(PathBuf),
    /// Two packages of one transaction are of the same module.
    #[error("two of the packages are of module `{0}`")]
    Twice(ModuleId),
    /// A transaction has more packages than that.
    #[error("a transaction has one to {TOGETHER_MAX} packages, not {0}")]
    Packages(usize),
    /// The plan of the update has something in its way.
    #[error("{why}")]
    Obstacle {
        /// Which kind.
        code: &'static str,
        /// What, in sentences.
        why: String,
    },
    /// The module has no slots.
    #[error("no version of `{0}` is kept here")]
    NoVersions(ModuleId),
    /// There is nothing to go back to.
    #[error("`{0}` has no version to go back to")]
    NoFallback(ModuleId),
    /// A module did not become ready, and all of the transaction are what they were.
    #[error("{}: {why}", as_before(.modules))]
    RolledBack {
        /// Which modules.
        modules: Vec<ModuleId>,
        /// What spoke against the new versions.
        why: String,
    },
    /// Approvals could not be written.
    #[error("what is approved could not be written: {0}")]
    Unsaved(String),
    /// The kernel is on its way out.
    #[error("the kernel is stopping; what was begun goes on at its next start")]
    Stopping,
}

impl From<LookError> for UpdateError {
    fn from(error: LookError) -> Self {
        Self::Look(Box::new(error))
    }
}

impl From<MakersError> for UpdateError {
    fn from(error: MakersError) -> Self {
        Self::Makers(Box::new(error))
    }
}

impl From<BackupError> for UpdateError {
    fn from(error: BackupError) -> Self {
        Self::Backup(Box::new(error))
    }
}

impl From<StageError> for UpdateError {
    fn from(error: StageError) -> Self {
        Self::Stage(Box::new(error))
    }
}

impl Explain for UpdateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Stock(error) => error.code(),
            Self::Makers(error) => error.code(),
            Self::Look(error) => error.code(),
            Self::Stage(error) => error.code(),
            Self::Slots(error) => error.code(),
            Self::Depot(error) => error.code(),
            Self::Backup(error) => error.code(),
            Self::Layout(error) => error.code(),
            Self::Disk { .. } => "host::update::disk",
            Self::Linked(_) => "host::update::linked",
            Self::NotOfHome(_) => "host::update::of_project",
            Self::Unkept(_) => "host::update::unkept",
            Self::Twice(_) => "host::update::twice",
            Self::Packages(_) => "host::update::packages",
            Self::Obstacle { code, .. } => code,
            Self::NoVersions(_) => "host::update::not_found",
            Self::NoFallback(_) => "host::update::no_fallback",
            Self::RolledBack { .. } => "host::update::rolled_back",
            Self::Unsaved(_) => "host::permissions::not_saved",
            Self::Stopping => "host::update::shutting_down",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Stock(error) => error.help(),
            Self::Makers(error) => error.help(),
            Self::Look(error) => error.help(),
            Self::Stage(error) => error.help(),
            Self::Slots(error) => error.help(),
            Self::Depot(error) => error.help(),
            Self::Backup(error) => error.help(),
            Self::Layout(error) => error.help(),
            Self::RolledBack { modules, .. } => modules.first().map(|module| format!("ostoja why {module}")),
            Self::NoVersions(_) | Self::NoFallback(_) => Some("ostoja update list".to_owned()),
            Self::Linked(id) => Some(format!("ostoja module uninstall {id}, then install its package")),
            Self::NotOfHome(_) => Some("change ostoja.yaml, then: ostoja reload".to_owned()),
            Self::Disk { .. }
            | Self::Unkept(_)
            | Self::Twice(_)
            | Self::Packages(_)
            | Self::Obstacle { .. }
            | Self::Unsaved(_)
            | Self::Stopping => None,
        }
    }
}
