//! The shard's side of tracing: records as things happen, and messages that travel in envelopes.

use alloc::boxed::Box;

use super::dispatch::Source;
use super::{Shard, Urgency, Way, after};
use crate::address::{Addr, Address, LOW_BYTE};
use crate::message::{Header, Lane, put, take};
use crate::send::{Refusal, Sent};
use crate::table::flag;
use crate::trace::Event;
use crate::tracing::{Envelope, Record, RequestId, Running};

/// One message of so many is recorded, the first of each run among them.
pub(super) const RECORDED: u32 = 32;

/// What no routing word equals, so that each send of a request's handler takes the long way.
const NO_ROUTE: u64 = 1 << 40;

impl Shard {
    /// Records something about an actor.
    #[inline(never)]
    pub(super) fn note(&mut self, record: Record, below: u32, actor: Addr, peer: u64) {
        let event = Event { time: self.now, kind: record.kind(below), actor: actor.as_bits(), peer };
        if let Some(writer) = &mut self.happenings {
            writer.record(event);
        }
    }

    /// Records a message that is about to be handled.
    #[inline(never)]
    pub(super) fn note_run(&mut self, header: Header) {
        let handled = self.tally.handled;
        self.note(Record::Ran, header.tag, Addr::from_word(header.dst, header.meta), handled);
    }

    /// The tag of what is in an entry, through the envelope if there is one.
    pub(super) fn tag_within(&self, header: Header, payload: *const u8) -> u32 {
        if header.tag != self.shared.envelope_tag {
            return header.tag;
        }
        // SAFETY: the payload of this tag is a box of an envelope, which nobody has taken.
        unsafe { (*payload.cast::<*const Envelope>().read_unaligned()).tag }
    }

    /// Handles what is in an envelope, as part of its request. Deferred messages keep their envelopes.
    pub(super) fn open(&mut self, header: Header, payload: *mut u8, word: u32, tag: u32, source: Source) {
        let within = self.tag_within(header, payload);
        if word & flag::DIVERTING != 0 && within == tag {
            return self.defer(header, payload, source);
        }
        // SAFETY: the tag is that of envelopes, and the payload is taken only here.
        let mut envelope = unsafe { take::<Box<Envelope>>(payload) };
        // What is in it is now the handler's to take.
        envelope.tag = 0;
        let actor = Addr::from_word(header.dst, header.meta & !LOW_BYTE);
        self.enter_span(envelope.request, envelope.parent, actor, within);
        self.dispatch(Header { tag: within, ..header }, envelope.payload.as_mut_ptr().cast(), source);
        self.end_span();
    }

    fn enter_span(&mut self, request: u64, parent: u64, actor: Addr, tag: u32) {
        let (span, began_ns) = (self.asks.next_name(), self.shared.ground.now());
        self.running = Running { request, span, parent, actor: actor.as_bits(), tag, began_ns };
        self.key = NO_ROUTE;
    }

    /// The handler has returned, or panicked.
    pub(super) fn end_span(&mut self) {
        if self.running.request == 0 {
            return;
        }
        let running = core::mem::take(&mut self.running);
        self.key = u64::from(self.core);
        let ended_ns = self.shared.ground.now();
        if let Some(writer) = &mut self.spans {
            running.records(ended_ns).into_iter().for_each(|event| writer.record(event));
        }
    }

    /// Ends the span that a handler has begun by itself.
    pub(super) fn end_begun_span(&mut self) {
        if self.after & after::TRACED != 0 {
            self.after &= !after::TRACED;
            self.end_span();
        }
    }

    /// Begins a request in the handler that runs.
    pub(crate) fn begin_request(&mut self) -> RequestId {
        if let Some(request) = RequestId::new(self.running.request) {
            return request;
        }
        let number = self.shared.commons.requests.fetch_add(1, core::sync::atomic::Ordering::Relaxed) + 1;
        let (actor, tag) = (self.current_addr(), self.tag_of_current());
        self.enter_span(number, 0, actor, tag);
        self.after |= after::TRACED;
        RequestId::counted(number)
    }

    fn tag_of_current(&mut self) -> u32 {
        if self.current.head.is_null() {
            return 0;
        }
        // SAFETY: not null, so the head of the slot whose handler runs.
        let number = unsafe { (*self.current.head).kind.load(core::sync::atomic::Ordering::Relaxed) };
        self.known_kind(number).map_or(0, |known| known.tag)
    }

    /// Sends as part of a request.
    pub(crate) fn send_for<M: Send + 'static>(
        &mut self,
        request: u64,
        lane: Lane,
        to: Address<M>,
        message: M,
    ) -> Result<Sent, Refusal> {
        let (outer, key) = (self.running, self.key);
        self.running = Running { request, ..outer };
        self.key = NO_ROUTE;
        // SAFETY: an address carries the tag of its type.
        let sent =
            unsafe { self.send(to.addr(), to.tag(), lane.max(Lane::Critical), Urgency::Insist, message) };
        (self.running, self.key) = (outer, key);
        sent.map_err(|(refusal, _)| refusal)
    }

    /// What `send` does with an admitted message in a handler of a request.
    ///
    /// # Safety
    /// `header.tag` is the tag of `M`.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn send_enveloped<M: Send + 'static>(
        &mut self,
        core: usize,
        header: Header,
        message: M,
    ) {
        if header.tag == self.control_tag || header.lane() == Lane::System {
            // SAFETY: the caller's words.
            return unsafe { self.send_anywhere(core, header, message) };
        }
        let Running { request, span, .. } = self.running;
        // SAFETY: the caller's words.
        let envelope = unsafe { Envelope::seal(request, span, header.tag, message) };
        let header = Header { tag: self.shared.envelope_tag, ..header };
        // SAFETY: the tag is that of boxed envelopes.
        unsafe { self.send_anywhere(core, header, envelope) };
    }

    /// # Safety
    /// `header.tag` is the tag of `M`.
    unsafe fn send_anywhere<M: Send + 'static>(&mut self, core: usize, header: Header, message: M) {
        if core != self.core as usize {
            // SAFETY: the caller's words.
            return unsafe { self.send_remote(core, header, message) };
        }
        let line = self.lanes[header.lane() as usize].push(&mut self.chunks);
        // SAFETY: `push` gives the place of an entry to fill; it is filled before anything else happens.
        unsafe {
            (&raw mut (*line).header).write(header);
            put((&raw mut (*line).payload).cast(), message);
        }
    }

    /// Where an admitted message goes if the handler that sends it is part of a request.
    pub(super) fn routed(&self, way: Way) -> Way {
        match way {
            Way::Local(sent) if self.running.request != 0 => Way::Enveloped(self.core as usize, sent),
            Way::Remote(core, sent) if self.running.request != 0 => Way::Enveloped(core, sent),
            way => way,
        }
    }
}
