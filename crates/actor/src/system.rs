//! A system of actors as seen from outside: building it, sending to its actors from any thread, looking at it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::address::{Addr, Address, LOW_BYTE, Rights};
use crate::commons::Commons;
use crate::inject::Inject;
use crate::kind::{Actor, kind_number, kind_of};
use crate::life::{Reason, Warden};
use crate::lock::Lock;
use crate::message::{EMPTY, Header, Lane, Line, put, tag_of};
use crate::park::Sleeper;
use crate::platform::{Core, Platform};
use crate::ring::ring;
use crate::send::{Refusal, Refused, Sent};
use crate::shard::control::Control;
use crate::shard::{Shard, Spawn};
use crate::shared::{Config, Counters, Places, Port, Shared, phase};
use crate::statistics::{ActorStatistics, CoreStatistics};
use crate::sync::Arc;
use crate::table::{OVERLOADED, OWNER, Table};
use crate::tracing::Envelope;

/// A handle to a system; cheap to copy, usable from any thread.
#[derive(Clone)]
pub struct System {
    shared: Arc<Shared>,
    control_tag: u32,
}

/// Builds a system: a handle, and one shard per core, which somebody must drive.
///
/// [`crate::hosted`], [`crate::pumped`] and [`crate::dice`] do both; this is the way for other drivers.
pub fn assemble<P: Platform + 'static>(
    config: Config,
    platform: P,
    mut wardens: impl FnMut(Core) -> Box<dyn Warden>,
) -> (System, Vec<Shard>) {
    let config = config.kept_in_range();
    let (cores, entries) = (config.cores, config.ring_entries);
    let port = || {
        let outside = Lock::new(Places::default());
        Port { sleeper: Sleeper::new(), inject: Inject::new(), counters: Counters::default(), outside }
    };
    let (commons, books) = Commons::new(cores);
    let shared = Arc::new(Shared {
        table: Table::new(config.actors_max),
        ports: (0..cores).map(|_| port()).collect(),
        ground: Box::new(platform),
        phase: AtomicU8::new(phase::RUNNING),
        envelope_tag: tag_of::<Box<Envelope>>(),
        grace: crate::grace::Grace::new(),
        commons,
        config,
    });
    let mut producers: Vec<Vec<_>> = (0..cores).map(|_| Vec::with_capacity(cores)).collect();
    let mut consumers: Vec<Vec<_>> = (0..cores).map(|_| Vec::with_capacity(cores)).collect();
    for (from, out) in producers.iter_mut().enumerate() {
        for (to, incoming) in consumers.iter_mut().enumerate() {
            let (producer, consumer) = if from == to { (None, None) } else { Some(ring(entries)).unzip() };
            out.push(producer);
            incoming.push(consumer);
        }
    }
    let ends = producers.into_iter().zip(consumers);
    let shard = |(core, (out, incoming)): (usize, (Vec<_>, Vec<_>))| {
        Shard::new(core as u32, shared.clone(), out, incoming, wardens(Core(core as u8)))
    };
    let mut shards: Vec<_> = ends.enumerate().map(shard).collect();
    for (shard, book) in shards.iter_mut().zip(books) {
        shard.bonds.dead = Some(book.dead);
        (shard.happenings, shard.spans) = (Some(book.happenings), Some(book.spans));
    }
    (System { shared, control_tag: tag_of::<Control>() }, shards)
}

