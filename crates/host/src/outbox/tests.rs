//! The outgoing queue: bounds, whole lines, a reader that stops.

use std::io::Read;
use std::os::fd::AsFd;

use abi::Payload;

use super::*;

/// A queue and the module's end of its pipe.
fn pipe() -> (Outbox, std::fs::File) {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    rustix::fs::fcntl_setfl(write.as_fd(), rustix::fs::OFlags::NONBLOCK).expect("not blocking");
    (Outbox::new(Some(Rc::new(write))), std::fs::File::from(read))
}

fn line(text: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |out| {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
}

#[test]
fn frames_arrive_in_order_by_one_write() {
    let (mut outbox, mut module) = pipe();
    assert_eq!(outbox.post(Mail::Bounded, line("one")), Posted::Queued);
    assert_eq!(outbox.post(Mail::Certain, line("two")), Posted::Queued);
    assert_eq!(outbox.frames(), 2);
    assert_eq!(outbox.write(), Written::All);
    assert!(!outbox.has_mail());
    let mut got = [0; 8];
    module.read_exact(&mut got).expect("both lines");
    assert_eq!(&got, b"one\ntwo\n");
}

#[test]
fn a_full_queue_refuses_bounded_mail_and_takes_the_rest() {
    let (mut outbox, _module) = pipe();
    let large = "x".repeat(1000);
    let mut queued = 0;
    while outbox.post(Mail::Bounded, line(&large)) == Posted::Queued {
        queued += 1;
        assert!(queued < 10_000, "a queue must be full at some time");
    }
    assert!(queued >= QUEUE_FRAMES_MAX_DEFAULT, "the pipe's own room comes on top: {queued}");
    assert_eq!(outbox.post(Mail::Certain, line("ping")), Posted::Queued);
    assert_eq!(outbox.post(Mail::Answer, line("answer")), Posted::Queued);
}

#[test]
fn more_frames_than_the_bound_pass_in_one_turn_when_the_pipe_takes_them() {
    let (mut outbox, _module) = pipe();
    for _ in 0..QUEUE_FRAMES_MAX_DEFAULT * 4 {
        assert_eq!(outbox.post(Mail::Bounded, line("small")), Posted::Queued);
    }
}

#[test]
fn an_answer_beyond_the_byte_bound_is_refused() {
    let (mut outbox, _module) = pipe();
    let huge = "x".repeat(QUEUE_BYTES_MAX_DEFAULT);
    assert_eq!(outbox.post(Mail::Answer, line(&huge)), Posted::Full);
    assert_eq!(outbox.frames(), 0);
    assert_eq!(outbox.post(Mail::Answer, line("small")), Posted::Queued);
}

#[test]
fn a_frame_that_was_begun_is_finished_later() {
    let (mut outbox, mut module) = pipe();
    let large = "y".repeat(200_000);
    assert_eq!(outbox.post(Mail::Bounded, line(&large)), Posted::Queued);
    assert_eq!(outbox.post(Mail::Bounded, line("after")), Posted::Queued);
    assert_eq!(outbox.write(), Written::Blocked);
    assert_eq!(outbox.frames(), 2);
    let mut got = Vec::new();
    let mut piece = [0; 4096];
    while outbox.has_mail() {
        let bytes = module.read(&mut piece).expect("more of it");
        got.extend_from_slice(&piece[..bytes]);
        outbox.write();
    }
    drop(outbox);
    module.read_to_end(&mut got).expect("the rest");
    assert_eq!(got, format!("{large}\nafter\n").into_bytes());
}

#[test]
fn mail_for_a_module_that_closed_its_stdin_is_dropped() {
    let (mut outbox, module) = pipe();
    drop(module);
    assert_eq!(outbox.post(Mail::Certain, line("ping")), Posted::Queued);
    assert_eq!(outbox.write(), Written::Closed);
    assert_eq!(outbox.post(Mail::Certain, line("ping")), Posted::Closed);
}

#[test]
fn even_certain_mail_ends_for_a_module_that_never_reads() {
    let (mut outbox, _module) = pipe();
    let large = "z".repeat(1 << 20);
    let queued = (0..64).take_while(|_| outbox.post(Mail::Certain, line(&large)) == Posted::Queued).count();
    assert!((15..=16).contains(&queued), "{queued}");
}

/// A line around a payload that is left out.
fn around(text: &str, payload: &Payload) -> impl FnOnce(&mut Vec<u8>, Long) -> Option<Gap> {
    let (text, payload) = (text.to_owned(), payload.clone());
    move |out, long| {
        out.extend_from_slice(text.as_bytes());
        let at = out.len();
        if long == Long::Copied {
            out.extend_from_slice(payload.as_bytes());
        }
        out.extend_from_slice(b"}\n");
        (long == Long::Apart).then_some(Gap { at, payload })
    }
}

#[test]
fn a_long_payload_is_shared_by_all_who_get_it() {
    let payload = Payload::new(&vec![b'p'; 100_000]);
    let mut outboxes: Vec<_> = (0..100).map(|_| pipe()).collect();
    let counted = allocation_counter::measure(|| {
        for (outbox, _) in &mut outboxes {
            assert_eq!(outbox.post_long(Mail::Bounded, around("{", &payload)), Posted::Queued);
            assert_eq!(outbox.write(), Written::Blocked);
        }
    });
    assert!(counted.bytes_total < 100_000, "100 copies would be ten million: {counted:?}");
}

#[test]
fn payloads_that_were_left_out_are_where_they_belong_however_the_pipe_takes_them() {
    let (mut outbox, mut module) = pipe();
    let mut wanted = Vec::new();
    for (number, letter) in (b'a'..=b'z').cycle().take(60).enumerate() {
        let payload = Payload::new(&vec![letter; 700 * number]);
        let text = format!("{{{number}:");
        // Some are copied, so that lines with and without gaps stand side by side.
        if number % 3 == 0 {
            let encode = around(&text, &payload);
            assert_eq!(outbox.post(Mail::Certain, |out| drop(encode(out, Long::Copied))), Posted::Queued);
        } else {
            assert_eq!(outbox.post_long(Mail::Bounded, around(&text, &payload)), Posted::Queued);
        }
        wanted.extend_from_slice(text.as_bytes());
        wanted.extend_from_slice(payload.as_bytes());
        wanted.extend_from_slice(b"}\n");
    }
    let (mut got, mut piece, mut size) = (Vec::new(), [0; 9000], 1);
    while outbox.has_mail() {
        outbox.write();
        size = size * 7 % 8999 + 1;
        let bytes = module.read(&mut piece[..size]).expect("more of it");
        got.extend_from_slice(&piece[..bytes]);
    }
    assert_eq!(outbox.frames(), 0);
    drop(outbox);
    module.read_to_end(&mut got).expect("the rest");
    assert!(got == wanted, "{} bytes instead of {}", got.len(), wanted.len());
}

#[test]
fn what_is_left_out_counts_as_what_waits() {
    let (mut outbox, _module) = pipe();
    let payload = Payload::new(&vec![b'p'; 1 << 20]);
    let queued =
        (0..64).take_while(|_| outbox.post_long(Mail::Bounded, around("{", &payload)) == Posted::Queued);
    assert_eq!(queued.count(), QUEUE_BYTES_MAX_DEFAULT / (1 << 20) - 1);
}

#[test]
fn a_secret_is_wiped_from_the_queue_once_the_pipe_has_it() {
    let (mut outbox, mut module) = pipe();
    assert_eq!(outbox.post(Mail::Answer, line("first")), Posted::Queued);
    assert_eq!(outbox.post_wiped(7, |out| out.extend_from_slice(b"secret\n")), Posted::Queued);
    assert!(outbox.queue.is_wiped());
    assert_eq!(outbox.write(), Written::All);
    assert!(!outbox.queue.is_wiped());
    let mut got = [0; 13];
    module.read_exact(&mut got).expect("both lines");
    assert_eq!(&got, b"first\nsecret\n");
}
