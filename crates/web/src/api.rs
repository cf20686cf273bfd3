//! The handlers: what is asked at the operator door, and what this process knows itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use protocol::operator::{
    ConfigVerb, ModuleDetail, ModuleStatus, OnBehalf, Request as Asked, Role, UsageTable,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::access::{By, Digest, Who};
use crate::alerts::answers as alerts;
use crate::app::{App, now_ms};
use crate::asking::{self, Parts, query_of};
use crate::body;
use crate::events::{Topic, Wanted};
use crate::files;
use crate::graph::graph;
use crate::metrics::{self, Told};
use crate::once::{self, Answer};
use crate::problem::Problem;
use crate::routes::{self, BASE, Route, Taken, routes};
use crate::sessions;
use crate::stream::Stream;

/// The header with what only our own page knows.
pub(crate) const CSRF: &str = "x-csrf-token";

/// What a handler comes to.
pub(crate) type Done = Result<Response<Body>, Problem>;

/// Who asks; nothing when nobody said it.
pub(crate) type Asker = Option<Who>;

/// All paths.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let handler = move |State(app): State<Arc<App>>,
                            Extension(who): Extension<Asker>,
                            params: RawPathParams,
                            request: Request| async move {
            let path: Vec<(String, String)> =
                params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            answered(door(app, route, who, path, request).await)
        };
        router = router.route(&format!("{BASE}{}", route.path), on(filter(route.method), handler));
    }
    for (path, own) in own() {
        router = router.route(path, own);
    }
    router.fallback(page).method_not_allowed_fallback(async || no_method().into_response()).with_state(app)
}

fn filter(method: routes::Method) -> MethodFilter {
    match method {
        routes::Method::Get => MethodFilter::GET,
        routes::Method::Post => MethodFilter::POST,
        routes::Method::Put => MethodFilter::PUT,
        routes::Method::Delete => MethodFilter::DELETE,
    }
}

fn own() -> [(&'static str, MethodRouter<Arc<App>>); 19] {
    [
        ("/api/v1/usage/history", get(async |state, who, request| answered(history(state, who, &request)))),
        ("/api/v1/graph", get(async |state, who| answered(who_talks(state, who).await))),
        ("/api/v1/events", get(async |state, who, request| answered(events(&state, who, &request)))),
        ("/api/v1/openapi.json", get(async || json_of(StatusCode::OK, &crate::openapi::document()))),
        ("/api/v1/session", sessions::session()),
        ("/api/v1/tokens", sessions::tokens()),
        ("/api/v1/tokens/{id}", sessions::token()),
        ("/api/v1/logins", sessions::logins()),
        ("/api/v1/packages/{name}", crate::uploads::package()),
        ("/api/v1/alerts", alerts::alerts()),
        ("/api/v1/alerts/test", alerts::test()),
        ("/api/v1/alerts/silences", alerts::silences()),
        ("/api/v1/alerts/silences/{id}", alerts::one_silence()),
        ("/mcp", crate::agents::mcp()),
        ("/livez", get(async || word(StatusCode::OK, "alive"))),
        ("/readyz", get(ready)),
        ("/healthz", get(ready)),
        ("/metrics", get(async |state, who| answered(scrape(state, who).await))),
        ("/api/{*rest}", axum::routing::any(async || Problem::not_found().into_response())),
    ]
}

/// A problem is an answer too.
pub(crate) fn answered(done: Done) -> Response<Body> {
    done.unwrap_or_else(Problem::into_response)
}

/// An answer in JSON.
pub(crate) fn json_of<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    // Values of ours are always JSON.
    raw_json(status, Body::from(serde_json::to_vec(value).unwrap_or_default()))
}

