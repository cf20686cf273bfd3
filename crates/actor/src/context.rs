//! What a handler can do: send, ask, spawn, set timers, stop.

use core::time::Duration;

use crate::address::{Addr, Address, Rights};
use crate::ask::{AskError, Reply};
use crate::kind::Actor;
use crate::life::{Reason, Verdict};
use crate::message::{EMPTY, Header, Lane, Line, put};
use crate::platform::Core;
use crate::send::{Refusal, Refused, Sent};
use crate::shard::control::Control;
use crate::shard::{Shard, Spawn, TimerId, Urgency, Waits};

/// The actor that runs, and its core. Valid for one message.
pub struct Context<'a> {
    shard: &'a mut Shard,
}

impl<'a> Context<'a> {
    #[inline(always)]
    pub(crate) fn new(shard: &'a mut Shard) -> Self {
        Self { shard }
    }

    /// For what the rooms of this crate add to a context.
    pub(crate) const fn shard(&mut self) -> &mut Shard {
        self.shard
    }

    /// Sends. A congested receiver takes it as well, up to four times its bound, and says so: see [`Sent`].
    ///
    /// # Errors
    /// [`Refusal::Gone`], [`Refusal::Forbidden`]; [`Refusal::Full`] far beyond the bound. The message is dropped.
    #[inline(always)]
    pub fn send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<Sent, Refusal> {
        self.send_in(Lane::Normal, to, message)
    }

