//! Restarts that nobody waits for: planned by a schedule, held back until they hurt least, and never more than is healthy.
//!
//! ```text
//!            opens            deadline
//!   Window ────┬───── Load, Idle ─┬──▶ goes on, or gives up, as it was told
//!              └─ all quiet ─▶ Go │
//! ```
//! The [`Ledger`] knows how often each module was restarted, and lets policies restart it only so often. A person's word
//! comes first: it is noted, and never refused. What goes on at its deadline still keeps to the ledger; load and people are
//! what it no longer waits for.
//!
//! Pure: the load, who is at work and what time it is are arguments.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use abi::{ModuleId, Time};

#[cfg(test)]
mod tests;

/// A day, for which restarts are counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// 1,000 restarts of one module within a day: more than a day has minutes to wait between them by default.
const NOTED_MAX: usize = 1000;

/// How often policies may restart one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caution {
    /// It has to have been ready for so long.
    pub uptime_min: Duration,
    /// From one restart to the next, whoever asked for it.
    pub cooldown: Duration,
    /// So many within a day, whoever asked for them.
    pub per_day: u32,
}

impl Default for Caution {
    /// 60 s: a module that just came up has barely done what it came up for. 300 s: what a restart changes shows within
    /// minutes. 5 a day: more would hide a fault that somebody should look at.
    fn default() -> Self {
        Self { uptime_min: Duration::from_secs(60), cooldown: Duration::from_secs(300), per_day: 5 }
    }
}

/// Whether a policy may restart a module now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Allowed,
    /// The module does not run, so that there is nothing to restart.
    Down,
    /// It has not been ready for long enough; then it will have been.
    Young(Time),
    /// The last restart is too near; until then.
    Cooling(Time),
    /// There were as many as a day may have; the next may be then.
    Spent(Time),
}

/// The restarts of the last day, by module.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The oldest first, in milliseconds of the kernel's clock; those before its start are negative.
    restarts: BTreeMap<ModuleId, VecDeque<i64>>,
}

/// A moment of the kernel's clock; it runs for longer than anybody lives.
fn at(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The moment that comes so long after one that may lie before the clock's start.
fn after(at: i64, wait: Duration) -> Time {
    Time(u64::try_from(at.saturating_add(millis(wait))).unwrap_or(0))
}

impl Ledger {
    /// Notes a restart, whoever asked for it.
    pub fn note(&mut self, now: Time, module: &ModuleId) {
        self.put(module, at(now));
        self.drop_old(now);
    }

    /// Notes restarts that an earlier kernel saw, so long ago each.
    pub fn remember(&mut self, now: Time, module: &ModuleId, ago: impl IntoIterator<Item = Duration>) {
        let mut times: Vec<i64> = ago.into_iter().map(|ago| at(now).saturating_sub(millis(ago))).collect();
        times.sort_unstable();
        times.into_iter().for_each(|time| self.put(module, time));
        self.drop_old(now);
    }

    /// How long ago each restart of the last day was, by module, the oldest first.
    pub fn ages(&self, now: Time) -> Vec<(ModuleId, Vec<Duration>)> {
        let age = |time: &i64| Duration::from_millis(u64::try_from(at(now) - time).unwrap_or(0));
        let of = |(module, times): (&ModuleId, &VecDeque<i64>)| {
            (module.clone(), times.iter().map(age).filter(|age| *age < DAY).collect())
        };
        self.restarts.iter().map(of).collect()
    }

    fn put(&mut self, module: &ModuleId, time: i64) {
        let times = self.restarts.entry(module.clone()).or_default();
        times.push_back(time);
        if times.len() > NOTED_MAX {
            times.pop_front();
        }
    }

    fn drop_old(&mut self, now: Time) {
        let oldest = at(now).saturating_sub(millis(DAY));
        self.restarts.retain(|_, times| times.back().is_some_and(|last| *last > oldest));
    }

    /// Whether a policy may restart a module that has been ready since then.
    pub fn permit(
        &self,
        now: Time,
        module: &ModuleId,
        ready_since: Option<Time>,
        caution: Caution,
    ) -> Permit {
        let Some(ready_since) = ready_since else { return Permit::Down };
        let old_enough = ready_since + caution.uptime_min;
        if now < old_enough {
            return Permit::Young(old_enough);
        }
        let Some(times) = self.restarts.get(module) else {
            return if caution.per_day == 0 { Permit::Spent(now + DAY) } else { Permit::Allowed };
        };
        if let Some(cool) = times.back().map(|last| after(*last, caution.cooldown))
            && now < cool
        {
            return Permit::Cooling(cool);
        }
        let oldest = at(now).saturating_sub(millis(DAY));
        let within = times.iter().filter(|time| **time > oldest).count();
        match usize::try_from(caution.per_day).unwrap_or(usize::MAX) {
            0 => Permit::Spent(now + DAY),
            most if within < most => Permit::Allowed,
            // So many of the oldest have to be a day old before there is room again.
            most => {
                let frees = times.iter().rev().nth(most - 1).copied().unwrap_or(at(now));
                Permit::Spent(after(frees, DAY))
            }
        }
    }
}

/// What a planned restart does when it has waited in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Late {
    /// It is given up until the next time.
    #[default]
    GiveUp,
    /// It is done all the same.
    GoOn,
}

