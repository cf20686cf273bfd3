//! Orders and the shutdown: exactly one answer to each, in its time; an end of everything that comes, and is one.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use abi::{Fact, Record, RequestId, Time};
use kernel::{Effect, Event, Order};

use super::lives::Lives;
use super::{Cause, Step, Verdict};
use crate::house::GRACE_MS_MAX;

/// Grace, SIGKILL, and 5 s of patience until a life is given up: the longest that any end takes.
const END_MAX: Duration = Duration::from_millis(GRACE_MS_MAX + 5000);

/// 2 h: waiting for a module that waits for others that fail and come back ends when their restarts are used up.
const START_MAX: Duration = Duration::from_secs(7200);

/// When an order must be answered at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// In the same breath.
    Now,
    /// Within [`START_MAX`], and soon after the house has come to rest.
    Start(Time),
    At(Time),
    /// When the shutdown is over.
    Shutdown,
    /// Calls have times of their own.
    Call,
}

#[derive(Debug, Default)]
pub(crate) struct Orders {
    open: BTreeMap<RequestId, By>,
    listening: BTreeSet<RequestId>,
    /// Until when it must be over, once it has begun.
    shutdown_by: Option<Time>,
    finished: bool,
}

impl Orders {
    pub(crate) fn begin(&mut self, step: &Step) {
        match &step.cause {
            Cause::Happened(Event::Ordered(request, order)) => {
                let by = match order {
                    Order::Start(_) | Order::Restart(_) | Order::Reinstate(_) | Order::Settle => {
                        By::Start(step.now + START_MAX)
                    }
                    Order::Stop(_) | Order::Remove(_) => By::At(step.now + END_MAX),
                    Order::Call { .. } => By::Call,
                    Order::Shutdown => By::Shutdown,
                    Order::Grant(..)
                    | Order::SafeMode(_)
                    | Order::Cut
                    | Order::Swap(..)
                    | Order::AwaitSwap(_)
                    | Order::Release(_)
                    | Order::Promote(_)
                    | Order::RestartZone(_)
                    | Order::ResetZone(_)
                    | Order::Resume
                    | Order::GrantRequest(_)
                    | Order::DenyRequest(_)
                    | Order::Deny(..)
                    | Order::Revoke(..)
                    | Order::Context(..)
                    | Order::Publish { .. } => By::Now,
                    Order::Subscribe(_) => {
                        self.listening.insert(*request);
                        By::Now
                    }
                };
                self.open.insert(*request, by);
            }
            Cause::Happened(Event::Departed(request)) => {
                self.open.remove(request);
                self.listening.remove(request);
            }
            Cause::Happened(_) | Cause::TimeCame => {}
        }
    }

    pub(crate) fn effect(&mut self, step: &Step, effect: &Effect, lives: &Lives) -> Verdict {
        match effect {
            Effect::Record(record) if record.code == "shutdown.begun" => self.shutdown_begins(step, record),
            Effect::Spawn(..) if self.shutdown_by.is_some() => {
                Err(String::from("something was started after the shutdown began"))
            }
            Effect::Reply(request, _) => {
                let known = self.open.remove(request).is_some();
                known
                    .then_some(())
                    .ok_or_else(|| format!("request {} was answered without being open", request.0))
            }
            Effect::Show(request, ..) if !self.listening.contains(request) => {
                Err(format!("request {} was shown something without listening", request.0))
            }
            Effect::Finished => self.finishes(lives),
            _ => Ok(()),
        }
    }

    fn shutdown_begins(&mut self, step: &Step, record: &Record) -> Verdict {
        let tiers = record.facts.iter().find_map(|(name, fact)| match fact {
            Fact::Number(tiers) if *name == "tiers" => u32::try_from(*tiers).ok(),
            _ => None,
        });
        let tiers = tiers.ok_or("a shutdown without tiers")?;
        self.shutdown_by = Some(step.now + END_MAX * tiers);
        Ok(())
    }

    fn finishes(&mut self, lives: &Lives) -> Verdict {
        if !lives.is_empty() {
            return Err(String::from("finished, yet something runs"));
        }
        if self.open.values().any(|by| *by == By::Shutdown) {
            return Err(String::from("finished before those who wanted it were told"));
        }
        if core::mem::replace(&mut self.finished, true) {
            return Err(String::from("finished twice"));
        }
        Ok(())
    }

    pub(crate) fn end(&self, step: &Step) -> Verdict {
        for (request, by) in &self.open {
            let over = match by {
                By::Now => true,
                // Timers of this very moment may not have been told yet.
                By::At(at) | By::Start(at) => *at < step.now,
                By::Shutdown | By::Call => false,
            };
            if over {
                return Err(format!("request {} was not answered in its time", request.0));
            }
        }
        if !self.finished && self.shutdown_by.is_some_and(|by| by < step.now) {
            return Err(String::from("the shutdown takes longer than its tiers can"));
        }
        Ok(())
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutdown_by.is_some()
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(crate) fn is_open(&self, request: RequestId) -> bool {
        self.open.contains_key(&request)
    }

    /// Whether anybody still waits for a start.
    pub(crate) fn a_start_is_open(&self) -> bool {
        self.open.values().any(|by| matches!(by, By::Start(_)))
    }

    pub(crate) fn farewell(&self) -> Verdict {
        match self.open.first_key_value() {
            None => Ok(()),
            Some((request, _)) => Err(format!("request {} was never answered", request.0)),
        }
    }
}
