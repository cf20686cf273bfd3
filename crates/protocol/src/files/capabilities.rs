//! `capabilities` and `forbid`, as `module.json` and `permissions.yaml` both have them.

use abi::{Name, Pattern};

use super::manifest::{Capabilities, Forbidden};
use super::node::Node;
use super::reader::Reader;

pub(super) fn read(reader: &mut Reader, node: &Node) -> Option<Capabilities> {
    let mut capabilities = Capabilities::default();
    for (key, value) in reader.map("capabilities", node)? {
        match key.text.as_str() {
            "services" => capabilities.services = patterns(reader, "services", value),
            "topics" => capabilities.topics = patterns(reader, "topics", value),
            "forbid" => capabilities.forbid = forbidden(reader, value).unwrap_or_default(),
            _ => {}
        }
    }
    Some(capabilities)
}

pub(super) fn forbidden(reader: &mut Reader, node: &Node) -> Option<Forbidden> {
    let mut forbidden = Forbidden::default();
    for (key, value) in reader.map("forbid", node)? {
        match key.text.as_str() {
            "services" => forbidden.services = patterns(reader, "services", value),
            "topics" => forbidden.topics = patterns(reader, "topics", value),
            // What is forbidden by a word that nobody understands would be allowed in silence.
            _ => reader.unknown_field(node, key, &["services", "topics"]),
        }
    }
    Some(forbidden)
}

/// Names and patterns of names.
fn patterns(reader: &mut Reader, field: &str, node: &Node) -> Vec<Name> {
    let items = reader.list(field, node).unwrap_or_default();
    let mut names = Vec::new();
    for item in items {
        let Some(name) = reader.name(field, item) else { continue };
        if Pattern::parse(name.as_str()).is_some() {
            names.push(name);
        } else {
            let why = "holds a `*` where none may stand: only at the end, after a `:` or a `.`, as in `db.*`";
            reader.bad_value(field, item, why);
        }
    }
    names
}
