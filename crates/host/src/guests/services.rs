//! What a guest's imports become: frames to the kernel, which decides about them as about any module's.
//!
//! Called on the guest's own thread, in the middle of its code: nothing here waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use abi::{Name, Pattern};
use kernel::{CallContext, Incoming, KernelCall, Word};
use protocol::decode::{Raw, decode_kernel_call};
use protocol::files::config;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use store::{Level, LogLine, Source};
use wasm::{
    BusRefusal, CallFailure, Called, ConfigRefusal, Purpose, Request, SecretRefusal, Services, Ticket, Wished,
};

use super::frames::{FRAME_BYTES, json_of, word_of};
use super::post::{News, Post, Sent};
use crate::clock::wall_now;
use crate::translate::kernel_call;

/// The service that is no module's: a call of it is a call to the kernel itself (contract A6).
const KERNEL: &str = "kernel";

/// Where changes of watched variables come.
const CONTEXT_TOPIC: &str = "kernel.context";

/// 1,024 cancellations are remembered: as many calls may be open.
const CANCELLED_MAX: usize = abi::limits::CALLS_PENDING_MAX;

/// What both threads of a guest know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    config: Mutex<Section>,
    cancelled: Mutex<BTreeSet<u64>>,
    memory_bytes: AtomicU64,
    settled: AtomicBool,
}

/// A module's own section of the configuration.
#[derive(Debug, Default)]
struct Section {
    key: Option<String>,
    /// `{[key]: section}`.
    values: Map<String, Value>,
}

impl Shared {
    /// From now on this is its section; `values` is `{[key]: section}`.
    pub(super) fn configure(&self, key: Option<String>, values: Map<String, Value>) {
        *locked(&self.config) = Section { key, values };
    }

    /// The caller of this hop gave up; a call that was not begun is not.
    pub(super) fn cancel(&self, hop: u64) {
        let mut cancelled = locked(&self.cancelled);
        if cancelled.len() < CANCELLED_MAX {
            cancelled.insert(hop);
        }
    }

    pub(super) fn was_cancelled(&self, hop: u64) -> bool {
        locked(&self.cancelled).contains(&hop)
    }

    pub(super) fn forget_cancelled(&self, hop: u64) {
        locked(&self.cancelled).remove(&hop);
    }

