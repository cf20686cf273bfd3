//! A name on its way: an id, service, method or topic as a module wrote it.
//!
//! It holds short texts in itself, because nearly all are short and a frame has three of them: taking one from a frame
//! copies a few bytes and allocates nothing. A slice of the frame would cost as little, but a call's id stays for as
//! long as the call is open, and would keep the whole read buffer with it.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use abi::{ModuleId, Name, NameError};

/// 38 bytes lie in the value: a uuid has 36, and the whole is 40.
const INLINE_BYTES: usize = 38;

/// Any text up to 256 UTF-16 units; see [`Name`]. Cheap to make and to clone.
#[derive(Clone)]
pub struct Word(Kept);

#[derive(Clone)]
enum Kept {
    /// Invariant: the first `len` bytes are UTF-8.
    Inline {
        len: u8,
        bytes: [u8; INLINE_BYTES],
    },
    Shared(Name),
}

impl Word {
    /// Checks and takes a text.
    ///
    /// # Errors
    /// As [`Name::parse`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match Self::inline(text) {
            Some(word) => Ok(word),
            None => Ok(Self(Kept::Shared(Name::parse(text)?))),
        }
    }

    /// A text that is part of the program itself.
    ///
    /// # Panics
    /// As [`Name::literal`].
    pub fn literal(text: &'static str) -> Self {
        Self::inline(text).unwrap_or_else(|| Self(Kept::Shared(Name::literal(text))))
    }

    fn inline(text: &str) -> Option<Self> {
        let mut bytes = [0; INLINE_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let len = u8::try_from(text.len()).ok()?;
        Some(Self(Kept::Inline { len, bytes }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Inline { len, bytes } => {
                let bytes = &bytes[..usize::from(*len)];
                core::str::from_utf8(bytes).expect("the bytes are those of a text")
            }
            Kept::Shared(name) => name.as_str(),
        }
    }

    /// The text's bytes; unlike [`Word::as_str`] they need no second look.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Kept::Shared(name) => name.as_str().as_bytes(),
        }
    }
}

impl From<&Name> for Word {
    fn from(name: &Name) -> Self {
        Self::inline(name.as_str()).unwrap_or_else(|| Self(Kept::Shared(name.clone())))
    }
}

impl From<Name> for Word {
    fn from(name: Name) -> Self {
        Self::from(&name)
    }
}

impl From<&ModuleId> for Word {
    fn from(id: &ModuleId) -> Self {
        Self::from(Name::from(id))
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        // UTF-8 keeps the order of its texts.
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

#[cfg(test)]
mod tests;
