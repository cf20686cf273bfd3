//! Groups: actors that are told the same things, under a name; who is in one is known to each core without asking.
//!
//! # Protocol
//! Members are kept in lists that are never changed, only replaced, under a lock that is held for the time of a copy. A
//! number counts all replacements; each core keeps the lists that it has used, with the number at which it took them, and
//! takes the lock only when the number has changed.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::address::{Addr, Address};
use crate::context::Context;
use crate::lock::Lock;
use crate::message::tag_of;
use crate::name::Name;
use crate::send::Refusal;
use crate::shard::bonds::bare;
use crate::shard::control::Control;
use crate::shared::Shared;
use crate::system::System;

/// Groups of one system. A group that was named once stays.
pub const GROUPS_MAX: usize = 1 << 12;
/// Members of one group: a broadcast to all takes some milliseconds of its sender's turn.
pub const MEMBERS_MAX: usize = 1 << 16;

/// A group of actors that take messages of type `M`.
pub struct Group<M> {
    number: u32,
    tag: u32,
    message: PhantomData<fn(M)>,
}

impl<M> Clone for Group<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Group<M> {}

impl<M> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({})", self.number)
    }
}

/// What came of telling a group something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Members that were sent the message.
    pub sent: usize,
    /// Members that had no room for it, had ended, or whose address did not allow it.
    pub refused: usize,
}

struct Roll {
    tag: u32,
    members: Arc<Vec<Addr>>,
}

#[derive(Default)]
struct Book {
    by_name: BTreeMap<(Name, u32), u32>,
    rolls: Vec<Roll>,
}

/// All groups of a system.
pub(crate) struct Groups {
    changes: AtomicU64,
    book: Lock<Book>,
}

impl Default for Groups {
    fn default() -> Self {
        Self { changes: AtomicU64::new(0), book: Lock::new(Book::default()) }
    }
}

impl Groups {
    /// The number of a group, which is made when it is new.
    fn number(&self, name: Name, tag: u32) -> Result<u32, Refusal> {
        let mut book = self.book.lock();
        if let Some(number) = book.by_name.get(&(name, tag)) {
            return Ok(*number);
        }
        if book.rolls.len() >= GROUPS_MAX {
            return Err(Refusal::Full);
        }
        let number = book.rolls.len() as u32;
        book.rolls.push(Roll { tag, members: Arc::new(Vec::new()) });
        book.by_name.insert((name, tag), number);
        Ok(number)
    }

    /// Whether the actor is new in it.
    fn join(&self, group: u32, actor: Addr) -> Result<bool, Refusal> {
        let mut book = self.book.lock();
        let Some(roll) = book.rolls.get_mut(group as usize) else { return Err(Refusal::Gone) };
        if roll.members.iter().any(|member| member.is_same_actor(actor)) {
            return Ok(false);
        }
        if roll.members.len() >= MEMBERS_MAX {
            return Err(Refusal::Full);
        }
        Arc::make_mut(&mut roll.members).push(actor);
        self.changes.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    pub(crate) fn leave(&self, group: u32, actor: Addr) {
        let mut book = self.book.lock();
        let Some(roll) = book.rolls.get_mut(group as usize) else { return };
        if roll.members.iter().any(|member| member.is_same_actor(actor)) {
            Arc::make_mut(&mut roll.members).retain(|member| !member.is_same_actor(actor));
            self.changes.fetch_add(1, Ordering::Release);
        }
    }

    fn members(&self, group: u32) -> Arc<Vec<Addr>> {
        let book = self.book.lock();
        book.rolls.get(group as usize).map(|roll| roll.members.clone()).unwrap_or_default()
    }

    fn tag(&self, group: u32) -> Option<u32> {
        self.book.lock().rolls.get(group as usize).map(|roll| roll.tag)
    }
}

/// The lists that a core has used.
#[derive(Default)]
pub(crate) struct Rolls {
    taken_at: u64,
    rolls: BTreeMap<u32, Arc<Vec<Addr>>>,
}

impl Rolls {
    fn members(&mut self, groups: &Groups, group: u32) -> Arc<Vec<Addr>> {
        let now = groups.changes.load(Ordering::Acquire);
        if self.taken_at != now {
            self.rolls.clear();
            self.taken_at = now;
        }
        self.rolls.entry(group).or_insert_with(|| groups.members(group)).clone()
    }
}

impl Shared {
    fn group<M: Send + 'static>(&self, name: Name) -> Result<Group<M>, Refusal> {
        let tag = tag_of::<M>();
        let number = self.commons.groups.number(name, tag)?;
        Ok(Group { number, tag, message: PhantomData })
    }

