//! Sections and pairs, as Python's configparser reads them: `key = value` or `key: value`, comments of whole lines by
//! `;` and `#`, behind a value by ` ;`, and a value that goes on in indented lines.

use protocol::files::FileErrors;

use crate::syntax;

/// `[name]` and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
    pub(super) pairs: Vec<Pair>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: String,
    /// Lines joined by a line break.
    pub(super) value: String,
    /// Where the value begins, from 1.
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Section {
    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str())
    }
}

pub(super) fn read(file: &str, text: &str) -> Result<Vec<Section>, FileErrors> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let (number, line) = (index + 1, without_comment(raw));
        if line.trim().is_empty() {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        let last = sections.last_mut().and_then(|section| section.pairs.last_mut());
        if let (true, Some(pair)) = (is_indented, last) {
            if !pair.value.is_empty() {
                pair.value.push('\n');
            }
            pair.value.push_str(line.trim());
            continue;
        }
        if let Some(rest) = line.trim().strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']').map(str::trim).filter(|name| !name.is_empty()) else {
                return Err(syntax(file, number, 1, "a section is not closed by `]`, or has no name"));
            };
            sections.push(Section { name: name.to_owned(), line: number, pairs: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return Err(syntax(file, number, 1, "a value stands before the first section"));
        };
        section.pairs.push(pair(file, number, line)?);
    }
    Ok(sections)
}

fn pair(file: &str, number: usize, line: &str) -> Result<Pair, FileErrors> {
    let Some(at) = line.find(['=', ':']) else {
        return Err(syntax(file, number, 1, "a line is neither a section nor `key=value`"));
    };
    let (key, value) = (line[..at].trim(), &line[at + 1..]);
    if key.is_empty() {
        return Err(syntax(file, number, 1, "a key is missing before `=`"));
    }
    let lead = value.len() - value.trim_start().len();
    let column = line[..at + 1 + lead].chars().count() + 1;
    Ok(Pair { key: key.to_lowercase(), value: value.trim().to_owned(), line: number, column })
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with([';', '#']) {
        return "";
    }
    // Behind a value a comment needs a blank before it.
    let cut = [" ;", "\t;"].iter().filter_map(|mark| line.find(mark)).min();
    cut.map_or(line, |at| &line[..at])
}
