//! The modules of an `ostoja.yaml`. Whoever wrote the file has thereby approved what it asks for: there is no other
//! approval, and none is stored.

use std::path::{Path, PathBuf};

use abi::ModuleId;
use kernel::{Discovered, Door, Grants, Spec};
use protocol::files::FileErrors;
use protocol::files::config::Layer;
use protocol::files::policy::Protocol;
use protocol::files::project::{Project, ProjectModule, Source};
use sandbox::Profile;
use serde_json::{Map, Value};

use super::blueprint::{self, Blueprint, Origin, Program};
use super::discovery::{Found, Search, judge, refused};
use super::folder::{self, Unusable};
use super::read_text;
use super::seal::{HashCache, fingerprint};
use crate::error::HostError;
use crate::run::ProjectSource;
use crate::runtime::Runtime;

#[cfg(test)]
mod tests;

/// A project and the folder that its relative paths start from.
#[derive(Debug, Clone)]
pub(crate) struct ProjectModules {
    folder: PathBuf,
    project: Project,
    origin: Origin,
}

impl ProjectModules {
    /// Reads the file, or takes the value.
    ///
    /// # Errors
    /// The file can't be read or understood.
    pub(crate) fn load(source: &ProjectSource) -> Result<Self, HostError> {
        match source {
            ProjectSource::Inline(project, folder) => {
                Ok(Self::new((**project).clone(), folder, Origin::Project))
            }
            ProjectSource::File(path) => {
                let text =
                    read_text(path).map_err(|source| HostError::Read { path: path.clone(), source })?;
                let project = Project::parse(&path.display().to_string(), &text).map_err(HostError::File)?;
                let folder = path.parent().unwrap_or(Path::new("/"));
                Ok(Self::new(project, folder, Origin::Project))
            }
        }
    }

    /// One module as an operator gave it, under this name.
    ///
    /// # Errors
    /// What is wrong with it, placed as if it stood in a file.
    pub(crate) fn by_hand(id: &ModuleId, module: &Value, folder: &Path) -> Result<Self, FileErrors> {
        let mut modules = Map::new();
        modules.insert(id.to_string(), module.clone());
        let text = serde_json::json!({ "modules": modules }).to_string();
        let project = Project::parse("the command", &text)?;
        Ok(Self::new(project, folder, Origin::Hand))
    }

    fn new(project: Project, folder: &Path, origin: Origin) -> Self {
        Self { folder: folder.to_owned(), project, origin }
    }

    /// The layers of configuration that the project brings: its own settings, and one section per module.
    ///
    /// # Errors
    /// The sections together are more than a file may hold.
    pub(crate) fn layers(&self) -> Result<Vec<Layer>, FileErrors> {
        let mut sections = Map::new();
        for module in self.project.modules.iter().filter(|module| !module.config.is_null()) {
            let key = self.config_key(module);
            sections.insert(key, module.config.clone());
        }
        let text = Value::Object(sections).to_string();
        Ok(vec![self.project.config.clone(), Layer::parse("ostoja.yaml", &text)?])
    }

    /// The section of a module: its manifest's, or the one named as it is.
    fn config_key(&self, module: &ProjectModule) -> String {
        let from_manifest = match &module.source {
            Source::Folder(path) => {
                let read = folder::read(&self.folder.join(path), self.origin, &module.policy).ok();
                read.and_then(|read| read.manifest.config_key)
            }
            Source::Run(_) => None,
        };
        from_manifest.unwrap_or_else(|| module.id.to_string())
    }

    /// Whether the project says what a module may do, so that its manifest does not.
    pub(crate) fn says_permissions_of(&self, id: &ModuleId) -> bool {
        self.project.modules.iter().any(|module| module.id == *id && module.permissions.is_some())
    }

    /// All its modules.
    pub(crate) fn found(&self, search: &Search<'_>, cache: &mut HashCache) -> Vec<Found> {
        self.project.modules.iter().map(|module| self.module(module, search, cache)).collect()
    }

    fn module(&self, module: &ProjectModule, search: &Search<'_>, cache: &mut HashCache) -> Found {
        let cwd = module.cwd.as_ref().map_or_else(|| self.folder.clone(), |cwd| self.folder.join(cwd));
        let mut found = match &module.source {
            Source::Run(words) => self.command(module, words, &cwd, cache),
            Source::Folder(path) => self.folder_module(module, path, search, cache),
        };
        let stored = search.approvals.grants(&module.id);
        let declared = found.discovered.spec.declared.clone();
        found.discovered.grants = Grants { base: Some(declared), ..stored };
        if found.discovered.refused.is_none() && !cwd.is_dir() {
            found.discovered.refused = Some(format!("folder `{}` is not there", cwd.display()));
        }
        found
    }

