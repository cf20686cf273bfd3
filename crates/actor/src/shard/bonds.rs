//! What ties actors to each other, kept beside the slots because few have any of it: watches, links, supervisors.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};

use super::Shard;
use super::control::Control;
use super::exchange::{Otherwise, Paused};
use super::meter::Meter;
use super::share::Share;
use crate::address::Addr;
use crate::life::Reason;
use crate::links::Down;
use crate::message::Lane;
use crate::supervise::Supervise;

/// Writes the message that news of an end are to somebody into a payload.
pub(super) type Deliver = Box<dyn FnOnce(Down, *mut u8) + Send>;
pub(super) type Trap = Box<dyn FnMut(Down, *mut u8) + Send>;

/// Whether an actor that is being held still has its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Body {
    #[default]
    Whole,
    Hollow,
}

pub(super) struct Watch {
    pub(super) watcher: Addr,
    pub(super) target: Addr,
    pub(super) named: Addr,
    pub(super) deliver: Deliver,
}

/// Who decides about an actor, and the actor's place among that one's children.
#[derive(Clone, Copy)]
struct Sponsor {
    supervisor: Addr,
    place: u64,
}

/// What one actor is tied to. Addresses in here have all rights: it is the runtime's own book.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) watchers: BTreeSet<(Addr, u64)>,
    pub(super) watching: BTreeSet<u64>,
    pub(super) links: BTreeSet<Addr>,
    pub(super) trap: Option<Trap>,
    sponsor: Option<Sponsor>,
    /// Of a supervisor, in the order in which they were started.
    children: BTreeMap<u64, Addr>,
    held: Option<Reason>,
    body: Body,
    /// Places in the registry.
    pub(super) names: BTreeSet<u32>,
    pub(super) groups: BTreeSet<u32>,
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
    pub(super) extras: BTreeMap<u32, Box<Extra>>,
    pub(super) watches: BTreeMap<u64, Watch>,
    /// Members of groups as this core saw them last.
    pub(crate) rolls: crate::groups::Rolls,
    pub(super) meters: BTreeMap<u32, Meter>,
    pub(super) shares: BTreeMap<u32, Share>,
    /// When they are looked at next.
    pub(super) audit_at: u64,
    /// Where this core's dead letters go.
    pub(crate) dead: Option<crate::trace::TraceWriter>,
}

impl Bonds {
    pub(super) fn extra(&mut self, index: u32) -> &mut Extra {
        self.extras.entry(index).or_default()
    }

    pub(super) fn change(&mut self, index: u32, change: impl FnOnce(&mut Extra)) {
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

    /// Takes a child out of its supervisor's book; whether it was in one here.
    pub(super) fn forget_child(&mut self, supervisor: Addr, place: u64, child: Addr) -> bool {
        let mut was_there = false;
        self.change(supervisor.index(), |extra| {
            was_there = extra.children.get(&place) == Some(&child);
            if was_there {
                extra.children.remove(&place);
            }
        });
        was_there
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
            if !self.bonds.forget_child(supervisor, place, actor) {
                // It lives elsewhere by now.
                let _ = self.signal(supervisor, Control::Childless { place, child: actor });
            }
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
        let children = &mut self.bonds.extra(supervisor.index()).children;
        let place = children.last_key_value().map_or(0, |(last, _)| last + 1);
        children.insert(place, bare(child));
        self.bonds.extra(child.index()).sponsor = Some(Sponsor { supervisor, place });
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
