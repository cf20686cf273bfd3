//! MCP over HTTP, at `/mcp`: what agents that are no child of ours speak. The same server as on stdin and stdout, a value of
//! the crate `mcp`; here is what HTTP adds: who asks, which conversation a message belongs to, and where an answer goes.
//!
//! ```text
//! POST ─► guard, token ─► Shape ─► Talk (a session, or all that one token asks without one) ─► carry ─► operator door
//! ```
//!
//! There are two eras. One begins with `initialize`, which makes a session that later requests name in a header; an answer
//! that needs a word of the user comes as a stream. In the other each request stands for itself, and headers repeat what the
//! message says, so that what stands in between can read it. Which era it is, the message says.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::routing::{MethodRouter, post};
use mcp::revision::{Era, Revision};
use mcp::rpc::{self, RpcError, code};
use serde_json::Value;
use tokio::sync::mpsc::channel;

use crate::access::Who;
use crate::api::{Asker, Done, answered, json_of, no_forgery, somebody};
use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::sessions::nothing;

mod carrying;
mod shape;
mod talks;

use self::carrying::{Answers, Carrying, WAITING_MAX};
use self::shape::Shape;
use self::talks::Talk;
pub(crate) use self::talks::Talks;

/// Which conversation a message belongs to.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// Which revision is spoken.
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// `/mcp`. There is nothing that we would say of ourselves, so it can't be listened to with `GET`.
pub(crate) fn mcp() -> MethodRouter<Arc<App>> {
    post(async |state, who, request| answered(said(state, who, request).await))
        .delete(async |state, who, headers| answered(ended(state, who, &headers)))
}

async fn said(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: Request) -> Done {
    let who = somebody(who)?;
    let (head, body) = request.into_parts();
    no_forgery(&who, &head.headers)?;
    accepts(&head.headers)?;
    let bytes = body::read(&head.headers, body, true).await?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::bad("the body is no text in UTF-8"))?;
    let shape = match Shape::of(&text) {
        Ok(shape) => shape,
        Err(error) => return Ok(refused(&error)),
    };
    let version = one(&head.headers, &VERSION)?;
    let is_stateless = shape.is_stateless()
        || version.and_then(Revision::parse).is_some_and(|known| known.era() == Era::Stateless);
    if is_stateless {
        if let Err(error) = shape.fits(&head.headers, version) {
            return Ok(refused(&error));
        }
        // A word about what is under way: here a request ends with its connection.
        if shape.expected.is_empty() {
            return Ok(accepted());
        }
        let talk = app.talks.stateless(&who)?;
        return answer(&app, &who, talk, &shape, &text, Era::Stateless).await;
    }
    if shape.is_initialize() {
        let (id, talk) = app.talks.begin(&who)?;
        let mut response = answer(&app, &who, talk, &shape, &text, Era::Sessions).await?;
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(SESSION, id);
        }
        return Ok(response);
    }
    if let Some(version) = version
        && Revision::parse(version).is_none()
    {
        return Err(Problem::bad("the revision in `MCP-Protocol-Version` is not known here"));
    }
    let talk = talk_of(&app, &who, &head.headers)?;
    answer(&app, &who, talk, &shape, &text, Era::Sessions).await
}

fn ended(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, headers: &HeaderMap) -> Done {
    let who = somebody(who)?;
    no_forgery(&who, headers)?;
    talk_of(&app, &who, headers)?;
    app.talks.end(one(headers, &SESSION)?.unwrap_or_default());
    Ok(nothing())
}

/// The session that a request names, if it is of who asks.
fn talk_of(app: &App, who: &Who, headers: &HeaderMap) -> Result<Arc<Talk>, Problem> {
    let Some(id) = one(headers, &SESSION)? else {
        return Err(Problem::bad("there is no `Mcp-Session-Id`: say `initialize` first"));
    };
    let unknown = || {
        let text = "there is no such session any more: say `initialize` again";
        Problem::new(StatusCode::NOT_FOUND, "web::mcp::not_found", text)
    };
    app.talks.find(who, id).ok_or_else(unknown)
}

/// One header's text, which stands there once at the most.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let first = all.next().map(|value| value.to_str().ok());
    match (first, all.next()) {
        (None, _) => Ok(None),
        (Some(Some(text)), None) => Ok(Some(text)),
        _ => Err(Problem::bad(format!("there is more than one `{name}`, or it is no text"))),
    }
}

/// An answer is JSON or a stream, as it comes: whoever takes only one of them would miss some.
fn accepts(headers: &HeaderMap) -> Result<(), Problem> {
    let texts: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|text| text.to_str().ok()).collect();
    let kinds =
        texts.iter().flat_map(|text| text.split(',')).map(|kind| kind.split(';').next().unwrap_or(kind));
    let kinds: Vec<&str> = kinds.map(str::trim).collect();
    let takes = |wanted: &str, family: &str| kinds.iter().any(|kind| [wanted, family, "*/*"].contains(kind));
    if kinds.is_empty()
        || (takes("application/json", "application/*") && takes("text/event-stream", "text/*"))
    {
        return Ok(());
    }
    let text = "`Accept` has to name application/json and text/event-stream";
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "web::mcp::accept", text))
}

/// What one message, or one batch, comes to.
async fn answer(app: &Arc<App>, who: &Who, talk: Arc<Talk>, shape: &Shape, text: &str, era: Era) -> Done {
    let (sender, mut receiver) = channel(WAITING_MAX);
    let acts = talk.handle(text);
    let carrying = Carrying::new(app.clone(), talk, &who.behalf.name, shape.expected.clone(), sender);
    // On its own: who hangs up has not taken back what was asked.
    let carried = tokio::spawn(carrying.carry(acts));
    if shape.expected.is_empty() {
        // An answer of the user's, or a word that wants none; what of it can't be read is told at once.
        let flaw = if carried.await.is_ok() { receiver.try_recv().ok() } else { None };
        return Ok(flaw.map_or_else(accepted, |flaw| json_of(StatusCode::BAD_REQUEST, &flaw)));
    }
    let first = receiver.recv().await.ok_or_else(Problem::unreachable)?;
    if shape.expected.len() == 1 && first.get("method").is_none() {
        return Ok(json_of(status_of(&first, era), &first));
    }
    let mut response = Response::new(Body::new(Answers::new(first, receiver)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// Without sessions, errors of the protocol are errors of HTTP too.
fn status_of(answer: &Value, era: Era) -> StatusCode {
    let found = answer.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    match (era, found) {
        (Era::Stateless, Some(code::METHOD_NOT_FOUND)) => StatusCode::NOT_FOUND,
        (Era::Stateless, Some(code::UNSUPPORTED_VERSION | code::INVALID_REQUEST | code::PARSE)) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}

fn refused(error: &RpcError) -> Response<Body> {
    json_of(StatusCode::BAD_REQUEST, &rpc::error(None, error))
}

fn accepted() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
