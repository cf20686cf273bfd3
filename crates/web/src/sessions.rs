//! Sessions, tokens and links that log in once, over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::{MethodRouter, delete, get, post};
use protocol::operator::Role;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::access::{AccessError, COOKIE, Refused, SAFE_COOKIE, Who};
use crate::api::{Asker, Done, answered, at_least, json_of, no_forgery, somebody};
use crate::app::{App, now_ms};
use crate::body;
use crate::problem::Problem;
use crate::server::Peer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithCode {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewToken {
    name: String,
    role: Role,
    expires_in_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLogin {
    role: Option<Role>,
}

/// `/session`
pub(crate) fn session() -> MethodRouter<Arc<App>> {
    get(async |Extension(who): Extension<Asker>| answered(somebody(who).map(|who| shown(&who))))
        .post(async |state, peer, request| answered(login(state, peer, request).await))
        .delete(async |state, who, headers| answered(logout(state, who, &headers)))
}

/// `/tokens`
pub(crate) fn tokens() -> MethodRouter<Arc<App>> {
    get(async |state, who| answered(list(state, who)))
        .post(async |state, who, request| answered(make(state, who, request).await))
}

/// `/tokens/{id}`
pub(crate) fn token() -> MethodRouter<Arc<App>> {
    delete(async |state, who, params, headers| answered(revoke(state, who, &params, &headers)))
}

/// `/logins`
pub(crate) fn logins() -> MethodRouter<Arc<App>> {
    post(async |state, who, request| answered(link(state, who, request).await))
}

fn shown(who: &Who) -> Response<Body> {
    let session = json!({
        "name": who.behalf.name, "role": who.behalf.role, "csrf": who.csrf, "expiresAtMs": who.expires_at_ms,
    });
    json_of(StatusCode::OK, &session)
}

pub(crate) fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The headers and the body of a change, read whole.
pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<(HeaderMap, T), Problem> {
    let (head, body) = request.into_parts();
    let bytes = body::read(&head.headers, body, true).await?;
    let value = body::json(&bytes)?.unwrap_or_else(|| json!({}));
    let read = serde_json::from_value(value).map_err(|error| Problem::bad(error.to_string()))?;
    Ok((head.headers, read))
}

async fn login(
    State(app): State<Arc<App>>,
    Extension(Peer(from)): Extension<Peer>,
    request: Request,
) -> Done {
    let (_, WithCode { code }) = read(request).await?;
    let (cookie, session) = app.access.login(from, &code, now_ms()).map_err(not_let_in)?;
    let text = json!({
        "name": session.name, "role": session.role, "csrf": session.csrf, "expiresAtMs": session.expires_at_ms,
    });
    Ok(with_cookie(
        &app,
        json_of(StatusCode::OK, &text),
        &cookie,
        session.expires_at_ms.saturating_sub(now_ms()) / 1000,
    ))
}

fn with_cookie(app: &App, mut response: Response<Body>, cookie: &str, seconds: u64) -> Response<Body> {
    let (name, safe) = cookie_name(app);
    let text = format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Strict{safe}; Max-Age={seconds}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// The cookie's name, and what goes with it over TLS.
fn cookie_name(app: &App) -> (&'static str, &'static str) {
    if app.certificates.is_some() { (SAFE_COOKIE, "; Secure") } else { (COOKIE, "") }
}

/// Why somebody is not let in, as an answer.
pub(crate) fn not_let_in(refused: Refused) -> Problem {
    match refused {
        Refused::Unknown => Problem::new(
            StatusCode::UNAUTHORIZED,
            "web::access::unknown",
            "the code, token or session is none, or none any more",
        )
        .help("ostoja dashboard"),
        Refused::TooMany => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "web::access::too_many",
            "too many were wrong; wait a minute",
        ),
    }
}

fn logout(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, headers: &HeaderMap) -> Done {
    no_forgery(&somebody(who)?, headers)?;
    if let Some(text) = cookie_of(&app, headers) {
        app.access.logout(text);
    }
    Ok(with_cookie(&app, nothing(), "", 0))
}

/// Our cookie among all that were sent.
pub(crate) fn cookie_of<'h>(app: &App, headers: &'h HeaderMap) -> Option<&'h str> {
    let (own, _) = cookie_name(app);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == own).map(|(_, text)| text)
}

fn list(State(app): State<Arc<App>>, Extension(who): Extension<Asker>) -> Done {
    at_least(Role::Admin, who)?;
    Ok(json_of(StatusCode::OK, &json!({ "tokens": app.access.tokens() })))
}

async fn make(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: Request) -> Done {
    let who = at_least(Role::Admin, who)?;
    let (headers, wish): (_, NewToken) = read(request).await?;
    no_forgery(&who, &headers)?;
    let made =
        app.access.make_token(&wish.name, wish.role, wish.expires_in_ms, now_ms()).map_err(not_done)?;
    tracing::info!(name = %made.1.name, role = %made.1.role, by = %who.behalf.name, "a token was made");
    Ok(json_of(StatusCode::CREATED, &json!({ "token": made.0, "row": made.1 })))
}

fn revoke(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Asker>,
    params: &RawPathParams,
    headers: &HeaderMap,
) -> Done {
    let who = at_least(Role::Admin, who)?;
    no_forgery(&who, headers)?;
    let id = params.iter().next().map(|(_, id)| id).unwrap_or_default();
    app.access.revoke(id).map_err(not_done)?;
    tracing::info!(id, by = %who.behalf.name, "a token was revoked");
    Ok(nothing())
}

async fn link(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: Request) -> Done {
    let who = at_least(Role::Admin, who)?;
    let (headers, wish): (_, NewLogin) = read(request).await?;
    no_forgery(&who, &headers)?;
    let (code, expires_at_ms) =
        app.access.make_code(wish.role.unwrap_or(Role::Admin), now_ms()).map_err(not_done)?;
    // Behind the `#`, where browsers send it to nobody.
    let url = app.origin().map(|origin| format!("{origin}/#login={code}"));
    Ok(json_of(StatusCode::CREATED, &json!({ "url": url, "code": code, "expiresAtMs": expires_at_ms })))
}

fn not_done(error: AccessError) -> Problem {
    let (status, code) = match &error {
        AccessError::Name | AccessError::Life => (StatusCode::BAD_REQUEST, "web::token::bad"),
        AccessError::Full => (StatusCode::CONFLICT, "web::token::full"),
        AccessError::NoToken => (StatusCode::NOT_FOUND, "web::token::not_found"),
        AccessError::Keep(_) => (StatusCode::INTERNAL_SERVER_ERROR, "web::token::not_kept"),
    };
    Problem::new(status, code, error.to_string())
}
