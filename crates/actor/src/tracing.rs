//! What the cores did lately, and the way of one request through the actors; read while everything goes on.
//!
//! # Always on
//! Each core writes into a ring of its own: the first message of every run of a lane or ring and each 32nd after it, the
//! ones that were timed, and what is rare, such as ends that were not wanted and moves. A record for each message would
//! cost a tenth of the whole; this costs less than can be measured, and still says who had the core.
//!
//! # Requests
//! A request has a number. What an actor sends while it handles a message of the request belongs to it: messages,
//! questions, answers, on all cores. Such messages travel in an envelope, a box that holds the number; others pay
//! nothing for that this exists. Each handling is a span, with the span as its parent in which the message was sent.
//! Timers and what goes through [`crate::Sink`] begin nothing.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZero;
use core::sync::atomic::Ordering;

use crate::address::{Addr, Address, Rights};
use crate::context::Context;
use crate::life::Reason;
use crate::message::{EMPTY, Lane, Payload, TYPES, discard, put};
use crate::platform::Core;
use crate::send::{Refusal, Refused, Sent};
use crate::system::System;
use crate::trace::{Event, TraceReader};

/// Records that each core keeps of what it did: 64 KiB, some hundred microseconds at full speed.
pub(crate) const HAPPENINGS: usize = 1 << 11;
/// Records that each core keeps of requests, two a span: 64 KiB.
pub(crate) const SPAN_RECORDS: usize = 1 << 11;
/// Above these bits of a record's kind lies what it says, below them a message type or a reason.
const TAG_BITS: u32 = 12;
/// The second record of a span.
const SECOND: u16 = 1 << TAG_BITS;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Record {
    Ran = 0,
    Timed = 1,
    Ended = 2,
    Panicked = 3,
    Left = 4,
    Arrived = 5,
}

impl Record {
    pub(crate) const fn kind(self, below: u32) -> u16 {
        (self as u16) << TAG_BITS | below as u16 & (SECOND - 1)
    }
}

/// Something that happened on a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    /// When, in nanoseconds of the platform's clock, as of the core's last look.
    pub at_ns: u64,
    /// Whose it was, without rights.
    pub actor: Addr,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It began to handle a message of this type; one record for many, see the module.
    Ran {
        /// The name of the message's type, for people.
        message: &'static str,
        /// Messages that the core had handled in all.
        handled: u64,
    },
    /// It handled a message that was timed: one in about a thousand.
    Timed {
        /// The name of the message's type, for people.
        message: &'static str,
        /// How long that took.
        took_ns: u64,
    },
    /// It ended for a reason that is not in order.
    Ended(Reason),
    /// It panicked.
    Panicked,
    /// It went to another core.
    Left(Core),
    /// It came from another core.
    Arrived,
}

/// What a core did lately.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Happenings {
    /// The oldest first.
    pub last: Vec<Happening>,
    /// Older ones, which are gone.
    pub missed: u64,
}

/// Names a request for the life of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(NonZero<u64>);

impl RequestId {
    pub(crate) const fn new(number: u64) -> Option<Self> {
        match NonZero::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// From the system's count, which does not come round.
    pub(crate) fn counted(number: u64) -> Self {
        Self(NonZero::new(number).unwrap_or(NonZero::<u64>::MAX))
    }

    /// For people and reports.
    pub const fn number(self) -> u64 {
        self.0.get()
    }
}

/// Names a span for the life of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub(crate) u64);

/// One message of a request, being handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which request.
    pub request: RequestId,
    /// Which span.
    pub span: SpanId,
    /// The span in which the message was sent; none when it came from outside or the request began here.
    pub parent: Option<SpanId>,
    /// Who handled it, without rights.
    pub actor: Addr,
    /// Where.
    pub core: Core,
    /// The name of the message's type, for people.
    pub message: &'static str,
    /// When it began, in nanoseconds of the platform's clock.
    pub began_ns: u64,
    /// When it was over.
    pub ended_ns: u64,
}

/// A message of a request on its way. Dropped with what is in it.
pub(crate) struct Envelope {
    pub(crate) request: u64,
    pub(crate) parent: u64,
    /// Of what is in it; 0 when it was taken out.
    pub(crate) tag: u32,
    pub(crate) payload: Payload,
}

impl Envelope {
    /// # Safety
    /// `tag` is the tag of `M`.
    pub(crate) unsafe fn seal<M: Send + 'static>(
        request: u64,
        parent: u64,
        tag: u32,
        message: M,
    ) -> Box<Self> {
        let mut envelope = Box::new(Self { request, parent, tag, payload: EMPTY });
        // SAFETY: the payload is ours.
        unsafe { put(envelope.payload.as_mut_ptr().cast(), message) };
        envelope
    }
}

