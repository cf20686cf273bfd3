//! What is our own can't be taken as inherited, and what is inherited only once.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};

use super::{Kept, copy, keep_open, take};

#[test]
fn what_this_program_opened_itself_was_not_inherited() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    assert!(take(reader.as_raw_fd()).is_err());
    assert!(take(0).is_err() && take(-1).is_err() && copy(2).is_err());
}

#[test]
fn what_was_let_go_is_taken_once() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    keep_open(reader.as_fd(), Kept::Open).expect("the flag is cleared");
    let number = reader.as_raw_fd();
    // From here on nobody owns the number, as after a start.
    std::mem::forget(reader);
    let another = copy(number).expect("it is open");
    let taken = take(number).expect("it is open and inherited");
    assert!(take(number).is_err());
    drop(taken);
    File::from(std::os::fd::OwnedFd::from(writer)).write_all(b"x").expect("the copy still reads");
    let mut byte = [0];
    File::from(another).read_exact(&mut byte).expect("the byte is there");
    assert_eq!(&byte, b"x");
}
