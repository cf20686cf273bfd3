//! Hot swap: a guest's file has changed, and the new code takes over the old one's state between two messages.
//!
//! ```text
//! compile, instantiate (a maker's thread; the old one works on) ─► save-state ─► restore-state ─► the new one goes on
//!            │                                                         └── refused, trapped ─► the old one goes on
//!            └── refused ─► nothing has changed
//! ```
//! The life stays the same: its generation, its queue and its open calls.

use std::collections::VecDeque;

use abi::{Generation, Record, Slot};
use actor::job;
use protocol::operator::PlannedStep;
use tokio::sync::oneshot;
use wasm::Stop;

use super::make;
use super::post::News;
use super::{Guest, Stage};
use crate::files::discovery::Finding;
use crate::shell::Shell;

/// What a swap came to.
#[derive(Debug, Clone)]
pub(crate) enum SwapDone {
    /// The new code runs, with the state of the old.
    Done {
        /// How long neither handled anything, in microseconds.
        pause_us: u64,
        /// How much state went over.
        state_bytes: u64,
        /// Ends the new one.
        stop: Stop,
    },
    /// The old one goes on.
    Refused(String),
}

/// A swap that was begun.
pub(super) struct Begun {
    /// What the file was then.
    code: u64,
    waiting: oneshot::Sender<SwapDone>,
}

impl Shell {
    /// Begins a swap of the guest in this seat, and tells its end to whoever waits for the receiver.
    ///
    /// # Errors
    /// Why there is nothing to be swapped.
    pub(crate) fn begin_swap(&mut self, slot: Slot) -> Result<oneshot::Receiver<SwapDone>, String> {
        let blueprint = self.blueprint(slot).ok_or("it is not known any more")?;
        let guest = self.seat(slot).and_then(|seat| seat.guest.as_ref());
        let Some(Guest { generation, stage: Stage::Living(living), .. }) = guest else {
            return Err("it is no running WebAssembly module that takes over state".to_owned());
        };
        let (generation, living) = (*generation, living.clone());
        self.check_seal(&blueprint).map_err(|(_, why)| why)?;
        let code = self.files.hashes.code_of(blueprint.entry());
        let limits = self.guest_limits(&blueprint).map_err(|(_, why)| why)?;
        let mut order = self.guest_order(slot, generation, &blueprint, limits);
        order.shared = living.shared.clone();
        let (sender, receiver) = oneshot::channel();
        let begun = Begun { code, waiting: sender };
        self.guests.swaps.entry((slot, generation)).or_default().push_back(begun);
        self.record(Record::new("wasm.swapping").of(&blueprint.id, Some(generation)));
        let (told, unbegun) = (order.post.clone(), order.post.clone());
        let refused = |why: String| News::Swapped(SwapDone::Refused(why));
        self.make(
            move || make::successor(&order, &living),
            move |came| {
                if came != job::Outcome::Done(()) {
                    told.send(refused("the thread that made its successor has died".to_owned()));
                }
            },
            move |why| unbegun.send(refused(why)),
        );
        Ok(receiver)
    }

    /// The running guests that can be swapped, with what they were made from.
    pub(crate) fn guests_by_code(&self) -> Vec<(Slot, Generation, u64)> {
        let of = |slot: Slot| {
            let guest = self.seat(slot)?.guest.as_ref()?;
            matches!(guest.stage, Stage::Living(_)).then_some((slot, guest.generation, guest.code))
        };
        self.kernel.views().iter().filter_map(|view| of(view.slot)).collect()
    }

    /// Which guests a discovery would leave alive with new code.
    pub(crate) fn plan_swaps(&self, finding: &Finding) -> Vec<PlannedStep> {
        let step = |slot: Slot, code: u64| {
            let spec = self.kernel.spec(slot)?;
            let found = finding.modules.get(&spec.id)?;
            let is_same = found.discovered.spec.fingerprint == spec.fingerprint;
            (is_same && found.discovered.refused.is_none() && found.blueprint.code != code).then(|| {
                PlannedStep {
                    module_id: Some(spec.id.to_string()),
                    code: "wasm.swapping".to_owned(),
                    text: format!("{} goes on with its new code and its state", spec.id),
                }
            })
        };
        self.guests_by_code().into_iter().filter_map(|(slot, _, code)| step(slot, code)).collect()
    }

    /// After a discovery: whoever still lives the same life and has other code now takes it over.
    pub(crate) fn swap_changed(&mut self, before: &[(Slot, Generation, u64)]) {
        for (slot, generation, code) in before {
            let Some(blueprint) = self.blueprint(*slot) else { continue };
            let is_ready = self.kernel.view(*slot).is_some_and(|view| view.state == abi::State::Ready);
            let pending = self.guests.swaps.get(&(*slot, *generation)).and_then(VecDeque::back);
            let is_begun = pending.is_some_and(|begun| begun.code == blueprint.code);
            if !is_ready || is_begun || self.guest(*slot, *generation).is_none() || blueprint.code == *code {
                continue;
            }
            // Nobody waits for it; what came of it is journaled.
            if let Err(why) = self.begin_swap(*slot) {
                let record = Record::new("wasm.swap_refused").of(&blueprint.id, Some(*generation));
                self.record(record.text("why", why));
            }
        }
    }

    pub(super) fn guest_swapped(&mut self, slot: Slot, generation: Generation, done: SwapDone) {
        if let Some(blueprint) = self.blueprint(slot) {
            let of = |code| Record::new(code).of(&blueprint.id, Some(generation));
            let record = match &done {
                SwapDone::Done { pause_us, state_bytes, .. } => {
                    of("wasm.swapped").number("pause_us", *pause_us).number("state_bytes", *state_bytes)
                }
                SwapDone::Refused(why) => of("wasm.swap_refused").text("why", why.as_str()),
            };
            self.record(record);
        }
        if let (SwapDone::Done { stop, .. }, Some(Guest { stage: Stage::Living(living), .. })) =
            (&done, self.guest(slot, generation))
        {
            living.stop = stop.clone();
        }
        self.pace_guest(slot, generation);

        // Makers may overtake each other; whoever waits then hears of a swap to the same file.
        let begun = self.guests.swaps.get_mut(&(slot, generation)).and_then(VecDeque::pop_front);
        let Some(Begun { code, waiting }) = begun else { return };
        if let (SwapDone::Done { .. }, Some(guest)) = (&done, self.guest(slot, generation)) {
            guest.code = code;
        }
        // Whoever hung up needs no answer.
        let _gone = waiting.send(done);
    }

    /// Whoever waits for a swap of a guest that is gone hears that there is none.
    pub(super) fn drop_swaps(&mut self, slot: Slot, generation: Generation) {
        self.guests.swaps.remove(&(slot, generation));
    }
}
