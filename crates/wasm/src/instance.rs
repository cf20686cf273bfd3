//! One instance of a module: a value with synchronous entry points, to be used as an actor's state.
//!
//! # States
//! ```text
//!  idle ──entry──► running ──► idle            the answer, or the guest's own error
//!   ▲                 │└─────► waiting         it called another module; resume(ticket, answer) goes on
//!   └──── answer ─────┼───────────┘
//!                     └──────► gone            trap, deadline, limit, exit: the store is dropped at once
//! ```
//! The guest is taken out of the instance before it is entered and put back only after an entry that ended well. So
//! whatever happens, a panic of the host's own code included, what trapped can't be entered again.
//!
//! # Two ways to run
//! wasmtime can call a guest on the caller's stack or on a fiber, a stack of its own that can be left and resumed. A
//! fiber costs more for each entry, and its instance keeps the stack it had last, so only those have one
//! who import something that can wait: `bus.call` and `secrets.read` (see [`Pace::Waits`]), or WASI streams and files
//! ([`Pace::Blocks`]). The latter are run under a timer and need a thread of their own; a wait of theirs is cut at the deadline by dropping
//! the fiber. Everybody else takes the plain path. The linker is one and the same: wasmtime decides by the functions
//! that a component really imports.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::clock::Held;
use crate::engine::{Engine, TICK};
use crate::fault::{EntryPoint, Fault, Frames};
use crate::guest::{Answer, Bytes, Guest, Job, Saved, begin, fault_of};
use crate::limits::{Limits, PAYLOAD_BYTES_MAX, STATE_BYTES_MAX};
use crate::module::{Module, Pace};
use crate::services::{CallFailure, Services, Ticket};
use crate::state::{Context, Identity, Letterbox};
use crate::stop::Stop;

/// 64 KiB of the buffer for payloads are kept between entries; a larger one is given back.
const BUFFER_BYTES_KEPT: usize = 64 << 10;

/// What an entry came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ended.
    Done(Answer),
    /// It called another module: hand the answer to [`Instance::resume`] under this number.
    Waiting(Ticket),
}

/// An entry on its own stack, and the guest that comes back with its end.
type Flight = Pin<Box<dyn Future<Output = (Box<Guest>, wasmtime::Result<Answer>)> + Send>>;

/// An entry on its own stack with what bounds it.
struct Flying {
    flight: Flight,
    entry: EntryPoint,
    deadline: Duration,
    /// When waits for the world are cut; nothing for a guest that has none.
    until: Option<Instant>,
    _clock: Held,
}

enum Body {
    Idle(Box<Guest>),
    Waiting(Flying),
    Gone,
}

/// One life of one module.
pub struct Instance {
    body: Body,
    engine: Engine,
    pace: Pace,
    letterbox: Arc<Letterbox>,
    stop: Stop,
    limits: Limits,
    identity: Identity,
    buffer: Bytes,
    memory_bytes: u64,
}

impl Instance {
    /// Makes an instance and runs its start-up code, within the deadline of one entry.
    ///
    /// # Errors
    /// `Fault::NotMade` when the pool is full or its limits are too small, `Trapped` and `Deadline` from its start-up
    /// code, `WrongThread` for a `Pace::Blocks` module that is made inside of an executor.
    pub fn try_new(
        module: &Module,
        identity: Identity,
        limits: Limits,
        services: Box<dyn Services>,
    ) -> Result<Self, Fault> {
        let (mut store, scribble) = Guest::store(module, identity.clone(), limits, services)?;
        let letterbox = Arc::clone(&store.data().letterbox);
        let stop = store.data().stop.clone();
        let engine = module.engine().clone();
        let guest = {
            let _running = engine.running();
            begin(&mut store, Context::default());
            let made = match module.pace() {
                Pace::Turn => module.pre().instantiate(&mut store),
                Pace::Waits => at_once(module.pre().instantiate_async(&mut store)),
                Pace::Blocks => {
                    let entry = EntryPoint::Instantiate;
                    let (deadline, until) = (limits.deadline, Instant::now() + limits.deadline);
                    let made = module.pre().instantiate_async(&mut store);
                    match in_world((entry, deadline), until, (&letterbox, &stop), made)? {
                        Poll::Ready(made) => made,
                        Poll::Pending => Err(wasmtime::Error::msg(WAITED_TOO_EARLY)),
                    }
                }
            };
            let made = made.map_err(|error| fault_of(&store, &error, EntryPoint::Instantiate))?;
            Guest::of(module, &made, store, scribble)
                .map_err(|error| Fault::NotMade { what: error.to_string(), bound: None })?
        };
        let memory_bytes = guest.store.data().limiter.memory_bytes();
        let (pace, buffer) = (module.pace(), Bytes::default());
        let body = Body::Idle(Box::new(guest));
        Ok(Self { body, engine, pace, letterbox, stop, limits, identity, buffer, memory_bytes })
    }

