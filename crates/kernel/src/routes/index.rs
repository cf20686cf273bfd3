//! A hash table of names whose clones share every bucket that did not change.
//!
//! Names get in only from manifests and approvals; what modules say is only looked up, so nobody can fill a bucket
//! by choosing names at run time. Equal hashes are told apart by the names themselves.
//!
//! # What one look reads
//! The bucket's line with the tags of its first entries, all of them compared at once, and the one entry that has the
//! tag: its name lies in it, within one cache line. A look that walked along the bucket took twice as long, most of it
//! for branches that no processor can foresee.

use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Name;

use crate::word::Word;

/// 256 buckets: at a thousand modules a bucket holds about four names, and a change copies those four.
const BUCKETS: usize = 256;

/// 8 tags in one word: a bucket of a thousand modules seldom has more entries, and those beyond are compared one by one.
const TAGS: usize = size_of::<u64>();

/// One name in one cache line, where the name is not longer than a [`Word`] holds in itself.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Entry<V> {
    name: Word,
    value: V,
}

#[derive(Debug, Clone)]
struct Bucket<V> {
    /// A byte of the hash of each of the first entries, in their order; 0 where there is none.
    tags: u64,
    entries: Arc<[Entry<V>]>,
}

#[derive(Debug, Clone)]
pub(crate) struct Index<V> {
    /// Empty until the first name comes.
    buckets: Vec<Bucket<V>>,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { buckets: Vec::new() }
    }
}

impl<V> Bucket<V> {
    fn of(entries: Arc<[Entry<V>]>) -> Self {
        let tags = entries.iter().take(TAGS).enumerate();
        let tags = tags.map(|(at, entry)| u64::from(tag_of(hash(entry.name.as_bytes()))) << (8 * at));
        Self { tags: tags.sum(), entries }
    }

    #[inline]
    fn find(&self, tag: u8, name: &[u8]) -> Option<&Entry<V>> {
        // The lowest zero byte of the difference is where the tag is; a higher one may be shown wrongly, and then the
        // names differ.
        let differs = self.tags ^ u64::from_le_bytes([tag; TAGS]);
        let mut zeros = differs.wrapping_sub(ONES) & !differs & (ONES << 7);
        while zeros != 0 {
            let entry = self.entries.get(zeros.trailing_zeros() as usize / 8)?;
            if is_same(entry.name.as_bytes(), name) {
                return Some(entry);
            }
            zeros &= zeros - 1;
        }
        self.entries.get(TAGS..)?.iter().find(|entry| entry.name.as_bytes() == name)
    }
}

/// A one in every byte.
const ONES: u64 = u64::from_le_bytes([1; TAGS]);

impl<V: Clone> Index<V> {
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        let name = name.as_bytes();
        let hash = hash(name);
        let bucket = self.buckets.get(bucket_of(hash))?;
        bucket.find(tag_of(hash), name).map(|entry| &entry.value)
    }

    /// Puts a value, or takes the name out.
    pub(crate) fn set(&mut self, name: &Name, value: Option<V>) {
        if self.buckets.is_empty() {
            self.buckets = alloc::vec![Bucket::of(Arc::from(Vec::new())); BUCKETS];
        }
        let bucket = &mut self.buckets[bucket_of(hash(name.as_str().as_bytes()))];
        let name = Word::from(name);
        let others = bucket.entries.iter().filter(|entry| entry.name != name).cloned();
        let own = value.map(|value| Entry { name: name.clone(), value });
        *bucket = Bucket::of(others.chain(own).collect());
    }
}

fn bucket_of(hash: u64) -> usize {
    // The high bits are the best mixed ones of a product.
    (hash >> 56) as usize % BUCKETS
}

/// Never 0, which says that there is no entry.
fn tag_of(hash: u64) -> u8 {
    let [.., tag, _] = hash.to_le_bytes();
    tag.max(1)
}

/// Multiply and fold: names are short, and what is at stake is only the length of a bucket. Up to 16 bytes, as most names
/// are, it is two words, which may overlap, and two products.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let mut hash = name.len() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let Some(last) = name.last_chunk::<8>() else { return mixed(hash, short(name)) };
    let (words, _) = name.as_chunks::<8>();
    for word in words {
        hash = mixed(hash, u64::from_le_bytes(*word));
    }
    mixed(hash, u64::from_le_bytes(*last))
}

#[inline]
fn mixed(hash: u64, word: u64) -> u64 {
    const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
    let product = u128::from(hash ^ word) * u128::from(FACTOR);
    let [low, high] = [product as u64, (product >> 64) as u64];
    low ^ high
}

/// Up to seven bytes as one word.
#[inline]
fn short(name: &[u8]) -> u64 {
    match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The same as `==`, which for texts of unknown length is a call that costs more than the rest of a look.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (Some(one_last), Some(other_last)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) else {
        return short(one) == short(other);
    };
    // The last bytes first: names differ there.
    one_last == other_last && one.as_chunks::<8>().0 == other.as_chunks::<8>().0
}

#[cfg(test)]
mod tests;
