//! Planned restarts: when they are due by the configuration's plans, how the machine is then, and the orders that follow.
//!
//! Every ten seconds, if there is any plan: the clock is compared with the patterns ([`cron`]), the machine is looked at
//! ([`sight`]), and what to do is decided by [`kernel::Planned`], which is pure. A person's restart asks nobody here; that
//! it happened is noted, because a module's new life is seen whoever wanted it. What was noted outlives the kernel ([`memory`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use abi::{Generation, ModuleId, Record, State, Time, Wall};
use kernel::{Caution, Ledger, Next, Order, Permit, Planned, Sight, View, Waits};
use protocol::files::config::settings::{Late, Restarts, Schedule, Target};

use crate::clock::wall_now;
use crate::shell::Shell;

mod cron;
mod memory;
mod sight;

pub(crate) use memory::write_now;

#[cfg(test)]
mod tests;

/// 10 s between two looks: a restart that may wait an hour is not late by that, and a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A day, in milliseconds: a clock that was set back by more had been set wrong before.
const WRONG_BY_MS: u64 = 24 * 60 * 60 * 1000;

/// 10,000 restarts wait at once: one for each module of a large machine.
const PENDING_MAX: usize = 10_000;

/// What is planned, waits or was done.
#[derive(Debug, Default)]
pub(crate) struct Planner {
    /// Until here the patterns have been looked at.
    checked: Option<Wall>,
    pending: Vec<Pending>,
    ledger: Ledger,
    /// The life of each module that was seen last.
    lives: BTreeMap<ModuleId, Generation>,
    /// Plans whose pattern or zone can't be read, so that each is told once.
    unread: BTreeMap<String, String>,
    /// Whether the ledger has what the file has not.
    is_unwritten: bool,
}

/// One module's restart that waits for its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    plan: String,
    module: ModuleId,
    planned: Planned,
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// A plan's time has come for a module.
    Due(Pending),
    /// It is restarted; in spite of this.
    Go(Pending, Option<Waits>),
    /// It is not restarted this time.
    GaveUp(Pending, Waits),
    /// A plan can't be read.
    Unread(String, String),
}

/// Looks at plans for as long as the kernel runs.
pub(crate) async fn plan_now_and_then(shell: Rc<RefCell<Shell>>) {
    memory::read(&mut shell.borrow_mut());
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shell.borrow_mut().look_at_plans();
        write_now(&shell).await;
    }
}

impl Planner {
    /// A life that was not there before is a restart, whoever wanted it; the first life of a module is none.
    fn see_lives(&mut self, now: Time, views: &[View]) {
        for view in views {
            let Some(generation) = view.generation else { continue };
            let before = self.lives.insert(view.id.clone(), generation);
            if before.is_some_and(|before| before != generation) {
                self.ledger.note(now, &view.id);
                self.is_unwritten = true;
            }
        }
        self.lives.retain(|id, _| views.iter().any(|view| view.id == *id));
    }

    /// Takes up what is due and decides about what waits. The machine is looked at only when something waits.
    fn look(
        &mut self,
        (wall, now): (Wall, Time),
        restarts: &Restarts,
        views: &[View],
        sight: &dyn Fn() -> Sight,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        // What a clock that was set back passes again has been seen; one that was a day ahead was wrong.
        let is_wrong = |checked: &Wall| checked.0 > wall.0.saturating_add(WRONG_BY_MS);
        let since = self.checked.filter(|checked| !is_wrong(checked)).unwrap_or(wall);
        self.checked = Some(since.max(wall));
        self.unread.retain(|name, _| restarts.schedules.contains_key(name));
        for (name, schedule) in &restarts.schedules {
            match cron::next(&schedule.cron, schedule.zone.as_deref(), since) {
                Ok(next) if next.is_some_and(|next| next <= wall) => {
                    self.take_up(now, name, schedule, views, &mut told);
                }
                Ok(_) => drop(self.unread.remove(name)),
                Err(why) => {
                    if self.unread.insert(name.clone(), why.clone()).as_ref() != Some(&why) {
                        told.push(Told::Unread(name.clone(), why));
                    }
                }
            }
        }
        if !self.pending.is_empty() {
            self.decide(now, restarts, views, sight(), &mut told);
        }
        told
    }

