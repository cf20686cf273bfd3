//! A running module: reads, hands out, answers.
//!
//! States: *starting* (until `init` is dealt with), *serving*, *stopping* (after `shutdown` or the end of the pipe: no
//! new work, running calls may finish, then the shutdown hook), *over*. The reading thread owns the pipe and deals with
//! what may not wait (pings, cancels, answers, credit); the first handler thread is the one that called `run`, owns the
//! hooks and ends the module. With `Handlers::Inline` both are the same thread.

use std::io::{ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use protocol::door::{FromModule, INIT_ID, LogLevel, Opaque, ToModule, TransportKind};
use protocol::lines::{Line, LineDecoder};
use serde_json::{Value, json};
use shm::{Doze, Receiver};

use crate::call::{Call, Message};
use crate::core::{Core, Serving};
use crate::failure::{CallError, Failure};
use crate::handle::Handle;
use crate::jobs::{Job, Jobs, Put, Worker};
use crate::limits::{DRAIN, INBOUND_BYTES_MAX, LANE_FRAMES, READ_BYTES, READER_STACK_BYTES};
use crate::module::{Handlers, Module, Outcome};
use crate::offered::Offered;
use crate::ongoing::Asked;
use crate::trace::Context;
use crate::wire::{Wire, lock};

/// What becomes of a handler that still runs when the pipe has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// It gets `DRAIN`, then the process ends: no orphans.
    LeaveProcess,
    /// It is waited for.
    WaitForHandlers,
}

/// Serves until the end.
pub(crate) fn run(
    module: Module,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    at_end: AtEnd,
) -> Outcome {
    let handlers = module.handlers;
    let core = Arc::new(Core::new(Wire::new(output)));
    let engine = Arc::new(Engine {
        module,
        core,
        jobs: Jobs::default(),
        outcome: Mutex::new(None),
        over: Mutex::new(false),
        over_changed: Condvar::new(),
        messages_lost: AtomicU64::new(0),
        offered: Mutex::default(),
    });
    match handlers {
        Handlers::Inline => engine.read(input, Where::Here),
        Handlers::Threads(count) => {
            let reader = engine.clone();
            let builder =
                thread::Builder::new().name("ostoja-reader".to_owned()).stack_size(READER_STACK_BYTES);
            let reading = builder.spawn(move || {
                reader.read(input, Where::Queued);
                reader.leave_when_overdue(at_end);
            });
            if let Err(problem) = reading {
                engine.become_ready(Err(Failure::from(problem)));
                return Outcome::InitFailed;
            }
            engine.start_further_workers(count.saturating_sub(1));
            engine.work(Worker::First);
        }
    }
    engine.finish()
}

/// Where the user's code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Here,
    Queued,
}

struct Engine {
    module: Module,
    core: Arc<Core>,
    jobs: Jobs,
    /// How the module ended; `None` until then.
    outcome: Mutex<Option<Outcome>>,
    over: Mutex<bool>,
    over_changed: Condvar,
    messages_lost: AtomicU64,
    /// The lane of `init`, until each of its ends is taken up.
    offered: Mutex<Offered>,
}

impl Engine {
    // Reading.

    fn read(&self, mut input: impl Read, run: Where) {
        self.core.reads_here();
        let mut decoder = LineDecoder::new(INBOUND_BYTES_MAX);
        let mut buffer = vec![0; READ_BYTES];
        while let Some(count) = read_some(&mut input, &mut buffer) {
            let mut rest = &buffer[..count];
            while let Some(line) = decoder.next_line(&mut rest) {
                if let Line::Complete(line) = line {
                    self.take_line(line, run);
                }
            }
            if self.is_over_here(run) {
                return;
            }
            let switched = lock(&self.offered).take_receiver();
            if let Some(lane) = switched {
                self.read_lane(lane, input, buffer, run);
                break;
            }
        }
        self.core.wire.close();
        if !self.is_over_here(run) {
            self.stop(Outcome::Finished);
        }
    }

    /// Reads the lane until the pipe ends, on which this thread sleeps when there is nothing.
    fn read_lane(&self, mut lane: Receiver, mut input: impl Read, mut buffer: Vec<u8>, run: Where) {
        loop {
            let Ok(received) = lane.receive(LANE_FRAMES, |line| self.take_line(line, run)) else { return };
            self.core.wire.rouse(received.rouse);
            if self.is_over_here(run) {
                return;
            }
            if received.frames > 0 || lane.spin() || lane.doze() == Doze::Ready {
                continue;
            }
            let begin = Instant::now();
            // What comes are line breaks that wake us: all that says something comes by the lane.
            let is_open = read_some(&mut input, &mut buffer).is_some();
            lane.dozed(begin.elapsed());
            if !is_open {
                // What the kernel said before it closed the pipe still counts.
                let _ = lane.receive(usize::MAX, |line| self.take_line(line, run));
                return;
            }
        }
    }

