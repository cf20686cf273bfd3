//! The messages, 16 bytes each, and what receivers check of them so that no compiler can leave one out.

/// Messages that a flooding actor sends before it lets others run.
pub const BATCH: u64 = 1_000;

/// Batches on their way from each sender to the receiver, where receivers ask for the next: enough that no core waits.
pub const BATCHES_AHEAD: usize = 4;

/// An odd factor that spreads consecutive numbers over all bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A message of the works in which the order counts.
#[derive(Debug, Clone, Copy)]
pub struct Ball {
    /// Its number, from 0.
    pub number: u64,
    /// Follows from the number.
    pub load: u64,
}

impl Ball {
    /// The message of this number.
    #[must_use]
    pub fn nth(number: u64) -> Self {
        Self { number, load: number.wrapping_mul(SPREAD) }
    }
}

/// What a receiver has got.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Messages.
    pub count: u64,
    sum: u64,
}

impl Tally {
    /// Takes the next message of a single sender and checks that it is the next.
    pub fn take_next(&mut self, ball: Ball) {
        assert_eq!(ball.number, self.count, "a message was lost, doubled or overtaken");
        self.take(ball);
    }

    /// Takes a message of one of several senders.
    pub fn take(&mut self, ball: Ball) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(ball.load);
    }

    /// Checks that so many messages came from each sender, each once.
    pub fn check(&self, senders: u64, each: u64) {
        let sum = (0..each).fold(0u64, |sum, number| sum.wrapping_add(Ball::nth(number).load));
        assert_eq!(
            (self.count, self.sum),
            (senders * each, sum.wrapping_mul(senders)),
            "the payloads differ"
        );
    }
}

/// A message that wanders.
#[derive(Debug, Clone, Copy)]
pub struct Walker {
    /// Hops left.
    pub left: u64,
    /// Changed by every hop.
    pub load: u64,
}

impl Walker {
    /// A message whose way ends where it arrives.
    pub const POKE: Self = Self { left: 0, load: 1 };

    /// At most so many messages that together arrive `hops` times.
    pub fn crowd(walkers: u64, hops: u64) -> impl ExactSizeIterator<Item = Self> {
        let count = walkers.min(hops).max(1);
        let (each, rest) = (hops / count, hops % count);
        // At most 2^32, so that the iterator knows its length on every machine.
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(move |index| {
            let index = u64::from(index);
            Self { left: (each + u64::from(index < rest)).saturating_sub(1), load: index }
        })
    }
}

/// The 16 bytes of state of an actor in a graph: whom it sends to next, and what passed through it.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    random: u64,
    seen: u64,
}

impl Steps {
    /// The state of the actor with this index.
    #[must_use]
    pub fn of(index: usize) -> Self {
        Self { random: (index as u64 + 1).wrapping_mul(SPREAD) | 1, seen: 0 }
    }

    /// Takes a message: where it goes next among so many, or nowhere when its way has ended.
    pub fn next(&mut self, walker: Walker, among: usize) -> Option<(usize, Walker)> {
        self.seen = self.seen.wrapping_add(walker.load);
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let left = walker.left.checked_sub(1)?;
        // The high half of a product is a fair choice and costs no division.
        let next = ((self.random >> 32) * among as u64) >> 32;
        Some((next as usize, Walker { left, load: walker.load ^ self.seen }))
    }

    /// What an actor answers that is asked whether it is there.
    #[must_use]
    pub fn answer(&self) -> u64 {
        self.random ^ self.seen
    }
}