    /// Whether the owner's core is to be told.
    fn join<M>(&self, group: Group<M>, actor: Address<M>) -> Result<bool, Refusal> {
        if !self.lives(actor.addr()) {
            return Err(Refusal::Gone);
        }
        if self.commons.groups.tag(group.number) != Some(group.tag) {
            return Err(Refusal::Gone);
        }
        self.commons.groups.join(group.number, actor.addr())
    }
}

impl Context<'_> {
    /// The group with this name of actors that take `M`, which is made when there is none.
    ///
    /// # Errors
    /// [`Refusal::Full`] when there are [`GROUPS_MAX`] groups.
    pub fn group<M: Send + 'static>(&mut self, name: Name) -> Result<Group<M>, Refusal> {
        self.shard().shared.group(name)
    }

    /// Takes an actor into a group, until it leaves or ends; it is sent what this very address allows.
    ///
    /// # Errors
    /// [`Refusal::Full`] when there are [`MEMBERS_MAX`] members, [`Refusal::Gone`].
    pub fn join<M: Send + 'static>(&mut self, group: Group<M>, actor: Address<M>) -> Result<(), Refusal> {
        let shard = self.shard();
        if shard.shared.join(group, actor)?
            && let Err(why) = shard.signal(actor.addr(), Control::Joined(group.number))
        {
            shard.shared.commons.groups.leave(group.number, bare(actor.addr()));
            return Err(why);
        }
        Ok(())
    }

    /// Takes an actor out of a group.
    pub fn leave<M: Send + 'static>(&mut self, group: Group<M>, actor: Address<M>) {
        let shard = self.shard();
        shard.shared.commons.groups.leave(group.number, actor.addr());
        let _ = shard.signal(actor.addr(), Control::Left(group.number));
    }

    /// Who is in a group, without rights, in the order of joining.
    pub fn members<M: Send + 'static>(&mut self, group: Group<M>) -> Vec<Addr> {
        let none = |member: &Addr| member.with_rights(crate::address::Rights::NONE);
        self.shard().roll(group.number).iter().map(none).collect()
    }

    /// Sends to all members, oneself included, in the order of joining.
    pub fn broadcast<M: Clone + Send + 'static>(&mut self, group: Group<M>, message: &M) -> Told {
        let mut told = Told::default();
        for member in self.shard().roll(group.number).iter() {
            match self.send(Address::new(*member, group.tag), message.clone()) {
                Ok(_) => told.sent += 1,
                Err(_) => told.refused += 1,
            }
        }
        told
    }
}

impl crate::shard::Shard {
    fn roll(&mut self, group: u32) -> Arc<Vec<Addr>> {
        self.bonds.rolls.members(&self.shared.commons.groups, group)
    }
}

impl System {
    /// As [`Context::group`].
    ///
    /// # Errors
    /// As there.
    pub fn group<M: Send + 'static>(&self, name: Name) -> Result<Group<M>, Refusal> {
        self.shared().group(name)
    }

    /// As [`Context::join`].
    ///
    /// # Errors
    /// As there.
    pub fn join<M: Send + 'static>(&self, group: Group<M>, actor: Address<M>) -> Result<(), Refusal> {
        if self.shared().join(group, actor)?
            && let Err(why) = self.signal(actor.addr(), Control::Joined(group.number))
        {
            self.shared().commons.groups.leave(group.number, bare(actor.addr()));
            return Err(why);
        }
        Ok(())
    }

    /// As [`Context::leave`].
    pub fn leave<M: Send + 'static>(&self, group: Group<M>, actor: Address<M>) {
        self.shared().commons.groups.leave(group.number, actor.addr());
        let _ = self.signal(actor.addr(), Control::Left(group.number));
    }

    /// As [`Context::broadcast`].
    pub fn broadcast<M: Clone + Send + 'static>(&self, group: Group<M>, message: &M) -> Told {
        let mut told = Told::default();
        for member in self.shared().commons.groups.members(group.number).iter() {
            match self.send(Address::new(*member, group.tag), message.clone()) {
                Ok(_) => told.sent += 1,
                Err(_) => told.refused += 1,
            }
        }
        told
    }
}
