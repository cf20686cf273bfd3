//! Hot swap: an actor gets another type, with its state brought over, between two messages.
//!
//! # Protocol
//! The actors of a plan are paused one after the other, in the plan's order; each makes its new state out of the old one
//! as soon as it is paused, and keeps both. When all have, each drops the old state and goes on with the new one, the
//! last of the plan first; when one refuses, ends or panics, each drops the new one and goes on as if nothing had been.
//! What is sent to a paused actor waits and is handled in order. The address stays, since the new type takes the same
//! messages.
//!
//! So who depends on others comes first in a plan: when those are paused it asks them for nothing any more, and when it
//! goes on they have gone on before.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt;

use crate::address::{Addr, Address, Rights};
use crate::context::Context;
use crate::kind::{Actor, kind_number, kind_of, resident, settle};
use crate::message::Lane;
use crate::send::Refusal;
use crate::shard::bonds::bare;
use crate::shard::control::Control;
use crate::shard::{Again, Spawn};
use crate::system::System;

/// Actors of one plan: pausing so many takes some tens of milliseconds.
pub const PLAN_MAX: usize = 1 << 17;

/// Why an actor was not swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unswapped {
    /// It has ended.
    Gone,
    /// The address lacks [`Rights::MANAGE`].
    Forbidden,
    /// It is not of the type that the change is for.
    WrongKind,
    /// It is being swapped already, has failed, or is about to be made anew.
    Busy,
    /// The migration said no.
    Refused,
    /// The migration panicked.
    Panicked,
}

impl fmt::Display for Unswapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "the actor has ended",
            Self::Forbidden => "the address does not allow it",
            Self::WrongKind => "the actor is not of the type that the change is for",
            Self::Busy => "the actor is being swapped or made anew already",
            Self::Refused => "the migration refused the actor's state",
            Self::Panicked => "the migration panicked",
        })
    }
}

impl core::error::Error for Unswapped {}

impl abi::Explain for Unswapped {
    fn code(&self) -> &'static str {
        match self {
            Self::Gone => "actor::swap::gone",
            Self::Forbidden => "actor::swap::forbidden",
            Self::WrongKind => "actor::swap::wrong_kind",
            Self::Busy => "actor::swap::busy",
            Self::Refused => "actor::swap::refused",
            Self::Panicked => "actor::swap::panicked",
        }
    }
}

/// What came of a plan: how many were swapped, or who prevented it and why; then nobody was.
pub type SwapOutcome = Result<usize, (Addr, Unswapped)>;

/// A change, with its types forgotten.
pub(crate) trait Changes: Send {
    /// The type that it is for.
    fn old(&self) -> TypeId;
    /// Makes the new state.
    ///
    /// # Safety
    /// An actor of the old type lies at the place.
    unsafe fn prepare(&mut self, place: *mut u8) -> Result<(), Unswapped>;
    /// Puts the new state there; its kind, and how it is made again.
    ///
    /// # Safety
    /// The place is that of a slot's state and empty.
    unsafe fn settle(&mut self, place: *mut u8) -> (u32, Option<Again>);
    /// The kind and how it is made again, without a state.
    fn bare(&mut self) -> (u32, Option<Again>);
}

struct Changing<New, F> {
    old: TypeId,
    migrate: F,
    ready: Option<New>,
    again: Option<Again>,
}

impl<New: Actor, F: FnMut(*mut u8) -> Result<New, Unswapped> + Send> Changes for Changing<New, F> {
    fn old(&self) -> TypeId {
        self.old
    }

    unsafe fn prepare(&mut self, place: *mut u8) -> Result<(), Unswapped> {
        self.ready = Some((self.migrate)(place)?);
        Ok(())
    }

    unsafe fn settle(&mut self, place: *mut u8) -> (u32, Option<Again>) {
        if let Some(new) = self.ready.take() {
            // SAFETY: the caller's words.
            unsafe { settle(place, new) };
        }
        self.bare()
    }

