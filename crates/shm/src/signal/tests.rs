//! The sleep and the wake under a model checker, which tries every order of the two sides' steps.

use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU32 as Modelled;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::{AWAKE, ON_FUTEX, ON_PIPE, Sleeper, Word, announce, get_up, lie_down};

impl Word for Modelled {
    fn load(&self, ordering: Ordering) -> u32 {
        Self::load(self, ordering)
    }

    fn store(&self, value: u32, ordering: Ordering) {
        Self::store(self, value, ordering);
    }

    fn swap(&self, value: u32, ordering: Ordering) -> u32 {
        Self::swap(self, value, ordering)
    }

    fn full_fence() {
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// A position, its flag, and what the system does for a futex and for a pipe. A lost wake-up is a thread that waits for
/// ever, which the checker reports as a deadlock.
#[derive(Debug)]
struct Model {
    position: Modelled,
    sleeps: Modelled,
    /// How many line breaks lie in the pipe.
    pipe: Mutex<u32>,
    wake: Condvar,
}

impl Model {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            position: Modelled::new(0),
            sleeps: Modelled::new(AWAKE),
            pipe: Mutex::new(0),
            wake: Condvar::new(),
        })
    }

    fn advance(&self, value: u32) {
        match announce(&self.position, &self.sleeps, value) {
            Sleeper::Nobody => {}
            Sleeper::OnFutex => {
                drop(self.pipe.lock().expect("no panic"));
                self.wake.notify_all();
            }
            Sleeper::OnPipe => {
                *self.pipe.lock().expect("no panic") += 1;
                self.wake.notify_all();
            }
        }
    }

    /// As `futex(FUTEX_WAIT)`: compares under the lock that a wake takes too, so that no wake comes in between. It may
    /// end for no reason, and so may this.
    fn futex_wait(&self) {
        let held = self.pipe.lock().expect("no panic");
        if self.sleeps.load(Ordering::Relaxed) == ON_FUTEX {
            drop(self.wake.wait(held).expect("no panic"));
        }
    }

    /// A read of a pipe: waits for a byte and takes all.
    fn pipe_read(&self) {
        let mut held = self.pipe.lock().expect("no panic");
        while *held == 0 {
            held = self.wake.wait(held).expect("no panic");
        }
        *held = 0;
    }

    /// Reads until the position is `last`, sleeping when there is nothing.
    fn follow(&self, last: u32, how: u32) {
        let mut seen = 0;
        while seen != last {
            let now = self.position.load(Ordering::Acquire);
            if now != seen {
                seen = now;
            } else if lie_down(&self.position, &self.sleeps, seen, how) {
                if how == ON_PIPE {
                    self.pipe_read()
                } else {
                    self.futex_wait()
                }
                get_up(&self.sleeps);
            }
        }
    }
}

/// Every order with at most three switches of thread that no side asked for; all orders take minutes and find no more.
const SWITCHES_MAX: usize = 3;

fn no_wake_is_lost(how: u32) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(SWITCHES_MAX);
    builder.check(move || {
        let model = Model::new();
        let writer = model.clone();
        let writing = thread::spawn(move || {
            writer.advance(8);
            writer.advance(16);
        });
        model.follow(16, how);
        writing.join().expect("no panic");
    });
}

#[test]
fn a_reader_on_a_futex_never_sleeps_past_a_frame() {
    no_wake_is_lost(ON_FUTEX);
}

#[test]
fn a_reader_on_its_pipe_never_sleeps_past_a_frame() {
    no_wake_is_lost(ON_PIPE);
}

#[test]
fn a_position_that_was_shown_without_a_wake_is_made_up_for_by_the_next_announcement() {
    loom::model(|| {
        let model = Model::new();
        let writer = model.clone();
        let writing = thread::spawn(move || {
            writer.position.store(8, Ordering::Release);
            writer.advance(8);
        });
        model.follow(8, ON_FUTEX);
        writing.join().expect("no panic");
    });
}

#[test]
fn a_flag_that_no_peer_of_ours_sets_wakes_nobody_and_is_taken_back() {
    let (position, sleeps) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicU32::new(77));
    assert_eq!(announce(&position, &sleeps, 8), Sleeper::Nobody);
    assert_eq!(sleeps.load(Ordering::Relaxed), AWAKE);
}

#[test]
fn each_sleeper_is_woken_once() {
    let (position, sleeps) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicU32::new(AWAKE));
    assert!(lie_down(&position, &sleeps, 0, ON_PIPE));
    assert_eq!(announce(&position, &sleeps, 8), Sleeper::OnPipe);
    assert_eq!(announce(&position, &sleeps, 16), Sleeper::Nobody, "it gets up already");
    assert!(!lie_down(&position, &sleeps, 8, ON_FUTEX), "there is something new");
    assert_eq!(announce(&position, &sleeps, 24), Sleeper::Nobody, "it did not lie down");
}
