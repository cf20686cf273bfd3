//! How a supervisor ends its children, and itself.

use alloc::vec::Vec;

use super::child::Ask;
use super::order::Due;
use super::{ChildState, Phase, Shutdown, Supervise, Supervisor};
use crate::context::Context;
use crate::life::{Reason, Verdict};
use crate::shard::control::Control;

use super::Entry;

impl Supervisor {
    /// Ends all children, the last one first, and fails: it is the next one's turn to decide.
    pub(super) fn escalate(&mut self, ctx: &mut Context<'_>) {
        self.phase = Phase::Over;
        let places: Vec<_> = self.children.keys().rev().copied().collect();
        for place in places {
            self.dismiss(place, ctx);
        }
        let this = ctx.addr();
        let _ = ctx.shard().signal(this, Control::Fail(Reason::Escalated));
    }

    pub(super) fn stop(&mut self, ctx: &mut Context<'_>) {
        if !matches!(self.phase, Phase::Stopping { .. } | Phase::Over) {
            self.phase = Phase::Stopping { place: u64::MAX };
            self.stop_next(ctx);
        }
    }

    /// Asks the last child that is left to stop; ends itself when there is none.
    pub(super) fn stop_next(&mut self, ctx: &mut Context<'_>) {
        let lives = |(place, entry): (&u64, &Entry)| entry.actor.map(|actor| (*place, actor));
        while let Some((place, actor)) = self.children.iter().rev().find_map(lives) {
            let Some(entry) = self.children.get(&place) else { break };
            let Shutdown::Within(within) = entry.child.shutdown else {
                self.dismiss(place, ctx);
                continue;
            };
            let asked = match entry.ask {
                _ if entry.state != ChildState::Up => false,
                Ask::Supervisor(address) => ctx.send(address, Supervise::stop()).is_ok(),
                Ask::Actor => ctx.stop_other(actor).is_ok(),
            };
            if !asked {
                self.dismiss(place, ctx);
                continue;
            }
            self.phase = Phase::Stopping { place };
            self.later(within, Due::Stop, ctx);
            return;
        }
        self.phase = Phase::Over;
        ctx.stop();
    }

    /// Ends a child without asking it.
    pub(super) fn dismiss(&mut self, place: u64, ctx: &mut Context<'_>) {
        let Some(entry) = self.children.get_mut(&place) else { return };
        entry.state = ChildState::Down;
        if let Some(actor) = entry.actor.take() {
            self.by_actor.remove(&actor);
            let _ = ctx.shard().signal(actor, Control::Dismiss(Reason::Shutdown));
        }
    }

    /// Lets a child that has ended go for good.
    pub(super) fn let_go(&mut self, place: u64, ctx: &mut Context<'_>) {
        let Some(entry) = self.children.get_mut(&place) else { return };
        entry.state = ChildState::Down;
        if let Some(actor) = entry.actor.take() {
            self.by_actor.remove(&actor);
            let _ = ctx.shard().signal(actor, Control::Decide(Verdict::Stop));
        }
    }

    pub(super) fn forget(&mut self, place: u64) {
        if let Some(entry) = self.children.remove(&place) {
            self.by_name.remove(&entry.child.name);
        }
    }
}
