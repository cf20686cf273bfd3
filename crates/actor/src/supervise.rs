//! Supervisors: actors that start children in order, start them again when they fail, and give up in time.
//!
//! # Protocol
//! A child that ends in whatever way keeps its address and its queue until its supervisor, which is told in the system
//! lane, has decided. [`Strategy`] says who is made anew with it: their states are let go in reverse order, then all are
//! made in order, and queues and addresses are kept. Each child and the supervisor have a [`Budget`] of restarts; when
//! one is used up, the supervisor ends all children in reverse order and fails itself, which its own supervisor, or the
//! warden of the core, decides about.
//!
//! # States
//! Running; halting (a group lets go of its states); cooling (a group waits to be made anew); stopping (children are
//! stopped one after the other, the last one first); over. What a supervisor is told in a state that doesn't call for it
//! is of no consequence.

mod budget;
mod child;
mod ending;
mod order;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

pub use budget::Budget;
use budget::Spent;
use child::{Ask, Started, Unstarted};
pub use child::{Backoff, Child, Persistence, Shutdown};
pub use order::{ChildState, ChildStatus, Supervise};
use order::{Due, Order};

use crate::address::{Addr, Rights};
use crate::context::Context;
use crate::kind::Actor;
use crate::life::{Reason, Verdict};
use crate::name::Name;
use crate::shard::control::Control;

/// Children of one supervisor: what it costs to end them all in one go stays within some ten milliseconds.
pub const CHILDREN_MAX: usize = 1 << 16;
/// Restarts that a budget can allow: their times are kept.
pub const RESTARTS_MAX: u32 = 1 << 10;

/// Who is made anew together with a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Nobody else.
    #[default]
    OneForOne,
    /// Those that were started after it.
    RestForOne,
    /// All.
    OneForAll,
}

struct Entry {
    child: Child,
    actor: Option<Addr>,
    ask: Ask,
    state: ChildState,
    spent: Spent,
    restarts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// These many children are still to let go; then all from `first` on are made anew.
    Halting {
        first: u64,
        left: usize,
        delay: Duration,
    },
    Cooling {
        first: u64,
    },
    /// Until the child at this place has ended.
    Stopping {
        place: u64,
    },
    Over,
}

/// An actor that has children. Built, then spawned like any other.
///
/// ```
/// use actor::{Actor, Config, Context, Name, Spawn, StopAll};
/// use actor::dice::Dice;
/// use actor::supervise::{Budget, Child, Strategy, Supervisor};
///
/// struct Worker;
/// impl Actor for Worker {
///     type Message = ();
///     fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {}
/// }
///
/// let name = Name::parse("worker").expect("it is short");
/// let root = Supervisor::new(Strategy::OneForOne, Budget::default()).child(Child::new(name, || Worker));
/// let mut dice = Dice::assemble(Config::default(), |_| Box::new(StopAll));
/// dice.system().spawn(Spawn::default(), root).expect("there is room");
/// dice.run(100);
/// assert_eq!(dice.system().actors().count(), 2);
/// ```
pub struct Supervisor {
    strategy: Strategy,
    budget: Budget,
    child_budget: Option<Budget>,
    children: BTreeMap<u64, Entry>,
    by_actor: BTreeMap<Addr, u64>,
    by_name: BTreeMap<Name, u64>,
    places: u64,
    spent: Spent,
    phase: Phase,
    /// Timers of former rounds are of no consequence.
    round: u64,
}

impl Supervisor {
    /// Without children; `budget` is for all of them together.
    pub const fn new(strategy: Strategy, budget: Budget) -> Self {
        Self {
            strategy,
            budget,
            child_budget: None,
            children: BTreeMap::new(),
            by_actor: BTreeMap::new(),
            by_name: BTreeMap::new(),
            places: 0,
            spent: Spent::new(),
            phase: Phase::Running,
            round: 0,
        }
    }

    /// What each child may use up of the supervisor's budget; all of it, if nothing is said.
    #[must_use]
    pub const fn child_budget(mut self, budget: Budget) -> Self {
        self.child_budget = Some(budget);
        self
    }

    /// With one child more, up to [`CHILDREN_MAX`]; children are started in this order. One whose name another has is
    /// left out.
    #[must_use]
    pub fn child(mut self, child: Child) -> Self {
        self.enter(child);
        self
    }

