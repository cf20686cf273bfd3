//! Admission, flushes and the end, with a thread whose every step the test commands.

use std::sync::Arc;
use std::thread;

use super::*;

/// 30 s: far beyond what any wait here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(30);

/// Takes three items.
#[derive(Debug, Default)]
struct Three(Vec<u32>);

impl Buffer for Three {
    type Item = u32;

    fn push(&mut self, item: u32) -> Admission {
        if self.0.len() == 3 {
            return Admission::Lost;
        }
        self.0.push(item);
        Admission::Queued
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn take(inbox: &Inbox<Three>, appetite: Appetite, until: Option<Instant>) -> (Round, Vec<u32>) {
    let mut taken = Vec::new();
    let round = inbox.wait(appetite, until, |buffer| {
        taken.append(&mut buffer.0);
        0
    });
    (round, taken)
}

fn trouble() -> Trouble {
    Trouble { code: "a::b::c", message: "no".to_owned(), help: None }
}

fn counts(accepted: u64, settled: u64, lost: u64) -> Counts {
    Counts { accepted, settled, lost }
}

#[test]
fn what_does_not_fit_is_counted() {
    let inbox = Inbox::<Three>::new();
    let admissions = [1, 2, 3, 4].map(|item| inbox.push(item));
    assert_eq!(admissions, [Admission::Queued, Admission::Queued, Admission::Queued, Admission::Lost]);
    assert_eq!(inbox.counts(), counts(3, 0, 1));
    let (round, taken) = take(&inbox, Appetite::Hungry, None);
    assert_eq!((round, taken), (Round { flush: None, last: false, took: true }, vec![1, 2, 3]));
    assert_eq!(inbox.push(5), Admission::Queued);
    inbox.settle(3);
    assert_eq!(inbox.counts(), counts(4, 3, 1));
}

#[test]
fn a_full_thread_takes_nothing_and_a_patient_one_takes_when_its_time_comes() {
    let inbox = Inbox::<Three>::new();
    let _ = inbox.push(1);
    let (round, taken) = take(&inbox, Appetite::Full, Some(Instant::now()));
    assert_eq!((round, taken), (Round { flush: None, last: false, took: false }, vec![]));
    let (round, taken) = take(&inbox, Appetite::Patient, Some(Instant::now()));
    assert_eq!((round, taken), (Round { flush: None, last: false, took: true }, vec![1]));
}

#[test]
fn a_sleeping_thread_is_woken_by_the_first_push() {
    let inbox = Arc::new(Inbox::<Three>::new());
    let shared = Arc::clone(&inbox);
    let thread = thread::spawn(move || take(&shared, Appetite::Hungry, Some(Instant::now() + LONG)));
    let _ = inbox.push(1);
    let (_, taken) = thread.join().unwrap();
    assert_eq!(taken, [1]);
}

#[test]
fn a_flush_ends_when_its_round_is_written_and_not_before() {
    let inbox = Arc::new(Inbox::<Three>::new());
    let _ = inbox.push(1);
    let shared = Arc::clone(&inbox);
    let caller = thread::spawn(move || shared.flush(LONG));
    // A full thread is told of the flush; that it wrote what was left over is no answer to it.
    let round = loop {
        let (round, _) = take(&inbox, Appetite::Full, Some(Instant::now()));
        if round.flush.is_some() {
            break round;
        }
    };
    inbox.answer_flushes(round, None);
    let (round, taken) = take(&inbox, Appetite::Hungry, None);
    assert_eq!((round.flush, taken), (Some(1), vec![1]));
    inbox.settle(1);
    inbox.answer_flushes(round, None);
    assert_eq!(caller.join().unwrap(), Ok(()));
}

#[test]
fn a_flush_tells_the_trouble() {
    let inbox = Arc::new(Inbox::<Three>::new());
    let _ = inbox.push(1);
    let shared = Arc::clone(&inbox);
    let caller = thread::spawn(move || shared.flush(LONG));
    let round = loop {
        let (round, _) = take(&inbox, Appetite::Full, Some(Instant::now()));
        if round.flush.is_some() {
            break round;
        }
    };
    inbox.answer_flushes(round, Some(trouble()));
    assert_eq!(caller.join().unwrap(), Err(FlushError::Failing { waiting: 1, error: trouble() }));
}

#[test]
fn a_flush_that_nobody_answers_is_over_in_its_time() {
    let inbox = Inbox::<Three>::new();
    let _ = inbox.push(1);
    let within = Duration::from_millis(1);
    assert_eq!(inbox.flush(within), Err(FlushError::TimedOut { waiting: 1, within }));
    assert_eq!(inbox.close(within), Err(CloseError::TimedOut { waiting: 1 }));
}

#[test]
fn after_the_close_nothing_is_let_in_and_what_was_is_taken() {
    let inbox = Inbox::<Three>::new();
    let _ = inbox.push(1);
    inbox.begin_close();
    assert_eq!(inbox.push(2), Admission::Lost);
    let (round, taken) = take(&inbox, Appetite::Hungry, None);
    assert_eq!((round, taken), (Round { flush: None, last: true, took: true }, vec![1]));
    inbox.settle(1);
    drop(EndGuard(&inbox));
    assert_eq!(inbox.close(LONG), Ok(()));
    assert_eq!(inbox.flush(LONG), Err(FlushError::Ended));
}

#[test]
fn the_end_tells_what_was_given_up_and_why() {
    let inbox = Inbox::<Three>::new();
    let _ = inbox.push(1);
    assert!(inbox.set_health(Health::Failing { error: trouble(), since: abi::Wall(1) }));
    assert!(!inbox.set_health(Health::Failing { error: trouble(), since: abi::Wall(1) }));
    drop(EndGuard(&inbox));
    assert_eq!(inbox.close(LONG), Err(CloseError::GaveUp { lost: 1, error: trouble() }));
    assert!(inbox.set_health(Health::Well));
    assert_eq!(inbox.close(LONG), Err(CloseError::Died { lost: 1 }));
}

#[test]
fn a_thread_that_dies_ends_every_wait() {
    let inbox = Arc::new(Inbox::<Three>::new());
    let shared = Arc::clone(&inbox);
    let caller = thread::spawn(move || shared.flush(LONG));
    let shared = Arc::clone(&inbox);
    let thread = thread::spawn(move || {
        let _end = EndGuard(&shared);
        while take(&shared, Appetite::Hungry, None).0.flush.is_none() {}
        panic!("as a mistake of ours would");
    });
    assert!(thread.join().is_err());
    assert_eq!(caller.join().unwrap(), Err(FlushError::Ended));
}

#[test]
fn a_wait_without_end_is_no_panic() {
    let inbox = Inbox::<Three>::new();
    drop(EndGuard(&inbox));
    assert_eq!(inbox.flush(Duration::MAX), Err(FlushError::Ended));
    assert_eq!(inbox.close(Duration::MAX), Ok(()));
}
