//! Writes the kernel's lines straight into a buffer: one function per message, one line per call.
//!
//! Header texts are escaped, payloads are copied once and never read. A payload is somebody else's JSON and may hold
//! line breaks as white space; they become spaces, because a line break would end the message.
//!
//! Every `&[u8]` here must be one complete JSON value; what a decoder gave, or `serde_json` wrote, is one.

use crate::door::{LaneOffer, TransportKind};

#[cfg(test)]
mod tests;

/// A call on its way to the module that answers it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Names the call in its answer.
    pub id: &'a str,
    /// What to do.
    pub method: &'a str,
    /// With what; the field is left out when there is nothing.
    pub params: Option<&'a [u8]>,
    /// How long the caller waits, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// W3C Trace Context.
    pub traceparent: Option<&'a str>,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("id", &self.id).field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer: a result, or nothing, or why there is none.
pub type Answer<'a> = Result<Option<&'a [u8]>, &'a str>;

/// `install`
pub fn install(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"install\"}\n");
}

/// `init`, with the module's own section under its `configKey`.
pub fn init(
    out: &mut Vec<u8>,
    protocol_version: &str,
    config: &[u8],
    workspace_path: &str,
    project_root: &str,
) {
    LineWriter::new(out, "init")
        .text("protocolVersion", protocol_version)
        .json("config", config)
        .text("workspacePath", workspace_path)
        .text("projectRoot", project_root)
        .end();
}

/// `init` with the offer of a lane.
pub fn init_with_lane(
    out: &mut Vec<u8>,
    protocol_version: &str,
    config: &[u8],
    workspace_path: &str,
    project_root: &str,
    offer: LaneOffer,
) {
    let offer = serde_json::to_vec(&offer).expect("numbers and a word are always JSON");
    LineWriter::new(out, "init")
        .text("protocolVersion", protocol_version)
        .json("config", config)
        .text("workspacePath", workspace_path)
        .text("projectRoot", project_root)
        .json("transport", &offer)
        .end();
}

/// `transport`: the last line on the pipe.
pub fn transport(out: &mut Vec<u8>, kind: TransportKind) {
    LineWriter::new(out, "transport").text("kind", kind.as_str()).end();
}

/// `deps_ready`
pub fn deps_ready(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"deps_ready\"}\n");
}

/// `service_available`
pub fn service_available(out: &mut Vec<u8>, service: &str) {
    LineWriter::new(out, "service_available").text("service", service).end();
}

/// `ping`
pub fn ping(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"ping\"}\n");
}

/// `deliver`, with `id` written as a uuid.
pub fn deliver(out: &mut Vec<u8>, id: u128, topic: &str, payload: &[u8], traceparent: Option<&str>) {
    let id = uuid_text(id);
    let id = std::str::from_utf8(&id).expect("a uuid is ASCII");
    LineWriter::new(out, "deliver")
        .text("id", id)
        .text("topic", topic)
        .json("payload", payload)
        .text_if("traceparent", traceparent)
        .end();
}

/// `deliver` without its payload; gives where in `out` that belongs. What is put in there may hold no line break.
pub fn deliver_around(out: &mut Vec<u8>, id: u128, topic: &str, traceparent: Option<&str>) -> usize {
    let id = uuid_text(id);
    let id = std::str::from_utf8(&id).expect("a uuid is ASCII");
    let mut line = LineWriter::new(out, "deliver").text("id", id).text("topic", topic);
    line.key("payload");
    let at = line.out.len();
    line.text_if("traceparent", traceparent).end();
    at
}

/// Whether these bytes can be put into a line as they are.
pub fn is_one_line(json: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', json).is_none()
}

/// `config:update`, with the module's own section under its `configKey`.
pub fn config_update(out: &mut Vec<u8>, config: &[u8], changed_sections: &[&str]) {
    let mut line = LineWriter::new(out, "config:update").json("config", config);
    line.key("changedSections");
    line.out.push(b'[');
    for (at, section) in changed_sections.iter().enumerate() {
        if at > 0 {
            line.out.push(b',');
        }
        write_text(line.out, section);
    }
    line.out.push(b']');
    line.end();
}

/// `call`
pub fn call(out: &mut Vec<u8>, call: &Call<'_>) {
    LineWriter::new(out, "call").text("id", call.id).rest_of_call(call).end();
}

/// `call:response`
pub fn call_response(out: &mut Vec<u8>, id: &str, answer: Answer<'_>) {
    LineWriter::new(out, "call:response").text("id", id).answer(answer).end();
}

