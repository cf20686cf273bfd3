//! What proxies write to each other: a closed set of small messages, each meant for one life.

use abi::{Payload, RequestId};

use crate::effect::Message;
use crate::event::{CallContext, Outcome};
use crate::routes::Address;
use crate::word::Word;

/// What a caller wants to hear of its call beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// How far it has come.
    pub progress: bool,
    /// Its result in parts.
    pub parts: bool,
    /// That it is alive, because that gives it its time anew.
    pub signs: bool,
}

/// One message between two proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letter {
    /// A call that was decided to come here.
    Call {
        /// Who is answered.
        caller: Address,
        /// The caller's proxy's number for it.
        token: u64,
        /// Who calls, as the target is told.
        from: Word,
        /// Which service.
        service: Word,
        /// What of it.
        method: Word,
        /// With what.
        params: Option<Payload>,
        /// Its deadline, as far as the caller set one, within the house's; its trace.
        context: CallContext,
        /// What the caller wants to hear of it.
        wants: Wants,
    },
    /// Nobody waits for this call any more.
    Cancel {
        /// Whose call.
        caller: Address,
        /// Its number for it.
        token: u64,
    },
    /// The caller can take more parts.
    Credit {
        /// Whose call.
        caller: Address,
        /// Its number for it.
        token: u64,
        /// How many.
        parts: u32,
    },
    /// The end of a call of yours.
    Answer {
        /// Your number for it.
        token: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// Your call came to a life that is over.
    Lost {
        /// Your number for it.
        token: u64,
    },
    /// How far a call of yours has come.
    Progress {
        /// Your number for it.
        token: u64,
        /// The members of the frame, raw.
        payload: Payload,
    },
    /// A part of its result.
    Chunk {
        /// Your number for it.
        token: u64,
        /// Which part, from 0.
        seq: u64,
        /// The part itself.
        data: Payload,
    },
    /// There will be no more parts.
    End {
        /// Your number for it.
        token: u64,
    },
    /// Your call was held, and lies with another life of its target now.
    Moved {
        /// Your number for it.
        token: u64,
        /// Where it is.
        target: Address,
    },
    /// It is alive.
    Alive {
        /// Your number for it.
        token: u64,
    },
    /// A message on a topic that you hear.
    Deliver {
        /// Which.
        topic: Word,
        /// What.
        message: Message,
        /// W3C Trace Context.
        traceparent: Option<Word>,
    },
    /// A message on a topic that an operator follows.
    Show {
        /// Whose request.
        request: RequestId,
        /// Which topic.
        topic: Word,
        /// What.
        message: Message,
    },
}

impl Letter {
    /// What goes back to its writer when the life that it is meant for is over, and to whom.
    ///
    /// Only a call needs one: an answer's reader is gone and owed nothing, and whoever is cancelled, or is given
    /// credit, has ended all its calls with its own end.
    pub fn returned(&self) -> Option<(Address, Self)> {
        match self {
            Self::Call { caller, token, .. } => Some((*caller, Self::Lost { token: *token })),
            _ => None,
        }
    }

    /// What goes back when there is no room for it in the mailbox that it is meant for, and to whom; the rest of what
    /// [`Letter::needs_room`] is dropped and counted.
    pub fn refused(&self) -> Option<(Address, Self)> {
        match self {
            Self::Call { caller, token, .. } => {
                let outcome = Outcome::Error(alloc::string::String::from("overloaded"));
                Some((*caller, Self::Answer { token: *token, outcome }))
            }
            _ => None,
        }
    }

    /// Whether a full mailbox may refuse it. The others are at most a few for each call that is open, which is bounded.
    pub fn needs_room(&self) -> bool {
        match self {
            Self::Call { .. }
            | Self::Deliver { .. }
            | Self::Show { .. }
            | Self::Progress { .. }
            | Self::Alive { .. } => true,
            Self::Cancel { .. }
            | Self::Credit { .. }
            | Self::Answer { .. }
            | Self::Lost { .. }
            | Self::Moved { .. }
            | Self::Chunk { .. }
            | Self::End { .. } => false,
        }
    }
}

crate::saved::keep_fields!(Wants { progress, parts, signs });
