//! One request over the Unix socket of the module that speaks HTTP, as its owner. Just enough of the protocol for an
//! answer of ours: a head, an empty line, JSON.

use std::io::{Read, Write};
use std::time::Duration;

use host::Home;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// 256 KiB of an answer: 256 tokens have 200 bytes each.
const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// 10 s: it answers of itself, without the kernel.
const WITHIN: Duration = Duration::from_secs(10);

/// Asks and reads the answer; `null` where there is none.
///
/// # Errors
/// `cli::dashboard::unreachable`, `cli::dashboard::garbled`, and what it refused.
pub(crate) fn ask(home: &Home, line: &str, body: Option<&Value>) -> Outcome<Value> {
    let text = exchange(home, line, &body.map(Value::to_string).unwrap_or_default()).map_err(|error| {
        Failure::new("cli::dashboard::unreachable", "ostoja-web does not answer on its socket")
            .caused_by(error.to_string())
            .help("ostoja dashboard; if it is on: ostoja why ostoja-web")
    })?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(garbled)?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    let value: Value = match body {
        "" => Value::Null,
        body => serde_json::from_str(body).map_err(|_| garbled())?,
    };
    if status.starts_with('2') {
        return Ok(value);
    }
    let word = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let refused = Failure::new("cli::dashboard::refused", word("detail")).caused_by(word("code"));
    Err(match word("code").rsplit("::").next() {
        Some("not_found") => refused.exit(Exit::NotFound).into(),
        Some("bad") => refused.exit(Exit::Usage).into(),
        _ => refused.into(),
    })
}

/// Its answer has another shape than this command knows.
pub(crate) fn garbled() -> Failure {
    Failure::new("cli::dashboard::garbled", "ostoja-web gave an answer that can't be read")
}

fn exchange(home: &Home, line: &str, body: &str) -> std::io::Result<String> {
    let mut stream = host::dial_companion(home)?;
    stream.set_read_timeout(Some(WITHIN))?;
    let length = body.len();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    let mut text = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}
