//! What can be used up, how much of it is used, and how much may be.

use core::fmt;

/// Something that a module can use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Processor time, in thousandths of one processor.
    Cpu,
    /// Memory, in bytes.
    Memory,
    /// Processes and threads, as a number.
    Processes,
    /// Open files of its main process, as a number.
    Files,
    /// Frames that wait to be read by it, as a number.
    QueueFrames,
    /// The same in bytes.
    QueueBytes,
    /// Frames that it sends, per second.
    Messages,
    /// Calls that it makes, per second.
    Calls,
    /// Processes and threads by which it grows or would grow if the system let it, per second.
    Births,
}

impl Resource {
    /// All resources, in the order in which [`Amounts`] and [`Bounds`] keep them.
    pub const ALL: [Self; 9] = [
        Self::Cpu,
        Self::Memory,
        Self::Processes,
        Self::Files,
        Self::QueueFrames,
        Self::QueueBytes,
        Self::Messages,
        Self::Calls,
        Self::Births,
    ];

    /// The resource's word in the journal and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Files => "files",
            Self::QueueFrames => "queue_frames",
            Self::QueueBytes => "queue_bytes",
            Self::Messages => "messages_per_s",
            Self::Calls => "calls_per_s",
            Self::Births => "births_per_s",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much is used of each resource; what was not measured is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts([u64; Resource::ALL.len()]);

impl Amounts {
    /// How much of this one.
    pub fn of(self, resource: Resource) -> u64 {
        self.0[resource.index()]
    }

    /// The same with this much of that one.
    #[must_use]
    pub fn with(mut self, resource: Resource, amount: u64) -> Self {
        self.0[resource.index()] = amount;
        self
    }
}

/// How much of each resource may be used; where there is nothing, nothing is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds([Option<u64>; Resource::ALL.len()]);

impl Bounds {
    /// How much of this one.
    pub fn of(self, resource: Resource) -> Option<u64> {
        self.0[resource.index()]
    }

    /// The same with this bound for that one.
    #[must_use]
    pub fn with(mut self, resource: Resource, bound: Option<u64>) -> Self {
        self.0[resource.index()] = bound;
        self
    }

    /// These bounds, and where there are none those of `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let both = |resource: Resource| self.of(resource).or(below.of(resource));
        Self(Resource::ALL.map(both))
    }

    /// Whether nothing is bounded.
    pub fn is_empty(self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The resource that is used most, against its bound.
    pub(super) fn heaviest(self, used: Amounts) -> Option<Load> {
        let loads = Resource::ALL.into_iter().filter_map(|resource| {
            let bound = self.of(resource)?;
            Some(Load::new(resource, used.of(resource), bound))
        });
        loads.max_by_key(|load| load.permille)
    }
}

/// One resource's use against its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) resource: Resource,
    pub(crate) used: u64,
    pub(crate) bound: u64,
    /// Use in thousandths of the bound.
    pub(crate) permille: u64,
}

impl Load {
    pub(crate) fn new(resource: Resource, used: u64, bound: u64) -> Self {
        let permille = u128::from(used) * 1000 / u128::from(bound.max(1));
        Self { resource, used, bound, permille: u64::try_from(permille).unwrap_or(u64::MAX) }
    }
}

crate::saved::keep_variants!(Resource {
    Cpu {},
    Memory {},
    Processes {},
    Files {},
    QueueFrames {},
    QueueBytes {},
    Messages {},
    Calls {},
    Births {},
});

#[cfg(test)]
mod tests;
