//! The namespaces that a module lives in, built once when its launch is prepared and joined by every life of it.
//!
//! | namespace | how often | why |
//! |---|---|---|
//! | user | once per process of ours | it only says what a number of a user means, the same for all modules |
//! | mount | once per prepared launch, on a ground that is made once per process; every life has a copy | making a view of the files takes many calls, copying it takes one |
//! | net | once per prepared launch, by its first life | an empty one: making it costs more than all others together, and that on a thread of its own where many modules are started |
//! | pid, ipc, uts | every life | nothing of an earlier life may be left |
//!
//! A builder makes them: a child that follows prepared steps, puts descriptors of what it made into our table, and ends. So nothing
//! of this process itself ever changes, whatever its threads do meanwhile.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use crate::confinement::Confinement;
use crate::launch::{Init, LaunchError, Spaces, lifted};
use crate::layer::Layer;
use crate::policy::system::Programs;
use crate::raw::{self, Failure, Handed};
use crate::ruleset::Inside;

mod first;
mod ground;
mod network;
mod plan;
mod trial;
mod users;
mod watch;
mod works;

pub(crate) use first::words;
pub(crate) use works::{Founding, Works, build, found, make_network};

/// Namespaces that are made anew for every life, with the layer that each is.
const FRESH: [(Layer, i32); 3] = [
    (Layer::IpcNamespace, libc::CLONE_NEWIPC),
    (Layer::UtsNamespace, libc::CLONE_NEWUTS),
    (Layer::PidNamespace, libc::CLONE_NEWPID),
];

/// The one that the first life makes for all lives.
const NET: (Layer, i32) = (Layer::NetNamespace, libc::CLONE_NEWNET);

/// What one prepared launch lives in.
#[derive(Debug, Default)]
pub(crate) struct House {
    user: Option<&'static OwnedFd>,
    mounts: Option<OwnedFd>,
    net: Option<OwnedFd>,
    /// The first life that is launched makes the empty network.
    makes_net: bool,
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
        program: Option<BorrowedFd<'a>>,
        argv: &'a raw::Strings<'a>,
    ) -> Option<Spaces<'a>> {
        let init = self.init.map(|init| Init { program: program.unwrap_or(init.as_fd()), argv });
        let spaces = Spaces {
            user: self.user.map(AsFd::as_fd),
            mounts: self.mounts.as_ref().map(AsFd::as_fd),
            net: self.net.as_ref().map(AsFd::as_fd),
            makes_net: self.makes_net && self.net.is_none(),
            own: self.own,
            init,
        };
        let joins = self.user.is_some() || self.mounts.is_some() || self.net.is_some();
        (joins || spaces.makes_net || self.own != 0).then_some(spaces)
    }

    /// Keeps the network that a life has made, for those that come after it. When there is no number left for it, the next life makes
    /// another.
    pub(crate) fn keep_net(&mut self, net: Option<OwnedFd>) {
        if let Some(net) = net {
            self.net = lifted(net).ok();
        }
    }

    /// The file of the first process, for those who put it where the child finds it.
    pub(crate) fn init(&self) -> Option<BorrowedFd<'_>> {
        self.init.map(AsFd::as_fd)
    }
}

