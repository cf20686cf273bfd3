//! What can be seen of the kernel from outside, as plain values.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{Generation, ModuleId, Name, Reason, Slot, State, Time, Zone};

use crate::governor::{Bounds, Step};
use crate::swap::SwapStep;
use crate::zones::Probation;

/// One module as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its seat.
    pub slot: Slot,
    /// Its name.
    pub id: ModuleId,
    /// Its version.
    pub version: String,
    /// Where it is in its life.
    pub state: State,
    /// It rests because its work is done.
    pub is_completed: bool,
    /// The life that runs now; none when no process does.
    pub generation: Option<Generation>,
    /// Since when it is in this state.
    pub since: Time,
    /// Restarts counted since it was last well.
    pub restart_count: u32,
    /// All starts after the first, since the kernel knows it.
    pub restarts_total: u64,
    /// When it is started again, if that is planned.
    pub restart_at: Option<Time>,
    /// Why it was last ended by the kernel, if so.
    pub reason: Option<Reason>,
    /// One sentence on why it is not ready; empty when it is.
    pub note: String,
    /// Services it offers.
    pub provides: Vec<Name>,
    /// What it waits for: services, and modules it needs.
    pub waiting_for: Vec<Name>,
    /// Where it lives.
    pub zone: Zone,
    /// What it may use.
    pub bounds: Bounds,
    /// How tight the governor holds it.
    pub step: Step,
    /// How far its probation is, if it serves one.
    pub probation: Option<Probation>,
    /// How far a swap of it is, if one is under way.
    pub swap: Option<SwapStep>,
    /// The life that answered before this one and could answer again at once.
    pub warm: Option<Generation>,
    /// How often it fell back to that one, since the kernel knows it.
    pub falls_back: u64,
    /// Calls it made that are not answered yet.
    pub calls_pending: u32,
}
