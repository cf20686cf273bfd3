//! Planned restarts under random load: a week of one module, with people who come and go, persons who restart it, crashes,
//! and plans of every kind, each rule counted by hand from all that happened.

use core::time::Duration;

use abi::{ModuleId, Time};
use kernel::{Caution, Late, Ledger, Next, Permit, Planned, Sight};

use crate::house;
use crate::random::Random;

/// A week, looked at once a minute.
const WEEK_S: u64 = 7 * 24 * 60 * 60;
const LOOK_EVERY_S: usize = 60;

/// A day, for which restarts are counted.
const DAY_S: u64 = 24 * 60 * 60;

/// What a week came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plans {
    /// Restarts by plans, when all was quiet.
    pub quiet: u64,
    /// Restarts by plans at their deadline, in spite of load or people.
    pub late: u64,
    /// Plans that gave up.
    pub given_up: u64,
}

/// Lives through a week.
///
/// # Errors
/// The broken rule, in one sentence.
pub fn plans(seed: u64) -> Result<Plans, String> {
    let mut week = Week::new(seed);
    for now in (0..WEEK_S).step_by(LOOK_EVERY_S) {
        week.look(now)?;
    }
    Ok(week.came_to)
}

/// One module, its machine and what is planned.
struct Week {
    random: Random,
    module: ModuleId,
    caution: Caution,
    /// How likely the machine is busy, in a hundred.
    busy_percent: u64,
    ledger: Ledger,
    /// From when on it is ready, in seconds.
    ready_s: u64,
    restarts_s: Vec<u64>,
    plan: Option<Planned>,
    came_to: Plans,
}

fn at(seconds: u64) -> Time {
    Time(seconds * 1000)
}

impl Week {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let caution = Caution {
            uptime_min: Duration::from_secs(random.below(600)),
            cooldown: Duration::from_secs(random.below(4000)),
            per_day: u32::try_from(random.below(7)).unwrap_or_default(),
        };
        // A third of the machines never rests, so that deadlines come.
        let busy_percent = if random.happens(33) { 100 } else { random.below(101) };
        Self {
            random,
            module: house::module_id(1),
            caution,
            busy_percent,
            ledger: Ledger::default(),
            ready_s: 0,
            restarts_s: Vec::new(),
            plan: None,
            came_to: Plans::default(),
        }
    }

    fn look(&mut self, now: u64) -> Result<(), String> {
        if self.plan.is_none() && self.random.happens(4) {
            self.plan = Some(self.draw_plan(now));
        }
        // A crash, or a person's word, which asks nobody.
        if self.random.below(1500) == 0 {
            self.restart(now);
        }
        let Some(plan) = self.plan else { return Ok(()) };
        let sight = self.sight();
        let ready_since = (now >= self.ready_s).then_some(at(self.ready_s));
        let permit = self.ledger.permit(at(now), &self.module, ready_since, self.caution);
        match plan.next(at(now), sight, permit) {
            Next::Wait(waits) if at(now) >= plan.deadline.max(plan.opens) => {
                Err(format!("a plan waits beyond its deadline, for {waits:?}"))
            }
            Next::Wait(_) => Ok(()),
            Next::GiveUp(_) => {
                self.plan = None;
                self.came_to.given_up += 1;
                Ok(())
            }
            Next::Go(in_spite) => {
                self.check(now, &plan, sight, permit, in_spite.is_some())?;
                *(if in_spite.is_some() { &mut self.came_to.late } else { &mut self.came_to.quiet }) += 1;
                self.plan = None;
                self.restart(now);
                Ok(())
            }
        }
    }

    fn draw_plan(&mut self, now: u64) -> Planned {
        let opens = now + self.random.below(3600);
        Planned {
            opens: at(opens),
            deadline: at(opens + self.random.below(7200)),
            load_permille_max: self.random.happens(70).then_some(500),
            idle_for: self.random.happens(70).then_some(Duration::from_secs(600)),
            late: *self.random.pick(&[Late::GiveUp, Late::GoOn]),
        }
    }

    fn sight(&mut self) -> Sight {
        let is_busy = self.random.happens(self.busy_percent);
        let load = if is_busy { self.random.between(500, 3000) } else { self.random.below(500) };
        let idle = Duration::from_secs(if is_busy { self.random.below(600) } else { 3600 });
        Sight {
            load_permille: (!self.random.happens(2)).then_some(u32::try_from(load).unwrap_or(u32::MAX)),
            idle: (!self.random.happens(20)).then_some(idle),
            calls_open: u32::from(self.random.happens(3)),
        }
    }

    fn restart(&mut self, now: u64) {
        self.ledger.note(at(now), &self.module);
        self.restarts_s.push(now);
        self.ready_s = now + self.random.below(90);
    }

    /// Every rule, from what was seen and not from what the ledger says.
    fn check(
        &self,
        now: u64,
        plan: &Planned,
        sight: Sight,
        permit: Permit,
        is_in_spite: bool,
    ) -> Result<(), String> {
        let is_loaded =
            plan.load_permille_max.zip(sight.load_permille).is_some_and(|(max, load)| load >= max);
        let is_used = plan
            .idle_for
            .is_some_and(|wished| sight.calls_open > 0 || sight.idle.is_some_and(|idle| idle < wished));
        let is_late = at(now) >= plan.deadline && plan.late == Late::GoOn;
        let recent = self.restarts_s.iter().filter(|then| now - **then < DAY_S).count();
        let since_last = self.restarts_s.last().map(|last| Duration::from_secs(now - last));
        let rules = [
            (at(now) >= plan.opens, "it was done before its window"),
            (permit == Permit::Allowed, "it was done without a permit"),
            ((is_loaded || is_used) == is_in_spite, "what it was done in spite of is told wrongly"),
            (!(is_loaded || is_used) || is_late, "it was done in a busy machine before its deadline"),
            (recent < usize::try_from(self.caution.per_day).unwrap_or(0), "there were too many within a day"),
            (
                since_last.is_none_or(|since| since >= self.caution.cooldown),
                "it came too soon after the last",
            ),
            (
                now >= self.ready_s && Duration::from_secs(now - self.ready_s) >= self.caution.uptime_min,
                "the module had not been ready for long enough",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(format!("{broken}: {plan:?}, {sight:?}, {permit:?}, at {now} s")),
            None => Ok(()),
        }
    }
}
