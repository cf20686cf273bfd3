//! Opaque bytes on their way from one module to another.

use alloc::sync::Arc;
use core::fmt;
use core::ops::Range;

/// A shared, immutable piece of one received line. Cloning shares the bytes; nobody here looks inside.
///
/// `Debug` prints the length only, because payloads never reach logs.
#[derive(Clone)]
pub struct Payload {
    line: Arc<[u8]>,
    start: u32,
    end: u32,
}

impl Payload {
    /// Takes bytes of their own.
    ///
    /// # Panics
    /// When there are 4 GiB or more: no line is that long.
    pub fn new(bytes: &[u8]) -> Self {
        Self::slice(&Arc::from(bytes), 0..bytes.len())
    }

    /// Shares a part of a received line.
    ///
    /// # Panics
    /// When `range` is not inside the line, or the line has 4 GiB or more.
    pub fn slice(line: &Arc<[u8]>, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= line.len(), "a payload lies inside its line");
        assert!(u32::try_from(line.len()).is_ok(), "a line is shorter than 4 GiB");
        #[expect(clippy::cast_possible_truncation, reason = "both ends are below the length checked above")]
        let (start, end) = (range.start as u32, range.end as u32);
        Self { line: line.clone(), start, end }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.line[self.start as usize..self.end as usize]
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests;
