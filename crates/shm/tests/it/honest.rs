//! Two sides that keep to the rules: nothing is lost, doubled or reordered, whatever the frames' lengths.

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use shm::limits::{FRAME_BYTES_MAX, RING_BYTES_DEFAULT};
use shm::{Doze, Lane, LaneError, Pushed, Rouse, SendFault, Woken};

use crate::peer::{self, OUT_BYTES, Peer, RING};

/// 20 s: nothing here takes longer on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(20);

fn both(ring_bytes: u32) -> (Lane, Lane) {
    let (ours, fd) = Lane::create(ring_bytes).expect("shared memory");
    let theirs = Lane::attach(fd.as_fd(), ring_bytes).expect("a lane");
    (ours, theirs)
}

fn all(lane: &mut Lane) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    lane.receiver.receive(usize::MAX, |frame| frames.push(frame.to_vec())).expect("an honest peer");
    frames
}

fn frame(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (number * 31 + at) as u8).collect()
}

#[test]
fn frames_arrive_in_order_in_both_directions() {
    let (mut ours, mut theirs) = both(RING);
    for word in [&b"one"[..], b"two", b"three"] {
        assert_eq!(ours.sender.send(word), Ok((Pushed::Taken, Rouse::Nobody)));
    }
    assert_eq!(theirs.sender.send(b"back"), Ok((Pushed::Taken, Rouse::Nobody)));
    assert_eq!(all(&mut theirs), [&b"one"[..], b"two", b"three"]);
    assert_eq!(all(&mut ours), [b"back"]);
    assert!(all(&mut ours).is_empty());
}

#[test]
fn a_full_lane_takes_nothing_and_says_so() {
    let (mut ours, mut theirs) = both(RING);
    let (taken, _) = ours.sender.send_batch((0..100).map(|_| &[7_u8; 200][..])).expect("an honest peer");
    assert_eq!(taken, RING as usize / 208);
    assert_eq!(ours.sender.send(&[8; 200]).expect("an honest peer").0, Pushed::Full);
    assert_eq!(all(&mut theirs).len(), taken);
    assert_eq!(ours.sender.send(&[9; 200]).expect("an honest peer").0, Pushed::Taken);
    assert_eq!(all(&mut theirs), [[9; 200]]);
}

#[test]
fn a_turn_of_reading_takes_no_more_frames_than_it_was_asked_for() {
    let (mut ours, mut theirs) = both(RING);
    let sent = ours.sender.send_batch([&b"1"[..], b"2", b"3"]);
    assert_eq!(sent, Ok((3, Rouse::Nobody)));
    assert_eq!(theirs.receiver.receive(2, |_| ()).expect("an honest peer").frames, 2);
    assert_eq!(all(&mut theirs), [b"3"]);
}

#[test]
fn a_frame_longer_than_the_ring_arrives_whole_while_it_is_read() {
    let (mut ours, mut theirs) = both(RING);
    let long = frame(1, FRAME_BYTES_MAX);
    assert_eq!(ours.sender.push(&long), Ok(Pushed::Taken));
    assert_eq!(ours.sender.push(b"after"), Ok(Pushed::Full), "the long one waits for room");
    let mut received = Vec::new();
    while ours.sender.has_rest() {
        let _ = ours.sender.publish().expect("an honest peer");
        received.extend(all(&mut theirs));
    }
    assert_eq!(ours.sender.send(b"after").expect("an honest peer").0, Pushed::Taken);
    received.extend(all(&mut theirs));
    assert!(received == [long, b"after".to_vec()]);
}

#[test]
fn frames_of_no_length_or_beyond_the_bound_are_refused_and_leave_the_lane_as_it_was() {
    let (mut ours, mut theirs) = both(RING);
    assert_eq!(ours.sender.push(b""), Err(SendFault::Length { bytes: 0 }));
    let bytes = FRAME_BYTES_MAX + 1;
    assert_eq!(ours.sender.push(&vec![0; bytes]), Err(SendFault::Length { bytes }));
    assert_eq!(ours.sender.send(b"good"), Ok((Pushed::Taken, Rouse::Nobody)));
    assert_eq!(all(&mut theirs), [b"good"]);
}

#[test]
fn a_reader_that_sleeps_on_its_pipe_is_to_be_woken_once() {
    let (mut ours, mut theirs) = both(RING);
    assert_eq!(theirs.receiver.doze(), Doze::Asleep);
    assert_eq!(ours.sender.send(b"1"), Ok((Pushed::Taken, Rouse::ByPipe)));
    assert_eq!(ours.sender.send(b"2"), Ok((Pushed::Taken, Rouse::Nobody)));
    assert_eq!(theirs.receiver.doze(), Doze::Ready);
    assert_eq!(all(&mut theirs), [b"1", b"2"]);
    assert_eq!(ours.sender.send(b"3"), Ok((Pushed::Taken, Rouse::Nobody)), "nobody sleeps");
}

#[test]
fn a_writer_that_waits_for_room_on_its_pipe_is_to_be_woken_once() {
    let (mut ours, mut theirs) = both(RING);
    let (taken, _) = ours.sender.send_batch((0..100).map(|_| &[7_u8; 200][..])).expect("an honest peer");
    assert_eq!(ours.sender.doze(), Ok(Doze::Asleep));
    let received = theirs.receiver.receive(1, |_| ()).expect("an honest peer");
    assert_eq!((received.frames, received.rouse), (1, Rouse::ByPipe));
    let received = theirs.receiver.receive(100, |_| ()).expect("an honest peer");
    assert_eq!((received.frames, received.rouse), (taken - 1, Rouse::Nobody));
    assert_eq!(ours.sender.doze(), Ok(Doze::Ready));
    assert_eq!(ours.sender.unread_bytes(), Ok(0));
}

