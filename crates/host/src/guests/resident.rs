//! A guest as an actor: frames are its messages, entries of its instance what they become, news what they come to.
//!
//! # States
//! ```text
//! free ──frame──► entered ──► free               what it came to is told; the frame's place is given back
//!  │  ▲                └────► waiting            it called a service: other frames are stashed, in order
//!  │  └────────answer────────────┘
//!  └──fault, shutdown, refused init──► the actor stops; dropping it tells how it ended
//! ```

use abi::{Name, Payload};
use actor::{Actor, Context as Turn};
use kernel::{CallContext, Incoming, Outcome, Word};
use store::{Level, LogLine, Source};
use wasm::{Answer, CallFailure, Context, Fault, Instance, Stop, SwapError, Ticket};

use super::frames::{self, json_of};
use super::post::{End, News, Place, Post};
use super::services::Topics;
use super::swap::SwapDone;

/// One thing to be done by a guest.
pub(super) enum What {
    Init,
    Message {
        topic: Word,
        payload: Payload,
        trace: Option<Word>,
    },
    Call(Box<Called>),
    /// The answer that it waits for.
    Answer(Ticket, Result<Vec<u8>, CallFailure>),
    /// The caller of this hop gave up.
    Cancel(u64),
    Health,
    /// It is about to end, and somebody keeps its state.
    Save(u64),
    /// What an earlier life left.
    Restore {
        number: u64,
        state: Payload,
        version: Word,
    },
    Swap(Box<Successor>),
    Shutdown,
}

/// A call of one of its services.
pub(super) struct Called {
    pub(super) hop: u64,
    pub(super) from: Word,
    pub(super) service: Word,
    pub(super) method: Word,
    pub(super) params: Option<Payload>,
    pub(super) context: CallContext,
}

/// An instance that is to take a guest's place.
pub(super) struct Successor {
    pub(super) instance: Instance,
    pub(super) topics: Topics,
}

/// A message of the actor.
pub(super) struct Frame {
    pub(super) what: What,
    pub(super) place: Option<Place>,
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Init,
    Message,
    Call(u64),
    Health,
    Save(u64),
    Restore(u64),
    Shutdown,
}

/// The actor.
pub(super) struct Resident {
    instance: Instance,
    topics: Topics,
    post: Post,
    shared: std::sync::Arc<super::services::Shared>,
    stop: Stop,
    /// The entry that waits for an answer, with its place in the queue.
    waiting: Option<(Asked, Option<Place>)>,
    hall: usize,
    end: End,
}

impl Resident {
    pub(super) fn new(
        successor: Successor,
        post: Post,
        shared: std::sync::Arc<super::services::Shared>,
        hall: usize,
    ) -> Self {
        let Successor { instance, topics } = successor;
        let stop = instance.stopper();
        shared.note_memory(instance.memory_bytes());
        Self { instance, topics, post, shared, stop, waiting: None, hall, end: End::Killed }
    }

    fn enter(&mut self, what: What, place: Option<Place>, turn: &mut Turn<'_>) {
        let (asked, came) = match what {
            What::Init => (Asked::Init, self.instance.init(Context::default())),
            What::Message { topic, payload, trace } => {
                // Whoever has not subscribed does not listen, whatever its manifest says.
                let Some(number) = self.topics.heard(topic.as_str()) else { return };
                let about = Context { trace: name_of(trace.as_ref()), ..Context::default() };
                (Asked::Message, self.instance.message(about, number, payload.as_bytes()))
            }
            What::Call(called) => {
                let hop = called.hop;
                if self.shared.was_cancelled(hop) {
                    return self.answer(hop, Outcome::Error("cancelled".to_owned()));
                }
                (Asked::Call(hop), self.call(&called))
            }
            What::Health => (Asked::Health, self.instance.health(Context::default())),
            What::Save(number) => (Asked::Save(number), self.instance.save(Context::default())),
            What::Restore { number, state, version } => {
                let Ok(version) = version.as_str().parse() else {
                    return self.refuse_state(number, "the form of its state is no number".to_owned());
                };
                let saved = wasm::Saved { version, data: state.as_bytes().to_vec() };
                (Asked::Restore(number), self.instance.restore(Context::default(), &saved))
            }
            What::Shutdown => (Asked::Shutdown, self.instance.shutdown(Context::default())),
            What::Swap(successor) => return self.swap(*successor, turn),
            // A late answer to an entry that is over, and a cancellation of a call that is.
            What::Answer(..) => return,
            What::Cancel(hop) => return self.shared.forget_cancelled(hop),
        };
        self.over(asked, came, place, turn);
    }

    fn call(&mut self, called: &Called) -> Result<wasm::Outcome, Fault> {
        let about = Context {
            sender: name_of(Some(&called.from)),
            trace: name_of(called.context.traceparent.as_ref()),
            deadline_ms: called.context.deadline_ms,
        };
        let params = called.params.as_ref().map_or(&[][..], Payload::as_bytes);
        self.instance.call(about, called.service.as_str(), called.method.as_str(), params)
    }

    /// An entry, or a part of one up to a wait, is over.
    fn over(
        &mut self,
        asked: Asked,
        came: Result<wasm::Outcome, Fault>,
        place: Option<Place>,
        turn: &mut Turn<'_>,
    ) {
        self.shared.note_memory(self.instance.memory_bytes());
        match came {
            Ok(wasm::Outcome::Waiting(_)) => self.waiting = Some((asked, place)),
            Ok(wasm::Outcome::Done(answer)) => self.tell(asked, answer, turn),
            Err(fault) if fault.is_survivable() => self.tell(asked, Answer::Failed(fault.to_string()), turn),
            Err(fault) => self.fall(&fault, turn),
        }
    }

