//! Any bytes from a module's stdout: split, decoded, and what was decoded handed on.
//!
//! Holds: nothing panics, the splitter keeps no more than its bound, what is read is JSON, and a payload reaches the
//! other side as one line that is JSON again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::decode::{Decoded, Frame, Raw, decode, decode_kernel_call};
use protocol::encode::{self, Call};
use protocol::lines::{Line, LineDecoder};
use serde::de::IgnoredAny;

/// 256 bytes: small, so that short inputs reach the bound too.
const LINE_BYTES_MAX: usize = 256;

fuzz_target!(|data: &[u8]| {
    // The first byte says how long the pieces are.
    let Some((piece, stream)) = data.split_first() else { return };
    let mut decoder = LineDecoder::new(LINE_BYTES_MAX);
    for chunk in stream.chunks(usize::from(*piece).max(1)) {
        let mut rest = chunk;
        while let Some(line) = decoder.next_line(&mut rest) {
            take(line);
        }
        assert!(decoder.buffered_bytes() <= LINE_BYTES_MAX);
    }
    if let Some(line) = decoder.finish() {
        take(line);
    }
    // And the whole as one line, whatever its length.
    read(stream);
});

fn take(line: Line<'_>) {
    match line {
        Line::Complete(line) => {
            assert!(!line.is_empty() && line.len() <= LINE_BYTES_MAX);
            read(line);
        }
        Line::Oversize { bytes } => assert!(bytes > LINE_BYTES_MAX as u64),
    }
}

fn read(line: &[u8]) {
    let is_json = serde_json::from_slice::<IgnoredAny>(line).is_ok();
    match decode(line) {
        Decoded::Frame(frame) => {
            assert!(is_json);
            hand_on(line, &frame);
        }
        Decoded::Invalid(rejected) => assert!(is_json && rejected.to_string().len() < 1000),
        // `IgnoredAny` is content with texts that are not UTF-8 in places; the decoder never is.
        Decoded::NotJson => assert!(!is_json || std::str::from_utf8(line).is_err()),
    }
}

fn hand_on(line: &[u8], frame: &Frame<'_>) {
    let mut out = Vec::new();
    match frame {
        Frame::Publish { topic, payload, .. } => {
            in_line(line, *payload);
            encode::deliver(&mut out, 1, topic, payload.as_bytes(), None);
        }
        Frame::RpcRequest { id, service, method, params, deadline_ms, traceparent } => {
            let params = params.map(Raw::as_bytes);
            let traceparent = traceparent.as_deref();
            let call = Call { id, method, params, deadline_ms: *deadline_ms, traceparent };
            encode::rpc_request(&mut out, "fuzz", service, &call);
        }
        Frame::RpcResponse { id, result, error } => {
            let answer = error.as_deref().map_or(Ok(result.map(Raw::as_bytes)), Err);
            encode::rpc_response(&mut out, id, answer);
        }
        Frame::Call { method, params, .. } => {
            let _ = decode_kernel_call(method, *params);
            return;
        }
        _ => return,
    }
    assert_eq!(out.iter().position(|byte| *byte == b'\n'), Some(out.len() - 1), "one message is one line");
    assert!(serde_json::from_slice::<IgnoredAny>(&out).is_ok(), "what is handed on is JSON");
}

fn in_line(line: &[u8], payload: Raw<'_>) {
    assert!(payload == Raw::NULL || payload.range_in(line).is_some(), "a payload lies in its line");
}
