//! The calls that one module has to answer.

use alloc::vec::Vec;
use core::time::Duration;

use abi::Time;

use super::letter::{Letter, Wants};
use super::open::{Open, Places};
use super::{Act, Turn};
use crate::event::Outcome;
use crate::routes::Address;
use crate::saved::{Keep, Saved, Unreadable};

/// 16 parts: what a stream may send before its caller gives more credit; a small window that keeps a pipe busy.
const CREDIT_AT_START: u32 = 16;

/// 4,096 parts: the most credit that a caller can have given, so that its queue's own bound stays the real one.
const CREDIT_MAX: u32 = 4096;

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) caller: Address,
    /// The caller's proxy's number for it.
    pub(crate) token: u64,
    pub(crate) wants: Wants,
    /// When it came.
    since: Time,
    credit: u32,
    has_ended: bool,
}

/// What a life's callers got of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Calls that it answered.
    pub answered: u64,
    /// Those of them that it answered with an error.
    pub failed: u64,
    /// How long their callers waited for all of them together, in milliseconds.
    pub waited_ms: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, waited: Duration, outcome: &Outcome) {
        self.answered += 1;
        self.failed += u64::from(matches!(outcome, Outcome::Error(_)));
        self.waited_ms = self.waited_ms.saturating_add(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    }

    /// How long one answer took on the average, in milliseconds.
    pub fn mean_ms(&self) -> u64 {
        self.waited_ms / self.answered.max(1)
    }
}

impl Served {
    pub(crate) fn new(caller: Address, token: u64, wants: Wants, since: Time) -> Self {
        Self { caller, token, wants, since, credit: CREDIT_AT_START, has_ended: false }
    }

    /// How long its caller has waited.
    pub(crate) fn waited(&self, now: Time) -> Duration {
        Duration::from_millis(now.0.saturating_sub(self.since.0))
    }

    /// Its one end.
    pub(crate) fn answer(self, turn: &mut Turn<'_>, outcome: Outcome) {
        turn.acts.push(Act::Post(self.caller, Letter::Answer { token: self.token, outcome }));
    }

    /// Whether there was credit for one part.
    pub(crate) fn spend_credit(&mut self) -> bool {
        let left = self.credit.checked_sub(1);
        self.credit = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether this is the first end of its stream.
    pub(crate) fn end_once(&mut self) -> bool {
        !core::mem::replace(&mut self.has_ended, true)
    }
}

/// All of them, by the number that the module was given and by who asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving {
    open: Open<Served>,
    hops: Places<(u64, u64), u64>,
}

impl Serving {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn open(&mut self, served: Served) -> u64 {
        let asker = asker(served.caller, served.token);
        let hop = self.open.open(served);
        self.hops.insert(asker, hop);
        hop
    }

    pub(crate) fn get_mut(&mut self, hop: u64) -> Option<&mut Served> {
        self.open.get_mut(hop)
    }

    pub(crate) fn take(&mut self, hop: u64) -> Option<Served> {
        let served = self.open.close(hop)?;
        self.hops.remove(asker(served.caller, served.token));
        Some(served)
    }

    /// Takes out the call that this caller gave up, and says which it was.
    pub(crate) fn drop_of(&mut self, caller: Address, token: u64) -> Option<u64> {
        let hop = self.hops.remove(asker(caller, token))?;
        self.open.close(hop).map(|_| hop)
    }

    /// Adds credit as far as it counts: the module is told no more than that, or it would run into the bound without
    /// knowing.
    pub(crate) fn give_credit(&mut self, caller: Address, token: u64, parts: u32) -> Option<(u64, u32)> {
        let hop = *self.hops.get(asker(caller, token))?;
        let served = self.open.get_mut(hop)?;
        let parts = parts.min(CREDIT_MAX.saturating_sub(served.credit));
        served.credit += parts;
        Some((hop, parts))
    }

    /// All, oldest first.
    pub(crate) fn take_all(&mut self) -> Vec<Served> {
        self.open.numbers().into_iter().filter_map(|hop| self.take(hop)).collect()
    }
}

/// A generation names its life alone; the seat adds nothing.
fn asker(caller: Address, token: u64) -> (u64, u64) {
    (caller.generation.0, token)
}

crate::saved::keep_fields!(Served { caller, token, wants, since, credit, has_ended });
crate::saved::keep_fields!(Tally { answered, failed, waited_ms });

impl Keep for Serving {
    fn save(&self) -> Saved {
        self.open.save()
    }

    fn restore(saved: &Saved) -> Result<Self, Unreadable> {
        let open: Open<Served> = Keep::restore(saved)?;
        let mut hops = Places::default();
        for hop in open.numbers() {
            let Some(served) = open.get(hop) else { continue };
            let asker = asker(served.caller, served.token);
            if hops.get(asker).is_some() {
                return Err(Unreadable::new("asker"));
            }
            hops.insert(asker, hop);
        }
        Ok(Self { open, hops })
    }
}