    fn tell(&mut self, asked: Asked, answer: Answer, turn: &mut Turn<'_>) {
        match (asked, answer) {
            (Asked::Init, Answer::Failed(error)) => {
                let id = Word::literal("init");
                self.post.send(News::Said(Incoming::Nack { id, error }));
                self.end = End::Code(1);
                turn.stop();
            }
            (Asked::Init, _) => self.post.send(News::Said(Incoming::Ready)),
            (Asked::Message, Answer::Failed(error)) => self.warn(format!("it refused a message: {error}")),
            (Asked::Message, _) => {}
            (Asked::Call(hop), Answer::Bytes(bytes)) => {
                let outcome = match json_of(bytes) {
                    Ok(result) => Outcome::Result(result),
                    Err(why) => Outcome::Error(format!("its answer is not JSON: {why}")),
                };
                self.answer(hop, outcome);
            }
            (Asked::Call(hop), Answer::Failed(error)) => self.answer(hop, Outcome::Error(error)),
            (Asked::Call(hop), _) => self.answer(hop, Outcome::Result(None)),
            (Asked::Health, Answer::Failed(error)) => self.warn(format!("it is not well: {error}")),
            (Asked::Health, _) => self.post.send(News::Said(Incoming::Pong)),
            (Asked::Save(number), Answer::Saved(saved)) => self.give_state(number, saved),
            (Asked::Save(number) | Asked::Restore(number), Answer::Failed(error)) => {
                self.refuse_state(number, error);
            }
            (Asked::Save(number), _) => self.refuse_state(number, "it gave no state".to_owned()),
            (Asked::Restore(number), _) => {
                let id = frames::word_of(number);
                self.post.send(News::Said(Incoming::StateRestored { id }));
            }
            (Asked::Shutdown, _) => {
                self.end = End::Code(0);
                turn.stop();
            }
        }
    }

    fn answer(&self, hop: u64, outcome: Outcome) {
        let bytes = match &outcome {
            Outcome::Result(result) => result.as_ref().map_or(0, Payload::len),
            Outcome::Error(error) => error.len(),
        };
        let said = Incoming::Answer { id: frames::word_of(hop), outcome };
        self.post.send_when_room(News::Said(said), bytes, &self.stop);
    }

    fn give_state(&self, number: u64, saved: wasm::Saved) {
        let (id, bytes) = (frames::word_of(number), saved.data.len());
        let version = frames::word_of(u64::from(saved.version));
        let said = Incoming::StateSaved { id, state: Payload::new(&saved.data), version };
        self.post.send_when_room(News::Said(said), bytes, &self.stop);
    }

    fn refuse_state(&self, number: u64, error: String) {
        let id = frames::word_of(number);
        self.post.send(News::Said(Incoming::Nack { id, error }));
    }

    fn warn(&self, text: String) {
        let line = LogLine::new(Level::Warn, Source::Kernel, text);
        // A line that finds no room is one among thousands.
        let _sent = self.post.try_send(News::Line(line), frames::FRAME_BYTES);
    }

    fn fall(&mut self, fault: &Fault, turn: &mut Turn<'_>) {
        self.end = match fault {
            Fault::Exited { code, .. } => End::Code(*code),
            Fault::Trapped { .. } => End::Fell(format!("trap: {fault}")),
            fault => End::Fell(fault.to_string()),
        };
        turn.stop();
    }

    fn swap(&mut self, successor: Successor, turn: &mut Turn<'_>) {
        let Successor { instance, topics } = successor;
        let stop = instance.stopper();
        let done = match wasm::swap(&mut self.instance, instance, &Context::default()) {
            Ok(swapped) => {
                (self.topics, self.stop) = (topics, stop.clone());
                let pause_us = u64::try_from(swapped.pause.as_micros()).unwrap_or(u64::MAX);
                SwapDone::Done { pause_us, state_bytes: swapped.state_bytes as u64, stop }
            }
            Err(error) => {
                let why = crate::launch::sentence(&error);
                if let SwapError::OldFell(fault) = &error {
                    self.fall(fault, turn);
                }
                SwapDone::Refused(why)
            }
        };
        self.shared.note_memory(self.instance.memory_bytes());
        self.post.send(News::Swapped(done));
    }

    /// Goes on with the entry that waits.
    fn answered(&mut self, ticket: Ticket, answer: Result<Vec<u8>, CallFailure>, turn: &mut Turn<'_>) {
        if self.instance.waiting() != Some(ticket) {
            return;
        }
        let came = self.instance.resume(ticket, answer);
        let (asked, place) = self.waiting.take().unwrap_or((Asked::Message, None));
        self.over(asked, came, place, turn);
        if self.instance.waiting().is_none() {
            turn.unstash();
        }
    }
}

impl Actor for Resident {
    type Message = Frame;

    fn handle(&mut self, frame: Frame, turn: &mut Turn<'_>) {
        if self.instance.waiting().is_none() {
            return self.enter(frame.what, frame.place, turn);
        }
        match frame.what {
            What::Answer(ticket, answer) => self.answered(ticket, answer, turn),
            // It is well until the deadline of what it waits for.
            What::Health => self.post.send(News::Said(Incoming::Pong)),
            // It does not wait for its answer any more: its time is over.
            What::Shutdown => {
                self.end = End::Code(0);
                turn.stop();
            }
            what => {
                // The type is this actor's own, so that nothing can come back.
                let _ = turn.stash(Frame { what, place: frame.place });
            }
        }
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        if !self.shared.is_settled() {
            // It never lived: whoever made it tells that.
            return;
        }
        let end = std::mem::replace(&mut self.end, End::Killed);
        self.post.send(News::Left { end, hall: Some(self.hall) });
    }
}

fn name_of(word: Option<&Word>) -> Option<Name> {
    Name::parse(word?.as_str()).ok()
}
