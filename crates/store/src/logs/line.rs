//! An entry as one line of JSON, and back.
//!
//! `{"ts_ms":1,"gen":2,"level":"warn","source":"stderr","msg":"..","data":{..},"topic":".."}`, the last two only when
//! there are any; where lines were lost, `{"ts_ms":1,"gen":2,"lost":3}`.

use std::borrow::Cow;

use abi::{Generation, ModuleId, Wall};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::entry::{Level, LogEntry, LogLine, Said, Source};

/// 64 KiB: a stack trace of any length fits; more is no line for a person.
const MSG_BYTES_MAX: usize = 64 << 10;

/// 64 KiB of JSON beside the text, for the same reason.
const DATA_BYTES_MAX: usize = 64 << 10;

/// 1 KiB: a topic has at most 256 UTF-16 units, which are at most 768 bytes.
const TOPIC_BYTES_MAX: usize = 1 << 10;

/// 512 KiB: the longest line that is ever written is shorter, since a byte takes at most six in JSON; a reader may
/// pass over anything longer.
pub(super) const LINE_BYTES_MAX: usize = 512 << 10;

const _: () = assert!(6 * MSG_BYTES_MAX + DATA_BYTES_MAX + 6 * TOPIC_BYTES_MAX + 1024 <= LINE_BYTES_MAX);

/// Stands for what was cut off the end of a text.
const CUT: char = '…';

#[derive(Serialize)]
struct LineOut<'a> {
    ts_ms: u64,
    #[serde(rename = "gen")]
    generation: u64,
    level: &'static str,
    source: &'static str,
    msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
}

#[derive(Serialize)]
struct LostOut {
    ts_ms: u64,
    #[serde(rename = "gen")]
    generation: u64,
    lost: u64,
}

#[derive(Deserialize)]
struct LineIn<'a> {
    ts_ms: u64,
    #[serde(rename = "gen")]
    generation: u64,
    #[serde(borrow)]
    level: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    msg: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    topic: Option<String>,
    lost: Option<u64>,
}

/// Cuts what is past the limits and makes the data one line of JSON, so that an entry has a known size and form.
pub(super) fn trim(entry: &mut LogEntry) {
    let Said::Line(line) = &mut entry.said else { return };
    cut(&mut line.msg, MSG_BYTES_MAX);
    if let Some(topic) = &mut line.topic {
        cut(topic, TOPIC_BYTES_MAX);
    }
    if let Some(data) = &mut line.data {
        if data.len() > DATA_BYTES_MAX {
            *data = format!("\"{CUT} {} bytes left out\"", data.len());
        } else if serde_json::from_str::<&RawValue>(data).is_err() {
            *data = serde_json::Value::String(std::mem::take(data)).to_string();
        } else if data.contains(['\n', '\r']) {
            // Inside JSON strings these can't stand as they are, so here they are white space between parts.
            *data = data.replace(['\n', '\r'], " ");
        }
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() <= bytes_max {
        return;
    }
    let mut end = bytes_max - CUT.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text.push(CUT);
    text.shrink_to_fit();
}

/// Appends an entry, which was trimmed, and its newline.
pub(super) fn push_line(entry: &LogEntry, out: &mut Vec<u8>) {
    match &entry.said {
        Said::Lost(count) => push_lost(entry.ts, entry.generation, *count, out),
        Said::Line(line) => {
            let data = line.data.as_deref().and_then(|data| serde_json::from_str(data).ok());
            let line = LineOut {
                ts_ms: entry.ts.0,
                generation: entry.generation.0,
                level: line.level.as_str(),
                source: line.source.as_str(),
                msg: &line.msg,
                data,
                topic: line.topic.as_deref(),
            };
            push_json(&line, out);
        }
    }
}

/// Appends the line that says how many are missing.
pub(super) fn push_lost(ts: Wall, generation: Generation, lost: u64, out: &mut Vec<u8>) {
    push_json(&LostOut { ts_ms: ts.0, generation: generation.0, lost }, out);
}

fn push_json(value: &impl Serialize, out: &mut Vec<u8>) {
    let before = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // Writing into memory has no step that fails; were there one, half a line must not stay.
        out.truncate(before);
    }
    out.push(b'\n');
}

/// The entry in a line; nothing when it is not one that `push_line` writes.
pub(super) fn parse(module: &ModuleId, line: &[u8]) -> Option<LogEntry> {
    let found: LineIn<'_> = serde_json::from_slice(line).ok()?;
    let said = match found.lost {
        Some(lost) => Said::Lost(lost),
        None => Said::Line(LogLine {
            level: Level::from_word(&found.level?)?,
            source: Source::from_word(&found.source?)?,
            msg: found.msg?,
            data: found.data.map(|data| data.get().to_owned()),
            topic: found.topic,
        }),
    };
    Some(LogEntry {
        module: module.clone(),
        generation: Generation(found.generation),
        ts: Wall(found.ts_ms),
        said,
    })
}

#[cfg(test)]
mod tests;
