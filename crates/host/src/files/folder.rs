//! One module's folder: its manifest, its entry, and everything that can be wrong with them (contract A7).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use abi::{Explain, ModuleId};
use kernel::Spec;
use protocol::files::manifest::{self, Manifest};
use protocol::files::policy::{Policy, Protocol};
use sandbox::Profile;
use serde_json::Value;

use super::blueprint::{self, Blueprint, Origin, Program};
use super::seal::{Covers, Seal};
use super::{read_text, versions};
use crate::runtime::Runtime;

/// The entry of a module that names none; a `.js` twin of it is preferred.
const ENTRY_DEFAULT: &str = "runner.ts";

/// A usable folder.
#[derive(Debug, Clone)]
pub(crate) struct ModuleFolder {
    pub(crate) manifest: Manifest,
    pub(crate) spec: Spec,
    pub(crate) blueprint: Blueprint,
    /// How it talks, where anybody says so.
    pub(crate) protocol: Option<Protocol>,
}

/// Why a folder can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is no module at all: no folder, or without a manifest.
    NoModule,
    /// It is one, and this is wrong with it. The name is the manifest's if it could be read, else the folder's if that
    /// is a name.
    Refused(Option<ModuleId>, String),
}

/// Reads a module's folder. `above` is the policy of a project's entry, which counts first.
///
/// # Errors
/// See [`Unusable`].
pub(crate) fn read(path: &Path, origin: Origin, above: &Policy) -> Result<ModuleFolder, Unusable> {
    let by_name = path.file_name().and_then(|name| ModuleId::parse(&name.to_string_lossy()).ok());
    let refused = |why: String| Unusable::Refused(by_name.clone(), why);
    let folder = path.canonicalize().map_err(|_| Unusable::NoModule)?;
    let file = folder.join("module.json");
    let text = match read_text(&file) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(Unusable::NoModule);
        }
        Err(error) => return Err(refused(format!("`{}` can't be read: {error}", file.display()))),
    };
    let manifest = Manifest::parse(&file.display().to_string(), &text).map_err(|errors| {
        let help = errors.help().map(|help| format!("; {help}")).unwrap_or_default();
        refused(format!("{errors}{help}"))
    })?;
    let refused = |why: String| Unusable::Refused(Some(manifest.id.clone()), why);
    let entry = find_entry(&folder, &manifest).map_err(refused)?;
    let policy = above.clone().over(&manifest.policy);
    let protocol = policy.protocol;
    let is_guest = manifest.runtime == manifest::Runtime::Wasm || blueprint::is_component(&manifest.entry);
    let runtime = if is_guest { Runtime::Wasm } else { Runtime::of_manifest(manifest.runtime) };
    let door = blueprint::door(policy.protocol.unwrap_or(Protocol::Lines), runtime).map_err(refused)?;
    let version = version(&folder, &manifest);
    let mut spec = blueprint::spec_of_manifest(&manifest, version, &policy);
    spec.door = door;
    if is_guest {
        blueprint::make_guest(&mut spec);
    } else {
        blueprint::ask_who_answers(&mut spec);
    }
    // A version's folder is ours and never changes; any other link leads to somebody's workplace.
    let linked =
        fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) && !versions::is_version_link(path);
    let covers = if linked { Covers::Manifest } else { Covers::Tree };
    let deno_config = Some(folder.join("deno.json")).filter(|config| config.is_file());
    let program = match is_guest {
        true => Program::Guest { entry, arguments: Vec::new() },
        false => Program::Entry { entry, deno_config },
    };
    let blueprint = Blueprint {
        id: manifest.id.clone(),
        origin,
        runtime,
        program,
        cwd: folder.clone(),
        door,
        transport: policy.transport.unwrap_or_default(),
        profile: Profile::Contained,
        limits: blueprint::limits(&policy.limits),
        minimum: policy.minimum.unwrap_or_default(),
        entry_deadline: policy.limits.deadline,
        ready: policy.ready.clone().unwrap_or_default(),
        stop: blueprint::stop_signal(policy.stop.signal),
        kept_keys: blueprint::kept_keys(&policy),
        config_key: manifest.config_key.clone(),
        config_schema: manifest.config_schema.as_ref().map(|schema| folder.join(schema)),
        description: manifest.description.clone(),
        commands: manifest.commands.clone(),
        seal: (origin == Origin::Home).then(|| Seal { folder: folder.clone(), covers }),
        folder: Some(folder),
        ..Blueprint::unusable(&manifest.id, origin)
    };
    Ok(ModuleFolder { manifest, spec, blueprint, protocol })
}

/// The version of a `deno.json` beside the manifest counts before the manifest's own.
fn version(folder: &Path, manifest: &Manifest) -> String {
    let text = read_text(&folder.join("deno.json")).ok();
    let value: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
    let from_deno = value.and_then(|value| value.get("version")?.as_str().map(str::to_owned));
    from_deno.or_else(|| manifest.version.clone()).unwrap_or_default()
}

/// The entry's real path, inside the folder.
fn find_entry(folder: &Path, manifest: &Manifest) -> Result<PathBuf, String> {
    let name = manifest.entry.as_str();
    let twin = Path::new(name).with_extension("js");
    let prefers_twin = name == ENTRY_DEFAULT && folder.join(&twin).is_file();
    let entry = if prefers_twin { folder.join(twin) } else { folder.join(name) };
    let real = entry.canonicalize().map_err(|_| format!("entry `{name}` is missing"))?;
    if !real.starts_with(folder) {
        return Err(format!("entry `{name}` lies outside the module's folder"));
    }
    if real.is_file() { Ok(real) } else { Err(format!("entry `{name}` is no file")) }
}

#[cfg(test)]
mod tests;