    fn is_over_here(&self, run: Where) -> bool {
        run == Where::Here && lock(&self.outcome).is_some()
    }

    fn take_line(&self, line: &[u8], run: Where) {
        // What cannot be read comes from a newer kernel: it is left out, as the door wants it.
        if let Ok(frame) = serde_json::from_slice::<ToModule>(line) {
            self.take(frame, run);
        }
    }

    /// Deals with what may not wait, and hands the rest to the user's code.
    fn take(&self, frame: ToModule, run: Where) {
        match frame {
            ToModule::Transport { kind: TransportKind::Shm } => lock(&self.offered).switched = true,
            ToModule::Ping {} => self.core.say(&FromModule::Pong {}),
            ToModule::Shutdown {} => self.stop(Outcome::Finished),
            ToModule::Cancel { id } => self.cancel(&id),
            ToModule::Credit { id, n } => {
                if let Some(serving) = self.core.serving(&id) {
                    serving.grant(n);
                }
            }
            ToModule::RpcResponse { id, result, error } => self.settle(&id, Asked::Service, result, error),
            ToModule::CallResponse { id, result, error } => self.settle(&id, Asked::Kernel, result, error),
            ToModule::Progress { id, fraction, msg } => {
                if let Some(inbox) = self.core.asked(&id) {
                    inbox.put_progress(fraction, msg);
                }
            }
            ToModule::Chunk { id, seq: _, data } => self.put_chunk(id, data.0),
            // The answer comes right after it and ends the stream for us.
            ToModule::End { id: _ } => {}
            ToModule::RpcRequest { id, from, service, method, params, deadline_ms, traceparent } => {
                let context = Context::received(deadline_ms, traceparent);
                let serving = Arc::new(Serving::new(id));
                self.core.begin_serving(serving.clone());
                let handle = Handle { core: self.core.clone(), context };
                let params = params.map(|params| params.0).unwrap_or_default();
                self.hand_out(Job::Call(Call { handle, from, service, method, params, serving }), run);
            }
            ToModule::Init { ref transport, .. } => {
                lock(&self.offered).attach(transport.as_ref());
                self.hand_out(Job::Ordered(frame), run);
            }
            ToModule::Install {}
            | ToModule::DepsReady {}
            | ToModule::ServiceAvailable { .. }
            | ToModule::Deliver { .. }
            | ToModule::ConfigUpdate { .. }
            | ToModule::Call { .. }
            | ToModule::StateSave { .. }
            | ToModule::StateRestore { .. } => self.hand_out(Job::Ordered(frame), run),
        }
    }

    fn cancel(&self, id: &str) {
        if let Some(serving) = self.core.serving(id) {
            // Answered first, so that no handler that notices the cancel can be faster; it ends in its own time.
            self.core.answer(&serving, Err("cancelled".to_owned()));
            serving.cancel();
        } else {
            self.settle(id, Asked::Service, None, Some("cancelled".to_owned()));
        }
    }

    fn settle(&self, id: &str, asked: Asked, result: Option<Opaque>, error: Option<String>) {
        let Some(inbox) = self.core.asked(id).filter(|inbox| inbox.asked == asked) else { return };
        self.core.forget_asked(id);
        inbox.settle(match error {
            Some(error) => Err(CallError::from_wire(error)),
            None => Ok(result.map(|result| result.0).unwrap_or_default()),
        });
    }

    fn put_chunk(&self, id: String, data: Value) {
        let Some(inbox) = self.core.asked(&id) else { return };
        if inbox.put_chunk(data).is_err() {
            self.core.forget_asked(&id);
            inbox.settle(Err(CallError::Answered("stream overrun".to_owned())));
            self.core.say(&FromModule::Cancel { id });
        }
    }

    fn hand_out(&self, job: Job, run: Where) {
        if run == Where::Here {
            return self.do_job(job);
        }
        match self.jobs.put(job) {
            Put::Taken => {}
            Put::Full(Job::Call(call)) => self.core.answer(&call.serving, Err("overloaded".to_owned())),
            Put::Stopped(Job::Call(call)) => self.core.answer(&call.serving, Err("shutting down".to_owned())),
            Put::Full(Job::Ordered(_)) => self.count_lost_message(),
            Put::Stopped(Job::Ordered(_)) => {}
        }
    }

