//! A package, looked at: read to its end, every byte compared with what its maker vouches for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use abi::{Explain, ModuleId, Name, Wall};
use protocol::files::manifest::{DoorVersion, Manifest};
use semver::{Version, VersionReq};
use serde::Deserialize;
use update::{Contract, Digests, Facts, Head, PackageError, PackageReader, PackedPath, Strategy};

use super::makers::{Makers, MakersError, Vouch};

/// The module's own description.
pub(crate) const MANIFEST: &str = "module.json";

/// What a module says about its updates; it may be left out.
pub(crate) const DECLARED: &str = "update.json";

/// 1 MiB of either: what is kept of a package in memory while it is looked at.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The file can't be opened.
    #[error("can't open `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The package is not in its one form, or a file in it is not what it says.
    #[error("`{}` is refused", path.display())]
    Package {
        /// The file.
        path: PathBuf,
        /// Which check failed.
        #[source]
        source: PackageError,
    },
    /// Nobody who may vouches for it.
    #[error("`{}` is refused", path.display())]
    Vouch {
        /// The file.
        path: PathBuf,
        /// Whose word was asked, and which check failed.
        #[source]
        source: Box<MakersError>,
    },
    /// Its manifest is none, or is another module's or version's.
    #[error("`{MANIFEST}` in the package is refused: {why}")]
    Manifest {
        /// What is wrong with it.
        why: String,
    },
    /// What it says about its updates can't be understood.
    #[error("`{DECLARED}` in the package is refused")]
    Declared(#[source] DeclaredFlaw),
}

impl Explain for LookError {
    fn code(&self) -> &'static str {
        match self {
            Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "update::look::not_found"
            }
            Self::Open { .. } => "update::look::open",
            Self::Package { source, .. } => source.code(),
            Self::Vouch { source, .. } => source.code(),
            Self::Manifest { .. } => "update::look::manifest",
            Self::Declared(_) => "update::look::declared",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Package { source, .. } => source.help(),
            Self::Vouch { source, .. } => source.help(),
            Self::Open { .. } | Self::Manifest { .. } | Self::Declared(_) => None,
        }
    }
}

/// `update.json`: what a module says about its updates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declared {
    /// What its services promise.
    pub contracts: BTreeMap<Name, Contract>,
    /// Versions of other modules that it works with.
    pub needs: BTreeMap<ModuleId, VersionReq>,
    /// How it wants to become new.
    pub strategy: Option<Strategy>,
    /// Keys of its state that are worth keeping.
    pub state: BTreeSet<String>,
}

