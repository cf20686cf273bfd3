//! Where everything of one kernel lies: how the home is found, and the places in it.
//!
//! The choice is a pure function of what was typed, the environment and the working folder ([`Surroundings`]), so that
//! a command and the kernel it talks to can never disagree about it.

use std::ffi::OsString;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use abi::Explain;
use sha2::{Digest, Sha256};

#[cfg(test)]
mod tests;

/// The variable that names the home when nothing was typed.
pub const HOME_VARIABLE: &str = "OSTOJA_HOME";

/// A project's own file; a folder that holds one is a project.
pub const PROJECT_FILE: &str = "ostoja.yaml";

/// The home of a system service, where the Filesystem Hierarchy Standard puts a service's state.
const SERVICE_HOME: &str = "/var/lib/ostoja";

/// 8 hex digits of a project path's hash: enough to keep a person's projects apart, short enough to type.
const PROJECT_HASH_DIGITS: usize = 8;

/// 32 characters of a project's folder name stay in its home's name, so that the path of the socket stays short.
const PROJECT_NAME_CHARS_MAX: usize = 32;

/// What the choice of a home depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// `--home`, if typed.
    pub typed: Option<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
    /// Whether the working folder holds an `ostoja.yaml`.
    pub has_project: bool,
    /// Whether this is root under a service manager.
    pub is_root_service: bool,
    /// `$OSTOJA_HOME`.
    pub ostoja_home: Option<OsString>,
    /// `$XDG_DATA_HOME`.
    pub xdg_data_home: Option<OsString>,
    /// `$HOME`.
    pub home: Option<OsString>,
}

impl Surroundings {
    /// As this process finds them, with what was typed.
    ///
    /// # Errors
    /// `NoFolder` when the working folder is gone.
    pub fn look(typed: Option<PathBuf>) -> Result<Self, HomeError> {
        let folder = std::env::current_dir().map_err(HomeError::NoFolder)?;
        let under_manager = std::env::var_os("INVOCATION_ID").is_some();
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Ok(Self {
            typed,
            has_project: folder.join(PROJECT_FILE).is_file(),
            folder,
            is_root_service: under_manager && rustix::process::geteuid().is_root(),
            ostoja_home: var(HOME_VARIABLE),
            xdg_data_home: var("XDG_DATA_HOME"),
            home: var("HOME"),
        })
    }
}

/// A home and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The home.
    pub home: Home,
    /// The project file that belongs to it, when the home is a project's own.
    pub project: Option<PathBuf>,
}

impl Place {
    /// Chooses: what was typed, else `$OSTOJA_HOME`, else the project's own home, else the service's, else the user's.
    ///
    /// # Errors
    /// `NoDataFolder` when the environment says nothing about where a user's data is.
    pub fn choose(around: &Surroundings) -> Result<Self, HomeError> {
        let given = around.typed.clone().or_else(|| around.ostoja_home.clone().map(PathBuf::from));
        if let Some(path) = given {
            // The home says where things are kept; what runs is still said by the folder that one stands in.
            let project = around.has_project.then(|| plain(&around.folder.join(PROJECT_FILE)));
            return Ok(Self { home: Home::at(&around.folder.join(path)), project });
        }
        if around.has_project {
            return Self::of_project(&around.folder.join(PROJECT_FILE), around);
        }
        if around.is_root_service {
            return Ok(Self { home: Home::at(Path::new(SERVICE_HOME)), project: None });
        }
        Ok(Self { home: Home::at(&data_folder(around)?), project: None })
    }

    /// The home that belongs to a project file.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn of_project(file: &Path, around: &Surroundings) -> Result<Self, HomeError> {
        let file = plain(&around.folder.join(file));
        let folder = file.parent().unwrap_or(Path::new("/"));
        let home = data_folder(around)?.join("projects").join(project_name(folder));
        Ok(Self { home: Home::at(&home), project: Some(file) })
    }
}

/// The folder that holds everything of one kernel; it need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Home {
    /// Invariant: absolute, without `.` and `..`.
    root: PathBuf,
}

impl Home {
    /// The home at a path; a relative one starts in the working folder.
    pub fn at(path: &Path) -> Self {
        let root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self { root: plain(&root) }
    }

    /// The home of a path as the options name it: [`Place::choose`] without its project.
    ///
    /// # Errors
    /// As [`Place::choose`].
    pub fn find(typed: Option<PathBuf>) -> Result<Place, HomeError> {
        Place::choose(&Surroundings::look(typed)?)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration that a person keeps.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.yaml")
    }

    /// Further layers of the configuration, laid over `config.yaml` in the order of their names.
    pub fn config_folder(&self) -> PathBuf {
        self.root.join("config.d")
    }

    /// What modules changed by `config.set`, and operators by `ostoja config set`.
    pub fn config_set(&self) -> PathBuf {
        self.config_folder().join("90-set.yaml")
    }

    /// What operators approved.
    pub fn permissions(&self) -> PathBuf {
        self.root.join("permissions.yaml")
    }

