//! Numbered things that are open: each is opened under the next number and closed in any order.
//!
//! A table with open addressing that keeps its memory, because on the path of a call nothing may be allocated. Numbers
//! follow each other, so that they spread over the table by themselves.

use alloc::vec::Vec;

use crate::saved::{Keep, Saved, Unreadable};

/// 16 places at the least: a module with few calls open never moves them.
const PLACES_LEAST: usize = 16;

/// 1,024 places: a table that grew beyond this is given back once it is empty.
const PLACES_KEPT: usize = 1024;

/// What finds a place in the table.
pub(crate) trait Key: Copy + Eq {
    /// Spreads over the low bits.
    fn spread(self) -> usize;
}

impl Key for u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what counts")]
    fn spread(self) -> usize {
        self as usize
    }
}

/// Two numbers: a life and what it numbered itself.
impl Key for (u64, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what counts")]
    fn spread(self) -> usize {
        let mixed = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(self.1);
        (mixed ^ (mixed >> 32)) as usize
    }
}

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Places<K, T> {
    places: Vec<Option<(K, T)>>,
    len: usize,
}

impl<K, T> Default for Places<K, T> {
    fn default() -> Self {
        Self { places: Vec::new(), len: 0 }
    }
}

impl<K: Key, T> Places<K, T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts a thing under a key that is not there yet.
    pub(crate) fn insert(&mut self, key: K, thing: T) {
        // At three quarters the ways to a place begin to get long.
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let mask = self.places.len() - 1;
        let mut at = key.spread() & mask;
        while self.places[at].is_some() {
            at = (at + 1) & mask;
        }
        self.places[at] = Some((key, thing));
        self.len += 1;
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(PLACES_LEAST);
        let old = core::mem::take(&mut self.places);
        self.places.resize_with(size, || None);
        self.len = 0;
        for (key, thing) in old.into_iter().flatten() {
            self.insert(key, thing);
        }
    }

    fn find(&self, key: K) -> Option<usize> {
        if self.len == 0 {
            return None;
        }
        let mask = self.places.len() - 1;
        let mut at = key.spread() & mask;
        loop {
            match &self.places[at] {
                None => return None,
                Some((other, _)) if *other == key => return Some(at),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    pub(crate) fn get(&self, key: K) -> Option<&T> {
        self.places[self.find(key)?].as_ref().map(|(_, thing)| thing)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut T> {
        let at = self.find(key)?;
        self.places[at].as_mut().map(|(_, thing)| thing)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<T> {
        let at = self.find(key)?;
        let (_, thing) = self.places[at].take()?;
        self.len -= 1;
        if self.len == 0 && self.places.len() > PLACES_KEPT {
            self.places = Vec::new();
        } else {
            self.close_gap(at);
        }
        Some(thing)
    }

    /// Moves what was put behind its own place back over the gap, so that every way to a place stays unbroken.
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.places.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let Some((key, _)) = &self.places[at] else { return };
            let home = key.spread() & mask;
            // How far the entry, and how far the gap, lie behind the entry's own place.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.places.swap(gap, at);
                gap = at;
            }
        }
    }

    /// All, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &T)> {
        self.places.iter().flatten().map(|(key, thing)| (*key, thing))
    }
}

/// The things.
#[derive(Debug, Clone)]
pub(crate) struct Open<T> {
    last: u64,
    places: Places<u64, T>,
}

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self { last: 0, places: Places::default() }
    }
}

impl<T> Open<T> {
    /// Opens one and gives its number, which comes only once.
    pub(crate) fn open(&mut self, thing: T) -> u64 {
        self.last += 1;
        self.places.insert(self.last, thing);
        self.last
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        self.places.get(number)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.places.get_mut(number)
    }

    pub(crate) fn close(&mut self, number: u64) -> Option<T> {
        self.places.remove(number)
    }

    /// The latest of those of which this is so.
    pub(crate) fn latest(&self, is_it: impl Fn(&T) -> bool) -> Option<u64> {
        self.places.iter().filter(|(_, thing)| is_it(thing)).map(|(number, _)| number).max()
    }

    /// All things, in no order.
    pub(crate) fn things(&self) -> impl Iterator<Item = &T> {
        self.places.iter().map(|(_, thing)| thing)
    }

    /// All numbers, oldest first.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.places.iter().map(|(number, _)| number).collect();
        numbers.sort_unstable();
        numbers
    }
}

impl<T: Keep> Keep for Open<T> {
    fn save(&self) -> Saved {
        let entry = |number: u64| Some(Saved::List(alloc::vec![number.save(), self.get(number)?.save()]));
        let all = self.numbers().into_iter().filter_map(entry).collect();
        Saved::fields([("last", self.last.save()), ("open", Saved::List(all))])
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        let mut open = Self { last: saved.field("last")?, places: Places::default() };
        let all: Vec<(u64, T)> = saved.field("open")?;
        for (number, thing) in all {
            // What comes twice, or was never given out, would break the table.
            if number > open.last || open.get(number).is_some() {
                return Err(Unreadable::new("open"));
            }
            open.places.insert(number, thing);
        }
        Ok(open)
    }
}

#[cfg(test)]
mod tests;
