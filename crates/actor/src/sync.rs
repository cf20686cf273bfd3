//! The one place where atomics come from, so that loom can stand in for the real ones.
//!
//! Protocols that two threads take part in (ring, wake flag, trace, hand-over) use these names only; with `--cfg loom`
//! the very same code runs under the model checker.

#[cfg(loom)]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use {
    alloc::sync::Arc,
    core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;

/// The shape of loom's cell around the plain one: access by closure, so that the model sees when it begins and ends.
#[cfg(not(loom))]
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// Locks and threads of what runs beside the cores; shuttle stands in for them with `--cfg shuttle`.
#[cfg(feature = "std")]
pub(crate) mod threads {
    #[cfg(shuttle)]
    pub(crate) use shuttle::{
        sync::{
            Arc, Condvar, Mutex, MutexGuard,
            atomic::{AtomicBool, AtomicUsize, Ordering, fence},
        },
        thread::{Builder, JoinHandle, ThreadId, current},
    };
    #[cfg(not(shuttle))]
    pub(crate) use std::{
        sync::{
            Arc, Condvar, Mutex, MutexGuard,
            atomic::{AtomicBool, AtomicUsize, Ordering, fence},
        },
        thread::{Builder, JoinHandle, ThreadId, current},
    };

    /// Whose turn it is.
    pub(crate) fn current_id() -> ThreadId {
        current().id()
    }
}