    /// `init`.
    ///
    /// # Errors
    /// Any `Fault` but `Oversize`; the instance is gone unless [`Fault::is_survivable`].
    pub fn init(&mut self, context: Context) -> Result<Outcome, Fault> {
        self.enter(context, Job::Init)
    }

    /// `on-message`, for a topic by the number under which the guest opened it.
    ///
    /// # Errors
    /// Any `Fault`; `Oversize` above 1 MiB.
    pub fn message(&mut self, context: Context, topic: u32, payload: &[u8]) -> Result<Outcome, Fault> {
        let payload = self.bytes(payload, PAYLOAD_BYTES_MAX)?;
        self.enter(context, Job::Message(topic, payload))
    }

    /// `on-call`.
    ///
    /// # Errors
    /// Any `Fault`; `Oversize` above 1 MiB.
    pub fn call(
        &mut self,
        context: Context,
        service: &str,
        method: &str,
        params: &[u8],
    ) -> Result<Outcome, Fault> {
        let params = self.bytes(params, PAYLOAD_BYTES_MAX)?;
        self.enter(context, Job::Call(service.to_owned(), method.to_owned(), params))
    }

    /// `health`.
    ///
    /// # Errors
    /// Any `Fault` but `Oversize`.
    pub fn health(&mut self, context: Context) -> Result<Outcome, Fault> {
        self.enter(context, Job::Health)
    }

    /// `save-state`.
    ///
    /// # Errors
    /// Any `Fault` but `Oversize`; `Answer` above 16 MiB.
    pub fn save(&mut self, context: Context) -> Result<Outcome, Fault> {
        self.enter(context, Job::Save)
    }

    /// `restore-state`.
    ///
    /// # Errors
    /// Any `Fault`; `Oversize` above 16 MiB.
    pub fn restore(&mut self, context: Context, saved: &Saved) -> Result<Outcome, Fault> {
        let data = self.bytes(&saved.data, STATE_BYTES_MAX)?;
        self.enter(context, Job::Restore(saved.version, data))
    }

    /// `shutdown`.
    ///
    /// # Errors
    /// Any `Fault` but `Oversize`.
    pub fn shutdown(&mut self, context: Context) -> Result<Outcome, Fault> {
        self.enter(context, Job::Shutdown)
    }

    /// Hands over the answer that it waits for, and goes on. An answer that says `Timeout` after the entry's deadline
    /// ends the instance, as the entry is over.
    ///
    /// # Errors
    /// `NotWaiting` when no answer is waited for under that number; else as the entry that waits.
    pub fn resume(&mut self, ticket: Ticket, answer: Result<Vec<u8>, CallFailure>) -> Result<Outcome, Fault> {
        match &self.body {
            Body::Waiting(_) if self.letterbox.waiting() == Some(ticket) => {}
            Body::Gone => return Err(Fault::Gone),
            Body::Waiting(_) | Body::Idle(_) => return Err(Fault::NotWaiting),
        }
        self.letterbox.put(answer);
        let Body::Waiting(flying) = self.take() else {
            return Err(Fault::NotWaiting);
        };
        self.fly(flying)
    }

    /// The call whose answer it waits for.
    pub fn waiting(&self) -> Option<Ticket> {
        match self.body {
            Body::Waiting(_) => self.letterbox.waiting(),
            Body::Idle(_) | Body::Gone => None,
        }
    }

    /// Whether it was dropped after a fault.
    pub fn is_gone(&self) -> bool {
        matches!(self.body, Body::Gone)
    }

    /// Ends the entry that runs, and every later one, from another thread: the instance falls as past its deadline.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Bytes of linear memory after the last entry; 0 when it is gone.
    pub fn memory_bytes(&self) -> u64 {
        if self.is_gone() { 0 } else { self.memory_bytes }
    }

    fn take(&mut self) -> Body {
        std::mem::replace(&mut self.body, Body::Gone)
    }

    /// A copy of a payload in the buffer that is used for all of them.
    fn bytes(&mut self, payload: &[u8], max: usize) -> Result<Bytes, Fault> {
        if payload.len() > max {
            return Err(Fault::Oversize { bytes: payload.len(), max });
        }
        match Arc::get_mut(&mut self.buffer) {
            Some(buffer) if buffer.capacity() <= BUFFER_BYTES_KEPT => {
                buffer.clear();
                buffer.extend_from_slice(payload);
            }
            // It was large, or an entry that waits still holds it.
            _ => self.buffer = Arc::new(payload.to_vec()),
        }
        Ok(Arc::clone(&self.buffer))
    }

