//! Alerts over HTTP: what fires, silences, and the test of who is told.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{MethodRouter, delete, get, post};
use protocol::operator::Role;
use serde::Deserialize;
use serde_json::json;

use super::watch::Silence;
use crate::api::{Asker, Done, answered, at_least, json_of, no_forgery};
use crate::app::{App, now_ms};
use crate::problem::Problem;
use crate::sessions::{nothing, read};

/// 30 days: what is to be silent longer is a rule to be changed.
const SILENCE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// 200 characters of a reason, 128 of the name of a rule or a module.
const WHY_CHARS_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    output: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSilence {
    rule: Option<String>,
    module: Option<String>,
    for_ms: u64,
    #[serde(default)]
    why: String,
}

/// `/alerts`
pub(crate) fn alerts() -> MethodRouter<Arc<App>> {
    get(async |state, who| answered(list(state, who)))
}

/// `/alerts/test`
pub(crate) fn test() -> MethodRouter<Arc<App>> {
    post(async |state, who, request| answered(tested(state, who, request).await))
}

/// `/alerts/silences`
pub(crate) fn silences() -> MethodRouter<Arc<App>> {
    post(async |state, who, request| answered(silence(state, who, request).await))
}

/// `/alerts/silences/{id}`
pub(crate) fn one_silence() -> MethodRouter<Arc<App>> {
    delete(async |state, who, params, headers| answered(unsilence(state, who, &params, &headers)))
}

fn list(State(app): State<Arc<App>>, Extension(who): Extension<Asker>) -> Done {
    at_least(Role::Viewer, who)?;
    let now = now_ms();
    let all = json!({
        "firing": app.alerts.firing(now),
        "silences": app.alerts.silences(now),
        "rules": app.alerts.wishes().rules,
        "outputs": app.alerts.outputs(),
        "told": app.alerts.told(),
        "trouble": app.alerts.trouble(),
    });
    Ok(json_of(StatusCode::OK, &all))
}

async fn tested(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: Request) -> Done {
    let who = at_least(Role::Operator, who)?;
    let (headers, wish): (_, Test) = read(request).await?;
    no_forgery(&who, &headers)?;
    let results = app.alerts.test(&app, wish.output.as_deref()).await;
    if let (Some(wanted), true) = (wish.output, results.is_empty()) {
        let text = format!("no output is named `{wanted}`");
        return Err(Problem::new(StatusCode::NOT_FOUND, "web::alert::not_found", text));
    }
    let rows = results.into_iter().map(|(name, error)| json!({ "name": name, "error": error }));
    Ok(json_of(StatusCode::OK, &json!({ "outputs": rows.collect::<Vec<_>>() })))
}

async fn silence(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: Request) -> Done {
    let who = at_least(Role::Operator, who)?;
    let (headers, wish): (_, NewSilence) = read(request).await?;
    no_forgery(&who, &headers)?;
    let longest = u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX);
    if !(1..=longest).contains(&wish.for_ms) || wish.why.chars().count() > WHY_CHARS_MAX {
        let text =
            format!("a silence lasts 1 to {longest} ms, and its reason has up to {WHY_CHARS_MAX} characters");
        return Err(Problem::bad(text));
    }
    let is_long =
        |name: &Option<String>| name.as_ref().is_some_and(|name| name.chars().count() > NAME_CHARS_MAX);
    if is_long(&wish.rule) || is_long(&wish.module) {
        return Err(Problem::bad(format!(
            "names of rules and modules have up to {NAME_CHARS_MAX} characters"
        )));
    }
    let now = now_ms();
    let silence =
        Silence { id: 0, rule: wish.rule, module: wish.module, until_ms: now + wish.for_ms, why: wish.why };
    let kept = app.alerts.silence(silence, now).map_err(|_| not_kept())?;
    tracing::info!(id = kept.id, by = %who.behalf.name, "a silence begins");
    Ok(json_of(StatusCode::CREATED, &kept))
}

fn unsilence(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Asker>,
    params: &RawPathParams,
    headers: &HeaderMap,
) -> Done {
    let who = at_least(Role::Operator, who)?;
    no_forgery(&who, headers)?;
    let id = params.iter().next().and_then(|(_, id)| id.parse().ok());
    let ended = id.map(|id| app.alerts.unsilence(id, now_ms())).transpose().map_err(|_| not_kept())?;
    let ended = ended.flatten().ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "web::alert::not_found", "there is no such silence")
    })?;
    tracing::info!(id = ended.id, by = %who.behalf.name, "a silence ends");
    Ok(nothing())
}

fn not_kept() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "web::alert::not_kept",
        "it could not be kept on the disk",
    )
}
