//! The queue through which threads that are not cores send: pushed by anyone, taken all at once by one core.
//!
//! # Protocol
//! A stack: pushing is one compare-and-swap, taking is one swap, and what was taken is turned round, so that the
//! messages of one sender keep their order.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Messages that may wait to be taken by a core: 8 MiB of nodes. More are refused as congestion.
pub const INJECTED_MAX: usize = 1 << 16;

struct Node<T> {
    value: T,
    next: *mut Node<T>,
}

/// Many senders, one taker.
pub(crate) struct Inject<T> {
    top: AtomicPtr<Node<T>>,
    waiting: AtomicUsize,
}

impl<T> Inject<T> {
    pub(crate) const fn new() -> Self {
        Self { top: AtomicPtr::new(null_mut()), waiting: AtomicUsize::new(0) }
    }

    /// Whether there is nothing to take.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.top.load(Ordering::Relaxed).is_null()
    }

    /// Whether ordinary messages are refused at the moment.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= INJECTED_MAX
    }

    pub(crate) fn push(&self, value: T) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node { value, next: null_mut() }));
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            // SAFETY: the node is ours until the exchange below publishes it.
            unsafe { (*node).next = top };
            match self.top.compare_exchange_weak(top, node, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Takes all, oldest first, into `into`.
    pub(crate) fn take_all(&self, into: &mut Vec<T>) {
        let mut node = self.top.swap(null_mut(), Ordering::Acquire);
        let before = into.len();
        while !node.is_null() {
            // SAFETY: the swap made the whole chain ours; each node came from a box and is visited once.
            let taken = unsafe { Box::from_raw(node) };
            node = taken.next;
            into.push(taken.value);
        }
        into[before..].reverse();
        self.waiting.fetch_sub(into.len() - before, Ordering::Relaxed);
    }
}

impl<T> Drop for Inject<T> {
    fn drop(&mut self) {
        self.take_all(&mut Vec::new());
    }
}

#[cfg(test)]
mod tests;
