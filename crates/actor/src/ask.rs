//! Questions: a message that carries the right to answer it, once.
//!
//! The asker does not wait: the answer comes back as a message of its own type, or the news that none came in time. A
//! reply handle is good for one answer; once the deadline has passed, or the asker has ended, it is dead.

use alloc::sync::Arc;
use core::fmt;

use crate::address::Addr;
use crate::context::Context;
use crate::message::{INLINE_BYTES_MAX, Lane};

/// Why no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskError {
    /// Not before the deadline.
    Late,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer came before the deadline")
    }
}

impl core::error::Error for AskError {}

impl abi::Explain for AskError {
    fn code(&self) -> &'static str {
        "actor::ask::late"
    }
}

/// Takes an answer outside of the actors: a thread that waits, a future.
pub trait Sink<R>: Send + Sync {
    /// Called at most once, on the core of the actor that answers; must not block.
    fn answer(&self, answer: R);
}

/// The right to answer one question, which can be kept for later or passed on.
pub struct Reply<R> {
    pub(crate) way: Back<R>,
}

/// Where an answer goes.
pub(crate) enum Back<R> {
    Actor { to: Addr, ticket: u64, tag: u32, lane: Lane },
    Outside(Arc<dyn Sink<R>>),
}

/// An answer on its way; first the ticket, which is read before the type is known.
#[repr(C)]
pub(crate) struct Answer<R> {
    pub(crate) ticket: u64,
    pub(crate) value: R,
}

/// Whether an answer of this type travels in the entry; as a box otherwise.
pub(crate) const fn is_short<R>() -> bool {
    size_of::<Answer<R>>() <= INLINE_BYTES_MAX
}

impl<R: Send + 'static> Reply<R> {
    /// A reply handle whose answer goes to a thread or a future.
    pub fn to_sink(sink: Arc<dyn Sink<R>>) -> Self {
        Self { way: Back::Outside(sink) }
    }

    /// Answers. Nothing happens when nobody waits for it any more.
    pub fn send(self, ctx: &mut Context<'_>, answer: R) {
        match self.way {
            Back::Outside(sink) => sink.answer(answer),
            Back::Actor { to, ticket, tag, lane } => ctx.send_answer(to, ticket, tag, lane, answer),
        }
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Back::Actor { to, .. } => write!(f, "Reply to {to:?}"),
            Back::Outside(_) => f.write_str("Reply to the outside"),
        }
    }
}
