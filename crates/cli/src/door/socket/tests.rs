//! Lines from a socket: whole, in time, and bounded.

use super::*;

fn pair() -> (Socket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("two ends");
    (Socket { stream: ours, buffer: Vec::new(), searched: 0 }, theirs)
}

fn line(socket: &mut Socket) -> String {
    match socket.read_line(None) {
        Ok(Line::Got(line)) => String::from_utf8(line).expect("text"),
        other => panic!("no line: {other:?}"),
    }
}

#[test]
fn lines_come_one_by_one_however_they_were_cut() {
    let (mut socket, mut theirs) = pair();
    theirs.write_all(b"one\ntwo\nth").expect("room");
    assert_eq!((line(&mut socket), line(&mut socket)), ("one".to_owned(), "two".to_owned()));
    theirs.write_all(b"ree\n").expect("room");
    assert_eq!(line(&mut socket), "three");
    drop(theirs);
    assert!(matches!(socket.read_line(None), Ok(Line::End)));
}

#[test]
fn a_deadline_that_has_passed_ends_the_wait() {
    let (mut socket, _theirs) = pair();
    assert!(matches!(socket.read_line(Some(Instant::now())), Ok(Line::TimedOut)));
}

#[test]
fn an_endless_line_is_refused() {
    let (mut socket, mut theirs) = pair();
    let writer = std::thread::spawn(move || {
        let part = vec![b'x'; 64 << 10];
        // The reader hangs up when it has had enough.
        while theirs.write_all(&part).is_ok() {}
    });
    let refused = socket.read_line(None);
    assert!(refused.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData));
    drop(socket);
    writer.join().expect("it ends with the socket");
}
