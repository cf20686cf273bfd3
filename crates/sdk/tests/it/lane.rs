//! The lane that a kernel may offer, from the kernel's side: a module in this process, and one in Python in its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use sdk::{Module, Outcome, Value, json};
use shm::limits::RING_BYTES_DEFAULT;
use shm::{Doze, Lane, Pushed, Rouse};

/// 20 s: nothing here takes longer on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A kernel with a lane. Like the real one it sleeps on its pipe only.
struct LaneKernel {
    pipe: Option<Box<dyn Write>>,
    lines: Receiver<String>,
    lane: Lane,
    fd: OwnedFd,
    /// Frames of the lane that nobody has asked for.
    kept: Vec<Value>,
}

impl LaneKernel {
    /// `start` gets the number of the lane's descriptor and gives both pipes.
    fn new<R: Read + Send + 'static>(start: impl FnOnce(&OwnedFd) -> (Box<dyn Write>, R)) -> Self {
        let (lane, fd) = Lane::create(RING_BYTES_DEFAULT).expect("shared memory");
        let (pipe, from) = start(&fd);
        let (tx, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                if tx.send(line.expect("UTF-8")).is_err() {
                    return;
                }
            }
        });
        Self { pipe: Some(pipe), lines, lane, fd, kept: Vec::new() }
    }

    fn say_by_pipe(&mut self, text: &str) {
        let pipe = self.pipe.as_mut().expect("the pipe is open");
        pipe.write_all(format!("{text}\n").as_bytes()).and_then(|()| pipe.flush()).expect("the module reads");
    }

    fn init(&mut self, layout: u32) {
        let offer =
            json!({"kind": "shm", "fd": self.fd.as_raw_fd(), "bytes": RING_BYTES_DEFAULT, "layout": layout});
        let init = json!({"type": "init", "protocolVersion": "1.0", "config": {}, "workspacePath": "/home",
                          "projectRoot": "/home", "transport": offer});
        self.say_by_pipe(&init.to_string());
    }

    /// The next line on the pipe that says something.
    fn line(&self) -> Value {
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("a line in time");
            if !line.is_empty() {
                return serde_json::from_str(&line).expect("JSON");
            }
        }
    }

    /// Takes the module to where both sides use the lane.
    fn switch(&mut self) {
        self.init(1);
        let ready = loop {
            let line = self.line();
            if line["type"] == "ready" {
                break line;
            }
        };
        assert_eq!(ready["transport"], "shm");
        self.say_by_pipe(r#"{"type":"transport","kind":"shm"}"#);
        self.send(&json!({"type": "deps_ready"}));
    }

    fn send(&mut self, frame: &Value) {
        let bytes = frame.to_string();
        let until = Instant::now() + DEADLINE;
        let (mut is_taken, mut is_first) = (false, true);
        while is_first || !is_taken || self.lane.sender.has_rest() {
            is_first = false;
            if !is_taken {
                is_taken =
                    self.lane.sender.push(bytes.as_bytes()).expect("an honest module") == Pushed::Taken;
            }
            let rouse = self.lane.sender.publish().expect("an honest module");
            self.rouse(rouse);
            // What the module says meanwhile must not stop it from reading.
            self.take();
            assert!(Instant::now() < until, "the module does not read");
        }
    }

    fn rouse(&mut self, rouse: Rouse) {
        if rouse == Rouse::ByPipe {
            self.say_by_pipe("");
        }
    }

    fn take(&mut self) -> usize {
        let mut frames = Vec::new();
        let received = self.lane.receiver.receive(usize::MAX, |frame| {
            frames.push(serde_json::from_slice(frame).expect("JSON"));
        });
        let received = received.expect("an honest module");
        self.kept.extend(frames);
        self.rouse(received.rouse);
        received.frames
    }

    /// Waits for a frame of the lane with at least these fields.
    fn expect(&mut self, wanted: &Value) -> Value {
        loop {
            let fits = |frame: &Value| {
                wanted
                    .as_object()
                    .expect("an object")
                    .iter()
                    .all(|(name, value)| frame.get(name) == Some(value))
            };
            if let Some(at) = self.kept.iter().position(fits) {
                return self.kept.remove(at);
            }
            if self.take() == 0 && self.lane.receiver.doze() == Doze::Asleep {
                let bell = self.lines.recv_timeout(DEADLINE);
                assert_eq!(
                    bell.as_deref(),
                    Ok(""),
                    "only line breaks come by the pipe; there is {:?}",
                    self.kept
                );
            }
        }
    }

    fn request(&mut self, id: &str, service: &str, method: &str, params: Value) -> Value {
        self.send(&json!({"type": "rpc_request", "id": id, "from": "caller", "service": service,
                          "method": method, "params": params}));
        self.expect(&json!({"type": "rpc_response", "id": id}))["result"].take()
    }
}

