//! Where actors live: moving one by hand, pinning one, and whether crowded cores move theirs by themselves.

use crate::address::{Addr, Rights};
use crate::context::Context;
use crate::message::Lane;
use crate::platform::Core;
use crate::send::Refusal;
use crate::shard::control::Control;
use crate::shared::Shared;
use crate::system::System;

/// Whether actors are moved from a core that is behind to one that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    /// Only by [`Context::move_to`] and [`System::move_to`].
    ByHand,
    /// Also by a core itself, when it has been behind for some milliseconds while another has little to do.
    #[default]
    ByLoad,
}

impl Shared {
    /// Whether an order to move makes sense; the actor's core looks again when it comes.
    fn may_move(&self, actor: Addr, to: Core) -> Result<(), Refusal> {
        if to.index() >= self.ports.len() {
            return Err(Refusal::Gone);
        }
        if self.is_pinned(self.resolve(actor)?) { Err(Refusal::Forbidden) } else { Ok(()) }
    }
}

impl Context<'_> {
    /// Has an actor move to another core. Its address, state, queue, ties and open questions go with it, and messages
    /// keep their order. Meanwhile, some microseconds, its messages wait. One that is being restarted, swapped or moved
    /// already stays where it is: [`System::statistics`] says where that is.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::MANAGE`] and for one that was spawned [`crate::Spawn::pinned`],
    /// [`Refusal::Gone`] when it has ended or there is no such core.
    pub fn move_to(&mut self, actor: Addr, core: Core) -> Result<(), Refusal> {
        self.shard().shared.may_move(actor, core)?;
        self.shard().order(actor, Rights::MANAGE, Lane::System, Control::Move(core))
    }
}

impl System {
    /// As [`Context::move_to`].
    ///
    /// # Errors
    /// As there.
    pub fn move_to(&self, actor: Addr, core: Core) -> Result<(), Refusal> {
        self.shared().may_move(actor, core)?;
        self.order(actor, Rights::MANAGE, Lane::System, Control::Move(core))
    }
}
