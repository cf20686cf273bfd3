//! Dedicated threads: every accepted job is answered once, whatever happens to it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;

/// For events that come at once unless something is broken.
const DEADLINE: Duration = Duration::from_secs(20);

fn next<T>(rx: &Receiver<T>) -> T {
    rx.recv_timeout(DEADLINE).expect("an answer comes")
}

/// Keeps one thread blocked until the given sender goes; returns once it is.
fn occupy(handle: &BlockingHandle) -> Sender<()> {
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
fn each_blocked_job_gets_a_thread_up_to_the_number() {
    let threads = Blocking::new(3, 0);
    let handle = threads.handle();
    let holds: Vec<_> = (0..3).map(|_| occupy(&handle)).collect();
    assert_eq!(handle.submit(|| (), |_| ()), Err(Refused::Full));
    drop(holds);
    threads.end(Ending::Finish);
    assert_eq!(handle.submit(|| (), |_| ()), Err(Refused::Ended));
}

#[test]
fn work_beyond_the_threads_waits_and_beyond_that_is_refused() {
    let threads = Blocking::new(1, 2);
    let handle = threads.handle();
    let hold = occupy(&handle);
    let (tx, rx) = channel();
    for number in 0..2 {
        let tx = tx.clone();
        handle.submit(move || number, move |outcome| tx.send(outcome).unwrap()).unwrap();
    }
    assert_eq!((handle.submit(|| (), |_| ()), handle.waiting()), (Err(Refused::Full), 2));
    drop(hold);
    assert_eq!((next(&rx), next(&rx)), (Outcome::Done(0), Outcome::Done(1)));
}

#[test]
fn idle_thread_is_used_before_another_is_started() {
    let threads = Blocking::new(8, 0);
    let handle = threads.handle();
    for _ in 0..20 {
        let (tx, rx) = channel();
        let shared = handle.shared.clone();
        handle.submit(|| (), move |_| tx.send(()).unwrap()).unwrap();
        next(&rx);
        // The answer comes before the thread counts as idle again.
        while shared.lock().idle == 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(handle.shared.lock().threads.len(), 1);
}

#[test]
fn panic_is_an_answer_and_the_thread_lives_on() {
    let threads = Blocking::new(1, 4);
    let (tx, rx) = channel();
    let panicking = || -> u8 { std::panic::resume_unwind(alloc::boxed::Box::new(())) };
    let answer = tx.clone();
    threads.handle().submit(panicking, move |outcome| answer.send(outcome).unwrap()).unwrap();
    threads.handle().submit(|| 1, move |outcome| tx.send(outcome).unwrap()).unwrap();
    assert_eq!((next(&rx), next(&rx)), (Outcome::Panicked, Outcome::Done(1)));
}

#[test]
fn cancelled_work_is_answered_before_running_work_ends() {
    let threads = Blocking::new(1, 4);
    let hold = occupy(&threads.handle());
    let (tx, rx) = channel();
    threads.handle().submit(|| (), move |outcome| tx.send(outcome).unwrap()).unwrap();
    let ender = std::thread::spawn(move || threads.end(Ending::Cancel));
    assert_eq!(next(&rx), Outcome::Cancelled);
    drop(hold);
    ender.join().unwrap();
}