impl Drop for Envelope {
    fn drop(&mut self) {
        // SAFETY: the payload is of the tag, and who takes it out makes that 0, which is no type's.
        unsafe { discard(self.tag, self.payload.as_mut_ptr().cast()) };
    }
}

/// What the handler that runs is part of; zeros are nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Running {
    pub(crate) request: u64,
    pub(crate) span: u64,
    pub(crate) parent: u64,
    pub(crate) actor: u64,
    pub(crate) tag: u32,
    pub(crate) began_ns: u64,
}

impl Running {
    /// The two records of a span that is over.
    pub(crate) const fn records(&self, ended_ns: u64) -> [Event; 2] {
        [
            Event {
                time: self.began_ns,
                kind: self.tag as u16 & (SECOND - 1),
                actor: self.actor,
                peer: self.request,
            },
            Event { time: ended_ns, kind: SECOND, actor: self.span, peer: self.parent },
        ]
    }
}

fn name_of(tag: u16) -> &'static str {
    TYPES.at(u32::from(tag & (SECOND - 1))).map_or("unknown", |message| (message.name)())
}

fn bare(bits: u64) -> Addr {
    Addr::from_bits(bits).with_rights(Rights::NONE)
}

fn happening(event: Event) -> Option<Happening> {
    let message = name_of(event.kind);
    let what = match event.kind >> TAG_BITS {
        0 => What::Ran { message, handled: event.peer },
        1 => What::Timed { message, took_ns: event.peer },
        2 => What::Ended(Reason::from_number(event.kind & (SECOND - 1))?),
        3 => What::Panicked,
        4 => What::Left(Core(event.peer as u8)),
        5 => What::Arrived,
        _ => return None,
    };
    Some(Happening { at_ns: event.time, actor: bare(event.actor), what })
}

fn read_spans(core: Core, reader: &TraceReader, request: RequestId, spans: &mut Vec<Span>) {
    let mut first: Option<Event> = None;
    // The core writes on meanwhile; what is overwritten is left out.
    reader.clone().read(|event| {
        if event.kind & SECOND == 0 {
            first = Some(event);
        } else if let Some(first) = first.take().filter(|first| first.peer == request.number()) {
            spans.push(Span {
                request,
                span: SpanId(event.actor),
                parent: Some(SpanId(event.peer)).filter(|parent| parent.0 != 0),
                actor: bare(first.actor),
                core,
                message: name_of(first.kind),
                began_ns: first.time,
                ended_ns: event.time,
            });
        }
    });
}

impl System {
    /// What a core did lately; none when there is no such core. Stops nothing.
    pub fn happenings(&self, core: Core) -> Option<Happenings> {
        let mut reader = self.shared().commons.happenings.get(core.index())?.clone();
        let mut last = Vec::new();
        let progress = reader.read(|event| last.extend(happening(event)));
        Some(Happenings { last, missed: progress.missed })
    }

    /// A number for a request that comes from outside.
    pub fn begin_request(&self) -> RequestId {
        RequestId::counted(self.shared().commons.requests.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Sends from outside as part of a request.
    ///
    /// # Errors
    /// As of [`System::send`].
    pub fn send_for<M: Send + 'static>(
        &self,
        request: RequestId,
        to: Address<M>,
        message: M,
    ) -> Result<Sent, Refused<M>> {
        self.send_as(to, message, |tag, message| {
            // SAFETY: an address carries the tag of its type.
            let envelope = unsafe { Envelope::seal(request.number(), 0, tag, message) };
            (self.shared().envelope_tag, envelope)
        })
    }

    /// The spans of a request that the cores still have, in the order in which they began. Stops nothing.
    pub fn spans(&self, request: RequestId) -> Vec<Span> {
        let mut spans = Vec::new();
        for (core, reader) in self.shared().commons.spans.iter().enumerate() {
            read_spans(Core(core as u8), reader, request, &mut spans);
        }
        spans.sort_by_key(|span| (span.began_ns, span.span));
        spans
    }
}

impl Context<'_> {
    /// The request that the message that is being handled belongs to.
    pub fn request(&mut self) -> Option<RequestId> {
        RequestId::new(self.shard().running.request)
    }

    /// Makes this handling the first of a request, unless it is part of one: what is sent from here on belongs to it.
    pub fn begin_request(&mut self) -> RequestId {
        self.shard().begin_request()
    }

    /// Sends in a lane, to be seen as part of `request`, whatever this handling is part of.
    ///
    /// # Errors
    /// As of [`Context::send`].
    pub fn send_for<M: Send + 'static>(
        &mut self,
        request: RequestId,
        lane: Lane,
        to: Address<M>,
        message: M,
    ) -> Result<Sent, Refusal> {
        self.shard().send_for(request.number(), lane, to, message)
    }
}
