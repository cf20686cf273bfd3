//! One core driven by a foreign event loop, which calls when it has time and is called when something has come.
//!
//! # Protocol
//! [`Pump::pump`] works until there is nothing left, or for a while. When it says [`Pumped::Idle`] the core counts as
//! asleep: the next thing that is sent to it from another thread calls the waker, once. The loop then pumps again. It
//! also pumps when [`Pump::next_deadline`] has come.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZero;
use core::ptr::NonNull;

use crate::life::Warden;
use crate::platform::{Core, Platform};
use crate::shard::{Did, Shard};
use crate::shared::Config;
use crate::system::{System, assemble};

/// The core that a foreign loop drives; the others, if there are any, have threads.
pub const PUMPED_CORE: Core = Core(0);

/// Turns of one call of [`Pump::pump`] at most: a loop has sockets to look after, too. Some hundred microseconds.
const TURNS_MAX: u32 = 64;

/// What is left after pumping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    /// There is more to do: pump again soon.
    More,
    /// Nothing to do until the waker is called or the next deadline has come.
    Idle,
    /// The system was closed and this core's actors have ended.
    Closed,
}

/// A platform whose first core is woken by calling a function.
struct Called<P> {
    platform: P,
    waker: Box<dyn Fn() + Send + Sync>,
}

// SAFETY: pages are the inner platform's, which promises the same.
unsafe impl<P: Platform> Platform for Called<P> {
    const PAGE_ALIGN: usize = P::PAGE_ALIGN;

    fn now(&self) -> u64 {
        self.platform.now()
    }

    fn park(&self, core: Core, until: Option<u64>) {
        self.platform.park(core, until);
    }

    fn unpark(&self, core: Core) {
        if core == PUMPED_CORE { (self.waker)() } else { self.platform.unpark(core) }
    }

    fn cores(&self) -> usize {
        self.platform.cores()
    }

    fn alloc_pages(&self, bytes: NonZero<usize>) -> Option<NonNull<u8>> {
        self.platform.alloc_pages(bytes)
    }

    unsafe fn free_pages(&self, pages: NonNull<u8>, bytes: NonZero<usize>) {
        // SAFETY: the caller's words, and `alloc_pages` above asked the same platform.
        unsafe { self.platform.free_pages(pages, bytes) }
    }
}

/// A core's actors, to be run by whoever has it.
#[derive(Debug)]
pub struct Pump {
    shard: Shard,
}

impl Pump {
    /// Builds a system whose first core is this pump. The other shards, if `config` asks for more cores, are for
    /// [`crate::hosted::Running::run`] or another driver.
    ///
    /// `waker` is called from any thread when something was sent to the pump while it was idle; it must not block and
    /// must not pump: a notification of an event loop is what it is meant for.
    ///
    /// ```
    /// use actor::{Config, StopAll};
    /// use actor::platform::hosted::Hosted;
    /// use actor::pumped::{Pump, Pumped};
    ///
    /// let (system, mut pump, _others) =
    ///     Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll));
    /// assert_eq!(pump.pump(), Pumped::Idle);
    /// system.close();
    /// assert_eq!(pump.pump(), Pumped::Closed);
    /// ```
    pub fn assemble<P: Platform + 'static>(
        config: Config,
        platform: P,
        waker: impl Fn() + Send + Sync + 'static,
        wardens: impl FnMut(Core) -> Box<dyn Warden>,
    ) -> (System, Self, Vec<Shard>) {
        let platform = Called { platform, waker: Box::new(waker) };
        let (system, mut shards) = assemble(config, platform, wardens);
        // A system has at least one core.
        let shard = shards.remove(0);
        (system, Self { shard }, shards)
    }

    /// Does what there is to do, at most for a while.
    pub fn pump(&mut self) -> Pumped {
        let sleeper = &self.shard.shared.ports[PUMPED_CORE.index()].sleeper;
        sleeper.cancel();
        for _ in 0..TURNS_MAX {
            if self.shard.shared.is_stopping() {
                self.shard.end_all();
                self.shard.publish_counters();
                return Pumped::Closed;
            }
            if self.shard.turn() == Did::Nothing {
                return self.fall_asleep();
            }
        }
        Pumped::More
    }

    fn fall_asleep(&self) -> Pumped {
        let sleeper = &self.shard.shared.ports[PUMPED_CORE.index()].sleeper;
        sleeper.prepare();
        if self.shard.has_work() {
            sleeper.cancel();
            return Pumped::More;
        }
        Pumped::Idle
    }

    /// When to pump again although nobody calls, in nanoseconds of the platform's clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.shard.next_deadline()
    }

    /// The time of the platform's clock.
    pub fn now(&self) -> u64 {
        self.shard.shared.ground.now()
    }

    /// Acts on the core between two messages, as nobody: what the loop itself wants to send goes past the injection
    /// queue and costs no allocation and no lock.
    pub fn with<R>(&mut self, act: impl FnOnce(&mut crate::Context<'_>) -> R) -> R {
        self.shard.aside(act)
    }
}

#[cfg(test)]
mod tests;
