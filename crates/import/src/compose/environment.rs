//! A service's environment, and the variables that compose fills in.

use std::collections::BTreeSet;

use protocol::files::node::{Kind, Node};

use crate::draft::{Module, Program};
use crate::fields::Complaints;
use crate::words::Piece;

/// `NAME: value` or `- NAME=value`; a name alone is passed on.
pub(super) fn read(complaints: &mut Complaints, node: Option<&Node>, module: &mut Module) {
    let Some(node) = node else { return };
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                match (&value.kind, value.literal()) {
                    (Kind::Null, _) => module.pass_env(&key.text),
                    (_, Some(text)) => set(module, &key.text, text),
                    (_, None) => complaints.wrong_kind(&key.text, value, "a text"),
                }
            }
        }
        Kind::List(_) => {
            for text in complaints.texts("environment", node) {
                match text.split_once('=') {
                    Some((name, value)) => set(module, name, value),
                    None => module.pass_env(&text),
                }
            }
        }
        _ => complaints.wrong_kind("environment", node, "a map or a list"),
    }
}

/// A value with compose's variables filled in as far as the file says.
fn set(module: &mut Module, name: &str, value: &str) {
    let pieces = pieces(value);
    let mut filled = String::new();
    let mut unknown = BTreeSet::new();
    let mut defaults = BTreeSet::new();
    for piece in &pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable { name, default: Some(default), .. } => {
                filled.push_str(default);
                defaults.insert(name.as_str());
            }
            Piece::Variable { name, default: None, .. } => {
                unknown.insert(name.clone());
            }
        }
    }
    match pieces.as_slice() {
        [Piece::Variable { name: variable, default: None, .. }] if variable == name => module.pass_env(name),
        _ if unknown.is_empty() => {
            module.set_env(name, filled);
            for variable in defaults {
                module.remarks.add(format!(
                    "`{name}` holds the default that compose has where `{variable}` is not set."
                ));
            }
        }
        _ => {
            let names: Vec<String> = unknown.into_iter().collect();
            let why = format!("compose fills in `{}`; write the value here", names.join("`, `"));
            module.remarks.lost(format_args!("environment: {name}"), &why);
        }
    }
}

/// A text cut at compose's variables: `$NAME`, `${NAME}`, `${NAME:-default}` and its kin; `$$` is a dollar sign.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let place = &rest[at..];
        if let Some(after) = place.strip_prefix("$$") {
            plain.push('$');
            rest = after;
            continue;
        }
        match variable(place) {
            Some((variable, length)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(variable);
                rest = &place[length..];
            }
            None => {
                plain.push('$');
                rest = &place[1..];
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// The variable at the beginning of a text, and how many bytes of it that took.
fn variable(text: &str) -> Option<(Piece, usize)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let after = text.strip_prefix('$')?;
    let is_braced = after.starts_with('{');
    let inner = if is_braced { &after[1..] } else { after };
    let end = inner.find(|c: char| !is_name(c)).unwrap_or(inner.len());
    let (name, behind) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !is_braced {
        let piece = Piece::Variable { name: name.to_owned(), default: None, raw: format!("${{{name}}}") };
        return Some((piece, 1 + end));
    }
    let close = closing_brace(behind)?;
    let operation = &behind[..close];
    let default = operation.strip_prefix(":-").or(operation.strip_prefix('-'));
    let is_known = operation.is_empty() || operation.trim_start_matches(':').starts_with(['-', '?', '+']);
    // A default that holds variables itself is nobody's value yet.
    let default = default.filter(|default| !default.contains('$')).map(str::to_owned);
    let raw =
        if is_shell_safe(operation) { format!("${{{name}{operation}}}") } else { format!("${{{name}}}") };
    is_known.then(|| (Piece::Variable { name: name.to_owned(), default, raw }, 2 + end + close + 1))
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a shell reads what stands behind the name as compose does, inside double quotes.
fn is_shell_safe(operation: &str) -> bool {
    operation.chars().all(|c| c.is_ascii_alphanumeric() || " :-?+_./@=,{}$".contains(c))
}

/// A remark at each value and word that names a service as a host.
pub(super) fn tell_hosts(module: &mut Module, services: &BTreeSet<&str>) {
    let words = match &module.program {
        Program::Words(words) => words.join(" "),
        Program::Text(text) => text.clone(),
        Program::Folder(_) => String::new(),
    };
    let texts: Vec<(String, String)> =
        module.env.iter().cloned().chain([("its command".to_owned(), words)]).collect();
    for (place, text) in texts {
        for host in services.iter().filter(|host| names_host(&text, host)) {
            module.remarks.add(format!(
                "`{place}` names `{host}` as a host: programs share this machine, so it is 127.0.0.1 here."
            ));
        }
    }
}

fn names_host(text: &str, host: &str) -> bool {
    let is_whole = text == host || text.strip_prefix(host).is_some_and(|rest| rest.starts_with(':'));
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with([':', '/', '"', '\'', ' ', ',', '?']);
    let behind = |mark: &str| {
        let mark = format!("{mark}{host}");
        text.match_indices(&mark).any(|(at, _)| is_end(&text[at + mark.len()..]))
    };
    is_whole || behind("//") || behind("@")
}
