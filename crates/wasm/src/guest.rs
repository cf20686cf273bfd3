//! One instance's store and the seven functions it exports, and the two ways to call them: on the caller's stack, or
//! on a stack of its own that can be left while it waits.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::TypedFunc;
use wasmtime::{Store, UpdateDeadline};

use crate::Limits;
use crate::fault::{self, EntryPoint, Fault};
use crate::limits::{PAYLOAD_BYTES_MAX, STATE_BYTES_MAX, kept};
use crate::module::Module;
use crate::services::{Level, Services};
use crate::state::{Context, Identity, State};
use crate::stdio::Scribble;
use crate::stop::STOP_CHECK_TICKS;
use crate::world::{self, Streams};

/// Bytes that are handed in: shared, so that the buffer can be used again once the guest has its copy.
pub(crate) type Bytes = Arc<Vec<u8>>;

type Unit = (Result<(), String>,);
type Given = (Result<Vec<u8>, String>,);
type Kept = (Result<(u32, Vec<u8>), String>,);

/// One entry with what is handed in.
#[derive(Clone)]
pub(crate) enum Job {
    Init,
    Message(u32, Bytes),
    Call(String, String, Bytes),
    Health,
    Save,
    Restore(u32, Bytes),
    Shutdown,
}

impl Job {
    pub(crate) fn entry(&self) -> EntryPoint {
        match self {
            Self::Init => EntryPoint::Init,
            Self::Message(..) => EntryPoint::Message,
            Self::Call(..) => EntryPoint::Call,
            Self::Health => EntryPoint::Health,
            Self::Save => EntryPoint::Save,
            Self::Restore(..) => EntryPoint::Restore,
            Self::Shutdown => EntryPoint::Shutdown,
        }
    }
}

/// What a module saved for its successor.
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    /// The module's own version of the form.
    pub version: u32,
    /// The bytes.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Saved(version {}, {} bytes)", self.version, self.data.len())
    }
}

/// What an entry gave.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done, and there is nothing to give.
    Nothing,
    /// The result of a call.
    Bytes(Vec<u8>),
    /// The state for a successor.
    Saved(Saved),
    /// The guest's own error, cut to 4 KiB. The instance lives on.
    Failed(String),
}

impl std::fmt::Debug for Answer {
    /// Without payloads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => write!(f, "Nothing"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Saved(saved) => saved.fmt(f),
            Self::Failed(error) => write!(f, "Failed({error:?})"),
        }
    }
}

/// The exports, looked up once.
struct Exports {
    init: TypedFunc<(), Unit>,
    message: TypedFunc<(u32, Bytes), Unit>,
    call: TypedFunc<(String, String, Bytes), Given>,
    health: TypedFunc<(), Unit>,
    save: TypedFunc<(), Kept>,
    restore: TypedFunc<(u32, Bytes), Unit>,
    shutdown: TypedFunc<(), ()>,
}

impl Exports {
    fn of(
        instance: &wasmtime::component::Instance,
        store: &mut Store<State>,
        module: &Module,
    ) -> wasmtime::Result<Self> {
        let [init, message, call, health, save, restore, shutdown] = module.indices();
        Ok(Self {
            init: instance.get_typed_func(&mut *store, init)?,
            message: instance.get_typed_func(&mut *store, message)?,
            call: instance.get_typed_func(&mut *store, call)?,
            health: instance.get_typed_func(&mut *store, health)?,
            save: instance.get_typed_func(&mut *store, save)?,
            restore: instance.get_typed_func(&mut *store, restore)?,
            shutdown: instance.get_typed_func(&mut *store, shutdown)?,
        })
    }
}

/// A store with its exports. Whoever holds it may enter it; it is dropped after any fault.
pub(crate) struct Guest {
    pub(crate) store: Store<State>,
    exports: Exports,
    scribble: Option<Scribble>,
}

impl Guest {
    /// A store with its bounds and its world, for one guest of `module`.
    pub(crate) fn store(
        module: &Module,
        identity: Identity,
        limits: Limits,
        services: Box<dyn Services>,
    ) -> Result<(Store<State>, Option<Scribble>), Fault> {
        let engine = module.engine().clone();
        let mut state = State::new(engine, identity, limits, module.secrets(), services);
        let mut scribble = None;
        if module.wants_world() {
            let written = Scribble::default();
            let streams =
                Streams { stdin: None, stdout: Some(written.outlet()), stderr: Some(written.outlet()) };
            let world = world::context(module.grant(), streams)
                .map_err(|error| Fault::NotMade { what: error.to_string(), bound: None })?;
            state.give_world(world);
            scribble = Some(written);
        }
        let mut store = Store::new(module.engine().wasmtime(), state);
        store.limiter(|state| &mut state.limiter);
        // A look now and then whether it is to end, and at its deadline: between two looks nothing is paid.
        store.epoch_deadline_callback(|mut context| {
            context.data_mut().keep_pace();
            let left = context.data().ticks_to_next_look();
            Ok(left.map_or(UpdateDeadline::Interrupt, UpdateDeadline::Continue))
        });
        store.set_hostcall_fuel(LIFTED_BYTES_MAX);
        Ok((store, scribble))
    }

