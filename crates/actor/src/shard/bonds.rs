//! What ties actors to each other, kept beside the slots because few have any of it: watches, links, supervisors.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use super::Shard;
use super::control::Control;
use super::exchange::{Otherwise, Paused};
use super::meter::Meter;
use crate::address::{Addr, LOW_BYTE, Rights};
use crate::life::Reason;
use crate::links::{Down, WatchId};
use crate::message::{EMPTY, Header, Lane, Line, put};
use crate::send::Refusal;
use crate::supervise::Supervise;
use crate::swap::{Ready, Unswapped};
use crate::table::flag;

/// Watches that the actors of one core may have at once: some 200 MiB.
const WATCHES_MAX: usize = 1 << 20;
/// Links of one actor: what its end costs its core in one go, a few milliseconds.
const LINKS_MAX: usize = 1 << 16;

/// Writes the message that news of an end are to somebody into a payload.
type Deliver = Box<dyn FnOnce(Down, *mut u8) + Send>;
type Trap = Box<dyn FnMut(Down, *mut u8) + Send>;

/// Whether an actor that is being held still has its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Body {
    #[default]
    Whole,
    Hollow,
}

struct Watch {
    watcher: Addr,
    target: Addr,
    named: Addr,
    deliver: Deliver,
}

/// Who decides about an actor, and the actor's place among that one's children.
#[derive(Clone, Copy)]
struct Sponsor {
    supervisor: Addr,
    place: u64,
}

/// What one actor is tied to. Addresses in here have all rights: it is the runtime's own book.
#[derive(Default)]
struct Extra {
    watchers: BTreeSet<(Addr, u64)>,
    watching: BTreeSet<u64>,
    links: BTreeSet<Addr>,
    trap: Option<Trap>,
    sponsor: Option<Sponsor>,
    /// Of a supervisor, in the order in which they were started.
    children: BTreeMap<u64, Addr>,
    held: Option<Reason>,
    body: Body,
    /// Places in the registry.
    names: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    swap: Option<Paused>,
}

impl Extra {
    fn is_empty(&self) -> bool {
        self.watchers.is_empty()
            && self.watching.is_empty()
            && self.links.is_empty()
            && self.trap.is_none()
            && self.sponsor.is_none()
            && self.children.is_empty()
            && self.held.is_none()
            && self.names.is_empty()
            && self.groups.is_empty()
            && self.swap.is_none()
    }
}

/// All ties of one core's actors.
#[derive(Default)]
pub(crate) struct Bonds {
    extras: BTreeMap<u32, Box<Extra>>,
    watches: BTreeMap<u64, Watch>,
    /// How many children were ever started here: the order among them.
    places: u64,
    /// Members of groups as this core saw them last.
    pub(crate) rolls: crate::groups::Rolls,
    pub(super) meters: BTreeMap<u32, Meter>,
    /// When they are looked at next.
    pub(super) audit_at: u64,
    /// Where this core's dead letters go.
    pub(crate) dead: Option<crate::trace::TraceWriter>,
}

impl Bonds {
    fn extra(&mut self, index: u32) -> &mut Extra {
        self.extras.entry(index).or_default()
    }

    fn change(&mut self, index: u32, change: impl FnOnce(&mut Extra)) {
        if let Some(extra) = self.extras.get_mut(&index) {
            change(extra);
            if extra.is_empty() {
                self.extras.remove(&index);
            }
        }
    }

    pub(super) fn is_supervised(&self, index: u32) -> bool {
        self.extras.get(&index).is_some_and(|extra| extra.sponsor.is_some())
    }

    /// Notes why an actor is held and whether its state is still there.
    pub(super) fn mark(&mut self, index: u32, reason: Reason, body: Body) {
        let extra = self.extra(index);
        (extra.held, extra.body) = (Some(reason), body);
    }

    pub(super) fn unmark(&mut self, index: u32) {
        self.change(index, |extra| (extra.held, extra.body) = (None, Body::Whole));
    }

    pub(super) fn reason(&self, index: u32) -> Option<Reason> {
        self.extras.get(&index)?.held
    }

    pub(super) fn is_paused(&self, index: u32) -> bool {
        self.extras.get(&index).is_some_and(|extra| extra.swap.is_some())
    }

    pub(super) fn pause(&mut self, index: u32, paused: Paused) {
        self.extra(index).swap = Some(paused);
    }

    pub(super) fn unpause(&mut self, index: u32, swapper: Addr) -> Option<Paused> {
        let mut paused = None;
        self.change(index, |extra| paused = extra.swap.take_if(|paused| paused.swapper == swapper));
        paused
    }

