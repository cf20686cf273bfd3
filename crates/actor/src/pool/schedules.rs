//! The pool in many random orders of its threads. Only with `--cfg shuttle`.

use alloc::sync::Arc as PlainArc;
use core::sync::atomic::{AtomicUsize as PlainUsize, Ordering as PlainOrdering};

use super::*;

/// Orders tried for each test; each takes well below a millisecond.
const ORDERS: usize = 2_000;

/// Counts answers by kind.
#[derive(Default)]
struct Answers {
    done: PlainUsize,
    panicked: PlainUsize,
    cancelled: PlainUsize,
}

impl Answers {
    fn count(self: &PlainArc<Self>) -> impl FnOnce(Outcome<()>) + Send + 'static {
        let answers = self.clone();
        move |outcome| {
            let counter = match outcome {
                Outcome::Done(()) => &answers.done,
                Outcome::Panicked => &answers.panicked,
                Outcome::Cancelled => &answers.cancelled,
            };
            counter.fetch_add(1, PlainOrdering::Relaxed);
        }
    }

    fn all(&self) -> [usize; 3] {
        [&self.done, &self.panicked, &self.cancelled].map(|counter| counter.load(PlainOrdering::Relaxed))
    }
}

#[test]
fn finishing_does_every_job_in_any_order_of_threads() {
    shuttle::check_random(
        || {
            let pool = Pool::start(2, 8).expect("threads");
            let answers = PlainArc::new(Answers::default());
            for _ in 0..4 {
                pool.handle().submit(shuttle::thread::yield_now, answers.count()).expect("there is room");
            }
            pool.end(Ending::Finish);
            assert_eq!(answers.all(), [4, 0, 0]);
        },
        ORDERS,
    );
}

#[test]
fn sleeping_workers_are_woken_in_any_order_of_threads() {
    // The pool is ended only after all answers are there: a lost wake-up is a deadlock. With one worker no other can
    // make up for it.
    for threads in [1, 2] {
        shuttle::check_random(
            move || {
                let pool = Pool::start(threads, 8).expect("threads");
                let (tx, rx) = shuttle::sync::mpsc::channel();
                for _ in 0..3 {
                    let tx = tx.clone();
                    pool.handle()
                        .submit(|| (), move |_| tx.send(()).expect("somebody listens"))
                        .expect("there is room");
                    shuttle::thread::yield_now();
                }
                (0..3).for_each(|_| rx.recv().expect("an answer"));
                pool.end(Ending::Finish);
            },
            ORDERS,
        );
    }
}

#[test]
fn cancelling_answers_every_accepted_job_once_in_any_order_of_threads() {
    shuttle::check_random(
        || {
            let pool = Pool::start(2, 2).expect("threads");
            let answers = PlainArc::new(Answers::default());
            let submitter = {
                let (handle, answers) = (pool.handle(), answers.clone());
                shuttle::thread::spawn(move || {
                    (0..4).filter(|_| handle.submit(|| (), answers.count()).is_ok()).count()
                })
            };
            pool.end(Ending::Cancel);
            let accepted = submitter.join().expect("the other side does not panic");
            assert_eq!(answers.all().iter().sum::<usize>(), accepted);
        },
        ORDERS,
    );
}
