//! The sockets and what every request goes through, whatever it asks.
//!
//! A request over TCP is first held against [`crate::guard`]; then somebody is found behind its token or cookie; then the
//! router has it. Over the Unix socket whoever may open it is the owner.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::access::{TOKEN_PREFIX, Who};
use crate::api::{Asker, answered};
use crate::app::{App, now_ms};
use crate::door::short_path;
use crate::events::LISTENERS_MAX;
use crate::guard::{self, Site};
use crate::options::{Listen, WebError};
use crate::pace::Paced;
use crate::problem::Problem;
use crate::sessions::{cookie_of, not_let_in};

#[cfg(test)]
mod tests;

/// As many connections as streams of events, and 200 for everything else.
const CONNECTIONS_MAX: usize = LISTENERS_MAX + 200;

/// 5 s for the head of a request: one that drips holds a place, and nothing honest takes so long.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// 16 KiB for the head: ours have one.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// 64 header lines.
const HEADERS_MAX: usize = 64;

/// 90 s for an answer: longer than a module gets to be ready by default, and to stop.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

/// 100 ms before another try when a connection can't be accepted: most often descriptors are used up for a moment.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// 5 s for the first words of TLS: as for a head.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// A year in which a browser that was here once comes by TLS only.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// For the owner alone.
const MODE: u32 = 0o600;

/// All a page may do is talk to where it came from: no script or style in the page itself, no frame around it, nothing
/// from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where a request came in.
#[derive(Debug, Clone)]
pub(crate) enum Via {
    Socket,
    Tcp(Site),
}

/// The address that a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Opens the socket of TCP; when the port is taken, a free one.
///
/// # Errors
/// [`WebError::Bind`].
pub(crate) async fn bind(listen: Listen) -> Result<Option<TcpListener>, WebError> {
    let Listen::At(address) = listen else { return Ok(None) };
    let failed = |source| WebError::Bind { place: address.to_string(), source };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse) => {
            let listener = bind_free(address.ip()).await.map_err(failed)?;
            let port = listener.local_addr().map_or(0, |address| address.port());
            tracing::warn!(taken = address.port(), port, "the port is taken; listening on a free one");
            Ok(Some(listener))
        }
        Err(error) => Err(failed(error)),
    }
}

async fn bind_free(ip: IpAddr) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(ip, 0)).await
}

/// Opens the Unix socket. A file that a killed process left is replaced: there is one process to a home.
///
/// # Errors
/// [`WebError::Bind`].
pub(crate) fn bind_unix(path: &Path) -> Result<UnixListener, WebError> {
    let bound = || {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (short, _folder) = short_path(path)?;
        let listener = UnixListener::bind(short)?;
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        Ok(listener)
    };
    bound().map_err(|source| WebError::Bind { place: path.display().to_string(), source })
}

/// Everything that serves.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    places: Arc<Semaphore>,
}

impl Server {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let router = crate::api::router(app.clone());
        Self { app, router, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }

    /// Takes in whoever comes by TCP, until the process ends.
    pub(crate) async fn serve_tcp(self, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.admit_tcp(stream, peer.ip(), acceptor.clone()),
                Err(error) => {
                    tracing::warn!(%error, "somebody could not be let in");
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// Takes in whoever comes by the Unix socket, until the process ends.
    pub(crate) async fn serve_unix(self, listener: UnixListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) if is_ours(&stream) => self.admit(stream, Via::Socket),
                Ok(_) => tracing::warn!("somebody who is neither the owner nor root knocked"),
                Err(error) => {
                    tracing::warn!(%error, "somebody could not be let in");
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// A connection on a task of its own, as far as there is room; who finds none is let go without a word.
    fn admit<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, stream: S, via: Via) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        tokio::spawn(self.clone().serve(stream, via, place));
    }

    /// The same over TCP, made safe first where it is to be.
    fn admit_tcp(&self, stream: TcpStream, peer: IpAddr, acceptor: Option<TlsAcceptor>) {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        // Who has hung up already has no address any more.
        let Ok(own) = stream.local_addr() else { return };
        let own = SocketAddr::new(own.ip().to_canonical(), own.port());
        // Answers are whole when they are written.
        let _slower = stream.set_nodelay(true);
        let via = Via::Tcp(Site { own, peer, certificates: self.app.certificates.clone() });
        let server = self.clone();
        tokio::spawn(async move {
            match acceptor {
                None => server.serve(stream, via, place).await,
                Some(acceptor) => {
                    // Whoever does not speak TLS has heard so in its own words.
                    if let Ok(Ok(safe)) = timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                        server.serve(safe, via, place).await;
                    }
                }
            }
        });
    }

