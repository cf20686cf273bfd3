//! Restarts: no more than the module's count and its zone's budget allow, at the right time, and never of a module
//! that an operator stopped.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use abi::{Fact, ModuleId, Record, Time, Zone};
use kernel::{Effect, Ensemble, Event, Order};

use super::lives::Lives;
use super::{Cause, Step, Verdict};

/// 60 s in `ready` make a module count as well.
const HEALTHY: Duration = Duration::from_secs(60);

/// 128 restarts are remembered, which is more than any drawn burst.
const REMEMBERED: usize = 128;

#[derive(Debug, Default)]
struct Known {
    count: u64,
    /// An order or a change may have set the kernel's count to nothing.
    may_be_anew: bool,
    queued_until: Option<Time>,
    kept_down: bool,
    /// Its restarts are used up: only an order or a change starts it again.
    given_up: bool,
    /// When its last life, if it is over, had become ready.
    was_ready_at: Option<Time>,
}

#[derive(Debug, Default)]
pub(crate) struct Restarts {
    modules: BTreeMap<ModuleId, Known>,
    /// By zone.
    begun: BTreeMap<Zone, VecDeque<Time>>,
}

impl Restarts {
    pub(crate) fn begin(&mut self, step: &Step, kernel: &Ensemble, lives: &Lives) {
        let Cause::Happened(event) = &step.cause else { return };
        match event {
            Event::Ordered(_, Order::Stop(id)) => self.ordered(id, kernel, |known| known.kept_down = true),
            Event::Ordered(_, Order::Start(id) | Order::Restart(id) | Order::Reinstate(id)) => {
                self.ordered(id, kernel, |known| known.kept_down = false);
            }
            Event::Added(one) => self.change(&one.spec.id, |known| known.kept_down = false),
            Event::Discovered(found) => {
                for one in found {
                    self.change(&one.spec.id, |_| {});
                }
            }
            Event::GrantsChanged(changes) => {
                for (id, _) in changes {
                    self.change(id, |_| {});
                }
            }
            Event::Exited(_, generation, _) | Event::SpawnFailed(_, generation, ..) => {
                if let Some(life) = lives.get(*generation) {
                    self.modules.entry(life.id.clone()).or_default().was_ready_at = life.ready_at;
                }
            }
            _ => {}
        }
    }

    pub(crate) fn is_kept_down(&self, id: &ModuleId) -> bool {
        self.modules.get(id).is_some_and(|known| known.kept_down)
    }

    fn ordered(&mut self, id: &ModuleId, kernel: &Ensemble, act: impl FnOnce(&mut Known)) {
        if kernel.find(id.as_str()).is_some() {
            self.change(id, act);
        }
    }

    fn change(&mut self, id: &ModuleId, act: impl FnOnce(&mut Known)) {
        let known = self.modules.entry(id.clone()).or_default();
        known.may_be_anew = true;
        known.given_up = false;
        act(known);
    }

