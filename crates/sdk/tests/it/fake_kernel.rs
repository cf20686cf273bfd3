//! The kernel's side of one module that runs on threads of the test.

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sdk::{Module, Outcome, Value, json};

/// 20 s: nothing here takes longer on a loaded machine; a hang ends the test with what was said so far.
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs a module and talks to it. Dropping it ends the module by the end of its input.
pub(crate) struct FakeKernel {
    to_module: Option<PipeWriter>,
    from_module: Receiver<Value>,
    /// What was received and not yet asked for.
    kept: Vec<Value>,
    running: Option<JoinHandle<Outcome>>,
}

impl FakeKernel {
    /// Starts the module; nothing is said to it yet.
    pub(crate) fn run(module: Module) -> Self {
        let (input, to_module) = std::io::pipe().expect("a pipe");
        let (output, from) = std::io::pipe().map(|(read, write)| (write, read)).expect("a pipe");
        let (tx, from_module) = channel();
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                let line = line.expect("UTF-8");
                let frame = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if tx.send(frame).is_err() {
                    return;
                }
            }
        });
        let running = thread::spawn(move || module.serve(input, output));
        Self { to_module: Some(to_module), from_module, kept: Vec::new(), running: Some(running) }
    }

    /// Starts the module and takes it to ready.
    pub(crate) fn ready(module: Module) -> Self {
        let mut kernel = Self::run(module);
        kernel.init(json!({}));
        kernel.expect(&json!({"type": "ready"}));
        kernel.send(json!({"type": "deps_ready"}));
        kernel
    }

    pub(crate) fn init(&mut self, config: Value) {
        self.send(json!({"type": "init", "protocolVersion": "1.0", "config": config,
                         "workspacePath": "/home", "projectRoot": "/home"}));
    }

    pub(crate) fn send(&mut self, frame: Value) {
        self.send_raw(format!("{frame}\n").as_bytes());
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.to_module.as_mut().expect("the pipe is open").write_all(bytes).expect("the module reads");
    }

    /// Sends a call of a service of the module.
    pub(crate) fn ask(&mut self, id: &str, service: &str, method: &str, params: Value) {
        self.send(json!({"type": "rpc_request", "id": id, "from": "caller", "service": service,
                         "method": method, "params": params}));
    }

    /// Calls a service of the module and gives the whole answer.
    pub(crate) fn request(&mut self, service: &str, method: &str, params: Value) -> Value {
        self.ask("request", service, method, params);
        self.expect(&json!({"type": "rpc_response", "id": "request"}))
    }

    /// Waits for a frame that has at least these fields; each frame is given once.
    pub(crate) fn expect(&mut self, wanted: &Value) -> Value {
        let fits = |frame: &Value| {
            wanted.as_object().expect("an object").iter().all(|(name, value)| frame.get(name) == Some(value))
        };
        if let Some(at) = self.kept.iter().position(&fits) {
            return self.kept.remove(at);
        }
        let until = Instant::now() + DEADLINE;
        loop {
            match self.from_module.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(frame) if fits(&frame) => return frame,
                Ok(frame) => self.kept.push(frame),
                Err(RecvTimeoutError::Timeout) => panic!("no {wanted} in time; there is {:?}", self.kept),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("no {wanted} before the end; there is {:?}", self.kept)
                }
            }
        }
    }

    /// Ends the pipe, waits for the module, and gives how it ended with all that it said and nobody asked for.
    pub(crate) fn hang_up(mut self) -> (Outcome, Vec<Value>) {
        self.to_module = None;
        self.wait()
    }

    /// Waits for the module to end by itself.
    pub(crate) fn wait(&mut self) -> (Outcome, Vec<Value>) {
        let outcome = self.running.take().expect("it runs").join().expect("serve does not panic");
        self.to_module = None;
        while let Ok(frame) = self.from_module.recv_timeout(DEADLINE) {
            self.kept.push(frame);
        }
        (outcome, std::mem::take(&mut self.kept))
    }
}
