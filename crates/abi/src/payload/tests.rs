//! Shared pieces of a line, and what they don't show.

use alloc::format;
use alloc::sync::Arc;

use super::Payload;

#[test]
fn a_slice_shares_the_line() {
    let line: Arc<[u8]> = Arc::from(&b"{\"params\":[1,2]}"[..]);
    let payload = Payload::slice(&line, 10..15);
    assert_eq!(payload.as_bytes(), b"[1,2]");
    assert_eq!(Arc::strong_count(&line), 2);
}

#[test]
fn equality_looks_at_the_bytes_and_debug_does_not_show_them() {
    assert_eq!(Payload::new(b"secret"), Payload::slice(&Arc::from(&b"a secret b"[..]), 2..8));
    assert_eq!(format!("{:?}", Payload::new(b"secret")), "Payload(6 bytes)");
}
