//! The wake flag: how a core says that it sleeps, and how a sender finds out that it must wake it.
//!
//! A sender publishes messages (plain stores) and afterwards asks whether the destination sleeps; the destination says
//! that it will sleep and afterwards looks for messages. Each does a store and then a load of what the other stores, so
//! both need a full fence in between, or both loads may miss: that is the lost wake-up.
//!
//! # Protocol
//! Sleeper: [`Sleeper::prepare`] (store, fence), look for work, [`Sleeper::cancel`] if there is some; otherwise park for
//! as long as [`Sleeper::should_sleep`], then `cancel`.
//! Sender: after every publish [`WakeDebt::publish`]; once per batch [`WakeDebt::settle`] (fence, load). A debt is
//! cleared nowhere else: it was two places that publish and one that checks which lost a wake-up in the probe.
//! A sender that finds the flag takes it down, so of many senders one pays for waking, once per sleep.

use crate::sync::{AtomicU32, Ordering, fence};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// Whether one core sleeps; read by all who send to it, on lines of its own.
#[derive(Debug)]
#[repr(align(128))]
pub struct Sleeper {
    state: AtomicU32,
}

impl Sleeper {
    /// Of a core that is awake.
    pub fn new() -> Self {
        Self { state: AtomicU32::new(AWAKE) }
    }

    /// Says that this core will sleep. Work that was published before is found by looking for it now; who publishes
    /// after the look sees the flag.
    pub fn prepare(&self) {
        self.state.store(ASLEEP, Ordering::Relaxed);
        // Between the flag and the look for work: pairs with the fence of `wake`.
        fence(Ordering::SeqCst);
    }

    /// Whether nobody has asked this core to wake since `prepare`.
    pub fn should_sleep(&self) -> bool {
        self.state.load(Ordering::Acquire) == ASLEEP
    }

    /// Says that this core is awake: work was found, the time was up, or somebody woke it.
    pub fn cancel(&self) {
        self.state.store(AWAKE, Ordering::Relaxed);
    }

    /// Call after publishing. True when the core sleeps and this caller, and no other, must now unpark it.
    #[must_use = "a core that sleeps has to be unparked by whom this says so"]
    pub fn wake(&self) -> bool {
        // Between what was published and the look at the flag: pairs with the fence of `prepare`.
        fence(Ordering::SeqCst);
        self.state.load(Ordering::Relaxed) == ASLEEP
            && self.state.compare_exchange(ASLEEP, AWAKE, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

impl Default for Sleeper {
    fn default() -> Self {
        Self::new()
    }
}

/// What a sender owes one destination: a look at its flag for what has been published since the last look.
#[derive(Debug, Default)]
pub struct WakeDebt {
    owed: bool,
}

impl WakeDebt {
    /// Remembers that something was published. Every publish calls it; it costs nothing that is shared.
    #[inline(always)]
    pub fn publish(&mut self) {
        self.owed = true;
    }

    /// Whether a look is owed.
    #[inline(always)]
    pub fn is_owed(&self) -> bool {
        self.owed
    }

    /// Looks at the flag if anything was published, and unparks the core if it sleeps. Once per batch.
    #[inline]
    pub fn settle(&mut self, sleeper: &Sleeper, unpark: impl FnOnce()) {
        if self.owed {
            let must_unpark = sleeper.wake();
            self.owed = false;
            if must_unpark {
                unpark();
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
