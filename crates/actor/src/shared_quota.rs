//! A budget that several actors have together, on whatever cores they live.
//!
//! Each core adds up what its members have used when it audits them, at most each millisecond, so the group may be over
//! its budget by what its members do in between. When it is, what [`Quota::excess`] says happens to every member.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::address::{Addr, Rights};
use crate::context::Context;
use crate::message::Lane;
use crate::quota::Quota;
use crate::send::Refusal;
use crate::shard::control::Control;
use crate::system::System;

/// What the cores have added up.
struct Sum {
    quota: Quota,
    /// When the window began; 0 before the first audit.
    begun_ns: AtomicU64,
    messages: AtomicU64,
    cpu_ns: AtomicU64,
    queued: AtomicI64,
    /// In how many windows it was too much.
    excesses: AtomicU64,
    /// Which window that was last, by its beginning.
    exceeded_ns: AtomicU64,
}

/// The budget of a group. Copies are the same budget.
///
/// ```
/// use core::time::Duration;
/// use actor::{Excess, Quota, SharedQuota};
///
/// let budget = SharedQuota::new(Quota {
///     window: Duration::from_secs(1),
///     messages: Some(10_000),
///     cpu: None,
///     queued: Some(1_000),
///     excess: Excess::Pause,
/// });
/// assert_eq!(budget.excesses(), 0);
/// ```
#[derive(Clone)]
pub struct SharedQuota(Arc<Sum>);

/// What one member adds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Use {
    pub(crate) messages: u32,
    pub(crate) cpu_ns: u64,
    pub(crate) queued: i64,
}

impl SharedQuota {
    /// A budget that nobody has used anything of. The numbers are those of all members together.
    pub fn new(quota: Quota) -> Self {
        Self(Arc::new(Sum {
            quota,
            begun_ns: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            cpu_ns: AtomicU64::new(0),
            queued: AtomicI64::new(0),
            excesses: AtomicU64::new(0),
            exceeded_ns: AtomicU64::new(u64::MAX),
        }))
    }

    /// What it allows.
    pub fn quota(&self) -> Quota {
        self.0.quota
    }

    /// In how many windows the members used more together.
    pub fn excesses(&self) -> u64 {
        self.0.excesses.load(Ordering::Relaxed)
    }

    /// Adds what a member has used.
    pub(crate) fn add(&self, more: Use) {
        self.0.messages.fetch_add(u64::from(more.messages), Ordering::Relaxed);
        self.0.cpu_ns.fetch_add(more.cpu_ns, Ordering::Relaxed);
        self.0.queued.fetch_add(more.queued, Ordering::Relaxed);
    }

    /// Begins the next window if the present one is over. Of several cores one does.
    pub(crate) fn roll(&self, now_ns: u64) {
        let begun_ns = self.0.begun_ns.load(Ordering::Relaxed);
        let window_ns = u64::try_from(self.0.quota.window.as_nanos()).unwrap_or(u64::MAX);
        if begun_ns != 0 && now_ns.saturating_sub(begun_ns) < window_ns {
            return;
        }
        let next_ns = now_ns.max(1);
        let is_ours =
            self.0.begun_ns.compare_exchange(begun_ns, next_ns, Ordering::Relaxed, Ordering::Relaxed);
        if is_ours.is_ok() {
            self.0.messages.store(0, Ordering::Relaxed);
            self.0.cpu_ns.store(0, Ordering::Relaxed);
        }
    }

    /// When the window began and when it is over, if it is used up; counted once.
    pub(crate) fn exceeded(&self) -> Option<(u64, u64)> {
        let Quota { messages, cpu, queued, window, .. } = self.0.quota;
        let used = self.0.messages.load(Ordering::Relaxed);
        let cpu_ns = u128::from(self.0.cpu_ns.load(Ordering::Relaxed));
        let waits = self.0.queued.load(Ordering::Relaxed);
        let is_over = messages.is_some_and(|most| used > u64::from(most))
            || cpu.is_some_and(|most| cpu_ns > most.as_nanos())
            || queued.is_some_and(|most| waits > i64::from(most));
        let begun_ns = self.0.begun_ns.load(Ordering::Relaxed);
        if !is_over {
            return None;
        }
        if self.0.exceeded_ns.swap(begun_ns, Ordering::Relaxed) != begun_ns {
            self.0.excesses.fetch_add(1, Ordering::Relaxed);
        }
        let window_ns = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Some((begun_ns, begun_ns.saturating_add(window_ns)))
    }
}

impl fmt::Debug for SharedQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedQuota").field(&self.0.quota).finish()
    }
}

impl Context<'_> {
    /// Has an actor use up a budget together with others, or none any more. Its own quota holds as well.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::MANAGE`], [`Refusal::Gone`].
    pub fn share_quota(&mut self, actor: Addr, budget: Option<&SharedQuota>) -> Result<(), Refusal> {
        self.shard().order(actor, Rights::MANAGE, Lane::System, Control::Share(budget.cloned()))
    }
}

impl System {
    /// As [`Context::share_quota`].
    ///
    /// # Errors
    /// As there.
    pub fn share_quota(&self, actor: Addr, budget: Option<&SharedQuota>) -> Result<(), Refusal> {
        self.order(actor, Rights::MANAGE, Lane::System, Control::Share(budget.cloned()))
    }
}
