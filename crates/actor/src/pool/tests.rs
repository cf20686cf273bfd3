//! Stolen or not, every job is done once.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;

/// For events that come at once unless something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

fn next<T>(rx: &Receiver<T>) -> T {
    rx.recv_timeout(DEADLINE).expect("an answer comes")
}

/// Keeps one thread busy until the given sender goes; returns once it is.
fn occupy(handle: &PoolHandle) -> Sender<()> {
    let (hold, held) = channel::<()>();
    let (tx, rx) = channel();
    let work = move || {
        let _ = tx.send(());
        let _ = held.recv_timeout(DEADLINE);
    };
    assert_eq!(handle.submit(work, |_| ()), Ok(()));
    next(&rx);
    hold
}

#[test]
fn results_come_back_by_the_callback() {
    let pool = Pool::start(2, 100).unwrap();
    let (tx, rx) = channel();
    for number in 0..50_u64 {
        let tx = tx.clone();
        pool.handle().submit(move || number * number, move |outcome| tx.send(outcome).unwrap()).unwrap();
    }
    let mut sum = 0;
    for _ in 0..50 {
        match next(&rx) {
            Outcome::Done(square) => sum += square,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sum, (0..50).map(|number| number * number).sum());
}

#[test]
fn panics_of_work_and_answer_stop_nothing_else() {
    let pool = Pool::start(1, 100).unwrap();
    let (tx, rx) = channel();
    let panicking = || -> u8 { std::panic::resume_unwind(alloc::boxed::Box::new("of work")) };
    let answer = tx.clone();
    pool.handle().submit(panicking, move |outcome| answer.send(outcome).unwrap()).unwrap();
    pool.handle().submit(|| (), |_| std::panic::resume_unwind(alloc::boxed::Box::new("of answer"))).unwrap();
    pool.handle().submit(|| 7, move |outcome| tx.send(outcome).unwrap()).unwrap();
    assert_eq!((next(&rx), next(&rx)), (Outcome::Panicked, Outcome::Done(7)));
}

#[test]
fn full_pool_refuses_and_accepts_again() {
    let pool = Pool::start(1, 2).unwrap();
    let handle = pool.handle();
    let hold = occupy(&handle);
    let (tx, rx) = channel();
    for _ in 0..2 {
        let tx = tx.clone();
        handle.submit(|| (), move |_| tx.send(()).unwrap()).unwrap();
    }
    assert_eq!(handle.submit(|| (), |_| ()), Err(Refused::Full));
    assert_eq!(handle.waiting(), 2);
    drop(hold);
    (0..2).for_each(|_| next(&rx));
    assert_eq!(handle.submit(|| (), |_| ()), Ok(()));
}

#[test]
fn idle_thread_takes_from_a_busy_one() {
    // One thread is held; everything behind it must come back by the other.
    let pool = Pool::start(2, 100).unwrap();
    let _hold = occupy(&pool.handle());
    let (tx, rx) = channel();
    for _ in 0..50 {
        let tx = tx.clone();
        pool.handle().submit(|| (), move |_| tx.send(()).unwrap()).unwrap();
    }
    (0..50).for_each(|_| next(&rx));
}

#[test]
fn ended_pool_finishes_or_cancels_what_waits_and_refuses_more() {
    for (ending, expected) in [(Ending::Finish, Outcome::Done(())), (Ending::Cancel, Outcome::Cancelled)] {
        let pool = Pool::start(1, 10).unwrap();
        let handle = pool.handle();
        let hold = occupy(&handle);
        let (tx, rx) = channel();
        for _ in 0..3 {
            let tx = tx.clone();
            handle.submit(|| (), move |outcome| tx.send(outcome).unwrap()).unwrap();
        }
        let ender = std::thread::spawn(move || pool.end(ending));
        while handle.submit(|| (), |_| ()) != Err(Refused::Ended) {
            std::thread::yield_now();
        }
        drop(hold);
        ender.join().unwrap();
        (0..3).for_each(|_| assert_eq!(next(&rx), expected));
    }
}

#[test]
fn pool_dropped_by_its_own_job_does_not_wait_for_itself() {
    let pool = Pool::start(1, 10).unwrap();
    let (tx, rx) = channel();
    let handle = pool.handle();
    handle.submit(move || drop(pool), move |outcome| tx.send(outcome).unwrap()).unwrap();
    assert_eq!(next(&rx), Outcome::Done(()));
}
