//! A home of the pons kernel: its modules by their folders, with what was approved, and its configuration.

use protocol::files::config::settings::KERNEL_SECTIONS;
use protocol::files::manifest::Manifest;
use protocol::files::node;
use protocol::files::permissions::Store;
use protocol::files::project::Project;
use protocol::files::{Area, FileErrors};
use serde_json::{Map, Value};

use crate::draft::{Draft, Module, Program};
use crate::{Imported, finish};

#[cfg(test)]
mod tests;

/// The texts of a home; who calls has read them.
#[derive(Clone, Default)]
pub struct Texts {
    /// Each folder below `modules` with the text of its `module.json`.
    pub manifests: Vec<(String, String)>,
    /// `config.yaml`.
    pub config: Option<String>,
    /// `permissions.yaml`.
    pub permissions: Option<String>,
}

/// Reads a home; `folder` is its name in errors.
///
/// # Errors
/// What is wrong in `config.yaml` or `permissions.yaml`. A module that can't be used is left out, with the reason.
pub fn import(folder: &str, texts: &Texts) -> Result<Imported, FileErrors> {
    let mut draft = Draft::new(folder.trim_end_matches('/'));
    draft.remarks.add(format!(
        "`ostoja --home {folder} up` runs this home as it is, with approvals and updates; a project is for modules that \
         stand in a repository."
    ));
    let store = match &texts.permissions {
        Some(text) if !text.trim().is_empty() => Store::parse(&format!("{folder}/permissions.yaml"), text)?.0,
        _ => Store::default(),
    };
    for (place, text) in &texts.manifests {
        match Manifest::parse(&format!("modules/{place}/module.json"), text) {
            Ok(manifest) => draft.push(module(place, &manifest, &store)),
            Err(errors) => draft.leave_out(place, errors.first().to_string()),
        }
    }
    if let Some(text) = &texts.config {
        configuration(folder, text, &mut draft)?;
    }
    finish(folder, draft)
}

fn module(place: &str, manifest: &Manifest, store: &Store) -> Module {
    let mut module = Module::new(manifest.id.as_str(), Program::Folder(format!("modules/{place}")));
    match store.modules.get(&manifest.id).filter(|entry| entry.is_approved()) {
        Some(entry) => {
            let effective = entry.effective();
            // The manifest's own wishes count without being repeated.
            if effective != manifest.permissions {
                module.permissions = Some(effective);
            }
            if !entry.denied.is_empty() {
                module
                    .remarks
                    .lost("what was denied to it", "a project grants what stands here and nothing else");
            }
        }
        None => {
            module.autostart = false;
            module
                .remarks
                .add("It was never approved in that home, so it is started by `ostoja start` only.");
        }
    }
    module
}

/// Sections of modules below `config`, the kernel's own as they are.
fn configuration(folder: &str, text: &str, draft: &mut Draft) -> Result<(), FileErrors> {
    let root = node::from_yaml(Area::Config, &format!("{folder}/config.yaml"), text)?;
    let mut sections = Map::new();
    for (key, value) in root.entries() {
        let value = value.to_value();
        if !KERNEL_SECTIONS.contains(&key.text.as_str()) {
            sections.insert(key.text.clone(), value);
        } else if is_understood(&key.text, &value) {
            draft.settings.insert(key.text.clone(), value);
        } else {
            draft
                .remarks
                .lost(&key.text, "a value in it is none that Ostoja takes; see `ostoja config check`");
        }
    }
    if !sections.is_empty() {
        draft.config = Value::Object(sections);
    }
    Ok(())
}

/// Whether a project may say this.
fn is_understood(section: &str, value: &Value) -> bool {
    let mut project = Map::new();
    project.insert("modules".to_owned(), Value::Object(Map::new()));
    project.insert(section.to_owned(), value.clone());
    Project::parse("ostoja.yaml", &Value::Object(project).to_string()).is_ok()
}

impl std::fmt::Debug for Texts {
    /// Names only: configuration may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places: Vec<&str> = self.manifests.iter().map(|(place, _)| place.as_str()).collect();
        f.debug_struct("Texts").field("manifests", &places).finish_non_exhaustive()
    }
}
