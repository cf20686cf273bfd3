//! Messages as they lie in logs and rings: one cache line, a small header and 48 bytes of payload.
//!
//! A payload is raw bytes; what they are says the tag, an index into the table of message types. The table is the
//! process's, not a system's, so a tag names one Rust type for good and a message that took a wrong turn between two
//! systems is found out instead of misread. Through the table a message that nobody takes is dropped as its type wants.
//!
//! # Protocol
//! [`put`] moves a value into a payload; after that exactly one of [`take`] and [`discard`] is called with it.

use alloc::boxed::Box;
use core::any::{TypeId, type_name};
use core::hint::spin_loop;
use core::mem::size_of;
use core::ptr::{self, null_mut};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// Bytes of a message that travel in the entry itself; longer values travel as one box, moved and never copied.
pub const INLINE_BYTES_MAX: usize = 48;

/// Bits of a tag: what index, generation and rights leave free in an address.
pub(crate) const TAG_BITS: u32 = 10;

/// Message types of a process, and as many kinds of actors; a program has some hundreds.
pub(crate) const TYPES_MAX: usize = 1 << TAG_BITS;

/// How urgent a message is. Each lane is a log of its own in each core; weights share the turn out between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Lane {
    /// Exits, answers to exits, timers of the runtime: drained first, never refused. Not for users' messages.
    System = 0,
    /// Before anything else of the users.
    Critical = 1,
    /// People wait for it.
    High = 2,
    /// What has no reason to be elsewhere.
    #[default]
    Normal = 3,
    /// Can wait.
    Low = 4,
    /// Only when there is room; still not starved.
    Idle = 5,
}

/// How many lanes there are.
pub(crate) const LANES: usize = 6;

impl Lane {
    pub(crate) const ALL: [Self; LANES] =
        [Self::System, Self::Critical, Self::High, Self::Normal, Self::Low, Self::Idle];

    #[inline(always)]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self::ALL[if bits < LANES as u32 { bits as usize } else { Self::Idle as usize }]
    }
}

/// The 48 bytes. Words, so that it is aligned to eight; values are read and written unaligned nevertheless.
pub(crate) type Payload = [core::mem::MaybeUninit<u64>; INLINE_BYTES_MAX / 8];

/// A payload without anything in it.
pub(crate) const EMPTY: Payload = [core::mem::MaybeUninit::uninit(); INLINE_BYTES_MAX / 8];

/// What says where a payload goes and what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// The actor's index.
    pub(crate) dst: u32,
    /// Its generation, shifted as in the slot's word, and the lane in the low byte.
    pub(crate) meta: u32,
    pub(crate) tag: u32,
}

impl Line {
    #[inline]
    pub(crate) const fn new(header: Header, payload: Payload) -> Self {
        Self { header, spare: core::mem::MaybeUninit::uninit(), payload }
    }
}

impl Header {
    #[inline(always)]
    pub(crate) const fn lane(self) -> Lane {
        Lane::from_bits(self.meta & 0xff)
    }
}

/// An entry of a log: header 16, payload 48, one line.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) header: Header,
    /// Who told it, while it is staged; otherwise never written.
    pub(crate) spare: core::mem::MaybeUninit<u32>,
    pub(crate) payload: Payload,
}

/// An entry of a ring: its eight bytes of sequence leave eight for the header, index 25 | generation 24 | tag 12 | lane 3.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Packet {
    pub(crate) head: u64,
    pub(crate) payload: Payload,
}

/// Bits of an index: 33 million actors in one process.
pub(crate) const INDEX_BITS: u32 = 25;
const PACKED_TAG: u32 = 3;
const PACKED_GENERATION: u32 = PACKED_TAG + 12;
const PACKED_INDEX: u32 = PACKED_GENERATION + 24;
const _: () = assert!(PACKED_INDEX + INDEX_BITS == 64, "the packed header is one word");
const _: () = assert!(size_of::<Line>() == 64, "an entry of a log is one line");
const _: () = assert!(size_of::<Packet>() == 56, "an entry of a ring is one line with its sequence");

impl Packet {
    #[inline(always)]
    pub(crate) const fn pack(header: Header) -> u64 {
        (header.dst as u64) << PACKED_INDEX
            | ((header.meta >> 8) as u64) << PACKED_GENERATION
            | (header.tag as u64) << PACKED_TAG
            | (header.meta & 7) as u64
    }

    #[inline(always)]
    pub(crate) const fn unpack(head: u64) -> Header {
        let generation = (head >> PACKED_GENERATION) as u32 & crate::address::GENERATION_MAX;
        Header {
            dst: (head >> PACKED_INDEX) as u32,
            meta: generation << 8 | head as u32 & 7,
            tag: (head >> PACKED_TAG) as u32 & (TYPES_MAX as u32 - 1),
        }
    }
}

