//! The plan of an update: all that can be known before anything is done, as one value. What it says is shown to a person;
//! what it refuses is not done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use abi::{ModuleId, Name, Permissions};
use semver::{Version, VersionReq};

use crate::contract::{Breach, Contract, breaches};
use crate::digest::Digests;
use crate::package::PackedPath;

/// How a module becomes new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Now, new beside old, by one change of the routes.
    Hot,
    /// When it is next started.
    Staged,
    /// Now, by stopping and starting it.
    Restart,
}

/// What is known of one version of a module.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Which version.
    pub version: Version,
    /// The version of the module door that it needs: major, minor.
    pub door: (u32, u32),
    /// What it asks for.
    pub permissions: Permissions,
    /// The services it answers, with what they promise; an empty contract promises nothing that could be compared.
    pub provides: BTreeMap<Name, Contract>,
    /// The services it calls.
    pub calls: BTreeSet<Name>,
    /// Versions of other modules that it works with.
    pub needs: BTreeMap<ModuleId, VersionReq>,
    /// Its files.
    pub files: BTreeMap<PackedPath, Digests>,
}

/// One module's part of what is wished.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The version that it is to have.
    pub facts: Facts,
    /// How it is to become new.
    pub strategy: Strategy,
    /// Bytes that the depot would store for it.
    pub stored_bytes: u64,
    /// How long it is expected to be away; zero where nothing is.
    pub pause: Duration,
    /// Keys of its state that are kept before, as declared; nothing if it has none.
    pub state: BTreeSet<String>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The modules as they are.
    pub present: &'a BTreeMap<ModuleId, Facts>,
    /// What is wished; one transaction.
    pub wished: &'a BTreeMap<ModuleId, Wish>,
    /// The version of the module door that this program speaks.
    pub door: (u32, u32),
    /// Who was seen calling which service, beyond what is declared.
    pub seen: &'a BTreeMap<Name, BTreeSet<ModuleId>>,
}

/// Which files differ between two versions, and by how many bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChanges {
    /// New ones.
    pub added: Vec<PackedPath>,
    /// Those whose bytes differ.
    pub changed: Vec<PackedPath>,
    /// Those that are gone.
    pub removed: Vec<PackedPath>,
    /// Files that stay as they are.
    pub same: usize,
    /// Bytes of what is added or changed.
    pub bytes: u64,
}

/// Why it is known that a module calls a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Its manifest says so.
    Declared,
    /// It was seen.
    Seen,
}

/// A module that notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Which one.
    pub module: ModuleId,
    /// The services that it calls of the module that changes, and why that is known.
    pub services: BTreeMap<Name, Source>,
}

/// What happens to one module.
#[derive(Debug, Clone, PartialEq)]
pub struct ModulePlan {
    /// The version now; nothing for a module that is new.
    pub from: Option<Version>,
    /// The version then.
    pub to: Version,
    /// How.
    pub strategy: Strategy,
    /// Its files.
    pub files: FileChanges,
    /// Bytes that the depot stores.
    pub stored_bytes: u64,
    /// What it asks for that it did not have.
    pub asks: Permissions,
    /// What it had and no longer asks for.
    pub leaves: Permissions,
    /// Who calls it.
    pub affected: Vec<Affected>,
    /// How long they wait.
    pub pause: Duration,
    /// What of its state is kept before.
    pub keeps: BTreeSet<String>,
}

/// Something that a person has to know before it is done; none of it happens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The module asks for more than it was given.
    Permissions(ModuleId),
    /// The version is older than the one that runs.
    Downgrade(ModuleId),
    /// The version is the one that runs, with other files.
    SameVersion(ModuleId),
    /// A promise can't be compared, or is broken where nobody is known to rely on it.
    Contract(ModuleId, Name, Breach),
}

/// Why it is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It needs a module door that this program does not speak.
    Door(ModuleId, (u32, u32)),
    /// A module would not have a version that another one works with.
    Version {
        /// Who needs it.
        module: ModuleId,
        /// Of whom.
        of: ModuleId,
        /// Which versions.
        range: VersionReq,
        /// What it would be; nothing if it is not there.
        found: Option<Version>,
    },
    /// A service would be gone that somebody calls.
    ServiceLost {
        /// Whose it was.
        module: ModuleId,
        /// Which one.
        service: Name,
        /// Who calls it.
        callers: Vec<ModuleId>,
    },
    /// A promise would be broken on which somebody relies.
    Contract {
        /// Whose it was.
        module: ModuleId,
        /// Of which service.
        service: Name,
        /// What is no longer kept.
        breach: Breach,
        /// Who calls the service.
        callers: Vec<ModuleId>,
    },
}

/// All that is known before.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// By module.
    pub modules: BTreeMap<ModuleId, ModulePlan>,
    /// What a person has to agree to.
    pub doubts: Vec<Doubt>,
    /// Why it can't be done; with none of these it can.
    pub obstacles: Vec<Obstacle>,
}

/// Makes the plan; the same question always gives the same plan.
pub fn plan(question: &Question<'_>) -> Plan {
    let mut plan = Plan { modules: BTreeMap::new(), doubts: Vec::new(), obstacles: Vec::new() };
    for (module, wish) in question.wished {
        let before = question.present.get(module);
        let affected = affected(question, module);
        plan.modules.insert(module.clone(), module_plan(before, wish, affected));
        plan.doubts.extend(doubts(module, before, wish));
        // A minor version only adds.
        let (door, ours) = (wish.facts.door, question.door);
        if door.0 != ours.0 || door.1 > ours.1 {
            plan.obstacles.push(Obstacle::Door(module.clone(), door));
        }
        if let Some(before) = before {
            check_promises(question, module, before, &wish.facts, &mut plan);
        }
    }
    plan.obstacles.extend(versions(question));
    plan
}

