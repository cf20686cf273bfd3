//! The standard streams of a guest: bounded, in memory, never the kernel's own.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi_io::poll::{DynFuture, Pollable};
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// 1 MiB may wait to be read by a guest: one largest line of the module door.
pub const INLET_BYTES_MAX: usize = 1 << 20;

/// 64 KiB in one write: what a guest is told it may hand over at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// The host's end of a guest's standard input. Clones are the same input.
#[derive(Clone, Default)]
pub struct Inlet {
    shared: Arc<Input>,
}

#[derive(Default)]
struct Input {
    buffer: Mutex<Buffer>,
    changed: Notify,
}

#[derive(Default)]
struct Buffer {
    bytes: VecDeque<u8>,
    closed: bool,
}

/// Whether bytes were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All of them.
    All,
    /// None: the guest has not read what is there. Try again later.
    Full,
    /// None: the input was closed.
    Closed,
}

impl Inlet {
    /// Hands over bytes, all or none, so that no line is torn.
    pub fn write(&self, bytes: &[u8]) -> Taken {
        let mut buffer = self.lock();
        if buffer.closed {
            return Taken::Closed;
        }
        if buffer.bytes.len() + bytes.len() > INLET_BYTES_MAX {
            return Taken::Full;
        }
        buffer.bytes.extend(bytes);
        drop(buffer);
        self.shared.changed.notify_one();
        Taken::All
    }

    /// Ends the input; the guest still reads what is there.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        // Bytes and their end are changed in single steps, so a panic elsewhere left them whole.
        self.shared.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Inlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let buffer = self.lock();
        f.debug_struct("Inlet").field("bytes", &buffer.bytes.len()).field("closed", &buffer.closed).finish()
    }
}

impl Pollable for Inlet {
    fn ready<'a, 'b>(&'a mut self) -> DynFuture<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            loop {
                let changed = self.shared.changed.notified();
                {
                    let buffer = self.lock();
                    if buffer.closed || !buffer.bytes.is_empty() {
                        return;
                    }
                }
                changed.await;
            }
        })
    }
}

impl InputStream for Inlet {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut buffer = self.lock();
        if buffer.bytes.is_empty() && buffer.closed {
            return Err(StreamError::Closed);
        }
        let count = size.min(buffer.bytes.len());
        Ok(buffer.bytes.drain(..count).collect())
    }
}

impl IsTerminal for Inlet {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Inlet {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(Nowhere)
    }
}

/// Where a guest's output goes: called with whatever it writes, on the thread that runs it. Must not wait.
pub type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// The host's end of a guest's standard output or standard error.
#[derive(Clone)]
pub struct Outlet {
    sink: Arc<Mutex<Sink>>,
}

impl Outlet {
    /// Hands what is written to `sink`.
    pub fn new(sink: impl FnMut(&[u8]) + Send + 'static) -> Self {
        Self { sink: Arc::new(Mutex::new(Box::new(sink))) }
    }

    /// Drops what is written.
    pub fn closed() -> Self {
        Self::new(|_| {})
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").finish_non_exhaustive()
    }
}

impl Pollable for Outlet {
    fn ready<'a, 'b>(&'a mut self) -> DynFuture<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl OutputStream for Outlet {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        // A sink that panicked once is not called again: what it holds may be half changed.
        let Ok(mut sink) = self.sink.lock() else {
            return Err(StreamError::Closed);
        };
        sink(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl IsTerminal for Outlet {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Outlet {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Nowhere)
    }
}

/// The streams of a later WASI, which this engine does not link: nothing to read, nowhere to write.
struct Nowhere;

impl AsyncRead for Nowhere {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Nowhere {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// 256 KiB of a module's output are kept until its entry ends and they become log lines.
const OUTPUT_BYTES_MAX: usize = 256 << 10;

/// What a module wrote to its standard output and error, until it becomes log lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scribble {
    shared: Arc<Mutex<Written>>,
}

#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    lost: usize,
}

impl Scribble {
    pub(crate) fn outlet(&self) -> Outlet {
        let shared = Arc::clone(&self.shared);
        Outlet::new(move |bytes| {
            let mut written = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let room = OUTPUT_BYTES_MAX.saturating_sub(written.bytes.len()).min(bytes.len());
            written.bytes.extend_from_slice(&bytes[..room]);
            written.lost = written.lost.saturating_add(bytes.len() - room);
        })
    }

    /// Gives every line to `line`, and keeps one that has not ended.
    pub(crate) fn drain(&self, mut line: impl FnMut(&str)) {
        let (bytes, lost) = {
            let mut written = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            let full = written.bytes.len() >= OUTPUT_BYTES_MAX;
            let end = written.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            // A line that fills all there is will not end; it is let go as it is.
            let end = if end == 0 && full { written.bytes.len() } else { end };
            (written.bytes.drain(..end).collect::<Vec<u8>>(), std::mem::take(&mut written.lost))
        };
        for text in String::from_utf8_lossy(&bytes).lines() {
            line(text);
        }
        if lost > 0 {
            line(&format!("{lost} bytes of output were dropped"));
        }
    }
}

#[cfg(test)]
mod tests;
