//! A peer that lies, stops in the middle, or never reads: it is found out, and hurts only itself.

use proptest::prelude::*;
use shm::limits::FRAME_BYTES_MAX;
use shm::{Doze, Lane, PeerFault, Pushed, Rouse, SendFault};

use crate::peer::{BYTES, HEAD, OUT_HEAD, OUT_READER_SLEEPS, Peer, READER_SLEEPS, RING, TAIL, lane};

fn fault(lane: &mut Lane) -> PeerFault {
    let fault = lane.receiver.receive(usize::MAX, |_| panic!("no frame")).expect_err("a lie");
    let again = lane.receiver.receive(usize::MAX, |_| panic!("no frame"));
    assert_eq!(again, Err(fault), "a broken lane stays broken");
    fault
}

#[test]
fn a_tail_beyond_the_ring_or_between_two_words_breaks_the_lane() {
    for position in [RING + 8, 4, u32::MAX, u32::MAX - 7] {
        let (mut lane, peer) = lane();
        peer.header(0, 1, 0);
        peer.set(TAIL, position);
        assert_eq!(fault(&mut lane), PeerFault::Position { position, ring_bytes: RING });
    }
}

#[test]
fn a_head_in_front_of_what_was_written_breaks_the_lane() {
    let (mut lane, peer) = lane();
    while lane.sender.push(&[1; 1000]).expect("nothing was read yet") == Pushed::Taken {}
    peer.set(OUT_HEAD, 8 + RING);
    let position = (4 * 1008_u32).wrapping_sub(8 + RING);
    let expected = PeerFault::Position { position, ring_bytes: RING };
    assert_eq!(lane.sender.push(&[1; 1000]), Err(SendFault::Peer(expected)));
    assert_eq!(lane.sender.unread_bytes(), Err(expected), "a broken lane stays broken");
}

#[test]
fn a_record_longer_than_what_was_written_breaks_the_lane() {
    for bytes in [0, 9, 4088, u32::MAX, u32::MAX - 6, 1 << 31] {
        let (mut lane, peer) = lane();
        peer.header(0, bytes, 0);
        peer.set(TAIL, 16);
        assert_eq!(fault(&mut lane), PeerFault::Record { bytes, written: 16 });
    }
}

#[test]
fn flags_from_nowhere_break_the_lane() {
    let (mut lane, peer) = lane();
    peer.header(0, 8, 2);
    peer.set(TAIL, 16);
    assert_eq!(fault(&mut lane), PeerFault::Flags { flags: 2 });
}

#[test]
fn a_frame_without_an_end_is_not_kept_beyond_the_bound() {
    let (mut lane, peer) = lane();
    let (mut position, mut kept) = (0_u32, 0);
    let fault = loop {
        peer.header(u64::from(position % RING), 2040, 1);
        position = position.wrapping_add(2048);
        peer.set(TAIL, position);
        match lane.receiver.receive(usize::MAX, |_| panic!("it never ends")) {
            Ok(received) => assert_eq!(received.frames, 0),
            Err(fault) => break fault,
        }
        kept += 2040;
        assert!(kept <= FRAME_BYTES_MAX);
    };
    assert_eq!(fault, PeerFault::FrameTooLong);
}

#[test]
fn flags_of_sleepers_that_are_garbage_wake_nobody() {
    let (mut lane, peer) = lane();
    peer.set(OUT_READER_SLEEPS, 0xdead_beeb);
    assert_eq!(lane.sender.send(b"1"), Ok((Pushed::Taken, Rouse::Nobody)));
    peer.set(OUT_READER_SLEEPS, 2);
    assert_eq!(lane.sender.send(b"2"), Ok((Pushed::Taken, Rouse::ByPipe)), "at most one wake a publish");
}

#[test]
fn a_peer_that_takes_our_own_flag_and_positions_away_changes_nothing_for_us() {
    let (mut lane, peer) = lane();
    assert_eq!(lane.receiver.doze(), Doze::Asleep);
    peer.set(READER_SLEEPS, 0);
    peer.set(HEAD, 0x7777_7777);
    peer.header(0, 3, 0);
    peer.set(BYTES + 8, u32::from_ne_bytes(*b"yes\0"));
    peer.set(TAIL, 16);
    let mut frames = Vec::new();
    lane.receiver.receive(9, |frame| frames.push(frame.to_vec())).expect("the positions are ours");
    assert_eq!(frames, [b"yes"]);
    assert_eq!(peer.word(HEAD), 16, "our own position is written again");
}

#[test]
fn a_peer_that_dies_in_the_middle_of_a_write_leaves_nothing_half_read() {
    let (mut lane, peer) = lane();
    // The record is there, but its position was never shown.
    peer.header(0, 8, 0);
    assert_eq!(lane.receiver.receive(9, |_| panic!("no frame")).expect("no lie").frames, 0);
    // A long frame whose end never comes.
    peer.header(0, 8, 1);
    peer.set(TAIL, 16);
    assert_eq!(lane.receiver.receive(9, |_| panic!("no frame")).expect("no lie").frames, 0);
    assert_eq!(lane.receiver.doze(), Doze::Asleep, "the end of the pipe tells the rest");
}

#[test]
fn a_peer_that_never_reads_costs_one_ring_and_no_more() {
    let (mut lane, _peer) = lane();
    let mut taken = 0;
    while lane.sender.push(&[3; 200]).expect("no lie") == Pushed::Taken {
        taken += 1;
    }
    for _ in 0..1000 {
        assert_eq!(lane.sender.push(&[3; 200]), Ok(Pushed::Full));
    }
    assert_eq!(lane.sender.publish(), Ok(Rouse::Nobody));
    assert_eq!(lane.sender.unread_bytes(), Ok(taken * 208));
    assert_eq!(lane.sender.doze(), Ok(Doze::Asleep));
}

/// Frames that a record's change between check and use could have made longer stay as long as they were checked.
#[test]
fn what_was_handed_out_is_ours_whatever_the_peer_writes_meanwhile() {
    let (mut lane, peer) = lane();
    peer.header(0, 4, 0);
    peer.set(BYTES + 8, u32::from_ne_bytes(*b"good"));
    peer.set(TAIL, 16);
    let received = lane.receiver.receive(1, |frame| {
        peer.header(0, u32::MAX, u32::MAX);
        peer.set(BYTES + 8, u32::from_ne_bytes(*b"evil"));
        assert_eq!(frame, b"good");
    });
    assert_eq!(received.expect("no lie when it was looked at").frames, 1);
}

proptest! {
    #[test]
    fn garbage_anywhere_is_a_fault_or_a_frame_and_never_more(
        writes in proptest::collection::vec((0_u64..3072, any::<u32>()), 0..40),
        small in proptest::collection::vec((0_u64..3072, 0_u32..64), 0..40),
        tail in prop_oneof![any::<u32>(), (0_u32..600).prop_map(|words| words * 8)],
    ) {
        let (mut lane, fd) = Lane::create(RING).expect("shared memory");
        let peer = Peer::of(fd);
        for (word, value) in writes.into_iter().chain(small) {
            // Anywhere but in the words of the header that are read once, before any of this.
            peer.set(16 + word % 3068 * 4, value);
        }
        peer.set(TAIL, tail);
        let mut bytes = 0;
        for _ in 0..4 {
            let received = lane.receiver.receive(usize::MAX, |frame| bytes += frame.len());
            prop_assert!(received.is_err() || received.is_ok_and(|received| received.frames <= RING as usize));
            let _ = lane.sender.send(&[1; 100]);
            let _ = lane.sender.unread_bytes();
        }
        prop_assert!(bytes <= RING as usize);
    }
}
