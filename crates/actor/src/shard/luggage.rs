//! What an actor takes along to another core: all that its old core kept for it beside the slot.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::ask::Open;
use super::bonds::{Extra, Watch};
use super::dispatch::Source;
use super::meter::Meter;
use super::share::Share;
use super::{Again, Shard};
use crate::address::Addr;
use crate::message::{Line, discard};

/// Messages that nobody has taken yet; dropped as their types want if nobody does.
#[derive(Default)]
pub(super) struct Held(pub(super) Vec<(Line, Source)>);

impl Drop for Held {
    fn drop(&mut self) {
        for (line, _) in &mut self.0 {
            // SAFETY: what is held was taken by nobody.
            unsafe { discard(line.header.tag, line.payload.as_mut_ptr().cast()) };
        }
    }
}

/// One actor's.
pub(super) struct Luggage {
    pub(super) actor: Addr,
    /// Its messages, older than all that come to the new core by themselves.
    pub(super) messages: Held,
    /// Orders, and answers that it waits for: they don't stand in line.
    pub(super) orders: Held,
    /// Messages among these that use no credit yet, although they look as if they did.
    pub(super) uncounted: i32,
    bonds: Option<Box<Extra>>,
    watches: Vec<(u64, Watch)>,
    again: Option<Again>,
    questions: Vec<(u64, Open)>,
    /// Senders that wait until it has room.
    muted: Vec<Addr>,
    meter: Option<Meter>,
    share: Option<Share>,
}

impl Shard {
    /// Takes out of this core's books what belongs to an actor of it.
    pub(super) fn pack(&mut self, actor: Addr) -> Box<Luggage> {
        let index = actor.index();
        let bonds = self.bonds.extras.remove(&index);
        let tickets = bonds.iter().flat_map(|extra| &extra.watching);
        let watches = tickets.filter_map(|ticket| Some((*ticket, self.bonds.watches.remove(ticket)?)));
        Box::new(Luggage {
            actor,
            messages: Held::default(),
            orders: Held::default(),
            uncounted: 0,
            watches: watches.collect(),
            bonds,
            again: self.again.remove(&index),
            questions: self.pack_questions(actor),
            muted: self.muted_by.remove(&index).unwrap_or_default(),
            meter: self.bonds.meters.remove(&index),
            share: self.bonds.shares.remove(&index),
        })
    }

    /// Enters it into this core's books; gives the messages and the orders.
    pub(super) fn unpack(&mut self, luggage: Luggage) -> (Held, Held) {
        let Luggage {
            actor, messages, orders, bonds, watches, again, questions, muted, meter, share, ..
        } = luggage;
        let index = actor.index();
        if let Some(bonds) = bonds {
            self.bonds.extras.insert(index, bonds);
        }
        self.bonds.watches.extend(watches);
        if let Some(again) = again {
            self.again.insert(index, again);
        }
        self.unpack_questions(questions);
        if !muted.is_empty() {
            // Senders of this core may have been muted by it before it came.
            self.muted_by.entry(index).or_default().extend(muted);
        }
        if let Some(meter) = meter {
            self.bonds.meters.insert(index, meter);
        }
        if let Some(share) = share {
            self.bonds.shares.insert(index, share);
        }
        (messages, orders)
    }
}
