//! Measures calls through whatever lies between this process and a `good` module.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::door::{Input, Output, argument, number};

/// Where the report is also written, for a bench that does not read the kernel's log.
const REPORT_VARIABLE: &str = "RUDE_REPORT";

/// Calls a service so often, with so many calls on their way, and reports latencies in microseconds.
pub(crate) fn relay_probe(words: &[String]) -> ExitCode {
    let (mut input, mut output) = (Input::stdin(), Output::stdout());
    if !begin(&mut input, &mut output) {
        return ExitCode::SUCCESS;
    }
    let service = argument(words, 0, "echo");
    let (calls, in_flight) = (number(words, 1, 10_000), number(words, 2, 1).max(1));
    let params = "x".repeat(number(words, 3, 16));
    let mut run = Run::new(service, &params, calls);
    let started = Instant::now();
    if !run.go(&mut input, &mut output, in_flight) {
        return ExitCode::FAILURE;
    }
    let report = run.report(started.elapsed(), in_flight);
    if let Ok(path) = std::env::var(REPORT_VARIABLE)
        && let Err(problem) = write_whole(&path, &format!("{report}\n"))
    {
        output.log("the report cannot be written", json!(problem.to_string()));
    }
    // Last, so that who hears it finds the file.
    output.log("relay-probe", report);
    // Stays a good module, so that the report is not followed by a restart.
    let manners = crate::good::Manners::default();
    crate::good::serve(&mut input, &mut output, service, manners)
}

/// Waits for `init` and says ready, then waits for the other side: a kernel says `deps_ready`, a bare relay hands on
/// the other module's own `ready`. `false` at the end of the pipe.
fn begin(input: &mut Input, output: &mut Output) -> bool {
    let offer = loop {
        match input.next_frame() {
            Some(frame) if frame.kind == "init" => break frame.transport,
            Some(_) => {}
            None => return false,
        }
    };
    output.ready_by_lane(input, offer, json!({"type": "ready", "manifest": {}}));
    input.wait_for(&["deps_ready", "ready"])
}

/// Written aside and renamed, because a bench looks for the file again and again.
fn write_whole(path: &str, text: &str) -> std::io::Result<()> {
    let aside = format!("{path}.new");
    std::fs::write(&aside, text)?;
    std::fs::rename(aside, path)
}

struct Run {
    /// The line of a call around its id.
    line: (String, String),
    calls: usize,
    sent_at: Vec<Instant>,
    took: Vec<Duration>,
    failed: usize,
}

impl Run {
    fn new(service: &str, params: &str, calls: usize) -> Self {
        let head = "{\"type\":\"rpc_request\",\"id\":\"".to_owned();
        let tail =
            format!("\",\"service\":{},\"method\":\"echo\",\"params\":{}}}\n", json!(service), json!(params));
        let (sent_at, took) = (Vec::with_capacity(calls), Vec::with_capacity(calls));
        Self { line: (head, tail), calls, sent_at, took, failed: 0 }
    }

    /// Whether all calls were answered before the pipe ended.
    fn go(&mut self, input: &mut Input, output: &mut Output, in_flight: usize) -> bool {
        let mut batch = String::new();
        for _ in 0..in_flight {
            self.add_call(&mut batch);
        }
        output.raw(batch.as_bytes());
        batch.clear();
        while self.took.len() < self.calls {
            let Some(frame) = input.next_frame() else { return false };
            match &*frame.kind {
                "ping" => output.pong(),
                "rpc_response" => {
                    self.take_answer(frame.id(), frame.error.is_some());
                    self.add_call(&mut batch);
                }
                _ => {}
            }
            // One write for all the calls that the answers of one read made room for.
            if !batch.is_empty() && !input.has_line() {
                output.raw(batch.as_bytes());
                batch.clear();
            }
        }
        true
    }

    /// Adds the next call, unless all are made.
    fn add_call(&mut self, batch: &mut String) {
        if self.sent_at.len() >= self.calls {
            return;
        }
        batch.push_str(&self.line.0);
        batch.push_str(&self.sent_at.len().to_string());
        batch.push_str(&self.line.1);
        self.sent_at.push(Instant::now());
    }

    fn take_answer(&mut self, id: &str, is_error: bool) {
        let Some(sent_at) = id.parse().ok().and_then(|index: usize| self.sent_at.get(index)) else { return };
        self.took.push(sent_at.elapsed());
        self.failed += usize::from(is_error);
    }

    fn report(&mut self, elapsed: Duration, in_flight: usize) -> Value {
        self.took.sort_unstable();
        let last = self.took.len().saturating_sub(1);
        let at = |per_mille: usize| {
            let took = self.took.get(last * per_mille / 1000).copied().unwrap_or_default();
            took.as_nanos() as f64 / 1000.0
        };
        let seconds = elapsed.as_secs_f64();
        json!({
            "calls": self.calls, "failed": self.failed, "in_flight": in_flight, "seconds": seconds,
            "calls_per_second": self.calls as f64 / seconds,
            "p50_us": at(500), "p90_us": at(900), "p99_us": at(990), "p999_us": at(999), "max_us": at(1000),
        })
    }
}
