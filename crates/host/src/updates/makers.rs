//! Makers: whose packages a home takes. A person names a maker and gives its first root; from then on every verified
//! package moves what is trusted forward, and never back.
//!
//! Each maker is one file below `makers`, written whole. A maker may be trusted for some modules only, so that one of
//! them can't replace another one's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use abi::{Explain, ModuleId, Wall};
use serde::{Deserialize, Serialize};
use store::{WriteError, write_whole};
use update::PackageReader;
use update::trust::{PublicKey, Trust, TrustError, TrustRole, Vouched};

use crate::home::Home;

#[cfg(test)]
mod tests;

/// 64 makers: more than any person knows.
const MAKERS_MAX: usize = 64;

/// 4 MiB: a root of 64 keys and a thousand versions stay far below.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The owner's alone: whoever writes there decides whose programs run.
const MODE: u32 = 0o600;

/// What ends a maker's file.
const ENDING: &str = "json";

/// 16 digits of a key name it in a message.
const KEY_DIGITS: usize = 16;

/// Why a maker's word can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum MakersError {
    /// A maker's file can't be read.
    #[error("can't read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A maker's file is not what was written.
    #[error("`{}` is not what was written there", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A maker's file could not be written.
    #[error("what is trusted could not be kept")]
    Write(#[source] WriteError),
    /// The name is none for a maker.
    #[error("`{0}` is no name for a maker: small letters, digits and dashes")]
    Name(String),
    /// There is one of this name.
    #[error("maker `{0}` is trusted already")]
    Known(String),
    /// There is none of this name.
    #[error("no maker `{0}` is trusted here")]
    Unknown(String),
    /// There are too many.
    #[error("{MAKERS_MAX} makers are trusted already")]
    TooMany,
    /// The root can't be trusted.
    #[error("the root is refused")]
    Root(#[source] TrustError),
    /// No maker is trusted for this module.
    #[error("no maker is trusted for module `{0}`")]
    Nobody(ModuleId),
    /// The maker's word does not hold.
    #[error("maker `{maker}` does not vouch for it (its keys: {keys})")]
    Refused {
        /// Which maker.
        maker: String,
        /// The keys that may vouch, shortened, and how many of them have to.
        keys: String,
        /// Which check failed, on which file.
        #[source]
        source: TrustError,
    },
}

impl Explain for MakersError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "update::makers::read",
            Self::Damaged { .. } => "update::makers::damaged",
            Self::Write(source) => source.code(),
            Self::Name(_) => "update::makers::bad_argument",
            Self::Known(_) => "update::makers::known",
            Self::Unknown(_) => "update::makers::unknown",
            Self::TooMany => "update::makers::too_many",
            Self::Nobody(_) => "update::makers::nobody",
            Self::Root(source) | Self::Refused { source, .. } => source.code(),
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Nobody(id) => {
                Some(format!("get the maker's root, then: ostoja key trust NAME ROOT --for {id}"))
            }
            Self::Known(name) => Some(format!("ostoja key distrust {name}")),
            Self::Unknown(_) => Some("ostoja key list".to_owned()),
            Self::Damaged { path } => {
                Some(format!("remove `{}` and trust the maker's root again", path.display()))
            }
            Self::Write(source) => source.help(),
            Self::Root(source) | Self::Refused { source, .. } => source.help(),
            Self::Read { .. } | Self::Name(_) | Self::TooMany => None,
        }
    }
}

/// Whom a home trusts.
#[derive(Debug, Clone)]
pub struct Makers {
    folder: PathBuf,
    makers: BTreeMap<String, Maker>,
}

#[derive(Debug, Clone)]
struct Maker {
    /// Empty for every module.
    modules: BTreeSet<ModuleId>,
    trust: Trust,
}

/// A maker's file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    modules: Vec<String>,
    trust: String,
}

/// One maker, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakerRow {
    /// Its name.
    pub name: String,
    /// Modules that it may vouch for; empty for all.
    pub modules: Vec<String>,
    /// The version of its root that is trusted.
    pub root: u64,
    /// Who may vouch for packages.
    pub keys: Vec<PublicKey>,
    /// How many of them have to.
    pub threshold: u64,
}

/// A maker's word for one package, verified and not yet taken over.
#[derive(Debug, Clone)]
pub struct Vouch {
    /// Who gave it.
    pub maker: String,
    /// The keys behind it, shortened, and how many of them have to sign.
    pub keys: String,
    vouched: Vouched,
}

impl Vouch {
    /// Where it stands among the words of its maker: an earlier one is refused after a later one was taken over.
    pub(crate) fn order(&self) -> u64 {
        self.vouched.trust().timestamp_version()
    }
}

