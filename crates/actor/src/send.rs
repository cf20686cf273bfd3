//! What comes of a send.

use core::fmt;

/// A message that was accepted, and what the sender may want to know about the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It waits for its turn.
    Taken,
    /// It waits for its turn, in a queue beyond its bound: slow down.
    Congested,
    /// The receiver's policy dropped it.
    Dropped,
}

impl Sent {
    /// Whether the receiver keeps up.
    pub const fn is_clear(self) -> bool {
        matches!(self, Self::Taken)
    }
}

/// Why a message was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The queue is at its bound.
    Full,
    /// The actor has ended, or never was one of this system.
    Gone,
    /// The address lacks the right.
    Forbidden,
    /// The system shuts down.
    Closed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the actor's queue is full",
            Self::Gone => "the actor has ended",
            Self::Forbidden => "the address does not allow it",
            Self::Closed => "the actor system shuts down",
        })
    }
}

impl core::error::Error for Refusal {}

impl abi::Explain for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Full => "actor::send::full",
            Self::Gone => "actor::send::gone",
            Self::Forbidden => "actor::send::forbidden",
            Self::Closed => "actor::send::closed",
        }
    }
}

/// A message that came back.
pub struct Refused<M> {
    /// Why.
    pub why: Refusal,
    /// What was to be sent.
    pub message: M,
}

impl<M> fmt::Debug for Refused<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message may be a secret.
        f.debug_struct("Refused").field("why", &self.why).finish_non_exhaustive()
    }
}