    /// Says it at the 1st, 2nd, 4th, 8th: a flood must not flood the log.
    fn count_lost_message(&self) {
        let lost = self.messages_lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost.is_power_of_two() {
            self.log(LogLevel::Warn, "messages lost, the handlers are too slow", json!({ "lost": lost }));
        }
    }

    // Working.

    fn start_further_workers(self: &Arc<Self>, count: u32) {
        for number in 2..count.saturating_add(2) {
            let engine = self.clone();
            let builder = thread::Builder::new().name(format!("ostoja-calls-{number}"));
            if builder.spawn(move || engine.work(Worker::Further)).is_err() {
                // Fewer threads than wished for are slower, not wrong.
                self.log(
                    LogLevel::Warn,
                    "cannot start another thread for calls",
                    json!({ "threads": number - 1 }),
                );
                return;
            }
        }
    }

    fn work(&self, worker: Worker) {
        while let Some(job) = self.jobs.take(worker) {
            self.do_job(job);
            self.jobs.done();
        }
    }

    fn do_job(&self, job: Job) {
        match job {
            Job::Call(call) => self.serve(call),
            Job::Ordered(frame) => self.live(frame),
        }
    }

    fn serve(&self, call: Call) {
        let serving = call.serving.clone();
        let Some(handler) = self.module.services.get(&call.service) else {
            return self.core.answer(&serving, Err("service_not_found".to_owned()));
        };
        if call.remaining().is_some_and(|left| left.is_zero()) {
            // It waited in our queue for longer than its caller does.
            return self.core.answer(&serving, Err("deadline_exceeded".to_owned()));
        }
        let result = guard(|| handler(call));
        self.core.answer(&serving, result.map_err(|failure| failure.as_str().to_owned()));
    }

    /// One step of the module's life.
    fn live(&self, frame: ToModule) {
        let handle = Handle::new(self.core.clone());
        let hooks = &self.module.hooks;
        let run = |hook: &Option<crate::module::HookFn>| match hook {
            Some(hook) => guard(|| hook(&handle)),
            None => Ok(()),
        };
        match frame {
            ToModule::Install {} => self.report("install", run(&hooks.install)),
            ToModule::Init { config, .. } => {
                self.core.set_config(config.0);
                self.become_ready(run(&hooks.init));
            }
            ToModule::DepsReady {} => self.report("ready", run(&hooks.ready)),
            ToModule::ConfigUpdate { config, .. } => {
                self.core.set_config(config.0);
                self.report("config", run(&hooks.config));
            }
            ToModule::ServiceAvailable { service } => {
                if let Some(hook) = &hooks.service_available {
                    self.report("service_available", guard(|| hook(&handle, &service)));
                }
            }
            ToModule::Deliver { id, topic, payload, .. } => self.deliver(handle, id, topic, payload.0),
            ToModule::Call { id, method, params, .. } => self.answer_kernel(&handle, id, &method, params),
            ToModule::StateSave { id } => self.save(&handle, id),
            ToModule::StateRestore { id, state, version } => self.restore(&handle, id, state.0, &version),
            // The reading thread has dealt with these.
            ToModule::Transport { .. }
            | ToModule::Ping {}
            | ToModule::CallResponse { .. }
            | ToModule::RpcRequest { .. }
            | ToModule::RpcResponse { .. }
            | ToModule::Shutdown {}
            | ToModule::Cancel { .. }
            | ToModule::Progress { .. }
            | ToModule::Chunk { .. }
            | ToModule::End { .. }
            | ToModule::Credit { .. } => {}
        }
    }

    fn become_ready(&self, init: Result<(), Failure>) {
        match init {
            Ok(()) => {
                let manifest = Opaque(self.module.manifest());
                let lane = lock(&self.offered).sender.take();
                let transport = lane.is_some().then_some(TransportKind::Shm);
                let ready = FromModule::Ready { manifest, capabilities: None, transport };
                match lane {
                    Some(lane) => drop(self.core.wire.send_and_switch(&ready, lane)),
                    None => self.core.say(&ready),
                }
            }
            Err(failure) => {
                self.core
                    .say(&FromModule::Nack { id: INIT_ID.to_owned(), error: failure.as_str().to_owned() });
                self.stop(Outcome::InitFailed);
            }
        }
    }