impl Makers {
    /// Reads the makers of a home.
    ///
    /// # Errors
    /// `Read` or `Damaged`, which names the file: whom to trust is not guessed.
    pub fn load(home: &Home) -> Result<Self, MakersError> {
        let folder = home.makers();
        let mut makers = Self { folder: folder.clone(), makers: BTreeMap::new() };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(makers),
            entries => entries.map_err(|source| MakersError::Read { path: folder, source })?,
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_maker = path.extension().is_some_and(|ending| ending == ENDING);
            let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| is_maker) else {
                continue;
            };
            let maker = read(&path)?;
            makers.makers.insert(name.to_owned(), maker);
        }
        Ok(makers)
    }

    /// All of them, by name.
    pub fn rows(&self) -> Vec<MakerRow> {
        let row = |(name, maker): (&String, &Maker)| {
            let (keys, threshold) = maker.trust.holders(TrustRole::Targets);
            MakerRow {
                name: name.clone(),
                modules: maker.modules.iter().map(ToString::to_string).collect(),
                root: maker.trust.root_version(),
                keys,
                threshold,
            }
        };
        self.makers.iter().map(row).collect()
    }

    /// Trusts a maker by its root, for these modules, or for all when none is named.
    ///
    /// # Errors
    /// `Name`, `Known`, `TooMany`, `Root`, `Write`.
    pub fn trust(&mut self, name: &str, root: &[u8], modules: BTreeSet<ModuleId>) -> Result<(), MakersError> {
        // A maker's name is a file's name too, and the names of modules are good ones.
        if ModuleId::parse(name).is_err() {
            return Err(MakersError::Name(name.chars().take(60).collect()));
        }
        if self.makers.contains_key(name) {
            return Err(MakersError::Known(name.to_owned()));
        }
        if self.makers.len() >= MAKERS_MAX {
            return Err(MakersError::TooMany);
        }
        let trust = Trust::begin(root).map_err(MakersError::Root)?;
        self.write(name, Maker { modules, trust })
    }

    /// Trusts a maker no longer. What it vouched for stays as it is.
    ///
    /// # Errors
    /// `Unknown`, `Read` when its file can't be removed.
    pub fn distrust(&mut self, name: &str) -> Result<(), MakersError> {
        self.makers.remove(name).ok_or_else(|| MakersError::Unknown(name.to_owned()))?;
        let path = self.path(name);
        fs::remove_file(&path).map_err(|source| MakersError::Read { path, source })
    }

    /// Whose word holds for a package that was opened. Nothing is taken over by this.
    ///
    /// # Errors
    /// `Nobody`; `Refused` with what the last maker asked was refused for.
    pub fn vouch<R: Read>(&self, now: Wall, package: &PackageReader<R>) -> Result<Vouch, MakersError> {
        let module = package.head().module();
        let mut refused = MakersError::Nobody(module.clone());
        let asked = |maker: &Maker| maker.modules.is_empty() || maker.modules.contains(module);
        for (name, maker) in self.makers.iter().filter(|(_, maker)| asked(maker)) {
            let verified = maker.trust.verify(now, package.slice());
            let keys = keys(&maker.trust);
            match verified.and_then(|vouched| vouched.check_package(package).map(|()| vouched)) {
                Ok(vouched) => return Ok(Vouch { maker: name.clone(), keys, vouched }),
                Err(source) => refused = MakersError::Refused { maker: name.clone(), keys, source },
            }
        }
        Err(refused)
    }

    /// Takes over what a maker's word brought: once this returns it is on the disk, and what follows may be done.
    ///
    /// # Errors
    /// `Unknown` when the maker was distrusted meanwhile, `Write`.
    pub fn keep(&mut self, vouch: &Vouch) -> Result<(), MakersError> {
        let known = self.makers.get(&vouch.maker).ok_or_else(|| MakersError::Unknown(vouch.maker.clone()))?;
        let modules = known.modules.clone();
        self.write(&vouch.maker, Maker { modules, trust: vouch.vouched.trust().clone() })
    }

    fn write(&mut self, name: &str, maker: Maker) -> Result<(), MakersError> {
        let wire = Wire {
            modules: maker.modules.iter().map(ToString::to_string).collect(),
            trust: String::from_utf8_lossy(&maker.trust.to_json()).into_owned(),
        };
        let text = serde_json::to_vec_pretty(&wire).expect("plain texts are always JSON");
        make_folder(&self.folder)?;
        write_whole(&self.path(name), &text, MODE).map_err(MakersError::Write)?;
        self.makers.insert(name.to_owned(), maker);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(ENDING)
    }
}

fn make_folder(folder: &Path) -> Result<(), MakersError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| MakersError::Read { path: folder.to_owned(), source })
}

fn read(path: &Path) -> Result<Maker, MakersError> {
    let failed = |source| MakersError::Read { path: path.to_owned(), source };
    let damaged = || MakersError::Damaged { path: path.to_owned() };
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
    let wire: Wire = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let modules: Option<BTreeSet<ModuleId>> =
        wire.modules.iter().map(|module| ModuleId::parse(module).ok()).collect();
    let trust = Trust::parse(wire.trust.as_bytes()).map_err(|_| damaged())?;
    Ok(Maker { modules: modules.ok_or_else(damaged)?, trust })
}

/// The keys that may vouch for packages, as a message shows them.
fn keys(trust: &Trust) -> String {
    let (keys, threshold) = trust.holders(TrustRole::Targets);
    let short: Vec<String> = keys.iter().map(|key| format!("{key:.KEY_DIGITS$}")).collect();
    format!("{}; {threshold} must sign", short.join(", "))
}
