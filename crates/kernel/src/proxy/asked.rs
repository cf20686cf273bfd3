//! The calls that one proxy made and that are not answered yet.

use alloc::vec::Vec;

use abi::{Name, Time};

use super::Turn;
use super::deadlines::Deadlines;
use super::open::Open;
use crate::routes::Address;

/// One call; `W` is who asked, in the asker's own numbering.
#[derive(Debug, Clone)]
pub(crate) struct Call<W> {
    pub(crate) who: W,
    pub(crate) target: Address,
    /// Nothing where the target's life was known by its number alone.
    target_name: Option<Name>,
    until: Time,
    /// A call with no deadline of its own gets more time with every sign of life.
    is_renewable: bool,
}

impl<W> Call<W> {
    pub(crate) fn new(who: W, target: Address, target_name: Option<Name>, is_renewable: bool) -> Self {
        Self { who, target, target_name, until: Time(0), is_renewable }
    }

    pub(crate) fn target_name(&self) -> &str {
        self.target_name.as_ref().map(Name::as_str).unwrap_or_default()
    }
}

/// The calls by number, and when which is due.
#[derive(Debug, Clone)]
pub(crate) struct Asked<W> {
    open: Open<Call<W>>,
    deadlines: Deadlines,
}

impl<W> Default for Asked<W> {
    fn default() -> Self {
        Self { open: Open::default(), deadlines: Deadlines::default() }
    }
}

impl<W: Clone + PartialEq> Asked<W> {
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Opens a call that waits until then and gives its number.
    pub(crate) fn open(&mut self, until: Time, call: Call<W>) -> u64 {
        let token = self.open.open(Call { until, ..call });
        self.set(until, token);
        token
    }

    fn set(&mut self, until: Time, token: u64) {
        let open = &self.open;
        self.deadlines.set(until, token, open.len(), |token| open.get(token).map(|call| call.until));
    }

    /// Ends a call, if it is open.
    pub(crate) fn close(&mut self, token: u64) -> Option<Call<W>> {
        self.open.close(token)
    }

    pub(crate) fn target(&self, token: u64) -> Option<Address> {
        self.open.get(token).map(|call| call.target)
    }

    /// A call lies with another life now.
    pub(crate) fn retarget(&mut self, token: u64, target: Address) {
        if let Some(call) = self.open.get_mut(token) {
            call.target = target;
        }
    }

    /// The open call that was made under this number of the asker's own: the latest, if it used one twice.
    pub(crate) fn latest(&self, who: &W) -> Option<u64> {
        self.open.latest(|call| call.who == *who)
    }

    /// A sign of life of a call: gives who asked, and gives the call its time anew where the asker set no end.
    pub(crate) fn renew(&mut self, turn: &Turn<'_>, token: u64) -> Option<W> {
        let until = turn.now + turn.routes.rpc_timeout();
        let call = self.open.get_mut(token)?;
        let who = call.who.clone();
        if call.is_renewable && call.until != until {
            call.until = until;
            self.set(until, token);
        }
        Some(who)
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    /// Ends a call whose time is over.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(u64, Call<W>)> {
        let open = &self.open;
        let token = self.deadlines.pop_due(now, |token| open.get(token).map(|call| call.until))?;
        Some((token, self.open.close(token)?))
    }

    /// Ends all, oldest first.
    pub(crate) fn close_all(&mut self) -> Vec<(u64, Call<W>)> {
        let numbers = self.open.numbers();
        numbers.into_iter().filter_map(|token| Some((token, self.open.close(token)?))).collect()
    }
}

crate::saved::keep_fields!(@W Call<W> { who, target, target_name, until, is_renewable });
crate::saved::keep_fields!(@W Asked<W> { open, deadlines });

impl<W> Asked<W> {
    /// Who waits.
    pub(crate) fn askers(&self) -> impl Iterator<Item = &W> {
        self.open.things().map(|call| &call.who)
    }
}