    /// It lives in its hall: from now on its actor tells its end.
    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(super) fn note_memory(&self, bytes: u64) {
        self.memory_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What lies in them is changed in single steps, so a panic elsewhere left it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The topics that one instance has opened.
#[derive(Debug, Clone, Default)]
pub(super) struct Topics(Arc<Mutex<Opened>>);

#[derive(Debug, Default)]
struct Opened {
    names: BTreeMap<u32, Word>,
    heard: BTreeMap<String, u32>,
}

impl Topics {
    /// The number under which a topic is heard, if it is.
    pub(super) fn heard(&self, topic: &str) -> Option<u32> {
        locked(&self.0).heard.get(topic).copied()
    }
}

/// The host's side of one instance's imports.
pub(super) struct Bus {
    pub(super) post: Post,
    pub(super) shared: Arc<Shared>,
    pub(super) topics: Topics,
    /// Topics that it may hear, patterns among them; which ones it hears is decided for each message.
    pub(super) may_hear: Arc<BTreeSet<Name>>,
    pub(super) born: Instant,
}

impl Bus {
    fn may_hear(&self, topic: &Name) -> bool {
        // Each watch of a variable is allowed for itself; to listen to one's own is no right.
        if topic.as_str() == CONTEXT_TOPIC {
            return true;
        }
        let stands_for = |allowed: &Name| match Pattern::parse(allowed.as_str()) {
            Some(pattern) => pattern.matches(topic.as_str()),
            None => allowed == topic,
        };
        self.may_hear.iter().any(stands_for)
    }

    fn incoming(&self, request: &Request<'_>) -> Result<Incoming, CallFailure> {
        let failed = |why: String| CallFailure::Failed(why);
        let name = |text: &str| Word::parse(text).map_err(|error| failed(format!("the name {error}")));
        let (id, method) = (word_of(request.ticket.0), name(request.method)?);
        let params = json_of(request.params.to_vec());
        let params = params.map_err(|why| failed(format!("the parameters are not JSON: {why}")))?;
        if request.service == KERNEL {
            let raw = params
                .as_ref()
                .and_then(|params| serde_json::from_slice::<&RawValue>(params.as_bytes()).ok());
            let raw = raw.map(Raw::from);
            let call = kernel_call(decode_kernel_call(request.method, raw));
            return Ok(Incoming::KernelCall { id, call: call.unwrap_or(KernelCall::Unknown(method)) });
        }
        let context = CallContext { deadline_ms: Some(request.deadline_ms), traceparent: None };
        Ok(Incoming::Call { id, service: name(request.service)?, method, params, context })
    }
}

impl Services for Bus {
    fn log(&mut self, level: wasm::Level, line: &str) {
        let level = match level {
            wasm::Level::Trace => Level::Trace,
            wasm::Level::Debug => Level::Debug,
            wasm::Level::Info => Level::Info,
            wasm::Level::Warn => Level::Warn,
            wasm::Level::Error => Level::Error,
            wasm::Level::Fatal => Level::Fatal,
        };
        let said = LogLine::new(level, Source::Log, line);
        // A guest that logs faster than the kernel takes it loses lines, as at a full disk.
        let _sent = self.post.try_send(News::Line(said), line.len() + FRAME_BYTES);
    }

    fn config(&mut self, key: &Name) -> Result<Option<String>, ConfigRefusal> {
        let section = locked(&self.shared.config);
        let own = section.key.as_deref().ok_or(ConfigRefusal::Denied)?;
        if key.as_str().split('.').any(str::is_empty) {
            return Err(ConfigRefusal::Invalid);
        }
        if key.as_str().split('.').next() != Some(own) {
            return Err(ConfigRefusal::Denied);
        }
        Ok(config::get(&section.values, key.as_str()).map(Value::to_string))
    }

    fn open(&mut self, topic: u32, name: &Name, purpose: Purpose) -> Result<(), BusRefusal> {
        let is_reserved = name.as_str().starts_with("system:") || name.as_str().starts_with("kernel.");
        let is_allowed = match purpose {
            Purpose::Publish => !is_reserved,
            Purpose::Subscribe => self.may_hear(name),
        };
        if !is_allowed {
            return Err(BusRefusal::Denied);
        }
        let mut opened = locked(&self.topics.0);
        opened.names.insert(topic, Word::from(name));
        if purpose == Purpose::Subscribe {
            opened.heard.insert(name.as_str().to_owned(), topic);
        }
        Ok(())
    }

    fn publish(&mut self, topic: u32, payload: &[u8]) -> Result<(), BusRefusal> {
        let name = locked(&self.topics.0).names.get(&topic).cloned().ok_or(BusRefusal::Invalid)?;
        let payload = json_of(payload.to_vec()).ok().flatten().ok_or(BusRefusal::Invalid)?;
        let bytes = payload.len() + FRAME_BYTES;
        let said = Incoming::Publish { topic: name, payload, context: CallContext::default() };
        match self.post.try_send(News::Said(said), bytes) {
            Sent::Taken => Ok(()),
            Sent::Full => Err(BusRefusal::Full),
        }
    }

    fn call(&mut self, request: Request<'_>) -> Called {
        let bytes = request.params.len() + FRAME_BYTES;
        let said = match self.incoming(&request) {
            Ok(said) => said,
            Err(failure) => return Called::Answered(Err(failure)),
        };
        match self.post.try_send(News::Said(said), bytes) {
            Sent::Taken => Called::Waiting,
            Sent::Full => Called::Answered(Err(CallFailure::Overloaded)),
        }
    }

    fn secret(&mut self, ticket: Ticket, name: &str) -> Wished {
        let Ok(name) = Word::parse(name) else { return Wished::Answered(Err(SecretRefusal::Missing)) };
        let said = Incoming::KernelCall { id: word_of(ticket.0), call: KernelCall::SecretGet(name) };
        match self.post.try_send(News::Said(said), FRAME_BYTES) {
            Sent::Taken => Wished::Waiting,
            Sent::Full => Wished::Answered(Err(SecretRefusal::Unavailable)),
        }
    }

    fn secret_of(&mut self, answer: Result<Vec<u8>, CallFailure>) -> Result<Vec<u8>, SecretRefusal> {
        match answer {
            Ok(mut json) => {
                let secret = serde_json::from_slice::<String>(&json);
                vault::wipe(&mut json);
                secret.map(String::into_bytes).map_err(|_| SecretRefusal::Unavailable)
            }
            Err(CallFailure::Failed(why)) if why == crate::secrets::NOT_FOUND => Err(SecretRefusal::Missing),
            // It was granted when this life began, and is no more.
            Err(CallFailure::Failed(why)) if why.starts_with("Security violation") => {
                Err(SecretRefusal::Denied)
            }
            Err(_) => Err(SecretRefusal::Unavailable),
        }
    }

    fn monotonic_ns(&mut self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wall_ms(&mut self) -> u64 {
        wall_now().0
    }
}
