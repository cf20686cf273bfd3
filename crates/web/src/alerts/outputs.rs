//! Telling: a notification as each service wants it, and the way there. What is sent is made by [`letter`] and [`mail`],
//! which touch nothing; [`send`] blocks, on a thread for such things, within [`WITHIN`] once the host is found.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::http::Uri;
use protocol::operator::Request;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::rules::{Output, Preset};
use super::watch::{Level, Notification};

#[cfg(test)]
mod tests;

/// 7 s for the whole way, from the first address to the answer: `ostoja alert test` waits for 10.
const WITHIN: Duration = Duration::from_secs(7);

/// 3 s for one address, and 4 of a host: one that is silent leaves time for another.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ADDRESSES_MAX: usize = 4;

/// 4 KiB of an answer: its first line is read.
const ANSWER_BYTES_MAX: u64 = 4 << 10;

/// Where Debian, Arch, SUSE and Fedora keep the authorities that the machine trusts.
const AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The address is none.
    #[error("the address is none: {0}")]
    Address(&'static str),
    /// The way there.
    #[error("can't {doing}")]
    Way {
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    /// The machine trusts no authority.
    #[error("the machine has no file of authorities that TLS could go by")]
    NoAuthorities,
    /// TLS.
    #[error("TLS does not come about")]
    Tls(#[source] rustls::Error),
    /// It said no.
    #[error("it answered {0}")]
    Refused(String),
}

/// A request over HTTP, made. It holds secrets: nobody prints it.
#[derive(PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
    /// As it goes out: head and body.
    pub(crate) text: String,
}

/// One sentence for people.
pub(crate) fn sentence(notification: &Notification) -> String {
    let Notification { rule, subject, level, value, .. } = notification;
    let who = if subject.is_empty() { "kernel" } else { subject.as_str() };
    match level {
        Level::Resolved => format!("resolved: {who}: {rule} is well again"),
        Level::Warning => format!("warning: {who}: {rule} is {value}"),
        Level::Critical => format!("critical: {who}: {rule} is {value}"),
    }
}

/// What a webhook is sent.
///
/// # Errors
/// [`SendError::Address`].
pub(crate) fn letter(
    url: &str,
    preset: Preset,
    token: Option<&str>,
    notification: &Notification,
) -> Result<Letter, SendError> {
    let uri: Uri = url.parse().map_err(|_| SendError::Address("no URL"))?;
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(SendError::Address("neither http nor https")),
    };
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(SendError::Address("no host"))?.to_owned();
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    let (method, kind, body) = body(preset, notification);
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: ostoja\r\n");
    head.push_str(&format!(
        "Content-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    ));
    if preset == Preset::Ntfy {
        head.push_str(ntfy_headers(notification.level));
    }
    if let Some(token) = token {
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SendError::Address("a token with characters that no header may have"));
        }
        let name = if preset == Preset::Gotify { "X-Gotify-Key: " } else { "Authorization: Bearer " };
        head.push_str(&format!("{name}{token}\r\n"));
    }
    Ok(Letter {
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        is_secure,
        text: format!("{head}\r\n{body}"),
    })
}

fn ntfy_headers(level: Level) -> &'static str {
    match level {
        Level::Resolved => "Title: Ostoja\r\nTags: white_check_mark\r\nPriority: 3\r\n",
        Level::Warning => "Title: Ostoja\r\nTags: warning\r\nPriority: 4\r\n",
        Level::Critical => "Title: Ostoja\r\nTags: rotating_light\r\nPriority: 5\r\n",
    }
}

fn body(preset: Preset, notification: &Notification) -> (&'static str, &'static str, String) {
    let text = sentence(notification);
    let json = "application/json";
    let value: Value = match preset {
        Preset::Ntfy => return ("POST", "text/plain; charset=utf-8", text),
        Preset::Plain => json!({ "text": text, "notification": notification }),
        Preset::Gotify => {
            let priority = match notification.level {
                Level::Resolved => 2,
                Level::Warning => 5,
                Level::Critical => 8,
            };
            json!({ "title": "Ostoja", "message": text, "priority": priority })
        }
        Preset::Slack => json!({ "text": text }),
        // No name of a module is to wake a whole server.
        Preset::Discord => json!({ "content": text, "allowed_mentions": { "parse": [] } }),
        Preset::Matrix => {
            // The URL ends with the transaction's own number, which makes a repeated message one.
            return ("PUT", json, json!({ "msgtype": "m.text", "body": text }).to_string());
        }
    };
    ("POST", json, value.to_string())
}

/// A URL of Matrix needs a number of its own for each message.
pub(crate) fn numbered(url: &str, preset: Preset, notification: &Notification) -> String {
    if preset != Preset::Matrix {
        return url.to_owned();
    }
    let slug: String = notification
        .rule
        .chars()
        .chain(notification.subject.chars())
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("{}/{}-{slug}", url.trim_end_matches('/'), notification.at_ms)
}

/// What is said to a mail server, line by line, each answered before the next.
///
/// # Errors
/// [`SendError::Address`], when an address could be more than one.
pub(crate) fn mail(
    from: &str,
    recipient: &str,
    notification: &Notification,
) -> Result<Vec<String>, SendError> {
    for address in [from, recipient] {
        let is_sound = address.contains('@')
            && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
        if !is_sound {
            return Err(SendError::Address("an address of mail that is none"));
        }
    }
    let text = sentence(notification);
    // Names of modules and rules have no line breaks; what had one would be two headers.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let subject: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    let body = serde_json::to_string_pretty(notification).unwrap_or_default().replace('\n', "\r\n");
    Ok(vec![
        "EHLO localhost\r\n".to_owned(),
        format!("MAIL FROM:<{from}>\r\n"),
        format!("RCPT TO:<{recipient}>\r\n"),
        "DATA\r\n".to_owned(),
        format!(
            "From: <{from}>\r\nTo: <{recipient}>\r\nSubject: Ostoja: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\n{body}\r\n.\r\n"
        ),
        "QUIT\r\n".to_owned(),
    ])
}

