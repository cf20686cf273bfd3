//! Files shown in Markdown are files that work: an `ostoja.yaml`, a `permissions.yaml` or a `module.json` on a page is read as the product
//! reads it.

use protocol::files::manifest::Manifest;
use protocol::files::permissions::Store;
use protocol::files::project::Project;

use crate::tree::{Complaint, Tree};

/// A fenced block.
struct Block<'a> {
    language: &'a str,
    /// Its first line, from 1.
    line: usize,
    text: String,
}

/// Reads every block that is one of our files.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for page in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for block in blocks(&page.text) {
            if let Some(fault) = fault(&block) {
                complaints.push(Complaint::at(
                    &page.path,
                    block.line,
                    format!("what is shown does not work: {fault}"),
                ));
            }
        }
    }
    complaints
}

/// What is wrong with a block, if it is one of our files.
fn fault(block: &Block<'_>) -> Option<String> {
    let is_store = block.language == "yaml" && block.text.starts_with("# permissions.yaml\n");
    let is_project = block.language == "yaml" && block.text.lines().any(|line| line == "modules:");
    let is_manifest = block.language == "json"
        && ["\"id\"", "\"permissions\""].iter().all(|word| block.text.contains(word));
    if is_store {
        match Store::parse("permissions.yaml", &block.text) {
            Ok((_, warnings)) => warnings.first().map(ToString::to_string),
            Err(errors) => Some(errors.to_string()),
        }
    } else if is_project {
        Project::parse("ostoja.yaml", &block.text).err().map(|error| error.to_string())
    } else if is_manifest {
        Manifest::parse("module.json", &block.text).err().map(|error| error.to_string())
    } else {
        None
    }
}

/// Every fenced block of a page.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut open): (Vec<Block<'_>>, Option<Block<'_>>) = (Vec::new(), None);
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some(Block { language, line: index + 1, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests;
