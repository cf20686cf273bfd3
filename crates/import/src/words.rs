//! Command lines of other programs: splitting them as those do, and writing them so that `ostoja.yaml` reads the same
//! words.

use protocol::files::command;

use crate::draft::Program;

#[cfg(test)]
mod tests;

/// How a backslash is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// As by a POSIX shell: the next character as it is.
    Shell,
    /// As by systemd: `\n`, `\t`, `\s` and `\xHH` too, also inside both quotes.
    Systemd,
}

/// The words of a line.
///
/// # Errors
/// Why it is none, and at which byte.
pub(crate) fn split(text: &str, escapes: Escapes) -> Result<Vec<String>, (&'static str, usize)> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<(char, usize)> = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            (c, Some((open, _))) if c == open => quote = None,
            ('\\', Some(('\'', _))) if escapes == Escapes::Shell => word.get_or_insert_default().push('\\'),
            ('\\', inside) => {
                let Some((_, escaped)) = chars.next() else { return Err(("a lone `\\` ends the line", at)) };
                let word = word.get_or_insert_default();
                match escapes {
                    Escapes::Systemd => push_systemd(word, escaped, &mut chars),
                    Escapes::Shell if inside.is_some() && !"\"\\$`".contains(escaped) => {
                        word.extend(['\\', escaped])
                    }
                    Escapes::Shell => word.push(escaped),
                }
            }
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some((c, at));
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if let Some((open, at)) = quote {
        return Err((if open == '"' { "a `\"` is not closed" } else { "a `'` is not closed" }, at));
    }
    words.extend(word);
    Ok(words)
}

fn push_systemd(word: &mut String, escaped: char, rest: &mut std::str::CharIndices<'_>) {
    match escaped {
        'n' => word.push('\n'),
        't' => word.push('\t'),
        's' => word.push(' '),
        'x' => {
            let digits: String = rest.clone().take(2).map(|(_, c)| c).collect();
            match u8::from_str_radix(&digits, 16) {
                Ok(byte) if byte.is_ascii() && byte != 0 && digits.len() == 2 => {
                    rest.nth(1);
                    word.push(char::from(byte));
                }
                _ => word.push_str("\\x"),
            }
        }
        other => word.push(other),
    }
}

/// A command of exactly these words, as readable as it gets.
pub(crate) fn program(words: Vec<String>) -> Program {
    let text = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    match command(&text) {
        Ok(read) if read == words => Program::Text(text),
        _ => Program::Words(words),
    }
}

/// A word as a shell needs it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if !word.contains('\'') {
        return format!("'{word}'");
    }
    if !word.contains(['"', '\\', '$', '`']) {
        return format!("\"{word}\"");
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A word of pieces, some of which the program's shell is to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As it is.
    Text(String),
    /// `${…}`, as a shell reads it.
    Variable {
        /// The variable's name.
        name: String,
        /// What stands for it when it is not set, if that is said.
        default: Option<String>,
        /// All of it.
        raw: String,
    },
}

/// A text for `/bin/sh -c`; `exec` makes signals and the exit code the program's own.
pub(crate) fn shell(words: &[Vec<Piece>]) -> Program {
    let words = words.iter().map(|word| {
        let has_variable = word.iter().any(|piece| matches!(piece, Piece::Variable { .. }));
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable { raw, .. } => raw.clone(),
        };
        if let [Piece::Variable { raw, .. }] = word.as_slice()
            && !raw.starts_with("${")
        {
            // To be split at blanks, as the other program does.
            return raw.clone();
        }
        if !has_variable {
            return quoted(&word.iter().map(text).collect::<String>());
        }
        let inner = word.iter().map(|piece| match piece {
            Piece::Text(text) => escaped(text),
            Piece::Variable { raw, .. } => raw.clone(),
        });
        format!("\"{}\"", inner.collect::<String>())
    });
    Program::Text(format!("exec {}", words.collect::<Vec<_>>().join(" ")))
}

/// Inside double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl Piece {
    /// What it is made of.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Variable { raw, .. } => raw,
        }
    }
}

/// Names that every program sees, or that a shell sets itself.
const ALWAYS: [&str; 12] =
    ["PATH", "HOME", "USER", "SHELL", "LANG", "TERM", "TMPDIR", "PWD", "OLDPWD", "IFS", "PORT", "TZ"];

/// The variables that a command leaves to its shell, each once: those of the usual spelling in capital letters, but
/// those that every program sees and those that the command sets.
pub(crate) fn variables(command: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (at, _) in command.match_indices('$') {
        let after = &command[at + 1..];
        let after = after.strip_prefix('{').unwrap_or(after);
        let end = after
            .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(after.len());
        let name = &after[..end];
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase());
        let is_whole = !after[end..].starts_with(|c: char| c.is_ascii_lowercase());
        let is_set = command.contains(&format!("{name}=")) || command.contains(&format!("read {name}"));
        if is_name
            && is_whole
            && !is_set
            && !ALWAYS.contains(&name)
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}
