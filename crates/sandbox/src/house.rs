//! The namespaces that a module lives in, built once when its launch is prepared and joined by every life of it.
//!
//! | namespace | how often | why |
//! |---|---|---|
//! | user | once per process of ours | it only says what a number of a user means, the same for all modules |
//! | mount | once per prepared launch; every life has a copy | making a view of the files takes many calls, copying it takes one |
//! | net | once per prepared launch | an empty one: making it costs more than all others together |
//! | pid, ipc, uts | every life | nothing of an earlier life may be left |
//!
//! A builder makes them: a child that follows prepared steps and then stays until we hold descriptors of what it made. So nothing of
//! this process itself ever changes, whatever its threads do meanwhile.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::confinement::Confinement;
use crate::launch::{FDS_FROM, Init, LaunchError, Spaces};
use crate::layer::Layer;
use crate::raw::{self, Failure};

mod first;
mod network;
mod plan;
mod trial;
mod users;
mod works;

pub(crate) use first::words;
pub(crate) use works::{Works, build};

/// Namespaces that are made anew for every life, with the layer that each is.
const FRESH: [(Layer, i32); 3] = [
    (Layer::IpcNamespace, libc::CLONE_NEWIPC),
    (Layer::UtsNamespace, libc::CLONE_NEWUTS),
    (Layer::PidNamespace, libc::CLONE_NEWPID),
];

/// What one prepared launch lives in.
#[derive(Debug, Default)]
pub(crate) struct House {
    user: Option<&'static OwnedFd>,
    mounts: Option<OwnedFd>,
    net: Option<OwnedFd>,
    own: i32,
    init: Option<&'static OwnedFd>,
    /// The socket at which names are asked for, in a network that is furnished.
    pub(crate) names: Option<OwnedFd>,
    /// Paths that could not be shown in it.
    pub(crate) hidden: Vec<PathBuf>,
    /// Layers that this machine did not give, and why.
    pub(crate) missing: Vec<(Layer, String)>,
}

impl House {
    /// What a child needs to move in. `program` is where it finds the first process's file, if there is one.
    pub(crate) fn spaces<'a>(
        &'a self,
        program: Option<std::os::fd::BorrowedFd<'a>>,
        argv: &'a raw::Strings<'a>,
    ) -> Option<Spaces<'a>> {
        let init = self.init.map(|init| Init { program: program.unwrap_or(init.as_fd()), argv });
        let spaces = Spaces {
            user: self.user.map(AsFd::as_fd),
            mounts: self.mounts.as_ref().map(AsFd::as_fd),
            net: self.net.as_ref().map(AsFd::as_fd),
            own: self.own,
            init,
        };
        let any = self.user.is_some() || self.mounts.is_some() || self.net.is_some() || self.own != 0;
        any.then_some(spaces)
    }

    /// The file of the first process, for those who put it where the child finds it.
    pub(crate) fn init(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.init.map(AsFd::as_fd)
    }
}

/// Builds what the confinement asks for and this machine gives, and does `inside` while the new root can be looked into: it gets a
/// path to it, or nothing when the child will see the machine's own files.
///
/// # Errors
/// Those of `inside`. What can't be built is not an error: it is among [`House::missing`].
pub(crate) fn open<T>(
    confinement: &Confinement,
    cwd: &Path,
    mut inside: impl FnMut(Option<&Path>) -> Result<T, LaunchError>,
) -> Result<(House, T), LaunchError> {
    let asked = |layer: &Layer| layer.is_namespace() && confinement.has(*layer);
    let mut wanted: Vec<Layer> = Layer::ALL.into_iter().filter(asked).collect();
    let mut missing = Vec::new();
    // Each turn gives up at least one layer.
    while !wanted.is_empty() {
        match attempt(confinement, cwd, &wanted, &mut inside) {
            Ok((house, made)) => return Ok((House { missing, ..house }, made?)),
            Err((layer, why)) => give_up(&mut wanted, &mut missing, layer, &why),
        }
    }
    Ok((House { missing, ..House::default() }, inside(None)?))
}

/// Without a namespace of users, who is not root has none of the others.
fn give_up(wanted: &mut Vec<Layer>, missing: &mut Vec<(Layer, String)>, layer: Layer, why: &str) {
    let all = layer == Layer::UserNamespace && !rustix::process::geteuid().is_root();
    let layer = if wanted.contains(&layer) { layer } else { wanted[0] };
    missing.extend(wanted.iter().filter(|one| all || **one == layer).map(|one| (*one, why.to_owned())));
    wanted.retain(|one| !all && *one != layer);
}

/// The layer that failed, and why.
type Refused = (Layer, String);

