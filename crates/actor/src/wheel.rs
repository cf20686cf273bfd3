//! Timers of one core: a wheel of wheels, so that setting and cancelling cost the same however many there are.
//!
//! # How it works
//! Time is cut into ticks of 4 µs. Level 0 has a slot per tick for the 64 ticks around now, level 1 a slot per 64
//! ticks, and so on; nine levels cover all of `u64`. A timer lies at the level of the highest six-bit digit in which
//! its tick differs from the wheel's, so all timers of a level are due before all of the next. When the wheel's tick
//! enters a slot of a higher level, its timers move down; each moves at most once per level.
//!
//! Deadlines are kept to the nanosecond: [`Wheel::advance`] fires exactly the timers with `deadline <= now`, in the
//! order of their deadlines and, for equal ones, in the order they were set. So two runs with the same calls are equal.

use alloc::vec::Vec;
use core::fmt;

/// Bits of a nanosecond count that are below a tick: 4.096 µs. Shorter than anything that is timed here, so a slot of
/// level 0 hardly ever holds timers that are not yet due when it is looked at.
const TICK_BITS: u32 = 12;

/// Bits of one level: 64 slots, whose occupancy is one word.
const LEVEL_BITS: u32 = 6;
const SLOTS: usize = 1 << LEVEL_BITS;
/// Together with the tick these cover the 64 bits of a deadline.
const LEVELS: usize = 9;
const _: () = assert!(TICK_BITS + LEVELS as u32 * LEVEL_BITS >= u64::BITS);

/// No timer: the end of a list.
const NONE: u32 = u32::MAX;

/// Names one timer; a token of a timer that has fired or was cancelled names nothing for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    index: u32,
    generation: u32,
}

/// Timers that carry a value each.
pub struct Wheel<T> {
    timers: Vec<Timer<T>>,
    free: u32,
    lists: [List; LEVELS * SLOTS],
    /// One word a level, one bit a slot that is not empty.
    occupied: [u64; LEVELS],
    /// Never later than the earliest deadline; none when nothing is set.
    earliest: Option<u64>,
    /// The tick that the levels are counted from; no timer is due before it.
    tick: u64,
    /// Timers on their way out, kept so that `advance` allocates only when it has more than ever before.
    due: Vec<Due>,
    len: usize,
    timers_max: usize,
}

struct Timer<T> {
    deadline: u64,
    prev: u32,
    next: u32,
    generation: u32,
    /// Which list it lies in, or one of the two below.
    place: u16,
    value: Option<T>,
}

/// In the list of free ones.
const PLACE_FREE: u16 = u16::MAX;
/// Taken out of its slot, about to fire.
const PLACE_DUE: u16 = u16::MAX - 1;

#[derive(Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy)]
struct Due {
    deadline: u64,
    token: Token,
}