#[test]
fn what_was_pushed_and_not_published_is_read_by_a_reader_that_is_awake_after_the_publish() {
    let (mut ours, mut theirs) = both(RING);
    assert_eq!(ours.sender.push(b"1"), Ok(Pushed::Taken));
    assert_eq!(theirs.receiver.doze(), Doze::Asleep);
    assert_eq!(ours.sender.publish(), Ok(Rouse::ByPipe));
    assert_eq!(all(&mut theirs), [b"1"]);
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let (mut ours, _theirs) = both(RING);
    assert_eq!(ours.receiver.wait(Duration::from_millis(1)), Woken::InVain);
    assert_eq!(ours.sender.wait_for_room(Duration::from_millis(1)), Ok(Woken::InVain));
}

#[test]
fn two_threads_that_sleep_and_wake_on_a_small_ring_lose_nothing() {
    const FRAMES: usize = 20_000;
    let (mut ours, mut theirs) = both(RING);
    let reading = thread::spawn(move || {
        let (mut next, until) = (0, Instant::now() + DEADLINE);
        while next < FRAMES {
            let received = theirs.receiver.receive(7, |found| {
                assert_eq!(found, frame(next, 1 + next * 7 % 3000));
                next += 1;
            });
            if received.expect("an honest peer").frames == 0 {
                theirs.receiver.wait(DEADLINE);
            }
            assert!(Instant::now() < until, "{next} frames came");
        }
    });
    for number in 0..FRAMES {
        let frame = frame(number, 1 + number * 7 % 3000);
        while ours.sender.send(&frame).expect("an honest peer").0 == Pushed::Full {
            assert_eq!(ours.sender.wait_for_room(DEADLINE), Ok(Woken::ForSomething));
        }
    }
    while ours.sender.has_rest() {
        assert_eq!(ours.sender.wait_for_room(DEADLINE), Ok(Woken::ForSomething));
        assert_eq!(ours.sender.publish(), Ok(Rouse::Nobody));
    }
    reading.join().expect("all frames came");
}

#[test]
fn a_lane_that_is_not_there_or_not_what_was_said_is_refused() {
    assert!(matches!(Lane::create(5000), Err(LaneError::RingBytes { bytes: 5000 })));
    let (_lane, fd) = Lane::create(RING).expect("shared memory");
    assert!(matches!(Lane::attach(fd.as_fd(), RING * 2), Err(LaneError::Length { .. })));
    assert!(matches!(Lane::attach_inherited(-1, RING), Err(LaneError::Descriptor { fd: -1, .. })));
    assert!(matches!(Lane::attach_inherited(i32::MAX, RING), Err(LaneError::Descriptor { .. })));
    let (pipe, _end) = std::io::pipe().expect("a pipe");
    assert!(matches!(Lane::attach(pipe.as_fd(), RING), Err(LaneError::Descriptor { .. })));
    let peer = Peer::of(fd.try_clone().expect("a descriptor"));
    peer.set(8, 2);
    assert!(matches!(Lane::attach(fd.as_fd(), RING), Err(LaneError::Layout)), "layout 2 is from the future");
}

#[test]
fn the_memory_cannot_be_made_shorter_or_longer() {
    let (_lane, fd) = Lane::create(RING_BYTES_DEFAULT).expect("shared memory");
    let file = std::fs::File::from(fd);
    let bytes = 4096 + 2 * u64::from(RING_BYTES_DEFAULT);
    assert_eq!(file.metadata().expect("a file").len(), bytes);
    assert!(file.set_len(0).is_err() && file.set_len(bytes + 1).is_err());
}

#[test]
fn the_first_record_lies_where_the_reference_says() {
    let (mut lane, peer) = peer::lane();
    assert_eq!(lane.sender.send(b"abcde"), Ok((Pushed::Taken, Rouse::Nobody)));
    assert_eq!([peer.word(OUT_BYTES), peer.word(OUT_BYTES + 4)], [5, 0]);
    assert_eq!(peer.word(OUT_BYTES + 8).to_ne_bytes(), *b"abcd");
    assert_eq!(peer.word(OUT_BYTES + 12).to_ne_bytes(), *b"e\0\0\0");
    assert_eq!(peer.word(128), 16, "the tail");
    assert_eq!([peer.word(0).to_ne_bytes(), peer.word(4).to_ne_bytes()], [*b"OSTO", *b"LANE"]);
    assert_eq!([peer.word(8), peer.word(12)], [1, RING]);
}

proptest! {
    #[test]
    fn any_frames_come_out_as_they_went_in(
        lengths in proptest::collection::vec(1_usize..6000, 1..60),
        turns in proptest::collection::vec(1_usize..5, 1..8),
    ) {
        let (mut ours, mut theirs) = both(RING);
        let frames: Vec<_> = lengths.iter().enumerate().map(|(number, bytes)| frame(number, *bytes)).collect();
        let mut received = Vec::new();
        let mut turn = turns.iter().cycle();
        let mut read = |theirs: &mut Lane, most| {
            theirs.receiver.receive(most, |frame| received.push(frame.to_vec())).expect("an honest peer");
        };
        for frame in &frames {
            while ours.sender.push(frame).expect("an honest peer") == Pushed::Full {
                let _ = ours.sender.publish().expect("an honest peer");
                read(&mut theirs, *turn.next().expect("a cycle"));
            }
        }
        let _ = ours.sender.publish().expect("an honest peer");
        while ours.sender.has_rest() {
            read(&mut theirs, 1);
            let _ = ours.sender.publish().expect("an honest peer");
        }
        read(&mut theirs, usize::MAX);
        prop_assert!(received == frames);
    }
}
