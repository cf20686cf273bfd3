//! Names of actors: one actor a name, looked up from any core or thread without waiting for anybody.
//!
//! # Protocol
//! A table of lines with a sequence number each. Who looks up reads the number, the line, and the number again; a line
//! that is being written, or was meanwhile, counts as not there, so nobody ever waits. Who writes takes a lock for less
//! than a microsecond. A name is as good as the actor behind it: one whose actor has ended is not found, and anyone may
//! take it. The actor's core clears its names when it ends.

use alloc::alloc::{alloc_zeroed, dealloc, handle_alloc_error};
use alloc::collections::BTreeMap;
use core::alloc::Layout;
use core::fmt;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};

use crate::address::{Addr, Address, Rights};
use crate::context::Context;
use crate::lock::Lock;
use crate::message::tag_of;
use crate::name::{NAME_WORDS, Name};
use crate::shard::bonds::bare;
use crate::shard::control::Control;
use crate::shared::Shared;
use crate::system::System;

/// Lines of the table: 1 MiB, taken when the first name is registered.
const LINES: usize = 1 << 14;
/// Names of one system at once: the table stays loose enough for short searches.
pub const NAMES_MAX: usize = LINES * 3 / 4;
/// A name lies at most so many lines behind where its hash says.
const REACH: usize = 64;

/// Why a name was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unnamed {
    /// Another actor has it: this one, without rights.
    Taken(Addr),
    /// There are as many names as may be.
    Full,
    /// The actor has ended.
    Gone,
    /// The address lacks the right to manage the actor, or names another one.
    Forbidden,
}

impl fmt::Display for Unnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(other) => write!(f, "the name is taken by actor {other:?}"),
            Self::Full => f.write_str("there are as many names as may be"),
            Self::Gone => f.write_str("the actor has ended"),
            Self::Forbidden => f.write_str("the address does not allow it"),
        }
    }
}

impl core::error::Error for Unnamed {}

impl abi::Explain for Unnamed {
    fn code(&self) -> &'static str {
        match self {
            Self::Taken(_) => "actor::name::taken",
            Self::Full => "actor::name::full",
            Self::Gone => "actor::name::gone",
            Self::Forbidden => "actor::name::forbidden",
        }
    }
}

/// One name. All zero when it was never used; with an address of zero when it was and is free.
struct Entry {
    /// Odd while it is written.
    version: AtomicU32,
    tag: AtomicU32,
    addr: AtomicU64,
    name: [AtomicU64; NAME_WORDS],
}

#[derive(Clone, Copy)]
struct Found {
    name: [u64; NAME_WORDS],
    addr: u64,
    tag: u32,
}

impl Entry {
    /// What is in it, unless it is being written.
    fn read(&self) -> Option<Found> {
        let version = self.version.load(Ordering::Acquire);
        let found = Found {
            name: core::array::from_fn(|word| self.name[word].load(Ordering::Relaxed)),
            addr: self.addr.load(Ordering::Relaxed),
            tag: self.tag.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        let still = self.version.load(Ordering::Relaxed) == version;
        (still && version.is_multiple_of(2)).then_some(found)
    }

    /// Whoever calls this holds the lock.
    fn write(&self, found: Found) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.name.iter().zip(found.name) {
            word.store(value, Ordering::Relaxed);
        }
        self.addr.store(found.addr, Ordering::Relaxed);
        self.tag.store(found.tag, Ordering::Relaxed);
        // Never zero again, not even after four billion writes: zero would end searches.
        let next = version.wrapping_add(2);
        self.version.store(if next == 0 { 2 } else { next }, Ordering::Release);
    }
}

/// All names of a system.
pub(crate) struct Names {
    lines: AtomicPtr<Entry>,
    /// How many names there are.
    writing: Lock<usize>,
}

impl Default for Names {
    fn default() -> Self {
        Self { lines: AtomicPtr::new(null_mut()), writing: Lock::new(0) }
    }
}

fn hash(name: &[u64; NAME_WORDS]) -> usize {
    let mixed = name.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, word| {
        (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)
    });
    mixed as usize
}

impl Names {
    const LAYOUT: Layout = Layout::new::<[Entry; LINES]>();

    fn lines(&self) -> &[Entry] {
        let lines = self.lines.load(Ordering::Acquire);
        if lines.is_null() {
            return &[];
        }
        // SAFETY: not null, so allocated with this layout, zeroed, which is valid for atomics, and freed only on drop.
        unsafe { core::slice::from_raw_parts(lines, LINES) }
    }

