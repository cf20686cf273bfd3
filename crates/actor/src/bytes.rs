//! Bytes on their way between actors: handed over without a copy, whoever they belong to.
//!
//! Three words in size, so that they fit inline in a message. What only one holds is a `Vec` and moves as one, without
//! an atomic; what several hold is counted, and parts of it share the same buffer; what the program itself holds is
//! borrowed for ever.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, Range};

use abi::Payload;

// The plain one in the model as well: its own count is no protocol of ours.
use alloc::sync::Arc;

/// Immutable bytes: owned, shared or static.
///
/// A clone of shared or static bytes shares them; a clone of owned bytes copies them, so [`Bytes::share`] first what
/// several are to get. `Debug` prints the length only, because payloads never reach logs.
#[derive(Clone)]
pub struct Bytes(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static [u8]),
    Owned(Vec<u8>),
    /// A part of a buffer that others may hold as well; always inside of it.
    Shared {
        buffer: Arc<Buffer>,
        start: u32,
        end: u32,
    },
}

/// Buffers that can be shared, each as it came, so that none is copied.
enum Buffer {
    Vec(Vec<u8>),
    Line(Arc<[u8]>),
    Payload(Payload),
}

// Three words: more would not leave room for anything else in a message of 48 bytes.
const _: () = assert!(size_of::<Bytes>() <= 24 && size_of::<Option<Bytes>>() <= 24);

impl Bytes {
    /// The most bytes that can be shared: ends of parts are 32 bits. Longer ones can only be owned or static.
    pub const SHARED_BYTES_MAX: usize = u32::MAX as usize;

    /// Bytes of the program itself.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Repr::Static(bytes))
    }

    /// Takes a copy.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(Repr::Owned(bytes.to_vec()))
    }

    /// A part of a line that is shared already; none when the range is not inside of it or the line is longer than
    /// [`Bytes::SHARED_BYTES_MAX`].
    pub fn of_line(line: &Arc<[u8]>, range: Range<usize>) -> Option<Self> {
        Self::part(&Arc::new(Buffer::Line(line.clone())), range)
    }

    /// The same bytes so that clones and parts share them; costs one small allocation if they were owned. Bytes longer
    /// than [`Bytes::SHARED_BYTES_MAX`] stay as they are.
    #[must_use = "the bytes are in what this gives"]
    pub fn share(self) -> Self {
        match self.0 {
            Repr::Owned(bytes) if bytes.len() <= Self::SHARED_BYTES_MAX => {
                let end = bytes.len() as u32;
                Self(Repr::Shared { buffer: Arc::new(Buffer::Vec(bytes)), start: 0, end })
            }
            repr => Self(repr),
        }
    }

    /// A part of these bytes; none when the range is not inside. Of shared and static bytes without a copy, of owned
    /// bytes a copy.
    pub fn slice(&self, range: Range<usize>) -> Option<Self> {
        let bytes = self.as_bytes().get(range.clone())?;
        Some(match &self.0 {
            Repr::Static(whole) => Self(Repr::Static(whole.get(range)?)),
            Repr::Owned(_) => Self::copy_of(bytes),
            Repr::Shared { buffer, start, .. } => {
                let start = *start as usize;
                Self::part(buffer, start + range.start..start + range.end)?
            }
        })
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Static(bytes) => bytes,
            Repr::Owned(bytes) => bytes,
            Repr::Shared { buffer, start, end } => &buffer.as_bytes()[*start as usize..*end as usize],
        }
    }

    /// As a vector: without a copy when they were owned.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Repr::Owned(bytes) => bytes,
            repr => Self(repr).as_bytes().to_vec(),
        }
    }

    fn part(buffer: &Arc<Buffer>, range: Range<usize>) -> Option<Self> {
        buffer.as_bytes().get(range.clone())?;
        let (start, end) = (u32::try_from(range.start).ok()?, u32::try_from(range.end).ok()?);
        Some(Self(Repr::Shared { buffer: buffer.clone(), start, end }))
    }
}

impl Buffer {
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Vec(bytes) => bytes,
            Self::Line(bytes) => bytes,
            Self::Payload(payload) => payload.as_bytes(),
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::from_static(&[])
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Repr::Owned(bytes))
    }
}

impl From<Box<[u8]>> for Bytes {
    fn from(bytes: Box<[u8]>) -> Self {
        Self(Repr::Owned(bytes.into_vec()))
    }
}

impl From<Payload> for Bytes {
    /// Without a copy; one small allocation.
    fn from(payload: Payload) -> Self {
        let end = payload.len() as u32;
        Self(Repr::Shared { buffer: Arc::new(Buffer::Payload(payload)), start: 0, end })
    }
}

impl From<&Bytes> for Payload {
    /// Without a copy where the bytes are a part of a line or a whole payload; otherwise with one.
    ///
    /// # Panics
    /// When there are 4 GiB or more, as every `Payload`: no line is that long.
    fn from(bytes: &Bytes) -> Self {
        if let Repr::Shared { buffer, start, end } = &bytes.0 {
            match &**buffer {
                Buffer::Line(line) if line.len() <= Bytes::SHARED_BYTES_MAX => {
                    return Self::slice(line, *start as usize..*end as usize);
                }
                Buffer::Payload(payload) if *start == 0 && *end as usize == payload.len() => {
                    return payload.clone();
                }
                Buffer::Line(_) | Buffer::Payload(_) | Buffer::Vec(_) => {}
            }
        }
        Self::new(bytes.as_bytes())
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.len())
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