fn echo() -> Module {
    Module::new().service("echo", |call| Ok(call.raw_params().clone()))
}

fn in_process(module: Module) -> (LaneKernel, JoinHandle<Outcome>) {
    let (input, to_module) = std::io::pipe().expect("a pipe");
    let (from, output) = std::io::pipe().expect("a pipe");
    let running = thread::spawn(move || module.serve(input, output));
    (LaneKernel::new(|_| (Box::new(to_module), from)), running)
}

#[test]
fn after_ready_everything_goes_by_the_lane_and_the_end_of_the_pipe_ends_the_module() {
    let (mut kernel, running) = in_process(echo());
    kernel.switch();
    for number in 0..500 {
        assert_eq!(kernel.request(&number.to_string(), "echo", "same", json!(number)), json!(number));
    }
    let long = json!("x".repeat(900_000));
    assert_eq!(kernel.request("long", "echo", "same", long.clone()), long);
    kernel.pipe = None;
    assert_eq!(running.join().expect("no panic"), Outcome::Finished);
}

#[test]
fn a_shutdown_by_the_lane_is_heard() {
    let (mut kernel, running) = in_process(echo());
    kernel.switch();
    kernel.send(&json!({"type": "ping"}));
    kernel.expect(&json!({"type": "pong"}));
    kernel.send(&json!({"type": "shutdown"}));
    kernel.pipe = None;
    assert_eq!(running.join().expect("no panic"), Outcome::Finished);
}

#[test]
fn a_module_with_one_thread_uses_the_lane_too() {
    let (mut kernel, running) = in_process(echo().handlers(sdk::Handlers::Inline));
    kernel.switch();
    assert_eq!(kernel.request("1", "echo", "same", json!("one")), json!("one"));
    kernel.send(&json!({"type": "shutdown"}));
    assert_eq!(running.join().expect("no panic"), Outcome::Finished);
}

#[test]
fn a_layout_that_is_not_known_is_never_mentioned_and_the_pipes_stay() {
    let (mut kernel, running) = in_process(echo());
    kernel.init(2);
    let ready = kernel.line();
    assert_eq!((&ready["type"], ready.get("transport")), (&json!("ready"), None));
    kernel.say_by_pipe(r#"{"type":"transport","kind":"shm"}"#);
    kernel.say_by_pipe(r#"{"type":"ping"}"#);
    assert_eq!(kernel.line(), json!({"type": "pong"}));
    kernel.pipe = None;
    assert_eq!(running.join().expect("no panic"), Outcome::Finished);
}

#[test]
fn a_kernel_that_lies_in_the_lane_ends_the_module() {
    let (mut kernel, running) = in_process(echo());
    kernel.switch();
    kernel.request("1", "echo", "same", json!(1));
    let memory = std::fs::File::from(kernel.fd.try_clone().expect("a descriptor"));
    // The tail of the kernel's ring.
    std::os::unix::fs::FileExt::write_all_at(&memory, &3_u32.to_ne_bytes(), 128).expect("shared memory");
    kernel.say_by_pipe("");
    assert_eq!(running.join().expect("no panic"), Outcome::Finished);
}

const PYTHON: &str = "
import ostoja
@ostoja.service('echo')
class Echo:
    def same(self, params): return params
ostoja.run()
";

#[test]
fn a_module_in_python_speaks_the_same_layout() {
    let mut child = None;
    let mut kernel = LaneKernel::new(|fd| {
        fcntl_setfd(fd, FdFlags::empty()).expect("a descriptor");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/python");
        let mut command = Command::new("python3");
        command.args(["-c", PYTHON]).env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        fcntl_setfd(fd, FdFlags::CLOEXEC).expect("a descriptor");
        let child = child.insert(piped.expect("python3 is there"));
        (Box::new(child.stdin.take().expect("a pipe")), child.stdout.take().expect("a pipe"))
    });
    kernel.switch();
    for number in 0..200 {
        let text = "ż".repeat(number * 7);
        assert_eq!(kernel.request(&number.to_string(), "echo", "same", json!(text)), json!(text));
    }
    let long = json!("x".repeat(900_000));
    assert_eq!(kernel.request("long", "echo", "same", long.clone()), long);
    kernel.pipe = None;
    let mut child = child.expect("it was started");
    assert_eq!(child.wait().expect("a child").code(), Some(0), "the end of the pipe ends it");
}