    pub(crate) fn effect(
        &mut self,
        step: &Step,
        effect: &Effect,
        kernel: &Ensemble,
        lives: &Lives,
    ) -> Verdict {
        match effect {
            Effect::Record(record) => self.record(step, record, kernel, lives),
            Effect::Forgotten(_, id) => {
                self.modules.remove(id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, step: &Step, record: &Record, kernel: &Ensemble, lives: &Lives) -> Verdict {
        let Some(id) = &record.module else { return Ok(()) };
        match record.code {
            "restart.planned" => self.planned(step, record, id, kernel),
            "restart.now" => self.now(step, id),
            "restart.gave_up" => self.gave_up(record, id, kernel),
            "module.starting" | "module.held" => self.starts(step, record, id, kernel, lives),
            "module.stopped" | "module.refused" | "order.start" | "order.restart" | "order.stop" => {
                self.modules.entry(id.clone()).or_default().queued_until = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn planned(&mut self, step: &Step, record: &Record, id: &ModuleId, kernel: &Ensemble) -> Verdict {
        let (attempt, wait_ms) = (number(record, "attempt")?, number(record, "wait_ms")?);
        let settings = kernel.settings();
        let known = self.modules.entry(id.clone()).or_default();
        let follows = attempt == known.count + 1 || known.may_be_anew && attempt == 1;
        if !follows || attempt > max_of(id, kernel) {
            return Err(format!("{id}: restart {attempt} after {} of {}", known.count, max_of(id, kernel)));
        }
        let earlier = u32::try_from(attempt - 1).unwrap_or(u32::MAX).min(20);
        let plain = settings.restart_base.saturating_mul(1 << earlier).min(settings.restart_backoff_max);
        let plain_ms = u64::try_from(plain.as_millis()).unwrap_or(u64::MAX);
        if wait_ms * 10 < plain_ms * 8 || wait_ms * 10 > plain_ms * 12 {
            return Err(format!("{id}: waits {wait_ms} ms instead of about {plain_ms}"));
        }
        known.count = attempt;
        known.may_be_anew = false;
        known.queued_until = Some(step.now + Duration::from_millis(wait_ms));
        Ok(())
    }

    fn now(&mut self, step: &Step, id: &ModuleId) -> Verdict {
        let known = self.modules.entry(id.clone()).or_default();
        let well = known.was_ready_at.is_some_and(|at| step.now.since(at) >= HEALTHY);
        if !well {
            return Err(format!("{id} starts again at once without having been well for a minute"));
        }
        known.count = 0;
        known.queued_until = Some(step.now);
        Ok(())
    }

    fn gave_up(&mut self, record: &Record, id: &ModuleId, kernel: &Ensemble) -> Verdict {
        let restarts = number(record, "restarts")?;
        if restarts < max_of(id, kernel) {
            return Err(format!("{id} was given up after {restarts} restarts, too early"));
        }
        self.modules.entry(id.clone()).or_default().given_up = true;
        let action = record.facts.iter().find_map(|(name, fact)| match fact {
            Fact::Text(text) if *name == "action" => text.strip_prefix("start "),
            _ => None,
        });
        if let Some(other) = action.and_then(|other| ModuleId::parse(other).ok()) {
            self.modules.entry(other).or_default().kept_down = false;
        }
        Ok(())
    }

    fn starts(
        &mut self,
        step: &Step,
        record: &Record,
        id: &ModuleId,
        kernel: &Ensemble,
        lives: &Lives,
    ) -> Verdict {
        let known = self.modules.entry(id.clone()).or_default();
        if known.kept_down && record.code == "module.starting" {
            return Err(format!("{id} was started though an operator stopped it"));
        }
        if known.given_up {
            return Err(format!("{id} was started though it was given up"));
        }
        if lives.of(id).is_some() {
            return Err(format!("{id} was started beside itself"));
        }
        let Some(until) = known.queued_until.take() else { return Ok(()) };
        let by_change = matches!(&step.cause, Cause::Happened(Event::Discovered(_) | Event::Added(_)));
        if by_change {
            return Ok(());
        }
        if step.now < until {
            return Err(format!("{id} was restarted at {} instead of {until}", step.now));
        }
        self.spend(step.now, id, kernel)
    }

    /// In any span of time there are no more restarts in a zone than its burst and its rate allow.
    fn spend(&mut self, now: Time, id: &ModuleId, kernel: &Ensemble) -> Verdict {
        let Some(zone) = kernel.find(id.as_str()).and_then(|slot| kernel.zone(slot)) else { return Ok(()) };
        let budget = kernel.settings().budget_of(zone);
        let (burst, per_s) = (budget.burst.max(1), budget.per_s.max(1));
        let begun = self.begun.entry(zone).or_default();
        begun.push_back(now);
        if begun.len() > REMEMBERED {
            begun.pop_front();
        }
        for (at, earlier) in begun.iter().rev().enumerate() {
            let span_ms = u64::try_from(now.since(*earlier).as_millis()).unwrap_or(u64::MAX);
            let allowed = u64::from(burst) + span_ms.saturating_mul(u64::from(per_s)) / 1000;
            if at as u64 + 1 > allowed {
                return Err(format!(
                    "{} restarts in {zone} within {span_ms} ms, {allowed} are allowed",
                    at + 1
                ));
            }
        }
        Ok(())
    }
}

fn max_of(id: &ModuleId, kernel: &Ensemble) -> u64 {
    let own = kernel.find(id.as_str()).and_then(|slot| kernel.spec(slot)).and_then(|spec| spec.max_restarts);
    u64::from(own.unwrap_or(kernel.settings().max_restarts))
}

fn number(record: &Record, wanted: &str) -> Result<u64, String> {
    let find = |(name, fact): &(&str, Fact)| match fact {
        Fact::Number(number) if *name == wanted => Some(*number),
        _ => None,
    };
    record.facts.iter().find_map(find).ok_or_else(|| format!("{} without {wanted}", record.code))
}
