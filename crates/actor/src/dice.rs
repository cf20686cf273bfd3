//! All cores on one thread, in an order drawn by lot, in virtual time: the same seed gives the same run.
//!
//! Drawn are which core runs next, which of its lanes, and which of the actors that have a message there. What an actor
//! is sent in one lane keeps its order, since that is promised; everything else may happen in any order, as it may on
//! real cores. Time stands still while anything can be done, and then jumps to the next deadline.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZero;
use core::ptr::NonNull;

use crate::life::Warden;
use crate::platform::{Core, Platform};
use crate::shard::Shard;
use crate::shared::Config;
use crate::sync::{Arc, AtomicU64, Ordering};
use crate::system::{System, assemble};

/// A machine without a clock of its own.
struct Virtual {
    now: Arc<AtomicU64>,
    cores: usize,
}

// SAFETY: it never gives any pages.
unsafe impl Platform for Virtual {
    const PAGE_ALIGN: usize = 4096;

    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn park(&self, _core: Core, _until: Option<u64>) {}

    fn unpark(&self, _core: Core) {}

    fn cores(&self) -> usize {
        self.cores
    }

    fn alloc_pages(&self, _bytes: NonZero<usize>) -> Option<NonNull<u8>> {
        None
    }

    unsafe fn free_pages(&self, _pages: NonNull<u8>, _bytes: NonZero<usize>) {}
}

/// A system under a seed.
///
/// ```
/// use actor::{Config, StopAll};
/// use actor::dice::Dice;
///
/// let mut dice = Dice::assemble(Config { seed: 7, cores: 2, ..Config::default() }, |_| Box::new(StopAll));
/// assert_eq!(dice.run(1_000), 0, "nobody is there to do anything");
/// ```
#[derive(Debug)]
pub struct Dice {
    system: System,
    shards: Vec<Shard>,
    now: Arc<AtomicU64>,
    random: u64,
}

impl Dice {
    /// With the seed of the configuration.
    pub fn assemble(config: Config, wardens: impl FnMut(Core) -> Box<dyn Warden>) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let platform = Virtual { now: now.clone(), cores: config.cores };
        let random = config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let (system, shards) = assemble(config, platform, wardens);
        Self { system, shards, now, random }
    }

    /// The handle.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The virtual time in nanoseconds, from 0.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// Handles up to so many messages; gives how many there were until nothing was left, not even a timer.
    pub fn run(&mut self, steps_max: u64) -> u64 {
        let mut steps = 0;
        while steps < steps_max {
            if self.step() {
                steps += 1;
            } else if !self.jump(u64::MAX) {
                break;
            }
        }
        steps
    }

    /// Does all that can be done until the virtual time is `until`, at most so many messages; gives how many.
    pub fn run_until(&mut self, until: u64, steps_max: u64) -> u64 {
        let mut steps = 0;
        while steps < steps_max {
            if self.step() {
                steps += 1;
            } else if !self.jump(until) {
                self.now.fetch_max(until, Ordering::Relaxed);
                break;
            }
        }
        steps
    }

    /// One message of a core drawn by lot; false when no core has any.
    fn step(&mut self) -> bool {
        // What a full ring held back would otherwise wait for a step of its sender, who may have none left.
        for shard in &mut self.shards {
            shard.send_leftovers();
        }
        let first = self.draw() as usize % self.shards.len();
        (0..self.shards.len()).any(|more| {
            let core = (first + more) % self.shards.len();
            self.shards[core].step_by_lot()
        })
    }

    /// Lets the time jump to the next deadline if that is not after `until`; whether there was one.
    fn jump(&mut self, until: u64) -> bool {
        let next = self.shards.iter().filter_map(Shard::next_deadline).min();
        let Some(next) = next.filter(|next| *next <= until) else { return false };
        self.now.fetch_max(next, Ordering::Relaxed);
        for shard in &mut self.shards {
            shard.tick();
        }
        true
    }

    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests;
