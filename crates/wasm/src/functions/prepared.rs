//! A function ready to run: compiled, linked, its exports found; and one call of it.
//!
//! Every call gets an instance of its own, made from the prepared one: nothing that a call leaves in memory, globals or
//! tables is there for the next. One instance that stays warm would save about a microsecond, and let the input of one
//! caller be read by the next: a function is put once and called by many, so that is no choice. The pool makes a fresh
//! one cheap: the place that the last one had is cleared and taken again.

use std::time::{Duration, Instant};

use abi::Payload;
use wasmtime::component::{Component, ComponentExportIndex};
use wasmtime::{InstancePre, Linker, Module, ModuleExport, ResourceLimiter, Store, Trap};

use super::bounds::{JSON_BYTES_MAX, RunLimits, TABLE_ELEMENTS_MAX, WARM_BYTES_EACH};
use super::error::FunctionError;
use super::kernel_imports::{Visit, link_component, link_core};
use super::mapped::{CoreEntry, Missing};
use super::packed::{Says, unpack};
use super::record::Form;
use crate::engine::{Engine, Metering, ticks_of};
use crate::module::chain;

const MEMORY: &str = "a memory `memory`";
const ALLOC: &str = "a function `alloc` with the type (i32) -> i32";
const RUN: &str = "a function `run` with the type (i32, i32) -> i64";
const RUN_COMPONENT: &str = "a function `run` with the type func(input: string) -> result<string, string>";

type Answer = Result<String, String>;

/// Compiled code before it is linked.
pub(super) enum Code {
    Core(Module),
    Component(Component),
}

impl Code {
    pub(super) fn compile(engine: &wasmtime::Engine, form: Form, binary: &[u8]) -> wasmtime::Result<Self> {
        Ok(match form {
            Form::Core => Self::Core(Module::from_binary(engine, binary)?),
            Form::Component => Self::Component(Component::from_binary(engine, binary)?),
        })
    }

    pub(super) fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Core(module) => module.serialize(),
            Self::Component(component) => component.serialize(),
        }
    }
}

/// A function that only needs an input.
pub(super) struct Prepared {
    kind: Kind,
    /// What it holds in memory, about.
    pub(super) bytes: u64,
}

enum Kind {
    Core { pre: InstancePre<CallState>, memory: ModuleExport, entry: CoreEntry },
    Component { pre: wasmtime::component::InstancePre<CallState>, run: ComponentExportIndex },
}

/// What belongs to one call.
pub(super) struct CallState {
    bounds: Bounds,
    pub(super) visit: Option<Visit>,
}

struct Bounds {
    memory_bytes_max: u64,
    memory_was_refused: bool,
}

impl Prepared {
    /// Links compiled code of `code_bytes` and finds its exports.
    pub(super) fn link(engine: &Engine, code: &Code, code_bytes: u64) -> Result<Self, FunctionError> {
        let kind = match code {
            Code::Core(module) => Self::link_core(engine, module)?,
            Code::Component(component) => Self::link_component(engine, component)?,
        };
        Ok(Self { kind, bytes: code_bytes + WARM_BYTES_EACH })
    }

    fn link_core(engine: &Engine, module: &Module) -> Result<Kind, FunctionError> {
        let has_memory = module.get_export("memory").is_some_and(|ty| ty.memory().is_some());
        let memory = module.get_export_index("memory").filter(|_| has_memory);
        let memory = memory.ok_or(FunctionError::Signature { expected: MEMORY })?;
        let entry = CoreEntry::of(module).map_err(signature)?;
        let mut linker = Linker::new(engine.wasmtime());
        link_core(&mut linker).map_err(|error| compile_failed(&error))?;
        let pre = linker.instantiate_pre(module).map_err(|error| compile_failed(&error))?;
        Ok(Kind::Core { pre, memory, entry })
    }

    fn link_component(engine: &Engine, component: &Component) -> Result<Kind, FunctionError> {
        let missing = FunctionError::Signature { expected: RUN_COMPONENT };
        let run = component.get_export_index(None, "run").ok_or_else(|| missing.clone())?;
        let ty = component.component_type();
        let func = match ty.get_export(engine.wasmtime(), "run").map(|found| found.ty) {
            Some(wasmtime::component::types::ComponentItem::ComponentFunc(func)) => func,
            _ => return Err(missing),
        };
        func.typecheck::<(String,), (Answer,)>(&ty.instance_type()).map_err(|_| missing)?;
        let mut linker = wasmtime::component::Linker::new(engine.wasmtime());
        link_component(&mut linker).map_err(|error| compile_failed(&error))?;
        let pre = linker.instantiate_pre(component).map_err(|error| compile_failed(&error))?;
        Ok(Kind::Component { pre, run })
    }

    /// Runs it once in an instance of its own.
    pub(super) fn call(
        &self,
        engine: &Engine,
        limits: &RunLimits,
        visit: Option<Visit>,
        input: &str,
    ) -> Result<Vec<u8>, FunctionError> {
        let bounds = Bounds { memory_bytes_max: limits.memory_bytes_max, memory_was_refused: false };
        let mut store = Store::new(engine.wasmtime(), CallState { bounds, visit });
        store.limiter(|state| &mut state.bounds);
        store.set_epoch_deadline(ticks_of(limits.deadline));
        if engine.options().metering == Metering::Fuel {
            store.set_fuel(limits.fuel.unwrap_or(u64::MAX)).map_err(|error| compile_failed(&error))?;
        } else if limits.fuel.is_some() {
            return Err(FunctionError::FuelNotCounted);
        }
        let running = engine.running();
        let result = match &self.kind {
            Kind::Core { pre, memory, entry } => call_core(&mut store, pre, memory, *entry, input),
            Kind::Component { pre, run } => call_component(&mut store, pre, *run, input),
        };
        drop(running);
        let output = result.map_err(|ended| match ended {
            Ended::Known(error) => error,
            Ended::ByEngine(error) => why(&error, limits, store.data().bounds.memory_was_refused),
        })?;
        json_text(&output).map_err(|(line, column)| FunctionError::OutputNotJson { line, column })?;
        Ok(output)
    }
}

