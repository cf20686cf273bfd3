//! One request over the Unix socket of the module that speaks HTTP, as its owner. Just enough of the protocol for an
//! answer of ours: a head, an empty line, JSON.

use std::io::{Read, Write};
use std::time::Duration;

use host::Home;
use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// 64 KiB of an answer: a link has a hundred bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// 10 s: it answers of itself, without the kernel.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks and reads the answer.
///
/// # Errors
/// `cli::dashboard::unreachable`, `cli::dashboard::garbled`, and what it refused.
pub(super) fn post(home: &Home, path: &str, body: &Value) -> Outcome<Value> {
    let text = exchange(home, path, &body.to_string()).map_err(|error| {
        Failure::new("cli::dashboard::unreachable", "ostoja-web does not answer on its socket")
            .caused_by(error.to_string())
            .help("ostoja why ostoja-web")
    })?;
    let garbled = || Failure::new("cli::dashboard::garbled", "ostoja-web gave an answer that can't be read");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(garbled)?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    let value: Value = serde_json::from_str(body).map_err(|_| garbled())?;
    if status.starts_with('2') {
        return Ok(value);
    }
    let word = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(Failure::new("cli::dashboard::refused", word("detail")).caused_by(word("code")).into())
}

fn exchange(home: &Home, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = host::dial_companion(home)?;
    stream.set_read_timeout(Some(WITHIN))?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
