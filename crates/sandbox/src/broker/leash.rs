//! How far a child may reach while it runs: whoever serves it holds one end, and who may change it the other.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use rustix::event::{EventfdFlags, eventfd};

use crate::reach::Reach;

#[cfg(test)]
mod tests;

/// 16 changes wait at once; the thread that serves takes them up between two calls.
const CHANGES_MAX: usize = 16;

/// Hears which places a child has open beyond its new reach.
type Answer = Box<dyn FnOnce(Vec<SocketAddr>) + Send>;

/// Another reach, for a child that is served already.
pub(super) struct Change {
    pub(super) reach: Reach,
    pub(super) answer: Answer,
}

/// The end of who serves.
pub struct Leash {
    pub(super) reach: Reach,
    /// What rings when something came, and what came; none for a reach that never changes.
    pub(super) changes: Option<(Arc<OwnedFd>, Receiver<Change>)>,
}

/// The end of who may change it.
#[derive(Debug, Clone)]
pub struct Reins {
    bell: Arc<OwnedFd>,
    changes: SyncSender<Change>,
}

/// Why a change did not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// Nobody serves the child any more, so it has no network.
    Over,
    /// Whoever serves it does not take its changes up.
    Busy,
}

impl Leash {
    /// A reach that can be changed.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn with_reins(reach: Reach) -> io::Result<(Self, Reins)> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (changes, taken) = sync_channel(CHANGES_MAX);
        Ok((Self { reach, changes: Some((bell.clone(), taken)) }, Reins { bell, changes }))
    }
}

impl fmt::Debug for Leash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leash").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl From<Reach> for Leash {
    /// A reach that never changes.
    fn from(reach: Reach) -> Self {
        Self { reach, changes: None }
    }
}

impl Reins {
    /// From the moment in which `answer` hears of it on, the child opens nothing beyond the new reach. What it opened before stays
    /// open, and is what `answer` hears: the places that a life has to end for, if they are to be closed. It never waits.
    ///
    /// # Errors
    /// [`NotTaken`], and `answer` hears nothing.
    pub fn change(
        &self,
        reach: Reach,
        answer: impl FnOnce(Vec<SocketAddr>) + Send + 'static,
    ) -> Result<(), NotTaken> {
        let sent = self.changes.try_send(Change { reach, answer: Box::new(answer) });
        sent.map_err(|error| match error {
            TrySendError::Disconnected(_) => NotTaken::Over,
            TrySendError::Full(_) => NotTaken::Busy,
        })?;
        // A bell that is rung already rings.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        Ok(())
    }
}
