//! The operator door for browsers and programs that speak HTTP: REST under `/api/v1`, events as they happen, metrics, the
//! dashboard's files. A process of its own, which the kernel starts, confines and restarts like any module, and which
//! acts only through the operator door.
//!
//! # What is and isn't in this crate
//! Here: HTTP, who asks over it, and the last 24 hours in numbers. Not here: any decision about a module, or about what a
//! role may; the kernel has both, and each request goes there on behalf of who asks.
//!
//! ```text
//! browser ─► server ─► guard ─► access ─► api ─► asking ─► door ─► kernel
//!                                          │
//!                events, history ◄─ feeds ─┘ (one door connection each)
//! ```
//!
//! # Invariants
//! - Nothing is asked of the kernel that a row of [`routes`] does not name, and nothing without an asker's name and role.
//! - No listener is waited for; what it misses is counted and told.
//! - No secret in a URL, a log or an error; on the disk only hashes.
//! - Not off the loopback without TLS.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod access;
mod agents;
mod alerts;
mod api;
mod app;
mod asking;
mod body;
mod door;
mod events;
mod feeds;
mod files;
mod gathered;
mod graph;
mod guard;
mod history;
mod kept;
mod metrics;
mod once;
mod openapi;
pub mod options;
mod pace;
mod problem;
mod routes;
mod server;
mod sessions;
mod stream;
pub mod tls;
mod uploads;

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

pub use openapi::document as openapi_document;
pub use options::{Listen, Options, WebError};

use crate::access::Access;
use crate::app::{App, now_ms};
use crate::door::Door;
use crate::events::Hub;
use crate::server::Server;

/// 2 threads: enough to answer while something is hashed.
const THREADS: usize = 2;

/// Its own socket's name in its folder.
pub const SOCKET: &str = "api.sock";

/// Serves until it is told to end. `tell_ready` is called once, when everything listens.
///
/// # Errors
/// Why it could not begin.
pub fn run(options: &Options, tell_ready: impl FnOnce(Option<std::net::SocketAddr>)) -> Result<(), WebError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("web")
        .enable_all()
        .build()
        .map_err(WebError::System)?;
    runtime.block_on(serve(options, tell_ready))
}

async fn serve(
    options: &Options,
    tell_ready: impl FnOnce(Option<std::net::SocketAddr>),
) -> Result<(), WebError> {
    options.check()?;
    let state = &options.state;
    std::fs::create_dir_all(state).map_err(|source| WebError::State { path: state.clone(), source })?;
    let mut ends = signal(SignalKind::terminate()).map_err(WebError::System)?;
    let unix = server::bind_unix(&state.join(SOCKET))?;
    let tcp = server::bind(options.listen).await?;
    let address = match &tcp {
        Some(listener) => Some(listener.local_addr().map_err(WebError::System)?),
        None => None,
    };
    let certificates = options.tls.as_ref().map(tls::Certificates::open).transpose()?;
    let acceptor = certificates.as_ref().map(tls::Certificates::acceptor).transpose()?;
    let app = Arc::new(App {
        door: Door::new(options.kernel_socket.clone()),
        access: Access::open(state)?,
        hub: Arc::new(Hub::new(format!("{:x}", now_ms()))),
        history: history::History::default(),
        once: once::Once::default(),
        gathered: gathered::Gathered::default(),
        pace: pace::Pace::default(),
        talks: agents::Talks::default(),
        alerts: alerts::running::Alerts::open(state)?,
        counts: metrics::Counts::default(),
        address,
        certificates,
        name: options.name.clone(),
        state: state.clone(),
        uploading: tokio::sync::Mutex::default(),
        matching: tokio::sync::Mutex::default(),
    });
    uploads::clear(state);
    feeds::start(&app);
    tokio::spawn(alerts::running::run(app.clone()));
    if let Some(certificates) = app.certificates.clone() {
        tokio::spawn(certificates.keep_fresh());
    }
    let server = Server::new(app);
    tokio::spawn(server.clone().serve_unix(unix));
    if let (Some(listener), Some(address)) = (tcp, address) {
        tracing::info!(%address, "listening");
        tokio::spawn(server.serve_tcp(listener, acceptor));
    }
    tell_ready(address);
    ends.recv().await;
    Ok(())
}
