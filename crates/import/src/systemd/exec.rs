//! Command lines and variables of a unit: prefixes, specifiers, and variables that systemd fills in without a shell.

use protocol::files::FileErrors;

use super::unit::Line;
use crate::draft::{Module, Program};
use crate::syntax;
use crate::words::{self, Escapes, Piece};

/// What stands for `%n`, `%i` and the like.
pub(super) struct Specifiers<'a> {
    /// The unit's name without `.service`.
    pub(super) unit: &'a str,
    /// What stands behind `@`; empty for a template.
    pub(super) instance: Option<&'a str>,
}

impl Specifiers<'_> {
    /// The text with what is known filled in; a remark at the rest.
    fn fill(&self, text: &str, key: &str, module: &mut Module) -> String {
        let mut filled = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                filled.push(c);
                continue;
            }
            let letter = chars.next();
            let prefix = self.unit.split('@').next().unwrap_or(self.unit);
            match (letter, self.instance) {
                (Some('%'), _) | (None, _) => filled.push('%'),
                (Some('n'), _) => filled.push_str(&format!("{}.service", self.unit)),
                (Some('N'), _) => filled.push_str(self.unit),
                (Some('p' | 'P'), _) => filled.push_str(prefix),
                (Some('i' | 'I'), Some(instance)) if !instance.is_empty() => filled.push_str(instance),
                (Some(other), _) => {
                    filled.extend(['%', other]);
                    let text = format!(
                        "`{key}` holds `%{other}`, which only systemd knows: write what it stands for."
                    );
                    module.remarks.add(text);
                }
            }
        }
        filled
    }
}

/// `Environment=A=b "C=d e"`.
pub(super) fn environment(
    file: &str,
    line: &Line,
    names: &Specifiers<'_>,
    module: &mut Module,
) -> Result<(), FileErrors> {
    let text = names.fill(&line.value, "Environment", module);
    let words = words::split(&text, Escapes::Systemd)
        .map_err(|(why, at)| syntax(file, line.line, line.column + at, why))?;
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(syntax(
                file,
                line.line,
                line.column,
                "`Environment=` holds a word that is no NAME=value",
            ));
        };
        module.set_env(name, value);
    }
    Ok(())
}

/// The commands of a start as one: those before it, and itself.
pub(super) fn program(
    file: &str,
    before: &[Line],
    start: &[Line],
    names: &Specifiers<'_>,
    module: &mut Module,
) -> Result<Program, FileErrors> {
    let mut commands = Vec::new();
    for line in before.iter().chain(start) {
        commands.push(command(file, line, names, module)?);
    }
    if let [only] = commands.as_mut_slice() {
        let has_variable = only.words.iter().flatten().any(|piece| matches!(piece, Piece::Variable { .. }));
        if !has_variable && only.failure == Failure::Counts {
            let text = |word: &Vec<Piece>| word.iter().map(Piece::text).collect::<String>();
            return Ok(words::program(only.words.iter().map(text).collect()));
        }
    }
    let last = commands.len().saturating_sub(1);
    let parts = commands.iter().enumerate().map(|(number, command)| {
        let Program::Text(text) = words::shell(&command.words) else { return String::new() };
        // Only the last one becomes the module's process.
        let text = if number == last { text } else { text.trim_start_matches("exec ").to_owned() };
        match (command.failure, number == last) {
            (Failure::Counts, _) | (Failure::Ignored, true) => text,
            (Failure::Ignored, false) => format!("{{ {text} || true; }}"),
        }
    });
    Ok(Program::Text(parts.collect::<Vec<_>>().join(" && ")))
}

/// Whether a failing command stops the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Counts,
    Ignored,
}

struct Command {
    words: Vec<Vec<Piece>>,
    failure: Failure,
}

fn command(
    file: &str,
    line: &Line,
    names: &Specifiers<'_>,
    module: &mut Module,
) -> Result<Command, FileErrors> {
    let bare = line.value.trim_start_matches(['@', '-', ':', '+', '!', '|']);
    let prefix = &line.value[..line.value.len() - bare.len()];
    if prefix.contains(['+', '!']) {
        module
            .remarks
            .lost(format_args!("{}{prefix}", line.key), "no command has more rights than Ostoja itself");
    }
    let text = names.fill(bare.trim_start(), &line.key, module);
    let mut words = words::split(&text, Escapes::Systemd)
        .map_err(|(why, at)| syntax(file, line.line, line.column + at, why))?;
    if prefix.contains('@') && words.len() > 1 {
        // The second word is only what the program believes to be called.
        words.remove(1);
    }
    if words.is_empty() {
        return Err(syntax(file, line.line, line.column, "the command is missing"));
    }
    let no_variables = prefix.contains(':');
    let words: Vec<Vec<Piece>> = words
        .into_iter()
        .map(|word| if no_variables { vec![Piece::Text(word)] } else { variables(&word) })
        .collect();
    let failure = if prefix.contains('-') { Failure::Ignored } else { Failure::Counts };
    Ok(Command { words, failure })
}

/// `$NAME`, `${NAME}` and `$$`.
fn variables(word: &str) -> Vec<Piece> {
    let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), word);
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        let place = &rest[at + 1..];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let braced = place.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let bare = place.find(|c: char| !is_name(c)).unwrap_or(place.len());
        let (name, after) = match braced {
            Some((name, after)) => (name, after),
            None => place.split_at(bare),
        };
        let is_variable =
            !name.is_empty() && name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit());
        if let Some(after) = place.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if is_variable {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            // Alone and without braces it may become several words, or none.
            let is_split = braced.is_none() && rest.len() == word.len() && at == 0 && after.is_empty();
            let raw = if is_split { format!("${name}") } else { format!("${{{name}}}") };
            pieces.push(Piece::Variable { name: name.to_owned(), default: None, raw });
            rest = after;
        } else {
            text.push('$');
            rest = place;
        }
    }
    text.push_str(rest);
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}
