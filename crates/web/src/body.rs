//! Bodies of requests: bounded in size and time, and JSON.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use tokio::time::timeout;

use crate::problem::Problem;

/// 1 MiB: what a module may say in one line, too.
pub(crate) const BYTES_MAX: usize = 1 << 20;

/// 10 s for all of it: a body that drips holds a place.
pub(crate) const WITHIN: Duration = Duration::from_secs(10);

/// Reads it whole. What has no use for one takes none.
pub(crate) async fn read(headers: &HeaderMap, body: Body, is_taken: bool) -> Result<Bytes, Problem> {
    let read = timeout(WITHIN, Limited::new(body, BYTES_MAX).collect()).await;
    let late =
        |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "web::request::slow", "the body came too slowly");
    let bytes = read.map_err(late)?.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let text = format!("the body has more than {BYTES_MAX} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "web::request::too_long", text)
        } else {
            Problem::bad("the body broke off")
        }
    })?;
    let bytes = bytes.to_bytes();
    if bytes.is_empty() {
        return Ok(bytes);
    }
    if !is_taken {
        return Err(Problem::bad("this takes no body"));
    }
    // A form of another site can send text and forms without asking, but no JSON.
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(bytes);
    }
    let text = "the body has to be application/json";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "web::request::kind", text))
}

/// The body as JSON; nothing when there is none.
pub(crate) fn json(bytes: &[u8]) -> Result<Option<Value>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(bytes)
        .map(Some)
        .map_err(|error| Problem::bad(format!("the body is no JSON: {error}")))
}
