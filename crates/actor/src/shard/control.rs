//! What the runtime says to itself about actors: messages like others, in the system lane, with a type of their own.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use super::exchange::Otherwise;
use super::{Shard, Urgency};
use crate::address::{Addr, LOW_BYTE, Rights};
use crate::bound::{Bound, Policy};
use crate::life::{Reason, Verdict};
use crate::message::{Header, Lane, take};
use crate::platform::Core;
use crate::quota::Quota;
use crate::send::{Refusal, Sent};
use crate::shared_quota::SharedQuota;
use crate::swap::Preparing;
use crate::table::flag;

/// An order to the core that owns an actor.
#[derive(Debug)]
pub(crate) enum Control {
    /// It was spawned by another core or thread: count it, and call `started`.
    Adopt,
    /// End, with this reason. In the system lane a kill, in another a graceful stop behind what was sent before.
    End(Reason),
    /// Defer messages.
    Suspend,
    /// Replay them.
    Resume,
    /// The sender that you mute may go on.
    Unmute,
    /// You sent to a congested actor that mutes.
    Mute,
    /// This actor has sent to you while you were congested.
    Pressure(Addr),
    /// What becomes of an actor that failed.
    Decide(Verdict),
    /// This actor wants to be told of your end.
    Watch { watcher: Addr, ticket: u64 },
    /// It does not any more.
    Unwatch { watcher: Addr, ticket: u64 },
    /// One that you watch has ended. In the system lane only on its way: it is handled behind what that one sent.
    Down { who: Addr, reason: Reason, ticket: u64 },
    /// You are linked to this actor.
    Link(Addr),
    /// No more.
    Unlink(Addr),
    /// One that you are linked to has ended. On its way as `Down` is.
    Exit { who: Addr, reason: Reason },
    /// You have the name with this place in the registry.
    Named(u32),
    /// You are in the group with this number.
    Joined(u32),
    /// You are not any more.
    Left(u32),
    /// You may use so much.
    Quota(Option<Box<Quota>>),
    /// You use up this together with others.
    Share(Option<SharedQuota>),
    /// Wait, and make your new state.
    Prepare(Box<Preparing>),
    /// Go on with it, if it was this one that told you to make it.
    Commit(Addr),
    /// Likewise, go on without it.
    Abort(Addr),
    /// Your supervisor makes you anew in a moment: let go of your state.
    Halt,
    /// End, and don't ask your supervisor.
    Dismiss(Reason),
    /// You are a supervisor and give up.
    Fail(Reason),
    /// This child of yours, at this place, has ended on another core.
    Childless { place: u64, child: Addr },
    /// Go and live on this core.
    Move(Core),
}

impl Shard {
    /// Sends an order. Rights are the caller's business: orders of the runtime need none.
    pub(crate) fn control(&mut self, to: Addr, lane: Lane, order: Control) {
        let to = Addr::from_word(to.index(), to.word());
        let tag = self.control_tag;
        // SAFETY: the tag is that of `Control`, registered when the shard was made.
        let sent = unsafe { self.send(to, tag, lane, Urgency::Insist, order) };
        if sent.is_err() {
            self.tally.dead += 1;
        }
    }

    /// Sends an order on behalf of an actor that holds an address with this right.
    pub(crate) fn order(
        &mut self,
        to: Addr,
        right: Rights,
        lane: Lane,
        order: Control,
    ) -> Result<(), Refusal> {
        let to = self.shared.resolve(to)?;
        if !to.rights().contains(right) {
            return Err(Refusal::Forbidden);
        }
        let to = Addr::from_word(to.index(), to.word());
        let tag = self.control_tag;
        // SAFETY: the tag is that of `Control`.
        match unsafe { self.send(to, tag, lane, Urgency::Insist, order) } {
            Ok(Sent::Taken | Sent::Congested) => Ok(()),
            Ok(Sent::Dropped) => Err(Refusal::Full),
            Err((refusal, _)) => Err(refusal),
        }
    }

    /// Whether a tag is that of the runtime's orders.
    pub(crate) const fn is_control(&self, tag: u32) -> bool {
        tag == self.control_tag
    }

    /// As `control`, for news that don't matter to one who has ended; whether it is on its way.
    pub(crate) fn signal(&mut self, to: Addr, order: Control) -> Result<(), Refusal> {
        let to = self.shared.resolve(to)?;
        let to = Addr::from_word(to.index(), to.word());
        let tag = self.control_tag;
        // SAFETY: the tag is that of `Control`.
        let sent = unsafe { self.send(to, tag, Lane::System, Urgency::Insist, order) };
        sent.map(|_| ()).map_err(|(refusal, _)| refusal)
    }

