//! Lines over the Unix socket, bounded in length and in time.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use host::Home;
use protocol::operator::OPERATOR_LINE_BYTES_MAX;

/// 64 KiB: how much is read at once; most answers fit.
const READ_BYTES: usize = 64 << 10;

/// What reading a line came to.
#[derive(Debug)]
pub(super) enum Line {
    /// A line without its newline.
    Got(Vec<u8>),
    /// The kernel hung up.
    End,
    /// Nothing complete came in time.
    TimedOut,
}

/// The connected socket with what was read beyond the last line.
#[derive(Debug)]
pub(super) struct Socket {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// How much of the buffer was searched for a newline already, so that a long line is not searched again and again.
    searched: usize,
}

impl Socket {
    pub(super) fn connect(home: &Home) -> io::Result<Self> {
        Ok(Self { stream: host::dial(home)?, buffer: Vec::new(), searched: 0 })
    }

    /// The number that whoever listens there has here, if any.
    pub(super) fn peer(&self) -> Option<u32> {
        host::peer_pid(self.stream.as_fd())
    }

    pub(super) fn send(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes())?;
        self.stream.write_all(b"\n")
    }

    /// The next line; waits as long as it takes when there is no deadline.
    pub(super) fn read_line(&mut self, deadline: Option<Instant>) -> io::Result<Line> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Line::Got(line));
            }
            if self.buffer.len() > OPERATOR_LINE_BYTES_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the answer is longer than a line may be",
                ));
            }
            match self.fill(deadline)? {
                Filled::More => {}
                Filled::End => return Ok(Line::End),
                Filled::TimedOut => return Ok(Line::TimedOut),
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        match self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            None => {
                self.searched = self.buffer.len();
                None
            }
            Some(offset) => {
                let mut line: Vec<u8> = self.buffer.drain(..=self.searched + offset).collect();
                self.searched = 0;
                line.pop();
                Some(line)
            }
        }
    }

    fn fill(&mut self, deadline: Option<Instant>) -> io::Result<Filled> {
        let left = match deadline {
            None => None,
            Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                // A timeout of zero would mean none at all.
                None | Some(Duration::ZERO) => return Ok(Filled::TimedOut),
                left => left,
            },
        };
        self.stream.set_read_timeout(left)?;
        let mut part = vec![0; READ_BYTES];
        match io::Read::read(&mut self.stream, &mut part) {
            Ok(0) => Ok(Filled::End),
            Ok(count) => {
                self.buffer.extend_from_slice(&part[..count]);
                Ok(Filled::More)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Filled::TimedOut),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Filled::More),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(Filled::End),
            Err(error) => Err(error),
        }
    }
}

enum Filled {
    More,
    End,
    TimedOut,
}

#[cfg(test)]
mod tests;