    fn enter(&mut self, child: Child) -> Option<u64> {
        if self.children.len() >= CHILDREN_MAX || self.by_name.contains_key(&child.name) {
            return None;
        }
        self.places += 1;
        self.by_name.insert(child.name, self.places);
        let entry = Entry {
            child,
            actor: None,
            ask: Ask::Actor,
            state: ChildState::Down,
            spent: Spent::default(),
            restarts: 0,
        };
        self.children.insert(self.places, entry);
        Some(self.places)
    }

    /// Starts a child, or has it made anew when it still has its place.
    fn start(&mut self, place: u64, ctx: &mut Context<'_>) {
        let Some(entry) = self.children.get_mut(&place) else { return };
        if let (Some(actor), ChildState::Held) = (entry.actor, entry.state) {
            entry.state = ChildState::Up;
            if ctx.shard().signal(actor, Control::Decide(Verdict::Restart)).is_ok() {
                return;
            }
        }
        match entry.child.start(ctx) {
            Ok(Started { actor, tag, ask }) => {
                ctx.shard().adopt(actor);
                ctx.name_child(entry.child.name, actor, tag);
                (entry.actor, entry.ask, entry.state) = (Some(actor), ask, ChildState::Up);
                self.by_actor.insert(actor, place);
            }
            Err(why) => {
                (entry.actor, entry.state) = (None, ChildState::Down);
                self.failed_start(place, why, ctx);
            }
        }
    }

    /// A start that came to nothing counts as an abnormal end.
    fn failed_start(&mut self, place: u64, why: Unstarted, ctx: &mut Context<'_>) {
        match why {
            Unstarted::Refused(_) => self.escalate(ctx),
            Unstarted::Panicked => self.settle_end(place, Reason::Panicked, ctx),
        }
    }

    fn ended(&mut self, child: Addr, reason: Reason, ctx: &mut Context<'_>) {
        let Some(place) = self.by_actor.get(&child).copied() else { return };
        let Some(entry) = self.children.get_mut(&place) else { return };
        entry.state = ChildState::Held;
        match self.phase {
            Phase::Over => {}
            Phase::Running => self.settle_end(place, reason, ctx),
            Phase::Cooling { first } if place >= first => {}
            Phase::Cooling { .. } => self.settle_end(place, reason, ctx),
            Phase::Halting { first, left, delay } if place >= first => {
                self.phase = Phase::Halting { first, left: left - 1, delay };
                if left == 1 {
                    self.cool(first, delay, ctx);
                }
            }
            // One before the group: it is looked at when the group is up again, see `restart_group`.
            Phase::Halting { .. } => {}
            Phase::Stopping { place: awaited } => {
                self.let_go(place, ctx);
                if place == awaited {
                    self.stop_next(ctx);
                }
            }
        }
    }

    /// Decides about a child that has ended or could not be started.
    fn settle_end(&mut self, place: u64, reason: Reason, ctx: &mut Context<'_>) {
        let Some(entry) = self.children.get_mut(&place) else { return };
        if !entry.child.wants_restart(reason) {
            self.let_go(place, ctx);
            if self
                .children
                .get(&place)
                .is_some_and(|entry| entry.child.persistence == Persistence::Temporary)
            {
                self.forget(place);
            }
            return;
        }
        let now = ctx.clock();
        let number = entry.spent.charge(self.child_budget.unwrap_or(self.budget), now);
        let total = self.spent.charge(self.budget, now);
        let (Some(number), Some(_)) = (number, total) else { return self.escalate(ctx) };
        entry.restarts += 1;
        let delay = entry.child.backoff.delay(number);
        let first = match self.strategy {
            Strategy::OneForOne => return self.restart_one(place, delay, ctx),
            Strategy::RestForOne => place,
            Strategy::OneForAll => 0,
        };
        self.halt(first, delay, ctx);
    }

    fn restart_one(&mut self, place: u64, delay: Duration, ctx: &mut Context<'_>) {
        if delay.is_zero() {
            return self.start(place, ctx);
        }
        self.later(delay, Due::Child(place), ctx);
    }

