//! The dashboard's files, out of the binary: what is not in the list is not there, so no path leads anywhere else.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rust_embed::RustEmbed;

use crate::access::hex;
use crate::problem::Problem;

#[cfg(test)]
mod tests;

/// What the sources in `web/` were built into.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Dist;

/// 32 hex digits of a hash: enough to tell two files apart.
const TAG_DIGITS: usize = 32;

/// What a name's end says about what is in it.
fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The file at a path; pages of the dashboard, which have no file of their own, are all its first one.
pub(crate) fn file(path: &str, headers: &HeaderMap) -> Result<Response<Body>, Problem> {
    let wanted = path.trim_start_matches('/');
    let is_page = wanted.is_empty() || !wanted.rsplit('/').next().unwrap_or_default().contains('.');
    let name = if is_page { "index.html" } else { wanted };
    let found = Dist::get(name).ok_or_else(Problem::not_found)?;
    // Of the file as it was put into the binary.
    let tag = format!("\"{}\"", &hex(&found.metadata.sha256_hash())[..TAG_DIGITS]);
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let body = if is_known { Body::empty() } else { Body::from(found.data) };
    let mut response = Response::new(body);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    // Asked again each time: after an update of the program, an old page would not know the new answers.
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        set.insert(header::ETAG, tag);
    }
    Ok(response)
}
