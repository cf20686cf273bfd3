//! Those who ask and listen over HTTP, as cheap as they can be made: what they take of two cores is taken from what they
//! measure.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Connections that ask at once: enough that the next request waits while one is answered.
pub(super) const CONNECTIONS: usize = 16;

/// 4 reads a second of each listener: often enough that nothing is lost, seldom enough to cost little.
const READ_EVERY: Duration = Duration::from_millis(250);

/// 64 KiB: all that a listener may have got in between.
const READ_BYTES: usize = 64 << 10;

/// 10 s for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of asking.
#[derive(Debug)]
pub(super) struct Asked {
    /// How many were answered well.
    pub(super) answers: f64,
    pub(super) seconds: f64,
}

/// Asks this path over and over on as many connections as there are tokens.
pub(super) fn ask(address: &str, tokens: &[String], path: &str, during: Duration) -> Result<Asked> {
    let began = Instant::now();
    let asking: Vec<JoinHandle<Result<u32>>> = tokens
        .iter()
        .map(|token| {
            let request = request(address, token, path);
            let address = address.to_owned();
            std::thread::spawn(move || ask_on(&address, &request, began + during))
        })
        .collect();
    let mut answers = 0.0;
    for one in asking {
        answers += f64::from(one.join().map_err(|_| anyhow!("an asking thread died"))??);
    }
    Ok(Asked { answers, seconds: began.elapsed().as_secs_f64() })
}

fn request(address: &str, token: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n")
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context("connecting")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn ask_on(address: &str, request: &str, until: Instant) -> Result<u32> {
    let mut reader = BufReader::with_capacity(READ_BYTES, connect(address)?);
    let mut answers = 0;
    let (mut line, mut body) = (String::new(), Vec::new());
    while Instant::now() < until {
        reader.get_mut().write_all(request.as_bytes()).context("asking")?;
        let mut length = None;
        let mut is_first = true;
        loop {
            line.clear();
            ensure!(reader.read_line(&mut line).context("reading an answer")? > 0, "the connection ended");
            ensure!(!is_first || line.contains(" 200 "), "it answered {line}");
            is_first = false;
            if line == "\r\n" {
                break;
            }
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = Some(bytes.trim().parse::<usize>().context("a length that is none")?);
            }
        }
        body.resize(length.context("an answer without a length")?, 0);
        reader.read_exact(&mut body).context("reading an answer")?;
        answers += 1;
    }
    Ok(answers)
}

/// What listeners heard.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) bytes_each: f64,
    /// How many heard nothing at all.
    pub(super) silent: usize,
}

/// Many who listen to what happens and what is used.
pub(super) struct Crowd {
    is_over: Arc<AtomicBool>,
    counts: Arc<Vec<AtomicU64>>,
    reading: JoinHandle<()>,
}

impl Crowd {
    /// Lets so many listen.
    pub(super) fn gather(address: &str, token: &str, count: usize) -> Result<Self> {
        let bounds = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: bounds.maximum, ..bounds })
            .context("raising the bound on open files")?;
        let request = request(address, token, "/api/v1/events?topics=records,usage");
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = connect(address)?;
            stream.write_all(request.as_bytes()).context("beginning to listen")?;
            stream.set_nonblocking(true)?;
            streams.push(stream);
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let counts: Arc<Vec<AtomicU64>> = Arc::new((0..count).map(|_| AtomicU64::new(0)).collect());
        let reading = std::thread::spawn({
            let (is_over, counts) = (is_over.clone(), counts.clone());
            move || read_all(streams, &is_over, &counts)
        });
        Ok(Self { is_over, counts, reading })
    }

    /// Lets all go.
    pub(super) fn leave(self) -> Heard {
        self.is_over.store(true, Ordering::Relaxed);
        let _ended = self.reading.join();
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        #[expect(clippy::cast_precision_loss, reason = "some megabytes and a thousand listeners")]
        let bytes_each = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        Heard { bytes_each, silent: counts.iter().filter(|count| **count == 0).count() }
    }
}

fn read_all(mut streams: Vec<TcpStream>, is_over: &AtomicBool, counts: &[AtomicU64]) {
    let mut buffer = vec![0; READ_BYTES];
    while !is_over.load(Ordering::Relaxed) {
        for (stream, count) in streams.iter_mut().zip(counts) {
            // Nothing there, or the end: told by the count.
            if let Ok(bytes) = stream.read(&mut buffer) {
                count.fetch_add(bytes as u64, Ordering::Relaxed);
            }
        }
        std::thread::sleep(READ_EVERY);
    }
}
