//! Addresses as programs hand them over.

use std::path::Path;

use super::{Place, read};

fn bytes(family: i32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(family).unwrap().to_ne_bytes().to_vec();
    bytes.extend(rest);
    bytes
}

#[test]
fn both_internets_are_read() {
    let four = bytes(libc::AF_INET, &[0x1f, 0x90, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read(&four), Place::Internet("10.0.0.7:8080".parse().unwrap()));
    let mut rest = vec![0, 80, 0, 0, 0, 0];
    rest.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
    assert_eq!(
        read(&bytes(libc::AF_INET6, &rest)),
        Place::Internet("[::ffff:127.0.0.1]:80".parse().unwrap())
    );
}

#[test]
fn what_is_cut_short_is_no_address() {
    let four = bytes(libc::AF_INET, &[0; 14]);
    let six = bytes(libc::AF_INET6, &[0; 22]);
    for end in 0..four.len() {
        assert_eq!(read(&four[..end]), Place::Other);
    }
    for end in 0..six.len() {
        assert_eq!(read(&six[..end]), Place::Other);
    }
}

#[test]
fn a_local_socket_is_a_path_unless_it_has_no_file() {
    assert_eq!(read(&bytes(libc::AF_UNIX, b"/run/x\0\0\0")), Place::File(Path::new("/run/x")));
    assert_eq!(read(&bytes(libc::AF_UNIX, b"x")), Place::File(Path::new("x")));
    assert_eq!(read(&bytes(libc::AF_UNIX, b"\0name")), Place::Other);
    assert_eq!(read(&bytes(libc::AF_UNIX, b"")), Place::Other);
    assert_eq!(read(&bytes(libc::AF_UNSPEC, &[0; 14])), Place::Other);
}
