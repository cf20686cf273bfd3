//! A module as an actor: entries are its messages, and what waits for an answer keeps the rest aside.
//!
//! # States
//! ```text
//! free ──entry──► free                    the outcome goes to who asked; what the guest sent is carried on
//!  │  ▲
//!  │  └──Answer── waiting ◄──entry──┘     it called another module: other entries are stashed, in order
//!  └──fault──► told to the courier, and the actor stops: the instance is gone already
//! ```
//! The host's side of the imports ([`crate::Services`]) has no actor context, as it is called from inside of the guest.
//! So it checks and collects there, and the [`Courier`] that shares its outbox carries on what was collected as soon as
//! the entry is over, on the same core and in the same turn.

use actor::bytes::Bytes;
use actor::{Actor, Context as Turn, Reply};

use crate::fault::Fault;
use crate::guest::Answer;
use crate::instance::{Instance, Outcome};
use crate::services::{CallFailure, Ticket};
use crate::state::Context;
use crate::swap::{SwapError, Swapped, swap};

/// What an entry came to, for who asked: the guest's answer, or why its instance fell.
pub type Result = core::result::Result<Answer, Fault>;

/// One thing to be done by a module.
#[derive(Debug)]
pub enum Entry {
    /// `init`.
    Init(Reply<Result>),
    /// `on-message`; nobody waits for its end.
    Message {
        /// The number under which the guest opened the topic.
        topic: u32,
        /// The bytes.
        payload: Bytes,
        /// Sender, trace and deadline, if there is anything to say.
        about: Option<Box<Context>>,
    },
    /// `on-call`.
    Call(Box<Call>),
    /// The answer that the guest waits for.
    Answer(Ticket, core::result::Result<Bytes, CallFailure>),
    /// `health`; one that waits for an answer is well until its deadline.
    Health(Reply<Result>),
    /// Put this instance in the place of the present one, with its state.
    Swap(Box<Instance>, Reply<core::result::Result<Swapped, SwapError>>),
    /// `shutdown`, and the end of the actor.
    Shutdown(Reply<Result>),
}

/// A call of one of the module's services.
#[derive(Debug)]
pub struct Call {
    /// Who calls, trace and deadline.
    pub about: Context,
    /// Which service.
    pub service: String,
    /// What of it.
    pub method: String,
    /// With what.
    pub params: Bytes,
    /// To whom the answer goes.
    pub reply: Reply<Result>,
}

/// The host's other end: carries on what the guest sent, and hears of its fall.
pub trait Courier: Send + 'static {
    /// An entry, or a part of one up to a wait, is over: what it sent is to be carried on now.
    fn carry(&mut self, turn: &mut Turn<'_>);

    /// The instance is gone, and the actor ends after this.
    fn fell(&mut self, fault: &Fault, turn: &mut Turn<'_>);
}

/// An instance with its courier, to be spawned in an actor system.
#[derive(Debug)]
pub struct ModuleActor<C> {
    instance: Instance,
    courier: C,
    /// To whom the answer of the entry goes that waits.
    asked: Option<Reply<Result>>,
}

impl<C: Courier> ModuleActor<C> {
    /// An instance that was made, and the courier that shares the outbox of its services.
    ///
    /// A module of [`crate::Pace::Blocks`] keeps its thread while it waits for files or timers: spawn it on one of
    /// those that the actor system has for blocking work.
    pub fn new(instance: Instance, courier: C) -> Self {
        Self { instance, courier, asked: None }
    }

    /// Ends an entry: carries on what it sent, then tells who asked, then what follows from it.
    fn over(
        &mut self,
        came: core::result::Result<Outcome, Fault>,
        reply: Option<Reply<Result>>,
        turn: &mut Turn<'_>,
    ) {
        self.courier.carry(turn);
        match came {
            Ok(Outcome::Waiting(_)) => self.asked = reply,
            Ok(Outcome::Done(answer)) => {
                if let Some(reply) = reply {
                    reply.send(turn, Ok(answer));
                }
            }
            Err(fault) => {
                if !fault.is_survivable() {
                    self.courier.fell(&fault, turn);
                    turn.stop();
                }
                if let Some(reply) = reply {
                    reply.send(turn, Err(fault));
                }
            }
        }
    }

    /// Goes on with the entry that waits; a late answer to one that is over is dropped.
    fn answered(
        &mut self,
        ticket: Ticket,
        answer: core::result::Result<Bytes, CallFailure>,
        turn: &mut Turn<'_>,
    ) {
        if self.instance.waiting() != Some(ticket) {
            return;
        }
        let came = self.instance.resume(ticket, answer.map(Bytes::into_vec));
        let reply = self.asked.take();
        self.over(came, reply, turn);
        if self.instance.waiting().is_none() {
            turn.unstash();
        }
    }

    /// Does what needs a free instance.
    fn enter(&mut self, entry: Entry, turn: &mut Turn<'_>) {
        match entry {
            Entry::Init(reply) => {
                let came = self.instance.init(Context::default());
                self.over(came, Some(reply), turn);
            }
            Entry::Message { topic, payload, about } => {
                let about = about.map_or_else(Context::default, |about| *about);
                let came = self.instance.message(about, topic, &payload);
                self.over(came, None, turn);
            }
            Entry::Call(call) => {
                let Call { about, service, method, params, reply } = *call;
                let came = self.instance.call(about, &service, &method, &params);
                self.over(came, Some(reply), turn);
            }
            Entry::Answer(ticket, answer) => self.answered(ticket, answer, turn),
            Entry::Health(reply) => {
                let came = self.instance.health(Context::default());
                self.over(came, Some(reply), turn);
            }
            Entry::Swap(new, reply) => {
                let swapped = swap(&mut self.instance, *new, &Context::default());
                self.courier.carry(turn);
                if let Err(SwapError::OldFell(fault)) = &swapped {
                    self.courier.fell(fault, turn);
                    turn.stop();
                }
                reply.send(turn, swapped);
            }
            Entry::Shutdown(reply) => {
                let came = self.instance.shutdown(Context::default());
                self.over(came, Some(reply), turn);
                turn.stop();
            }
        }
    }
}

impl<C: Courier> Actor for ModuleActor<C> {
    type Message = Entry;

    fn handle(&mut self, entry: Entry, turn: &mut Turn<'_>) {
        if self.instance.waiting().is_none() {
            return self.enter(entry, turn);
        }
        match entry {
            Entry::Answer(ticket, answer) => self.answered(ticket, answer, turn),
            Entry::Health(reply) => reply.send(turn, Ok(Answer::Nothing)),
            // It does not wait for its answer any more: its time is over.
            Entry::Shutdown(reply) => {
                reply.send(turn, Ok(Answer::Nothing));
                turn.stop();
            }
            Entry::Init(_) | Entry::Message { .. } | Entry::Call(_) | Entry::Swap(..) => {
                // The type is this actor's own, so that nothing can come back.
                let _ = turn.stash(entry);
            }
        }
    }
}
