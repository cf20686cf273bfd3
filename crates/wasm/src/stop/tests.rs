//! Pace: rest that follows from work, and an end that comes through it.

use super::*;

#[test]
fn who_has_a_whole_processor_rests_never() {
    let stop = Stop::default();
    // Even at nine tenths of one this would be ten seconds of rest.
    let begun = Instant::now();
    (0..10_000).for_each(|_| stop.look());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(stop.worked(), LOOK_EVERY * 10_000);
}

#[test]
fn who_has_a_quarter_rests_three_times_as_long_as_it_worked() {
    let stop = Stop::default();
    stop.pace(250);
    let begun = Instant::now();
    stop.look();
    assert!(begun.elapsed() >= LOOK_EVERY * 3, "{:?}", begun.elapsed());
    assert_eq!(stop.worked(), LOOK_EVERY, "to stand still is no work");
}

#[test]
fn what_was_looked_at_within_an_entry_is_not_counted_again_at_its_end() {
    let stop = Stop::default();
    stop.pace(500);
    let meter = stop.enter();
    // Two looks, whose work took no time here: so all that has passed is rest.
    stop.look();
    stop.look();
    stop.leave(meter);
    assert_eq!(stop.worked().as_millis() / 10, LOOK_EVERY.as_millis() * 2 / 10, "{:?}", stop.worked());
}

#[test]
fn a_successor_has_the_pace_and_the_work_of_the_one_before_it() {
    let [before, after] = [(); 2].map(|()| Stop::default());
    before.look();
    before.pace(500);
    after.succeed(&before);
    assert_eq!(after.worked(), LOOK_EVERY);
    let begun = Instant::now();
    after.look();
    assert!(begun.elapsed() >= LOOK_EVERY, "{:?}", begun.elapsed());
}

#[test]
fn who_stands_still_goes_on_when_it_may_and_ends_when_it_must() {
    for end in [Stop::stop, |stop: &Stop| stop.pace(1000)] {
        let stop = Stop::default();
        stop.pace(0);
        let still = stop.clone();
        let thread = std::thread::spawn(move || still.look());
        assert!(!thread.is_finished(), "nothing has let it go on");
        end(&stop);
        thread.join().expect("it went on");
    }
}
