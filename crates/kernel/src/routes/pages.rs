//! A list in pages that clones share until one of them changes: a change copies one page.

use alloc::sync::Arc;
use alloc::vec::Vec;

/// 64 entries: a copied page is a few kilobytes, and the list of pages of a full table fits into two cache lines.
const PAGE: usize = 64;

#[derive(Debug, Clone)]
pub(crate) struct Pages<T>(Vec<Arc<[T; PAGE]>>);

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + Default> Pages<T> {
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        Some(&self.0.get(at / PAGE)?[at % PAGE])
    }

    /// Puts an entry; what lies between it and those before it is filled up.
    pub(crate) fn set(&mut self, at: usize, entry: T) {
        while self.0.len() <= at / PAGE {
            self.0.push(Arc::new(core::array::from_fn(|_| T::default())));
        }
        Arc::make_mut(&mut self.0[at / PAGE])[at % PAGE] = entry;
    }
}