    fn command(&self, module: &ProjectModule, words: &[String], cwd: &Path, cache: &mut HashCache) -> Found {
        let component = words.first().filter(|program| blueprint::is_component(program));
        // A command says nothing by itself; a component is a module unless somebody says otherwise.
        let (runtime, usual) = match component {
            Some(_) => (Runtime::Wasm, Protocol::Wasm),
            None => (Runtime::Command, Protocol::None),
        };
        let door = match blueprint::door(module.policy.protocol.unwrap_or(usual), runtime) {
            Ok(door) => door,
            Err(why) => return self.refuse(module, why),
        };
        let mut spec = Spec { door, ..Spec::plain(module.id.clone()) };
        spec.priority = blueprint::priority(blueprint::priority_default());
        blueprint::apply_policy(&mut spec, &module.policy);
        overlay(&mut spec, module);
        spec.config_key = Some(module.id.to_string());
        spec.declared = blueprint::declared(module.permissions.as_ref());
        let (program, code) = match component {
            Some(entry) => {
                let entry = cwd.join(entry);
                let code = cache.code_of(&entry);
                (Program::Guest { entry, arguments: words[1..].to_vec() }, code)
            }
            None => (Program::Words(words.to_vec()), 0),
        };
        let mut parts = vec![identity(module), cwd.to_string_lossy().into_owned()];
        if component.is_some() && door == Door::Lines {
            blueprint::make_guest(&mut spec);
        } else {
            spec.features = blueprint::features(module.features);
            blueprint::ask_who_answers(&mut spec);
            // Only a module takes over state: everything else gets a new life with new code.
            parts.push(code.to_string());
        }
        spec.fingerprint = fingerprint(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        let profile = if module.permissions.is_some() { Profile::Contained } else { Profile::Open };
        let mut blueprint = Blueprint {
            runtime,
            program,
            code,
            entry_deadline: module.policy.limits.deadline,
            cwd: cwd.to_owned(),
            env: module.env.clone(),
            env_pass: module.env_pass.clone(),
            door,
            transport: module.policy.transport.unwrap_or_default(),
            profile,
            limits: blueprint::limits(&module.policy.limits),
            minimum: module.policy.minimum.unwrap_or_default(),
            ready: module.policy.ready.clone().unwrap_or_default(),
            stop: blueprint::stop_signal(module.policy.stop.signal),
            kept_keys: blueprint::kept_keys(&module.policy),
            config_key: spec.config_key.clone(),
            ..Blueprint::unusable(&module.id, self.origin)
        };
        blueprint::apply_bridge(&mut spec, &mut blueprint, module.policy.protocol);
        Found { discovered: Discovered { spec, grants: Grants::default(), refused: None }, blueprint }
    }

    /// A module that can't run is still what the project says of it: nobody waits for one that is not to start.
    fn refuse(&self, module: &ProjectModule, why: String) -> Found {
        let mut found = refused(&module.id, self.origin, Grants::default(), why);
        overlay(&mut found.discovered.spec, module);
        found
    }

    fn folder_module(
        &self,
        module: &ProjectModule,
        path: &str,
        search: &Search<'_>,
        cache: &mut HashCache,
    ) -> Found {
        let place = self.folder.join(path);
        let refuse = |why| self.refuse(module, why);
        let mut read = match folder::read(&place, self.origin, &module.policy) {
            Ok(read) => read,
            Err(Unusable::NoModule) => return refuse(format!("`{}` holds no module.json", place.display())),
            Err(Unusable::Refused(_, why)) => return refuse(why),
        };
        read.spec.id = module.id.clone();
        read.blueprint.id = module.id.clone();
        overlay(&mut read.spec, module);
        if let Some(permissions) = &module.permissions {
            read.spec.declared = permissions.clone();
        }
        let own_key = read.spec.config_key.clone();
        read.spec.config_key = own_key.or_else(|| Some(module.id.to_string()));
        read.blueprint.config_key = read.spec.config_key.clone();
        read.blueprint.env = module.env.clone();
        read.blueprint.env_pass = module.env_pass.clone();
        if let Some(cwd) = &module.cwd {
            read.blueprint.cwd = self.folder.join(cwd);
        }
        judge(search, cache, read, &[identity(module)])
    }
}

/// What a project's entry says counts before what the manifest says.
fn overlay(spec: &mut Spec, module: &ProjectModule) {
    spec.needs.clone_from(&module.needs);
    spec.start_at_boot = module.autostart;
    if let Some(priority) = module.priority {
        spec.priority = blueprint::priority(priority);
    }
    let names = [
        (&mut spec.provides, &module.provides),
        (&mut spec.requires, &module.requires),
        (&mut spec.optional_requires, &module.optional_requires),
    ];
    for (target, named) in names {
        if !named.is_empty() {
            target.clone_from(named);
        }
    }
    spec.subscribes.extend(module.subscribes.iter().cloned());
    spec.publishes.extend(module.publishes.iter().cloned());
}

/// Everything about an entry whose change needs a new life. Configuration is none of it: it is told by itself; nor is what it may
/// do, which is acted upon by what changed in it. Whether that is said at all is a part, since a command is held to it only then.
/// Only a hash of this text is ever kept, since it holds the values of the environment.
fn identity(module: &ProjectModule) -> String {
    let told = ProjectModule { permissions: None, ..module.clone() };
    format!("{told:?} {:?} {}", module.env, module.permissions.is_some())
}