/// `rpc_request`
pub fn rpc_request(out: &mut Vec<u8>, from: &str, service: &str, call: &Call<'_>) {
    LineWriter::new(out, "rpc_request")
        .text("id", call.id)
        .text("from", from)
        .text("service", service)
        .rest_of_call(call)
        .end();
}

/// `rpc_response`
pub fn rpc_response(out: &mut Vec<u8>, id: &str, answer: Answer<'_>) {
    LineWriter::new(out, "rpc_response").text("id", id).answer(answer).end();
}

/// `shutdown`
pub fn shutdown(out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"type\":\"shutdown\"}\n");
}

/// `cancel`
pub fn cancel(out: &mut Vec<u8>, id: &str) {
    LineWriter::new(out, "cancel").text("id", id).end();
}

/// `progress`; a fraction that is not finite is left out.
pub fn progress(out: &mut Vec<u8>, id: &str, fraction: Option<f64>, msg: Option<&str>) {
    LineWriter::new(out, "progress").text("id", id).float("fraction", fraction).text_if("msg", msg).end();
}

/// `chunk`
pub fn chunk(out: &mut Vec<u8>, id: &str, seq: u64, data: &[u8]) {
    LineWriter::new(out, "chunk").text("id", id).number("seq", seq).json("data", data).end();
}

/// `end`
pub fn end(out: &mut Vec<u8>, id: &str) {
    LineWriter::new(out, "end").text("id", id).end();
}

/// `credit`
pub fn credit(out: &mut Vec<u8>, id: &str, n: u64) {
    LineWriter::new(out, "credit").text("id", id).number("n", n).end();
}

/// `state:save`
pub fn state_save(out: &mut Vec<u8>, id: &str) {
    LineWriter::new(out, "state:save").text("id", id).end();
}

/// `state:restore`
pub fn state_restore(out: &mut Vec<u8>, id: &str, state: &[u8], version: &str) {
    LineWriter::new(out, "state:restore").text("id", id).json("state", state).text("version", version).end();
}

/// One line being written. The `type` comes first, so that every further field starts with a comma.
struct LineWriter<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> LineWriter<'o> {
    /// `word` must need no escape: it is one of the door's own.
    fn new(out: &'o mut Vec<u8>, word: &'static str) -> Self {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(word.as_bytes());
        out.push(b'"');
        Self { out }
    }

    fn key(&mut self, key: &'static str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn text(mut self, key: &'static str, text: &str) -> Self {
        self.key(key);
        write_text(self.out, text);
        self
    }

    fn text_if(self, key: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    fn json(mut self, key: &'static str, json: &[u8]) -> Self {
        self.key(key);
        write_json(self.out, json);
        self
    }

    fn number(mut self, key: &'static str, number: u64) -> Self {
        self.key(key);
        write_value(self.out, &number);
        self
    }

    fn float(mut self, key: &'static str, float: Option<f64>) -> Self {
        if let Some(float) = float.filter(|float| float.is_finite()) {
            self.key(key);
            write_value(self.out, &float);
        }
        self
    }

    fn rest_of_call(self, call: &Call<'_>) -> Self {
        let mut line = self.text("method", call.method);
        if let Some(params) = call.params {
            line = line.json("params", params);
        }
        if let Some(deadline_ms) = call.deadline_ms {
            line = line.number("deadline_ms", deadline_ms);
        }
        line.text_if("traceparent", call.traceparent)
    }

    fn answer(self, answer: Answer<'_>) -> Self {
        match answer {
            Ok(Some(result)) => self.json("result", result),
            Ok(None) => self,
            Err(error) => self.text("error", error),
        }
    }

    fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let needs_escape = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().any(needs_escape) {
        write_value(out, text);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_value<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value)
        .expect("texts and numbers are always JSON, and a Vec takes every write");
}

/// In JSON a raw line break can only be white space between tokens, so a space says the same. `\r` too: some readers
/// take it for the end of a line.
fn write_json(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'\n', b'\r', &out[at..]) {
        at += found;
        out[at] = b' ';
        at += 1;
    }
}

/// 36 characters: a uuid as text, 8-4-4-4-12.
const UUID_CHARS: usize = 36;

fn uuid_text(id: u128) -> [u8; UUID_CHARS] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; UUID_CHARS];
    let mut digits = (0..32).rev().map(|place| HEX[((id >> (place * 4)) & 0xf) as usize]);
    for (at, byte) in text.iter_mut().enumerate() {
        if !matches!(at, 8 | 13 | 18 | 23) {
            *byte = digits.next().expect("36 characters less 4 dashes are 32 digits");
        }
    }
    text
}
