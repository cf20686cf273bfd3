//! Quotas: how much an actor may use in a while, and what happens when it uses more.
//!
//! Nothing is counted for this that is not counted anyway. Each core looks at its actors with quotas when it looks at the
//! clock, at most each millisecond, so an actor may be over its quota by what it does in between.

use alloc::boxed::Box;
use core::time::Duration;

use crate::address::{Addr, Rights};
use crate::context::Context;
use crate::message::Lane;
use crate::send::Refusal;
use crate::shard::control::Control;
use crate::system::System;

/// What happens to an actor that is over its quota, once in each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Excess {
    /// It is counted, see [`System::excesses`].
    #[default]
    Count,
    /// Counted, and its messages wait until the window is over. Resuming it by hand ends that.
    Pause,
    /// It ends, with [`crate::Reason::Quota`]; a supervisor may make it anew.
    Stop,
}

/// How much an actor may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How long a window is: from when the quota was set, one after the other.
    pub window: Duration,
    /// Messages that it may handle in a window.
    pub messages: Option<u32>,
    /// Processor time that it may use in a window: an estimate by samples, unless it is [`crate::Spawn::metered`].
    pub cpu: Option<Duration>,
    /// Messages that may wait for it at any time.
    pub queued: Option<u32>,
    /// What happens beyond that.
    pub excess: Excess,
}

impl Context<'_> {
    /// Sets an actor's quota, or takes it away.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::MANAGE`], [`Refusal::Gone`].
    pub fn set_quota(&mut self, actor: Addr, quota: Option<Quota>) -> Result<(), Refusal> {
        self.shard().order(actor, Rights::MANAGE, Lane::System, Control::Quota(quota.map(Box::new)))
    }
}

impl System {
    /// As [`Context::set_quota`].
    ///
    /// # Errors
    /// As there.
    pub fn set_quota(&self, actor: Addr, quota: Option<Quota>) -> Result<(), Refusal> {
        self.order(actor, Rights::MANAGE, Lane::System, Control::Quota(quota.map(Box::new)))
    }

    /// In how many windows an actor was over its quota, since that was set.
    pub fn excesses(&self, actor: Addr) -> u64 {
        let excesses = self.shared().commons.excesses.lock();
        let of_it = excesses.get(&actor.index()).filter(|(who, _)| who.is_same_actor(actor));
        of_it.map_or(0, |(_, count)| *count)
    }
}