    /// Does what an order says.
    #[cold]
    pub(super) fn obey(&mut self, header: Header, payload: *mut u8) {
        // SAFETY: the tag was compared with that of `Control`, and the payload is taken only here.
        let order = unsafe { take::<Control>(payload) };
        let actor = Addr::from_word(header.dst, header.meta);
        match order {
            Control::Adopt => {
                self.tally.actors += 1;
                self.start_new(actor);
            }
            Control::End(reason) => {
                self.start_new(actor);
                if self.is_alive(actor) {
                    self.end(header.dst, reason);
                }
            }
            Control::Suspend => {
                self.bonds.will(header.dst, Otherwise::StaysSuspended);
                self.set_flag(header.dst, flag::SUSPENDED);
            }
            Control::Mute => self.set_flag(header.dst, flag::MUTED),
            // One that waits for its swap is resumed when that is over.
            Control::Resume if self.bonds.will(header.dst, Otherwise::GoesOn) => {}
            Control::Resume => self.release(actor, flag::SUSPENDED),
            Control::Unmute => self.release(actor, flag::MUTED),
            Control::Pressure(sender) => self.feel_pressure(actor, sender),
            Control::Decide(verdict) => self.carry_out(header.dst, verdict),
            Control::Halt => self.hold(header.dst, Reason::Restarting),
            Control::Dismiss(reason) => self.finish(header.dst, reason),
            Control::Fail(reason) => self.fail(header.dst, reason),
            Control::Quota(quota) => self.set_quota(actor, quota.map(|quota| *quota)),
            Control::Share(budget) => self.share_budget(actor, budget),
            Control::Prepare(order) => self.prepare(actor, *order),
            Control::Commit(swapper) => self.commit(actor, swapper),
            Control::Abort(swapper) => self.abort(actor, swapper),
            Control::Move(to) => self.leave_for(actor, to),
            bond => self.obey_bond(actor, header.lane(), bond),
        }
    }

    pub(super) fn set_flag(&mut self, index: u32, flag: u32) {
        // SAFETY: an actor of this core; only the head is touched.
        unsafe { (*self.table.slot(index)).head.word.add(flag) };
    }

    /// Takes away a reason to divert messages; with the last one the deferred messages are replayed.
    pub(super) fn release(&mut self, actor: Addr, reason: u32) {
        // SAFETY: a place that was taken; an atomic, since the place may have another life by now.
        let word = unsafe { (*self.table.slot(actor.index())).head.word.bits() };
        if word & !LOW_BYTE != actor.word() || word & reason == 0 || !self.owns(actor) {
            return;
        }
        // SAFETY: the actor lives, and on this core; only the head is touched, between handlers.
        let head = unsafe { &mut (*self.table.slot(actor.index())).head };
        head.word.remove(reason);
        if head.word.bits() & flag::DIVERTING == 0 && head.deferred_count > 0 {
            head.word.add(flag::REPLAYING);
            self.replays.push_back(actor);
        }
    }

    /// Gives the actor that runs what it has stashed, after this message.
    pub(crate) fn unstash(&mut self) {
        let actor = self.current_addr();
        self.set_flag(actor.index(), flag::REPLAYING);
        self.replays.push_back(actor);
    }

    fn feel_pressure(&mut self, actor: Addr, sender: Addr) {
        // SAFETY: an actor of this core; only the head is touched.
        let head = unsafe { &mut (*self.table.slot(actor.index())).head };
        let policy = Bound::from_bits(head.bound.load(Ordering::Relaxed)).policy();
        if head.word.bits() & flag::CONGESTED != 0 && policy == Policy::MuteSender {
            self.muted_by.entry(actor.index()).or_default().push(sender);
            self.control(sender, Lane::System, Control::Mute);
        }
    }

    /// Lets go on whom a congested actor has muted.
    pub(super) fn unmute_senders(&mut self, index: u32) {
        for sender in self.muted_by.remove(&index).unwrap_or_default() {
            self.control(sender, Lane::System, Control::Unmute);
        }
    }
}

impl Shard {
    pub(crate) fn stop_current(&mut self) {
        self.after |= super::after::STOP;
    }

    pub(crate) fn yield_current(&mut self) {
        self.after |= super::after::YIELD;
    }

    /// Puts a message of the actor that runs aside; it counts as waiting.
    pub(crate) fn stash(&mut self, line: crate::message::Line) {
        // SAFETY: the actor that runs lies in a place that was taken.
        let credit = unsafe { self.table.credit(line.header.dst) };
        credit.store(credit.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        self.defer_line(line);
    }
}
