//! The post of a guest: what waits is bounded, in order, and told when it is lost.

use super::*;

fn post() -> (Post, mpsc::UnboundedReceiver<Letter>) {
    let (letters, coming) = mpsc::unbounded_channel();
    (Post::new(letters, Slot(0), Generation(1)), coming)
}

fn line() -> News {
    News::Line(LogLine::new(store::Level::Info, store::Source::Log, "x"))
}

#[test]
fn no_more_than_the_bound_waits_and_room_comes_back_as_letters_are_handled() {
    let (post, mut coming) = post();
    for _ in 0..QUEUE_FRAMES_MAX_DEFAULT {
        assert_eq!(post.try_send(line(), 1), Sent::Taken);
    }
    assert_eq!(post.try_send(line(), 1), Sent::Full, "frames are counted");
    drop(coming.try_recv());
    assert_eq!(post.try_send(line(), 1), Sent::Taken);
}

#[test]
fn bytes_are_counted_for_every_kind_of_mail() {
    let room = Arc::new(Room::default());
    let large = room.take(Mail::Bounded, QUEUE_BYTES_MAX_DEFAULT).expect("it is empty");
    assert!(room.take(Mail::Bounded, 1).is_none());
    assert!(room.take(Mail::Answer, 1).is_none());
    assert!(room.take(Mail::Certain, 1).is_some(), "what has to arrive goes on top");
    assert!(room.take(Mail::Certain, CERTAIN_BYTES_MAX).is_none(), "but not without end");
    drop(large);
    assert!(room.take(Mail::Bounded, 1).is_some());
}

#[test]
fn a_guest_whose_answers_are_not_taken_waits_until_it_is_stopped() {
    let (post, mut coming) = post();
    let stop = Stop::default();
    post.send_when_room(line(), QUEUE_BYTES_MAX_DEFAULT, &stop);
    let (waiting, stopped) = (post.clone(), stop.clone());
    let thread = std::thread::spawn(move || waiting.send_when_room(line(), 1, &stopped));
    stop.stop();
    thread.join().expect("it ended");
    assert!(coming.try_recv().is_ok());
    assert!(coming.try_recv().is_ok(), "what it had to say is not lost");
}
