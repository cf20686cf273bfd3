//! Refusals over HTTP: RFC 9457 problems that carry the stable code and the help that every other door gives too.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// 1 s: a kernel that is started again takes orders within a fraction of it.
const RETRY_AFTER_S: &str = "1";

/// Where each code is explained; the name is reserved for examples, so that no browser ever asks somebody for it.
const TYPE_PREFIX: &str = "https://ostoja.invalid/errors/";

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) help: Option<String>,
}

/// What is written.
#[derive(Serialize)]
struct Written<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    detail: &'p str,
    code: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'p str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), detail: detail.into(), help: None }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The request can't be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "web::request::bad", detail)
    }

    /// Nobody said who asks.
    pub(crate) fn nobody() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "web::access::nobody", "there is no session and no token")
            .help("ostoja dashboard")
    }

    /// Who asks may not ask this.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "web::access::forbidden", detail)
    }

    /// There is nothing of this name.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "web::request::not_found", "there is nothing at this path")
    }

    /// The kernel does not answer.
    pub(crate) fn unreachable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "web::kernel::unreachable", "the kernel does not answer")
            .help("ostoja up -d")
    }

    /// What the operator door refused.
    pub(crate) fn of_door(code: Option<String>, error: Option<String>, help: Option<String>) -> Self {
        let code = code.unwrap_or_default();
        Self { status: status_of(&code), detail: error.unwrap_or_default(), code, help }
    }

    /// As it goes out.
    pub(crate) fn into_response(self) -> Response<Body> {
        let written = Written {
            r#type: format!("{TYPE_PREFIX}{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Refused"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: &self.code,
            help: self.help.as_deref(),
        };
        // A struct of texts and a number is always JSON.
        let mut response = Response::new(Body::from(serde_json::to_vec(&written).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
            }
            _ => {}
        }
        response
    }
}

/// What the door's codes are in HTTP. What has no row is a refusal of what was asked, as things are.
fn status_of(code: &str) -> StatusCode {
    match code {
        "host::door::forbidden" | "host::policy::unreadable" | "kernel::order::denied" => {
            StatusCode::FORBIDDEN
        }
        "kernel::order::timed_out" => StatusCode::GATEWAY_TIMEOUT,
        "kernel::order::shutting_down" | "host::door::too_many" => StatusCode::SERVICE_UNAVAILABLE,
        "host::door::too_long" => StatusCode::PAYLOAD_TOO_LARGE,
        "host::door::bad_request" | "host::door::invalid_json" | "host::door::unknown_command" => {
            StatusCode::BAD_REQUEST
        }
        "host::config::changed" => StatusCode::PRECONDITION_FAILED,
        "host::config::refused" => StatusCode::BAD_REQUEST,
        other => match other.rsplit("::").next() {
            Some("not_found" | "no_such" | "missing" | "unknown") => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        },
    }
}