    async fn serve<S>(self, stream: S, via: Via, place: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let (server, via) = (self.clone(), via.clone());
            // In a box that goes when the request is answered, so that a connection that lasts keeps little.
            Box::pin(async move { Ok::<_, Infallible>(server.handle(&via, request.map(Body::new)).await) })
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        builder.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
        // Whoever breaks off or talks nonsense has been answered as far as that goes.
        let _broken = builder.serve_connection(TokioIo::new(stream), service).await;
        drop(place);
    }

    /// One request, from its head to its answer's head.
    pub(crate) async fn handle(&self, via: &Via, request: Request<Body>) -> Response<Body> {
        let begun = Instant::now();
        let answer = async { answered(self.answer(via, request).await) };
        let late = || {
            let text = format!(
                "there was no answer within {} s; what was asked for may still happen",
                ANSWER_WITHIN.as_secs()
            );
            Problem::new(StatusCode::GATEWAY_TIMEOUT, "web::request::timed_out", text).into_response()
        };
        let mut response = timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| late());
        self.app.counts.answered(response.status().as_u16(), begun.elapsed());
        secure(response.headers_mut());
        if let Via::Tcp(site) = via
            && site.is_strict()
        {
            let strict = HeaderValue::from_static(STRICT_TRANSPORT);
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, strict);
        }
        response
    }

    async fn answer(&self, via: &Via, mut request: Request<Body>) -> Result<Response<Body>, Problem> {
        let who = match via {
            Via::Socket => Some(Who::owner()),
            Via::Tcp(site) => {
                guard::check(site, request.method(), request.uri(), request.headers())?;
                let who = self.who(site.peer, request.headers()).await?;
                self.pace(who.as_ref())?;
                who
            }
        };
        request.extensions_mut().insert::<Asker>(who);
        request.extensions_mut().insert(Peer(match via {
            // Whoever may open the socket is here.
            Via::Socket => Ipv4Addr::LOCALHOST.into(),
            Via::Tcp(site) => site.peer,
        }));
        let routed = TowerToHyperService::new(self.router.clone()).call(request).await;
        Ok(routed.unwrap_or_else(|never| match never {}))
    }

    /// Whoever asks too fast is told so before anything is done.
    fn pace(&self, who: Option<&Who>) -> Result<(), Problem> {
        let Some(who) = who else { return Ok(()) };
        match self.app.pace.take(&who.key, now_ms()) {
            Paced::Within => Ok(()),
            Paced::TooFast => Err(Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "web::access::too_fast",
                "this token or session asks faster than 1,000 times a second",
            )),
        }
    }

    /// Who is behind a token or a cookie. A wrong token is refused, not taken for nobody's; a cookie that ended is nobody's,
    /// so that its page can say so and log in again.
    async fn who(&self, from: IpAddr, headers: &HeaderMap) -> Result<Asker, Problem> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(value) = all.next() {
            if all.next().is_some() {
                return Err(Problem::bad("there is more than one `Authorization`"));
            }
            let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
            let token = token.filter(|token| token.starts_with(TOKEN_PREFIX));
            let token = token.ok_or_else(|| not_let_in(crate::access::Refused::Unknown))?;
            return self.app.access.by_token(from, token, now_ms()).await.map(Some).map_err(not_let_in);
        }
        Ok(cookie_of(&self.app, headers).and_then(|text| self.app.access.by_session(text, now_ms()).ok()))
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

/// What every answer says to browsers.
fn secure(headers: &mut HeaderMap) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in all {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
