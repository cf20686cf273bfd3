//! Addresses: unforgeable handles that say which actor, which life of its slot, and what the holder may do.
//!
//! An address is one word, index 32 | generation 24 | rights 8. There is no public way to make one out of numbers or to
//! add a right, so in safe code holding an address is the permission to use it. A stale one never reaches a later actor,
//! because a slot's generation grows with every life and a slot whose generations are used up is never taken again.

use core::fmt;
use core::marker::PhantomData;

use crate::message::{INDEX_BITS, TAG_BITS};

/// How far the index is shifted; below it lie generation and rights.
const INDEX_SHIFT: u32 = 32;
/// How far the generation is shifted; below it lie the rights, in the routing word the owner.
pub(crate) const GENERATION_SHIFT: u32 = 8;
/// The greatest generation: a slot that has reached it is retired, so generations never wrap around.
pub(crate) const GENERATION_MAX: u32 = (1 << 24) - 1;
/// Bits of the low byte that are rights.
const RIGHTS_BITS: u32 = 5;
/// What is below the generation in a 32-bit word.
pub(crate) const LOW_BYTE: u32 = 0xff;

/// What the holder of an address may do with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// Nothing at all; the address is only a name.
    pub const NONE: Self = Self(0);
    /// Send messages and ask.
    pub const SEND: Self = Self(1);
    /// Ask the actor to stop, or kill it.
    pub const STOP: Self = Self(1 << 1);
    /// Suspend and resume the actor.
    pub const PAUSE: Self = Self(1 << 2);
    /// Be told when the actor ends.
    pub const WATCH: Self = Self(1 << 3);
    /// Replace the actor's behaviour, move it to another core.
    pub const MANAGE: Self = Self(1 << 4);
    /// Everything: what the one who spawns gets.
    pub const ALL: Self = Self(0b1_1111);

    /// Whether all of `other` is in here.
    #[inline(always)]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({:#07b})", self.0)
    }
}

/// A handle to one actor, whatever messages it takes.
///
/// ```
/// # use actor::{Addr, Rights};
/// fn read_only(addr: Addr) -> Addr {
///     addr.with_rights(Rights::WATCH)
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addr(u64);

impl Addr {
    pub(crate) const fn new(index: u32, generation: u32, rights: Rights) -> Self {
        Self((index as u64) << INDEX_SHIFT | (generation << GENERATION_SHIFT) as u64 | rights.0 as u64)
    }

    /// With all rights, from a generation that is already shifted (a slot's or an entry's word).
    pub(crate) const fn from_word(index: u32, word: u32) -> Self {
        Self((index as u64) << INDEX_SHIFT | (word & !LOW_BYTE) as u64 | Rights::ALL.0 as u64)
    }

    /// What [`Addr::as_bits`] gave, out of this crate's own tables.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The same actor with no more than `rights`; what the handle lacks is not added.
    #[must_use]
    pub const fn with_rights(self, rights: Rights) -> Self {
        Self(self.0 & !(LOW_BYTE as u64) | (self.0 as u8 & rights.0) as u64)
    }

    /// What this handle allows.
    #[inline(always)]
    pub const fn rights(self) -> Rights {
        Rights(self.0 as u8)
    }

    /// The place in the table of actors; for people and reports, it can't be turned back into an address.
    #[inline(always)]
    pub const fn index(self) -> u32 {
        (self.0 >> INDEX_SHIFT) as u32
    }

    /// Which life of that place.
    pub const fn generation(self) -> u32 {
        (self.0 as u32) >> GENERATION_SHIFT
    }

    /// The generation where it lies in routing words, entries and slots, the low byte zero.
    #[inline(always)]
    pub(crate) const fn word(self) -> u32 {
        self.0 as u32 & !LOW_BYTE
    }

    /// Whether both name the same actor, whatever they allow.
    pub const fn is_same_actor(self, other: Self) -> bool {
        self.0 >> GENERATION_SHIFT == other.0 >> GENERATION_SHIFT
    }

    /// All bits: what the other side of a process border may be told through a table of handles, never as an authority.
    pub const fn as_bits(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.index(), self.generation())
    }
}

/// Where the upper bits of a type's tag lie in an [`Address`]: above the index, which does not need them.
const TAG_HIGH_SHIFT: u32 = INDEX_SHIFT + INDEX_BITS;
/// Where the lower ones lie: above the rights, below the generation.
const TAG_LOW_SHIFT: u32 = RIGHTS_BITS;
/// Bits of a tag that lie above the rights.
const TAG_LOW_BITS: u32 = GENERATION_SHIFT - RIGHTS_BITS;
/// The lower bits of a tag.
const TAG_LOW: u32 = (1 << TAG_LOW_BITS) - 1;
/// All bits of an [`Address`] that are its tag's.
const TAG_MASK: u64 = u64::MAX << TAG_HIGH_SHIFT | (TAG_LOW as u64) << TAG_LOW_SHIFT;
const _: () = assert!(
    TAG_MASK.count_ones() == TAG_BITS && Rights::ALL.0 as u32 == (1 << RIGHTS_BITS) - 1,
    "a tag fills the bits that index, generation and rights leave"
);

/// A handle to an actor that takes messages of type `M`: one word, so that tables of addresses stay small. Where an
/// [`Addr`] has zeroes it has the number of the type.
pub struct Address<M> {
    bits: u64,
    message: PhantomData<fn(M)>,
}

impl<M> Address<M> {
    /// The caller answers for it that the actor's kind takes the type registered as `tag`, and that this is `M`.
    pub(crate) const fn new(addr: Addr, tag: u32) -> Self {
        let high = ((tag >> TAG_LOW_BITS) as u64) << TAG_HIGH_SHIFT;
        Self { bits: addr.0 | high | ((tag & TAG_LOW) as u64) << TAG_LOW_SHIFT, message: PhantomData }
    }

    /// The handle without the type.
    #[inline(always)]
    pub const fn addr(self) -> Addr {
        Addr(self.bits & !TAG_MASK)
    }

    #[inline(always)]
    pub(crate) const fn tag(self) -> u32 {
        (self.bits >> TAG_HIGH_SHIFT << TAG_LOW_BITS) as u32 | (self.bits as u32 >> TAG_LOW_SHIFT) & TAG_LOW
    }

    /// The same actor with no more than `rights`.
    #[must_use]
    pub const fn with_rights(self, rights: Rights) -> Self {
        Self::new(self.addr().with_rights(rights), self.tag())
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Address<M> {}

impl<M> PartialEq for Address<M> {
    fn eq(&self, other: &Self) -> bool {
        self.addr() == other.addr()
    }
}

impl<M> Eq for Address<M> {}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr().fmt(f)
    }
}

#[cfg(test)]
mod tests;
