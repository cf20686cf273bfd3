//! Rust source with its comments and literals told apart from its code, so that a check for a word in the code is not
//! fooled by the same word in a sentence. A lexer of a hundred lines is enough for that and builds in no time.

use std::ops::Range;

/// One Rust file, three ways. Each text has the same lines as the original.
#[derive(Debug)]
pub(crate) struct Source {
    /// The code, with comments and the insides of literals blanked.
    pub(crate) code: String,
    /// Only the comments.
    pub(crate) comments: String,
    /// Where the literals are, quotes included.
    pub(crate) literals: Vec<Range<usize>>,
}

/// What a byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// Tells the parts of a file apart. Text that is no Rust gives some answer, never a panic.
    pub(crate) fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = Vec::with_capacity(bytes.len());
        let mut comments = Vec::with_capacity(bytes.len());
        let mut literals = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let (part, len) = next_part(bytes, at);
            let end = (at + len.max(1)).min(bytes.len());
            if part == Part::Literal {
                literals.push(at..end);
            }
            for byte in &bytes[at..end] {
                let keep = |wanted: Part| if part == wanted || *byte == b'\n' { *byte } else { b' ' };
                code.push(keep(Part::Code));
                comments.push(keep(Part::Comment));
            }
            at = end;
        }
        let text_of = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: text_of(code), comments: text_of(comments), literals }
    }

    /// Byte ranges of the code that only tests see: `#[cfg(test)] mod … { … }`.
    pub(crate) fn test_ranges(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        for (start, marker) in self.code.match_indices("#[cfg(test)]") {
            let rest = &self.code[start + marker.len()..];
            let opens = rest.find('{');
            let ends = rest.find(';');
            // `mod tests;` lies in a file of its own, which its name gives away.
            if let Some(open) = opens.filter(|open| ends.is_none_or(|end| *open < end)) {
                let open = start + marker.len() + open;
                ranges.push(start..closing_brace(&self.code, open));
            }
        }
        ranges
    }

    /// Every function with a body: its name, the line of its `fn` (from 1) and how many lines it has.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            if at > 0 && is_word_byte(self.code.as_bytes()[at - 1]) {
                continue;
            }
            let name: String =
                self.code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let Some(open) = body_of(&self.code, at).filter(|_| !name.is_empty()) else { continue };
            let end = closing_brace(&self.code, open);
            // A long text that stands in a function, such as an expected output, makes it no harder to follow.
            let texts = self.literals.iter().filter(|literal| at <= literal.start && literal.end <= end);
            let quoted: usize = texts.map(|literal| self.code[literal.clone()].matches('\n').count()).sum();
            let lines = self.code[at..end].matches('\n').count() + 1 - quoted;
            found.push(Function { name, line: line_of(&self.code, at), lines });
        }
        found
    }
}

/// A function as the walls see it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// How long it is, from `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Whether a byte can be inside a Rust word.
pub(crate) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the body of the function at `at` opens; nothing for a declaration without one.
fn body_of(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[at..].iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(at + offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The byte after the brace that closes the one at `open`; the end of the text when none does.
pub(crate) fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return open + offset + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// What stands at `at`, and how many bytes of it.
fn next_part(bytes: &[u8], at: usize) -> (Part, usize) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return (Part::Comment, rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if rest.starts_with(b"/*") {
        return (Part::Comment, block_comment_len(rest));
    }
    if rest[0] == b'"' {
        return (Part::Literal, string_len(rest));
    }
    if rest[0] == b'\'' {
        return char_len(rest).map_or((Part::Code, 1), |len| (Part::Literal, len));
    }
    if is_word_byte(rest[0]) {
        let word = rest.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(rest.len());
        let prefix = matches!(&rest[..word], b"r" | b"br" | b"cr");
        return match raw_string_len(&rest[word..]).filter(|_| prefix) {
            Some(len) => (Part::Literal, word + len),
            None => (Part::Code, word),
        };
    }
    (Part::Code, 1)
}

/// The length of a block comment, which may hold others.
fn block_comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a string with escapes, quotes included.
fn string_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string from its first `#` or quote on; nothing when it is none.
fn raw_string_len(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = &rest[hashes + 1..];
    let end = body.windows(close.len()).position(|window| window == close).unwrap_or(body.len());
    Some((hashes + 1 + end + close.len()).min(rest.len()))
}

/// The length of a character literal; nothing for a lifetime.
fn char_len(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return rest.iter().skip(3).position(|byte| *byte == b'\'').map(|at| at + 4);
    }
    // One character of up to four bytes, then the closing quote: anything else is a lifetime.
    let text = std::str::from_utf8(&rest[1..rest.len().min(5)])
        .or_else(|error| std::str::from_utf8(&rest[1..=error.valid_up_to()]));
    let len = text.ok()?.chars().next()?.len_utf8();
    (rest.get(1 + len) == Some(&b'\'')).then_some(len + 2)
}

#[cfg(test)]
mod tests;
