//! From what a module is allowed to what its process is held to: a pure step, so that it can be read and tested without a process.

use std::path::{Path, PathBuf};

use abi::Permissions;

use crate::broker::Manner;
use crate::confinement::{Access, Confinement, Net, PathRule};
use crate::layer::Layer;
use crate::reach::{Reach, port_of};
use crate::rlimits::Limits;
use crate::seccomp;

pub(crate) mod system;
#[cfg(test)]
mod tests;

use system::Programs;
pub use system::SYSTEM_PATHS;

/// 022, as everywhere: a plain command's files are for others to read too.
const UMASK_OPEN: u32 = 0o022;

/// What the values of `run` begin with that are no programs.
const CALLS_TO_THE_KERNEL: &str = "kernel.";

/// What kind of program it is, as far as containment differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// `deno`.
    Deno,
    /// `node`.
    Node,
    /// `bun`.
    Bun,
    /// `python3`.
    Python,
    /// `php`.
    Php,
    /// The entry itself is a program: Go, Rust, any binary.
    Native,
    /// A command of an `ostoja.yaml`.
    Command,
}

/// How strictly a child is to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// To its permissions, by every layer there is.
    Contained,
    /// To what no service needs: no new rights, bounds, and the system calls that are never right. Files and network stay free.
    Open,
}

/// How hosts that `net` names are told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The child has a network of its own, and a [`crate::broker`] that the launcher provides opens what leads out of it.
    Brokered,
    /// Not at all: it has the machine's network, and its TCP is held to the ports.
    Shared,
}

/// Everything that a confinement follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How strictly it is to be held.
    pub profile: Profile,
    /// What kind of program it is.
    pub runtime: Runtime,
    /// What it was granted. Only `net`, `read`, `write` and `run` matter here; the rest is the host's and the runtime's to keep.
    pub permissions: Permissions,
    /// The module's own folder: readable and executable, and where relative paths of permissions start.
    pub folder: PathBuf,
    /// What `~/` in permissions stands for.
    pub home: PathBuf,
    /// Folders that it may write whatever its permissions say: its private temporary folder, its runtime's cache.
    pub writable: Vec<PathBuf>,
    /// What it may use at most.
    pub limits: Limits,
    /// How the hosts of `net` are told apart.
    pub outside: Outside,
}

impl Request {
    /// A plain command without a `permissions` section: as a system service without file protection.
    pub fn open(folder: &Path, limits: Limits) -> Self {
        Self {
            profile: Profile::Open,
            runtime: Runtime::Command,
            permissions: Permissions::default(),
            folder: folder.to_owned(),
            home: PathBuf::from("/"),
            writable: Vec::new(),
            limits,
            outside: Outside::Shared,
        }
    }

    /// The confinement that follows. The same request gives the same confinement on every machine.
    pub fn to_confinement(&self) -> Confinement {
        match self.profile {
            Profile::Open => self.to_open(),
            Profile::Contained => self.held_to(net(&self.permissions, self.outside)),
        }
    }

    /// The confinement of a life that is observed, whatever its profile: with a network of its own, since it is the broker that tells.
    pub fn to_observed(&self, manner: Manner) -> Confinement {
        let reach = match manner {
            Manner::Held => Reach::of(self.permissions.net.iter().map(String::as_str)),
            Manner::Open => Reach::everywhere(),
        };
        Confinement { observed: Some(manner), ..self.held_to(Net::Places(reach)) }
    }

    fn to_open(&self) -> Confinement {
        Confinement {
            layers: vec![Layer::NoNewPrivs, Layer::Rlimits, Layer::Seccomp],
            paths: Vec::new(),
            programs: Vec::new(),
            inner: None,
            net: Net::Free,
            denials: seccomp::DENIALS.to_vec(),
            groups: None,
            rlimits: self.limits.to_rlimits(),
            umask: UMASK_OPEN,
            observed: None,
        }
    }

