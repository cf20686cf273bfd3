//! One direction of a lane: two positions, two flags and the bytes, in memory that the peer may change at any moment.
//!
//! Positions count bytes and wrap at 2^32; where they lie in the ring is their remainder. Bytes go in and out as whole
//! words, relaxed: the positions' release and acquire order them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::thread::futex;

use crate::error::PeerFault;
use crate::layout::{RECORD_ALIGN, Way};
use crate::memory::Memory;
use crate::signal::Sleeper;

/// A word of the ring, as bytes.
const WORD: usize = size_of::<u64>();

/// What the caller has to do for a peer that sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a peer that sleeps on its pipe sleeps on until it gets a blank line there"]
pub enum Rouse {
    /// Nothing: it is awake, or was woken.
    Nobody,
    /// It sleeps on its pipe: write one line break there.
    ByPipe,
}

impl Rouse {
    /// What both ask for together.
    pub fn or(self, other: Self) -> Self {
        if self == Self::ByPipe { self } else { other }
    }
}

/// One direction, as both of its ends see it.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    memory: Arc<Memory>,
    way: Way,
    ring_bytes: u32,
}

impl Ring {
    pub(crate) fn new(memory: Arc<Memory>, way: Way, ring_bytes: u32) -> Self {
        Self { memory, way, ring_bytes }
    }

    pub(crate) fn ring_bytes(&self) -> u32 {
        self.ring_bytes
    }

    #[inline]
    pub(crate) fn tail(&self) -> &AtomicU32 {
        self.memory.word(self.way.tail_at())
    }

    #[inline]
    pub(crate) fn head(&self) -> &AtomicU32 {
        self.memory.word(self.way.head_at())
    }

    #[inline]
    pub(crate) fn reader_sleeps(&self) -> &AtomicU32 {
        self.memory.word(self.way.reader_sleeps_at())
    }

    #[inline]
    pub(crate) fn writer_sleeps(&self) -> &AtomicU32 {
        self.memory.word(self.way.writer_sleeps_at())
    }

    /// How many bytes lie between the two positions, if that is possible at all.
    #[inline]
    pub(crate) fn between(&self, head: u32, tail: u32) -> Result<usize, PeerFault> {
        let bytes = tail.wrapping_sub(head);
        if bytes > self.ring_bytes || !(bytes as usize).is_multiple_of(RECORD_ALIGN) {
            return Err(PeerFault::Position { position: bytes, ring_bytes: self.ring_bytes });
        }
        Ok(bytes as usize)
    }

    fn words(&self) -> &[AtomicU64] {
        let bytes = self.ring_bytes as usize;
        self.memory.long_words(self.way.bytes_at(self.ring_bytes), bytes)
    }

    fn index(&self, position: u32) -> usize {
        (position & (self.ring_bytes - 1)) as usize / WORD
    }

    /// The two halves of the header of the record at this position: its length and its flags.
    #[inline]
    pub(crate) fn header(&self, position: u32) -> (u32, u32) {
        let [a, b, c, d, e, f, g, h] =
            self.words()[self.index(position)].load(Ordering::Relaxed).to_ne_bytes();
        (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]))
    }

    /// Writes a record: header, payload, zeros up to the next word. There must be room for it.
    #[inline]
    pub(crate) fn put(&self, position: u32, flags: u32, payload: &[u8]) {
        let words = self.words();
        let [a, b, c, d] =
            u32::try_from(payload.len()).expect("a piece is shorter than its ring").to_ne_bytes();
        let [e, f, g, h] = flags.to_ne_bytes();
        let header = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
        words[self.index(position)].store(header, Ordering::Relaxed);
        let start = self.index(position.wrapping_add(WORD as u32));
        let whole = (words.len() - start) * WORD;
        let (before, after) = payload.split_at(payload.len().min(whole));
        store(&words[start..], before);
        store(words, after);
    }

    /// Copies what lies after a record's header; `into` has whole words.
    #[inline]
    pub(crate) fn take(&self, position: u32, into: &mut [u8]) {
        let words = self.words();
        let start = self.index(position.wrapping_add(WORD as u32));
        let whole = (words.len() - start) * WORD;
        let (before, after) = into.split_at_mut(into.len().min(whole));
        load(&words[start..], before);
        load(words, after);
    }

    /// Wakes whoever slept on this flag, as far as that is ours to do.
    #[inline]
    pub(crate) fn wake(sleeps: &AtomicU32, sleeper: Sleeper) -> Rouse {
        match sleeper {
            Sleeper::Nobody => Rouse::Nobody,
            Sleeper::OnPipe => Rouse::ByPipe,
            Sleeper::OnFutex => {
                // It fails only for a word that is not mapped, and this one is.
                let _ = futex::wake(sleeps, futex::Flags::empty(), 1);
                Rouse::Nobody
            }
        }
    }
}

/// The bytes into the words, the last one filled up with zeros.
#[inline]
fn store(to: &[AtomicU64], from: &[u8]) {
    let (whole, rest) = from.as_chunks::<WORD>();
    for (word, bytes) in to.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    if !rest.is_empty() {
        let mut last = [0; WORD];
        last[..rest.len()].copy_from_slice(rest);
        to[whole.len()].store(u64::from_ne_bytes(last), Ordering::Relaxed);
    }
}

#[inline]
fn load(from: &[AtomicU64], to: &mut [u8]) {
    let (whole, _) = to.as_chunks_mut::<WORD>();
    for (word, bytes) in from.iter().zip(whole) {
        *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    }
}
