//! One preparation for all who ask for the same content at the same time.
//!
//! The first becomes the leader and does the work; the others wait for its result, good or bad. A result lives only
//! as long as somebody waits for it: a failure is tried again by whoever comes next. A leader that panics lands its
//! flight with an error, so that nobody waits for ever.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::content::ContentId;
use super::error::FunctionError;

type Landing<T> = Result<Arc<T>, FunctionError>;

struct Flight<T> {
    landing: Mutex<Option<Landing<T>>>,
    landed: Condvar,
}

/// Work under way, by content.
pub(super) struct Flights<T> {
    under_way: Mutex<HashMap<ContentId, Arc<Flight<T>>>>,
}

/// Whether the caller did the work or waited for somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    Leader,
    Passenger,
}

impl<T> Flights<T> {
    pub(super) fn new() -> Self {
        Self { under_way: Mutex::new(HashMap::new()) }
    }

    /// Runs `work`, or waits at most `wait_max` for the one who already does.
    pub(super) fn join(
        &self,
        id: ContentId,
        wait_max: Duration,
        work: impl FnOnce() -> Landing<T>,
    ) -> (Seat, Landing<T>) {
        let (seat, flight) = self.seat(id);
        if seat == Seat::Passenger {
            return (seat, flight.wait(wait_max));
        }
        let mut lead = Lead { flights: self, id, flight, landing: Err(FunctionError::CompilerFailed) };
        lead.landing = work();
        (seat, lead.landing.clone())
    }

    fn seat(&self, id: ContentId) -> (Seat, Arc<Flight<T>>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(&id) {
            return (Seat::Passenger, Arc::clone(flight));
        }
        let flight = Arc::new(Flight { landing: Mutex::new(None), landed: Condvar::new() });
        under_way.insert(id, Arc::clone(&flight));
        (Seat::Leader, flight)
    }
}

impl<T> Flight<T> {
    fn wait(&self, wait_max: Duration) -> Landing<T> {
        let until = Instant::now() + wait_max;
        let mut landing = self.landing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(landing) = &*landing {
                return landing.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FunctionError::CompileTookTooLong { after: wait_max });
            }
            landing = self.landed.wait_timeout(landing, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Lands the flight however the leader's work ends.
struct Lead<'a, T> {
    flights: &'a Flights<T>,
    id: ContentId,
    flight: Arc<Flight<T>>,
    landing: Landing<T>,
}

impl<T> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        // Out of the table first: whoever comes now starts anew or finds the result in the cache.
        self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        *self.flight.landing.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.landing.clone());
        self.flight.landed.notify_all();
    }
}

#[cfg(test)]
mod tests;
