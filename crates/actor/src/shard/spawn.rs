//! How actors come to be: on this core, on another, with a way to make them again.

use alloc::boxed::Box;
use core::any::TypeId;
use core::sync::atomic::Ordering;

use super::control::Control;
use super::{NOBODY, Shard};
use crate::address::{Addr, Address, GENERATION_SHIFT, LOW_BYTE};
use crate::bound::Bound;
use crate::deferred::NONE;
use crate::kind::{Actor, Kind, kind_number, kind_of, settle};
use crate::message::{Lane, TYPES};
use crate::platform::Core;
use crate::send::Refusal;
use crate::shared::{Places, Shared};
use crate::table::{PINNED, flag};

/// Makes an actor again: settles a new state in the slot's place, which is empty.
pub(crate) type Again = Box<dyn FnMut(*mut u8) + Send>;

/// How an actor is spawned.
///
/// ```
/// # use actor::{Bound, Policy, Spawn};
/// let spawn = Spawn::default().with_bound(Bound::new(64, Policy::DropOldest)).metered();
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Spawn {
    bound: Option<Bound>,
    core: Option<Core>,
    flags: u32,
    /// [`PINNED`] or nothing.
    pinned: u32,
}

impl Spawn {
    /// How many messages may wait for it; the system's default otherwise.
    pub const fn with_bound(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// First on a certain core, the spawner's otherwise.
    pub const fn on(mut self, core: Core) -> Self {
        self.core = Some(core);
        self
    }

    /// It stays on its core: neither [`crate::Balance::ByLoad`] nor an order moves it. For what belongs to a thread.
    pub const fn pinned(mut self) -> Self {
        self.pinned = PINNED;
        self
    }

    pub(crate) const fn core(self) -> Option<Core> {
        self.core
    }

    /// Its time is measured for each message, at two looks at the clock each; sampled otherwise.
    pub const fn metered(mut self) -> Self {
        self.flags |= flag::METERED;
        self
    }

    /// It gets no messages until it is resumed.
    pub const fn suspended(mut self) -> Self {
        self.flags |= flag::SUSPENDED;
        self
    }
}

/// Fills a fresh place. The caller is its owner until the routing word is written, and nobody knows it before.
#[inline]
pub(crate) fn furnish<A: Actor>(
    shared: &Shared,
    places: &mut Places,
    kind: u32,
    spawn: Spawn,
    owner: u32,
    actor: A,
) -> Result<Addr, Refusal> {
    let Some(index) = places.take(&shared.table) else { return Err(Refusal::Full) };
    let table = shared.table.view();
    let bound = spawn.bound.unwrap_or(shared.config.bound);
    // SAFETY: the place was just taken, so it exists and is nobody else's; its state is empty.
    let word = unsafe {
        let slot = table.slot(index);
        settle((&raw mut (*slot).state).cast(), actor);
        let word = ((*slot).head.word.bits() & !LOW_BYTE).max(1 << GENERATION_SHIFT);
        // Field by field: the owner may look at the word meanwhile, for a message to the former life.
        let head = &raw mut (*slot).head;
        (*head).handled.store(0, Ordering::Relaxed);
        (*head).sent.store(0, Ordering::Relaxed);
        ((*head).deferred, (*head).deferred_count, (*head).overdue) = (NONE, 0, 0);
        (*head).bound.store(bound.to_bits() | spawn.pinned, Ordering::Relaxed);
        (*head).kind.store(kind, Ordering::Relaxed);
        (*head).word.set(word | spawn.flags | if A::STARTS { flag::NEW } else { 0 });
        table.credit(index).store(Shard::credits(bound), Ordering::Relaxed);
        word
    };
    if word != 1 << GENERATION_SHIFT {
        // SAFETY: as above; a place that has had a life before has an account of it.
        let account = unsafe { table.account(index) };
        account.cpu_ns.store(0, Ordering::Relaxed);
        account.refused.store(0, Ordering::Relaxed);
        account.panics.store(0, Ordering::Relaxed);
    }
    if let Some(route) = table.route(index) {
        route.store(word | owner, Ordering::Release);
    }
    Ok(Addr::from_word(index, word))
}

impl Shard {
    /// The numbers of a kind and of its messages, remembered from one spawn to the next.
    #[inline]
    fn numbers<A: Actor>(&mut self) -> (u32, u32) {
        let kind: *const Kind = kind_of::<A>();
        if self.last_kind.0 == kind {
            return (self.last_kind.1, self.last_kind.2);
        }
        let number = kind_number(kind_of::<A>());
        let tag = self.known_kind(number).map_or(0, |known| known.tag);
        self.last_kind = (kind, number, tag);
        (number, tag)
    }

    /// Spawns an actor.
    pub(crate) fn spawn<A: Actor>(&mut self, spawn: Spawn, actor: A) -> Result<Address<A::Message>, Refusal> {
        let (kind, tag) = self.numbers::<A>();
        let owner = spawn.core.map_or(self.core, |core| u32::from(core.0));
        let addr = if owner == self.core {
            furnish(&self.shared, &mut self.places, kind, spawn, owner, actor)?
        } else {
            // From the places of that core: neighbours in the tables share lines.
            let Some(port) = self.shared.ports.get(owner as usize) else { return Err(Refusal::Gone) };
            furnish(&self.shared, &mut port.outside.lock(), kind, spawn, owner, actor)?
        };
        if owner == self.core {
            self.tally.actors += 1;
            if A::STARTS {
                self.fresh.push_back(addr);
            }
        } else {
            // The owner hears of it in any case, for its count of actors.
            self.control(addr, Lane::System, Control::Adopt);
        }
        Ok(Address::new(addr, tag))
    }

    /// Spawns an actor that can be made again after a panic, by the same function.
    pub(crate) fn spawn_again<A: Actor>(
        &mut self,
        spawn: Spawn,
        mut make: impl FnMut() -> A + Send + 'static,
    ) -> Result<Address<A::Message>, Refusal> {
        let actor = make();
        // The factory stays where failures are decided, so such an actor lives on its spawner's core.
        let spawn = Spawn { core: None, ..spawn };
        let address = self.spawn(spawn, actor)?;
        let again = move |place: *mut u8| {
            let actor = make();
            // SAFETY: the place is a slot's whose state was dropped before.
            unsafe { settle(place, actor) };
        };
        self.again.insert(address.addr().index(), Box::new(again));
        Ok(address)
    }

    /// The address of the actor that runs, if it takes messages of type `M`.
    pub(crate) fn this<M: Send + 'static>(&mut self) -> Option<Address<M>> {
        if self.current.index == NOBODY || self.current.head.is_null() {
            return None;
        }
        // SAFETY: not null, so the head of the slot whose handler runs.
        let number = unsafe { (*self.current.head).kind.load(Ordering::Relaxed) };
        let known = self.known_kind(number)?;
        let is_its = TYPES.at(known.tag).is_some_and(|message| (message.id)() == TypeId::of::<M>());
        is_its.then(|| Address::new(self.current_addr(), known.tag))
    }
}
