//! Watching and linking: how actors learn that others have ended.
//!
//! # Protocol
//! Who watches keeps what to make of the news; the core of the one watched keeps who is to be told. The news come once:
//! after the end, or at once when the one watched has ended already, and never after [`Context::unwatch`]. They are never
//! refused for want of room, and they come behind all messages that the one who ended sent in the normal lane or a more
//! urgent one. A link works both ways: the abnormal end of one side ends the other, unless that traps exits and so gets
//! them as messages.

use crate::address::Addr;
use crate::context::Context;
use crate::life::Reason;
use crate::send::Refusal;

/// Somebody has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Down {
    /// Who, without rights; as it was named to the one who watched.
    pub who: Addr,
    /// Why; [`Reason::Gone`] when it had ended before.
    pub reason: Reason,
}

/// Names one watch of one actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WatchId(pub(crate) u64);

impl Context<'_> {
    /// Has this actor told of the end of another, by the message of its own type that `map` makes.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`crate::Rights::WATCH`] or when `M` is not the actor's message type,
    /// [`Refusal::Full`] when there are as many watches on this core as may be.
    pub fn watch<M: Send + 'static>(
        &mut self,
        actor: Addr,
        map: impl FnOnce(Down) -> M + Send + 'static,
    ) -> Result<WatchId, Refusal> {
        self.shard().watch(actor, map)
    }

    /// Ends a watch: its news won't come any more. Whether they were still to come.
    pub fn unwatch(&mut self, watch: WatchId) -> bool {
        self.shard().unwatch(watch.0)
    }

    /// Links this actor to another: when one ends abnormally, so does the other. Linking to one that has ended is
    /// hearing of its abnormal end.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`crate::Rights::WATCH`], [`Refusal::Full`] when this actor has as many links as
    /// it may.
    pub fn link(&mut self, actor: Addr) -> Result<(), Refusal> {
        self.shard().link(actor)
    }

    /// Takes a link away, on both sides. An end on the other side that has not been handled yet is not noticed.
    pub fn unlink(&mut self, actor: Addr) {
        self.shard().unlink(actor);
    }

    /// From now on the ends of those this actor is linked to, abnormal or not, are messages that `map` makes, and don't
    /// end it. Until the actor ends or is restarted.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] when `M` is not the actor's message type.
    pub fn trap_exits<M: Send + 'static>(
        &mut self,
        map: impl FnMut(Down) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        self.shard().trap_exits(map)
    }
}

impl Context<'_> {
    /// The time now, not that of the last look.
    pub(crate) fn clock(&mut self) -> u64 {
        self.shard().clock()
    }
}
