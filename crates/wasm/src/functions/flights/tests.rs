//! One works, all get the result; nobody waits for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Waits until `count` passengers hold the flight, besides the table and the leader.
fn until_boarded(flights: &Flights<u8>, id: ContentId, count: usize) {
    let until = Instant::now() + LONG;
    while flights
        .under_way
        .lock()
        .unwrap()
        .get(&id)
        .is_none_or(|flight| Arc::strong_count(flight) < count + 2)
    {
        assert!(Instant::now() < until, "passengers board");
        std::thread::yield_now();
    }
}

fn all_land(work: impl Fn() -> Landing<u8> + Sync) -> (usize, Vec<Landing<u8>>) {
    let (flights, id, worked) = (Flights::new(), ContentId::of(b"x"), AtomicUsize::new(0));
    let (tx, rx) = mpsc::channel();
    let landings = std::thread::scope(|scope| {
        let mut others = Vec::new();
        let leader = scope.spawn(|| {
            let lead = || {
                flights.join(id, LONG, || {
                    worked.fetch_add(1, Ordering::SeqCst);
                    tx.send(()).unwrap();
                    until_boarded(&flights, id, 4);
                    work()
                })
            };
            catch_unwind(AssertUnwindSafe(lead)).map(|(_, landing)| landing).ok()
        });
        rx.recv().unwrap();
        for _ in 0..4 {
            others.push(scope.spawn(|| flights.join(id, LONG, || unreachable!("somebody leads already")).1));
        }
        let mut landings: Vec<_> = others.into_iter().map(|thread| thread.join().unwrap()).collect();
        landings.extend(leader.join().unwrap());
        landings
    });
    assert!(flights.under_way.lock().unwrap().is_empty());
    (worked.into_inner(), landings)
}

#[test]
fn all_who_ask_at_once_get_the_work_of_one() {
    let (worked, landings) = all_land(|| Ok(Arc::new(7)));
    assert_eq!((worked, landings.len()), (1, 5));
    assert!(landings.iter().all(|landing| **landing.as_ref().unwrap() == 7));
}

#[test]
fn a_failure_is_told_to_all_who_wait() {
    let (worked, landings) = all_land(|| Err(FunctionError::Busy));
    assert_eq!((worked, landings.len()), (1, 5));
    assert!(landings.iter().all(|landing| matches!(landing, Err(FunctionError::Busy))));
}

#[test]
fn a_leader_that_panics_lands_all_with_an_error() {
    let (worked, landings) = all_land(|| panic!("the compiler breaks"));
    assert_eq!((worked, landings.len()), (1, 4));
    assert!(landings.iter().all(|landing| matches!(landing, Err(FunctionError::CompilerFailed))));
}

#[test]
fn a_failure_is_not_kept_for_who_comes_later() {
    let (flights, id) = (Flights::<u8>::new(), ContentId::of(b"x"));
    assert!(flights.join(id, LONG, || Err(FunctionError::Busy)).1.is_err());
    assert!(matches!(flights.join(id, LONG, || Ok(Arc::new(1))), (Seat::Leader, Ok(_))));
}

#[test]
fn who_waits_too_long_gives_up() {
    let (flights, id) = (Flights::<u8>::new(), ContentId::of(b"x"));
    let (_, landing) = flights.join(id, LONG, || {
        let (seat, landing) = flights.join(id, Duration::ZERO, || unreachable!("somebody leads already"));
        assert_eq!(seat, Seat::Passenger);
        assert!(matches!(landing, Err(FunctionError::CompileTookTooLong { .. })));
        Ok(Arc::new(1))
    });
    assert!(landing.is_ok());
}
