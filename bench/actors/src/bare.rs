//! What the machine itself gives across two cores, without actors: rows to read the numbers across cores beside, which
//! move with the state of the machine.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actor::ring::{RING_ENTRIES_DEFAULT, ring};

use crate::Runner;
use crate::place::pin;

/// What a message of ours is in a ring.
const WORDS: usize = 7;

/// A line of its own.
#[repr(align(128))]
struct Line(AtomicU64);

/// One cache line goes to the other core and back.
pub(crate) fn bounce() -> Result<Runner, String> {
    Ok(Box::new(|round_trips| {
        let line = Arc::new(Line(AtomicU64::new(0)));
        let other = line.clone();
        let echo = std::thread::spawn(move || {
            pin(1);
            for round in 0..round_trips {
                while other.0.load(Ordering::Acquire) != 2 * round + 1 {
                    spin_loop();
                }
                other.0.store(2 * round + 2, Ordering::Release);
            }
        });
        pin(0);
        let began = Instant::now();
        for round in 0..round_trips {
            line.0.store(2 * round + 1, Ordering::Release);
            while line.0.load(Ordering::Acquire) != 2 * round + 2 {
                spin_loop();
            }
        }
        let took = began.elapsed();
        echo.join().map_err(|_| "the other side panicked".to_owned())?;
        Ok(took)
    }))
}

/// Entries of the ring that actors' messages take between cores, written by one core and read by the other.
pub(crate) fn lines() -> Result<Runner, String> {
    Ok(Box::new(|count| {
        let (mut producer, mut consumer) = ring::<[u64; WORDS]>(RING_ENTRIES_DEFAULT);
        let reader = std::thread::spawn(move || {
            pin(1);
            let mut sum = 0_u64;
            for _ in 0..count {
                loop {
                    if let Some(words) = consumer.peek() {
                        sum = sum.wrapping_add(words[0]);
                        break;
                    }
                    spin_loop();
                }
                consumer.advance();
            }
            sum
        });
        pin(0);
        let began = Instant::now();
        for number in 0..count {
            while producer.push([number; WORDS]).is_err() {
                spin_loop();
            }
        }
        let sum = reader.join().map_err(|_| "the other side panicked".to_owned())?;
        let took: Duration = began.elapsed();
        let expected = (0..count).fold(0_u64, u64::wrapping_add);
        if sum == expected { Ok(took) } else { Err("a line was lost".to_owned()) }
    }))
}
