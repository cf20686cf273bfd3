//! One instance takes another's place with its state, between two entries.
//!
//! ```text
//! old.save-state ──► new.restore-state ──► flip        the pause is what these two take
//!        │                   └── refuses or falls: the new one is dropped, the old one goes on
//!        └── refuses: nothing has changed; falls: it is gone, as after any fault
//! ```
//! The caller holds the instance, so nothing can enter it meanwhile: what comes for it waits in its actor's queue, and
//! is handled by whichever of the two stands afterwards. So no message is lost or handled twice.

use std::time::{Duration, Instant};

use abi::Explain;

use crate::fault::Fault;
use crate::guest::{Answer, Saved};
use crate::instance::{Instance, Outcome};
use crate::state::Context;

/// A swap that was done.
#[derive(Debug)]
pub struct Swapped {
    /// The one that was replaced, to be shut down or dropped.
    pub old: Instance,
    /// From the first step to the flip.
    pub pause: Duration,
    /// How much state went over.
    pub state_bytes: usize,
}

/// Why nothing was swapped. Unless it is `OldFell`, the old instance goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapError {
    /// The old one does not give its state.
    #[error("it refuses to save its state: {reason}")]
    OldRefuses {
        /// Its own words.
        reason: String,
    },
    /// The old one can't be entered, or fell while saving.
    #[error("it could not save its state")]
    OldFell(#[source] Fault),
    /// The new one does not take the state.
    #[error("its successor refuses the state (version {version}, {bytes} bytes): {reason}")]
    NewRefuses {
        /// Its own words.
        reason: String,
        /// Of the state.
        version: u32,
        /// Of the state.
        bytes: usize,
    },
    /// The new one fell while restoring.
    #[error("its successor fell while restoring the state")]
    NewFell(#[source] Fault),
    /// One of them called another module in the middle of it.
    #[error("{side} called another module while the state went over")]
    Waits {
        /// Which one.
        side: &'static str,
    },
}

impl Explain for SwapError {
    fn code(&self) -> &'static str {
        match self {
            Self::OldRefuses { .. } => "wasm::swap::old_refuses",
            Self::OldFell(_) => "wasm::swap::old_fell",
            Self::NewRefuses { .. } => "wasm::swap::new_refuses",
            Self::NewFell(_) => "wasm::swap::new_fell",
            Self::Waits { .. } => "wasm::swap::waits",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::NewRefuses { .. } | Self::OldRefuses { .. } => {
                Some("restart the module instead, which begins without the state".to_owned())
            }
            Self::OldFell(_) | Self::NewFell(_) | Self::Waits { .. } => None,
        }
    }
}

/// Replaces `current` by `new`, which has been made but not initialised: `restore-state` stands in for `init`.
///
/// # Errors
/// `SwapError`; the new one is dropped, and `current` is what it was unless it fell itself.
pub fn swap(current: &mut Instance, mut new: Instance, context: &Context) -> Result<Swapped, SwapError> {
    let start = Instant::now();
    let saved = save(current, context)?;
    let refused = |reason| SwapError::NewRefuses { reason, version: saved.version, bytes: saved.data.len() };
    match new.restore(context.clone(), &saved).map_err(SwapError::NewFell)? {
        Outcome::Done(Answer::Nothing) => {}
        Outcome::Done(Answer::Failed(reason)) => return Err(refused(reason)),
        Outcome::Done(Answer::Bytes(_) | Answer::Saved(_)) => {
            return Err(refused("it gave an answer of another kind".to_owned()));
        }
        Outcome::Waiting(_) => return Err(SwapError::Waits { side: "its successor" }),
    }
    let old = std::mem::replace(current, new);
    Ok(Swapped { old, pause: start.elapsed(), state_bytes: saved.data.len() })
}

fn save(current: &mut Instance, context: &Context) -> Result<Saved, SwapError> {
    match current.save(context.clone()).map_err(SwapError::OldFell)? {
        Outcome::Done(Answer::Saved(saved)) => Ok(saved),
        Outcome::Done(Answer::Failed(reason)) => Err(SwapError::OldRefuses { reason }),
        Outcome::Done(Answer::Nothing | Answer::Bytes(_)) => {
            Err(SwapError::OldRefuses { reason: "it gave no state".to_owned() })
        }
        Outcome::Waiting(_) => Err(SwapError::Waits { side: "it" }),
    }
}
