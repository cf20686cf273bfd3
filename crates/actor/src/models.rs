//! The protocols between two cores, in every order in which two or three threads can run. Only with `--cfg loom`.

use alloc::vec::Vec;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::park::{Sleeper, WakeDebt};
use crate::ring::{Consumer, Producer, ring};
use crate::sync::Arc;
use crate::trace::{Event, trace};

/// Sends until there was room.
fn send(producer: &mut Producer<Arc<usize>>, number: usize) {
    let mut value = Arc::new(number);
    while let Err(refused) = producer.push(value) {
        value = refused;
        thread::yield_now();
    }
}

/// Receives so many.
fn receive(consumer: &mut Consumer<Arc<usize>>, count: usize) -> Vec<usize> {
    let mut received = Vec::new();
    while received.len() < count {
        match consumer.pop() {
            Some(value) => received.push(*value),
            None => thread::yield_now(),
        }
    }
    received
}

#[test]
fn ring_hands_over_whole_values_in_order_over_two_laps() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(1);
        let sender = thread::spawn(move || (1..=3).for_each(|number| send(&mut producer, number)));
        assert_eq!(receive(&mut consumer, 3), [1, 2, 3]);
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn ring_of_two_hands_over_what_was_written_in_place() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring::<usize>(2);
        let sender = thread::spawn(move || {
            for number in 1..=3 {
                // SAFETY: the closure writes the slot.
                while !unsafe {
                    producer.push_with(|slot| {
                        slot.write(number);
                    })
                } {
                    thread::yield_now();
                }
            }
        });
        for number in 1..=3 {
            while consumer.peek().is_none() {
                thread::yield_now();
            }
            assert_eq!(consumer.peek().copied(), Some(number));
            consumer.advance();
        }
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn ring_drops_what_is_undelivered_whichever_side_goes_first() {
    // Loom itself reports a value that is never dropped, or dropped twice.
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2);
        let sender = thread::spawn(move || {
            for number in 1..=2 {
                let _ = producer.push(Arc::new(number));
            }
        });
        let _ = consumer.pop();
        drop(consumer);
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn sleeper_is_never_left_asleep_with_work_before_it() {
    // A lost wake-up is a deadlock: the sleeper parks for ever.
    loom::model(|| {
        let sleeper = Arc::new(Sleeper::new());
        let work = Arc::new(AtomicUsize::new(0));
        let core = thread::current();
        let sender = {
            let (sleeper, work) = (sleeper.clone(), work.clone());
            thread::spawn(move || {
                let mut debt = WakeDebt::default();
                for number in 1..=2 {
                    work.store(number, Ordering::Relaxed);
                    debt.publish();
                    debt.settle(&sleeper, || core.unpark());
                }
            })
        };
        while work.load(Ordering::Relaxed) < 2 {
            sleeper.prepare();
            if work.load(Ordering::Relaxed) < 2 && sleeper.should_sleep() {
                thread::park();
            }
            sleeper.cancel();
        }
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn of_two_senders_one_wakes_a_sleeper_and_only_once() {
    loom::model(|| {
        let sleeper = Arc::new(Sleeper::new());
        sleeper.prepare();
        let other = sleeper.clone();
        let sender = thread::spawn(move || usize::from(other.wake()));
        let woken = usize::from(sleeper.wake()) + sender.join().expect("the other side does not panic");
        assert_eq!(woken, 1);
        assert!(!sleeper.should_sleep());
    });
}

#[test]
fn ring_and_wake_flag_together_deliver_a_batch_to_a_sleeping_core() {
    loom::model(|| {
        let sleeper = Arc::new(Sleeper::new());
        let (mut producer, mut consumer) = ring::<usize>(2);
        let core = thread::current();
        let sender = {
            let sleeper = sleeper.clone();
            thread::spawn(move || {
                let mut debt = WakeDebt::default();
                for number in 1..=2 {
                    assert_eq!(producer.push(number), Ok(()));
                    debt.publish();
                }
                debt.settle(&sleeper, || core.unpark());
            })
        };
        let mut received = 0;
        while received < 2 {
            received += consumer.drain(2, |_| ());
            if received == 2 {
                break;
            }
            sleeper.prepare();
            if consumer.is_empty() && sleeper.should_sleep() {
                thread::park();
            }
            sleeper.cancel();
        }
        sender.join().expect("the other side does not panic");
    });
}

#[test]
fn trace_gives_whole_records_or_none() {
    loom::model(|| {
        let (mut writer, mut reader) = trace(1);
        let core = thread::spawn(move || {
            for number in 1..=2 {
                writer.record(Event { time: number, kind: 1, actor: number, peer: number });
            }
        });
        let mut newest = 0;
        reader.read(|event| {
            assert!(event.time == event.actor && event.actor == event.peer, "torn: {event:?}");
            assert!(event.time > newest);
            newest = event.time;
        });
        core.join().expect("the other side does not panic");
    });
}

/// What the ring between two cores carries while an actor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Message(u32),
    Flush,
    Flushed,
}

fn put(producer: &mut Producer<Hop>, hop: Hop) {
    while producer.push(hop).is_err() {
        thread::yield_now();
    }
}

#[test]
fn what_an_actor_sends_before_and_after_its_move_arrives_in_order() {
    // The actor moves from core A to core B and sends to core D from both: through the one ring, then the other. A and B
    // are one thread here, as what B does for the actor comes after what A did.
    loom::model(|| {
        let (mut a_to_d, mut d_from_a) = ring(2);
        let (mut d_to_a, mut a_from_d) = ring(1);
        let (mut b_to_d, mut d_from_b) = ring(1);
        let both = thread::spawn(move || {
            put(&mut a_to_d, Hop::Message(1));
            put(&mut a_to_d, Hop::Flush);
            while a_from_d.pop() != Some(Hop::Flushed) {
                thread::yield_now();
            }
            put(&mut b_to_d, Hop::Message(2));
        });
        let mut received = Vec::new();
        while received.len() < 2 {
            // The other ring first: only the flush keeps the order.
            let hops = [d_from_b.pop(), d_from_a.pop()];
            if hops == [None, None] {
                thread::yield_now();
            }
            for hop in hops.into_iter().flatten() {
                match hop {
                    Hop::Message(number) => received.push(number),
                    Hop::Flush => put(&mut d_to_a, Hop::Flushed),
                    Hop::Flushed => unreachable!("this goes the other way"),
                }
            }
        }
        assert_eq!(received, [1, 2]);
        both.join().expect("the other side does not panic");
    });
}
