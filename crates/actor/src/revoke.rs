//! Revocation: addresses that stop working for all who hold them, at once.
//!
//! A [`Ward`] stands in front of an actor. Its address is like any other and can be copied and passed on; it leads to the
//! actor through one more look at a table, and to nobody from the moment on in which the ward is revoked: a send that
//! begins afterwards, on whatever core, is refused. What was sent before is delivered. A ward can stand in front of a
//! ward, so what was passed on can be passed on with a string of one's own; revoking one cuts off all behind it.
//!
//! # Protocol
//! A place of the table has a generation, as an actor's has, and the address behind it. Revoking counts the generation
//! up; only then may the place get another address. Who follows reads the generation, the address, and the generation
//! again, and follows only when it was the right one both times.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::null_mut;
use core::sync::atomic::AtomicPtr;

use crate::address::{Addr, Address, GENERATION_MAX, GENERATION_SHIFT};
use crate::context::Context;
use crate::deadletters::Undelivered;
use crate::lock::Lock;
use crate::message::{INDEX_BITS, Lane};
use crate::send::{Refusal, Sent};
use crate::shard::{Shard, Urgency};
use crate::shared::Shared;
use crate::sync::{Arc, AtomicU32, AtomicU64, Ordering, fence};
use crate::system::System;
use crate::table::ACTORS_MAX;

/// Wards of one system at once: 1 MiB, taken with the first one.
pub const WARDS_MAX: usize = 1 << 16;
/// Wards in front of each other that are followed.
const DEPTH_MAX: usize = 8;
/// The index of the first ward: actors' end before it, so the table of actors refuses wards without being asked.
const WARDS_FROM: u32 = ACTORS_MAX;
const _: () = assert!(WARDS_FROM as u64 + WARDS_MAX as u64 == 1 << INDEX_BITS, "wards have the last indices");

/// Which of the places an address names; none when it is an actor's.
const fn place_of(addr: Addr) -> Option<u32> {
    addr.index().checked_sub(WARDS_FROM)
}

/// One place.
struct Place {
    /// The generation, shifted as in addresses.
    word: AtomicU32,
    target: AtomicU64,
}

impl Place {
    fn new() -> Self {
        Self { word: AtomicU32::new(1 << GENERATION_SHIFT), target: AtomicU64::new(0) }
    }

    /// The address behind it, if the generation is this one.
    fn follow(&self, word: u32) -> Option<u64> {
        if self.word.load(Ordering::Acquire) != word {
            return None;
        }
        let target = self.target.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        (self.word.load(Ordering::Relaxed) == word).then_some(target)
    }

    /// For the holder of the place only.
    fn point_to(&self, target: u64) {
        // Who sees this target sees the generation that `revoke` counted up before.
        fence(Ordering::Release);
        self.target.store(target, Ordering::Relaxed);
        // The place's address is passed on by ways that order memory.
    }

    /// For the holder of the place only; the generation it has now.
    fn revoke(&self) -> u32 {
        let next = self.word.load(Ordering::Relaxed).wrapping_add(1 << GENERATION_SHIFT);
        self.word.store(next, Ordering::SeqCst);
        next
    }
}

#[derive(Default)]
struct Free {
    fresh: usize,
    freed: VecDeque<u32>,
}

/// All wards of a system.
pub(crate) struct Wards {
    places: AtomicPtr<Place>,
    free: Lock<Free>,
}

impl Default for Wards {
    fn default() -> Self {
        Self { places: AtomicPtr::new(null_mut()), free: Lock::new(Free::default()) }
    }
}

impl Wards {
    fn places(&self) -> &[Place] {
        let places = self.places.load(Ordering::Acquire);
        if places.is_null() {
            return &[];
        }
        // SAFETY: not null, so the box of `take`, which lives as long as the table.
        unsafe { core::slice::from_raw_parts(places, WARDS_MAX) }
    }

    /// A new ward's address, with all rights that the one behind it has.
    fn take(&self, target: Addr) -> Option<Addr> {
        let mut free = self.free.lock();
        if self.places().is_empty() {
            let places: Box<[Place]> = (0..WARDS_MAX).map(|_| Place::new()).collect();
            let places = Box::into_raw(places).cast::<Place>();
            self.places.store(places, Ordering::Release);
        }
        let index = if free.fresh < WARDS_MAX {
            free.fresh += 1;
            free.fresh as u32 - 1
        } else {
            free.freed.pop_front()?
        };
        let place = self.places().get(index as usize)?;
        place.point_to(target.as_bits());
        let word = place.word.load(Ordering::Relaxed);
        Some(Addr::new(WARDS_FROM + index, word >> GENERATION_SHIFT, target.rights()))
    }