/// A call that gave no result.
enum Ended {
    Known(FunctionError),
    ByEngine(wasmtime::Error),
}

impl From<wasmtime::Error> for Ended {
    fn from(error: wasmtime::Error) -> Self {
        Self::ByEngine(error)
    }
}

fn call_core(
    store: &mut Store<CallState>,
    pre: &InstancePre<CallState>,
    memory: &ModuleExport,
    entry: CoreEntry,
    input: &str,
) -> Result<Vec<u8>, Ended> {
    let missing = |missing| Ended::Known(signature(missing));
    let instance = pre.instantiate(&mut *store)?;
    let memory = instance.get_module_export(&mut *store, memory).and_then(wasmtime::Extern::into_memory);
    let memory = memory.ok_or(Ended::Known(FunctionError::Signature { expected: MEMORY }))?;
    let alloc = entry.alloc(&instance, &mut *store).ok_or(missing(Missing::Alloc))?;
    let run = entry.run(&instance, &mut *store).ok_or(missing(Missing::Run))?;
    let len = u32::try_from(input.len()).map_err(|_| {
        Ended::Known(FunctionError::InputTooLarge { bytes: input.len(), max: JSON_BYTES_MAX })
    })?;

    let at = alloc.call(&mut *store, len)?;
    let outside = || Ended::Known(FunctionError::OutOfMemoryRange);
    memory.write(&mut *store, at as usize, input.as_bytes()).map_err(|_| outside())?;
    let (at, len, says) = unpack(run.call(&mut *store, at, len)?);
    let max = JSON_BYTES_MAX;
    if len > max {
        return Err(Ended::Known(FunctionError::OutputTooLarge { bytes: len, max }));
    }
    let output = memory.data(&*store).get(at..at.saturating_add(len)).ok_or_else(outside)?;
    match says {
        Says::Done => Ok(output.to_vec()),
        Says::Failed => Err(Ended::Known(FunctionError::Answered { text: Payload::new(output) })),
    }
}

fn call_component(
    store: &mut Store<CallState>,
    pre: &wasmtime::component::InstancePre<CallState>,
    run: ComponentExportIndex,
    input: &str,
) -> Result<Vec<u8>, Ended> {
    let instance = pre.instantiate(&mut *store)?;
    let run = instance.get_typed_func::<(&str,), (Answer,)>(&mut *store, run)?;
    let (answer,) = run.call(&mut *store, (input,))?;
    let is_done = answer.is_ok();
    let (Ok(text) | Err(text)) = answer;
    if text.len() > JSON_BYTES_MAX {
        let (bytes, max) = (text.len(), JSON_BYTES_MAX);
        return Err(Ended::Known(FunctionError::OutputTooLarge { bytes, max }));
    }
    if is_done {
        return Ok(text.into_bytes());
    }
    Err(Ended::Known(FunctionError::Answered { text: Payload::new(text.as_bytes()) }))
}

/// The text if it is JSON; else the place of the first wrong byte, by line and column, without what stands there.
pub(super) fn json_text(bytes: &[u8]) -> Result<&str, (usize, usize)> {
    // First as UTF-8: the reader of JSON passes over the inside of strings that it does not keep.
    let text = std::str::from_utf8(bytes).map_err(|error| (1, error.valid_up_to() + 1))?;
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map(|_| text)
        .map_err(|error| (error.line(), error.column()))
}

pub(super) fn compile_failed(error: &wasmtime::Error) -> FunctionError {
    FunctionError::Compile { reason: chain(error) }
}

fn signature(missing: Missing) -> FunctionError {
    let expected = match missing {
        Missing::Alloc => ALLOC,
        Missing::Run => RUN,
    };
    FunctionError::Signature { expected }
}

fn why(error: &wasmtime::Error, limits: &RunLimits, memory_was_refused: bool) -> FunctionError {
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return FunctionError::Busy;
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => FunctionError::Deadline { after: limits.deadline },
        Some(Trap::OutOfFuel) => FunctionError::FuelSpent { fuel: limits.fuel.unwrap_or(u64::MAX) },
        _ if memory_was_refused => FunctionError::Memory { max_bytes: limits.memory_bytes_max },
        Some(trap) => FunctionError::Trapped { reason: trap.to_string() },
        // The host's own words, without the frames of the guest around them.
        None => {
            FunctionError::Trapped { reason: crate::limits::kept(&error.root_cause().to_string()).to_owned() }
        }
    }
}

/// When a call that begins now has to be over.
pub(super) fn until(deadline: Duration) -> Instant {
    let now = Instant::now();
    // A deadline that no clock can hold is as good as none within an hour.
    now.checked_add(deadline).unwrap_or(now + Duration::from_secs(3_600))
}

impl ResourceLimiter for Bounds {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let fits = desired as u64 <= self.memory_bytes_max;
        self.memory_was_refused |= !fits;
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}
