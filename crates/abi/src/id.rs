//! Names and numbers that identify things: one type per kind, so that none is passed for another.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::limits::{MODULE_ID_BYTES_MAX, NAME_UNITS_MAX};

/// Why a text is not a usable name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Nothing was given.
    Empty,
    /// Longer than the limit; the value is the length found, in the limit's own unit.
    TooLong(usize),
    /// Holds a character that a slug may not hold, at this byte offset.
    BadCharacter(char, usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "is empty"),
            Self::TooLong(found) => write!(f, "is too long ({found})"),
            Self::BadCharacter(found, at) => {
                write!(f, "holds {found:?} at byte {at}; allowed are a-z, A-Z, 0-9, `-`, `_` and `.`")
            }
        }
    }
}

impl core::error::Error for NameError {}

/// A module's name: a slug, unique on one kernel. Cheap to clone.
///
/// Invariant: 1 to 64 bytes of `a-z A-Z 0-9 - _ .`, not starting with `.` or `-`, so that it is safe as a file name
/// and as a command-line word.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(Arc<str>);

impl ModuleId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `NameError` says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MODULE_ID_BYTES_MAX {
            return Err(NameError::TooLong(text.len()));
        }
        for (at, found) in text.char_indices() {
            let inner = found.is_ascii_alphanumeric() || found == '_';
            let allowed = inner || (at > 0 && matches!(found, '-' | '.'));
            if !allowed {
                return Err(NameError::BadCharacter(found, at));
            }
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl core::borrow::Borrow<str> for ModuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A service, topic, method, key or a caller's own call id: any text up to 256 UTF-16 units. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks and takes a text; an empty one is a name too, as the module door allows it.
    ///
    /// # Errors
    /// `NameError::TooLong` with the length in UTF-16 units.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // UTF-16 never has more units than UTF-8 has bytes, so short texts need no counting.
        if text.len() > NAME_UNITS_MAX {
            let units = text.encode_utf16().count();
            if units > NAME_UNITS_MAX {
                return Err(NameError::TooLong(units));
            }
        }
        Ok(Self(Arc::from(text)))
    }

    /// A name that is part of the program itself.
    ///
    /// # Panics
    /// When the literal is longer than a name may be, which is a mistake in the program.
    pub fn literal(text: &'static str) -> Self {
        assert!(text.len() <= NAME_UNITS_MAX, "a literal name must fit");
        Self(Arc::from(text))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl core::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&ModuleId> for Name {
    fn from(id: &ModuleId) -> Self {
        Self(id.0.clone())
    }
}

impl From<&ModuleId> for String {
    fn from(id: &ModuleId) -> Self {
        String::from(id.as_str())
    }
}

/// A module's seat in the kernel's table: stable while the module is known, reused after it is forgotten.
/// Always travels with a `Generation` where it leaves the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// One life of one module. Every spawn gets a new one, unique on this kernel, so that what belongs to a dead life
/// can never touch its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One operator's request, as numbered by the host; the answer carries it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

#[cfg(test)]
mod tests;
