//! Turns a command line into words: by itself where the text is plain, by `/bin/sh` where it is a shell's business.
//!
//! A plain command needs no shell: its signals and exit code are then the program's own.

#[cfg(test)]
mod tests;

/// Words that only a shell understands when they come first.
const BUILTINS: [&str; 27] = [
    ".", ":", "!", "{", "alias", "case", "cd", "command", "eval", "exec", "exit", "export", "for", "if",
    "read", "readonly", "return", "set", "shift", "source", "trap", "ulimit", "umask", "unset", "until",
    "wait", "while",
];

/// The words of a command, the first a program; never empty.
///
/// # Errors
/// Why the text is no command, as the end of a sentence.
pub fn command(text: &str) -> Result<Vec<String>, &'static str> {
    match split(text)? {
        Split::Words(words) if words.is_empty() => Err("names no program"),
        Split::Words(words) if !BUILTINS.contains(&words[0].as_str()) => Ok(words),
        Split::Words(_) | Split::Shell => {
            Ok(vec!["/bin/sh".to_owned(), "-c".to_owned(), text.trim().to_owned()])
        }
    }
}

enum Split {
    Words(Vec<String>),
    Shell,
}

fn split(text: &str) -> Result<Split, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return Ok(Split::Shell),
            c if c.is_whitespace() => words.extend(word.take()),
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '*' | '?' | '[' => return Ok(Split::Shell),
            '~' | '#' if word.is_none() => return Ok(Split::Shell),
            // An assignment before the program; after it, `a=b` is a plain argument.
            '=' if words.is_empty() && word.as_deref().is_some_and(is_variable) => return Ok(Split::Shell),
            '\'' => single_quoted(&mut chars, word.get_or_insert_default())?,
            '"' => {
                if !double_quoted(&mut chars, word.get_or_insert_default())? {
                    return Ok(Split::Shell);
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("ends in a lone `\\`")?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(Split::Words(words))
}

fn is_variable(word: &str) -> bool {
    let first = word.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn single_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    for c in chars {
        if c == '\'' {
            return Ok(());
        }
        word.push(c);
    }
    Err("lacks a closing `'`")
}

/// Whether the text in the quotes is plain; else only a shell can read it.
fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<bool, &'static str> {
    let mut plain = true;
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(plain),
            '$' | '`' => plain = false,
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("lacks a closing `\"`")
}