    fn enter(&mut self, context: Context, job: Job) -> Result<Outcome, Fault> {
        let entry = job.entry();
        let mut guest = match self.take() {
            Body::Idle(guest) => guest,
            Body::Gone => return Err(Fault::Gone),
            waiting @ Body::Waiting(_) => {
                self.body = waiting;
                return Err(Fault::Busy);
            }
        };
        if self.pace == Pace::Blocks && tokio::runtime::Handle::try_current().is_ok() {
            self.body = Body::Idle(guest);
            return Err(Fault::WrongThread { entry });
        }
        if self.pace != Pace::Turn {
            let flying = self.depart(guest, context, job);
            return self.fly(flying);
        }
        // A copy of the engine's handle would cost two atomic steps; the borrow must end before the guest is put back.
        let result = {
            let _running = self.engine.running();
            guest.begin(context);
            guest.enter(job)
        };
        self.land(guest, entry, result)
    }

    /// Prepares an entry on a stack of its own.
    fn depart(&self, mut guest: Box<Guest>, context: Context, job: Job) -> Flying {
        let entry = job.entry();
        let own = context.deadline_ms.map(Duration::from_millis);
        let deadline = own.map_or(self.limits.deadline, |own| own.min(self.limits.deadline));
        // A few ticks more than the guest's own clock, so that one which computes is ended there, with its frames.
        let until =
            if self.pace == Pace::Blocks { Instant::now().checked_add(deadline + 4 * TICK) } else { None };
        let clock = self.engine.hold();
        guest.begin(context);
        let flight = Box::pin(async move {
            let result = guest.enter_async(job).await;
            (guest, result)
        });
        Flying { flight, entry, deadline, until, _clock: clock }
    }

    /// Runs an entry on its own stack until it ends or waits for an answer.
    fn fly(&mut self, mut flying: Flying) -> Result<Outcome, Fault> {
        let Flying { entry, deadline, .. } = flying;
        let flight = flying.flight.as_mut();
        let polled = match flying.until {
            Some(until) => in_world((entry, deadline), until, (&self.letterbox, &self.stop), flight)?,
            None => flight.poll(&mut std::task::Context::from_waker(Waker::noop())),
        };
        match polled {
            Poll::Ready((guest, result)) => self.land(guest, entry, result),
            Poll::Pending => match self.letterbox.waiting() {
                Some(ticket) => {
                    self.body = Body::Waiting(flying);
                    Ok(Outcome::Waiting(ticket))
                }
                None => Err(lost(entry)),
            },
        }
    }

    /// Takes the guest back, unless its entry ended in a fault.
    fn land(
        &mut self,
        mut guest: Box<Guest>,
        entry: EntryPoint,
        result: wasmtime::Result<Answer>,
    ) -> Result<Outcome, Fault> {
        let answer = guest.finish(entry, result)?;
        self.memory_bytes = guest.store.data().limiter.memory_bytes();
        self.body = Body::Idle(guest);
        Ok(Outcome::Done(answer))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match self.body {
            Body::Idle(_) => "idle",
            Body::Waiting(_) => "waiting",
            Body::Gone => "gone",
        };
        f.debug_struct("Instance")
            .field("identity", &self.identity)
            .field("body", &body)
            .finish_non_exhaustive()
    }
}

const WAITED_TOO_EARLY: &str = "its start-up code called another module, which only entries may";

fn lost(entry: EntryPoint) -> Fault {
    let what = "it waits for something that can't come here".to_owned();
    Fault::Trapped { entry, what, frames: Frames::default(), bound: None }
}

/// Runs what has to end without a wait.
fn at_once<T>(work: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    let mut work = std::pin::pin!(work);
    match work.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::Error::msg(WAITED_TOO_EARLY)),
    }
}

thread_local! {
    /// Timers for the guests of this thread; made for the first one.
    static EXECUTOR: std::io::Result<tokio::runtime::Runtime> =
        tokio::runtime::Builder::new_current_thread().enable_time().build();
}

/// Runs `work` on this thread, waits for timers and files included, until it ends, waits for an answer, is late, or is
/// stopped.
fn in_world<T>(
    (entry, deadline): (EntryPoint, Duration),
    until: Instant,
    (letterbox, stop): (&Letterbox, &Stop),
    work: impl Future<Output = T>,
) -> Result<Poll<T>, Fault> {
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(Fault::WrongThread { entry });
    }
    let mut work = std::pin::pin!(work);
    let mut stopped = std::pin::pin!(stop.until_wanted());
    let until_waiting = std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(result) => Poll::Ready(Some(Poll::Ready(result))),
        Poll::Pending if letterbox.waiting().is_some() => Poll::Ready(Some(Poll::Pending)),
        Poll::Pending => stopped.as_mut().poll(cx).map(|()| None),
    });
    let late = || Fault::Deadline { entry, deadline, frames: Frames::default() };
    EXECUTOR.with(|executor| match executor {
        Ok(executor) => executor
            .block_on(async { tokio::time::timeout_at(until.into(), until_waiting).await })
            .ok()
            .flatten()
            .ok_or_else(late),
        Err(error) => Err(Fault::NotMade { what: format!("no timer can be made: {error}"), bound: None }),
    })
}
