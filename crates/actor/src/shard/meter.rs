//! The shard's side of quotas: looking at what few actors have used, now and then.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::control::Control;
use super::{Shard, Timer};
use crate::address::Addr;
use crate::life::Reason;
use crate::quota::{Excess, Quota};
use crate::send::Refusal;
use crate::statistics::ActorStatistics;
use crate::table::flag;

/// Between two audits: what an actor does in between is as far as it can get beyond its quota.
const AUDIT_NS: u64 = 1_000_000;

/// How an actor stands in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Within,
    Over,
}

/// What an actor with a quota had used when its window began.
pub(super) struct Meter {
    actor: Addr,
    quota: Quota,
    begun_ns: u64,
    handled: u32,
    cpu_ns: u64,
    standing: Standing,
}

impl Meter {
    fn is_exceeded(&self, now: &ActorStatistics) -> bool {
        let Quota { messages, cpu, queued, .. } = self.quota;
        let cpu_ns = u128::from(now.cpu_ns.saturating_sub(self.cpu_ns));
        messages.is_some_and(|most| now.handled.wrapping_sub(self.handled) > most)
            || cpu.is_some_and(|most| cpu_ns > most.as_nanos())
            || queued.is_some_and(|most| now.queued > most)
    }

    fn window_ns(&self) -> u64 {
        u64::try_from(self.quota.window.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Shard {
    pub(super) fn set_quota(&mut self, actor: Addr, quota: Option<Quota>) {
        self.shared.commons.excesses.lock().remove(&actor.index());
        let (Some(quota), Some(now)) = (quota, self.shared.actor_at(actor.index())) else {
            self.bonds.meters.remove(&actor.index());
            return;
        };
        let (handled, cpu_ns, begun_ns) = (now.handled, now.cpu_ns, self.clock());
        let meter = Meter { actor, quota, begun_ns, handled, cpu_ns, standing: Standing::Within };
        self.bonds.meters.insert(actor.index(), meter);
    }

    /// Forgets the quota of an actor that has ended.
    pub(super) fn unmeter(&mut self, index: u32) {
        self.unshare(index);
        if self.bonds.meters.remove(&index).is_some() {
            self.shared.commons.excesses.lock().remove(&index);
        }
    }

    /// Looks at all actors with quotas, if it is time to.
    #[inline]
    pub(super) fn audit_in_time(&mut self) {
        let is_any = !self.bonds.meters.is_empty() || !self.bonds.shares.is_empty();
        if is_any && self.now >= self.bonds.audit_at {
            self.audit();
        }
    }

    #[cold]
    fn audit(&mut self) {
        let now_ns = self.now;
        self.bonds.audit_at = now_ns.saturating_add(AUDIT_NS);
        let mut over = Vec::new();
        for (index, meter) in &mut self.bonds.meters {
            let Some(now) = self.shared.actor_at(*index) else { continue };
            if meter.standing == Standing::Within && meter.is_exceeded(&now) {
                meter.standing = Standing::Over;
                let until_ns = meter.begun_ns.saturating_add(meter.window_ns());
                over.push((meter.actor, meter.quota.excess, until_ns));
            }
            if now_ns.saturating_sub(meter.begun_ns) >= meter.window_ns() {
                (meter.begun_ns, meter.handled, meter.cpu_ns) = (now_ns, now.handled, now.cpu_ns);
                meter.standing = Standing::Within;
            }
        }
        for (actor, excess, until_ns) in over {
            self.exceed(actor, excess, until_ns);
        }
        self.audit_shares();
    }

    pub(super) fn exceed(&mut self, actor: Addr, excess: Excess, until_ns: u64) {
        self.shared.commons.excesses.lock().entry(actor.index()).or_insert((actor, 0)).1 += 1;
        match excess {
            Excess::Count => {}
            Excess::Pause => self.pause_until(actor, until_ns),
            Excess::Stop => self.end(actor.index(), Reason::Quota),
        }
    }

    /// Without room for a timer nobody would resume it, so it is not paused.
    fn pause_until(&mut self, actor: Addr, until_ns: u64) {
        // SAFETY: an actor of this core; an atomic.
        let word = unsafe { (*self.table.slot(actor.index())).head.word.bits() };
        if word & flag::SUSPENDED != 0 {
            return;
        }
        let send = Box::new(move |shard: &mut Self| {
            // By an order, since it may live on another core by then.
            let _ = shard.signal(actor, Control::Resume);
            // Once is enough.
            Err(Refusal::Gone)
        });
        let name = self.asks.next_name();
        let timer = Timer::Every { to: actor, period_ns: u64::MAX, name, send };
        if self.wheel.insert(until_ns.max(self.now), timer).is_ok() {
            self.set_flag(actor.index(), flag::SUSPENDED);
        }
    }
}
