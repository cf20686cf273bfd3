//! Other places of the network in the middle of a life: the helper is told, and what is shown of the life says so.

use std::collections::BTreeSet;

use abi::{Generation, ModuleId, Slot};
use kernel::{Event, NetBearer};
use sandbox::broker::Manner;

use crate::files::blueprint::Blueprint;
use crate::launch;
use crate::runtime::Runtime;
use crate::shell::Shell;

/// Who holds a life to its places that was handed over to the helper. Deno is told them by its flags too.
pub(crate) fn bearer(blueprint: &Blueprint, observed: Option<Manner>) -> NetBearer {
    match (observed, blueprint.runtime) {
        (Some(Manner::Open), _) => NetBearer::System,
        (_, Runtime::Deno) => NetBearer::BrokerAndProgram,
        _ => NetBearer::Broker,
    }
}

impl Shell {
    /// Gives a life other places.
    pub(crate) fn change_reach(&mut self, slot: Slot, generation: Generation, net: &BTreeSet<String>) {
        let Some(blueprint) = self.blueprint(slot) else { return };
        if let Err(error) = self.net.change((&blueprint.id, generation), net) {
            // It has its old places, and only its end takes them away.
            let why = format!("all that it was granted before, since the net helper can't be told: {error}");
            let now = self.now();
            self.kernel.handle(now, Event::NetStillOpen(slot, generation, why));
            return;
        }
        let notify = crate::ready::wants_socket(&blueprint).then(|| self.notify_path(slot));
        let effective = self.effective(&blueprint.id);
        let ground = launch::Ground { manner: self.observed.manner(&blueprint), ..self.ground() };
        let launch = launch::launch(&blueprint, &effective, ground, &[], notify.as_deref());
        let shown = launch.confinement.to_string().lines().map(str::to_owned).collect();
        if let Some(seat) = self.seat_mut(slot) {
            seat.confinement = shown;
        }
    }

    /// The helper has told what a life has open beyond its new places.
    pub(super) fn still_open(&mut self, module: &ModuleId, generation: Generation, places: &[String]) {
        let Some(slot) = self.kernel.find(module.as_str()) else { return };
        self.feed(Event::NetStillOpen(slot, generation, places.join(", ")));
        self.end_turn();
    }
}