    fn bare(&mut self) -> (u32, Option<Again>) {
        (kind_number(kind_of::<New>()), self.again.take())
    }
}

/// How one actor becomes another.
pub struct Change {
    pub(crate) changes: Box<dyn Changes>,
    pace: Pace,
}

/// Whether an actor of a plan waits until the one before it is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    After,
    Together,
}

impl Change {
    /// From `Old` to `New`, which takes the same messages. `migrate` sees the old state and keeps it whole: when another
    /// actor of the plan refuses, the old one goes on.
    ///
    /// The new one is not told that it started. It can't be made again after a panic, unless
    /// [`Change::restarted_by`] says how.
    pub fn new<Old: Actor, New: Actor<Message = Old::Message>>(
        migrate: impl FnOnce(&Old) -> Result<New, Unswapped> + Send + 'static,
    ) -> Self {
        let mut migrate = Some(migrate);
        let migrate = move |place: *mut u8| {
            let Some(migrate) = migrate.take() else { return Err(Unswapped::Busy) };
            // SAFETY: `prepare` is called with the place of an `Old`, of which nobody has another reference.
            migrate(unsafe { resident::<Old>(place) })
        };
        let changing = Changing { old: TypeId::of::<Old>(), migrate, ready: None, again: None };
        Self { changes: Box::new(changing), pace: Pace::After }
    }

    /// The same, and how the new one is made again after a panic.
    pub fn restarted_by<Old: Actor, New: Actor<Message = Old::Message>>(
        migrate: impl FnOnce(&Old) -> Result<New, Unswapped> + Send + 'static,
        mut make: impl FnMut() -> New + Send + 'static,
    ) -> Self {
        let mut migrate = Some(migrate);
        let migrate = move |place: *mut u8| {
            let Some(migrate) = migrate.take() else { return Err(Unswapped::Busy) };
            // SAFETY: as in `new`.
            migrate(unsafe { resident::<Old>(place) })
        };
        let again = Box::new(move |place: *mut u8| {
            let actor = make();
            // SAFETY: the place is a slot's whose state was dropped before, and whose kind is that of `New` by then.
            unsafe { settle(place, actor) };
        });
        let changing = Changing { old: TypeId::of::<Old>(), migrate, ready: None, again: Some(again) };
        Self { changes: Box::new(changing), pace: Pace::After }
    }

    /// It does not depend on the one before it in the plan, nor that one on it: they are paused together. Pausing many
    /// one after the other takes a way between cores for each.
    #[must_use]
    pub const fn together(mut self) -> Self {
        self.pace = Pace::Together;
        self
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change")
    }
}

/// What an actor of a plan is sent.
pub(crate) struct Preparing {
    pub(crate) change: Change,
    pub(crate) ready: Address<Ready>,
    /// Which one of the plan it is.
    pub(crate) number: usize,
}

impl fmt::Debug for Preparing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preparing")
    }
}

/// What it answers.
pub(crate) struct Ready {
    pub(crate) number: usize,
    pub(crate) outcome: Result<(), Unswapped>,
}

