//! What an actor is: a value with a function that takes one message; and its kind, the table of functions of a type.
//!
//! A slot carries the number of its kind; each core looks the number up in a table of its own, so replacing one pointer
//! per core between two batches replaces the behaviour of all actors of the kind.

use alloc::boxed::Box;
use core::any::{TypeId, type_name};
use core::mem::{align_of, size_of};
use core::ptr;

use crate::context::Context;
use crate::life::Reason;
use crate::message::{Registry, TYPES, message_type, take};

/// Bytes of state that lie in the slot itself; longer state lies in a box of its own.
pub const STATE_INLINE_BYTES_MAX: usize = 32;
/// Alignment that the slot's state has.
const STATE_INLINE_ALIGN_MAX: usize = 16;

/// A value that lives on one core and is given one message at a time.
///
/// `handle` runs to completion: it never waits. What takes long goes to the pool, what blocks to a thread of its own.
///
/// ```
/// use actor::{Actor, Context};
///
/// struct Counter(u64);
///
/// impl Actor for Counter {
///     type Message = u64;
///     fn handle(&mut self, message: u64, _ctx: &mut Context<'_>) {
///         self.0 += message;
///     }
/// }
/// ```
pub trait Actor: Send + Sized + 'static {
    /// What it takes. [`crate::Opaque`] for one that takes bytes with a tag.
    type Message: Send + 'static;

    /// Whether [`Actor::started`] is called. Off by default: it costs a million small actors a message each.
    const STARTS: bool = false;

    /// Takes one message.
    fn handle(&mut self, message: Self::Message, ctx: &mut Context<'_>);

    /// Called on the actor's core before its first message, if [`Actor::STARTS`]; again after a restart.
    fn started(&mut self, ctx: &mut Context<'_>) {
        let _ = ctx;
    }

    /// Called before the value is dropped when the actor stops, is killed or the system shuts down; not after a panic.
    fn stopped(&mut self, reason: Reason, ctx: &mut Context<'_>) {
        let _ = (reason, ctx);
    }
}

/// Functions over the state of one type of actor. The first argument is always the state's place in the slot.
pub(crate) struct Kind {
    pub(crate) id: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
    pub(crate) starts: Starts,
    /// Registers the message type; called once per process and shard.
    pub(crate) message_tag: fn() -> u32,
    pub(crate) handle: unsafe fn(*mut u8, *mut u8, &mut Context<'_>),
    pub(crate) started: unsafe fn(*mut u8, &mut Context<'_>),
    pub(crate) stopped: unsafe fn(*mut u8, Reason, &mut Context<'_>),
    pub(crate) drop: unsafe fn(*mut u8),
}

/// Whether a kind wants to be told that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Starts {
    Told,
    Silent,
}

/// All kinds that this process has used.
pub(crate) static KINDS: Registry<Kind> = Registry::new();

/// The kind of `A`, one constant for each.
pub(crate) const fn kind_of<A: Actor>() -> &'static Kind {
    const {
        &Kind {
            id: TypeId::of::<A>,
            name: type_name::<A>,
            starts: if A::STARTS { Starts::Told } else { Starts::Silent },
            message_tag: message_tag::<A>,
            handle: handle::<A>,
            started: started::<A>,
            stopped: stopped::<A>,
            drop: drop_state::<A>,
        }
    }
}

/// The number of a kind in this process. A scan under a lock: shards remember it.
pub(crate) fn kind_number(kind: &'static Kind) -> u32 {
    KINDS.register(kind, |known, new| (known.id)() == (new.id)())
}

fn message_tag<A: Actor>() -> u32 {
    TYPES.register(message_type::<A::Message>(), |known, new| (known.id)() == (new.id)())
}

const fn is_inline<A>() -> bool {
    size_of::<A>() <= STATE_INLINE_BYTES_MAX && align_of::<A>() <= STATE_INLINE_ALIGN_MAX
}

/// Moves an actor into a slot's state.
///
/// # Safety
/// `place` is valid for writes of [`STATE_INLINE_BYTES_MAX`] bytes and aligned to 16; what lay there has been dropped.
#[inline(always)]
pub(crate) unsafe fn settle<A: Actor>(place: *mut u8, actor: A) {
    if is_inline::<A>() {
        // SAFETY: the value fits in size and alignment.
        unsafe { ptr::write(place.cast::<A>(), actor) }
    } else {
        // SAFETY: a pointer fits in size and alignment.
        unsafe { ptr::write(place.cast::<*mut A>(), Box::into_raw(Box::new(actor))) }
    }
}

/// The actor that lies in a slot's state.
///
/// # Safety
/// [`settle`] put an `A` there, it has not been dropped, and nothing else refers to it while `'a` lasts.
#[inline(always)]
pub(crate) unsafe fn resident<'a, A: Actor>(place: *mut u8) -> &'a mut A {
    if is_inline::<A>() {
        // SAFETY: the caller's words.
        unsafe { &mut *place.cast::<A>() }
    } else {
        // SAFETY: the caller's words; the box is freed only by `drop_state`.
        unsafe { &mut **place.cast::<*mut A>() }
    }
}

unsafe fn handle<A: Actor>(place: *mut u8, payload: *mut u8, ctx: &mut Context<'_>) {
    // SAFETY: the dispatcher found the kind by the slot and compared the message's tag with the kind's.
    let (actor, message) = unsafe { (resident::<A>(place), take::<A::Message>(payload)) };
    actor.handle(message, ctx);
}

unsafe fn started<A: Actor>(place: *mut u8, ctx: &mut Context<'_>) {
    // SAFETY: the caller found the kind by the slot and the slot is occupied.
    unsafe { resident::<A>(place) }.started(ctx);
}

unsafe fn stopped<A: Actor>(place: *mut u8, reason: Reason, ctx: &mut Context<'_>) {
    // SAFETY: the caller found the kind by the slot and the slot is occupied.
    unsafe { resident::<A>(place) }.stopped(reason, ctx);
}

unsafe fn drop_state<A: Actor>(place: *mut u8) {
    if is_inline::<A>() {
        // SAFETY: the caller found the kind by the slot, marked the slot as empty and comes here once.
        unsafe { ptr::drop_in_place(place.cast::<A>()) }
    } else {
        // SAFETY: as above; the pointer came from `Box::into_raw` in `settle`.
        drop(unsafe { Box::from_raw(*place.cast::<*mut A>()) });
    }
}
