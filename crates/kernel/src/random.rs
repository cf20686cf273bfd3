//! The kernel's only source of chance: a number sequence that follows from its seed.

use crate::saved::{Keep, Saved, Unreadable};

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and good enough for jitter and for ids that need to differ.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A version 4 uuid as a number (RFC 9562: version in the seventh byte, variant in the ninth).
    pub(crate) fn uuid(&mut self) -> u128 {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        (bits & !(0xf_u128 << 76) & !(0x3_u128 << 62)) | (0x4_u128 << 76) | (0x2_u128 << 62)
    }
}

impl Keep for Random {
    fn save(&self) -> Saved {
        self.0.save()
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        Keep::restore(saved).map(Self)
    }
}

#[cfg(test)]
mod tests;