    pub(crate) fn of(
        module: &Module,
        instance: &wasmtime::component::Instance,
        mut store: Store<State>,
        scribble: Option<Scribble>,
    ) -> wasmtime::Result<Self> {
        let exports = Exports::of(instance, &mut store, module)?;
        Ok(Self { store, exports, scribble })
    }

    /// Sets the deadline and the fuel of one entry.
    pub(crate) fn begin(&mut self, context: Context) {
        begin(&mut self.store, context);
    }

    /// Calls on the caller's stack; for guests that never wait.
    pub(crate) fn enter(&mut self, job: Job) -> wasmtime::Result<Answer> {
        let (store, exports) = (&mut self.store, &self.exports);
        match job {
            Job::Init => exports.init.call(store, ()).map(unit),
            Job::Message(topic, payload) => exports.message.call(store, (topic, payload)).map(unit),
            Job::Call(service, method, params) => {
                exports.call.call(store, (service, method, params)).map(bytes)
            }
            Job::Health => exports.health.call(store, ()).map(unit),
            Job::Save => exports.save.call(store, ()).map(saved),
            Job::Restore(version, data) => exports.restore.call(store, (version, data)).map(unit),
            Job::Shutdown => exports.shutdown.call(store, ()).map(|()| Answer::Nothing),
        }
    }

    /// The same on a stack of its own.
    pub(crate) async fn enter_async(&mut self, job: Job) -> wasmtime::Result<Answer> {
        let (store, exports) = (&mut self.store, &self.exports);
        match job {
            Job::Init => exports.init.call_async(store, ()).await.map(unit),
            Job::Message(topic, payload) => {
                exports.message.call_async(store, (topic, payload)).await.map(unit)
            }
            Job::Call(service, method, params) => {
                exports.call.call_async(store, (service, method, params)).await.map(bytes)
            }
            Job::Health => exports.health.call_async(store, ()).await.map(unit),
            Job::Save => exports.save.call_async(store, ()).await.map(saved),
            Job::Restore(version, data) => exports.restore.call_async(store, (version, data)).await.map(unit),
            Job::Shutdown => exports.shutdown.call_async(store, ()).await.map(|()| Answer::Nothing),
        }
    }

    /// Judges what an entry gave: time over after the last check in the guest, or more than may be.
    pub(crate) fn finish(
        &mut self,
        entry: EntryPoint,
        result: wasmtime::Result<Answer>,
    ) -> Result<Answer, Fault> {
        let late = self.store.data().is_late();
        if let Some(scribble) = &self.scribble {
            let state = self.store.data_mut();
            scribble.drain(|line| state.log(Level::Info, line));
        }
        self.store.data_mut().end();
        let answer = result.map_err(|error| fault_of(&self.store, &error, entry))?;
        let state = self.store.data();
        if late {
            let deadline = allowed(state);
            return Err(Fault::Deadline { entry, deadline, frames: fault::Frames::default() });
        }
        let (bytes, max) = match &answer {
            Answer::Bytes(bytes) => (bytes.len(), PAYLOAD_BYTES_MAX),
            Answer::Saved(saved) => (saved.data.len(), STATE_BYTES_MAX),
            Answer::Nothing | Answer::Failed(_) => (0, 0),
        };
        if bytes > max { Err(Fault::Answer { entry, bytes, max }) } else { Ok(answer) }
    }
}

/// 17 MiB of strings and lists are copied out of a guest in one call: the largest state, and what goes with it.
const LIFTED_BYTES_MAX: usize = STATE_BYTES_MAX + (1 << 20);

/// Sets the deadline and the fuel of one entry.
pub(crate) fn begin(store: &mut Store<State>, context: Context) {
    let ticks = store.data_mut().begin(context);
    store.set_epoch_deadline(ticks.min(STOP_CHECK_TICKS));
    if store.data().counts_fuel() {
        // Without a bound of its own a guest has all there is, and its deadline ends it.
        let fuel = store.data().limits.fuel.unwrap_or(u64::MAX);
        store.set_fuel(fuel).expect("the engine was asked whether it counts");
    }
}

/// What wasmtime's error means for this store.
pub(crate) fn fault_of(store: &Store<State>, error: &wasmtime::Error, entry: EntryPoint) -> Fault {
    let state = store.data();
    fault::of(error, entry, allowed(state), state.limits.fuel.unwrap_or(0), state.limiter.hit())
}

fn allowed(state: &State) -> Duration {
    let own = state.context.deadline_ms.map(Duration::from_millis);
    own.map_or(state.limits.deadline, |own| own.min(state.limits.deadline))
}

fn unit((result,): Unit) -> Answer {
    result.map_or_else(|error| failed(&error), |()| Answer::Nothing)
}

fn bytes((result,): Given) -> Answer {
    result.map_or_else(|error| failed(&error), Answer::Bytes)
}

fn saved((result,): Kept) -> Answer {
    result.map_or_else(|error| failed(&error), |(version, data)| Answer::Saved(Saved { version, data }))
}

fn failed(error: &str) -> Answer {
    Answer::Failed(kept(error).to_owned())
}