/// What a service is called with: the same as a plain webhook is sent.
pub(crate) fn call(service: &str, method: &str, notification: &Notification) -> Request {
    let params = json!({ "text": sentence(notification), "notification": notification });
    Request::Call {
        service: service.to_owned(),
        method: method.to_owned(),
        params: Some(params),
        timeout_ms: u64::try_from(WITHIN.as_millis()).ok(),
    }
}

/// Tells one output over the network. Blocks.
///
/// # Errors
/// [`SendError`]; never with the address, which may be a secret.
pub(crate) fn send(output: &Output, notification: &Notification) -> Result<(), SendError> {
    match output {
        Output::Call { .. } => Err(SendError::Address("a service, which the kernel calls")),
        Output::Webhook { url, preset, token, .. } => {
            let url = numbered(url, *preset, notification);
            let letter = letter(&url, *preset, token.as_deref(), notification)?;
            let stream = connect(&letter.host, letter.port)?;
            let status = if letter.is_secure {
                posted(secured(stream, &letter.host, trust()?)?, &letter.text)?
            } else {
                posted(stream, &letter.text)?
            };
            if status.starts_with('2') { Ok(()) } else { Err(SendError::Refused(status)) }
        }
        Output::Mail { server, from, recipient, .. } => {
            let (host, port) = server.rsplit_once(':').ok_or(SendError::Address("no host:port"))?;
            let port = port.parse().map_err(|_| SendError::Address("no host:port"))?;
            let lines = mail(from, recipient, notification)?;
            posted_mail(connect(host, port)?, &lines)
        }
    }
}

fn way(doing: &'static str) -> impl Fn(io::Error) -> SendError {
    move |source| SendError::Way { doing, source }
}

/// A stream that ends at a moment, however slowly the other side gives its bytes.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn connect(host: &str, port: u16) -> Result<Timed, SendError> {
    let addresses = (host, port).to_socket_addrs().map_err(way("find the host"))?;
    let addresses: Vec<SocketAddr> = addresses.take(ADDRESSES_MAX).collect();
    first_of(&addresses, Instant::now() + WITHIN)
}

fn first_of(addresses: &[SocketAddr], until: Instant) -> Result<Timed, SendError> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        let left = until.saturating_duration_since(Instant::now()).min(CONNECT_WITHIN);
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(stream) => return Ok(Timed { stream, until }),
            Err(error) => last = error,
        }
    }
    Err(way("connect")(last))
}

fn secured(
    stream: Timed,
    host: &str,
    trusted: Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, Timed>, SendError> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| SendError::Address("no name of a host"))?;
    let connection = ClientConnection::new(trusted, name).map_err(SendError::Tls)?;
    Ok(StreamOwned::new(connection, stream))
}

/// The authorities of the machine, read once.
fn trust() -> Result<Arc<ClientConfig>, SendError> {
    static CONFIG: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    CONFIG.get_or_init(read_trust).clone().ok_or(SendError::NoAuthorities)
}

fn read_trust() -> Option<Arc<ClientConfig>> {
    trusting(&AUTHORITIES.iter().find_map(|path| std::fs::read(path).ok())?)
}

/// Goes by these authorities, in PEM; nothing when there is none among them.
fn trusting(text: &[u8]) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(text).flatten());
    if roots.is_empty() {
        return None;
    }
    let config = ClientConfig::builder_with_provider(crate::tls::provider())
        .with_safe_default_protocol_versions()
        .ok()?;
    Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Sends a request and gives the status of its answer.
fn posted(mut stream: impl Read + Write, text: &str) -> Result<String, SendError> {
    stream.write_all(text.as_bytes()).map_err(way("send it"))?;
    stream.flush().map_err(way("send it"))?;
    let mut line = String::new();
    let mut answer = BufReader::new(stream.take(ANSWER_BYTES_MAX));
    answer.read_line(&mut line).map_err(way("read the answer"))?;
    let status = line.split(' ').nth(1).filter(|status| status.len() == 3);
    status.map(str::to_owned).ok_or_else(|| SendError::Refused("something that is no HTTP".to_owned()))
}

fn posted_mail(mut stream: Timed, lines: &[String]) -> Result<(), SendError> {
    let reader =
        Timed { stream: stream.stream.try_clone().map_err(way("read the answer"))?, until: stream.until };
    let mut answers = BufReader::new(reader.take(16 * ANSWER_BYTES_MAX));
    answered(&mut answers)?;
    for line in lines {
        stream.write_all(line.as_bytes()).map_err(way("send it"))?;
        answered(&mut answers)?;
    }
    Ok(())
}

/// One answer of a mail server, whose last line has a space behind its number.
fn answered(answers: &mut impl BufRead) -> Result<(), SendError> {
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line).map_err(way("read the answer"))? == 0 {
            return Err(SendError::Refused("nothing".to_owned()));
        }
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        return match line.as_bytes().first() {
            Some(b'2' | b'3') => Ok(()),
            _ => Err(SendError::Refused(line.chars().take(3).collect())),
        };
    }
}
