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
pub struct Change(pub(crate) Box<dyn Changes>);

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
        Self(Box::new(Changing { old: TypeId::of::<Old>(), migrate, ready: None, again: None }))
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
        Self(Box::new(Changing { old: TypeId::of::<Old>(), migrate, ready: None, again: Some(again) }))
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
}

impl fmt::Debug for Preparing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preparing")
    }
}

/// What it answers.
pub(crate) struct Ready(pub(crate) Result<(), Unswapped>);

type Done = Box<dyn FnOnce(SwapOutcome, &mut Context<'_>) + Send>;

/// Carries one plan out, and ends.
struct Swapper {
    plan: Vec<(Addr, Option<Change>)>,
    /// The one that is being paused.
    at: usize,
    done: Option<Done>,
}

impl Swapper {
    fn next(&mut self, ctx: &mut Context<'_>) {
        let Some((actor, change)) = self.plan.get_mut(self.at) else { return self.finish(Ok(self.at), ctx) };
        let (actor, change, ready) = (*actor, change.take(), ctx.this::<Ready>());
        let outcome = match (change, ready) {
            (Some(change), Some(ready)) => {
                let order = Control::Prepare(Box::new(Preparing { change, ready }));
                ctx.shard().order(actor, Rights::MANAGE, Lane::System, order)
            }
            _ => Err(Refusal::Gone),
        };
        let why = match outcome {
            Ok(()) => return,
            Err(Refusal::Forbidden) => Unswapped::Forbidden,
            Err(Refusal::Gone | Refusal::Full | Refusal::Closed) => Unswapped::Gone,
        };
        self.finish(Err((actor, why)), ctx);
    }

    /// Lets all that are paused go on, the last one first.
    fn finish(&mut self, outcome: SwapOutcome, ctx: &mut Context<'_>) {
        for (actor, _) in self.plan[..self.at.min(self.plan.len())].iter().rev() {
            let order = if outcome.is_ok() { Control::Commit } else { Control::Abort };
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

    fn handle(&mut self, Ready(outcome): Ready, ctx: &mut Context<'_>) {
        match outcome {
            Ok(()) => {
                self.at += 1;
                self.next(ctx);
            }
            Err(why) => {
                let actor = self.plan.get(self.at).map_or(ctx.addr(), |(actor, _)| *actor);
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
    Ok(Swapper { plan, at: 0, done: Some(done) })
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
