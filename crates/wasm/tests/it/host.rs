//! A host's side for tests: it remembers what it was asked, and does what the test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use abi::{Generation, ModuleId, Name};
use wasm::{
    BusRefusal, CallFailure, Called, ConfigRefusal, Engine, EngineOptions, Grant, Identity, Instance, Level,
    Limits, Module, Purpose, Request, SecretRefusal, Services, Ticket, Wished,
};

/// What was asked and what is to be answered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) lines: Vec<(Level, String)>,
    pub(crate) published: Vec<(u32, Vec<u8>)>,
    pub(crate) opened: Vec<(u32, String, Purpose)>,
    pub(crate) calls: Vec<(Ticket, String, String, Vec<u8>, u64)>,
    pub(crate) secrets_asked: Vec<String>,
    pub(crate) config: BTreeMap<String, String>,
    pub(crate) denied_topics: Vec<String>,
    /// What is done while the clock is asked: the slow host function of some tests.
    pub(crate) on_clock: Option<fn()>,
    pub(crate) clock_asked: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Host {
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Services for Host {
    fn log(&mut self, level: Level, line: &str) {
        self.seen.lock().unwrap().lines.push((level, line.to_owned()));
    }

    fn config(&mut self, key: &Name) -> Result<Option<String>, ConfigRefusal> {
        Ok(self.seen.lock().unwrap().config.get(key.as_str()).cloned())
    }

    fn open(&mut self, topic: u32, name: &Name, purpose: Purpose) -> Result<(), BusRefusal> {
        let mut seen = self.seen.lock().unwrap();
        if seen.denied_topics.iter().any(|denied| denied == name.as_str()) {
            return Err(BusRefusal::Denied);
        }
        seen.opened.push((topic, name.as_str().to_owned(), purpose));
        Ok(())
    }

    fn publish(&mut self, topic: u32, payload: &[u8]) -> Result<(), BusRefusal> {
        self.seen.lock().unwrap().published.push((topic, payload.to_vec()));
        Ok(())
    }

    fn call(&mut self, request: Request<'_>) -> Called {
        let (service, method) = (request.service.to_owned(), request.method.to_owned());
        let asked = (request.ticket, service, method, request.params.to_vec(), request.deadline_ms);
        self.seen.lock().unwrap().calls.push(asked);
        Called::Waiting
    }

    fn secret(&mut self, _: Ticket, name: &str) -> Wished {
        self.seen.lock().unwrap().secrets_asked.push(name.to_owned());
        Wished::Waiting
    }

    fn secret_of(&mut self, answer: Result<Vec<u8>, CallFailure>) -> Result<Vec<u8>, SecretRefusal> {
        answer.map_err(|_| SecretRefusal::Missing)
    }

    fn monotonic_ns(&mut self) -> u64 {
        let (slow, asked) = {
            let mut seen = self.seen.lock().unwrap();
            seen.clock_asked += 1;
            (seen.on_clock, seen.clock_asked)
        };
        if let Some(slow) = slow {
            slow();
        }
        asked
    }

    fn wall_ms(&mut self) -> u64 {
        0
    }
}

/// 64 instances: what one test needs at most; the pool's address space is shared by all tests of this process.
pub(crate) fn engine() -> Engine {
    Engine::try_new(EngineOptions { instances_max: 64, ..EngineOptions::STANDARD }).unwrap()
}

pub(crate) fn id() -> ModuleId {
    ModuleId::parse("guest").unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity { module: id(), generation: Generation(7) }
}

pub(crate) fn grant() -> Grant {
    Grant::nothing(id())
}

pub(crate) fn module(engine: &Engine, text: &str) -> Module {
    Module::compile(engine, text.as_bytes(), grant()).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

pub(crate) fn instance(engine: &Engine, text: &str, limits: Limits) -> (Instance, Host) {
    let host = Host::default();
    let module = module(engine, text);
    let instance = Instance::try_new(&module, identity(), limits, Box::new(host.clone())).unwrap();
    (instance, host)
}

/// An error with all its causes, as an operator sees it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