    fn deliver(&self, handle: Handle, id: String, topic: String, payload: Value) {
        let Some(handler) = self.module.topics.get(&topic) else { return };
        let done = guard(|| handler(Message { handle, topic, payload }));
        self.core.say(&match done {
            Ok(()) => FromModule::Ack { id },
            Err(failure) => FromModule::Nack { id, error: failure.as_str().to_owned() },
        });
    }

    fn answer_kernel(&self, handle: &Handle, id: String, method: &str, params: Option<Opaque>) {
        let params = params.map(|params| params.0).unwrap_or_default();
        let done = match &self.module.hooks.kernel_call {
            Some(hook) => guard(|| hook(handle, method, params)),
            None => Err(Failure::new(format!("Unknown method: {method}"))),
        };
        let (result, error) = match done {
            Ok(value) => (Some(Opaque(value)), None),
            Err(failure) => (None, Some(failure.as_str().to_owned())),
        };
        if let Err(problem) = self.core.wire.send(&FromModule::CallResponse { id: id.clone(), result, error })
        {
            let error = Some(format!("bad result: {problem}"));
            self.core.say(&FromModule::CallResponse { id, result: None, error });
        }
    }

    fn save(&self, handle: &Handle, id: String) {
        let saved = match &self.module.hooks.save {
            Some(hook) => guard(|| hook(handle)),
            None => Ok(Value::Null),
        };
        let frame = match saved {
            Ok(state) => {
                let version = self.module.version.clone();
                FromModule::StateSaved { id: id.clone(), state: Opaque(state), version }
            }
            Err(failure) => FromModule::Nack { id: id.clone(), error: failure.as_str().to_owned() },
        };
        if let Err(problem) = self.core.wire.send(&frame) {
            self.core.say(&FromModule::Nack { id, error: format!("bad state: {problem}") });
        }
    }

    fn restore(&self, handle: &Handle, id: String, state: Value, version: &str) {
        let restored = match &self.module.hooks.restore {
            Some(hook) => guard(|| hook(handle, state, version)),
            None => Ok(()),
        };
        self.core.say(&match restored {
            Ok(()) => FromModule::StateRestored { id },
            Err(failure) => FromModule::Nack { id, error: failure.as_str().to_owned() },
        });
    }

    fn report(&self, hook: &str, done: Result<(), Failure>) {
        if let Err(failure) = done {
            self.log(LogLevel::Error, &format!("hook {hook} failed: {failure}"), Value::Null);
        }
    }

    fn log(&self, level: LogLevel, msg: &str, data: Value) {
        let data = (!data.is_null()).then_some(Opaque(data));
        self.core.say(&FromModule::Log { level, msg: msg.to_owned(), data, topic: None });
    }

    // Ending.

    /// Begins the end, once: the first reason counts.
    fn stop(&self, outcome: Outcome) {
        lock(&self.outcome).get_or_insert(outcome);
        for call in self.jobs.stop() {
            self.core.answer(&call.serving, Err("shutting down".to_owned()));
        }
    }

    /// The last steps, on the thread that owns the hooks.
    fn finish(&self) -> Outcome {
        self.jobs.drain(DRAIN / 2);
        self.core.disconnect();
        let outcome = lock(&self.outcome).unwrap_or(Outcome::Finished);
        if outcome == Outcome::Finished
            && let Some(hook) = &self.module.hooks.shutdown
        {
            self.report("shutdown", guard(|| hook(&Handle::new(self.core.clone()))));
        }
        *lock(&self.over) = true;
        self.over_changed.notify_all();
        outcome
    }

    /// On the reading thread, after the end of the pipe: a handler that never returns must not leave an orphan.
    fn leave_when_overdue(&self, at_end: AtEnd) {
        // What a handler waits for will not come any more.
        self.core.disconnect();
        if at_end == AtEnd::LeaveProcess {
            let waited = self.over_changed.wait_timeout_while(lock(&self.over), DRAIN, |over| !*over);
            let over = waited.map_or_else(|poisoned| *poisoned.into_inner().0, |(over, _)| *over);
            if !over {
                std::process::exit(0);
            }
        }
    }
}

/// Runs the user's code. A panic is a failure like any other: its text went to stderr already.
fn guard<T>(code: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|_| Err(Failure::new("the handler panicked")))
}

/// Reads what is there; `None` at the end, which a broken pipe is too.
fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match input.read(buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
