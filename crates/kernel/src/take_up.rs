//! How a change of what is approved reaches a module that runs: at once where somebody decides each time, by a new life where
//! the system was told when the process began.
//!
//! Narrowing the network closes nothing by itself: what a life has open lies in its own hands. So whoever carries its network
//! tells what of it is still open beyond what is granted now, and such a life ends, which closes all of it.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use abi::{Generation, PermissionKind, Permissions, Reason, Slot};

use crate::Effect;
use crate::event::NetBearer;
use crate::machine::Kernel;
use crate::module::{Phase, Stage, Then};

/// The `net` value that means the machine's own network, which nobody carries.
const WHOLE_NETWORK: &str = "*";

/// How a change of what is approved reaches a module that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakeUp {
    /// The kernel decides about all of it by itself, each time.
    AtOnce,
    /// The same, and its places of the network are others, which somebody carries who can be told.
    AtOnceWithNet,
    /// Some of it was given to the system when the process was started.
    NewLife,
}

impl TakeUp {
    /// What is journaled of it.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::AtOnce | Self::AtOnceWithNet => "permission.applied",
            Self::NewLife => "permission.changed",
        }
    }
}

impl Kernel {
    /// How a module comes to be held to what is approved for it now.
    pub(crate) fn how_to_take_up(&self, slot: Slot, before: &Permissions) -> TakeUp {
        let after = self.effective(slot);
        let (mut was, mut is) = (held_by_system(before), held_by_system(&after));
        if was == is {
            return TakeUp::AtOnce;
        }
        let bearer = self.table.get(slot).map(|module| module.net_bearer).unwrap_or_default();
        if !can_carry(bearer, &was.net, &is.net) {
            return TakeUp::NewLife;
        }
        was.net.clear();
        is.net.clear();
        if was == is { TakeUp::AtOnceWithNet } else { TakeUp::NewLife }
    }

    pub(crate) fn take_up(&mut self, slot: Slot, how: TakeUp) {
        // A life beside was given what was approved when it began, and nobody narrows it.
        self.end_sides(slot, "what is approved for it has changed");
        match how {
            TakeUp::NewLife => self.renew_for_permissions(slot),
            TakeUp::AtOnce | TakeUp::AtOnceWithNet => {
                if how == TakeUp::AtOnceWithNet {
                    self.carry_net(slot);
                }
                self.take_up_capabilities(slot);
                // A bridge may be what somebody waits for.
                self.cascade();
            }
        }
    }

    fn carry_net(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        // What is ending is held to the new places too, as long as it lasts.
        if let Some(generation) = module.generation() {
            self.push(Effect::Reach(slot, generation, self.effective(slot).net));
        }
    }

    /// The routes that are published next have them; what is on its way already arrives.
    fn take_up_capabilities(&mut self, slot: Slot) {
        let Some(module) = self.table.get(slot) else { return };
        let Phase::Running(_, stage) = module.phase else { return };
        let now = module.derive_capabilities();
        if now == module.capabilities {
            return;
        }
        if let Some(module) = self.table.get_mut(slot) {
            module.capabilities = now;
        }
        if matches!(stage, Stage::Waiting | Stage::Ready) {
            self.topics.leave(slot);
            self.join_topics(slot);
        }
    }

    pub(crate) fn renew_for_permissions(&mut self, slot: Slot) {
        // What is ending already takes them up at its next start, if it has one.
        if self.table.get(slot).is_some_and(|module| matches!(module.phase, Phase::Running(..))) {
            self.end(slot, Reason::PermissionUpdate, Then::Respawn, 0);
        }
    }

    pub(crate) fn handle_net_carried(&mut self, slot: Slot, generation: Generation, bearer: NetBearer) {
        let module = self.table.get_mut(slot).filter(|module| module.generation() == Some(generation));
        if let Some(module) = module {
            module.net_bearer = bearer;
        }
    }

    /// It was told while the change was made, so by now it may be granted again; then nothing is to be closed any more, but
    /// what is still open was opened under the old grant all the same.
    pub(crate) fn handle_net_still_open(&mut self, slot: Slot, generation: Generation, places: &str) {
        let Some(module) = self.table.get(slot) else { return };
        if !matches!(module.phase, Phase::Running(own, _) if own == generation) {
            return;
        }
        self.record(self.record_of(slot, "permission.cut").text("places", places));
        self.note(slot, format!("had open what it may not reach any more: {places}"));
        self.renew_for_permissions(slot);
    }
}

/// Whether these places can be swapped in the middle of a life.
fn can_carry(bearer: NetBearer, before: &BTreeSet<String>, after: &BTreeSet<String>) -> bool {
    match bearer {
        NetBearer::System => false,
        NetBearer::BrokerAndProgram => after.is_subset(before),
        NetBearer::Broker => !after.contains(WHOLE_NETWORK),
    }
}

/// What is left of permissions without the kinds that the kernel asks about each time: context variables, secrets, bridges,
/// and the words of `run` that mean the kernel's own functions and no program.
fn held_by_system(permissions: &Permissions) -> Permissions {
    let mut held = permissions.clone();
    for kind in [PermissionKind::Context, PermissionKind::Secrets, PermissionKind::Bridge] {
        held.of_mut(kind).clear();
    }
    held.run.retain(|program| !program.starts_with("kernel."));
    held
}

#[cfg(test)]
mod tests;
