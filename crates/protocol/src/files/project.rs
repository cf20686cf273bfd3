//! `ostoja.yaml`: the modules of one project, inline, as compose does it.
//!
//! People type it, so an unknown word is an error that names the nearest valid one.

use std::collections::BTreeMap;
use std::fmt;

use abi::{ModuleId, Name, Permissions};
use serde_json::Value;

use super::FileErrors;
use super::config::Layer;
use super::manifest::Features;
use super::policy::Policy;

/// Where a module's program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// These words, the first a program; never empty. A text with shell characters is `/bin/sh -c <text>`.
    Run(Vec<String>),
    /// A folder with a `module.json`, relative to the project's.
    Folder(String),
}

/// One module of a project.
#[derive(Clone, PartialEq)]
pub struct ProjectModule {
    /// Its name, the key under `modules`.
    pub id: ModuleId,
    /// Its program.
    pub source: Source,
    /// The folder it runs in, relative to the project's.
    pub cwd: Option<String>,
    /// Modules that must be ready before it starts.
    pub needs: Vec<ModuleId>,
    /// Services that it offers.
    pub provides: Vec<Name>,
    /// Services without which it does not start to work.
    pub requires: Vec<Name>,
    /// Services that it can do without.
    pub optional_requires: Vec<Name>,
    /// Topics that it hears.
    pub subscribes: Vec<Name>,
    /// Topics that it speaks on.
    pub publishes: Vec<Name>,
    /// Additions to the module door that it understands.
    pub features: Features,
    /// Variables of its environment. Values may be secrets: `Debug` shows the names only.
    pub env: BTreeMap<String, String>,
    /// Variables that are passed on from the kernel's own environment.
    pub env_pass: Vec<String>,
    /// What it may touch; `None` where nothing is said.
    pub permissions: Option<Permissions>,
    /// Its configuration; `Null` where nothing is said.
    pub config: Value,
    /// Spawn order, lower first; `None` where nothing is said.
    pub priority: Option<i64>,
    /// Whether it is started with the project.
    pub autostart: bool,
    /// How it is kept alive.
    pub policy: Policy,
}

impl fmt::Debug for ProjectModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectModule")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("cwd", &self.cwd)
            .field("needs", &self.needs)
            .field("provides", &self.provides)
            .field("requires", &self.requires)
            .field("optional_requires", &self.optional_requires)
            .field("subscribes", &self.subscribes)
            .field("publishes", &self.publishes)
            .field("features", &self.features)
            .field("env", &self.env.keys())
            .field("env_pass", &self.env_pass)
            .field("permissions", &self.permissions)
            .field("priority", &self.priority)
            .field("autostart", &self.autostart)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A whole `ostoja.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The project's name; without it, its folder's counts.
    pub name: Option<String>,
    /// Its modules, as they stand in the file.
    pub modules: Vec<ProjectModule>,
    /// What else it says, in the shape of `config.yaml`: the sections of `config` and the parts `logging`,
    /// `lifecycle`, `security`, `watchdog`, `machine`. One layer for [`super::config::Config::merge`].
    pub config: Layer,
}

impl Project {
    /// Reads an `ostoja.yaml`; `file` is its name in errors.
    ///
    /// # Errors
    /// Everything that is wrong in it, by place.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileErrors> {
        read::project(file, text)
    }

    /// The module with this name.
    pub fn module(&self, id: &str) -> Option<&ProjectModule> {
        self.modules.iter().find(|module| module.id.as_str() == id)
    }
}

mod needs;
mod read;
#[cfg(test)]
mod tests;
