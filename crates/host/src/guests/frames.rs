//! From the kernel's frames to what a guest's actor is told, and the few bytes that a guest says in its own words.

use abi::Payload;
use kernel::{Message, Outcome, Outgoing, Word};
use serde::de::IgnoredAny;
use wasm::{CallFailure, Ticket};

use super::resident::{Called, What};
use crate::translate::{answer_json, message_json};

/// 64 bytes: what a frame counts beside its payload.
pub(super) const FRAME_BYTES: usize = 64;

/// How many bytes a frame counts.
pub(super) fn bytes_of(frame: &Outgoing) -> usize {
    let payload = match frame {
        Outgoing::Call { params, .. } => params.as_ref().map_or(0, Payload::len),
        Outgoing::Answer { outcome: Outcome::Result(Some(result)), .. } => result.len(),
        Outgoing::Deliver { message: Message::Raw(payload), .. } => payload.len(),
        Outgoing::StateRestore { state, .. } => state.len(),
        _ => 0,
    };
    payload + FRAME_BYTES
}

/// What becomes of one frame; nothing for those that have no export.
pub(super) fn what_of(frame: Outgoing) -> Option<What> {
    Some(match frame {
        Outgoing::Call { hop, from, service, method, params, context } => {
            What::Call(Box::new(Called { hop, from, service, method, params, context }))
        }
        Outgoing::Answer { id, outcome } => answer(ticket_of(&id)?, outcome),
        Outgoing::Deliver { topic, message, traceparent, .. } => {
            let payload = match message {
                Message::Raw(payload) => payload,
                notice => Payload::new(&message_json(&notice)),
            };
            What::Message { topic, payload, trace: traceparent }
        }
        Outgoing::KernelAnswer { id, answer: answered } => {
            let outcome = match answered {
                Ok(result) => Outcome::Result(Some(Payload::new(&answer_json(&result)))),
                Err(error) => Outcome::Error(error),
            };
            answer(ticket_of(&id)?, outcome)
        }
        Outgoing::Init => What::Init,
        Outgoing::Ping => What::Health,
        Outgoing::Cancel { hop } => What::Cancel(hop),
        Outgoing::Shutdown => What::Shutdown,
        Outgoing::StateSave { number } => What::Save(number),
        Outgoing::StateRestore { number, state, version } => What::Restore { number, state, version },
        // No export is called for these: its configuration is there whenever it reads it, what it requires is there
        // when it is called, and streams are not in its world.
        Outgoing::Install
        | Outgoing::DepsReady
        | Outgoing::ServiceAvailable(_)
        | Outgoing::ConfigUpdate(_)
        | Outgoing::Progress { .. }
        | Outgoing::Chunk { .. }
        | Outgoing::End { .. }
        | Outgoing::Credit { .. } => return None,
    })
}

/// The answer to a call of the guest's own.
fn answer(ticket: Ticket, outcome: Outcome) -> What {
    let answer = match outcome {
        Outcome::Result(result) => Ok(result.map(|result| result.as_bytes().to_vec()).unwrap_or_default()),
        Outcome::Error(error) => Err(failure_of(error)),
    };
    What::Answer(ticket, answer)
}

/// The kernel's own words for why a call failed (contract A4), and everybody else's.
pub(super) fn failure_of(error: String) -> CallFailure {
    match error.as_str() {
        "forbidden" => CallFailure::Denied,
        "service_not_found" => CallFailure::NotFound,
        "overloaded" => CallFailure::Overloaded,
        "timeout" => CallFailure::Timeout,
        "module_not_ready" => CallFailure::Gone,
        text if text.starts_with("Module ") && text.ends_with(" stopped while processing RPC") => {
            CallFailure::Gone
        }
        _ => CallFailure::Failed(error),
    }
}

/// A guest numbers its calls; on the door a number is its own text.
pub(super) fn word_of(number: u64) -> Word {
    Word::parse(&number.to_string()).expect("twenty digits are a name")
}

/// The number in an answer's id.
pub(super) fn ticket_of(id: &Word) -> Option<Ticket> {
    id.as_str().parse().ok().map(Ticket)
}

/// What a guest sent, as what goes to other modules: JSON in one line, or nothing for no bytes at all.
///
/// A line break between two of its tokens is as good as a blank, and would end the frame for a module that reads lines.
pub(crate) fn json_of(mut bytes: Vec<u8>) -> Result<Option<Payload>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|error| format!("no UTF-8 at byte {}", error.valid_up_to()))?;
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| format!("wrong at line {}, column {}", error.line(), error.column()))?;
    for byte in bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    Ok(Some(Payload::new(&bytes)))
}

#[cfg(test)]
mod tests;
