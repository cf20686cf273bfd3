//! The words of a policy file, each with its place.

use crate::fault::Fault;

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// A name or a keyword.
    Name(String),
    /// A text in quotes, with its escapes done.
    Text(String),
    /// A number; the language has them, policies here have no use for them.
    Number,
    /// Anything else: `(`, `::`, `==`.
    Sign(&'static str),
    /// Nothing more comes.
    End,
}

/// A word with where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) word: Word,
    pub(crate) offset: usize,
}

/// The longest ones first, so that `==` is not read as something shorter.
const SIGNS: [&str; 26] = [
    "::", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "{", "}", "[", "]", ",", ";", ".", "@", "!", "<",
    ">", "?", ":", "+", "-", "*", "=",
];

/// All words of a text. The last one is [`Word::End`].
pub(crate) fn words(file: &str, text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = after_gap(text, at);
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { word: Word::End, offset: at });
            return Ok(tokens);
        };
        let (word, length) = if first == '"' {
            quoted(rest).map_err(|(offset, why)| Fault::at(file, text, at + offset, why.to_owned()))?
        } else if first == '_' || first.is_ascii_alphabetic() {
            let length = length_of(rest, |found| found == '_' || found.is_ascii_alphanumeric());
            (Word::Name(rest[..length].to_owned()), length)
        } else if first.is_ascii_digit() {
            (Word::Number, length_of(rest, |found| found.is_ascii_digit()))
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            (Word::Sign(sign), sign.len())
        } else {
            return Err(Fault::at(
                file,
                text,
                at,
                format!("`{}` is no part of a policy", first.escape_debug()),
            ));
        };
        tokens.push(Token { word, offset: at });
        at += length;
    }
}

/// Behind blanks and comments.
fn after_gap(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        let blanks = length_of(rest, char::is_whitespace);
        at += blanks;
        if !text[at..].starts_with("//") {
            return at;
        }
        at += length_of(&text[at..], |found| found != '\n');
    }
}

fn length_of(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|found| !is_part(found)).unwrap_or(text.len())
}

/// A text in quotes and how long it is with them; else where and why it is none.
fn quoted(rest: &str) -> Result<(Word, usize), (usize, &'static str)> {
    let mut value = String::new();
    let mut signs = rest.char_indices().skip(1);
    while let Some((at, found)) = signs.next() {
        match found {
            '"' => return Ok((Word::Text(value), at + 1)),
            '\\' => value.push(escaped(at, &mut signs)?),
            found => value.push(found),
        }
    }
    Err((0, "this text has no end"))
}

fn escaped(
    at: usize,
    signs: &mut impl Iterator<Item = (usize, char)>,
) -> Result<char, (usize, &'static str)> {
    let unknown = (at, "this escape is none: \\n \\r \\t \\0 \\\\ \\' \\\" \\x7f \\u{17c}");
    match signs.next().ok_or(unknown)?.1 {
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        '0' => Ok('\0'),
        same @ ('\\' | '\'' | '"') => Ok(same),
        'x' => {
            let digits: String = signs.take(2).map(|(_, digit)| digit).collect();
            let code = u8::from_str_radix(&digits, 16).ok().filter(u8::is_ascii);
            code.filter(|_| digits.len() == 2).map(char::from).ok_or(unknown)
        }
        'u' => {
            let braced: String =
                signs.map(|(_, sign)| sign).take_while(|sign| *sign != '}').take(8).collect();
            let digits = braced.strip_prefix('{').filter(|digits| (1..=6).contains(&digits.len()));
            digits
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32)
                .ok_or(unknown)
        }
        _ => Err(unknown),
    }
}