/// Why `update.json` can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum DeclaredFlaw {
    /// It is not the JSON that it should be.
    #[error("it is not the JSON that it should be")]
    Json(#[source] serde_json::Error),
    /// A service has a name that is none.
    #[error("`{0}` is no name of a service")]
    Service(String),
    /// A module has a name that is none.
    #[error("`{0}` is no name of a module")]
    Module(String),
    /// A range is none.
    #[error("`{0}` is no range of versions like ^1.2")]
    Range(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    contracts: BTreeMap<String, Contract>,
    #[serde(default)]
    needs: BTreeMap<String, String>,
    #[serde(default)]
    strategy: Option<WireStrategy>,
    #[serde(default)]
    state: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireStrategy {
    Hot,
    Staged,
    Restart,
}

impl Declared {
    /// Reads `update.json`.
    ///
    /// # Errors
    /// `DeclaredFlaw`, which names the part.
    pub fn parse(text: &[u8]) -> Result<Self, DeclaredFlaw> {
        let wire: Wire = serde_json::from_slice(text).map_err(DeclaredFlaw::Json)?;
        let mut declared = Self { state: wire.state, ..Self::default() };
        for (service, contract) in wire.contracts {
            let name = Name::parse(&service).map_err(|_| DeclaredFlaw::Service(short(&service)))?;
            declared.contracts.insert(name, contract);
        }
        for (module, range) in wire.needs {
            let id = ModuleId::parse(&module).map_err(|_| DeclaredFlaw::Module(short(&module)))?;
            let range = VersionReq::parse(&range).map_err(|_| DeclaredFlaw::Range(short(&range)))?;
            declared.needs.insert(id, range);
        }
        declared.strategy = wire.strategy.map(|strategy| match strategy {
            WireStrategy::Hot => Strategy::Hot,
            WireStrategy::Staged => Strategy::Staged,
            WireStrategy::Restart => Strategy::Restart,
        });
        Ok(declared)
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(60).collect()
}

/// A package that holds, as far as can be known without installing it.
#[derive(Debug, Clone)]
pub struct Looked {
    /// What is in it.
    pub head: Head,
    /// Whose word it stands on.
    pub vouch: Vouch,
    /// Its manifest.
    pub manifest: Manifest,
    /// What it says about its updates.
    pub declared: Declared,
    /// The length of the package's file.
    pub packed_bytes: u64,
}

impl Looked {
    /// What a plan needs to know of this version.
    pub fn facts(&self) -> Facts {
        let files = self.head.files().iter();
        let files = files.map(|file| (file.path.clone(), file.digests)).collect();
        facts(self.head.version().clone(), &self.manifest, &self.declared, files)
    }
}

/// What a plan needs to know of a version.
pub(crate) fn facts(
    version: Version,
    manifest: &Manifest,
    declared: &Declared,
    files: BTreeMap<PackedPath, Digests>,
) -> Facts {
    let DoorVersion { major, minor } = manifest.min_protocol_version;
    let promised = |name: &Name| declared.contracts.get(name).cloned().unwrap_or_default();
    let calls = manifest.requires.iter().chain(&manifest.optional_requires);
    let capable = manifest.capabilities.iter().flat_map(|capable| &capable.services);
    Facts {
        version,
        door: (major, minor),
        permissions: manifest.permissions.clone(),
        provides: manifest.provides.iter().map(|name| (name.clone(), promised(name))).collect(),
        calls: calls.chain(capable).cloned().collect(),
        needs: declared.needs.clone(),
        files,
    }
}

/// Looks at a package: who vouches for it, whether every file in it is what it says, and whether it is a module.
///
/// # Errors
/// `LookError`, which names the file, the check, and, where it is about who vouches, the keys.
pub fn look(path: &Path, makers: &Makers, now: Wall) -> Result<Looked, LookError> {
    let package = |source| LookError::Package { path: path.to_owned(), source };
    let opened = |source| LookError::Open { path: path.to_owned(), source };
    let file = File::open(path).map_err(opened)?;
    let packed_bytes = file.metadata().map_err(opened)?.len();
    let mut reader = PackageReader::open(file).map_err(package)?;
    let vouch = makers
        .vouch(now, &reader)
        .map_err(|source| LookError::Vouch { path: path.to_owned(), source: Box::new(source) })?;
    let (mut manifest, mut declared) = (Vec::new(), None);
    while let Some((said, mut source)) = reader.next_file().map_err(package)? {
        let text = match said.path.as_str() {
            MANIFEST => &mut manifest,
            DECLARED => declared.insert(Vec::new()),
            _ => continue,
        };
        // What is wrong with the bytes is said when the file is closed, in the reader's own words.
        let _compared = (&mut source).take(TEXT_BYTES_MAX).read_to_end(text);
    }
    let head = reader.finish().map_err(package)?;
    let manifest = check_manifest(&head, &manifest)?;
    let declared = declared.map(|text| Declared::parse(&text)).transpose().map_err(LookError::Declared)?;
    Ok(Looked { head, vouch, manifest, declared: declared.unwrap_or_default(), packed_bytes })
}

/// The manifest of a package, which has to be that of the module and version that are vouched for.
pub(crate) fn check_manifest(head: &Head, text: &[u8]) -> Result<Manifest, LookError> {
    let refused = |why: String| LookError::Manifest { why };
    let text = std::str::from_utf8(text).map_err(|_| refused("it is no text".to_owned()))?;
    let manifest = Manifest::parse(MANIFEST, text).map_err(|errors| refused(errors.to_string()))?;
    if manifest.id != *head.module() {
        return Err(refused(format!("it is of module `{}`, not `{}`", manifest.id, head.module())));
    }
    match &manifest.version {
        Some(version) if *version != head.version().to_string() => {
            Err(refused(format!("it is of version {version}, not {}", head.version())))
        }
        Some(_) | None => Ok(manifest),
    }
}
