//! How a core module hands a text over in one `i64`: the place in the upper half, the length in the lower, whose top bit
//! marks the text of an error.

/// Whether the text is a result or says why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Done,
    Failed,
}

const FAILED: u32 = 1 << 31;

/// The lengths that occur are far below the mark.
pub(super) fn pack(at: u32, len: u32, says: Says) -> u64 {
    let mark = if says == Says::Failed { FAILED } else { 0 };
    u64::from(at) << 32 | u64::from(len & !FAILED | mark)
}

#[expect(clippy::cast_possible_truncation, reason = "each half is taken by itself")]
pub(super) fn unpack(value: u64) -> (usize, usize, Says) {
    let low = value as u32;
    let says = if low & FAILED == 0 { Says::Done } else { Says::Failed };
    ((value >> 32) as usize, (low & !FAILED) as usize, says)
}
