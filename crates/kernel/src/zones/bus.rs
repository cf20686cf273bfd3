//! Each zone's own bus: what is offered and said in one zone is there for that zone alone, but for what somebody bridges.
//!
//! A bridge is a permission of one module (`bridge: [metrics.*]`): for these names it stands on the other zone's bus as
//! well as on its own. What it offers and says there passes, what it hears and calls there too; what is forbidden stays
//! so. The system's modules stand on every bus, operators too, and the kernel's own topics (`system:`, `kernel.`) are
//! no zone's.

use alloc::collections::BTreeSet;

use abi::{Name, PermissionKind, Zone};

use crate::Settings;
use crate::machine::Kernel;
use crate::module::Module;
use crate::routes::Rules;

/// On which buses somebody stands, or something is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buses(u8);

impl Buses {
    /// On every one.
    pub(crate) const ALL: Self = Self(0b11);

    /// Those of a zone's modules.
    pub(crate) fn of(zone: Zone) -> Self {
        match zone {
            Zone::Sandbox => Self(0b01),
            Zone::Stable => Self(0b10),
            Zone::System => Self::ALL,
        }
    }

    /// Whether there is one on which both stand.
    #[inline]
    pub(crate) fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Kernel {
    /// What a module shares with the other zone.
    pub(crate) fn bridges_of(&self, module: &Module) -> BTreeSet<Name> {
        // Most have none, and then nothing is copied.
        if !module.grants.any(PermissionKind::Bridge, |_| true) {
            return BTreeSet::new();
        }
        self.effective_of(module).bridge.iter().filter_map(|value| Name::parse(value).ok()).collect()
    }

    /// Whether a service that one module offers is there for another.
    pub(crate) fn is_in_reach(&self, user: &Module, provider: &Module, service: &Name) -> bool {
        let bridges = |module| Rules::of(&self.bridges_of(module)).matches(service.as_str());
        Buses::of(user.zone()).meet(Buses::of(provider.zone())) || bridges(user) || bridges(provider)
    }

    /// The rules of the house are others now: who may do less or more by them is held to that.
    pub(crate) fn change_settings(&mut self, settings: Settings) {
        if settings.ceilings == self.settings.ceilings {
            self.settings = settings;
            return;
        }
        let slots = self.table.slots();
        let before: alloc::vec::Vec<_> = slots.into_iter().map(|slot| (slot, self.effective(slot))).collect();
        self.settings = settings;
        for (slot, before) in before {
            if before == self.effective(slot) {
                continue;
            }
            let how = self.how_to_take_up(slot, &before);
            self.record(self.record_of(slot, how.code()));
            // What it shares with the other zone is published anew.
            let _touched = self.table.get_mut(slot);
            self.take_up(slot, how);
        }
    }
}
