//! Readiness seen over the network: a port that accepts, or a GET that is answered.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{LOOK_WITHIN, Pace};

#[cfg(test)]
mod tests;

/// 512 bytes hold every status line that a program sends; what follows is not read.
const STATUS_LINE_BYTES_MAX: usize = 512;

/// Where somebody should listen.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Place {
    async fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect((self.host.as_str(), self.port)).await
    }
}

/// Comes to its end when somebody accepts a connection there.
pub(super) async fn listens(place: Place, mut pace: Pace) {
    while !matches!(timeout(LOOK_WITHIN, place.connect()).await, Ok(Ok(_))) {
        pace.wait().await;
    }
}

/// Comes to its end when a GET there is answered with the wanted status, or with any from 200 to 299.
pub(super) async fn answers(place: Place, path: String, wanted: Option<u16>, mut pace: Pace) {
    loop {
        let status = timeout(LOOK_WITHIN, status(&place, &path)).await;
        let good = |status: u16| wanted.map_or((200..300).contains(&status), |wanted| wanted == status);
        if matches!(status, Ok(Ok(Some(status))) if good(status)) {
            return;
        }
        pace.wait().await;
    }
}

/// The status of one GET; nothing when what answers does not speak HTTP.
async fn status(place: &Place, path: &str) -> io::Result<Option<u16>> {
    let mut stream = place.connect().await?;
    let host = if place.host.contains(':') { format!("[{}]", place.host) } else { place.host.clone() };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: ostoja\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        port = place.port
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; STATUS_LINE_BYTES_MAX];
    let mut filled = 0;
    while filled < answer.len() && !answer[..filled].contains(&b'\n') {
        match stream.read(&mut answer[filled..]).await? {
            0 => break,
            bytes => filled += bytes,
        }
    }
    Ok(parse_status(&answer[..filled]))
}

/// RFC 9112, section 4: `HTTP/1.1 200 OK`.
fn parse_status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let version = words.next()?;
    let status = words.next()?.trim_end();
    (version.starts_with("HTTP/1.") && status.len() == 3).then(|| status.parse().ok())?
}
