//! Names of files in a package: relative, without a way up, the same for every reader.

use std::fmt;

/// 240 bytes: with `files/` in front it fits a ustar header, if its parts do.
const PATH_BYTES_MAX: usize = 240;

/// 16 folders deep.
const PARTS_MAX: usize = 16;

/// The name of a file in a package, such as `lib/words.txt`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackedPath(String);

/// Why a text is no name of a file in a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFlaw {
    /// It begins at the root.
    #[error("an absolute path")]
    Absolute,
    /// It has `..` in it.
    #[error("a path that leads up by `..`")]
    Up,
    /// It has an empty part or `.` in it, or is empty: one file would have two names.
    #[error("a path with an empty part or `.` in it")]
    Empty,
    /// It is longer, or deeper, than a name may be.
    #[error(
        "a path of more than {PATH_BYTES_MAX} bytes or {PARTS_MAX} parts, or with a part of more than 100 bytes"
    )]
    TooLong,
    /// It has a character in it that terminals, other systems or people would take for something else.
    #[error("a path with a control character, a backslash or bytes that are no text")]
    Character,
}

impl PackedPath {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `PathFlaw`, which says what is wrong.
    pub fn parse(text: &str) -> Result<Self, PathFlaw> {
        if text.starts_with('/') {
            return Err(PathFlaw::Absolute);
        }
        if text.chars().any(|char| char.is_control() || char == '\\' || is_invisible(char)) {
            return Err(PathFlaw::Character);
        }
        let mut parts = 0;
        for part in text.split('/') {
            match part {
                ".." => return Err(PathFlaw::Up),
                "" | "." => return Err(PathFlaw::Empty),
                _ => parts += 1,
            }
        }
        if text.len() > PATH_BYTES_MAX || parts > PARTS_MAX {
            return Err(PathFlaw::TooLong);
        }
        super::header(&format!("{}{text}", super::FILES), 0, super::Rights::Plain)?;
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a folder of `other`, so that both can't be files.
    pub(super) fn is_folder_of(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Characters that turn the direction of writing or take no room, so that a name looks like another.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for PackedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PackedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests;
