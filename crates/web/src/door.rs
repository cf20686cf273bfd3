//! The operator door from here: a few connections that are used again and again, each for one request at a time, and
//! others that follow something.
//!
//! A request whose asker hangs up is dropped together with its connection, which the kernel notices: nobody is waited
//! for who is gone.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use protocol::operator::{Event, OPERATOR_LINE_BYTES_MAX, OnBehalf, Request, Response};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;

/// 24 connections: the kernel takes 64, and the others belong to people at terminals.
const CONNECTIONS_MAX: usize = 24;

/// 107 bytes: what the path of a Unix socket may have (`sun_path`, less its end).
const PATH_BYTES_MAX: usize = 107;

/// The kernel did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// It is not there.
    #[error("no kernel answers")]
    Unreachable(#[source] io::Error),
    /// It went away before its answer was complete.
    #[error("the kernel hung up")]
    HungUp,
    /// Its answer is none.
    #[error("the kernel's answer can't be read")]
    Garbled,
}

/// The way to the kernel.
#[derive(Debug)]
pub(crate) struct Door {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Door {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), places: Semaphore::new(CONNECTIONS_MAX) }
    }

    /// Asks on somebody's behalf and waits for the answer.
    pub(crate) async fn ask(&self, request: &Request, by: &OnBehalf) -> Result<Response, DoorError> {
        let line = line_of(request, by)?;
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.map_err(|_| DoorError::HungUp)?;
        let mut connection = match self.take_idle() {
            Some(connection) => connection,
            None => Connection::open(&self.path).await?,
        };
        connection.send(&line).await?;
        let response = connection.response().await?;
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(connection);
        }
        Ok(response)
    }

    /// Begins to follow something; the answer has been read.
    pub(crate) async fn follow(&self, request: &Request, by: &OnBehalf) -> Result<Connection, DoorError> {
        let mut connection = Connection::open(&self.path).await?;
        connection.send(&line_of(request, by)?).await?;
        let response = connection.response().await?;
        if response.ok { Ok(connection) } else { Err(DoorError::Garbled) }
    }

    /// One that the kernel has not closed meanwhile.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().ok()?;
        while let Some(connection) = idle.pop() {
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }
}

impl Connection {
    async fn open(path: &Path) -> Result<Self, DoorError> {
        let (short, _folder) = short_path(path).map_err(DoorError::Unreachable)?;
        let stream = UnixStream::connect(short).await.map_err(DoorError::Unreachable)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: BufReader::new(reader), writer })
    }

    async fn send(&mut self, line: &[u8]) -> Result<(), DoorError> {
        self.writer.write_all(line).await.map_err(DoorError::Unreachable)
    }

    async fn line(&mut self) -> Result<Vec<u8>, DoorError> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.reader).take(OPERATOR_LINE_BYTES_MAX as u64 + 1);
        bounded.read_until(b'\n', &mut line).await.map_err(|_| DoorError::HungUp)?;
        if line.last() == Some(&b'\n') { Ok(line) } else { Err(DoorError::HungUp) }
    }

    async fn response(&mut self) -> Result<Response, DoorError> {
        serde_json::from_slice(&self.line().await?).map_err(|_| DoorError::Garbled)
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Result<Event, DoorError> {
        serde_json::from_slice(&self.line().await?).map_err(|_| DoorError::Garbled)
    }

    /// Nothing can be read from a connection at rest: what can be is its end.
    fn is_open(&self) -> bool {
        let found = self.reader.get_ref().try_read(&mut [0]);
        matches!(found, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn line_of(request: &Request, by: &OnBehalf) -> Result<Vec<u8>, DoorError> {
    let mut line = serde_json::to_value(request).map_err(|_| DoorError::Garbled)?;
    if let Value::Object(fields) = &mut line {
        fields.insert("by".to_owned(), serde_json::to_value(by).map_err(|_| DoorError::Garbled)?);
    }
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    Ok(line)
}

/// A path that is too long for a socket is reached through its folder, which is opened and named by its descriptor; the
/// descriptor has to live as long as the path is used.
pub(crate) fn short_path(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if path.as_os_str().len() <= PATH_BYTES_MAX {
        return Ok((path.to_owned(), None));
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let folder = File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((short, Some(folder)))
}
