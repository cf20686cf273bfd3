//! News about others: on their way to an actor, and handed to it behind what the one they are about has sent.

use super::Shard;
use super::bonds::Watch;
use super::control::Control;
use crate::address::{Addr, LOW_BYTE, Rights};
use crate::life::Reason;
use crate::links::Down;
use crate::message::{EMPTY, Header, Lane, Line, put};
use crate::swap::{Ready, Unswapped};
use crate::table::flag;

impl Shard {
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
            Control::Childless { place, child } => _ = self.bonds.forget_child(actor, place, child),
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
        let mut line = Line::new(header, EMPTY);
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
}