/// One message type: who it is and how a payload of it is dropped.
#[derive(Debug)]
pub(crate) struct MessageType {
    pub(crate) id: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
    drop: unsafe fn(*mut u8),
}

/// Gives the type's description, one constant for each `M`.
pub(crate) const fn message_type<M: Send + 'static>() -> &'static MessageType {
    const { &MessageType { id: TypeId::of::<M>, name: type_name::<M>, drop: drop_payload::<M> } }
}

const fn is_inline<M>() -> bool {
    size_of::<M>() <= INLINE_BYTES_MAX
}

/// Moves a value into a payload.
///
/// # Safety
/// `payload` is valid for writes of [`INLINE_BYTES_MAX`] bytes.
#[inline(always)]
pub(crate) unsafe fn put<M: Send>(payload: *mut u8, message: M) {
    if is_inline::<M>() {
        // SAFETY: the value fits the bytes that the caller vouches for; no alignment is assumed.
        unsafe { ptr::write_unaligned(payload.cast::<M>(), message) }
    } else {
        // SAFETY: a pointer fits; no alignment is assumed.
        unsafe { ptr::write_unaligned(payload.cast::<Box<M>>(), Box::new(message)) }
    }
}

/// Moves the value out of a payload.
///
/// # Safety
/// `payload` was filled by [`put`] with the same `M` and was neither taken nor discarded since.
#[inline(always)]
pub(crate) unsafe fn take<M: Send>(payload: *mut u8) -> M {
    if is_inline::<M>() {
        // SAFETY: the caller says that an `M` lies there and is read once.
        unsafe { ptr::read_unaligned(payload.cast::<M>()) }
    } else {
        // SAFETY: as above, as a box.
        *unsafe { ptr::read_unaligned(payload.cast::<Box<M>>()) }
    }
}

unsafe fn drop_payload<M: Send>(payload: *mut u8) {
    // SAFETY: the same demands as of `take`, met by the caller of `discard`.
    drop(unsafe { take::<M>(payload) });
}

/// Drops what lies in a payload that nobody took.
///
/// # Safety
/// `payload` was filled by [`put`] with the type registered as `tag` and was neither taken nor discarded since.
pub(crate) unsafe fn discard(tag: u32, payload: *mut u8) {
    if let Some(message) = TYPES.at(tag) {
        // SAFETY: the caller says that the payload is of the type with this tag.
        unsafe { (message.drop)(payload) }
    }
}

/// A table that only grows: entry by index without a lock, additions under a spin lock.
pub(crate) struct Registry<T: 'static> {
    entries: [AtomicPtr<T>; TYPES_MAX],
    count: AtomicU32,
    locked: AtomicBool,
}

/// All message types that this process has used. Index 0 stays empty: no message has the tag 0.
pub(crate) static TYPES: Registry<MessageType> = Registry::new();

impl<T> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: [const { AtomicPtr::new(null_mut()) }; TYPES_MAX],
            count: AtomicU32::new(1),
            locked: AtomicBool::new(false),
        }
    }

    /// The entry with this index.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&'static T> {
        let entry = self.entries.get(index as usize)?.load(Ordering::Acquire);
        // SAFETY: entries are null or came from a `&'static T` in `register`.
        unsafe { entry.as_ref() }
    }

    /// The index of `item`, which is added when no entry `is_same`.
    ///
    /// # Panics
    /// When there are [`TYPES_MAX`] entries: their number is a property of the program's text, not of its input.
    pub(crate) fn register(&self, item: &'static T, is_same: impl Fn(&T, &T) -> bool) -> u32 {
        while self.locked.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            spin_loop();
        }
        let count = self.count.load(Ordering::Relaxed);
        let known = (1..count).find(|index| self.at(*index).is_some_and(|known| is_same(known, item)));
        let fits = (count as usize) < TYPES_MAX;
        if known.is_none() && fits {
            self.entries[count as usize].store(ptr::from_ref(item).cast_mut(), Ordering::Release);
            self.count.store(count + 1, Ordering::Relaxed);
        }
        self.locked.store(false, Ordering::Release);
        assert!(
            known.is_some() || fits,
            "a program has fewer than {TYPES_MAX} message types and kinds of actors"
        );
        known.unwrap_or(count)
    }
}

/// The tag of a message type. A scan under a lock: kinds and shards remember what they were told.
pub(crate) fn tag_of<M: Send + 'static>() -> u32 {
    TYPES.register(message_type::<M>(), |known, new| (known.id)() == (new.id)())
}

#[cfg(test)]
mod tests;
