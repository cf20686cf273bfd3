//! A confinement's paths and ports as an open Landlock ruleset, made once and entered by each child.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
};

use crate::confinement::{Access, Confinement};
use crate::launch::LaunchError;
use crate::layer::Layer;
use crate::policy::system;

/// The newest set of file rights that was tried with all runtimes; an older kernel keeps what it knows of them.
const FILES_ABI: ABI = ABI::V5;

/// A ruleset, and the paths that were not there to be allowed.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) fd: OwnedFd,
    pub(crate) skipped: Vec<PathBuf>,
}

/// Opens the ruleset; nothing when the confinement asks for no Landlock layer or the kernel has none. `root` is where the child's
/// own root can be looked into, when it has one: Landlock knows files and not names, and some files are there alone.
pub(crate) fn open(confinement: &Confinement, root: Option<&Path>) -> Result<Option<Opened>, LaunchError> {
    let files = confinement.has(Layer::LandlockFiles);
    let net = confinement.has(Layer::LandlockNet) && confinement.ports().is_some();
    let scopes = confinement.has(Layer::LandlockScopes);
    if !files && !net && !scopes {
        return Ok(None);
    }
    let mut skipped = Vec::new();
    let fd = build(confinement, root, Handled { files, net, scopes }, &mut skipped)
        .map_err(LaunchError::Ruleset)?;
    Ok(fd.map(|fd| Opened { fd, skipped }))
}

/// Which kinds of rules the set is about.
struct Handled {
    files: bool,
    net: bool,
    scopes: bool,
}

fn build(
    confinement: &Confinement,
    root: Option<&Path>,
    handled: Handled,
    skipped: &mut Vec<PathBuf>,
) -> Result<Option<OwnedFd>, landlock::RulesetError> {
    // An older kernel leaves out what it lacks; the probes tell what that is.
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    if handled.files {
        ruleset = ruleset.handle_access(<AccessFs as landlock::Access>::from_all(FILES_ABI))?;
    }
    if handled.net {
        ruleset = ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
    }
    if handled.scopes {
        ruleset = ruleset.scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    }
    let mut created = ruleset.create()?;
    if handled.files {
        created = with_paths(created, confinement, root, skipped)?;
    }
    if let (true, Some(ports)) = (handled.net, confinement.ports()) {
        for port in ports {
            created = created.add_rule(NetPort::new(port, AccessNet::BindTcp | AccessNet::ConnectTcp))?;
        }
    }
    Ok(created.into())
}

fn with_paths(
    mut created: RulesetCreated,
    confinement: &Confinement,
    root: Option<&Path>,
    skipped: &mut Vec<PathBuf>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    if let Some(root) = root {
        for (path, access) in OF_AN_OWN_ROOT {
            if let Ok(fd) = PathFd::new(below(root, Path::new(path))) {
                created = created.add_rule(PathBeneath::new(fd, rights(*access)))?;
            }
        }
    }
    for rule in confinement.paths() {
        let path = root.map_or_else(|| rule.path.clone(), |root| below(root, &rule.path));
        match PathFd::new(path) {
            Ok(fd) => created = created.add_rule(PathBeneath::new(fd, rights(rule.access)))?,
            // No machine has all of the system's paths.
            Err(_) if system::is_one(&rule.path) => {}
            Err(_) => skipped.push(rule.path.clone()),
        }
    }
    Ok(created)
}

/// What a child may do in a root of its own beside its paths. All that is shown there may be read, so the root may: a view of
/// processes that is made for every life anew can be named by no rule, and is reached by that of the root alone.
const OF_AN_OWN_ROOT: &[(&str, Access)] = &[("/", Access::Read), ("/tmp", Access::Write)];

/// The path as seen from outside of the root.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The kernel's rights for one kind of access. For a file the library leaves out those that only folders have.
fn rights(access: Access) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = <AccessFs as landlock::Access>::from_all(FILES_ABI)
        & !(read | AccessFs::Execute | AccessFs::IoctlDev | AccessFs::MakeChar | AccessFs::MakeBlock);
    match access {
        // Landlock asks about files that are run, not about those that are mapped.
        Access::Read | Access::Library => read,
        Access::ReadExecute => read | AccessFs::Execute,
        Access::Write => read | write,
        Access::WriteExecute => read | write | AccessFs::Execute,
        Access::Device => AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev,
    }
}