fn raw_json(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn word(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Who asks, who has to be somebody.
pub(crate) fn somebody(who: Asker) -> Result<Who, Problem> {
    who.ok_or_else(Problem::nobody)
}

/// Who asks, who has to have this role at least.
pub(crate) fn at_least(role: Role, who: Asker) -> Result<Who, Problem> {
    let who = somebody(who)?;
    if who.behalf.role >= role {
        return Ok(who);
    }
    Err(Problem::forbidden(format!("a role of {role} or more may ask this; yours is {}", who.behalf.role)))
}

/// A change has to come from our own page: the cookie goes along with requests of others' too.
pub(crate) fn no_forgery(who: &Who, headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(CSRF).map(HeaderValue::as_bytes);
    if who.by == By::Session && sent != who.csrf.as_deref().map(str::as_bytes) {
        return Err(Problem::forbidden("the header `X-Csrf-Token` is not that of this session"));
    }
    Ok(())
}

/// A verb of the operator door.
async fn door(
    app: Arc<App>,
    route: &'static Route,
    who: Asker,
    path: Vec<(String, String)>,
    request: Request,
) -> Done {
    let who = somebody(who)?;
    let (head, body) = request.into_parts();
    if route.changes() {
        no_forgery(&who, &head.headers)?;
    }
    let bytes = body::read(&head.headers, body, route.body != Taken::Nothing).await?;
    let print = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&bytes));
    let parts = Parts {
        path: path.iter().map(|(name, value)| (name.as_str(), value.clone())).collect(),
        query: query_of(head.uri.query())?,
        body: body::json(&bytes)?,
    };
    let mut asked = asking::request(route, parts)?;
    let matching = head.headers.get(header::IF_MATCH).map(|tag| tag.as_bytes().to_vec());
    let matching = matching.filter(|tag| !takes_version(&mut asked, tag));
    let key = head.headers.get("idempotency-key").filter(|_| route.changes());
    let outcome = match key {
        None if route.is_shared() && matching.is_none() => looked(&app, route, who.behalf, asked).await,
        None => act(&app, route, &who.behalf, &asked, matching).await,
        Some(key) => {
            let key = key.to_str().unwrap_or_default();
            let place =
                app.once.place(&who.behalf.name, key, Digest::of_bytes(print.as_bytes()), now_ms())?;
            // On its own: who asks may hang up and ask again, and it is to be done once all the same.
            let done = tokio::spawn(async move {
                let mut place = place.lock_owned().await;
                if let Some(known) = &*place {
                    return known.clone();
                }
                let outcome = act(&app, route, &who.behalf, &asked, matching).await;
                *place = once::keepable(&outcome).then(|| outcome.clone());
                outcome
            });
            done.await.unwrap_or_else(|_| Err(Problem::unreachable()))
        }
    };
    let answer = outcome?;
    let tag = version_of(route, &answer);
    let mut response = raw_json(answer.status, Body::from(answer.body));
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What many may look at at once, asked for all of them together.
async fn looked(
    app: &Arc<App>,
    route: &'static Route,
    by: OnBehalf,
    asked: Asked,
) -> Result<Answer, Problem> {
    // A request of the door's is always JSON.
    let key = serde_json::to_string(&(&asked, &by)).unwrap_or_default();
    let asking = (app.clone(), by, Arc::new(asked));
    let ask = move || {
        let (app, by, asked) = asking.clone();
        async move { act(&app, route, &by, &asked, None).await }
    };
    app.gathered.answer(key, ask).await
}

/// The version of a context variable or of the configuration, for `If-Match`.
fn version_of(route: &Route, answer: &Answer) -> Option<HeaderValue> {
    if !matches!(route.cmd, "context.get" | "config") {
        return None;
    }
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    let version = match value.get("version")? {
        Value::String(text) => text.clone(),
        version => version.as_u64()?.to_string(),
    };
    HeaderValue::from_str(&format!("\"{version}\"")).ok()
}

/// Whether the kernel itself holds a change against the version that `If-Match` names; then it is told which.
fn takes_version(asked: &mut Asked, tag: &[u8]) -> bool {
    let Asked::Config(ConfigVerb::Set { version, .. } | ConfigVerb::Unset { version, .. }) = asked else {
        return false;
    };
    *version = Some(String::from_utf8_lossy(tag).trim_matches('"').to_owned());
    true
}

async fn act(
    app: &App,
    route: &Route,
    by: &OnBehalf,
    asked: &Asked,
    matching: Option<Vec<u8>>,
) -> Result<Answer, Problem> {
    let _alone = match matching {
        Some(tag) => {
            let alone = app.matching.lock().await;
            still_matches(app, by, asked, &tag).await?;
            Some(alone)
        }
        None => None,
    };
    let data = ask_raw(app, asked, by).await?.unwrap_or_else(|| json!({}));
    let value = match route.wrap {
        Some(name) => json!({ name: data }),
        None => data,
    };
    Ok(Answer { status: StatusCode::OK, body: value.to_string().into() })
}

/// Whether a variable is still the one that its changer has seen. The kernel's own modules may change it between this
/// look and the change; others who come through HTTP can't.
async fn still_matches(app: &App, by: &OnBehalf, asked: &Asked, tag: &[u8]) -> Result<(), Problem> {
    let key = match asked {
        Asked::ContextSet(change) => {
            protocol::operator::ContextKey { scope: change.scope.clone(), key: change.key.clone() }
        }
        Asked::ContextDelete(key) => key.clone(),
        _ => return Err(Problem::bad("`If-Match` is for context variables and the configuration")),
    };
    let present = ask_raw(app, &Asked::ContextGet(key), by).await;
    let version = present.ok().flatten().and_then(|row| row.get("version")?.as_u64());
    if version.is_some_and(|version| format!("\"{version}\"").as_bytes() == tag) {
        return Ok(());
    }
    let text = "it is not the version that `If-Match` names any more";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "web::request::changed", text))
}