    fn take_up(&mut self, now: Time, name: &str, schedule: &Schedule, views: &[View], told: &mut Vec<Told>) {
        let is_meant = |view: &&View| match &schedule.what {
            Target::Module(id) => view.id == *id,
            Target::Zone(zone) => view.zone == *zone,
            Target::Everything => true,
        };
        for view in views.iter().filter(is_meant).filter(|view| view.state == State::Ready) {
            let is_waiting = self.pending.iter().any(|pending| pending.module == view.id);
            if is_waiting || self.pending.len() >= PENDING_MAX {
                continue;
            }
            let planned = Planned {
                opens: now,
                deadline: now + schedule.deadline,
                load_permille_max: schedule
                    .load_permille_max
                    .map(|permille| u32::try_from(permille).unwrap_or(u32::MAX)),
                idle_for: schedule.idle_for,
                late: match schedule.late {
                    Late::GiveUp => kernel::Late::GiveUp,
                    Late::GoOn => kernel::Late::GoOn,
                },
            };
            let pending = Pending { plan: name.to_owned(), module: view.id.clone(), planned };
            told.push(Told::Due(pending.clone()));
            self.pending.push(pending);
        }
    }

    fn decide(&mut self, now: Time, restarts: &Restarts, views: &[View], sight: Sight, told: &mut Vec<Told>) {
        let caution = Caution {
            uptime_min: restarts.uptime_min,
            cooldown: restarts.cooldown,
            per_day: restarts.per_day,
        };
        let ledger = &self.ledger;
        self.pending.retain(|pending| {
            let view = views.iter().find(|view| view.id == pending.module);
            let ready_since = view.filter(|view| view.state == State::Ready).map(|view| view.since);
            let permit = ledger.permit(now, &pending.module, ready_since, caution);
            match pending.planned.next(now, sight, permit) {
                Next::Wait(_) => return true,
                Next::Go(in_spite) => told.push(Told::Go(pending.clone(), in_spite)),
                Next::GiveUp(why) => told.push(Told::GaveUp(pending.clone(), why)),
            }
            false
        });
    }
}

impl Shell {
    fn look_at_plans(&mut self) {
        let restarts = self.files.config.settings().restarts.clone();
        let (now, views) = (self.clock.now(), self.kernel.views());
        let open = u32::try_from(self.desk.open()).unwrap_or(u32::MAX);
        let planner = &mut self.planner;
        if restarts.schedules.is_empty() && planner.pending.is_empty() {
            // What was missed while there was no plan is not made up for.
            planner.checked = None;
        }
        planner.see_lives(now, &views);
        let sight = || Sight { calls_open: open, ..sight::look() };
        let told = planner.look((wall_now(), now), &restarts, &views, &sight);
        told.into_iter().for_each(|told| self.do_as_told(told));
    }

    fn do_as_told(&mut self, told: Told) {
        let record = |code, pending: &Pending| {
            Record::new(code).of(&pending.module, None).text("plan", pending.plan.as_str())
        };
        match told {
            Told::Due(pending) => {
                let within = pending.planned.deadline.since(pending.planned.opens);
                let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
                self.record(record("plan.due", &pending).number("within_ms", within_ms));
            }
            Told::Go(pending, in_spite) => {
                let found = in_spite.map_or("all is quiet", words);
                self.record(record("plan.restarted", &pending).text("found", found));
                self.order(Order::Restart(pending.module));
            }
            Told::GaveUp(pending, why) => {
                self.record(record("plan.given_up", &pending).text("why", words(why)));
            }
            Told::Unread(plan, why) => {
                self.trouble(format!("the planned restart `{plan}` can't be used: {why}"));
            }
        }
        self.end_turn();
    }
}

/// What was waited for, in a few words.
fn words(waits: Waits) -> &'static str {
    match waits {
        Waits::Window => "its time has not come",
        Waits::Load => "the machine is busy",
        Waits::People => "people are at work",
        Waits::Ledger(Permit::Allowed) => "nothing",
        Waits::Ledger(Permit::Down) => "it does not run",
        Waits::Ledger(Permit::Young(_)) => "it has not been ready for long enough",
        Waits::Ledger(Permit::Cooling(_)) => "the last restart is too near",
        Waits::Ledger(Permit::Spent(_)) => "it was restarted as often as it may be within a day",
    }
}
