//! What a module says while a cut is made through everything: held in its order, up to a bound, and heard when the cut is over.

use alloc::collections::VecDeque;

use abi::Payload;
use abi::limits::{QUEUE_BYTES_MAX_DEFAULT, QUEUE_FRAMES_MAX_DEFAULT};

use super::{Act, Proxy, Turn};
use crate::event::{Incoming, Outcome};
use crate::saved::{Keep, Saved, Unreadable};

/// What is held.
#[derive(Debug, Clone, Default)]
pub(super) struct Muted {
    /// Nothing while the module is heard.
    said: Option<VecDeque<Incoming>>,
    bytes: usize,
}

/// No kernel is saved for another one while a cut is made, and what is said meanwhile is no part of the cut.
impl Keep for Muted {
    fn save(&self) -> Saved {
        Saved::List(alloc::vec::Vec::new())
    }

    fn restore(_: &Saved) -> Result<Self, Unreadable> {
        Ok(Self::default())
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

impl Proxy {
    pub(super) fn mute(&mut self) {
        self.muted.said.get_or_insert_default();
    }

    /// What was held is heard now.
    pub(super) fn unmute(&mut self, turn: &mut Turn<'_>) {
        let said = core::mem::take(&mut self.muted).said;
        for said in said.into_iter().flatten() {
            self.hear_now(turn, said);
        }
    }

    /// Holds what is traffic while the module is muted; gives back what is to be heard now. What finds no room ends the cut.
    pub(super) fn hold_said(&mut self, turn: &mut Turn<'_>, said: Incoming) -> Option<Incoming> {
        let Some(held) = self.muted.said.as_mut().filter(|_| is_traffic(&said)) else { return Some(said) };
        held.push_back(said);
        self.muted.bytes += held.back().map_or(0, bytes_of);
        if held.len() > QUEUE_FRAMES_MAX_DEFAULT || self.muted.bytes > QUEUE_BYTES_MAX_DEFAULT {
            self.unmute(turn);
            turn.acts.push(Act::Overran);
        }
        None
    }
}

/// Whether somebody else would see it, the kernel included.
fn is_traffic(said: &Incoming) -> bool {
    match said {
        Incoming::Call { .. }
        | Incoming::Answer { .. }
        | Incoming::Publish { .. }
        | Incoming::Cancel { .. }
        | Incoming::Credit { .. }
        | Incoming::Progress { .. }
        | Incoming::Chunk { .. }
        | Incoming::End { .. }
        | Incoming::KernelCall { .. } => true,
        Incoming::StateSaved { .. }
        | Incoming::StateRestored { .. }
        | Incoming::Ready
        | Incoming::Pong
        | Incoming::Ack
        | Incoming::Nack { .. }
        | Incoming::KernelAnswer { .. } => false,
    }
}

fn bytes_of(said: &Incoming) -> usize {
    match said {
        Incoming::Call { params, .. } => params.as_ref().map_or(0, Payload::len),
        Incoming::Answer { outcome: Outcome::Result(Some(result)), .. } => result.len(),
        Incoming::Answer { outcome: Outcome::Error(error), .. } => error.len(),
        Incoming::Publish { payload, .. } | Incoming::Progress { payload, .. } => payload.len(),
        Incoming::Chunk { data, .. } => data.len(),
        _ => 0,
    }
}