    /// Whoever calls this holds the lock.
    fn make_lines(&self) -> &[Entry] {
        if self.lines.load(Ordering::Relaxed).is_null() {
            // SAFETY: the layout is not empty.
            let lines = unsafe { alloc_zeroed(Self::LAYOUT) };
            if lines.is_null() {
                handle_alloc_error(Self::LAYOUT);
            }
            self.lines.store(lines.cast(), Ordering::Release);
        }
        self.lines()
    }

    /// The lines in which a name may be, up to the first that was never used.
    fn search<'a>(
        lines: &'a [Entry],
        name: &[u64; NAME_WORDS],
    ) -> impl Iterator<Item = (usize, &'a Entry)> + use<'a> {
        let (first, reach) = (hash(name), if lines.is_empty() { 0 } else { REACH });
        (0..reach).map(move |more| first.wrapping_add(more) % LINES).map(move |line| (line, &lines[line]))
    }

    fn find(&self, name: Name) -> Option<Found> {
        let name = name.to_words();
        for (_, entry) in Self::search(self.lines(), &name) {
            if entry.version.load(Ordering::Relaxed) == 0 {
                return None;
            }
            if let Some(found) = entry.read().filter(|found| found.name == name && found.addr != 0) {
                return Some(found);
            }
        }
        None
    }

    /// Gives a name, also that of an actor for which `lives` says no; the line it lies in.
    fn give(&self, name: Name, addr: Addr, tag: u32, lives: impl Fn(Addr) -> bool) -> Result<u32, Unnamed> {
        let mut count = self.writing.lock();
        let lines = self.make_lines();
        let found = Found { name: name.to_words(), addr: addr.as_bits(), tag };
        match Self::place(lines, &mut count, found, &lives) {
            Err(Unnamed::Full) => {
                // Names in front of whose actors wards stand are not cleared when these end.
                Self::sweep(lines, &mut count, &lives);
                Self::place(lines, &mut count, found, &lives)
            }
            outcome => outcome,
        }
    }

    fn place(
        lines: &[Entry],
        count: &mut usize,
        new: Found,
        lives: &impl Fn(Addr) -> bool,
    ) -> Result<u32, Unnamed> {
        let mut free = None;
        for (line, entry) in Self::search(lines, &new.name) {
            // Nobody else writes, so it is always read.
            let Some(found) = entry.read().filter(|found| found.addr != 0) else {
                free = free.or(Some(line));
                if entry.version.load(Ordering::Relaxed) == 0 {
                    break;
                }
                continue;
            };
            if found.name == new.name {
                let other = Addr::from_bits(found.addr);
                if lives(other) && !other.is_same_actor(Addr::from_bits(new.addr)) {
                    return Err(Unnamed::Taken(other.with_rights(Rights::NONE)));
                }
                entry.write(new);
                return Ok(line as u32);
            }
        }
        let (Some(line), true) = (free, *count < NAMES_MAX) else { return Err(Unnamed::Full) };
        lines[line].write(new);
        *count += 1;
        Ok(line as u32)
    }

    fn sweep(lines: &[Entry], count: &mut usize, lives: &impl Fn(Addr) -> bool) {
        for entry in lines {
            if let Some(found) = entry.read().filter(|found| found.addr != 0)
                && !lives(Addr::from_bits(found.addr))
            {
                entry.write(Found { addr: 0, ..found });
                *count -= 1;
            }
        }
    }

    /// A name of each actor that has one, by its place.
    pub(crate) fn by_actor(&self) -> BTreeMap<u32, (Addr, Name)> {
        let found = self.lines().iter().filter_map(Entry::read).filter(|found| found.addr != 0);
        let by_actor = found.map(|found| (Addr::from_bits(found.addr), Name::from_words(found.name)));
        by_actor.map(|(addr, name)| (addr.index(), (addr, name))).collect()
    }

    /// Frees a line, if it is still this actor's.
    pub(crate) fn clear(&self, line: u32, actor: Addr) {
        let mut count = self.writing.lock();
        let Some(entry) = self.lines().get(line as usize) else { return };
        let is_its = |found: &Found| found.addr != 0 && Addr::from_bits(found.addr).is_same_actor(actor);
        if let Some(found) = entry.read().filter(is_its) {
            entry.write(Found { addr: 0, ..found });
            *count -= 1;
        }
    }

    fn take_away(&self, name: Name, actor: Addr) -> Result<(), Unnamed> {
        let words = name.to_words();
        let line = Self::search(self.lines(), &words).find_map(|(line, entry)| {
            let found = entry.read()?;
            (found.name == words && found.addr != 0).then_some((line, Addr::from_bits(found.addr)))
        });
        match line {
            Some((line, owner)) if owner.is_same_actor(actor) => {
                self.clear(line as u32, actor);
                Ok(())
            }
            Some(_) => Err(Unnamed::Forbidden),
            None => Err(Unnamed::Gone),
        }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let lines = *self.lines.get_mut();
        if !lines.is_null() {
            // SAFETY: allocated by `make_lines` with this layout; nobody looks anything up any more.
            unsafe { dealloc(lines.cast(), Self::LAYOUT) };
        }
    }
}

