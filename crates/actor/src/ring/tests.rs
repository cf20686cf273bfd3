//! Against a queue that does the same slowly; drops on both sides.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::thread;

use proptest::prelude::*;

use super::*;

/// A value of 56 bytes, so that the entry is one line.
#[derive(Clone, Copy)]
struct Message {
    number: u64,
    _rest: [u64; 6],
}

#[test]
fn entry_with_a_message_is_one_line() {
    assert_eq!((size_of::<Entry<Message>>(), align_of::<Entry<Message>>()), (64, 64));
}

#[test]
fn capacity_is_rounded_up_and_kept_in_bounds() {
    for (asked, given) in [(0, 1), (1, 1), (3, 4), (1024, 1024), (usize::MAX, RING_ENTRIES_MAX)] {
        let (mut producer, _consumer) = ring::<u8>(asked);
        assert_eq!(producer.room(), given);
    }
}

#[test]
fn full_ring_gives_the_value_back_until_an_eighth_was_read() {
    let (mut producer, mut consumer) = ring(16);
    for number in 0..16 {
        assert_eq!(producer.push(number), Ok(()));
    }
    assert_eq!(producer.push(16), Err(16));
    assert_eq!(consumer.pop(), Some(0));
    assert_eq!(producer.push(16), Err(16), "the position is published by eighths");
    assert_eq!(consumer.pop(), Some(1));
    assert_eq!(producer.push(16), Ok(()));
}

#[test]
fn drain_takes_no_more_than_asked_and_in_order() {
    let (mut producer, mut consumer) = ring(8);
    (0..5).for_each(|number| producer.push(number).unwrap());
    let mut taken = Vec::new();
    assert_eq!(consumer.drain(3, |number| taken.push(number)), 3);
    assert_eq!(consumer.drain(9, |number| taken.push(number)), 2);
    assert_eq!(taken, [0, 1, 2, 3, 4]);
    assert!(consumer.is_empty());
}

#[test]
fn peeked_value_stays_until_advanced_and_can_be_changed() {
    let (mut producer, mut consumer) = ring(2);
    consumer.advance();
    producer.push(7).unwrap();
    *consumer.peek().unwrap() += 1;
    assert_eq!(consumer.peek().copied(), Some(8));
    consumer.advance();
    assert_eq!(consumer.peek(), None);
}

#[test]
fn a_look_ahead_says_how_far_the_ring_is_filled_and_changes_nothing() {
    let (mut producer, mut consumer) = ring(8);
    for number in 0..5 {
        assert_eq!(producer.push(number), Ok(()));
    }
    assert_eq!(consumer.pop(), Some(0));
    let filled: Vec<_> = (0..24).map(|ahead| consumer.is_filled(ahead)).collect();
    assert_eq!(filled, [&[true; 4][..], &[false; 20]].concat(), "beyond a lap there is nothing either");
    consumer.fetch(3);
    assert_eq!(core::iter::from_fn(|| consumer.pop()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(!consumer.is_filled(0));
}

#[test]
fn filling_that_panics_sends_nothing() {
    let (mut producer, mut consumer) = ring::<u8>(2);
    let fill = |_: &mut MaybeUninit<u8>| std::panic::resume_unwind(Box::new(()));
    // SAFETY: the closure never returns.
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unsafe { producer.push_with(fill) }));
    assert!(sent.is_err());
    assert!(consumer.is_empty());
    producer.push(1).unwrap();
    assert_eq!(consumer.pop(), Some(1));
}

#[test]
fn consumer_that_goes_drops_what_it_did_not_take_and_closes_the_ring() {
    let (mut producer, mut consumer) = ring(16);
    let value = Arc::new(());
    (0..3).for_each(|_| producer.push(value.clone()).unwrap());
    drop(consumer.pop());
    drop(consumer);
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(producer.is_closed());
    assert!(producer.push(value.clone()).is_err());
    // SAFETY: the closure is not called.
    assert!(!unsafe { producer.push_with(|_| unreachable!("a closed ring has no slot to fill")) });
    drop(producer);
    assert_eq!(Arc::strong_count(&value), 1, "what was taken is not dropped again");
}

#[test]
fn what_a_gone_producer_sent_can_still_be_taken() {
    let (mut producer, mut consumer) = ring(4);
    let value = Arc::new(());
    (0..3).for_each(|_| producer.push(value.clone()).unwrap());
    drop(producer);
    assert!(consumer.pop().is_some());
    consumer.advance();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(consumer);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn two_threads_lose_and_double_nothing() {
    /// Many laps of a small ring.
    const COUNT: u64 = 20_000;
    let (mut producer, mut consumer) = ring(64);
    let sender = thread::spawn(move || {
        for number in 0..COUNT {
            let mut message = Message { number, _rest: [number; 6] };
            while let Err(refused) = producer.push(message) {
                message = refused;
                thread::yield_now();
            }
        }
    });
    let mut expected = 0;
    while expected < COUNT {
        let taken = consumer.drain(32, |message| {
            assert_eq!((message.number, message._rest), (expected, [expected; 6]));
            expected += 1;
        });
        if taken == 0 {
            thread::yield_now();
        }
    }
    sender.join().unwrap();
    assert!(consumer.is_empty());
}

proptest! {
    #[test]
    fn ring_behaves_as_a_queue(capacity in 1_usize..20, steps in prop::collection::vec(0_u8..4, 0..200)) {
        let (mut producer, mut consumer) = ring(capacity);
        let capacity = capacity.next_power_of_two();
        let unpublished_max = (capacity / PUBLISHED_PARTS).max(1) - 1;
        let mut twin = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => match producer.push(number) {
                    Ok(()) => twin.push_back(number),
                    Err(refused) => {
                        prop_assert_eq!(refused, number);
                        prop_assert!(twin.len() + unpublished_max >= capacity);
                    }
                },
                2 => prop_assert_eq!(consumer.pop(), twin.pop_front()),
                _ => {
                    prop_assert_eq!(consumer.peek().copied(), twin.front().copied());
                    consumer.advance();
                    twin.pop_front();
                }
            }
            prop_assert!(twin.len() <= capacity);
            prop_assert_eq!(consumer.is_empty(), twin.is_empty());
        }
    }
}
