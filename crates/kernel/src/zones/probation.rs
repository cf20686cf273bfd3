//! Probation: a module of the sandbox zone that has been well for long enough moves to the stable zone by itself, where the
//! house asks for that.
//!
//! # What it takes
//! - It has been ready for the whole time, in one life, and nothing was held against it in that time: no unexpected
//!   end, no refusal, no missed pong, no start that took too long, no step of the governor's ladder.
//! - Nobody who depends on it has failed more often in that time than in an equally long time before it. If somebody
//!   has, its time begins anew.
//! - It is in no quarantine: only an operator ends that.
//!
//! A passive watchdog only says that the time is up. What led to the move is journaled before it is made.

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use abi::{Slot, Time, Zone};

use crate::graph;
use crate::machine::Kernel;
use crate::module::{Module, Phase, Stage};
use crate::spec::{Watchdog, Work};
use crate::timers::Timer;

/// 32 faults of a module are kept with their times: who has had more is worse than any comparison has to tell.
const TROUBLES_KEPT: usize = 32;

/// 1 s: the shortest probation that counts; less would let a module through between its start and its first fault.
const WELL_LEAST: Duration = Duration::from_secs(1);

/// How a module has behaved lately.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conduct {
    /// When something was held against it, the latest last.
    troubles: VecDeque<Time>,
    /// What that was.
    last: Cow<'static, str>,
    /// Its time was begun anew for the sake of others.
    set_back: Option<Time>,
    /// A passive watchdog has said that its time is up, of a time that began then.
    reported: Option<Time>,
}

impl Conduct {
    fn note(&mut self, now: Time, what: &'static str) {
        if self.troubles.len() == TROUBLES_KEPT {
            self.troubles.pop_front();
        }
        self.troubles.push_back(now);
        self.last = Cow::Borrowed(what);
    }

    fn between(&self, after: Time, until: Time) -> usize {
        self.troubles.iter().filter(|at| **at > after && **at <= until).count()
    }
}

/// How far a module's probation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probation {
    /// For how long nothing has been held against it; zero when it is not ready.
    pub well: Duration,
    /// For how long that has to be so.
    pub wanted: Duration,
    /// What is still missing, as a sentence; empty when nothing is.
    pub lacks: String,
}

/// A time in which a module was well.
#[derive(Debug, Clone, Copy)]
struct WellFrom(Time);

impl Module {
    /// Whether it lives where probation is served, and is something that can be well for long.
    fn is_on_probation(&self) -> bool {
        self.zone() == Zone::Sandbox && !self.grants.is_quarantined && self.spec.work == Work::Lasting
    }

    fn well_from(&self) -> Option<WellFrom> {
        let Phase::Running(_, Stage::Ready) = self.phase else { return None };
        let marks = [self.conduct.troubles.back().copied(), self.conduct.set_back];
        Some(WellFrom(marks.into_iter().flatten().fold(self.since, Time::max)))
    }
}

impl Kernel {
    fn probation(&self) -> Option<Duration> {
        self.settings.probation.map(|wanted| wanted.max(WELL_LEAST))
    }

    /// Something is held against a module.
    pub(crate) fn trouble(&mut self, slot: Slot, what: &'static str) {
        let now = self.now;
        if let Some(module) = self.table.get_mut(slot) {
            module.conduct.note(now, what);
        }
    }

    /// The time of a module that has become ready begins; also after the rules changed, for every one that is ready.
    pub(crate) fn begin_probation(&mut self, slot: Slot) {
        let Some(wanted) = self.probation() else { return };
        let well_from =
            self.table.get(slot).filter(|module| module.is_on_probation()).and_then(Module::well_from);
        if let Some(WellFrom(from)) = well_from {
            self.timers.set((from + wanted).max(self.now), Timer::Probation(slot));
        }
    }

    pub(crate) fn begin_all_probations(&mut self) {
        for slot in self.table.slots() {
            self.begin_probation(slot);
        }
    }

    /// The time may be up. The seat may have another life now, or another module: then its own timer comes.
    pub(crate) fn probation_due(&mut self, slot: Slot) {
        let Some(wanted) = self.probation().filter(|_| self.shutdown.is_none()) else { return };
        let Some(module) = self.table.get(slot).filter(|module| module.is_on_probation()) else { return };
        let Some(WellFrom(from)) = module.well_from() else { return };
        if self.now.since(from) < wanted {
            return self.begin_probation(slot);
        }
        let worse = self.worse_since(slot, from);
        if let Some(first) = worse.first() {
            let why = format!("`{first}`, which depends on it, has failed more often than before");
            self.record(self.record_of(slot, "zone.probation_set_back").text("why", why));
            let now = self.now;
            if let Some(module) = self.table.get_mut(slot) {
                module.conduct.set_back = Some(now);
            }
            return self.begin_probation(slot);
        }
        self.pass(slot, from);
    }

    fn pass(&mut self, slot: Slot, from: Time) {
        let is_passive = self.settings.watchdog == Watchdog::Passive;
        let Some(module) = self.table.get_mut(slot) else { return };
        if is_passive && module.conduct.reported.replace(from) == Some(from) {
            return;
        }
        let lives = module.lives;
        let well_ms = u64::try_from(self.now.since(from).as_millis()).unwrap_or(u64::MAX);
        let dependents = graph::dependents(&self.table, slot).len() as u64;
        let code = if is_passive { "zone.probation_reported" } else { "zone.probation_passed" };
        let record = self.record_of(slot, code).number("well_ms", well_ms).number("lives", lives);
        self.record(record.number("dependents", dependents));
        if !is_passive {
            self.promote(slot);
        }
    }

    /// Who depends on a module and has failed more often since then than in an equally long time before.
    fn worse_since(&self, slot: Slot, from: Time) -> Vec<String> {
        let length = self.now.since(from);
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        let before = Time(from.0.saturating_sub(length_ms));
        let is_worse =
            |other: &&Module| other.conduct.between(from, self.now) > other.conduct.between(before, from);
        let dependents = graph::dependents(&self.table, slot);
        let others = dependents.into_iter().filter_map(|other| self.table.get(other));
        others.filter(is_worse).map(|other| String::from(other.spec.id.as_str())).collect()
    }

    /// How far a module's probation is; nothing where none is served.
    pub(crate) fn probation_of(&self, slot: Slot) -> Option<Probation> {
        let wanted = self.probation()?;
        let module = self.table.get(slot).filter(|module| module.is_on_probation())?;
        let Some(WellFrom(from)) = module.well_from() else {
            return Some(Probation { well: Duration::ZERO, wanted, lacks: String::from("it is not ready") });
        };
        let well = self.now.since(from);
        let worse = self.worse_since(slot, from);
        let mut lacks = Vec::new();
        if well < wanted {
            let last = &*module.conduct.last;
            let after = if module.conduct.troubles.back() == Some(&from) { last } else { "" };
            let (well_s, wanted_s) = (well.as_secs(), wanted.as_secs());
            let since = if after.is_empty() { String::new() } else { format!(" since {after}") };
            lacks.push(format!("well for {well_s} of {wanted_s} s{since}"));
        }
        if let Some(first) = worse.first() {
            lacks.push(format!("`{first}` depends on it and fails more often than before"));
        }
        if lacks.is_empty() && self.settings.watchdog == Watchdog::Passive {
            lacks.push(String::from("a watchdog that is not passive, or: ostoja zone promote"));
        }
        Some(Probation { well, wanted, lacks: lacks.join("; ") })
    }
}

crate::saved::keep_fields!(Conduct { troubles, last, set_back, reported });
