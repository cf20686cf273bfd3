//! WebAssembly guests under the governor: they are threads of this process, so that the system can't hold them.
//!
//! | what | by |
//! |---|---|
//! | frames and calls | the same buckets as a process's; what is not paid for waits in [`crate::guests`] |
//! | processor time, standing still | the guest itself, which rests on its thread in the measure of its work |
//! | memory | its instance's own bound |
//!
//! Who shares a thread with another guest, from the 33rd on, is not paced: the other one would stand still with it.

use abi::{Generation, Slot};
use kernel::{Amounts, Grip, Resource, Step, View};
use sandbox::control::GroupUse;

use super::{bucket, queue_frames};
use crate::guests::Guest;
use crate::shell::Shell;

/// 1,000 thousandths: a whole processor.
const WHOLE_PERMILLE: u64 = 1000;

impl Shell {
    /// A guest was made: its frames are paid for, and its queue has its bound.
    pub(crate) fn adopt_guest(&mut self, slot: Slot, generation: Generation) {
        if let Some(view) = self.kernel.view(slot) {
            self.grip_guest(&view, generation, Grip::default());
        }
    }

    /// Holds a guest as tight as this from now on.
    pub(super) fn grip_guest(&mut self, view: &View, generation: Generation, grip: Grip) {
        let now = self.now();
        let Some(guest) = self.seat_mut(view.slot).and_then(|seat| seat.guest_of(generation)) else { return };
        guest.held.grip = grip;
        guest.held.bucket = bucket(now, view, grip);
        guest.bound_frames(queue_frames(view, grip.step));
        self.pace_guest(view.slot, generation);
    }

    /// What its pool gives each may be another amount now. Says whether it is a guest at all.
    pub(super) fn hold_guest_anew(&mut self, view: &View, generation: Generation) -> bool {
        let Some(guest) = self.seat_mut(view.slot).and_then(|seat| seat.guest_of(generation)) else {
            return false;
        };
        guest.held.share = None;
        let grip = guest.held.grip;
        self.grip_guest(view, generation, grip);
        true
    }

    /// All guests, since others may have come to their threads.
    pub(super) fn pace_guests(&mut self) {
        for view in self.kernel.views() {
            if let Some(generation) = view.generation.filter(|one| self.is_guest(view.slot, *one)) {
                self.pace_guest(view.slot, generation);
            }
        }
    }

    /// Gives a guest as much of a processor as it may have.
    pub(crate) fn pace_guest(&mut self, slot: Slot, generation: Generation) {
        let Some(view) = self.kernel.view(slot) else { return };
        let guest = self.seat(slot).and_then(|seat| seat.guest.as_ref());
        let Some(guest) = guest.filter(|guest| guest.generation == generation) else { return };
        let Some(stop) = guest.stop() else { return };
        let own = view.bounds.of(Resource::Cpu);
        let permille = match guest.held.grip {
            _ if !self.guests.is_alone(guest) => WHOLE_PERMILLE,
            Grip { step: Step::Frozen | Step::Killed, .. } => 0,
            grip => grip.cpu_permille.into_iter().chain(own).min().unwrap_or(WHOLE_PERMILLE).max(1),
        };
        stop.pace(u32::try_from(permille).unwrap_or(u32::MAX));
    }
}

/// What can be counted of a guest at any moment.
pub(super) fn count(guest: &Guest) -> Option<(GroupUse, Amounts)> {
    let used = guest.used()?;
    let (frames, bytes) = guest.waiting();
    let amounts = Amounts::default()
        .with(Resource::Memory, used.rss_bytes)
        .with(Resource::QueueFrames, frames as u64)
        .with(Resource::QueueBytes, bytes as u64);
    Some((GroupUse { cpu_us: Some(used.cpu_ms * 1000), ..GroupUse::default() }, amounts))
}
