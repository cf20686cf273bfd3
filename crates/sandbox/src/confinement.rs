//! What one child is held to, as a value: it is printed for people, compared in tests, and turned into system calls by the launcher.

use core::fmt;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::broker::Manner;
use crate::layer::{Layer, Level};
use crate::policy::system::{self, Programs};
use crate::probe::Report;
use crate::reach::Reach;
use crate::rlimits::Rlimit;
use crate::seccomp::{Denial, Group};

#[cfg(test)]
mod tests;

/// What may be done with a path and all beneath it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read files, list folders.
    Read,
    /// As `Read`, and use code in libraries; not run programs.
    Library,
    /// As `Read`, and run programs.
    ReadExecute,
    /// As `Read`, and write, make, remove, rename; not run.
    Write,
    /// All of `ReadExecute` and `Write`.
    WriteExecute,
    /// Read, write and control a device.
    Device,
}

impl Access {
    /// What may be done when both are granted for one path.
    fn union(self, other: Self) -> Self {
        use Access::{Device, Library, Read, ReadExecute, Write, WriteExecute};
        match (self, other) {
            (same, twin) if same == twin => same,
            (Device, _) | (_, Device) => Device,
            (WriteExecute, _) | (_, WriteExecute) | (ReadExecute, Write) | (Write, ReadExecute) => {
                WriteExecute
            }
            (Read, more) | (more, Read) => more,
            (Library, Write) | (Write, Library) => WriteExecute,
            (Library, more) | (more, Library) => more,
            (ReadExecute, ReadExecute) => ReadExecute,
            (Write, Write) => Write,
        }
    }

    /// What [`Access::as_str`] gave.
    pub fn parse(text: &str) -> Option<Self> {
        use Access::{Device, Library, Read, ReadExecute, Write, WriteExecute};
        [Read, Library, ReadExecute, Write, WriteExecute, Device].into_iter().find(|one| one.as_str() == text)
    }

    /// `r--`, `r-l`, `r-x`, `rw-`, `rwx` or `dev`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "r--",
            Self::Library => "r-l",
            Self::ReadExecute => "r-x",
            Self::Write => "rw-",
            Self::WriteExecute => "rwx",
            Self::Device => "dev",
        }
    }
}

/// One path that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathRule {
    /// The file, or the folder with all beneath it.
    pub path: PathBuf,
    /// What may be done there.
    pub access: Access,
}

impl PathRule {
    /// One rule per path, with all that was granted for it, sorted by path.
    pub(crate) fn merged(rules: Vec<Self>) -> Vec<Self> {
        let mut by_path: BTreeMap<PathBuf, Access> = BTreeMap::new();
        for rule in rules {
            by_path
                .entry(rule.path)
                .and_modify(|access| *access = access.union(rule.access))
                .or_insert(rule.access);
        }
        by_path.into_iter().map(|(path, access)| Self { path, access }).collect()
    }
}

/// What may be done over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Net {
    /// Everything.
    Free,
    /// TCP on these ports only, sorted; UDP is free.
    Ports(Vec<u16>),
    /// TCP to these places only, each opened by the broker; of UDP the questions for their names.
    Places(Reach),
    /// No internet socket at all.
    Denied,
}

/// What one child is held to. Immutable: a change is a new value and a new launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    pub(crate) layers: Vec<Layer>,
    pub(crate) paths: Vec<PathRule>,
    /// Names of programs that may be run, found when the launch is prepared; they count with [`Layer::RunList`].
    pub(crate) programs: Vec<String>,
    /// The name of a program that the child starts as the other half of itself; it may always be run.
    pub(crate) inner: Option<String>,
    pub(crate) net: Net,
    pub(crate) denials: Vec<Denial>,
    pub(crate) groups: Option<Vec<&'static Group>>,
    pub(crate) rlimits: Vec<Rlimit>,
    pub(crate) umask: u32,
    /// Whether, and how, everything that it wants is told to whoever answers its calls.
    pub(crate) observed: Option<Manner>,
}

/// The layers that stand between a child and the machine's files and places.
const HIDING: [Layer; 4] = [Layer::LandlockFiles, Layer::LandlockNet, Layer::MountNamespace, Layer::RunList];

impl Confinement {
    /// 077: what a module writes is its user's alone.
    pub(crate) const UMASK: u32 = 0o077;

    /// Nothing at all: for measurements and for tests that show what a layer takes away.
    pub fn none() -> Self {
        Self {
            layers: Vec::new(),
            paths: Vec::new(),
            programs: Vec::new(),
            inner: None,
            net: Net::Free,
            denials: Vec::new(),
            groups: None,
            rlimits: Vec::new(),
            umask: Self::UMASK,
            observed: None,
        }
    }

