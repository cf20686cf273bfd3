//! The messages, 16 bytes each, and what receivers check of them.

/// An odd factor that spreads consecutive numbers over all bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A message of the works in which the order counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ball {
    /// Its number, from 0.
    pub(crate) number: u64,
    /// Follows from the number.
    pub(crate) load: u64,
}

impl Ball {
    /// The message of this number.
    pub(crate) fn nth(number: u64) -> Self {
        Self { number, load: number.wrapping_mul(SPREAD) }
    }
}

/// What a receiver has got.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    sum: u64,
}

impl Tally {
    /// Takes the next message of a single sender and checks that it is the next.
    pub(crate) fn take_next(&mut self, ball: Ball) {
        assert_eq!(ball.number, self.count, "a message was lost, doubled or overtaken");
        self.take(ball);
    }

    /// Takes a message of one of several senders.
    pub(crate) fn take(&mut self, ball: Ball) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(ball.load);
    }

    /// Whether so many messages came from each sender, each once.
    pub(crate) fn check(&self, senders: u64, each: u64) -> Result<(), String> {
        let sum = (0..each).fold(0u64, |sum, number| sum.wrapping_add(Ball::nth(number).load));
        if (self.count, self.sum) == (senders * each, sum.wrapping_mul(senders)) {
            Ok(())
        } else {
            Err(format!("{} messages came, or their payloads differ", self.count))
        }
    }
}

/// A message that wanders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walker {
    /// Hops left.
    pub(crate) left: u64,
    /// Changed by every hop.
    pub(crate) load: u64,
}

impl Walker {
    /// At most so many messages that together arrive `hops` times.
    pub(crate) fn crowd(walkers: u64, hops: u64) -> impl Iterator<Item = Self> {
        let count = walkers.min(hops).max(1);
        let (each, rest) = (hops / count, hops % count);
        (0..count)
            .map(move |index| Self { left: (each + u64::from(index < rest)).saturating_sub(1), load: index })
    }
}

/// The 16 bytes of state of an actor in a graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    random: u64,
    seen: u64,
}

impl Steps {
    /// The state of the actor with this index.
    pub(crate) fn of(index: usize) -> Self {
        Self { random: (index as u64 + 1).wrapping_mul(SPREAD) | 1, seen: 0 }
    }

    /// Takes a message: where it goes next among so many, or nowhere when its way has ended.
    pub(crate) fn next(&mut self, walker: Walker, among: usize) -> Option<(usize, Walker)> {
        self.seen = self.seen.wrapping_add(walker.load);
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let left = walker.left.checked_sub(1)?;
        // The high half of a product is a fair choice and costs no division.
        let next = ((self.random >> 32) * among as u64) >> 32;
        Some((next as usize, Walker { left, load: walker.load ^ self.seen }))
    }
}
