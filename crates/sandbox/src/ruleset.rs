//! A confinement's paths and ports as an open Landlock ruleset, made once and entered by each child.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};

use rustix::fs::{Mode, OFlags, ResolveFlags, open as open_at, openat2};

use crate::confinement::{Access, Confinement, PathRule};
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

/// A child's own root, when it has one: Landlock knows files and not names, and some files are there alone.
#[derive(Clone, Copy)]
pub(crate) struct Inside<'a> {
    pub(crate) entry: BorrowedFd<'a>,
    /// What some rules open was opened before, sorted by rule.
    pub(crate) known: &'a [Known],
}

impl<'a> Inside<'a> {
    /// What a rule opens, if it was opened before.
    fn known(self, rule: &PathRule) -> Option<&'a Known> {
        let at = self.known.binary_search_by(|(known, _)| known.cmp(rule));
        at.ok().map(|at| &self.known[at])
    }

    fn knows(self, rule: &PathRule) -> bool {
        self.known(rule).is_some()
    }
}

/// A rule and the file that it opens, if that is there.
pub(crate) type Known = (PathRule, Option<OwnedFd>);

/// Opens what these rules mean in a root. Rules stay in their order.
pub(crate) fn known(rules: &[PathRule], entry: BorrowedFd<'_>) -> Vec<Known> {
    rules.iter().map(|rule| (rule.clone(), find(entry, &rule.path))).collect()
}

/// Opens the ruleset; nothing when the confinement asks for no Landlock layer or the kernel has none.
pub(crate) fn open(
    confinement: &Confinement,
    root: Option<Inside<'_>>,
) -> Result<Option<Opened>, LaunchError> {
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
    root: Option<Inside<'_>>,
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
    root: Option<Inside<'_>>,
    skipped: &mut Vec<PathBuf>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    if let Some(root) = root {
        for (path, access) in OF_AN_OWN_ROOT {
            if let Some(fd) = find(root.entry, Path::new(path)) {
                created = created.add_rule(PathBeneath::new(fd, rights(*access)))?;
            }
        }
    }
    for rule in confinement.paths() {
        if root.is_some_and(|root| rule.access == Access::Read && root.knows(rule)) {
            // That of the root says the same of all that is in there.
            continue;
        }
        let Some(file) = File::of(rule, root) else {
            // No machine has all of the system's paths.
            if !system::is_one(&rule.path) {
                skipped.push(rule.path.clone());
            }
            continue;
        };
        created = created.add_rule(PathBeneath::new(file, rights(rule.access)))?;
    }
    Ok(created)
}

/// The file that a rule opens.
enum File<'a> {
    Known(BorrowedFd<'a>),
    Found(OwnedFd),
}

impl<'a> File<'a> {
    /// Nothing when it is not there.
    fn of(rule: &PathRule, root: Option<Inside<'a>>) -> Option<Self> {
        let Some(root) = root else {
            return open_at(&rule.path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok().map(Self::Found);
        };
        match root.known(rule) {
            Some((_, file)) => file.as_ref().map(|fd| Self::Known(fd.as_fd())),
            None => find(root.entry, &rule.path).map(Self::Found),
        }
    }
}

impl AsFd for File<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Known(fd) => *fd,
            Self::Found(fd) => fd.as_fd(),
        }
    }
}

/// What a child may do in a root of its own beside its paths. All that is shown there may be read, so the root may: a view of
/// processes that is made for every life anew can be named by no rule, and is reached by that of the root alone.
const OF_AN_OWN_ROOT: &[(&str, Access)] = &[("/", Access::Read), ("/tmp", Access::Write)];

/// The file at a path of a root, whose links all lead to somewhere in it.
fn find(entry: BorrowedFd<'_>, path: &Path) -> Option<OwnedFd> {
    let path = path.strip_prefix("/").ok().filter(|path| !path.as_os_str().is_empty());
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    openat2(entry, path.unwrap_or(Path::new(".")), flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()
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