impl Shared {
    fn name(&self, name: Name, addr: Addr, tag: u32) -> Result<u32, Unnamed> {
        if !self.lives(addr) {
            return Err(Unnamed::Gone);
        }
        self.commons.names.give(name, addr, tag, |other| self.lives(other))
    }

    fn unname(&self, name: Name, addr: Addr) -> Result<(), Unnamed> {
        if !addr.rights().contains(Rights::MANAGE) {
            return Err(Unnamed::Forbidden);
        }
        self.commons.names.take_away(name, addr)
    }

    fn whereis<M: Send + 'static>(&self, name: Name) -> Option<Address<M>> {
        let found = self.commons.names.find(name)?;
        let addr = Addr::from_bits(found.addr);
        (found.tag == tag_of::<M>() && self.lives(addr)).then(|| Address::new(addr, found.tag))
    }
}

impl Context<'_> {
    /// Gives an actor a name, under which anyone in the system gets this very address, with its rights. The name is
    /// free again when the actor ends.
    ///
    /// # Errors
    /// One variant of [`Unnamed`] for each reason.
    pub fn register<M: Send + 'static>(&mut self, name: Name, actor: Address<M>) -> Result<(), Unnamed> {
        let line = self.shard().shared.name(name, actor.addr(), actor.tag())?;
        self.shard().note_name(actor.addr(), line);
        Ok(())
    }

    /// Takes a name away from its actor, whose address must have [`Rights::MANAGE`].
    ///
    /// # Errors
    /// [`Unnamed::Forbidden`] when it is not this actor's or the right is missing, [`Unnamed::Gone`] when nobody has it.
    pub fn unregister(&mut self, name: Name, actor: Addr) -> Result<(), Unnamed> {
        self.shard().shared.unname(name, actor)
    }

    /// The actor with this name, if there is one and it takes messages of type `M`. Does not wait for anybody.
    pub fn whereis<M: Send + 'static>(&mut self, name: Name) -> Option<Address<M>> {
        self.shard().shared.whereis(name)
    }

    /// Enters a child's name. A name that another actor has stays that one's.
    pub(crate) fn name_child(&mut self, name: Name, child: Addr, tag: u32) {
        if let Ok(line) = self.shard().shared.name(name, child, tag) {
            self.shard().note_name(child, line);
        }
    }
}

impl crate::shard::Shard {
    fn note_name(&mut self, actor: Addr, line: u32) {
        if self.signal(actor, Control::Named(line)).is_err() {
            self.shared.commons.names.clear(line, bare(actor));
        }
    }
}

impl System {
    /// As [`Context::register`].
    ///
    /// # Errors
    /// As there.
    pub fn register<M: Send + 'static>(&self, name: Name, actor: Address<M>) -> Result<(), Unnamed> {
        let line = self.shared().name(name, actor.addr(), actor.tag())?;
        if self.signal(actor.addr(), Control::Named(line)).is_err() {
            self.shared().commons.names.clear(line, bare(actor.addr()));
        }
        Ok(())
    }

    /// As [`Context::unregister`].
    ///
    /// # Errors
    /// As there.
    pub fn unregister(&self, name: Name, actor: Addr) -> Result<(), Unnamed> {
        self.shared().unname(name, actor)
    }

    /// As [`Context::whereis`].
    pub fn whereis<M: Send + 'static>(&self, name: Name) -> Option<Address<M>> {
        self.shared().whereis(name)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} names", *self.writing.lock())
    }
}
