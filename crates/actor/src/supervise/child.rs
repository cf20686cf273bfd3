//! What a supervisor knows of a child: how it is started, whether it is started again, how it is stopped.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::{Supervise, Supervisor};
use crate::address::{Addr, Address};
use crate::contain::contain;
use crate::context::Context;
use crate::kind::Actor;
use crate::life::Reason;
use crate::name::Name;
use crate::send::Refusal;
use crate::shard::Spawn;
use crate::shard::bonds::bare;
use crate::shard::fate::Outcome;

/// Whether a child that has ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Always.
    #[default]
    Permanent,
    /// After an abnormal end, see [`Reason::is_abnormal`].
    Transient,
    /// Never; it is forgotten.
    Temporary,
}

/// How a child is ended when its supervisor stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Before its next message.
    Kill,
    /// Behind what was sent to it before; killed when that takes longer.
    Within(Duration),
}

impl Default for Shutdown {
    /// Five seconds, as long as people wait.
    fn default() -> Self {
        Self::Within(Duration::from_secs(5))
    }
}

/// How long to wait before a child is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    /// Before the first restart; twice as long before each further one within the budget's period. Zero: at once.
    pub first: Duration,
    /// Never longer than this.
    pub longest: Duration,
}

impl Backoff {
    /// Before the restart with this number, from 1.
    pub(super) fn delay(self, restart: usize) -> Duration {
        let doubled = u32::try_from(restart.saturating_sub(1)).unwrap_or(u32::MAX).min(31);
        self.first.saturating_mul(1 << doubled).min(self.longest.max(self.first))
    }
}

/// Why a child could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unstarted {
    Refused(Refusal),
    Panicked,
}

/// What a child is sent when it is to stop behind its messages.
pub(super) enum Ask {
    Actor,
    Supervisor(Address<Supervise>),
}

/// A child that was started.
pub(super) struct Started {
    pub(super) actor: Addr,
    /// Of its messages.
    pub(super) tag: u32,
    pub(super) ask: Ask,
}

type Start = Box<dyn FnMut(&mut Context<'_>, Spawn) -> Result<Started, Unstarted> + Send>;

/// A child to be.
///
/// ```
/// use actor::{Actor, Context, Name};
/// use actor::supervise::{Child, Persistence};
///
/// struct Clock;
/// impl Actor for Clock {
///     type Message = ();
///     fn handle(&mut self, (): (), _ctx: &mut Context<'_>) {}
/// }
///
/// let name = Name::parse("clock").expect("it is short");
/// let child = Child::new(name, || Clock).persistent(Persistence::Transient);
/// assert_eq!(child.name(), name);
/// ```
pub struct Child {
    pub(super) name: Name,
    pub(super) persistence: Persistence,
    pub(super) shutdown: Shutdown,
    pub(super) backoff: Backoff,
    pub(super) spawn: Spawn,
    start: Start,
}

impl Child {
    /// A child that `make` makes, now and whenever it is started again. It lives on its supervisor's core.
    pub fn new<A: Actor>(name: Name, make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        Self::with(name, make, |_| Ask::Actor)
    }

    /// A child that is a supervisor itself: stopping it means stopping its children in their order.
    pub fn supervisor(name: Name, make: impl Fn() -> Supervisor + Send + Sync + 'static) -> Self {
        Self::with(name, make, Ask::Supervisor)
    }

    fn with<A: Actor>(
        name: Name,
        make: impl Fn() -> A + Send + Sync + 'static,
        ask: impl Fn(Address<A::Message>) -> Ask + Send + 'static,
    ) -> Self {
        let make = Arc::new(make);
        let start = Box::new(move |ctx: &mut Context<'_>, how: Spawn| {
            let again = make.clone();
            let mut started = Err(Unstarted::Panicked);
            let outcome = contain(|| {
                started = ctx.spawn_restartable(how, move || again()).map_err(Unstarted::Refused);
            });
            match outcome {
                Outcome::Returned => started.map(|address| Started {
                    actor: bare(address.addr()),
                    tag: address.tag(),
                    ask: ask(address),
                }),
                Outcome::Panicked => Err(Unstarted::Panicked),
            }
        });
        let (persistence, shutdown) = (Persistence::default(), Shutdown::default());
        Self { name, persistence, shutdown, backoff: Backoff::default(), spawn: Spawn::default(), start }
    }

    /// Whether it is started again; always, if nothing is said.
    #[must_use]
    pub const fn persistent(mut self, persistence: Persistence) -> Self {
        self.persistence = persistence;
        self
    }

    /// How it is stopped; within five seconds, if nothing is said.
    #[must_use]
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// How long to wait before it is started again; not at all, if nothing is said.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Its bound and the like. A core is not heeded.
    #[must_use]
    pub const fn spawned(mut self, spawn: Spawn) -> Self {
        self.spawn = spawn;
        self
    }

    /// What it is called among its siblings; also in the registry, as long as it lives.
    pub const fn name(&self) -> Name {
        self.name
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_>) -> Result<Started, Unstarted> {
        (self.start)(ctx, self.spawn)
    }

    /// Whether an end for this reason calls for a new start.
    pub(super) const fn wants_restart(&self, reason: Reason) -> bool {
        match self.persistence {
            Persistence::Permanent => true,
            Persistence::Transient => reason.is_abnormal(),
            Persistence::Temporary => false,
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Child({}, {:?})", self.name, self.persistence)
    }
}