fn attempt<T>(
    confinement: &Confinement,
    cwd: &Path,
    wanted: &[Layer],
    inside: &mut impl FnMut(Option<&Path>) -> Result<T, LaunchError>,
) -> Result<(House, Result<T, LaunchError>), Refused> {
    let wants = |layer| wanted.contains(&layer);
    let user = match wants(Layer::UserNamespace) {
        true => Some(users::shared().map_err(|why| (Layer::UserNamespace, why))?),
        false => None,
    };
    let init = match wants(Layer::PidNamespace) {
        true => Some(first::program().map_err(|why| (Layer::PidNamespace, why))?),
        false => None,
    };
    let own = FRESH.iter().filter(|(layer, _)| wants(*layer)).fold(0, |flags, (_, flag)| flags | flag);
    let plan = wants(Layer::MountNamespace).then(|| plan::of(confinement.paths(), cwd)).flatten();
    if wants(Layer::MountNamespace) && plan.is_none() {
        return Err((Layer::MountNamespace, "it may use all files of the machine".to_owned()));
    }
    let steps = plan.map(|plan| plan.steps).unwrap_or_default();
    let argv = words();
    let works = Works {
        user: user.map(AsFd::as_fd),
        try_out: own,
        net: wants(Layer::NetNamespace),
        furniture: if confinement.has(Layer::NetBroker) { network::furniture() } else { Vec::new() },
        missed: steps.iter().map(|_| AtomicBool::new(false)).collect(),
        steps,
        program: first::program().map_err(|why| (Layer::MountNamespace, why))?.as_fd(),
        argv: &argv,
    };
    let mut stack = raw::Stack::new().map_err(|error| (Layer::MountNamespace, error.to_string()))?;
    let builder = Builder::of(&works, &mut stack)?;
    let held = |layer, name: &str| builder.namespace(name).map_err(|error| (layer, error.to_string()));
    let mounts = if works.steps.is_empty() { None } else { Some(held(Layer::MountNamespace, "mnt")?) };
    let net = if works.net { Some(held(Layer::NetNamespace, "net")?) } else { None };
    let names = (works.net && !works.furniture.is_empty()).then(|| builder.names()).transpose();
    let names = names.map_err(|error| (Layer::NetNamespace, error.to_string()))?;
    let made = inside(mounts.as_ref().map(|_| builder.root()).as_deref());
    let copies = if wants(Layer::PidNamespace) || mounts.is_some() { libc::CLONE_NEWNS } else { 0 };
    let hidden = works.hidden();
    drop(builder);
    let house = House { user, mounts, net, own: own | copies, init, names, hidden, missing: Vec::new() };
    if init.is_some() {
        trial::move_in(&house, &mut stack).map_err(|why| (Layer::PidNamespace, why))?;
    }
    Ok((house, made))
}

impl Works<'_> {
    /// What was to be shown and could not be.
    fn hidden(&self) -> Vec<PathBuf> {
        let missed = self.steps.iter().zip(&self.missed).filter(|(_, missed)| missed.load(Ordering::Relaxed));
        missed.filter_map(|(step, _)| step.shown()).collect()
    }
}

/// A builder that has built, and waits to be looked at. It is ended when this value is dropped.
struct Builder {
    pid: u32,
    pidfd: OwnedFd,
}

impl Builder {
    fn of(works: &Works<'_>, stack: &mut raw::Stack) -> Result<Self, Refused> {
        let born = raw::spawn_builder(works, stack)
            .map_err(|error| (Layer::MountNamespace, format!("no builder: {error}")))?;
        let builder = Self { pid: born.pid, pidfd: born.pidfd };
        match born.failure {
            None => Ok(builder),
            Some(failure) => Err(works.blamed(failure)),
        }
    }

    fn namespace(&self, name: &str) -> io::Result<OwnedFd> {
        let file = File::open(format!("/proc/{}/ns/{name}", self.pid))?;
        Ok(rustix::io::fcntl_dupfd_cloexec(&file, FDS_FROM)?)
    }

    /// The socket that it has opened in its network.
    fn names(&self) -> io::Result<OwnedFd> {
        let copied = raw::watch::copy_of(self.pidfd.as_fd(), works::NAMES_AT);
        let copied = copied.map_err(io::Error::from_raw_os_error)?;
        Ok(rustix::io::fcntl_dupfd_cloexec(&copied, FDS_FROM)?)
    }

    fn root(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.pid))
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // It may have ended by itself; another thread that reaps strangers may have been quicker.
        let _ = raw::pidfd_signal(self.pidfd.as_fd(), libc::SIGKILL);
        let _ = crate::reap::wait(self.pidfd.as_fd());
    }
}

/// The words of a failure for people.
fn told(what: &str, failure: Failure) -> String {
    format!("{what}: {}", io::Error::from_raw_os_error(failure.errno))
}