type Done = Box<dyn FnOnce(SwapOutcome, &mut Context<'_>) + Send>;

/// Carries one plan out, and ends.
struct Swapper {
    plan: Vec<(Addr, Option<Change>)>,
    /// How many were told to pause.
    told: usize,
    /// How many of them have.
    paused: usize,
    done: Option<Done>,
}

impl Swapper {
    /// Tells the next one, and all that go together with it.
    fn next(&mut self, ctx: &mut Context<'_>) {
        if self.told == self.plan.len() {
            return self.finish(Ok(self.told), ctx);
        }
        loop {
            let number = self.told;
            if let Err(why) = self.tell(number, ctx) {
                let actor = self.plan[number].0;
                return self.finish(Err((actor, why)), ctx);
            }
            self.told += 1;
            let next = self.plan.get(self.told).and_then(|(_, change)| change.as_ref());
            if next.is_none_or(|change| change.pace == Pace::After) {
                return;
            }
        }
    }

    fn tell(&mut self, number: usize, ctx: &mut Context<'_>) -> Result<(), Unswapped> {
        let Some((actor, change)) = self.plan.get_mut(number) else { return Err(Unswapped::Gone) };
        let (Some(change), Some(ready)) = (change.take(), ctx.this::<Ready>()) else {
            return Err(Unswapped::Gone);
        };
        let order = Control::Prepare(Box::new(Preparing { change, ready, number }));
        ctx.shard().order(*actor, Rights::MANAGE, Lane::System, order).map_err(|why| match why {
            Refusal::Forbidden => Unswapped::Forbidden,
            Refusal::Gone | Refusal::Full | Refusal::Closed => Unswapped::Gone,
        })
    }

    /// Lets all that were told go on, the last one first. What they are told now comes behind what they were told
    /// before, so nobody who has not answered yet is waited for.
    fn finish(&mut self, outcome: SwapOutcome, ctx: &mut Context<'_>) {
        let this = bare(ctx.addr());
        for (actor, _) in self.plan.iter().take(self.told).rev() {
            let order = if outcome.is_ok() { Control::Commit(this) } else { Control::Abort(this) };
            let _ = ctx.shard().signal(*actor, order);
        }
        let named = outcome.map_err(|(actor, why)| (actor.with_rights(Rights::NONE), why));
        if let Some(done) = self.done.take() {
            done(named, ctx);
        }
        ctx.stop();
    }
}

impl Actor for Swapper {
    type Message = Ready;
    const STARTS: bool = true;

    fn started(&mut self, ctx: &mut Context<'_>) {
        self.next(ctx);
    }

    fn handle(&mut self, Ready { number, outcome }: Ready, ctx: &mut Context<'_>) {
        match outcome {
            Ok(()) => {
                self.paused += 1;
                if self.paused == self.told {
                    self.next(ctx);
                }
            }
            Err(why) => {
                let actor = self.plan.get(number).map_or(ctx.addr(), |(actor, _)| *actor);
                self.finish(Err((actor, why)), ctx);
            }
        }
    }
}

fn swapper(plan: Vec<(Addr, Change)>, done: Done) -> Result<Swapper, Refusal> {
    if plan.len() > PLAN_MAX {
        return Err(Refusal::Full);
    }
    let plan = plan.into_iter().map(|(actor, change)| (actor, Some(change))).collect();
    Ok(Swapper { plan, told: 0, paused: 0, done: Some(done) })
}

impl Context<'_> {
    /// Swaps all actors of a plan or none. The plan is in the order in which they are paused: who depends on others comes
    /// before them. What came of it comes as the message of one's own that `map` makes.
    ///
    /// # Errors
    /// [`Refusal::Full`] when the plan has more than [`PLAN_MAX`] actors or there is no room for one actor more,
    /// [`Refusal::Forbidden`] when `M` is not the message type of the actor that runs.
    pub fn swap_all<M: Send + 'static>(
        &mut self,
        plan: Vec<(Addr, Change)>,
        map: impl FnOnce(SwapOutcome) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        let Some(this) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        let done: Done = Box::new(move |outcome, ctx| _ = ctx.send(this, map(outcome)));
        self.spawn(swapper(plan, done)?).map(|_| ())
    }
}

impl System {
    /// As [`Context::swap_all`]; `done` is called on a core and must not block.
    ///
    /// # Errors
    /// [`Refusal::Full`] as there.
    pub fn swap_all(
        &self,
        plan: Vec<(Addr, Change)>,
        done: impl FnOnce(SwapOutcome) + Send + 'static,
    ) -> Result<(), Refusal> {
        let done: Done = Box::new(move |outcome, _ctx| done(outcome));
        self.spawn(Spawn::default(), swapper(plan, done)?).map(|_| ())
    }
}
