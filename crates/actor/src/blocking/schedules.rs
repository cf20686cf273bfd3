//! The threads for blocking work in many random orders. Only with `--cfg shuttle`.

use alloc::sync::Arc as PlainArc;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Orders tried for each test; each takes well below a millisecond.
const ORDERS: usize = 2_000;

#[test]
fn every_accepted_job_is_answered_once_in_any_order_of_threads() {
    for ending in [Ending::Finish, Ending::Cancel] {
        shuttle::check_random(
            move || {
                let threads = Blocking::new(2, 1);
                let answered = PlainArc::new(AtomicUsize::new(0));
                let submitter = {
                    let (handle, answered) = (threads.handle(), answered.clone());
                    let submit = move |_: &u32| {
                        let answered = answered.clone();
                        let done = move |_| {
                            answered.fetch_add(1, Ordering::Relaxed);
                        };
                        handle.submit(shuttle::thread::yield_now, done).is_ok()
                    };
                    shuttle::thread::spawn(move || (0..5).filter(submit).count())
                };
                shuttle::thread::yield_now();
                threads.end(ending);
                assert_eq!(
                    answered.load(Ordering::Relaxed),
                    submitter.join().expect("the other side does not panic")
                );
            },
            ORDERS,
        );
    }
}

#[test]
fn idle_threads_are_woken_in_any_order_of_threads() {
    // Ended only after all answers are there: a lost wake-up is a deadlock.
    shuttle::check_random(
        || {
            let threads = Blocking::new(2, 4);
            let (tx, rx) = shuttle::sync::mpsc::channel();
            for _ in 0..4 {
                let tx = tx.clone();
                threads
                    .handle()
                    .submit(|| (), move |_| tx.send(()).expect("somebody listens"))
                    .expect("there is room");
                shuttle::thread::yield_now();
            }
            (0..4).for_each(|_| rx.recv().expect("an answer"));
            threads.end(Ending::Finish);
        },
        ORDERS,
    );
}
