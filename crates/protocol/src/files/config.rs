//! `config.yaml` and `config.d/*.yaml`: the kernel's own settings and one section per module.
//!
//! Each file is a [`Layer`]. [`Config::merge`] lays one over the other: a later one wins, maps merge, lists and scalars
//! replace. Where a value came from stays known. Invalid YAML is an error and leaves it to the caller to keep what was
//! there before; an invalid setting falls back to its default with a warning.
//!
//! Values may be secrets: `Debug` of these types shows no value.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::fault::{Area, FileError, FileErrors, Position};
use super::node::{self, Key, Kind, Node};
use super::reader::Reader;
use crate::operator::ConfigEntry;

mod edit;
mod entries;
mod path;
pub mod settings;

pub use edit::{EditError, set_in_text, unset_in_text};
pub use entries::DEFAULT_ORIGIN;
pub use path::{PathError, Removed, coerce, get, set, unset};
pub use settings::Settings;

#[cfg(test)]
mod tests;

/// One file's part of the configuration.
#[derive(Clone, PartialEq)]
pub struct Layer {
    /// Invariant: a map.
    root: Node,
}

impl Layer {
    /// Reads one file; `file` is its name in errors and origins. An empty file is an empty layer.
    ///
    /// # Errors
    /// The file is not YAML, or no map.
    pub fn parse(file: &str, text: &str) -> Result<Self, FileErrors> {
        let root = node::from_yaml(Area::Config, file, text)?;
        let mut reader = Reader::new(Area::Config);
        let is_map = reader.map("the file", &root).is_some();
        FileErrors::check(reader.errors, is_map.then_some(Self { root }))
    }

    /// A layer that says nothing.
    pub fn empty(file: &str) -> Self {
        Self { root: Node::empty_map(file) }
    }

    /// The names of its sections, as they stand.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.root.entries().iter().map(|(key, _)| key.text.as_str())
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }

    pub(super) fn add_sections(&mut self, map: &Node) {
        for (key, section) in map.entries() {
            self.add_section(key, section);
        }
    }

    pub(super) fn add_section(&mut self, key: &Key, section: &Node) {
        lay_entry(&mut self.root, key, section);
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.sections()).finish()
    }
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as its layer was named.
    pub file: String,
    /// The place in it.
    pub at: Position,
}

/// The configuration as it holds.
#[derive(Clone, PartialEq)]
pub struct Config {
    tree: Node,
    values: Map<String, Value>,
    settings: Settings,
    warnings: Vec<FileError>,
}

impl Config {
    /// Lays the layers over each other, the first at the bottom.
    pub fn merge(layers: &[Layer]) -> Self {
        let mut tree = Node::empty_map("default");
        for layer in layers {
            lay(&mut tree, &layer.root);
        }
        let mut reader = Reader::new(Area::Config);
        let settings = settings::read(&mut reader, &tree);
        let values = match tree.to_value() {
            Value::Object(values) => values,
            _ => Map::new(),
        };
        Self { tree, values, settings, warnings: reader.errors }
    }

    /// The kernel's own settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Settings that were replaced by their defaults, and why.
    pub fn warnings(&self) -> &[FileError] {
        &self.warnings
    }

    /// Everything.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// A module's section, or one of the kernel's.
    pub fn section(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The value at a dotted path, for instance `web.port`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        get(&self.values, path)
    }

    /// Where the value at a dotted path comes from.
    pub fn origin(&self, path: &str) -> Option<Origin> {
        let node = path.split('.').try_fold(&self.tree, |node, segment| node.entry(segment))?;
        Some(Origin { file: node.file.to_string(), at: node.at })
    }

    /// Every value that is no map, by dotted path and in the files' order, with its origin.
    pub fn leaves(&self) -> Vec<(String, Value, Origin)> {
        let mut leaves = Vec::new();
        collect_leaves(&self.tree, "", &mut leaves);
        leaves
    }

    /// Every value in force, by key: those of files, and the kernel's own settings at their defaults.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        entries::entries(self)
    }

    /// The sections that differ from those of an earlier configuration, sorted.
    pub fn changed_sections(&self, earlier: &Self) -> Vec<String> {
        let keys: BTreeMap<&String, ()> =
            self.values.keys().chain(earlier.values.keys()).map(|key| (key, ())).collect();
        let changed = keys.into_keys().filter(|key| self.values.get(*key) != earlier.values.get(*key));
        changed.cloned().collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::merge(&[])
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("sections", &self.values.keys().collect::<Vec<_>>())
            .field("settings", &self.settings)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Lays one tree over another: maps merge, everything else replaces.
fn lay(below: &mut Node, above: &Node) {
    if let (Kind::Map(_), Kind::Map(entries)) = (&below.kind, &above.kind) {
        for (key, value) in entries {
            lay_entry(below, key, value);
        }
        return;
    }
    *below = above.clone();
}

fn lay_entry(map: &mut Node, key: &Key, value: &Node) {
    let Kind::Map(entries) = &mut map.kind else { return };
    match entries.iter_mut().find(|(found, _)| found.text == key.text) {
        Some((_, below)) => lay(below, value),
        None => entries.push((key.clone(), value.clone())),
    }
}

fn collect_leaves(node: &Node, path: &str, leaves: &mut Vec<(String, Value, Origin)>) {
    if node.entries().is_empty() && !path.is_empty() {
        let origin = Origin { file: node.file.to_string(), at: node.at };
        leaves.push((path.to_owned(), node.to_value(), origin));
        return;
    }
    for (key, value) in node.entries() {
        let dot = if path.is_empty() { "" } else { "." };
        collect_leaves(value, &format!("{path}{dot}{}", key.text), leaves);
    }
}
