//! Records that are read while they are written, whole or not at all.

use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use std::thread;

use super::*;

fn event(number: u64) -> Event {
    Event { time: number, kind: number as u16, actor: number, peer: number }
}

fn read(reader: &mut TraceReader) -> (Vec<u64>, u64) {
    let mut times = Vec::new();
    let progress = reader.read(|event| times.push(event.time));
    assert_eq!(progress.read, times.len() as u64);
    (times, progress.missed)
}

#[test]
fn record_is_32_bytes() {
    assert_eq!(size_of::<Slot>(), 32);
}

#[test]
fn reader_gets_each_event_once_and_the_last_one_at_once() {
    let (mut writer, mut reader) = trace(4);
    assert_eq!(read(&mut reader), (Vec::new(), 0));
    writer.record(Event { time: 1, kind: 7, actor: 2, peer: 3 });
    let mut events = Vec::new();
    reader.read(|event| events.push(event));
    assert_eq!(events, [Event { time: 1, kind: 7, actor: 2, peer: 3 }]);
    assert_eq!(read(&mut reader), (Vec::new(), 0));
}

#[test]
fn slow_reader_gets_the_newest_and_hears_how_many_it_missed() {
    let (mut writer, mut reader) = trace(4);
    (1..=11).for_each(|number| writer.record(event(number)));
    assert_eq!(read(&mut reader), (alloc::vec![8, 9, 10, 11], 7));
}

#[test]
fn readers_do_not_take_from_each_other() {
    let (mut writer, mut reader) = trace(4);
    writer.record(event(1));
    let mut other = reader.clone();
    assert_eq!(read(&mut reader), read(&mut other));
}

#[test]
fn reader_beside_a_running_writer_sees_no_torn_record() {
    let (mut writer, mut reader) = trace(8);
    let stop = Arc::new(AtomicBool::new(false));
    let core = {
        let stop = stop.clone();
        thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                writer.record(event(number));
            }
            number
        })
    };
    let (mut last, mut seen) = (0, 0);
    while seen < 1_000 {
        let progress = reader.read(|event| {
            assert!(
                event.time == event.actor && event.actor == event.peer && event.kind == event.time as u16
            );
            assert!(event.time > last);
            last = event.time;
        });
        seen += progress.read;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(last <= core.join().unwrap());
}
