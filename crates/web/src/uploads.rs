//! Packages that come through a browser: taken into a folder of this process's own, bounded in size, number and time, for a
//! plan that the kernel then makes of the file. Nothing here looks into one; whether it is to be trusted, the kernel says.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{MethodRouter, put};
use bytes::Bytes;
use http_body_util::BodyExt;
use protocol::operator::Role;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use crate::access::{hex, random_text};
use crate::api::{Asker, Done, answered, at_least, json_of, no_forgery};
use crate::app::App;
use crate::problem::Problem;

#[cfg(test)]
mod tests;

/// 256 MiB of one package: four times the largest program that anybody has packed so far.
const BYTES_MAX: u64 = 256 << 20;

/// 8 packages are kept; the oldest gives way. What was applied lies in the kernel's depot anyway.
const KEPT_MAX: usize = 8;

/// 80 s for all of it, a little less than any answer may take.
const WITHIN: Duration = Duration::from_secs(80);

/// 16 pieces wait for the disk.
const WAITING_MAX: usize = 16;

/// 128 characters of a name.
const NAME_CHARS_MAX: usize = 128;

/// How a package's name ends.
const ENDING: &str = ".okm";

/// For the owner alone.
const MODE: u32 = 0o600;

/// The folder's name in the state of this process.
const FOLDER: &str = "packages";

/// `/packages/{name}`
pub(crate) fn package() -> MethodRouter<Arc<App>> {
    put(async |state, who, params, request| answered(taken(state, who, &params, request).await))
}

async fn taken(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Asker>,
    params: &RawPathParams,
    request: Request,
) -> Done {
    let who = at_least(Role::Admin, who)?;
    let (head, body) = request.into_parts();
    no_forgery(&who, &head.headers)?;
    let name = params.iter().next().map(|(_, name)| name).unwrap_or_default();
    sound(name, &head.headers)?;
    // One at a time: their bounds are those of all of them together.
    let _alone = app.uploading.try_lock().map_err(|_| {
        Problem::new(StatusCode::CONFLICT, "web::package::busy", "another package is on its way; try again")
    })?;
    let folder = app.state.join(FOLDER);
    let path = folder.join(name);
    let (pieces, waiting) = channel(WAITING_MAX);
    let writing = tokio::task::spawn_blocking({
        let path = path.clone();
        move || keep(&folder, &path, waiting)
    });
    let read = timeout(WITHIN, hand_on(body, &pieces)).await.unwrap_or_else(|_| Err(slow()));
    // Nothing is kept of one that did not come whole: the end is said, not only heard.
    if read.is_ok() {
        let _gone = pieces.send(None).await;
    }
    drop(pieces);
    let kept = writing.await.map_err(|_| not_kept())?;
    read?;
    let (bytes, digest) = kept.map_err(|error| {
        tracing::warn!(%error, "a package could not be kept");
        not_kept()
    })?;
    tracing::info!(name, bytes, by = %who.behalf.name, "a package was taken in");
    Ok(json_of(StatusCode::OK, &json!({ "file": path.to_string_lossy(), "bytes": bytes, "sha256": digest })))
}

/// Whether the name is one of a file beside others, and the body what no form of another page can send.
fn sound(name: &str, headers: &HeaderMap) -> Result<(), Problem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_sound = name.len() > ENDING.len()
        && name.len() <= NAME_CHARS_MAX
        && name.ends_with(ENDING)
        && !name.starts_with(['.', '-'])
        && name.bytes().all(is_plain);
    if !is_sound {
        let text = format!(
            "a package's name ends with {ENDING} and has up to {NAME_CHARS_MAX} letters, digits, `.`, `_`, `-`"
        );
        return Err(Problem::bad(text));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind != Some("application/octet-stream") {
        let text = "the body has to be application/octet-stream";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "web::request::kind", text));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > BYTES_MAX) {
        return Err(too_long());
    }
    Ok(())
}

/// Hands the body on, piece by piece.
async fn hand_on(mut body: Body, pieces: &tokio::sync::mpsc::Sender<Option<Bytes>>) -> Result<(), Problem> {
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::bad("the body broke off"))?;
        let Ok(piece) = frame.into_data() else { continue };
        bytes += piece.len() as u64;
        if bytes > BYTES_MAX {
            return Err(too_long());
        }
        // Whoever writes has failed, and says so itself.
        if pieces.send(Some(piece)).await.is_err() {
            return Ok(());
        }
    }
    if bytes == 0 {
        return Err(Problem::bad("the package is empty"));
    }
    Ok(())
}

/// Writes it aside, whole, and puts it into its place.
fn keep(folder: &Path, path: &Path, mut pieces: Receiver<Option<Bytes>>) -> io::Result<(u64, String)> {
    fs::create_dir_all(folder)?;
    let aside = folder.join(format!(".{}", random_text()?));
    let written = write(&aside, &mut pieces);
    let done = written.and_then(|done| {
        make_room(folder, path)?;
        fs::rename(&aside, path)?;
        fs::File::open(folder)?.sync_all()?;
        Ok(done)
    });
    if done.is_err() {
        // What can't be removed gives way with the next one.
        let _left = fs::remove_file(&aside);
    }
    done
}

fn write(aside: &Path, pieces: &mut Receiver<Option<Bytes>>) -> io::Result<(u64, String)> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(aside)?;
    let (mut bytes, mut hash) = (0, Sha256::new());
    loop {
        match pieces.blocking_recv() {
            Some(Some(piece)) => {
                file.write_all(&piece)?;
                hash.update(&piece);
                bytes += piece.len() as u64;
            }
            Some(None) => break,
            // It did not come whole.
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    file.sync_all()?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Removes the oldest until there is room for one more.
fn make_room(folder: &Path, path: &Path) -> io::Result<()> {
    let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_package = entry.file_name().to_string_lossy().ends_with(ENDING);
        if is_package && entry.path() != path {
            kept.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    kept.sort();
    let over = (kept.len() + 1).saturating_sub(KEPT_MAX);
    for (_, path) in kept.into_iter().take(over) {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// Removes what a process that was killed in the middle left.
pub(crate) fn clear(state: &Path) {
    for entry in fs::read_dir(state.join(FOLDER)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with('.') {
            // It takes room and does no harm.
            let _left = fs::remove_file(entry.path());
        }
    }
}

fn slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "web::request::slow", "the body came too slowly")
}

fn too_long() -> Problem {
    let text = format!("a package has {BYTES_MAX} bytes at the most");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "web::request::too_long", text)
}

fn not_kept() -> Problem {
    let text = "the package could not be kept on the disk";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "web::package::not_kept", text)
}