async fn ask_raw(app: &App, asked: &Asked, by: &OnBehalf) -> Result<Option<Value>, Problem> {
    let response = app.door.ask(asked, by).await.map_err(|_| Problem::unreachable())?;
    if response.ok {
        Ok(response.data)
    } else {
        Err(Problem::of_door(response.code, response.error, response.help))
    }
}

async fn ask<T: DeserializeOwned>(app: &App, asked: &Asked, by: &OnBehalf) -> Result<T, Problem> {
    let data = ask_raw(app, asked, by).await?.unwrap_or(Value::Null);
    serde_json::from_value(data).map_err(|_| Problem::unreachable())
}

fn history(State(app): State<Arc<App>>, Extension(who): Extension<Asker>, request: &Request) -> Done {
    at_least(Role::Viewer, who)?;
    let (mut module, mut hours) = (None, 24);
    for (name, value) in query_of(request.uri().query())? {
        match name.as_str() {
            "module" => module = Some(value),
            "hours" => hours = value.parse().map_err(|_| Problem::bad("`hours` is no whole number"))?,
            _ => {
                return Err(Problem::bad(format!(
                    "`{name}` is no field of the query; there are module, hours"
                )));
            }
        }
    }
    let shown = match module {
        Some(module) => app.history.of_module(&module, hours),
        None => app.history.of_all(hours),
    };
    Ok(json_of(StatusCode::OK, &shown))
}

async fn who_talks(State(app): State<Arc<App>>, Extension(who): Extension<Asker>) -> Done {
    let by = somebody(who)?.behalf;
    let modules: Vec<ModuleStatus> = ask(&app, &Asked::ModuleList {}, &by).await?;
    let mut details: Vec<ModuleDetail> = Vec::with_capacity(modules.len());
    for module in modules {
        // One that went meanwhile is not drawn.
        if let Ok(detail) = ask(&app, &Asked::ModuleShow { module_id: module.id }, &by).await {
            details.push(detail);
        }
    }
    let usage: Option<UsageTable> = ask(&app, &Asked::Usage { interval_ms: None }, &by).await.ok();
    Ok(json_of(StatusCode::OK, &graph(&details, usage.as_ref())))
}

fn events(State(app): &State<Arc<App>>, Extension(who): Extension<Asker>, request: &Request) -> Done {
    let wanted = wanted(query_of(request.uri().query())?)?;
    // Lines may hold what their owners would not show to everybody.
    let least = if wanted.topics.contains(&Topic::Logs) { Role::Developer } else { Role::Viewer };
    at_least(least, who)?;
    let after = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let heard = app.hub.listen(wanted, after).ok_or_else(|| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "web::events::too_many", "as many listen as may")
    })?;
    let mut response = Response::new(Body::new(Stream::new(heard)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

fn wanted(query: Vec<(String, String)>) -> Result<Wanted, Problem> {
    let mut wanted = Wanted { topics: [Topic::Records, Topic::Usage].into(), modules: BTreeSet::new() };
    for (name, value) in query {
        let words = value.split(',').filter(|word| !word.is_empty());
        match name.as_str() {
            "modules" => wanted.modules = words.map(str::to_owned).collect(),
            "topics" => {
                let unknown =
                    |word| Problem::bad(format!("`{word}` is no topic; there are records, logs, usage"));
                wanted.topics = words
                    .map(|word| Topic::parse(word).ok_or_else(|| unknown(word)))
                    .collect::<Result<_, _>>()?;
            }
            _ => {
                return Err(Problem::bad(format!(
                    "`{name}` is no field of the query; there are topics, modules"
                )));
            }
        }
    }
    Ok(wanted)
}

async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    if app.hub.is_connected() {
        word(StatusCode::OK, "ready")
    } else {
        word(StatusCode::SERVICE_UNAVAILABLE, "no kernel")
    }
}

async fn scrape(State(app): State<Arc<App>>, Extension(who): Extension<Asker>) -> Done {
    let by = somebody(who)?.behalf;
    let told = Told {
        kernel: ask(&app, &Asked::KernelStatus {}, &by).await.ok(),
        modules: ask(&app, &Asked::ModuleList {}, &by).await.unwrap_or_default(),
        functions: ask(&app, &Asked::FunctionStats {}, &by).await.ok(),
        listeners: app.hub.listeners(),
    };
    let text = metrics::text(told, &app.counts).map_err(|_| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "web::metrics::write", "they can't be written")
    })?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
    Ok(response)
}

fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "web::request::method", "this path knows other methods")
}

/// What is no path of the API is a file or a page of the dashboard.
async fn page(request: Request) -> Response<Body> {
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return no_method().into_response();
    }
    answered(files::file(request.uri().path(), request.headers()))
}
