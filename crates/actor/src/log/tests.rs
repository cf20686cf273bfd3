//! A log gives back what was put in, in order, over the borders of chunks.

use super::*;
use crate::message::{EMPTY, Header};

fn push(log: &mut Log, chunks: &mut Chunks, number: u32) {
    let line = Line::new(Header { dst: number, meta: 0, tag: 0 }, EMPTY);
    // SAFETY: `push` gives a place to fill.
    unsafe { log.push(chunks).write(line) };
}

fn pop(log: &mut Log, chunks: &mut Chunks) -> Option<u32> {
    // SAFETY: the line is filled and stays until the next call.
    log.pop(chunks).map(|line| unsafe { (*line).header.dst })
}

#[test]
fn a_log_keeps_order_and_count_over_chunks() {
    let (mut log, mut chunks) = (Log::new(), Chunks::default());
    let (mut pushed, mut popped) = (0, 0);
    for round in 1..300u32 {
        for _ in 0..round % 190 {
            push(&mut log, &mut chunks, pushed);
            pushed += 1;
        }
        assert_eq!(log.count(), (pushed - popped) as usize);
        for _ in 0..round % 170 {
            if popped < pushed {
                assert_eq!(pop(&mut log, &mut chunks), Some(popped));
                popped += 1;
            }
        }
    }
    while popped < pushed {
        assert_eq!(pop(&mut log, &mut chunks), Some(popped));
        popped += 1;
    }
    assert_eq!(pop(&mut log, &mut chunks), None);
    assert!(log.is_empty());
}

#[test]
fn a_log_that_is_emptied_again_and_again_uses_few_chunks() {
    let (mut log, mut chunks) = (Log::new(), Chunks::default());
    for number in 0..10_000 {
        push(&mut log, &mut chunks, number);
        assert_eq!(pop(&mut log, &mut chunks), Some(number));
    }
    assert!(chunks.0.len() <= 2, "{} chunks", chunks.0.len());
}

#[test]
fn looking_ahead_stays_within_what_is_filled() {
    let (mut log, mut chunks) = (Log::new(), Chunks::default());
    assert!(log.ahead(0).is_none());
    for number in 0..3 {
        push(&mut log, &mut chunks, number);
    }
    assert!(log.ahead(2).is_some());
    assert!(log.ahead(3).is_none());
}