/// Builds what the confinement asks for and this machine gives, and does `inside` while the new root can be looked into: it gets a
/// way into it, or nothing when the child will see the machine's own files.
///
/// # Errors
/// Those of `inside`. What can't be built is not an error: it is among [`House::missing`].
pub(crate) fn open<T>(
    confinement: &Confinement,
    cwd: &Path,
    mut inside: impl FnMut(Option<Inside<'_>>) -> Result<T, LaunchError>,
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
    inside: &mut impl FnMut(Option<Inside<'_>>) -> Result<T, LaunchError>,
) -> Result<(House, Result<T, LaunchError>), Refused> {
    let wants = |layer| wanted.contains(&layer);
    let whose = match wants(Layer::UserNamespace) {
        true => Some(users::shared().map_err(|why| (Layer::UserNamespace, why))?),
        false => None,
    };
    let init = match wants(Layer::PidNamespace) {
        true => Some(first::program().map_err(|why| (Layer::PidNamespace, why))?),
        false => None,
    };
    let user = whose.map(AsFd::as_fd);
    let mut stack = raw::Stack::new().map_err(|error| (Layer::MountNamespace, error.to_string()))?;
    trial::each(FRESH.into_iter().chain([NET]).filter(|(layer, _)| wants(*layer)), user, &mut stack)?;
    let programs = if confinement.has(Layer::RunList) { Programs::Named } else { Programs::All };
    let ground = match wants(Layer::MountNamespace) {
        true => Some(ground::shared(programs, user, &mut stack)?),
        false => None,
    };
    let (root, common) =
        match ground.as_deref().map(|ground| ground.bear(confinement.paths(), cwd)).transpose()? {
            Some((root, common)) => (Some(root), common),
            None => (None, None),
        };
    // Without a nanny nobody could hand it over later, and she does not furnish.
    let is_built = wants(Layer::NetNamespace) && (init.is_none() || confinement.has(Layer::NetBroker));
    let net = is_built.then(Handed::empty);
    let furniture = (is_built && confinement.has(Layer::NetBroker)).then(network::furniture);
    let works = Works { user, root, net, furniture, ..Works::default() };
    let built = construct(&works, &mut stack)?;
    let made = inside(built.as_ref().map(|built| Inside {
        entry: built.entry.as_fd(),
        known: common.map_or(&[], |common| &common.files),
    }));
    let own = FRESH.iter().filter(|(layer, _)| wants(*layer)).fold(0, |flags, (_, flag)| flags | flag);
    let copies = if wants(Layer::PidNamespace) || built.is_some() { libc::CLONE_NEWNS } else { 0 };
    let (mounts, mut hidden) = built.map(|built| (built.mounts, built.hidden)).unzip();
    if let (Some(hidden), Some(common)) = (&mut hidden, common) {
        hidden.extend(common.hidden.iter().cloned());
    }
    let net = works.net.as_ref().and_then(Handed::take).map(lifted).transpose();
    let names = works.furniture.as_ref().and_then(|furniture| furniture.names.take()).map(lifted).transpose();
    let house = House {
        names: names.map_err(|error| (Layer::NetNamespace, error.to_string()))?,
        user: whose,
        mounts,
        net: net.map_err(|error| (Layer::NetNamespace, error.to_string()))?,
        makes_net: wants(Layer::NetNamespace) && !is_built,
        own: own | copies,
        init,
        hidden: hidden.unwrap_or_default(),
        missing: Vec::new(),
    };
    if init.is_some() {
        trial::move_in(&house, &mut stack).map_err(|why| (Layer::PidNamespace, why))?;
    }
    Ok((house, made))
}

/// A root that was made.
struct Built {
    mounts: OwnedFd,
    /// The root itself.
    entry: OwnedFd,
    /// Paths that could not be shown.
    hidden: Vec<PathBuf>,
}

/// Has all of it made; gives the root, if there was to be one.
fn construct(works: &Works<'_>, stack: &mut raw::Stack) -> Result<Option<Built>, Refused> {
    let mounts = |why: String| (Layer::MountNamespace, why);
    if works.root.is_none() && works.net.is_none() && works.machine.is_none() {
        return Ok(None);
    }
    match raw::spawn_builder(works, stack) {
        Ok(None) => {}
        Ok(Some(failure)) => return Err(works.blamed(failure)),
        Err(error) => return Err(mounts(format!("no builder: {error}"))),
    }
    let Some(root) = &works.root else { return Ok(None) };
    let (Some(made), Some(entry)) = (root.mounts.take(), root.entry.take()) else {
        return Err(mounts("the builder was ended".to_owned()));
    };
    let hidden = root.steps.iter().filter_map(works::Doing::hidden).collect();
    Ok(Some(Built { mounts: lifted(made).map_err(|error| mounts(error.to_string()))?, entry, hidden }))
}

/// The words of a failure for people.
fn told(what: &str, failure: Failure) -> String {
    format!("{what}: {}", io::Error::from_raw_os_error(failure.errno))
}