    /// Has all from `first` on let go of their states, the last one first.
    fn halt(&mut self, first: u64, delay: Duration, ctx: &mut Context<'_>) {
        let mut left = 0;
        let mut temporary = Vec::new();
        for (place, entry) in self.children.range(first..).rev() {
            let (Some(actor), ChildState::Up) = (entry.actor, entry.state) else { continue };
            if entry.child.persistence == Persistence::Temporary {
                temporary.push(*place);
            } else if ctx.shard().signal(actor, Control::Halt).is_ok() {
                left += 1;
            }
        }
        for place in temporary {
            self.dismiss(place, ctx);
            self.forget(place);
        }
        if left == 0 {
            return self.cool(first, delay, ctx);
        }
        self.phase = Phase::Halting { first, left, delay };
    }

    fn cool(&mut self, first: u64, delay: Duration, ctx: &mut Context<'_>) {
        self.phase = Phase::Cooling { first };
        if delay.is_zero() {
            return self.restart_group(first, ctx);
        }
        self.later(delay, Due::Group, ctx);
    }

    fn restart_group(&mut self, first: u64, ctx: &mut Context<'_>) {
        self.phase = Phase::Running;
        let places: Vec<_> = self.children.range(first..).map(|(place, _)| *place).collect();
        for place in places {
            if self.phase != Phase::Running {
                return;
            }
            self.start(place, ctx);
        }
        let early = |(place, entry): (&u64, &Entry)| (entry.state == ChildState::Held).then_some(*place);
        let missed: Vec<_> = self.children.range(..first).filter_map(early).collect();
        for place in missed {
            self.settle_end(place, Reason::Panicked, ctx);
        }
    }

    /// Without room for a timer there is no later: what was to wait comes at once.
    fn later(&mut self, delay: Duration, due: Due, ctx: &mut Context<'_>) {
        let Some(this) = ctx.this::<Supervise>() else { return };
        self.round += 1;
        let round = self.round;
        if ctx.send_after(delay, this, Supervise(Order::Due { due, round })).is_err() {
            let _ = ctx.send(this, Supervise(Order::Due { due, round }));
        }
    }

    fn due(&mut self, due: Due, round: u64, ctx: &mut Context<'_>) {
        match (due, self.phase) {
            (Due::Child(place), Phase::Running)
                if self.children.get(&place).is_some_and(|entry| entry.state != ChildState::Up) =>
            {
                self.start(place, ctx);
            }
            (Due::Group, Phase::Cooling { first }) if round == self.round => self.restart_group(first, ctx),
            (Due::Stop, Phase::Stopping { place }) if round == self.round => {
                self.dismiss(place, ctx);
                self.stop_next(ctx);
            }
            _ => {}
        }
    }

    fn statuses(&self) -> Vec<ChildStatus> {
        let status = |entry: &Entry| ChildStatus {
            name: entry.child.name,
            actor: entry.actor.map(|actor| actor.with_rights(Rights::NONE)),
            state: entry.state,
            restarts: entry.restarts,
        };
        self.children.values().map(status).collect()
    }
}

impl Actor for Supervisor {
    type Message = Supervise;
    const STARTS: bool = true;

    fn started(&mut self, ctx: &mut Context<'_>) {
        let places: Vec<_> = self.children.keys().copied().collect();
        for place in places {
            if self.phase == Phase::Running {
                self.start(place, ctx);
            }
        }
    }

    fn handle(&mut self, Supervise(order): Supervise, ctx: &mut Context<'_>) {
        match order {
            Order::Ended { child, reason } => self.ended(child, reason, ctx),
            Order::Add(child) => {
                if !matches!(self.phase, Phase::Stopping { .. } | Phase::Over)
                    && let Some(place) = self.enter(child)
                {
                    self.start(place, ctx);
                }
            }
            Order::Remove(name) => {
                if let (Some(place), Phase::Running) = (self.by_name.get(&name).copied(), self.phase) {
                    self.dismiss(place, ctx);
                    self.forget(place);
                }
            }
            Order::Stop => self.stop(ctx),
            Order::Children(reply) => reply.send(ctx, self.statuses()),
            Order::Due { due, round } => self.due(due, round, ctx),
        }
    }
}

impl core::fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Supervisor({:?}, {} children)", self.strategy, self.children.len())
    }
}
