//! Messages for later: once, again and again, and the deadlines of questions.

use alloc::boxed::Box;
use core::time::Duration;

use super::ask::core_of_name;
use super::moving::Relocation;
use super::{Shard, Urgency};
use crate::address::{Addr, Address, Rights};
use crate::message::{EMPTY, Header, Lane, Line, discard, put};
use crate::send::Refusal;
use crate::wheel::Token;

/// Makes a message and sends it.
pub(crate) type Sending = Box<dyn FnMut(&mut Shard) -> Result<(), Refusal> + Send>;

/// What happens when a moment has come.
pub(crate) enum Timer {
    /// A message goes out.
    Once(Waiting),
    /// A message is made and goes out; then again a period later.
    Every { to: Addr, period_ns: u64, name: u64, send: Sending },
    /// A question was not answered in time.
    Deadline(u64),
}

/// A message that waits for its moment, dropped with its timer.
pub(crate) struct Waiting {
    to: Addr,
    line: Line,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // SAFETY: the payload is of the tag, and who sends it forgets the rest of this value.
        unsafe { discard(self.line.header.tag, self.line.payload.as_mut_ptr().cast()) };
    }
}

/// Names a timer of one core, to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerId(Name);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Once { core: u32, token: Token },
    Every(u64),
}

/// Periods are at least this long: a shorter one would leave no time for anything else.
const PERIOD_NS_MIN: u64 = 10_000;

fn as_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Shard {
    /// Sends a message when `delay` has passed.
    pub(crate) fn send_after<M: Send + 'static>(
        &mut self,
        delay: Duration,
        to: Address<M>,
        message: M,
    ) -> Result<TimerId, Refusal> {
        let addr = to.addr();
        let header = Header { dst: addr.index(), meta: addr.word() | Lane::Normal as u32, tag: to.tag() };
        let mut line = Line::new(header, EMPTY);
        // SAFETY: the payload is ours.
        unsafe { put(line.payload.as_mut_ptr().cast(), message) };
        self.now = self.shared.ground.now();
        let at = self.now.saturating_add(as_ns(delay));
        let timer = Timer::Once(Waiting { to: addr, line });
        self.wheel
            .insert(at, timer)
            .map(|token| TimerId(Name::Once { core: self.core, token }))
            .map_err(|_| Refusal::Full)
    }

    /// Sends what `make` gives each `period` until it is cancelled or the receiver has ended.
    pub(crate) fn send_every<M: Send + 'static>(
        &mut self,
        period: Duration,
        to: Address<M>,
        mut make: impl FnMut() -> M + Send + 'static,
    ) -> Result<TimerId, Refusal> {
        let name = self.asks.next_name();
        let send = Box::new(move |shard: &mut Self| {
            let message = make();
            // SAFETY: an address carries the tag of its type.
            let sent = unsafe { shard.send(to.addr(), to.tag(), Lane::Normal, Urgency::Try, message) };
            sent.map(|_| ()).map_err(|(why, _)| why)
        });
        self.now = self.shared.ground.now();
        let period_ns = as_ns(period).max(PERIOD_NS_MIN);
        let at = self.now.saturating_add(period_ns);
        let timer = Timer::Every { to: to.addr(), period_ns, name, send };
        let token = self.wheel.insert(at, timer).map_err(|_| Refusal::Full)?;
        self.asks.intervals.insert(name, token);
        Ok(TimerId(Name::Every(name)))
    }

    fn core_of(timer: TimerId) -> u32 {
        match timer.0 {
            Name::Once { core, .. } => core,
            Name::Every(name) => core_of_name(name),
        }
    }

    /// Whether the timer was still to come; its message is dropped. True for one of another core, which is told.
    pub(crate) fn cancel(&mut self, timer: TimerId) -> bool {
        if Self::core_of(timer) != self.core {
            // Set before its owner moved here.
            let nobody = Addr::new(0, 0, Rights::NONE);
            self.relocate_at(Self::core_of(timer) as usize, nobody, Relocation::Cancel(timer));
            return true;
        }
        let token = match timer.0 {
            Name::Once { token, .. } => Some(token),
            Name::Every(name) => self.asks.intervals.remove(&name),
        };
        token.is_some_and(|token| self.wheel.cancel(token).is_some())
    }

    /// Does what is due. Firing takes the timers out first: what they do may set others.
    pub(super) fn fire_timers(&mut self) {
        let nothing_due = self.wheel.next().is_none_or(|next| next > self.now);
        if nothing_due && self.asks.due.is_empty() {
            return;
        }
        let mut due = core::mem::take(&mut self.asks.due);
        let now = self.now;
        self.wheel.advance(now, |timer| due.push_back(timer));
        self.asks.due = due;
        while let Some(timer) = self.asks.due.pop_front() {
            self.tally.handled += 1;
            self.fire(timer);
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Once(waiting) => self.fire_once(waiting),
            Timer::Every { to, period_ns, name, mut send } => {
                if matches!(send(self), Err(Refusal::Gone | Refusal::Forbidden)) {
                    self.asks.intervals.remove(&name);
                    return;
                }
                let at = self.now.saturating_add(period_ns);
                if let Ok(token) = self.wheel.insert(at, Timer::Every { to, period_ns, name, send }) {
                    self.asks.intervals.insert(name, token);
                }
            }
            Timer::Deadline(ticket) => self.expire(ticket),
        }
    }

    fn fire_once(&mut self, mut waiting: Waiting) {
        if let Ok(to) = self.shared.resolve(waiting.to) {
            waiting.to = to;
            let lane = waiting.line.header.lane() as u32;
            (waiting.line.header.dst, waiting.line.header.meta) = (to.index(), to.word() | lane);
        }
        match self.admit(waiting.to, waiting.line.header.lane(), Urgency::Insist) {
            Ok(super::Way::Local(_)) => {
                self.send_line(self.core as usize, core::mem::ManuallyDrop::new(waiting).line)
            }
            Ok(super::Way::Remote(core, _) | super::Way::Enveloped(core, _)) => {
                self.send_line(core, core::mem::ManuallyDrop::new(waiting).line)
            }
            Ok(super::Way::Nowhere) => self.tally.dead += 1,
            Err(_) => {
                self.note_undelivered(waiting.line.header);
                self.tally.dead += 1;
            }
        }
    }

    /// When the next timer is due, in nanoseconds of the platform's clock.
    pub fn next_deadline(&self) -> Option<u64> {
        self.wheel.next()
    }
}
