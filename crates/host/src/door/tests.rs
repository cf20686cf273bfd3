//! The door as a socket: who may come in and how many.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn open_at(home: &Home) -> io::Result<UnixListener> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    open(home)
}

#[test]
fn a_home_with_a_long_path_has_a_door_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(&folder.path().join("x".repeat(120)).join("y".repeat(120)));
    home.create().expect("created");
    let _listener = open_at(&home).expect("opened");
    dial(&home).expect("connected");
    let mode = fs::metadata(home.socket()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_socket_that_a_dead_kernel_left_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    home.create().expect("created");
    drop(open_at(&home).expect("opened"));
    assert_eq!(dial(&home).expect_err("nobody is there").kind(), io::ErrorKind::ConnectionRefused);
    let _listener = open_at(&home).expect("opened again");
    dial(&home).expect("connected");
}

#[test]
fn where_no_kernel_ever_was_there_is_no_door() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = dial(&Home::at(folder.path())).expect_err("nobody is there");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_answer_reaches_only_who_asked() {
    let mut desk = Desk::default();
    let (first, mut first_answer) = desk.expect();
    let (second, mut second_answer) = desk.expect();
    desk.answer(second, Answer::Done);
    assert_eq!(second_answer.try_recv(), Ok(Answer::Done));
    assert!(first_answer.try_recv().is_err());
    desk.forget(first);
    desk.answer(first, Answer::Done);
    assert!(first_answer.try_recv().is_err());
}