/// A planned restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Not before.
    pub opens: Time,
    /// From here on nothing is waited for.
    pub deadline: Time,
    /// The machine's load has to be below this, in thousandths of its processors; nothing for any.
    pub load_permille_max: Option<u32>,
    /// Nobody may have typed for so long, and no operator's call may be open; nothing for no matter.
    pub idle_for: Option<Duration>,
    /// What then.
    pub late: Late,
}

/// How the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// The load in thousandths of its processors; nothing if that can't be told.
    pub load_permille: Option<u32>,
    /// For how long nobody has typed; nothing if nobody is there.
    pub idle: Option<Duration>,
    /// Calls of operators that are open.
    pub calls_open: u32,
}

/// What a planned restart waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Its time.
    Window,
    /// A load below its bound.
    Load,
    /// People who are at work.
    People,
    /// The ledger.
    Ledger(Permit),
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait on.
    Wait(Waits),
    /// Restart: all is as was wished for, or it was told to go on in spite of this.
    Go(Option<Waits>),
    /// Not this time, because of this.
    GiveUp(Waits),
}

impl Planned {
    /// Decides, by how the machine is and what the ledger says.
    pub fn next(&self, now: Time, sight: Sight, permit: Permit) -> Next {
        if now < self.opens {
            return Next::Wait(Waits::Window);
        }
        let is_late = now >= self.deadline;
        match (self.hindrance(sight), permit) {
            (None, Permit::Allowed) => Next::Go(None),
            (Some(hindrance), Permit::Allowed) if is_late && self.late == Late::GoOn => {
                Next::Go(Some(hindrance))
            }
            (Some(hindrance), Permit::Allowed) if is_late => Next::GiveUp(hindrance),
            (Some(hindrance), Permit::Allowed) => Next::Wait(hindrance),
            (_, refused) if is_late || self.is_hopeless(refused) => Next::GiveUp(Waits::Ledger(refused)),
            (_, refused) => Next::Wait(Waits::Ledger(refused)),
        }
    }

    /// Waiting to the deadline would not bring the ledger's word.
    fn is_hopeless(&self, permit: Permit) -> bool {
        match permit {
            Permit::Young(at) | Permit::Cooling(at) | Permit::Spent(at) => at > self.deadline,
            Permit::Allowed | Permit::Down => false,
        }
    }

    fn hindrance(&self, sight: Sight) -> Option<Waits> {
        let is_loaded = self
            .load_permille_max
            // A load that can't be told is none to wait for: the deadline would always come.
            .is_some_and(|most| sight.load_permille.is_some_and(|load| load >= most));
        if is_loaded {
            return Some(Waits::Load);
        }
        let is_used = self
            .idle_for
            .is_some_and(|wished| sight.calls_open > 0 || sight.idle.is_some_and(|idle| idle < wished));
        is_used.then_some(Waits::People)
    }
}
