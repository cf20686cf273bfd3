//! Texts as YAML scalars: plain where that is safe, else in double quotes, so that every text is read back as it was.

use std::fmt::Write as _;

/// Words that YAML, in one version or another, takes for something else than a text.
const RESERVED: [&str; 12] =
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".nan", ".inf"];

/// 15 digits: every whole number up to here is the same in all readers.
const DIGITS_MAX: usize = 15;

/// A text as the value of a key on a line of its own.
pub(crate) fn plain(text: &str) -> String {
    let is_inner = |c: char| c.is_ascii_graphic() || c == ' ' || (c.is_alphanumeric() && !c.is_ascii());
    let safe = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '$'))
        && text.chars().all(is_inner)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([' ', ':'])
        && !is_other(text);
    if safe { text.to_owned() } else { quoted(text) }
}

/// A text inside `[…]` or `{…}`, and as a key.
pub(crate) fn flow(text: &str) -> String {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "/._-+=@%".contains(c);
    let safe = text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_'))
        && text.chars().all(is_inner)
        && !is_other(text);
    if safe { text.to_owned() } else { quoted(text) }
}

/// A value of an environment: whole numbers and truth values need no quotes there, since they count as typed.
pub(crate) fn value(text: &str) -> String {
    let is_number = text.len() <= DIGITS_MAX
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && !text.is_empty();
    if is_number || matches!(text, "true" | "false") { text.to_owned() } else { plain(text) }
}

/// A text of several lines, if it can stand as it is below the key.
pub(crate) fn block(text: &str, indent: usize) -> Option<String> {
    let is_plain =
        |c: char| c == '\t' || c == ' ' || c.is_ascii_graphic() || (c.is_alphanumeric() && !c.is_ascii());
    let lines: Vec<&str> = text.split('\n').collect();
    let is_first = lines.first().is_some_and(|line| line.starts_with(|c: char| c.is_ascii_graphic()));
    let is_last = lines.last().is_some_and(|line| !line.is_empty());
    let fits = lines.len() > 1
        && is_first
        && is_last
        && lines.iter().all(|line| {
            line.chars().all(is_plain) && !line.ends_with([' ', '\t']) && !line.starts_with('\t')
        });
    if !fits {
        return None;
    }
    let mut block = String::from("|-");
    for line in lines {
        block.push('\n');
        if !line.is_empty() {
            let _ = write!(block, "{:indent$}{line}", "");
        }
    }
    Some(block)
}

/// Whether a reader could take it for a number, a date, a truth value or nothing.
fn is_other(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_number =
        !lower.is_empty() && lower.chars().all(|c| c.is_ascii_hexdigit() || "xo_.+-:".contains(c));
    is_number && lower.contains(|c: char| c.is_ascii_digit()) || RESERVED.contains(&lower.as_str())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => push_escaped(&mut quoted, c),
        }
    }
    quoted.push('"');
    quoted
}

/// A character as it is, or by its number where YAML would not read it so.
pub(super) fn push_escaped(text: &mut String, c: char) {
    let number = u32::from(c);
    let is_odd = c.is_control()
        || matches!(number, 0x85 | 0xa0 | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff | 0xe000..=0xf8ff);
    match number {
        _ if !is_odd => text.push(c),
        0..=0xffff => {
            let _ = write!(text, "\\u{number:04x}");
        }
        _ => {
            let _ = write!(text, "\\U{number:08x}");
        }
    }
}
