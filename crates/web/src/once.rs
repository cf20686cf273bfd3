//! Changes that are asked twice and done once: the answers to requests with an `Idempotency-Key`, kept for ten minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use bytes::Bytes;

use crate::access::Digest;
use crate::problem::Problem;

#[cfg(test)]
mod tests;

/// 10 minutes: longer than any client goes on trying.
const KEPT_MS: u64 = 10 * 60 * 1000;

/// 512 keys; the oldest gives way.
const KEYS_MAX: usize = 512;

/// 128 characters of a key: a UUID has 36.
const KEY_CHARS_MAX: usize = 128;

/// 64 KiB of an answer are kept; changes answer shortly.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// An answer as it went out: an outcome, not a refusal of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// One key's place. Whoever holds its lock does the work; the others wait for it.
type Place = Arc<tokio::sync::Mutex<Option<Result<Answer, Problem>>>>;

#[derive(Debug)]
struct Kept {
    request: Digest,
    since_ms: u64,
    place: Place,
}

/// All keys, by who asks and what they called it.
#[derive(Debug, Default)]
pub(crate) struct Once {
    kept: Mutex<HashMap<(String, String), Kept>>,
}

impl Once {
    /// The place of a key.
    ///
    /// # Errors
    /// The key is odd, or came with another request before.
    pub(crate) fn place(&self, who: &str, key: &str, request: Digest, now_ms: u64) -> Result<Place, Problem> {
        let is_sound =
            (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sound {
            return Err(Problem::bad(format!(
                "Idempotency-Key has 1 to {KEY_CHARS_MAX} printable characters"
            )));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, one| one.since_ms + KEPT_MS > now_ms);
        let name = (who.to_owned(), key.to_owned());
        if let Some(known) = kept.get(&name) {
            if known.request == request {
                return Ok(known.place.clone());
            }
            let text = "this Idempotency-Key came with another request before";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "web::request::key_reused", text));
        }
        if kept.len() >= KEYS_MAX {
            let oldest = kept.iter().min_by_key(|(_, one)| one.since_ms).map(|(name, _)| name.clone());
            oldest.map(|name| kept.remove(&name));
        }
        let place = Place::default();
        kept.insert(name, Kept { request, since_ms: now_ms, place: place.clone() });
        Ok(place)
    }
}

/// What is kept of an outcome: one that says that nothing was done is no outcome, so that trying again tries.
pub(crate) fn keepable(outcome: &Result<Answer, Problem>) -> bool {
    match outcome {
        Ok(answer) => answer.body.len() <= ANSWER_BYTES_MAX,
        Err(problem) => !problem.status.is_server_error(),
    }
}