fn module_plan(before: Option<&Facts>, wish: &Wish, affected: Vec<Affected>) -> ModulePlan {
    let (nothing, no_files) = (Permissions::default(), BTreeMap::new());
    let had = before.map_or(&nothing, |before| &before.permissions);
    let files = before.map_or(&no_files, |before| &before.files);
    ModulePlan {
        from: before.map(|before| before.version.clone()),
        to: wish.facts.version.clone(),
        strategy: wish.strategy,
        files: file_changes(files, &wish.facts.files),
        stored_bytes: wish.stored_bytes,
        asks: wish.facts.permissions.minus(had),
        leaves: had.minus(&wish.facts.permissions),
        affected,
        pause: wish.pause,
        keeps: wish.state.clone(),
    }
}

fn file_changes(
    before: &BTreeMap<PackedPath, Digests>,
    after: &BTreeMap<PackedPath, Digests>,
) -> FileChanges {
    let mut changes = FileChanges::default();
    for (path, digests) in after {
        match before.get(path) {
            Some(old) if old == digests => {
                changes.same += 1;
                continue;
            }
            Some(_) => changes.changed.push(path.clone()),
            None => changes.added.push(path.clone()),
        }
        changes.bytes = changes.bytes.saturating_add(digests.bytes);
    }
    changes.removed = before.keys().filter(|path| !after.contains_key(*path)).cloned().collect();
    changes
}

fn doubts(module: &ModuleId, before: Option<&Facts>, wish: &Wish) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let nothing = Permissions::default();
    let had = before.map_or(&nothing, |before| &before.permissions);
    if !wish.facts.permissions.is_subset(had) {
        doubts.push(Doubt::Permissions(module.clone()));
    }
    if let Some(before) = before {
        if wish.facts.version < before.version {
            doubts.push(Doubt::Downgrade(module.clone()));
        } else if wish.facts.version == before.version && wish.facts.files != before.files {
            doubts.push(Doubt::SameVersion(module.clone()));
        }
    }
    doubts
}

/// Who calls the services of a module, other than those that change with it or are it.
fn affected(question: &Question<'_>, module: &ModuleId) -> Vec<Affected> {
    let Some(before) = question.present.get(module) else { return Vec::new() };
    let mut affected: BTreeMap<ModuleId, BTreeMap<Name, Source>> = BTreeMap::new();
    for service in before.provides.keys() {
        for (caller, source) in callers(question, service) {
            if caller != *module {
                affected.entry(caller).or_default().insert(service.clone(), source);
            }
        }
    }
    affected.into_iter().map(|(module, services)| Affected { module, services }).collect()
}

/// Who calls a service after the update: by its new manifest, if it changes too, or because it was seen.
fn callers(question: &Question<'_>, service: &Name) -> BTreeMap<ModuleId, Source> {
    let mut callers = BTreeMap::new();
    for seen in question.seen.get(service).into_iter().flatten() {
        callers.insert(seen.clone(), Source::Seen);
    }
    for (module, facts) in after(question) {
        if facts.calls.contains(service) {
            callers.insert(module.clone(), Source::Declared);
        } else if question.wished.contains_key(module) {
            // What was seen of its old version says nothing of the new one.
            callers.remove(module);
        }
    }
    callers
}

/// The modules as they would be.
fn after<'a>(question: &Question<'a>) -> BTreeMap<&'a ModuleId, &'a Facts> {
    let mut after: BTreeMap<&ModuleId, &Facts> = question.present.iter().collect();
    after.extend(question.wished.iter().map(|(module, wish)| (module, &wish.facts)));
    after
}

/// Services that would be gone, and promises that would be broken.
fn check_promises(question: &Question<'_>, module: &ModuleId, before: &Facts, now: &Facts, plan: &mut Plan) {
    for (service, promised) in &before.provides {
        let mut callers: Vec<ModuleId> = callers(question, service).into_keys().collect();
        callers.retain(|caller| caller != module);
        let Some(contract) = now.provides.get(service) else {
            let elsewhere = after(question).values().any(|facts| facts.provides.contains_key(service));
            if !callers.is_empty() && !elsewhere {
                let (module, service) = (module.clone(), service.clone());
                plan.obstacles.push(Obstacle::ServiceLost { module, service, callers });
            }
            continue;
        };
        for breach in breaches(promised, contract) {
            let (module, service) = (module.clone(), service.clone());
            if callers.is_empty() || matches!(breach, Breach::Unclear { .. }) {
                plan.doubts.push(Doubt::Contract(module, service, breach));
            } else {
                let callers = callers.clone();
                plan.obstacles.push(Obstacle::Contract { module, service, breach, callers });
            }
        }
    }
}

/// Versions that would not fit each other. What does not fit already, and is not touched, is not the update's fault.
fn versions(question: &Question<'_>) -> Vec<Obstacle> {
    let after = after(question);
    let mut obstacles = Vec::new();
    for (module, facts) in &after {
        for (of, range) in &facts.needs {
            if !question.wished.contains_key(*module) && !question.wished.contains_key(of) {
                continue;
            }
            let found = after.get(of).map(|facts| facts.version.clone());
            if !found.as_ref().is_some_and(|version| range.matches(version)) {
                let (module, of) = ((*module).clone(), of.clone());
                obstacles.push(Obstacle::Version { module, of, range: range.clone(), found });
            }
        }
    }
    obstacles
}

#[cfg(test)]
mod tests;
