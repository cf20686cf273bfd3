//! Ourselves, seen through a pair of our own, and nobody through what is no local socket.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::peer_pid;

#[test]
fn the_peer_of_a_local_socket_has_a_number_and_that_of_another_has_none() {
    let (left, _right) = UnixStream::pair().unwrap();
    assert_eq!(peer_pid(left.as_fd()), Some(std::process::id()));
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(peer_pid(other.as_fd()), None);
}
