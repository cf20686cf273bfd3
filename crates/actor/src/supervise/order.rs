//! What a supervisor is told, and what it says about its children.

use alloc::vec::Vec;

use super::Child;
use crate::address::Addr;
use crate::ask::Reply;
use crate::life::Reason;
use crate::name::Name;

/// What a supervisor is told. From outside: see the functions.
pub struct Supervise(pub(super) Order);

pub(super) enum Order {
    Add(Child),
    Remove(Name),
    Stop,
    Children(Reply<Vec<ChildStatus>>),
    Ended { child: Addr, reason: Reason },
    Due { due: Due, round: u64 },
}

/// What was to be waited for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Due {
    /// The child at this place is made anew.
    Child(u64),
    /// The group is.
    Group,
    /// The child that is being stopped has had its time.
    Stop,
}

impl Supervise {
    /// Start one more child, as the last one. Nothing happens when there is one of this name.
    pub const fn add(child: Child) -> Self {
        Self(Order::Add(child))
    }

    /// End a child and forget it.
    pub const fn remove(name: Name) -> Self {
        Self(Order::Remove(name))
    }

    /// End all children, the last one first, each as it wants, and then yourself.
    pub const fn stop() -> Self {
        Self(Order::Stop)
    }

    /// Say who your children are, in their order.
    pub const fn children(reply: Reply<Vec<ChildStatus>>) -> Self {
        Self(Order::Children(reply))
    }

    pub(crate) const fn ended(child: Addr, reason: Reason) -> Self {
        Self(Order::Ended { child, reason })
    }
}

impl core::fmt::Debug for Supervise {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Supervise")
    }
}

/// One child at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildStatus {
    /// What it is called.
    pub name: Name,
    /// Its address without rights, if it has one.
    pub actor: Option<Addr>,
    /// What it does.
    pub state: ChildState,
    /// Restarts in its life.
    pub restarts: u64,
}

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildState {
    /// It takes messages.
    Up,
    /// It is about to be made anew; its messages wait.
    Held,
    /// It has ended and is not to be started again by itself.
    Down,
}