    fn held_to(&self, net: Net) -> Confinement {
        let mut denials = seccomp::DENIALS.to_vec();
        denials.extend_from_slice(seccomp::DENIALS_CONTAINED);
        denials.extend_from_slice(match net {
            Net::Denied => seccomp::DENIALS_WITHOUT_NET,
            Net::Free | Net::Ports(_) | Net::Places(_) => seccomp::DENIALS_WITH_NET,
        });
        let mut layers = vec![
            Layer::NoNewPrivs,
            Layer::Capabilities,
            Layer::Rlimits,
            Layer::Seccomp,
            Layer::LandlockFiles,
            Layer::LandlockNet,
            Layer::LandlockScopes,
            Layer::UserNamespace,
            Layer::MountNamespace,
            Layer::PidNamespace,
            Layer::IpcNamespace,
            Layer::UtsNamespace,
        ];
        let programs = self.programs();
        if programs == Programs::Named {
            layers.push(Layer::RunList);
        }
        match net {
            Net::Denied => layers.push(Layer::NetNamespace),
            Net::Places(_) => {
                layers.extend([Layer::NetNamespace, Layer::NetBroker]);
                denials.extend_from_slice(seccomp::DENIALS_BROKERED);
            }
            Net::Free | Net::Ports(_) => {}
        }
        Confinement {
            layers,
            paths: self.paths(programs),
            programs: self.named().cloned().collect(),
            inner: None,
            net,
            denials,
            groups: Some(seccomp::groups(self.runtime)),
            rlimits: self.limits.to_rlimits(),
            umask: Confinement::UMASK,
            observed: None,
        }
    }

    /// Whose programs are named. What a command's shell runs stands in its line and not among its permissions, so it is held to a list
    /// only when it has one.
    fn programs(&self) -> Programs {
        match self.runtime {
            Runtime::Command if self.named().next().is_none() => Programs::All,
            _ => Programs::Named,
        }
    }

    /// The programs among what `run` names; the rest are calls to the kernel.
    fn named(&self) -> impl Iterator<Item = &String> {
        self.permissions.run.iter().filter(|name| !name.starts_with(CALLS_TO_THE_KERNEL))
    }

    fn paths(&self, programs: Programs) -> Vec<PathRule> {
        let mut rules: Vec<PathRule> = system::paths(programs).collect();
        rules.push(PathRule { path: self.folder.clone(), access: Access::ReadExecute });
        let own = |text: &String, access| PathRule { path: self.locate(text), access };
        rules.extend(self.permissions.read.iter().map(|text| own(text, Access::Read)));
        rules.extend(self.permissions.write.iter().map(|text| own(text, Access::Write)));
        let writable = self.writable.iter();
        rules.extend(writable.map(|path| PathRule { path: path.clone(), access: Access::Write }));
        PathRule::merged(rules)
    }

    /// Where a path in a permission points: `~/` is the home, a relative one starts in the module's folder.
    fn locate(&self, text: &str) -> PathBuf {
        match text.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if text == "~" => self.home.clone(),
            None => self.folder.join(text),
        }
    }
}

/// The value that means the whole network, the machine's own with all that listens there.
const WHOLE_NETWORK: &str = "*";

/// Without any `net` value nothing is reachable. Without a broker hosts can't be told apart: when every value names its port, only
/// these ports are.
fn net(permissions: &Permissions, outside: Outside) -> Net {
    if permissions.net.is_empty() {
        return Net::Denied;
    }
    if permissions.net.contains(WHOLE_NETWORK) {
        return Net::Free;
    }
    if outside == Outside::Brokered {
        return Net::Places(Reach::of(permissions.net.iter().map(String::as_str)));
    }
    let ports: Option<Vec<u16>> = permissions.net.iter().map(|value| port_of(value)).collect();
    match ports {
        Some(mut ports) => {
            // Names are resolved over TCP when the answer is long.
            ports.push(53);
            ports.sort_unstable();
            ports.dedup();
            Net::Ports(ports)
        }
        None => Net::Free,
    }
}
