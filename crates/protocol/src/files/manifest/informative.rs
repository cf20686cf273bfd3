//! The fields of `module.json` that only inform: malformed, they are left out with a warning.

use super::{Command, CommandArg, Manifest};
use crate::files::fault::{Area, Fault, FileError};
use crate::files::node::{Kind, Node};
use crate::files::reader::Reader;

/// Reads them into the manifest and gives what was wrong.
pub(super) fn read(manifest: &mut Manifest, root: &Node) -> Vec<FileError> {
    let mut reader = Reader::new(Area::Manifest);
    for (key, value) in root.entries() {
        if value.kind == Kind::Null {
            continue;
        }
        match key.text.as_str() {
            "description" => manifest.description = description(&mut reader, value),
            "commands" => {
                let items = reader.list("commands", value).unwrap_or_default();
                manifest.commands = items.iter().filter_map(|item| command(&mut reader, item)).collect();
            }
            "hooks" => {
                let items = reader.list("hooks", value).unwrap_or_default();
                manifest.hooks = items.iter().map(Node::to_value).collect();
            }
            "cli" => manifest.cli_entrypoint = cli(&mut reader, value),
            _ => {}
        }
    }
    reader.errors
}

/// An empty one is as good as none.
fn description(reader: &mut Reader, node: &Node) -> Option<String> {
    if node.literal() == Some("") {
        return None;
    }
    reader.text("description", node)
}

fn cli(reader: &mut Reader, node: &Node) -> Option<String> {
    reader.map("cli", node)?;
    node.entry("entrypoint").and_then(|entry| reader.text("entrypoint", entry))
}

fn command(reader: &mut Reader, node: &Node) -> Option<Command> {
    reader.map("commands", node)?;
    let items = node.entry("args").and_then(|args| reader.list("args", args)).unwrap_or_default();
    Some(Command {
        name: name(reader, node)?,
        description: node.entry("description").and_then(|text| description(reader, text)).unwrap_or_default(),
        args: items.iter().filter_map(|item| argument(reader, item)).collect(),
        category: node.entry("category").and_then(|category| reader.text("category", category)),
    })
}

fn argument(reader: &mut Reader, node: &Node) -> Option<CommandArg> {
    reader.map("args", node)?;
    Some(CommandArg {
        name: name(reader, node)?,
        description: node.entry("description").and_then(|text| description(reader, text)).unwrap_or_default(),
        required: node.entry("required").and_then(|flag| reader.flag("required", flag)).unwrap_or(false),
        choices: node.entry("choices").map(|list| reader.texts("choices", list)).unwrap_or_default(),
    })
}

fn name(reader: &mut Reader, node: &Node) -> Option<String> {
    match node.entry("name") {
        Some(name) => reader.text("name", name),
        None => {
            reader.complain(node, Fault::MissingField { field: "name" });
            None
        }
    }
}