    /// Sends without wanting to know what becomes of it: as [`Context::send`], but a message that is not accepted is
    /// dropped and counted, as a dead letter or with what its receiver refused. Keeps its order with everything else
    /// that this actor sends. Between very many actors this is quicker, because nothing is waited for.
    #[inline(always)]
    pub fn tell<M: Send + 'static>(&mut self, to: Address<M>, message: M) {
        // SAFETY: an address carries the tag of its type.
        unsafe { self.shard.tell(to.addr(), to.tag(), message) }
    }

    /// Sends in a certain lane. Order is kept within a lane only. [`Lane::System`] counts as [`Lane::Critical`].
    ///
    /// # Errors
    /// As of [`Context::send`].
    #[inline(always)]
    pub fn send_in<M: Send + 'static>(
        &mut self,
        lane: Lane,
        to: Address<M>,
        message: M,
    ) -> Result<Sent, Refusal> {
        let lane = lane.max(Lane::Critical);
        // SAFETY: an address carries the tag of its type.
        unsafe { self.shard.send(to.addr(), to.tag(), lane, Urgency::Insist, message) }
            .map_err(|(why, _)| why)
    }

    /// Sends if the receiver's queue is within its bound.
    ///
    /// # Errors
    /// As of [`Context::send`], with the message; [`Refusal::Full`] at the bound.
    #[inline]
    pub fn try_send<M: Send + 'static>(&mut self, to: Address<M>, message: M) -> Result<Sent, Refused<M>> {
        // SAFETY: an address carries the tag of its type.
        unsafe { self.shard.send(to.addr(), to.tag(), Lane::Normal, Urgency::Try, message) }
            .map_err(|(why, message)| Refused { why, message })
    }

    /// Asks: `question` makes the message around the reply handle, and what comes of it within `within` comes back as
    /// the message of one's own that `map` makes.
    ///
    /// ```
    /// use core::time::Duration;
    /// use actor::{Actor, Address, AskError, Context, Reply};
    ///
    /// struct Asker(Address<Reply<u64>>);
    /// enum Heard { Begin, Answer(Result<u64, AskError>) }
    ///
    /// impl Actor for Asker {
    ///     type Message = Heard;
    ///     fn handle(&mut self, message: Heard, ctx: &mut Context<'_>) {
    ///         match message {
    ///             Heard::Begin => drop(ctx.ask(self.0, Duration::from_secs(1), |reply| reply, Heard::Answer)),
    ///             Heard::Answer(_) => ctx.stop(),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As of [`Context::try_send`]; also [`Refusal::Forbidden`] when `M` is not the asker's message type.
    pub fn ask<R: Send + 'static, Q: Send + 'static, M: Send + 'static>(
        &mut self,
        to: Address<Q>,
        within: Duration,
        question: impl FnOnce(Reply<R>) -> Q,
        map: impl FnOnce(Result<R, AskError>) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        self.shard.ask(to, within, Waits::Working, question, map)
    }

    /// As [`Context::ask`], and until the answer or the deadline the asker's other messages wait.
    ///
    /// # Errors
    /// As of [`Context::ask`].
    pub fn ask_and_hold<R: Send + 'static, Q: Send + 'static, M: Send + 'static>(
        &mut self,
        to: Address<Q>,
        within: Duration,
        question: impl FnOnce(Reply<R>) -> Q,
        map: impl FnOnce(Result<R, AskError>) -> M + Send + 'static,
    ) -> Result<(), Refusal> {
        self.shard.ask(to, within, Waits::Holding, question, map)
    }

    pub(crate) fn send_answer<R: Send + 'static>(
        &mut self,
        to: Addr,
        ticket: u64,
        tag: u32,
        lane: Lane,
        answer: R,
    ) {
        self.shard.send_answer(to, ticket, tag, lane, answer);
    }

    /// Spawns on this core.
    ///
    /// # Errors
    /// [`Refusal::Full`] when the system has as many actors as it may.
    #[inline]
    pub fn spawn<A: Actor>(&mut self, actor: A) -> Result<Address<A::Message>, Refusal> {
        self.shard.spawn(Spawn::default(), actor)
    }

    /// Spawns as `how` says. The address can be used at once, also when the actor lives on another core.
    ///
    /// # Errors
    /// [`Refusal::Full`] as of [`Context::spawn`], [`Refusal::Gone`] when there is no such core.
    pub fn spawn_with<A: Actor>(&mut self, how: Spawn, actor: A) -> Result<Address<A::Message>, Refusal> {
        self.shard.spawn(how, actor)
    }

    /// Spawns an actor that `make` makes, now and after each panic that the warden answers with a restart. Lives on
    /// this core. Address and queue stay over a restart; the message that panicked is lost.
    ///
    /// # Errors
    /// As of [`Context::spawn`].
    pub fn spawn_restartable<A: Actor>(
        &mut self,
        how: Spawn,
        make: impl FnMut() -> A + Send + 'static,
    ) -> Result<Address<A::Message>, Refusal> {
        self.shard.spawn_again(how, make)
    }

    /// The actor's own address, when `M` is its message type.
    pub fn this<M: Send + 'static>(&mut self) -> Option<Address<M>> {
        self.shard.this()
    }

    /// The actor's own address without its type. Without rights in a warden, which is no actor.
    pub fn addr(&self) -> Addr {
        self.shard.current_addr()
    }

    /// Which core this is.
    pub fn core(&self) -> Core {
        self.shard.core()
    }

    /// The lane of the message that is being handled.
    pub fn lane(&self) -> Lane {
        self.shard.current.lane
    }

    /// The time in nanoseconds of the platform's clock, as of the last time that this core looked: some hundred
    /// messages ago at most.
    pub fn now(&self) -> u64 {
        self.shard.now
    }

    /// A pseudo-random number of this core's sequence; the same in each run in deterministic mode.
    pub fn random(&mut self) -> u64 {
        self.shard.draw()
    }

    /// Ends this actor when the handler has returned. Messages behind this one are dead letters.
    pub fn stop(&mut self) {
        self.shard.stop_current();
    }

    /// Ends the turn of this lane when the handler has returned: others are looked after first.
    pub fn yield_now(&mut self) {
        self.shard.yield_current();
    }

    /// Asks an actor to end when it has handled what was sent to it before.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::STOP`], [`Refusal::Gone`].
    pub fn stop_other(&mut self, actor: Addr) -> Result<(), Refusal> {
        self.shard.order(actor, Rights::STOP, Lane::Normal, Control::End(Reason::Stopped))
    }

    /// Ends an actor before its next message.
    ///
    /// # Errors
    /// As of [`Context::stop_other`].
    pub fn kill(&mut self, actor: Addr) -> Result<(), Refusal> {
        self.shard.order(actor, Rights::STOP, Lane::System, Control::End(Reason::Killed))
    }

    /// Lets an actor's messages wait until it is resumed.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::PAUSE`], [`Refusal::Gone`].
    pub fn suspend(&mut self, actor: Addr) -> Result<(), Refusal> {
        self.shard.order(actor, Rights::PAUSE, Lane::System, Control::Suspend)
    }

    /// Ends a suspension: what waited is handled first, in order.
    ///
    /// # Errors
    /// As of [`Context::suspend`].
    pub fn resume(&mut self, actor: Addr) -> Result<(), Refusal> {
        self.shard.order(actor, Rights::PAUSE, Lane::System, Control::Resume)
    }

    /// Decides about an actor whose failure was answered with [`Verdict::Wait`].
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::MANAGE`], [`Refusal::Gone`].
    pub fn decide(&mut self, actor: Addr, verdict: Verdict) -> Result<(), Refusal> {
        self.shard.order(actor, Rights::MANAGE, Lane::System, Control::Decide(verdict))
    }

    /// Puts a message of one's own aside until [`Context::unstash`]. Resuming after a suspension gives it back as well.
    ///
    /// # Errors
    /// The message, when `M` is not the actor's message type.
    pub fn stash<M: Send + 'static>(&mut self, message: M) -> Result<(), M> {
        let Some(this) = self.this::<M>() else { return Err(message) };
        let addr = this.addr();
        let header = Header { dst: addr.index(), meta: addr.word() | self.lane() as u32, tag: this.tag() };
        let mut line = Line::new(header, EMPTY);
        // SAFETY: the payload is ours.
        unsafe { put(line.payload.as_mut_ptr().cast(), message) };
        self.shard.stash(line);
        Ok(())
    }

    /// Gives this actor what it has stashed, before any newer message.
    pub fn unstash(&mut self) {
        self.shard.unstash();
    }

    /// Sends when `delay` has passed.
    ///
    /// # Errors
    /// [`Refusal::Full`] when this core has as many timers as it may.
    pub fn send_after<M: Send + 'static>(
        &mut self,
        delay: Duration,
        to: Address<M>,
        message: M,
    ) -> Result<TimerId, Refusal> {
        self.shard.send_after(delay, to, message)
    }

    /// Sends what `make` gives each `period`, 10 µs at least, until it is cancelled or the receiver ends. A period in
    /// which the receiver's queue is full is left out.
    ///
    /// # Errors
    /// As of [`Context::send_after`].
    pub fn send_every<M: Send + 'static>(
        &mut self,
        period: Duration,
        to: Address<M>,
        make: impl FnMut() -> M + Send + 'static,
    ) -> Result<TimerId, Refusal> {
        self.shard.send_every(period, to, make)
    }

    /// Cancels a timer; whether it was still to come. For one that was set on another core, before the actor moved, the
    /// order goes there and this says true, although the timer may just go off.
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        self.shard.cancel(timer)
    }
}

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Context of {:?} on core {}", self.addr(), self.shard.core)
    }
}
