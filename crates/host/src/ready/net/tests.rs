//! Readiness by port and by page, with answers that are none.

use super::*;

#[test]
fn only_a_status_line_of_http_1_has_a_status() {
    assert_eq!(parse_status(b"HTTP/1.1 204 No Content\r\nA: b\r\n"), Some(204));
    assert_eq!(parse_status(b"HTTP/1.0 200\r\n"), Some(200));
    assert_eq!(parse_status(b"SSH-2.0-OpenSSH 200 x\r\n"), None);
    assert_eq!(parse_status(b"HTTP/1.1 2000 x\r\n"), None);
    assert_eq!(parse_status(b"HTTP/1.1 "), None);
    assert_eq!(parse_status(b"\xff\xfe"), None);
    assert_eq!(parse_status(b""), None);
}
