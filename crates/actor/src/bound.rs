//! How many messages may wait for an actor, and what happens to more.

/// Messages that may wait for an actor unless it says otherwise: a millisecond or so of work, 4 MiB at worst.
pub const BOUND_DEFAULT: u32 = 1 << 16;
/// The greatest bound that can be asked for: 8 GiB of messages is a mistake, a quarter of that only nearly.
pub const BOUND_MAX: u32 = 1 << 25;

/// `send` goes beyond the bound by this factor before it refuses: the bound is soft, the memory is not.
pub(crate) const HARD_FACTOR: u32 = 4;

/// What happens to messages for an actor whose queue is at its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Policy {
    /// `try_send` is refused; `send` is told that the way is congested.
    #[default]
    Refuse = 0,
    /// The sender is not run until the queue is down to half of the bound. Its thread goes on with other actors.
    MuteSender = 1,
    /// The new message is accepted, the oldest one is dropped.
    DropOldest = 2,
    /// The new message is dropped.
    DropNewest = 3,
}

/// A bound and its policy, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound(u32);

const POLICY_SHIFT: u32 = 30;
/// The part that says how many; what lies between it and the policy is the table's.
const MESSAGES: u32 = 2 * BOUND_MAX - 1;

impl Bound {
    /// So many messages, kept within 1 and [`BOUND_MAX`].
    pub const fn new(messages: u32, policy: Policy) -> Self {
        let messages = if messages == 0 { 1 } else { messages };
        let messages = if messages > BOUND_MAX { BOUND_MAX } else { messages };
        Self(messages | (policy as u32) << POLICY_SHIFT)
    }

    /// How many messages.
    pub const fn messages(self) -> u32 {
        self.0 & MESSAGES
    }

    /// What happens to more.
    pub const fn policy(self) -> Policy {
        match self.0 >> POLICY_SHIFT {
            0 => Policy::Refuse,
            1 => Policy::MuteSender,
            2 => Policy::DropOldest,
            _ => Policy::DropNewest,
        }
    }

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits & (MESSAGES | 3 << POLICY_SHIFT))
    }
}

impl Default for Bound {
    fn default() -> Self {
        Self::new(BOUND_DEFAULT, Policy::Refuse)
    }
}
