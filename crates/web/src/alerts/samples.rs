//! Samples for the rules, made of what the kernel answers: what is counted since a start becomes what happened lately.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::operator::{KernelStatus, ModuleStatus, UsageTable};

use super::rules::Measure;
use super::watch::Value;

#[cfg(test)]
mod tests;

/// 10 minutes: restarts and losses of that time count.
const LATELY_MS: u64 = 10 * 60 * 1000;

/// 256 counts of a module in that time: one every few seconds.
const COUNTS_MAX: usize = 256;

/// What the kernel answered; nothing of it where it did not.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) kernel: Option<KernelStatus>,
    pub(crate) modules: Option<Vec<ModuleStatus>>,
    pub(crate) usage: Option<UsageTable>,
}

/// What was counted lately, and what was measured last.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    restarts: BTreeMap<String, VecDeque<(u64, u64)>>,
    dropped: BTreeMap<String, VecDeque<(u64, u64)>>,
    last: Vec<Value>,
}

impl Trail {
    /// The sample of this moment. What was not answered is as it was: what nobody can see is not well again.
    pub(crate) fn sample(&mut self, now_ms: u64, answers: &Answers) -> Vec<Value> {
        let gone = |value| Value { what: Measure::KernelGone, subject: String::new(), value };
        let Some(kernel) = &answers.kernel else {
            return self.last.iter().cloned().chain([gone(1.0)]).collect();
        };
        let mut sample = Vec::new();
        let mut put = |what, subject: &str, value| {
            sample.push(Value { what, subject: subject.to_owned(), value });
        };
        put(Measure::SafeMode, "", flag(kernel.safe_mode.is_some()));
        put(Measure::Troubles, "", number(kernel.troubles.len() as u64));
        for module in answers.modules.iter().flatten() {
            let id = &module.id;
            put(Measure::ModuleDown, id, flag(matches!(module.status.as_str(), "crashed" | "killed")));
            put(Measure::Held, id, flag(module.held.is_some()));
            put(Measure::Restarts, id, lately(&mut self.restarts, id, now_ms, module.restarts_total));
            put(Measure::Dropped, id, lately(&mut self.dropped, id, now_ms, module.dropped));
        }
        for row in answers.usage.iter().flat_map(|usage| &usage.modules) {
            if let Some(cpu) = row.cpu_percent {
                put(Measure::Cpu, &row.id, cpu);
            }
            put(Measure::Memory, &row.id, number(row.rss_bytes));
        }
        if let Some(modules) = &answers.modules {
            let there: BTreeSet<&str> = modules.iter().map(|module| module.id.as_str()).collect();
            self.restarts.retain(|id, _| there.contains(id.as_str()));
            self.dropped.retain(|id, _| there.contains(id.as_str()));
        }
        let is_unseen = |one: &&Value| match one.what {
            Measure::KernelGone | Measure::SafeMode | Measure::Troubles => false,
            Measure::Cpu | Measure::Memory => answers.usage.is_none(),
            Measure::ModuleDown | Measure::Restarts | Measure::Held | Measure::Dropped => {
                answers.modules.is_none()
            }
        };
        sample.extend(self.last.iter().filter(is_unseen).cloned());
        self.last.clone_from(&sample);
        sample.push(gone(0.0));
        sample
    }
}

/// By how much a count went up lately. One that fell began anew: a new kernel counts from nothing.
fn lately(all: &mut BTreeMap<String, VecDeque<(u64, u64)>>, id: &str, now_ms: u64, total: u64) -> f64 {
    let counts = all.entry(id.to_owned()).or_default();
    if counts.back().is_some_and(|(_, last)| *last > total) {
        counts.clear();
        counts.push_back((now_ms, 0));
    }
    // The one before the window is what it is counted from.
    while counts.get(1).is_some_and(|(at, _)| at + LATELY_MS <= now_ms) || counts.len() >= COUNTS_MAX {
        counts.pop_front();
    }
    counts.push_back((now_ms, total));
    number(total - counts.front().map_or(total, |(_, first)| *first))
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[expect(clippy::cast_precision_loss, reason = "what is counted is far below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}