    /// One folder per installed module.
    pub fn modules(&self) -> PathBuf {
        self.root.join("modules")
    }

    /// Sockets and locks: what means nothing when no kernel runs.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The operator door.
    pub fn socket(&self) -> PathBuf {
        self.run().join("kernel.sock")
    }

    /// The journal and what else must survive a restart.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.state().join("journal.db")
    }

    /// Chunks of everything that is kept: versions and backups share them.
    pub fn chunks(&self) -> PathBuf {
        self.state().join("chunks")
    }

    /// The folder of the file that says which version of each module is active.
    pub fn slots(&self) -> PathBuf {
        self.state().join("slots")
    }

    /// One folder for each version that a module runs from, or falls back to.
    pub fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    /// The context variables, as they were written last.
    pub fn context(&self) -> PathBuf {
        self.state().join("context.json")
    }

    /// The restarts of the last day.
    pub fn restarts(&self) -> PathBuf {
        self.state().join("restarts.json")
    }

    /// What modules keep over planned restarts.
    pub fn kept(&self) -> PathBuf {
        self.state().join("kept")
    }

    /// The secrets, sealed.
    pub fn vault(&self) -> PathBuf {
        self.state().join("vault")
    }

    /// Whose packages are taken: one file each, as a person trusted them.
    pub fn makers(&self) -> PathBuf {
        self.root.join("makers")
    }

    /// The private keys and the published versions of whoever makes packages here.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// What the module that comes with the program keeps: who may come in over HTTP, and its socket.
    pub fn companion(&self) -> PathBuf {
        self.state().join("web")
    }

    /// What modules said, one folder each.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// What can be made again: the cache of runtimes, temporary folders of modules.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Makes the folders that are missing, for this user alone. What is there keeps its rights, but for the home itself
    /// and `run`, which others may not read.
    ///
    /// # Errors
    /// `Create` and `Rights` name the folder.
    pub fn create(&self) -> Result<(), HomeError> {
        make_private(&self.root, Existing::Kept)?;
        make_private(&self.run(), Existing::Closed)?;
        for folder in [self.modules(), self.state(), self.logs(), self.cache()] {
            make_private(&folder, Existing::Kept)?;
        }
        Ok(())
    }
}

/// What happens to the rights of a folder that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Existing {
    /// They stay as its owner set them.
    Kept,
    /// They become its owner's alone.
    Closed,
}

/// For the owner alone.
const PRIVATE: u32 = 0o700;

fn make_private(path: &Path, existing: Existing) -> Result<(), HomeError> {
    let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(path);
    made.map_err(|source| HomeError::Create { path: path.to_owned(), source })?;
    let rights = |source| HomeError::Rights { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(rights)?;
    let closed = found.permissions().mode() & 0o077 == 0;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if existing == Existing::Closed && !closed && ours {
        std::fs::set_permissions(path, Permissions::from_mode(PRIVATE)).map_err(rights)?;
    }
    Ok(())
}

fn data_folder(around: &Surroundings) -> Result<PathBuf, HomeError> {
    // The XDG base directory specification: a relative path there is to be ignored.
    let xdg = around.xdg_data_home.clone().map(PathBuf::from).filter(|path| path.is_absolute());
    let from_home = || around.home.clone().map(|home| PathBuf::from(home).join(".local/share"));
    xdg.or_else(from_home).map(|data| data.join("ostoja")).ok_or(HomeError::NoDataFolder)
}

/// `shop-1a2b3c4d`: the folder's name for people, its path's hash for the rest.
fn project_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' });
    let name: String = plain.take(PROJECT_NAME_CHARS_MAX).collect();
    let hash = Sha256::digest(folder.as_os_str().as_bytes());
    let mut hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(PROJECT_HASH_DIGITS);
    format!("{}-{hex}", name.trim_matches('-'))
}

/// The same path without `.` and `..`, by its words alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            kept => plain.push(kept),
        }
    }
    plain
}

/// Why there is no home.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The working folder can't be told.
    #[error("the working folder can't be told")]
    NoFolder(#[source] io::Error),
    /// Nothing says where a user's data is.
    #[error("neither $HOME nor $XDG_DATA_HOME says where your data is")]
    NoDataFolder,
    /// A folder can't be made.
    #[error("folder `{}` can't be made", path.display())]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder's rights can't be read or set.
    #[error("the rights of `{}` can't be set", path.display())]
    Rights {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for HomeError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFolder(_) => "host::home::no_folder",
            Self::NoDataFolder => "host::home::no_data_folder",
            Self::Create { .. } => "host::home::create",
            Self::Rights { .. } => "host::home::rights",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NoFolder(_) => Some("cd to a folder that is there".to_owned()),
            Self::NoDataFolder => Some("name the home: ostoja --home DIR".to_owned()),
            Self::Create { path, .. } | Self::Rights { path, .. } => {
                let folder = path.parent().unwrap_or(path);
                Some(format!("look at its rights: ls -ld {}", folder.display()))
            }
        }
    }
}
