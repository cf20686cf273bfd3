//! Plain `wasi:cli` commands: any program compiled for WASI 0.2, run to its end or for as long as the module lives.
//!
//! A command runs on the caller's thread, which it keeps: give it one of its own. Its standard streams are bounded and
//! in memory, so what it writes can be the module door's JSON lines or plain text, as the host likes. It can be stopped
//! at any time from another thread, in its own code and in a wait alike.

use std::fmt;
use std::future::Future as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::check;
use crate::compile;
use crate::engine::Engine;
use crate::fault::{self, EntryPoint, Fault, Frames};
use crate::grant::Grant;
use crate::module::{ModuleError, chain};
use crate::state::Limiter;
use crate::stdio::{Inlet, Outlet};
use crate::stop::{STOP_CHECK_TICKS, Stop};
use crate::world::{self, Streams};

/// What one command may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLimits {
    /// Wall-clock time from its start to its end; nothing for one that runs as long as its module.
    pub deadline: Option<Duration>,
    /// Bytes of linear memory; not above the engine's ceiling of 256 MiB.
    pub memory_bytes_max: u64,
    /// Elements of all tables together.
    pub table_elements_max: u64,
}

impl CommandLimits {
    /// What a long-running command gets that asks for nothing: no deadline, 64 MiB.
    pub const STANDARD: Self =
        Self { deadline: None, memory_bytes_max: 64 << 20, table_elements_max: 10_000 };
}

/// How a command ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 0 is success.
    pub code: i32,
}

struct CommandState {
    ctx: WasiCtx,
    table: ResourceTable,
    limiter: Limiter,
}

impl WasiView for CommandState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.ctx, table: &mut self.table }
    }
}

/// A compiled command, ready to run any number of times. Cheap to clone.
#[derive(Clone)]
pub struct Command {
    engine: Engine,
    pre: CommandPre<CommandState>,
    grant: Arc<Grant>,
}

impl Command {
    /// Checks and compiles a command, given in the binary form or as text. For an event loop as unfit as
    /// [`Module::compile`](crate::Module::compile).
    ///
    /// # Errors
    /// As `Module::compile`; `Import` also when it does not export `wasi:cli/run`.
    pub fn compile(engine: &Engine, bytes: &[u8], grant: Grant) -> Result<Self, ModuleError> {
        let binary = check::to_binary(bytes).map_err(ModuleError::Check)?;
        check::component(&binary, &grant).map_err(ModuleError::Check)?;
        let component = compile::component(engine, &binary).map_err(ModuleError::Compile)?;
        let mut linker = Linker::new(engine.wasmtime());
        let pre = world::add_to(&mut linker)
            .and_then(|()| linker.instantiate_pre(&component))
            .and_then(CommandPre::new)
            .map_err(|error| ModuleError::Import { reason: chain(&error) })?;
        world::context(&grant, Streams::default()).map_err(ModuleError::World)?;
        Ok(Self { engine: engine.clone(), pre, grant: Arc::new(grant) })
    }

    /// Runs it to its end on this thread.
    ///
    /// # Errors
    /// `Deadline` when its time is over, `Trapped` when it traps or was stopped, `NotMade` when the pool is full, and
    /// `WrongThread` inside of an executor.
    pub fn run(
        &self,
        limits: CommandLimits,
        stdin: Inlet,
        stdout: Outlet,
        stderr: Outlet,
        stop: &Stop,
    ) -> Result<Exit, Fault> {
        let entry = EntryPoint::Run;
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Fault::WrongThread { entry });
        }
        let not_made = |what: String| Fault::NotMade { what, bound: None };
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| not_made(format!("no timer can be made: {error}")))?;
        let streams = Streams { stdin: Some(stdin), stdout: Some(stdout), stderr: Some(stderr) };
        let ctx = world::context(&self.grant, streams).map_err(|error| not_made(error.to_string()))?;
        let mut store = self.store(ctx, limits, stop);
        executor.block_on(self.run_until(&mut store, limits, stop))
    }

    fn store(&self, ctx: WasiCtx, limits: CommandLimits, stop: &Stop) -> Store<CommandState> {
        let limiter = Limiter::new(limits.memory_bytes_max, limits.table_elements_max);
        let state = CommandState { ctx, table: ResourceTable::new(), limiter };
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        let (stop, end) = (stop.clone(), limits.deadline.map(|deadline| Instant::now() + deadline));
        store.set_epoch_deadline(STOP_CHECK_TICKS);
        store.epoch_deadline_callback(move |_| {
            stop.look();
            let late = end.is_some_and(|end| Instant::now() >= end);
            let over = late || stop.is_wanted();
            Ok(if over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(STOP_CHECK_TICKS) })
        });
        // An engine that counts instructions would give a store none at all: a command's bound is its deadline.
        let _ = store.set_fuel(u64::MAX);
        store
    }

    async fn run_until(
        &self,
        store: &mut Store<CommandState>,
        limits: CommandLimits,
        stop: &Stop,
    ) -> Result<Exit, Fault> {
        let ended = {
            let mut work = std::pin::pin!(async {
                let command = self.pre.instantiate_async(&mut *store).await?;
                command.wasi_cli_run().call_run(&mut *store).await
            });
            // The clock runs only while the guest does, not while it waits: an idle command costs nothing.
            let guest = std::future::poll_fn(|cx| {
                let _running = self.engine.running();
                work.as_mut().poll(cx)
            });
            let mut cut = std::pin::pin!(cut_off(limits.deadline, stop));
            let mut guest = std::pin::pin!(guest);
            std::future::poll_fn(|cx| {
                if cut.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                guest.as_mut().poll(cx).map(Some)
            })
            .await
        };
        let Some(ended) = ended else { return Err(cut(limits, stop, Frames::default())) };
        let error = match ended {
            Ok(Ok(())) => return Ok(Exit { code: 0 }),
            Ok(Err(())) => return Ok(Exit { code: 1 }),
            Err(error) => error,
        };
        let deadline = limits.deadline.unwrap_or(Duration::MAX);
        match fault::of(&error, EntryPoint::Run, deadline, 0, store.data().limiter.hit()) {
            Fault::Exited { code, .. } => Ok(Exit { code }),
            Fault::Deadline { frames, .. } => Err(cut(limits, stop, frames)),
            fault => Err(fault),
        }
    }
}

/// Ends when the command was stopped or its time is over.
async fn cut_off(deadline: Option<Duration>, stop: &Stop) {
    let wanted = stop.until_wanted();
    match deadline {
        // Whether it was one or the other is asked afterwards.
        Some(deadline) => drop(tokio::time::timeout(deadline, wanted).await),
        None => wanted.await,
    }
}

/// It did not end by itself: it was stopped, or its time was over.
fn cut(limits: CommandLimits, stop: &Stop, frames: Frames) -> Fault {
    let entry = EntryPoint::Run;
    match limits.deadline {
        Some(deadline) if !stop.is_wanted() => Fault::Deadline { entry, deadline, frames },
        _ => Fault::Trapped { entry, what: "it was stopped".to_owned(), frames, bound: None },
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").field("grant", &self.grant).finish_non_exhaustive()
    }
}