    /// The same for a child that starts this program as the other half of itself.
    #[must_use]
    pub fn with_inner(mut self, program: &str) -> Self {
        self.inner = Some(program.to_owned());
        self
    }

    /// Takes away what would refuse files, programs and places to a child that is observed in the open. Its rules stay, to be judged by.
    pub(crate) fn open_when_observed(&mut self) {
        if self.observed == Some(Manner::Open) {
            self.layers.retain(|layer| !HIDING.contains(layer));
        }
    }

    /// The same with one layer taken out, to show what it is that stops an act.
    #[must_use]
    pub fn without(mut self, layer: Layer) -> Self {
        if layer == Layer::RunList && self.has(layer) {
            let rules = self.paths.into_iter().filter(|rule| !system::is_one(&rule.path));
            self.paths = PathRule::merged(rules.chain(system::paths(Programs::All)).collect());
        }
        self.layers.retain(|kept| *kept != layer);
        self
    }

    /// Whether it asks for this layer.
    pub fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }

    /// How everything that it wants is told, if it is.
    pub fn observed(&self) -> Option<Manner> {
        self.observed
    }

    /// The paths that are allowed, sorted; empty when files are free.
    pub fn paths(&self) -> &[PathRule] {
        &self.paths
    }

    /// What may be done over the network.
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The system calls that are refused.
    pub fn denials(&self) -> &[Denial] {
        &self.denials
    }

    /// The system calls that are let through; nothing when all are that are not refused.
    pub fn groups(&self) -> Option<&[&'static Group]> {
        self.groups.as_deref()
    }

    /// The bounds that are set.
    pub fn rlimits(&self) -> &[Rlimit] {
        &self.rlimits
    }

    /// How much of it stands on a machine with these proofs. A weak layer does not count as standing; a layer that would
    /// change nothing for what was granted is not asked for.
    pub fn level(&self, report: &Report) -> Level {
        let counts = |layer| !(self.is_contained() && self.is_needless(layer));
        Level::among(counts, |layer| {
            let wanted = self.has(layer) || layer == Layer::CgroupKill;
            wanted && report.proof(layer).is_works()
        })
    }

    /// The ports that Landlock holds TCP to, sorted; nothing when all are free.
    pub(crate) fn ports(&self) -> Option<Vec<u16>> {
        match &self.net {
            Net::Free => None,
            Net::Denied => Some(Vec::new()),
            Net::Ports(ports) => Some(ports.clone()),
            Net::Places(reach) => reach.ports(),
        }
    }

    /// Whether it is the kind that is to be held by every layer there is.
    fn is_contained(&self) -> bool {
        self.has(Layer::LandlockFiles) || self.has(Layer::MountNamespace)
    }

    /// Whether a layer could take nothing from a child with these grants.
    fn is_needless(&self, layer: Layer) -> bool {
        match layer {
            Layer::LandlockNet => self.ports().is_none(),
            // Who was granted the whole network has nothing that these could take.
            Layer::NetNamespace => self.net == Net::Free,
            Layer::NetBroker => matches!(self.net, Net::Denied | Net::Free),
            _ => false,
        }
    }
}

impl fmt::Display for Confinement {
    /// One line per rule, the layers first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<&str> = self.layers.iter().map(|layer| layer.as_str()).collect();
        writeln!(f, "layers  {}", if layers.is_empty() { "none".to_owned() } else { layers.join(", ") })?;
        if self.has(Layer::LandlockFiles) {
            for rule in &self.paths {
                writeln!(f, "path    {} {}", rule.access.as_str(), rule.path.display())?;
            }
        } else {
            writeln!(f, "path    all")?;
        }
        match &self.net {
            Net::Free => writeln!(f, "net     all")?,
            Net::Denied => writeln!(f, "net     none")?,
            Net::Ports(ports) => {
                let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                writeln!(f, "net     tcp {}, udp all", ports.join(" "))?;
            }
            Net::Places(reach) => writeln!(f, "net     {reach}")?,
        }
        match self.observed {
            None => {}
            Some(Manner::Held) => writeln!(f, "watched all that it wants is told")?,
            Some(Manner::Open) => writeln!(f, "watched all that it wants is told, and none of it refused")?,
        }
        for rlimit in &self.rlimits {
            writeln!(f, "limit   {rlimit}")?;
        }
        writeln!(f, "umask   {:03o}", self.umask)?;
        if let Some(groups) = &self.groups {
            let count: usize = groups.iter().map(|group| group.calls().count()).sum();
            let names: Vec<&str> = groups.iter().map(|group| group.name).collect();
            writeln!(f, "calls   {count}: {}", names.join(", "))?;
        }
        writeln!(f, "denied  {} system calls", self.denials.len())
    }
}
