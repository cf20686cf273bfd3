//! A message log: a queue of lines in chunks that are used again while they are still in the cache.
//!
//! A growing circle would walk through all the memory it ever needed; chunks come back from the shard's pool last in,
//! first out. A line never moves, so a message is handled where it was written.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::ptr::{NonNull, null_mut};

use crate::message::Line;

/// Lines of one chunk: 8 KiB, a quarter of a small first-level cache.
const CHUNK_LINES: usize = 128;
/// Chunks that a shard keeps for later; more are given back to the allocator.
const CHUNKS_KEPT_MAX: usize = 256;

struct Chunk {
    lines: [MaybeUninit<Line>; CHUNK_LINES],
    next: *mut Chunk,
}

/// Empty chunks of one shard.
#[derive(Default)]
pub(crate) struct Chunks(Vec<NonNull<Chunk>>);

impl Chunks {
    #[cold]
    #[inline(never)]
    fn take(&mut self) -> NonNull<Chunk> {
        self.0.pop().unwrap_or_else(|| {
            let mut chunk = Box::<Chunk>::new_uninit();
            // SAFETY: the lines may stay as they are, being `MaybeUninit`; `next` is written here.
            unsafe {
                (&raw mut (*chunk.as_mut_ptr()).next).write(null_mut());
                NonNull::from(Box::leak(chunk.assume_init()))
            }
        })
    }

    fn give(&mut self, chunk: NonNull<Chunk>) {
        if self.0.len() < CHUNKS_KEPT_MAX {
            self.0.push(chunk);
        } else {
            // SAFETY: chunks come from `take`, which leaked a box, and are owned by whoever holds them.
            drop(unsafe { Box::from_raw(chunk.as_ptr()) });
        }
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        for chunk in self.0.drain(..) {
            // SAFETY: as in `give`.
            drop(unsafe { Box::from_raw(chunk.as_ptr()) });
        }
    }
}

/// First in, first out. What is in it when it is dropped leaks its payloads: the shard empties its logs first.
pub(crate) struct Log {
    head: *mut Line,
    head_end: *mut Line,
    tail: *mut Line,
    tail_end: *mut Line,
    first: *mut Chunk,
    last: *mut Chunk,
    /// Turns in which something stayed here over.
    pub(crate) waited: u32,
}

impl Log {
    pub(crate) const fn new() -> Self {
        Self {
            head: null_mut(),
            head_end: null_mut(),
            tail: null_mut(),
            tail_end: null_mut(),
            first: null_mut(),
            last: null_mut(),
            waited: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    /// The place of the next entry, which the caller must fill before anything else is done with the log.
    #[inline(always)]
    pub(crate) fn push(&mut self, chunks: &mut Chunks) -> *mut Line {
        if self.tail == self.tail_end {
            self.grow(chunks);
        }
        let line = self.tail;
        // SAFETY: `tail` is before `tail_end`, both in or just behind one chunk.
        self.tail = unsafe { line.add(1) };
        line
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, chunks: &mut Chunks) {
        let chunk = chunks.take().as_ptr();
        // SAFETY: the chunk is ours alone until it is given back; `last` is null or our last chunk.
        unsafe {
            (*chunk).next = null_mut();
            let start = (&raw mut (*chunk).lines).cast::<Line>();
            let end = start.add(CHUNK_LINES);
            if self.last.is_null() {
                (self.first, self.head, self.head_end) = (chunk, start, end);
            } else {
                (*self.last).next = chunk;
            }
            (self.last, self.tail, self.tail_end) = (chunk, start, end);
        }
        if self.head == self.head_end {
            self.step(chunks);
        }
    }

    /// The oldest entry, which stays where it is until the next call.
    #[inline(always)]
    pub(crate) fn pop(&mut self, chunks: &mut Chunks) -> Option<*mut Line> {
        if self.head == self.tail {
            return None;
        }
        if self.head == self.head_end {
            self.step(chunks);
        }
        let line = self.head;
        // SAFETY: the log is not empty, so `head` is an entry of its chunk.
        self.head = unsafe { line.add(1) };
        Some(line)
    }

    /// Leaves a chunk that has been read for the one after it.
    #[cold]
    #[inline(never)]
    fn step(&mut self, chunks: &mut Chunks) {
        let read = self.first;
        // SAFETY: `first` is our chunk, and there is one behind it, since `head` met its end and not the tail.
        unsafe {
            let next = (*read).next;
            if next.is_null() {
                return;
            }
            self.first = next;
            self.head = (&raw mut (*next).lines).cast::<Line>();
            self.head_end = self.head.add(CHUNK_LINES);
            chunks.give(NonNull::new_unchecked(read));
        }
    }

    /// The entry that lies `ahead` behind the next one, less than a chunk away. For prefetching.
    #[inline(always)]
    pub(crate) fn ahead(&self, ahead: usize) -> Option<*const Line> {
        debug_assert!(ahead < CHUNK_LINES, "the line is in this chunk or the next");
        let line = self.head.wrapping_add(ahead);
        if self.first == self.last {
            return (line < self.tail).then_some(line.cast_const());
        }
        if line < self.head_end {
            return Some(line.cast_const());
        }
        self.ahead_in_next(line)
    }

    #[inline(never)]
    fn ahead_in_next(&self, line: *const Line) -> Option<*const Line> {
        let beyond = (line as usize - self.head_end as usize) / size_of::<Line>();
        // SAFETY: `first` is not the last chunk, so there is one behind it.
        let next = unsafe { (*self.first).next };
        // SAFETY: `beyond` is less than a chunk.
        let line = unsafe { (&raw const (*next).lines).cast::<Line>().add(beyond) };
        let is_filled = next != self.last || line < self.tail.cast_const();
        is_filled.then_some(line)
    }

    /// How many entries there are; a walk over the chunks.
    pub(crate) fn count(&self) -> usize {
        if self.first == self.last {
            return (self.tail as usize - self.head as usize) / size_of::<Line>();
        }
        let mut count = (self.head_end as usize - self.head as usize) / size_of::<Line>();
        // SAFETY: the chunks from `first` to `last` are ours and linked.
        let mut chunk = unsafe { (*self.first).next };
        while chunk != self.last {
            count += CHUNK_LINES;
            // SAFETY: as above.
            chunk = unsafe { (*chunk).next };
        }
        // SAFETY: as above.
        let start = unsafe { (&raw mut (*chunk).lines).cast::<Line>() };
        count + (self.tail as usize - start as usize) / size_of::<Line>()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let mut chunk = self.first;
        while !chunk.is_null() {
            // SAFETY: the chunks from `first` on are ours, made from boxes and visited once.
            let next = unsafe { Box::from_raw(chunk) }.next;
            chunk = next;
        }
    }
}

#[cfg(test)]
mod tests;
