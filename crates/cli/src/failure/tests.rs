//! Failures keep what they were made from, and their codes lead to the right exit.

use super::*;

#[test]
fn the_last_part_of_a_code_decides_the_exit() {
    let exit = |code: &str| Failure::new(code, "").exit;
    assert_eq!(exit("door::module::not_found"), Exit::NotFound);
    assert_eq!(exit("kernel::call::forbidden"), Exit::Denied);
    assert_eq!(exit("kernel::order::timed_out"), Exit::TimedOut);
    assert_eq!(exit("cli::kernel::unreachable"), Exit::Unreachable);
    assert_eq!(exit("cli::audit::broken"), Exit::NotVerified);
    assert_eq!(exit("anything"), Exit::Failed);
}

#[test]
fn a_refusal_of_the_kernel_keeps_code_line_and_help() {
    let response =
        Response::failed("door::module::not_found", "no module `weeb`".to_owned(), Some("ps".to_owned()));
    let failure = Failure::of_response(&response).expect("it is one");
    assert_eq!(failure.to_response(), response);
    assert_eq!(failure.exit, Exit::NotFound);
    assert_eq!(Failure::of_response(&Response::done(None)), None);
}

#[test]
fn causes_are_told_in_one_line_of_json() {
    let failure = Failure::new("a::b::c", "can't read").caused_by("no such file").caused_by("really");
    assert_eq!(failure.to_response().error.as_deref(), Some("can't read: no such file: really"));
}

#[test]
fn a_missing_file_and_a_closed_one_have_their_own_exits() {
    let failure = |kind: io::ErrorKind| Failure::io("read", Path::new("x"), &io::Error::from(kind));
    assert_eq!(failure(io::ErrorKind::NotFound).exit, Exit::NotFound);
    assert_eq!(failure(io::ErrorKind::PermissionDenied).exit, Exit::Denied);
    assert_eq!(failure(io::ErrorKind::StorageFull).exit, Exit::Failed);
}

#[test]
fn every_exit_has_a_number_and_a_meaning_of_its_own() {
    let numbers: std::collections::BTreeSet<u8> = Exit::ALL.into_iter().map(Exit::number).collect();
    let meanings: std::collections::BTreeSet<&str> = Exit::ALL.into_iter().map(Exit::meaning).collect();
    assert_eq!((numbers.len(), meanings.len()), (Exit::ALL.len(), Exit::ALL.len()));
}
