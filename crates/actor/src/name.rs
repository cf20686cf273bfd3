//! Names of actors, groups and children: short, of a fixed size, compared in a few words.

use core::fmt;

/// Bytes of a name: with what else belongs to it, it fits into a line.
pub const NAME_BYTES_MAX: usize = 40;

/// Words of a name.
pub(crate) const NAME_WORDS: usize = NAME_BYTES_MAX / 8;

/// A name: UTF-8, 1 to [`NAME_BYTES_MAX`] bytes, no zero byte.
///
/// ```
/// # use actor::Name;
/// let name = Name::parse("clock").expect("it is short");
/// assert_eq!(name.as_str(), "clock");
/// assert!(Name::parse("").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name([u8; NAME_BYTES_MAX]);

/// Why something is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameError {
    /// There is nothing in it.
    Empty,
    /// It has more than [`NAME_BYTES_MAX`] bytes.
    Long,
    /// It has a zero byte.
    Zero,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a name has at least one byte",
            Self::Long => "a name has at most 40 bytes",
            Self::Zero => "a name has no zero byte",
        })
    }
}

impl core::error::Error for NameError {}

impl abi::Explain for NameError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "actor::name::empty",
            Self::Long => "actor::name::long",
            Self::Zero => "actor::name::zero",
        }
    }
}

impl Name {
    /// The name with this text.
    ///
    /// # Errors
    /// One variant for each rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.bytes().any(|byte| byte == 0) {
            return Err(NameError::Zero);
        }
        let mut bytes = [0; NAME_BYTES_MAX];
        bytes.get_mut(..text.len()).ok_or(NameError::Long)?.copy_from_slice(text.as_bytes());
        Ok(Self(bytes))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES_MAX);
        core::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }

    /// What [`Name::to_words`] gave.
    pub(crate) fn from_words(words: [u64; NAME_WORDS]) -> Self {
        let mut bytes = [0; NAME_BYTES_MAX];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(bytes)
    }

    pub(crate) fn to_words(self) -> [u64; NAME_WORDS] {
        let mut words = [0; NAME_WORDS];
        for (word, bytes) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        words
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