impl<T> Wheel<T> {
    /// A wheel for at most `timers_max` timers at a time (kept below 2³²), which starts at time zero. Memory grows with
    /// the timers there are and is kept: about 40 bytes each and the value.
    pub fn new(timers_max: usize) -> Self {
        Self {
            timers: Vec::new(),
            free: NONE,
            lists: [List { first: NONE, last: NONE }; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            earliest: None,
            tick: 0,
            due: Vec::new(),
            len: 0,
            timers_max: timers_max.min(NONE as usize),
        }
    }

    /// How many timers are set.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no timer is set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets a timer for the moment `deadline`, in nanoseconds. One in the past fires at the next [`Wheel::advance`].
    ///
    /// # Errors
    /// Gives the value back when as many timers are set as may be.
    pub fn insert(&mut self, deadline: u64, value: T) -> Result<Token, T> {
        if self.len >= self.timers_max {
            return Err(value);
        }
        let index = self.allocate();
        self.len += 1;
        let timer = &mut self.timers[index as usize];
        timer.deadline = deadline;
        timer.value = Some(value);
        let token = Token { index, generation: timer.generation };
        self.link(index);
        // With no other timer an old bound, kept since its timer was cancelled, says nothing any more.
        let others = self.earliest.filter(|_| self.len > 1);
        self.earliest = Some(others.map_or(deadline, |earliest| earliest.min(deadline)));
        Ok(token)
    }

    /// Takes a timer back before it fires; none when it has fired or was cancelled.
    pub fn cancel(&mut self, token: Token) -> Option<T> {
        let timer = self.timers.get(token.index as usize)?;
        if timer.generation != token.generation || timer.place == PLACE_FREE {
            return None;
        }
        if timer.place != PLACE_DUE {
            self.unlink(token.index);
        }
        self.release(token.index)
    }

    /// A moment that is not after the earliest deadline: wake then and call [`Wheel::advance`]. It is exactly that
    /// deadline unless a timer was cancelled since. None when nothing is set.
    pub fn next(&self) -> Option<u64> {
        if self.is_empty() { None } else { self.earliest }
    }

    /// Fires every timer whose deadline is at or before `now`: earlier deadlines first, equal ones in the order they
    /// were set. A `now` before an earlier one fires nothing twice and harms nothing.
    ///
    /// Costs one comparison when nothing is due.
    #[inline]
    pub fn advance(&mut self, now: u64, fire: impl FnMut(T)) {
        if self.earliest.is_some_and(|earliest| earliest <= now) {
            self.turn(now, fire);
        }
    }

    fn turn(&mut self, now: u64, mut fire: impl FnMut(T)) {
        let target = now >> TICK_BITS;
        loop {
            self.fire_due(&mut fire);
            let Some((level, slot)) = self.first_occupied() else { break };
            let begin = self.slot_begin(level, slot);
            if begin > target {
                break;
            }
            // Nothing lies between, so the wheel may jump. It never goes back: a past deadline lies in the present slot.
            self.tick = self.tick.max(begin);
            if level == 0 {
                self.collect(slot, now);
                if self.due.is_empty() {
                    break;
                }
            } else {
                self.move_down(level, slot);
            }
        }
        self.earliest = self.find_earliest();
    }

    /// Fires what was collected. One by one out of the list, so that a panic of `fire` loses no other timer.
    fn fire_due(&mut self, fire: &mut impl FnMut(T)) {
        while let Some(due) = self.due.pop() {
            // A timer may have been cancelled since, if an earlier `fire` panicked.
            if let Some(value) = self.cancel(due.token) {
                fire(value);
            }
        }
    }

    /// Moves the timers of a slot of level 0 that are due out of it, latest first.
    fn collect(&mut self, slot: usize, now: u64) {
        let mut index = self.lists[slot].first;
        while index != NONE {
            let Timer { next, deadline, generation, .. } = self.timers[index as usize];
            if deadline <= now {
                self.unlink(index);
                self.timers[index as usize].place = PLACE_DUE;
                self.due.push(Due { deadline, token: Token { index, generation } });
            }
            index = next;
        }
        // Lists are in the order of setting, and both steps keep it for equal deadlines.
        self.due.reverse();
        self.due.sort_by_key(|due| core::cmp::Reverse(due.deadline));
    }

    /// Distributes the timers of the slot that the wheel's tick has just entered to the levels below.
    fn move_down(&mut self, level: usize, slot: usize) {
        let place = level * SLOTS + slot;
        let mut index = self.lists[place].first;
        self.lists[place] = List { first: NONE, last: NONE };
        self.occupied[level] &= !(1 << slot);
        while index != NONE {
            let next = self.timers[index as usize].next;
            self.link(index);
            index = next;
        }
    }

    /// The slot with the earliest timers: the first one of the lowest level that has any.
    fn first_occupied(&self) -> Option<(usize, usize)> {
        let level = self.occupied.iter().position(|occupied| *occupied != 0)?;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// The first tick of a slot: the wheel's tick with its digit replaced and all lower ones zero.
    fn slot_begin(&self, level: usize, slot: usize) -> u64 {
        let shift = level as u32 * LEVEL_BITS;
        let above = self.tick.checked_shr(shift + LEVEL_BITS).unwrap_or(0);
        let above = above.checked_shl(shift + LEVEL_BITS).unwrap_or(0);
        above | (slot as u64) << shift
    }

    /// The earliest deadline, by a look through the first occupied slot only.
    fn find_earliest(&self) -> Option<u64> {
        let (level, slot) = self.first_occupied()?;
        let mut index = self.lists[level * SLOTS + slot].first;
        let mut earliest = u64::MAX;
        while index != NONE {
            let timer = &self.timers[index as usize];
            earliest = earliest.min(timer.deadline);
            index = timer.next;
        }
        Some(earliest)
    }

    /// Appends a timer to the list where its deadline belongs.
    fn link(&mut self, index: u32) {
        let tick = (self.timers[index as usize].deadline >> TICK_BITS).max(self.tick);
        let differing = u64::BITS - (tick ^ self.tick).leading_zeros();
        let level = (differing.saturating_sub(1) / LEVEL_BITS) as usize;
        let slot = (tick >> (level as u32 * LEVEL_BITS)) as usize % SLOTS;
        let place = level * SLOTS + slot;
        let last = core::mem::replace(&mut self.lists[place].last, index);
        match last {
            NONE => self.lists[place].first = index,
            last => self.timers[last as usize].next = index,
        }
        let timer = &mut self.timers[index as usize];
        (timer.prev, timer.next, timer.place) = (last, NONE, place as u16);
        self.occupied[level] |= 1 << slot;
    }

    fn unlink(&mut self, index: u32) {
        let Timer { prev, next, place, .. } = self.timers[index as usize];
        let place = usize::from(place);
        match prev {
            NONE => self.lists[place].first = next,
            prev => self.timers[prev as usize].next = next,
        }
        match next {
            NONE => self.lists[place].last = prev,
            next => self.timers[next as usize].prev = prev,
        }
        if self.lists[place].first == NONE {
            self.occupied[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }

    fn allocate(&mut self) -> u32 {
        if self.free == NONE {
            self.timers.push(Timer {
                deadline: 0,
                prev: NONE,
                next: NONE,
                generation: 0,
                place: PLACE_FREE,
                value: None,
            });
            // The number of timers is below 2^32, see `new`.
            return (self.timers.len() - 1) as u32;
        }
        let index = self.free;
        self.free = self.timers[index as usize].next;
        index
    }

    fn release(&mut self, index: u32) -> Option<T> {
        let timer = &mut self.timers[index as usize];
        timer.generation = timer.generation.wrapping_add(1);
        timer.place = PLACE_FREE;
        timer.next = self.free;
        self.free = index;
        self.len -= 1;
        timer.value.take()
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wheel({} timers of at most {})", self.len, self.timers_max)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
