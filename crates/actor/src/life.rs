//! Why actors end, and who decides what happens to one that panicked.

use crate::address::Addr;

/// Why an actor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It asked for it itself, or somebody with the right asked it to.
    Stopped,
    /// It was killed; messages before it were not waited for.
    Killed,
    /// Its handler panicked and it was not restarted.
    Panicked,
    /// The system shuts down.
    Shutdown,
    /// It exceeded a quota.
    Quota,
    /// One that it was linked to ended abnormally.
    Linked,
    /// It had ended before anybody asked.
    Gone,
    /// Its supervisor makes it anew; address and queue stay.
    Restarting,
    /// It is a supervisor whose children failed more often than they may.
    Escalated,
}

impl Reason {
    const ALL: [Self; 9] = [
        Self::Stopped,
        Self::Killed,
        Self::Panicked,
        Self::Shutdown,
        Self::Quota,
        Self::Linked,
        Self::Gone,
        Self::Restarting,
        Self::Escalated,
    ];

    /// For records.
    pub(crate) fn number(self) -> u16 {
        Self::ALL.iter().position(|reason| *reason == self).map_or(0, |number| number as u16)
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether those who are linked to it end as well, and a transient child is started again.
    pub const fn is_abnormal(self) -> bool {
        match self {
            Self::Stopped | Self::Shutdown | Self::Restarting => false,
            Self::Killed | Self::Panicked | Self::Quota | Self::Linked | Self::Gone | Self::Escalated => true,
        }
    }
}

/// An actor has panicked.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// Who.
    pub actor: Addr,
    /// The type of the actor.
    pub kind: &'static str,
    /// How often this actor has panicked in its life, this time included.
    pub panics: u32,
    /// Whether it can be restarted: it was spawned with a way to make it again.
    pub restart: Restart,
}

/// Whether an actor can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It was spawned with a factory.
    Possible,
    /// It was spawned as a value.
    Impossible,
}

/// An actor has ended.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    /// Who it was; the address is stale.
    pub actor: Addr,
    /// The type of the actor.
    pub kind: &'static str,
    /// Why.
    pub reason: Reason,
}

/// What to do with an actor that panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Drop it, and its messages.
    Stop,
    /// Make it anew; address and queued messages stay. Stops it when there is no factory.
    Restart,
    /// Go on with the state as the panic left it.
    Resume,
    /// Leave it as it is, messages waiting, until [`crate::Context::decide`] says.
    Wait,
}

/// Decides for one core. The seam for supervision: it is called between two messages, with no actor running.
pub trait Warden: Send {
    /// An actor panicked; its message is lost, its state is as the panic left it.
    fn failed(&mut self, failure: &Failure, ctx: &mut crate::Context<'_>) -> Verdict;

    /// An actor ended.
    fn exited(&mut self, exit: &Exit, ctx: &mut crate::Context<'_>);
}

/// The warden of a system that asked for none: what panics is stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct StopAll;

impl Warden for StopAll {
    fn failed(&mut self, _failure: &Failure, _ctx: &mut crate::Context<'_>) -> Verdict {
        Verdict::Stop
    }

    fn exited(&mut self, _exit: &Exit, _ctx: &mut crate::Context<'_>) {}
}
