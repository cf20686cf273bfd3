//! The lines of a unit: `Key=Value` in sections, comments of whole lines, and a `\` that joins a line with the next.

use protocol::files::FileErrors;

use crate::syntax;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
    /// Where the value begins, from 1.
    pub(super) line: usize,
    pub(super) column: usize,
}

pub(super) fn read(file: &str, text: &str) -> Result<Vec<Line>, FileErrors> {
    let mut found = Vec::new();
    let mut section: Option<String> = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        if line.trim().is_empty() || is_comment(line) {
            continue;
        }
        if let Some(rest) = line.trim().strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']').filter(|name| !name.is_empty()) else {
                return Err(syntax(file, number, 1, "a section is not closed by `]`, or has no name"));
            };
            section = Some(name.to_owned());
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(syntax(file, number, 1, "a line is neither a section nor `Key=Value`"));
        };
        let Some(section) = &section else {
            return Err(syntax(file, number, 1, "a setting stands before the first section"));
        };
        let mut value = value.to_owned();
        while let Some(before) = value.strip_suffix('\\') {
            value.truncate(before.len());
            value.push(' ');
            // A comment between joined lines is left out, as systemd does.
            match lines.by_ref().find(|(_, next)| !is_comment(next)) {
                Some((_, next)) => value.push_str(next.trim()),
                None => break,
            }
        }
        let column = line.chars().take_while(|c| *c != '=').count() + 2;
        found.push(Line {
            section: section.clone(),
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            line: number,
            column,
        });
    }
    Ok(found)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with(['#', ';'])
}
