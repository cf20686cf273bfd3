//! Messages for actors whose types the sender does not know: a tag of the users' own and bytes.

use core::fmt;

use crate::bytes::Bytes;

/// Bytes that travel in the entry itself; longer ones are shared or handed over, never copied.
pub const OPAQUE_INLINE_BYTES_MAX: usize = 42;

/// Bytes with a tag that sender and receiver agree upon.
///
/// ```
/// # use actor::Opaque;
/// let ping = Opaque::copy_of(7, b"ping");
/// assert_eq!((ping.tag(), ping.as_bytes()), (7, &b"ping"[..]));
/// ```
#[derive(Clone)]
pub struct Opaque(Body);

/// The tag lies in each variant, because beside the enum it would cost eight bytes.
#[derive(Clone)]
enum Body {
    Inline { tag: u32, length: u8, bytes: [u8; OPAQUE_INLINE_BYTES_MAX] },
    Shared { tag: u32, bytes: Bytes },
}
const _: () = assert!(size_of::<Opaque>() <= crate::message::INLINE_BYTES_MAX, "it travels in the entry");

impl Opaque {
    /// With these bytes, copied: into the entry if they fit.
    pub fn copy_of(tag: u32, from: &[u8]) -> Self {
        if from.len() > OPAQUE_INLINE_BYTES_MAX {
            return Self(Body::Shared { tag, bytes: Bytes::copy_of(from) });
        }
        let mut bytes = [0; OPAQUE_INLINE_BYTES_MAX];
        bytes[..from.len()].copy_from_slice(from);
        Self(Body::Inline { tag, length: from.len() as u8, bytes })
    }

    /// With bytes that are handed over.
    pub const fn new(tag: u32, bytes: Bytes) -> Self {
        Self(Body::Shared { tag, bytes })
    }

    /// What the bytes are, in the users' own numbering.
    pub const fn tag(&self) -> u32 {
        match self.0 {
            Body::Inline { tag, .. } | Body::Shared { tag, .. } => tag,
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Body::Inline { length, bytes, .. } => &bytes[..usize::from(*length)],
            Body::Shared { bytes, .. } => bytes.as_bytes(),
        }
    }

    /// The bytes for keeping: handed over if they are long, copied if they are short.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Body::Inline { length, bytes, .. } => Bytes::copy_of(&bytes[..usize::from(length)]),
            Body::Shared { bytes, .. } => bytes,
        }
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is in it may be a secret.
        write!(f, "Opaque({}, {} bytes)", self.tag(), self.as_bytes().len())
    }
}

#[cfg(test)]
mod tests;
