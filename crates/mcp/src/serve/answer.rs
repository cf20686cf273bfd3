//! What a call of a tool gives back: a text for any client, and the same as data for those that take it.

use protocol::operator::Response;
use serde_json::{Value, json};

use crate::revision::{Era, Revision};

/// 256 KiB of text: more than that fits no model's attention, and is cut with a word about it.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// What came of a call.
#[derive(Debug)]
pub(super) struct Told {
    data: Result<Value, String>,
}

impl Told {
    pub(super) fn done(data: Value) -> Self {
        Self { data: Ok(data) }
    }

    /// What can't be done, said so that whoever called can call better.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self { data: Err(why.into()) }
    }

    /// What the kernel refused.
    pub(super) fn failed(response: &Response) -> Self {
        let error = response.error.as_deref().unwrap_or("it failed");
        let mut text = match &response.code {
            Some(code) => format!("{error} ({code})"),
            None => error.to_owned(),
        };
        if let Some(help) = &response.help {
            text.push_str("; help: ");
            text.push_str(help);
        }
        Self { data: Err(text) }
    }

    /// As the result of `tools/call`.
    pub(super) fn result(self, revision: Revision) -> Value {
        let (text, data, is_error) = match self.data {
            Ok(data) => (data.to_string(), Some(data), false),
            Err(why) => (why, None, true),
        };
        let is_whole = text.len() <= TEXT_BYTES_MAX;
        let text = if is_whole { text } else { cut(&text) };
        let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": is_error });
        if let Some(data) = data.filter(|_| revision.has_structure() && is_whole) {
            result["structuredContent"] = data;
        }
        if revision.era() == Era::Stateless {
            result["resultType"] = json!("complete");
        }
        result
    }
}

fn cut(text: &str) -> String {
    let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}\n[cut after {end} of {} bytes: ask for less]", &text[..end], text.len())
}