    /// What is to become of an actor after its swap; whether it waits for one.
    pub(super) fn will(&mut self, index: u32, otherwise: Otherwise) -> bool {
        let extra = self.extras.get_mut(&index);
        let Some(paused) = extra.and_then(|extra| extra.swap.as_mut()) else { return false };
        paused.otherwise = otherwise;
        true
    }

    pub(super) fn body(&self, index: u32) -> Body {
        self.extras.get(&index).map_or(Body::Whole, |extra| extra.body)
    }
}

/// The address as the runtime's books have it.
pub(crate) const fn bare(addr: Addr) -> Addr {
    Addr::from_word(addr.index(), addr.word())
}

impl Shard {
    pub(crate) fn watch<M: Send + 'static>(
        &mut self,
        named: Addr,
        map: impl FnOnce(Down) -> M + Send + 'static,
    ) -> Result<WatchId, Refusal> {
        let Some(this) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        if !self.shared.resolve(named).unwrap_or(named).rights().contains(Rights::WATCH) {
            return Err(Refusal::Forbidden);
        }
        if self.bonds.watches.len() >= WATCHES_MAX {
            return Err(Refusal::Full);
        }
        // SAFETY: the payload is the caller's to give, and `map` makes messages of the actor's type.
        let deliver: Deliver = Box::new(move |down, out| unsafe { put(out, map(down)) });
        // One behind a ward that was revoked is watched like one who has ended.
        let (watcher, target) = (bare(this.addr()), bare(self.shared.resolve(named).unwrap_or(named)));
        let ticket = self.asks.next_name();
        let named = named.with_rights(Rights::NONE);
        self.bonds.watches.insert(ticket, Watch { watcher, target, named, deliver });
        self.bonds.extra(watcher.index()).watching.insert(ticket);
        if self.signal(target, Control::Watch { watcher, ticket }).is_err() {
            let _ = self.signal(watcher, Control::Down { who: target, reason: Reason::Gone, ticket });
        }
        Ok(WatchId(ticket))
    }

    /// Only the one who watches can end a watch.
    pub(crate) fn unwatch(&mut self, ticket: u64) -> bool {
        let watcher = bare(self.current_addr());
        if self.bonds.watches.get(&ticket).is_none_or(|watch| watch.watcher != watcher) {
            return false;
        }
        self.bonds.change(watcher.index(), |extra| _ = extra.watching.remove(&ticket));
        self.forget_watch(ticket);
        true
    }

    fn forget_watch(&mut self, ticket: u64) {
        if let Some(Watch { watcher, target, .. }) = self.bonds.watches.remove(&ticket) {
            let _ = self.signal(target, Control::Unwatch { watcher, ticket });
        }
    }

    pub(crate) fn link(&mut self, named: Addr) -> Result<(), Refusal> {
        let this = self.current_addr();
        let named = self.shared.resolve(named).unwrap_or(named);
        if !named.rights().contains(Rights::WATCH) || this.rights() == Rights::NONE {
            return Err(Refusal::Forbidden);
        }
        let (this, peer) = (bare(this), bare(named));
        if this == peer {
            return Ok(());
        }
        let links = &mut self.bonds.extra(this.index()).links;
        if links.len() >= LINKS_MAX {
            return Err(Refusal::Full);
        }
        links.insert(peer);
        if self.signal(peer, Control::Link(this)).is_err() {
            let _ = self.signal(this, Control::Exit { who: peer, reason: Reason::Gone });
        }
        Ok(())
    }

    pub(crate) fn unlink(&mut self, named: Addr) {
        let named = self.shared.resolve(named).unwrap_or(named);
        let (this, peer) = (bare(self.current_addr()), bare(named));
        self.bonds.change(this.index(), |extra| _ = extra.links.remove(&peer));
        let _ = self.signal(peer, Control::Unlink(this));
    }

    pub(crate) fn trap_exits<M: Send + 'static>(
        &mut self,
        mut map: impl FnMut(Down) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        let Some(this) = self.this::<M>() else { return Err(Refusal::Forbidden) };
        // SAFETY: as in `watch`.
        let trap: Trap = Box::new(move |down, out| unsafe { put(out, map(down)) });
        self.bonds.extra(this.addr().index()).trap = Some(trap);
        Ok(())
    }

    /// Does what an order about ties says.
    pub(super) fn obey_bond(&mut self, actor: Addr, lane: Lane, order: Control) {
        match order {
            Control::Watch { watcher, ticket } => {
                self.bonds.extra(actor.index()).watchers.insert((watcher, ticket));
            }
            Control::Unwatch { watcher, ticket } => {
                self.bonds.change(actor.index(), |extra| _ = extra.watchers.remove(&(watcher, ticket)));
            }
            Control::Link(peer) => _ = self.bonds.extra(actor.index()).links.insert(peer),
            Control::Unlink(peer) => {
                self.bonds.change(actor.index(), |extra| _ = extra.links.remove(&peer));
            }
            news @ (Control::Down { .. } | Control::Exit { .. }) if lane == Lane::System => {
                self.line_up(actor, news);
            }
            Control::Named(place) => _ = self.bonds.extra(actor.index()).names.insert(place),
            Control::Joined(group) => _ = self.bonds.extra(actor.index()).groups.insert(group),
            Control::Left(group) => {
                self.bonds.change(actor.index(), |extra| _ = extra.groups.remove(&group));
            }
            Control::Down { who, reason, ticket } => self.hear_down(actor, who, reason, ticket),
            Control::Exit { who, reason } => self.hear_exit(actor, who, reason),
            _ => {}
        }
    }

    /// Puts news behind the messages that wait already, some of which may be from the one who ended.
    fn line_up(&mut self, actor: Addr, news: Control) {
        let line = self.line_of(actor, news);
        self.count_waiting(actor.index());
        self.send_line(self.core as usize, line);
    }

    /// Puts news behind the messages that were deferred, for an actor that takes none now.
    fn put_aside(&mut self, actor: Addr, news: Control) {
        let line = self.line_of(actor, news);
        self.count_waiting(actor.index());
        self.defer_line(line);
    }

    fn line_of(&self, actor: Addr, order: Control) -> Line {
        let header =
            Header { dst: actor.index(), meta: actor.word() | Lane::Normal as u32, tag: self.control_tag };
        let mut line = Line { header, spare: 0, payload: EMPTY };
        // SAFETY: the payload is ours.
        unsafe { put(line.payload.as_mut_ptr().cast(), order) };
        line
    }

    fn count_waiting(&self, index: u32) {
        // SAFETY: an actor of this core.
        let credit = unsafe { self.table.credit(index) };
        credit.store(
            credit.load(core::sync::atomic::Ordering::Relaxed) - 1,
            core::sync::atomic::Ordering::Relaxed,
        );
    }

    fn is_diverted(&self, actor: Addr) -> bool {
        // SAFETY: an actor of this core; an atomic.
        unsafe { (*self.table.slot(actor.index())).head.word.bits() & flag::DIVERTING != 0 }
    }

    fn hear_down(&mut self, actor: Addr, who: Addr, reason: Reason, ticket: u64) {
        if self.bonds.watches.get(&ticket).is_none_or(|watch| watch.watcher != actor) {
            return;
        }
        if self.is_diverted(actor) {
            return self.put_aside(actor, Control::Down { who, reason, ticket });
        }
        self.bonds.change(actor.index(), |extra| _ = extra.watching.remove(&ticket));
        if let Some(Watch { named, deliver, .. }) = self.bonds.watches.remove(&ticket) {
            self.hand_over(actor, |out| deliver(Down { who: named, reason }, out));
        }
    }

    fn hear_exit(&mut self, actor: Addr, who: Addr, reason: Reason) {
        let Some(extra) = self.bonds.extras.get_mut(&actor.index()) else { return };
        if !extra.links.contains(&who) {
            return;
        }
        let traps = extra.trap.is_some();
        if traps && self.is_diverted(actor) {
            return self.put_aside(actor, Control::Exit { who, reason });
        }
        let mut trap = None;
        self.bonds.change(actor.index(), |extra| {
            extra.links.remove(&who);
            trap = extra.trap.take();
        });
        if let Some(mut trap) = trap {
            let mut out = EMPTY;
            trap(Down { who: who.with_rights(Rights::NONE), reason }, out.as_mut_ptr().cast());
            self.bonds.extra(actor.index()).trap = Some(trap);
            self.hand_over(actor, |place| {
                // SAFETY: both are payloads; the first is not used any more.
                unsafe {
                    place.copy_from_nonoverlapping(out.as_ptr().cast(), crate::message::INLINE_BYTES_MAX)
                };
            });
        } else if reason.is_abnormal() {
            self.end(actor.index(), Reason::Linked);
        }
    }

    /// Has an actor handle a message of its own type that `fill` writes.
    fn hand_over(&mut self, actor: Addr, fill: impl FnOnce(*mut u8)) {
        // SAFETY: an actor of this core.
        let slot = unsafe { self.table.slot(actor.index()) };
        // SAFETY: atomics of a slot that exists.
        let kind = unsafe { (*slot).head.kind.load(core::sync::atomic::Ordering::Relaxed) };
        let Some(known) = self.known_kind(kind) else { return };
        let mut out = EMPTY;
        let place: *mut u8 = out.as_mut_ptr().cast();
        fill(place);
        let header = Header { dst: actor.index(), meta: actor.word() | Lane::Normal as u32, tag: known.tag };
        // SAFETY: who gave the closure was asked for the actor's message type, and the kind was found by the slot.
        unsafe { self.run_metered(slot, header, place, known.handle) };
    }

    /// An order whose actor has ended meanwhile: who waits for something because of it is told.
    #[cold]
    pub(super) fn undeliverable(&mut self, header: Header, payload: *mut u8) {
        // SAFETY: the tag was compared with that of `Control`, and the payload is taken only here.
        let order = unsafe { crate::message::take::<Control>(payload) };
        let actor = Addr::from_word(header.dst, header.meta & !LOW_BYTE);
        let reason = Reason::Gone;
        match order {
            Control::Watch { watcher, ticket } => {
                let _ = self.signal(watcher, Control::Down { who: actor, reason, ticket });
            }
            Control::Link(peer) => {
                let _ = self.signal(peer, Control::Exit { who: actor, reason });
            }
            Control::Named(place) => self.shared.commons.names.clear(place, actor),
            Control::Prepare(order) => {
                let ready = Ready { number: order.number, outcome: Err(Unswapped::Gone) };
                self.say_ready(order.ready, ready);
            }
            Control::Joined(group) => self.shared.commons.groups.leave(group, actor),
            _ => {}
        }
    }

    /// Tells everyone whom an actor's end concerns. Its place is another's by now.
    pub(super) fn part(&mut self, actor: Addr, reason: Reason) {
        self.unmeter(actor.index());
        let Some(extra) = self.bonds.extras.remove(&actor.index()) else { return };
        let Extra { watchers, watching, links, sponsor, children, names, groups, .. } = *extra;
        for place in names {
            self.shared.commons.names.clear(place, actor);
        }
        for group in groups {
            self.shared.commons.groups.leave(group, actor);
        }
        for child in children.into_values().rev() {
            let _ = self.signal(child, Control::Dismiss(Reason::Shutdown));
        }
        if let Some(Sponsor { supervisor, place }) = sponsor {
            let mut supervisors = self.shared.commons.supervisors.lock();
            if supervisors.get(&actor.index()).is_some_and(|(child, _)| *child == actor) {
                supervisors.remove(&actor.index());
            }
            drop(supervisors);
            self.bonds.change(supervisor.index(), |extra| {
                if extra.children.get(&place) == Some(&actor) {
                    extra.children.remove(&place);
                }
            });
        }
        for (watcher, ticket) in watchers {
            let _ = self.signal(watcher, Control::Down { who: actor, reason, ticket });
        }
        for peer in links {
            let _ = self.signal(peer, Control::Exit { who: actor, reason });
        }
        for ticket in watching {
            self.forget_watch(ticket);
        }
    }

    /// Drops what belonged to the state of an actor that is made again: its watches and its trap.
    pub(super) fn forget_own(&mut self, actor: Addr) {
        let mut watching = BTreeSet::new();
        self.bonds.change(actor.index(), |extra| {
            extra.trap = None;
            watching = core::mem::take(&mut extra.watching);
        });
        for ticket in watching {
            self.forget_watch(ticket);
        }
    }

    /// Makes the actor that runs the supervisor of another of this core.
    pub(crate) fn adopt(&mut self, child: Addr) {
        let supervisor = bare(self.current_addr());
        self.bonds.places += 1;
        let place = self.bonds.places;
        self.bonds.extra(child.index()).sponsor = Some(Sponsor { supervisor, place });
        self.bonds.extra(supervisor.index()).children.insert(place, bare(child));
        self.shared.commons.supervisors.lock().insert(child.index(), (bare(child), supervisor));
    }

    /// Whether the supervisor of an actor could be told of its end.
    pub(super) fn tell_supervisor(&mut self, child: Addr, reason: Reason) -> bool {
        let extra = self.bonds.extras.get(&child.index());
        let Some(Sponsor { supervisor, .. }) = extra.and_then(|extra| extra.sponsor) else { return false };
        let tag = crate::message::tag_of::<Supervise>();
        let news = Supervise::ended(bare(child), reason);
        // SAFETY: the tag is that of `Supervise`.
        unsafe { self.send(supervisor, tag, Lane::System, super::Urgency::Insist, news) }.is_ok()
    }
}

impl Shard {
    /// Looks at the clock.
    pub(crate) fn clock(&mut self) -> u64 {
        self.now = self.shared.ground.now();
        self.now
    }
}