impl System {
    /// Sends from outside. Does not block; a few hundred nanoseconds and an allocation.
    ///
    /// # Errors
    /// The message with the reason: [`Refusal::Full`] when the receiver is congested or too much is waiting for its
    /// core, [`Refusal::Closed`] when the system shuts down, [`Refusal::Gone`], [`Refusal::Forbidden`].
    pub fn send<M: Send + 'static>(&self, to: Address<M>, message: M) -> Result<Sent, Refused<M>> {
        self.send_as(to, message, |tag, message| (tag, message))
    }

    /// Sends what `wrap` makes of the message and of its tag, which is the tag of what it gives.
    pub(crate) fn send_as<M: Send + 'static, W: Send + 'static>(
        &self,
        to: Address<M>,
        message: M,
        wrap: impl FnOnce(u32, M) -> (u32, W),
    ) -> Result<Sent, Refused<M>> {
        let _inside = self.shared.grace.enter();
        let actor = self.shared.resolve(to.addr());
        match actor.and_then(|actor| Ok((self.admit(actor, Lane::Normal)?, actor))) {
            Ok((core, actor)) => {
                let (tag, message) = wrap(to.tag(), message);
                self.inject(core, actor, tag, Lane::Normal, message);
                Ok(Sent::Taken)
            }
            Err(why) => Err(Refused { why, message }),
        }
    }

    /// Spawns from outside; `how` may name a core, the first one otherwise. The address can be used at once.
    ///
    /// # Errors
    /// [`Refusal::Full`] when the system has as many actors as it may, [`Refusal::Gone`] when there is no such core,
    /// [`Refusal::Closed`] when it shuts down.
    pub fn spawn<A: Actor>(&self, how: Spawn, actor: A) -> Result<Address<A::Message>, Refusal> {
        if !self.shared.is_open() {
            return Err(Refusal::Closed);
        }
        let owner = how.core().map_or(0, Core::index);
        let Some(port) = self.shared.ports.get(owner) else { return Err(Refusal::Gone) };
        let _inside = self.shared.grace.enter();
        let kind = kind_number(kind_of::<A>());
        let addr =
            crate::shard::furnish(&self.shared, &mut port.outside.lock(), kind, how, owner as u32, actor)?;
        self.inject(owner, addr, self.control_tag, Lane::System, Control::Adopt);
        Ok(Address::new(addr, tag_of::<A::Message>()))
    }

    /// Asks an actor to end when it has handled what was sent to it before.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::STOP`], [`Refusal::Gone`].
    pub fn stop(&self, actor: Addr) -> Result<(), Refusal> {
        self.order(actor, Rights::STOP, Lane::Normal, Control::End(Reason::Stopped))
    }

    /// Ends an actor before its next message.
    ///
    /// # Errors
    /// As of [`System::stop`].
    pub fn kill(&self, actor: Addr) -> Result<(), Refusal> {
        self.order(actor, Rights::STOP, Lane::System, Control::End(Reason::Killed))
    }

    /// Lets an actor's messages wait until it is resumed.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] without [`Rights::PAUSE`], [`Refusal::Gone`].
    pub fn suspend(&self, actor: Addr) -> Result<(), Refusal> {
        self.order(actor, Rights::PAUSE, Lane::System, Control::Suspend)
    }

    /// Ends a suspension.
    ///
    /// # Errors
    /// As of [`System::suspend`].
    pub fn resume(&self, actor: Addr) -> Result<(), Refusal> {
        self.order(actor, Rights::PAUSE, Lane::System, Control::Resume)
    }

    /// An actor's numbers; none when the address is stale.
    pub fn statistics(&self, actor: Addr) -> Option<ActorStatistics> {
        let actor = self.shared.resolve(actor).ok()?;
        self.shared.actor_at(actor.index()).filter(|found| found.actor.is_same_actor(actor))
    }

    /// All actors that live now, in the order of their places. Stops nothing; costs a look at each place.
    pub fn actors(&self) -> impl Iterator<Item = ActorStatistics> {
        (0..self.shared.table.places()).filter_map(|index| self.shared.actor_at(index))
    }

    /// A core's numbers; none when there is no such core.
    pub fn core_statistics(&self, core: Core) -> Option<CoreStatistics> {
        self.shared.core_statistics(core)
    }

    /// How many cores there are.
    pub fn cores(&self) -> usize {
        self.shared.ports.len()
    }

    /// Accepts no messages and no actors from outside any more, but for orders; the actors work on, and send and spawn as
    /// they like. A first step to [`System::close`].
    pub fn drain(&self) {
        let _ = self.shared.phase.compare_exchange(
            phase::RUNNING,
            phase::DRAINING,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
    }

    /// Tells all cores to end their actors and to stop. Whoever drives them sees it at the end of the turn.
    pub fn close(&self) {
        self.shared.phase.store(phase::STOPPING, Ordering::Release);
        for core in 0..self.shared.ports.len() {
            self.shared.wake(core);
        }
    }

    /// What all cores and threads share.
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// As `order`, for the runtime itself.
    pub(crate) fn signal(&self, actor: Addr, order: Control) -> Result<(), Refusal> {
        let actor = self.shared.resolve(actor)?;
        let actor = Addr::from_word(actor.index(), actor.word());
        let _inside = self.shared.grace.enter();
        let core = self.admit(actor, Lane::System)?;
        self.inject(core, actor, self.control_tag, Lane::System, order);
        Ok(())
    }

    pub(crate) fn order(
        &self,
        actor: Addr,
        right: Rights,
        lane: Lane,
        order: Control,
    ) -> Result<(), Refusal> {
        let actor = self.shared.resolve(actor)?;
        if !actor.rights().contains(right) {
            return Err(Refusal::Forbidden);
        }
        let actor = Addr::from_word(actor.index(), actor.word());
        let _inside = self.shared.grace.enter();
        let core = self.admit(actor, if lane == Lane::System { lane } else { Lane::Critical })?;
        self.inject(core, actor, self.control_tag, lane, order);
        Ok(())
    }

    /// The checks of a send; the owner's core if it may go. Only ordinary messages are bounded.
    fn admit(&self, to: Addr, lane: Lane) -> Result<usize, Refusal> {
        if !to.rights().contains(Rights::SEND) {
            return Err(Refusal::Forbidden);
        }
        // Orders are accepted until the end: they are how one gets there.
        if self.shared.is_stopping() || lane == Lane::Normal && !self.shared.is_open() {
            return Err(Refusal::Closed);
        }
        let route =
            self.shared.table.view().route(to.index()).map_or(0, |route| route.load(Ordering::Acquire));
        if route & !LOW_BYTE != to.word() {
            return Err(Refusal::Gone);
        }
        let core = (route & OWNER) as usize;
        let Some(port) = self.shared.ports.get(core) else { return Err(Refusal::Gone) };
        if lane == Lane::Normal && (route & OVERLOADED != 0 || port.inject.is_full()) {
            return Err(Refusal::Full);
        }
        Ok(core)
    }

    /// `tag` is that of `M`: private, so that each caller can be looked at.
    fn inject<M: Send + 'static>(&self, core: usize, to: Addr, tag: u32, lane: Lane, message: M) {
        let header = Header { dst: to.index(), meta: to.word() | lane as u32, tag };
        let mut line = Line::new(header, EMPTY);
        // SAFETY: the payload is ours.
        unsafe { put(line.payload.as_mut_ptr().cast(), message) };
        self.shared.ports[core].inject.push(line);
        self.shared.wake(core);
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "System of {} cores", self.cores())
    }
}
