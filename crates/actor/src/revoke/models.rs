//! All orders in which a ward can be followed while it is revoked and its place is taken again.

use loom::sync::Arc;
use loom::thread;

use super::Place;
use crate::address::GENERATION_SHIFT;
use crate::sync::{AtomicBool, Ordering};

const FIRST: u32 = 1 << GENERATION_SHIFT;

#[test]
fn an_old_address_never_leads_to_what_the_place_was_given_later() {
    loom::model(|| {
        let place = Arc::new(Place::new());
        place.point_to(1);
        let follower = {
            let place = place.clone();
            thread::spawn(move || place.follow(FIRST))
        };
        place.revoke();
        place.point_to(2);
        let found = follower.join().expect("it does not panic");
        assert!(found.is_none_or(|target| target == 1), "led to a later target: {found:?}");
    });
}

#[test]
fn who_knows_of_the_revocation_is_refused() {
    loom::model(|| {
        let place = Arc::new(Place::new());
        let told = Arc::new(AtomicBool::new(false));
        place.point_to(1);
        let follower = {
            let (place, told) = (place.clone(), told.clone());
            thread::spawn(move || {
                let knows = told.load(Ordering::Acquire);
                (knows, place.follow(FIRST))
            })
        };
        place.revoke();
        told.store(true, Ordering::Release);
        let (knows, found) = follower.join().expect("it does not panic");
        assert!(!(knows && found.is_some()), "followed after the revocation");
    });
}
