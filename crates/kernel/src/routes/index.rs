//! A hash table of names whose clones share every bucket that did not change.
//!
//! Names get in only from manifests and approvals; what modules say is only looked up, so nobody can fill a bucket
//! by choosing names at run time. Equal hashes are told apart by the names themselves.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Name;

/// 256 buckets: at a thousand modules a bucket holds about four names, and a change copies those four.
const BUCKETS: usize = 256;

#[derive(Debug, Clone)]
struct Entry<V> {
    hash: u64,
    name: Name,
    value: V,
}

#[derive(Debug, Clone)]
pub(crate) struct Index<V> {
    /// Empty until the first name comes.
    buckets: Vec<Arc<[Entry<V>]>>,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { buckets: Vec::new() }
    }
}

impl<V: Clone> Index<V> {
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        let hash = hash(name);
        let bucket = self.buckets.get(bucket_of(hash))?;
        let is_it = |entry: &&Entry<V>| entry.hash == hash && entry.name.as_str() == name;
        bucket.iter().find(is_it).map(|entry| &entry.value)
    }

    /// Puts a value, or takes the name out.
    pub(crate) fn set(&mut self, name: &Name, value: Option<V>) {
        if self.buckets.is_empty() {
            self.buckets = alloc::vec![Arc::from(Vec::new()); BUCKETS];
        }
        let hash = hash(name.as_str());
        let bucket = &mut self.buckets[bucket_of(hash)];
        let others = bucket.iter().filter(|entry| entry.name != *name).cloned();
        let own = value.map(|value| Entry { hash, name: name.clone(), value });
        *bucket = others.chain(own).collect();
    }
}

fn bucket_of(hash: u64) -> usize {
    // The high bits are the best mixed ones of a product.
    (hash >> 56) as usize % BUCKETS
}

/// Multiply and fold, eight bytes at a time: names are short, and what is at stake is only the length of a bucket.
#[inline]
fn hash(text: &str) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = text.len() as u64 ^ FACTOR;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        hash = mixed(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mixed(hash ^ u64::from_le_bytes(last))
}

#[inline]
fn mixed(word: u64) -> u64 {
    const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
    let product = word.wrapping_mul(FACTOR);
    (product ^ (product >> 32)).wrapping_mul(FACTOR)
}
