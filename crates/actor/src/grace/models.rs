//! A sender from outside and a core that changes where it sends, in every order.

use loom::thread;

use super::Grace;
use crate::sync::{Arc, AtomicUsize, Ordering, UnsafeCell};

const OLD: usize = 0;
const NEW: usize = 1;

struct Place {
    grace: Grace,
    route: AtomicUsize,
    /// What only those may touch who read the old route, and after them the core.
    old: UnsafeCell<usize>,
}

// SAFETY: that nobody touches the cell at the same time as another is what the model shows.
unsafe impl Sync for Place {}
// SAFETY: as above.
unsafe impl Send for Place {}

fn send(place: &Place) {
    let inside = place.grace.enter();
    if place.route.load(Ordering::Acquire) == OLD {
        // SAFETY: loom reports when this overlaps with another access.
        place.old.with_mut(|count| unsafe { *count += 1 });
    }
    drop(inside);
}

fn change(place: &Place) {
    place.route.store(NEW, Ordering::Release);
    let mut wait = loop {
        match place.grace.begin() {
            Some(wait) => break wait,
            None => thread::yield_now(),
        }
    };
    while !place.grace.is_over(&mut wait) {
        thread::yield_now();
    }
    // SAFETY: as in `send`.
    place.old.with_mut(|count| unsafe { assert!(*count <= 2) });
}

fn place() -> Arc<Place> {
    Arc::new(Place { grace: Grace::new(), route: AtomicUsize::new(OLD), old: UnsafeCell::new(0) })
}

#[test]
fn who_read_the_old_word_is_through_before_the_wait_is_over() {
    loom::model(|| {
        let place = place();
        let other = place.clone();
        let sender = thread::spawn(move || {
            send(&other);
            send(&other);
        });
        change(&place);
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn a_second_wait_sees_those_who_chose_their_side_before_the_first() {
    loom::model(|| {
        let place = place();
        let other = place.clone();
        let sender = thread::spawn(move || send(&other));
        let mut wait = place.grace.begin().expect("nobody else waits");
        while !place.grace.is_over(&mut wait) {
            thread::yield_now();
        }
        change(&place);
        sender.join().expect("the other side does not panic");
    });
}
