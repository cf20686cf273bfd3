//! What a module offers, and how it is started.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::call::{Call, Message};
use crate::engine::{self, AtEnd};
use crate::failure::Failure;
use crate::handle::Handle;
use crate::stdio;

/// EX_USAGE of sysexits(3): the program was started by hand.
const EXIT_MISUSE: u8 = 64;

pub(crate) type ServiceFn = Box<dyn Fn(Call) -> Result<Value, Failure> + Send + Sync>;
pub(crate) type TopicFn = Box<dyn Fn(Message) -> Result<(), Failure> + Send + Sync>;
pub(crate) type HookFn = Box<dyn Fn(&Handle) -> Result<(), Failure> + Send + Sync>;
pub(crate) type NameFn = Box<dyn Fn(&Handle, &str) -> Result<(), Failure> + Send + Sync>;
pub(crate) type SaveFn = Box<dyn Fn(&Handle) -> Result<Value, Failure> + Send + Sync>;
pub(crate) type RestoreFn = Box<dyn Fn(&Handle, Value, &str) -> Result<(), Failure> + Send + Sync>;
pub(crate) type KernelCallFn = Box<dyn Fn(&Handle, &str, Value) -> Result<Value, Failure> + Send + Sync>;

/// On which threads handlers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handlers {
    /// On the reading thread, one at a time: the least memory and the least delay. Pings wait while a handler runs, a
    /// handler cannot wait for calls of its own, and a stream is as long as one window.
    Inline,
    /// On this many threads, at least one, while another one reads. Hooks and messages keep their order; calls run
    /// side by side when there is more than one.
    Threads(u32),
}

/// How a module ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel asked for it, or went away.
    Finished,
    /// `on_init` failed; the kernel was told why.
    InitFailed,
}

/// A module: what it offers. [`Module::run`] starts it.
#[must_use = "a module does nothing until it runs"]
pub struct Module {
    pub(crate) services: BTreeMap<String, ServiceFn>,
    pub(crate) topics: BTreeMap<String, TopicFn>,
    pub(crate) hooks: Hooks,
    pub(crate) handlers: Handlers,
    pub(crate) version: String,
}

/// What is done at the moments of the module's life.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) install: Option<HookFn>,
    pub(crate) init: Option<HookFn>,
    pub(crate) ready: Option<HookFn>,
    pub(crate) service_available: Option<NameFn>,
    pub(crate) config: Option<HookFn>,
    pub(crate) save: Option<SaveFn>,
    pub(crate) restore: Option<RestoreFn>,
    pub(crate) kernel_call: Option<KernelCallFn>,
    pub(crate) shutdown: Option<HookFn>,
}

impl Default for Module {
    fn default() -> Self {
        Self::new()
    }
}

impl Module {
    /// A module that offers nothing yet; its handlers run on one thread.
    pub fn new() -> Self {
        Self {
            services: BTreeMap::new(),
            topics: BTreeMap::new(),
            hooks: Hooks::default(),
            handlers: Handlers::Threads(1),
            version: "0.0.0".to_owned(),
        }
    }

    /// Offers a service. A second one of the same name takes the place of the first.
    pub fn service(
        mut self,
        name: &str,
        handler: impl Fn(Call) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.services.insert(name.to_owned(), Box::new(handler));
        self
    }

    /// Listens to a topic. A second handler of the same topic takes the place of the first.
    pub fn on(
        mut self,
        topic: &str,
        handler: impl Fn(Message) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.topics.insert(topic.to_owned(), Box::new(handler));
        self
    }

    /// Chooses the threads; default: one for handlers.
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    /// The version that goes with a saved state; default `0.0.0`.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    /// At the first start ever, before `on_init`.
    pub fn on_install(
        mut self,
        hook: impl Fn(&Handle) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.install = Some(Box::new(hook));
        self
    }

    /// Before the module is ready, with its configuration there. A failure ends the module and is what the operator
    /// reads.
    pub fn on_init(mut self, hook: impl Fn(&Handle) -> Result<(), Failure> + Send + Sync + 'static) -> Self {
        self.hooks.init = Some(Box::new(hook));
        self
    }

    /// When everything the module requires is up. Start threads here that work for as long as they like.
    pub fn on_ready(mut self, hook: impl Fn(&Handle) -> Result<(), Failure> + Send + Sync + 'static) -> Self {
        self.hooks.ready = Some(Box::new(hook));
        self
    }

    /// When an optional service, given by name, has come up.
    pub fn on_service_available(
        mut self,
        hook: impl Fn(&Handle, &str) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.service_available = Some(Box::new(hook));
        self
    }

    /// When the configuration changed; the handle has the new one.
    pub fn on_config(
        mut self,
        hook: impl Fn(&Handle) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.config = Some(Box::new(hook));
        self
    }

    /// Gives the state that the next life needs to go on.
    pub fn on_save(
        mut self,
        hook: impl Fn(&Handle) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.save = Some(Box::new(hook));
        self
    }

    /// Takes over the state of the life before, with the version that saved it.
    pub fn on_restore(
        mut self,
        hook: impl Fn(&Handle, Value, &str) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.restore = Some(Box::new(hook));
        self
    }

    /// Answers calls that the kernel itself makes, by method and params.
    pub fn on_kernel_call(
        mut self,
        hook: impl Fn(&Handle, &str, Value) -> Result<Value, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.kernel_call = Some(Box::new(hook));
        self
    }

    /// The last act before the module ends, when running calls are over.
    pub fn on_shutdown(
        mut self,
        hook: impl Fn(&Handle) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.shutdown = Some(Box::new(hook));
        self
    }

    /// Takes stdin and stdout away, connects to the kernel on them and serves until it is told to end.
    ///
    /// Gives 0 when the kernel asked for the end or went away, 1 when the initialisation failed, and 64 when started
    /// by hand on a terminal, after saying how to start it.
    pub fn run(self) -> ExitCode {
        if std::io::stdin().is_terminal() {
            return explain_to_a_person();
        }
        let pipes = match stdio::take() {
            Ok(pipes) => pipes,
            Err(problem) => {
                drop(writeln!(std::io::stderr(), "cannot take over stdin and stdout: {problem}"));
                return ExitCode::FAILURE;
            }
        };
        match engine::run(self, pipes.input, pipes.output, AtEnd::LeaveProcess) {
            Outcome::Finished => ExitCode::SUCCESS,
            Outcome::InitFailed => ExitCode::FAILURE,
        }
    }

    /// Serves on any two streams, for tests: the kernel's lines come from `input`, the module's go to `output`.
    pub fn serve(self, input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> Outcome {
        engine::run(self, input, output, AtEnd::WaitForHandlers)
    }

    /// What `ready` carries. The kernel decides by the manifest on disk; this tells a person who looks at the wire.
    pub(crate) fn manifest(&self) -> Value {
        json!({
            "version": self.version,
            "provides": self.services.keys().collect::<Vec<_>>(),
            "subscribes": self.topics.keys().collect::<Vec<_>>(),
        })
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("services", &self.services.keys())
            .field("topics", &self.topics.keys())
            .field("handlers", &self.handlers)
            .finish_non_exhaustive()
    }
}

fn explain_to_a_person() -> ExitCode {
    let program = std::env::args().next().unwrap_or_else(|| "this program".to_owned());
    let text = format!(
        "{program} is an Ostoja module: the kernel starts it and talks to it over a pipe.\n\
         List it in ostoja.yaml (modules: {{name: {{run: {program}, protocol: lines}}}}) and type: ostoja up"
    );
    drop(writeln!(std::io::stderr(), "{text}"));
    ExitCode::from(EXIT_MISUSE)
}