    fn revoke(&self, ward: Addr) {
        let Some(index) = place_of(ward) else { return };
        let Some(place) = self.places().get(index as usize) else { return };
        let mut free = self.free.lock();
        // A place whose generations are used up is never taken again.
        if place.revoke() >> GENERATION_SHIFT < GENERATION_MAX {
            free.freed.push_back(index);
        }
    }

    /// The actor behind an address, with the rights that all wards on the way leave; none when one of them was revoked.
    #[cold]
    fn follow(&self, mut addr: Addr) -> Option<Addr> {
        for _ in 0..DEPTH_MAX {
            let Some(index) = place_of(addr) else { return Some(addr) };
            let place = self.places().get(index as usize)?;
            addr = Addr::from_bits(place.follow(addr.word())?).with_rights(addr.rights());
        }
        None
    }
}

impl Drop for Wards {
    fn drop(&mut self) {
        let places = *self.places.get_mut();
        if !places.is_null() {
            // SAFETY: the box of `take`; nobody follows any more.
            drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(places, WARDS_MAX)) });
        }
    }
}

impl Shared {
    /// The actor that an address leads to, through wards if there are any.
    pub(crate) fn resolve(&self, addr: Addr) -> Result<Addr, Refusal> {
        if place_of(addr).is_none() {
            return Ok(addr);
        }
        self.commons.wards.follow(addr).ok_or(Refusal::Gone)
    }
}

impl Shard {
    /// What the way of a message could not find at once: a ward, or nobody.
    ///
    /// # Safety
    /// As of `send`.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn send_otherwise<M: Send + 'static>(
        &mut self,
        to: Addr,
        tag: u32,
        lane: Lane,
        urgency: Urgency,
        (refusal, message): (Refusal, M),
    ) -> Result<Sent, (Refusal, M)> {
        if place_of(to).is_some()
            && refusal == Refusal::Gone
            && let Ok(actor) = self.shared.resolve(to)
        {
            // SAFETY: the caller's words. It ends: what a ward leads to is no ward.
            return unsafe { self.send(actor, tag, lane, urgency, message) };
        }
        let why = match refusal {
            Refusal::Gone => Some(Undelivered::Refused),
            Refusal::Forbidden => Some(Undelivered::Forbidden),
            Refusal::Full | Refusal::Closed => None,
        };
        if let (Some(why), false) = (why, self.is_control(tag)) {
            self.note_dead(self.current_addr(), to, tag, why);
        }
        Err((refusal, message))
    }
}

/// The right to cut off all who hold an address. In force while it lives: dropping it revokes, too.
///
/// ```
/// use actor::{Actor, Config, Context, Refusal, Spawn, StopAll};
/// use actor::dice::Dice;
///
/// struct Door;
/// impl Actor for Door {
///     type Message = ();
///     fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {}
/// }
///
/// let dice = Dice::assemble(Config::default(), |_| Box::new(StopAll));
/// let door = dice.system().spawn(Spawn::default(), Door).expect("there is room");
/// let ward = dice.system().ward(door).expect("there is room");
/// let guest = ward.address();
/// assert!(dice.system().send(guest, ()).is_ok());
/// ward.revoke();
/// assert_eq!(dice.system().send(guest, ()).map_err(|refused| refused.why), Err(Refusal::Gone));
/// ```
pub struct Ward<M> {
    shared: Arc<Shared>,
    address: Addr,
    tag: u32,
    message: PhantomData<fn(M)>,
}

impl<M> Ward<M> {
    fn new(shared: &Arc<Shared>, actor: Address<M>) -> Result<Self, Refusal> {
        let address = shared.commons.wards.take(actor.addr()).ok_or(Refusal::Full)?;
        Ok(Self { shared: shared.clone(), address, tag: actor.tag(), message: PhantomData })
    }

    /// What may be given away, with fewer rights if that is wanted.
    pub const fn address(&self) -> Address<M> {
        Address::new(self.address, self.tag)
    }

    /// Cuts off all who hold the address. Sends that begin after this returns are refused.
    pub fn revoke(self) {
        drop(self);
    }
}

impl<M> Drop for Ward<M> {
    fn drop(&mut self) {
        self.shared.commons.wards.revoke(self.address);
    }
}

impl<M> fmt::Debug for Ward<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ward({:?})", self.address)
    }
}

impl Context<'_> {
    /// Puts a ward in front of an address; its own address allows no more than this one.
    ///
    /// # Errors
    /// [`Refusal::Full`] when there are [`WARDS_MAX`] wards.
    pub fn ward<M>(&mut self, actor: Address<M>) -> Result<Ward<M>, Refusal> {
        Ward::new(&self.shard().shared, actor)
    }
}

impl System {
    /// As [`Context::ward`].
    ///
    /// # Errors
    /// As there.
    pub fn ward<M>(&self, actor: Address<M>) -> Result<Ward<M>, Refusal> {
        Ward::new(self.shared(), actor)
    }
}

#[cfg(all(test, loom))]
mod models;
