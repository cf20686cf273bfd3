//! The function cache: user functions compiled once, checked before they run, kept compiled in memory and on disk.
//!
//! # What a function is
//! WebAssembly as text, as a core module or as a component, that takes JSON and gives JSON (at most 1 MiB each).
//! - A **core module** exports `memory`, `alloc: (len: i32) -> i32` and `run: (at: i32, len: i32) -> i64`. The input is
//!   written where `alloc` says; `run` gives the place of the output in the upper half of its result and the length
//!   in the lower. The length's top bit marks an error's text, which need not be JSON.
//! - A **component** exports `run: func(input: string) -> result<string, string>`.
//!
//! Both may import from `ostoja:function/kernel` what their permissions allow, and nothing else: no WASI, no files.
//! Every call has an instance of its own; nothing is left over for the next.
//!
//! # The flow
//! ```text
//! put ──► binary form ──► imports against permissions, validation ──┐
//! run ──► name ──► in memory? ──► call                              ▼
//!                     │ no          ▲            one flight per content: on disk and sealed? else compile
//!                     └─────────────┴───────────────────────────────┘
//! ```
//!
//! # Invariants
//! - What a function imports was checked against its own permissions before it was compiled, and against its caller's
//!   before each call.
//! - No compiled code is mapped whose seal was not checked over the very bytes that are mapped.
//! - Whatever is wrong with compiled code on disk costs time, never a result.
//! - A failed compilation is told to all who waited, and kept by nobody.
//! - Nothing here starts a thread for cleaning: the host calls `tidy`.

mod bounds;
mod caller;
mod content;
mod error;
mod flights;
mod inspect;
mod kernel_imports;
mod mapped;
mod notice;
mod packed;
mod prepared;
mod record;
mod seal;
mod shelf;
mod stats;
mod stock;
mod warm;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use abi::{ModuleId, Permissions, Time};

use crate::check;
use crate::compile::{self, CompileError};
use crate::engine::Engine;
use crate::limits::COMPILE_TIME_MAX;

use flights::{Flights, Seat};
use kernel_imports::Visit;
use prepared::{Code, Prepared, json_text};
use shelf::Shelf;
use stats::Counters;
use warm::Warm;

pub use bounds::{JSON_BYTES_MAX, Keep, RunLimits, SOURCE_BYTES_MAX};
pub use caller::{Ask, Caller, KernelCalls, OnBehalf, Owner};
pub use content::ContentId;
pub use error::{FunctionError, Lacking};
pub use kernel_imports::{INTERFACE, KernelImport};
pub use notice::{Notice, NoticeKind};
pub use record::{Form, Function};
pub use stats::{FunctionStats, Tidied};

/// The cache. Shared by reference between threads; each call blocks the thread that makes it.
pub struct Functions {
    engine: Engine,
    kernel: Arc<dyn KernelCalls>,
    shelf: Shelf,
    keep: Keep,
    names: RwLock<BTreeMap<ModuleId, Arc<Function>>>,
    warm: Warm<Prepared>,
    flights: Flights<Prepared>,
    /// Held over every change of names and what they lead to, so that disk and memory say the same.
    changing: Mutex<()>,
    counters: Counters,
}

impl Functions {
    /// Opens the folder, or makes it with a new key, and takes over the functions in it.
    ///
    /// Nothing is compiled yet. Files that are not whole are dropped and noticed.
    ///
    /// # Errors
    /// `FunctionError::Folder` when it can't be made or listed, `FunctionError::InUse` when another process has it,
    /// `FunctionError::Key` when its key can't be trusted.
    pub fn open(
        engine: Engine,
        folder: &Path,
        keep: Keep,
        kernel: Arc<dyn KernelCalls>,
    ) -> Result<Self, FunctionError> {
        let shelf = Shelf::open(folder, &engine)?;
        let found = shelf.functions()?;
        let names = found.functions.into_iter().map(|function| (function.name.clone(), Arc::new(function)));
        let names: BTreeMap<_, _> = names.collect();
        if found.is_whole {
            let named: BTreeSet<_> = names.values().map(|function| function.content).collect();
            shelf.forget_orphans(|id| named.contains(id));
        }
        Ok(Self {
            engine,
            kernel,
            shelf,
            keep,
            names: RwLock::new(names),
            warm: Warm::new(keep.memory_bytes_max, keep.idle_max),
            flights: Flights::new(),
            changing: Mutex::new(()),
            counters: Counters::default(),
        })
    }

    /// Checks, compiles and keeps a function under a name; a name of the same owner is replaced.
    ///
    /// `permissions` is the most that the function may ever do; a module can't give more than it has. When this
    /// returns, the function is on disk.
    ///
    /// # Errors
    /// What is wrong with the name, the source, its imports or exports; `BeyondOwner`, `NotOwner`, `TooMany`;
    /// `Folder` when it can't be kept. Then a function that had the name before is still there.
    pub fn put(
        &self,
        now: Time,
        who: &Caller,
        name: &str,
        permissions: &Permissions,
        source: &[u8],
    ) -> Result<Arc<Function>, FunctionError> {
        let name = ModuleId::parse(name).map_err(FunctionError::Name)?;
        if let Caller::Module { permissions: own, .. } = who
            && !permissions.is_subset(own)
        {
            return Err(FunctionError::BeyondOwner { beyond: Box::new(permissions.minus(own)) });
        }
        self.may_put(who, &name)?;
        let binary = check::to_binary(source).map_err(FunctionError::Source)?;
        let found = inspect::inspect(&binary, permissions)?;
        let function = Arc::new(Function {
            name,
            owner: who.as_owner(),
            permissions: permissions.clone(),
            content: ContentId::of(&binary),
            form: found.form,
            imports: found.imports,
        });
        self.prepare(now, &function, Some(&binary))?;
        self.keep_put(who, &function, &binary)?;
        Ok(function)
    }

    /// Runs a function for `who` and gives its output, which is JSON.
    ///
    /// # Errors
    /// `Unknown`; `ImportRefused` when the caller lacks what the function uses; what is wrong with the input; what the
    /// function did wrong or said; `Busy`; or what `put` gives, when it has to be compiled again.
    pub fn run(
        &self,
        now: Time,
        who: &Caller,
        name: &str,
        input: &[u8],
        limits: &RunLimits,
    ) -> Result<Vec<u8>, FunctionError> {
        let result = self.run_named(now, who, name, input, limits);
        self.counters.ran(result.is_ok());
        result
    }

    /// All functions, by name.
    pub fn list(&self) -> Vec<Arc<Function>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Removes a name, and what only it led to. Calls that run go on to their end.
    ///
    /// # Errors
    /// `Unknown`, `NotOwner`, or `Folder` when the name can't be removed from disk; then it is still there.
    pub fn remove(&self, who: &Caller, name: &str) -> Result<(), FunctionError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let function = self.find(name)?;
        if !who.may_change(&function.owner) {
            return Err(FunctionError::NotOwner { name: name.to_owned(), owner: function.owner.clone() });
        }
        self.shelf.remove_function(&function)?;
        self.names.write().unwrap_or_else(PoisonError::into_inner).remove(&function.name);
        self.forget_unnamed(&function.content);
        Ok(())
    }

    /// Counters since the start, and what is kept now.
    pub fn stats(&self) -> FunctionStats {
        let functions = self.names.read().unwrap_or_else(PoisonError::into_inner).len();
        self.counters.read(functions, self.warm.size(), self.shelf.size())
    }

    /// Drops from memory what was unused for too long, and writes down the order of use. The host calls it now and
    /// then; once a minute is enough.
    pub fn tidy(&self, now: Time) -> Tidied {
        self.shelf.used(&self.warm.take_uses());
        self.shelf.keep_order();
        let by_age = self.warm.tidy(now);
        self.counters.evicted_by_age(by_age);
        Tidied { by_age }
    }

    /// What was repaired or could not be kept since the last time, and how many older notices gave way.
    pub fn take_notices(&self) -> (Vec<Notice>, u64) {
        self.shelf.take_notices()
    }

    fn run_named(
        &self,
        now: Time,
        who: &Caller,
        name: &str,
        input: &[u8],
        limits: &RunLimits,
    ) -> Result<Vec<u8>, FunctionError> {
        let (bytes, max) = (input.len(), JSON_BYTES_MAX);
        if bytes > max {
            return Err(FunctionError::InputTooLarge { bytes, max });
        }
        let not_json = |(line, column)| FunctionError::InputNotJson { line, column };
        let input = json_text(input).map_err(not_json)?;
        let function = self.find(name)?;
        for import in &function.imports {
            import.check(Lacking::Caller, |kind, value| who.allows(kind, value))?;
        }
        // Only who asks the kernel needs to know: reading a clock costs a part of a warm call.
        let until = (!function.imports.is_empty()).then(|| prepared::until(limits.deadline));
        let prepared = match self.warm.get(now, &function.content) {
            Some(prepared) => prepared,
            None => self.prepare(now, &function, None)?,
        };
        let visit = until.map(|until| Visit {
            kernel: Arc::clone(&self.kernel),
            who: OnBehalf { caller: who.clone(), function: Arc::clone(&function) },
            until,
        });
        prepared.call(&self.engine, limits, visit, input)
    }

    fn find(&self, name: &str) -> Result<Arc<Function>, FunctionError> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names
            .get(name)
            .cloned()
            .ok_or_else(|| FunctionError::Unknown { name: crate::limits::kept(name).to_owned() })
    }

    /// Whether `who` may put something under this name.
    fn may_put(&self, who: &Caller, name: &ModuleId) -> Result<(), FunctionError> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        match names.get(name) {
            Some(old) if !who.may_change(&old.owner) => {
                Err(FunctionError::NotOwner { name: name.to_string(), owner: old.owner.clone() })
            }
            None if names.len() >= bounds::NAMES_MAX => {
                Err(FunctionError::TooMany { max: bounds::NAMES_MAX })
            }
            _ => Ok(()),
        }
    }

    /// Source first, then the name that leads to it: a kill in between leaves a source without a name.
    fn keep_put(&self, who: &Caller, function: &Arc<Function>, binary: &[u8]) -> Result<(), FunctionError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.may_put(who, &function.name).and_then(|()| {
            self.shelf.keep_source(&function.content, binary)?;
            self.shelf.keep_function(function)
        });
        if let Err(error) = kept {
            self.forget_unnamed(&function.content);
            return Err(error);
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let old = names.insert(function.name.clone(), Arc::clone(function));
        drop(names);
        if let Some(old) = old {
            self.forget_unnamed(&old.content);
        }
        Ok(())
    }

    fn forget_unnamed(&self, content: &ContentId) {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        if !names.values().any(|function| function.content == *content) {
            self.warm.remove(content);
            self.shelf.forget(content);
        }
    }

    /// The function ready to run: out of memory, from disk, or compiled; once for all who ask at the same time.
    fn prepare(
        &self,
        now: Time,
        function: &Arc<Function>,
        binary: Option<&[u8]>,
    ) -> Result<Arc<Prepared>, FunctionError> {
        let content = function.content;
        if let Some(prepared) = self.warm.get(now, &content) {
            return Ok(prepared);
        }
        let (seat, landing) = self.flights.join(content, bounds::FLIGHT_WAIT_MAX, || {
            // Who led before may have landed between the look above and this flight.
            if let Some(prepared) = self.warm.get(now, &content) {
                return Ok(prepared);
            }
            // Before something gives way, in memory or on disk, both know of the last uses.
            self.shelf.used(&self.warm.take_uses());
            let prepared = match self.read_from_disk(function) {
                Some(prepared) => prepared,
                None => self.compile(function, binary)?,
            };
            let prepared = Arc::new(prepared);
            let gone = self.warm.insert(now, content, Arc::clone(&prepared), prepared.bytes);
            self.counters.evicted_by_weight(gone);
            Ok(prepared)
        });
        if seat == Seat::Passenger {
            self.counters.waited();
        }
        landing
    }

    fn read_from_disk(&self, function: &Function) -> Option<Prepared> {
        let verified = self.shelf.compiled(&function.content)?;
        let code = match function.form {
            Form::Core => verified.to_module(&self.engine).map(Code::Core),
            Form::Component => verified.to_component(&self.engine).map(Code::Component),
        };
        let linked = code.and_then(|code| Prepared::link(&self.engine, &code, verified.len()).ok());
        match &linked {
            Some(_) => self.counters.count_from_disk(),
            // The seal held, so it is ours: made by an engine that names itself alike and yet differs.
            None => self.shelf.drop_compiled(&function.content, NoticeKind::OtherEngine),
        }
        linked
    }

    fn compile(&self, function: &Function, binary: Option<&[u8]>) -> Result<Prepared, FunctionError> {
        let binary = match binary {
            Some(binary) => binary.to_vec(),
            None => {
                let lost = || FunctionError::SourceLost { name: function.name.to_string() };
                self.shelf.source(&function.content).ok_or_else(lost)?
            }
        };
        self.counters.compiled();
        let (engine, form) = (self.engine.wasmtime().clone(), function.form);
        let (code, bytes) = compile::within(COMPILE_TIME_MAX, move || {
            let failed =
                |error: wasmtime::Error| CompileError::Failed { reason: crate::module::chain(&error) };
            let code = Code::compile(&engine, form, &binary).map_err(failed)?;
            let bytes = code.serialize().map_err(failed)?;
            Ok((code, bytes))
        })
        .map_err(compile_error)?;
        // A function that lacks an export is refused here, before anything of it is kept.
        let prepared = Prepared::link(&self.engine, &code, bytes.len() as u64)?;
        self.shelf.keep_compiled(&function.content, &bytes, self.keep.disk_bytes_max);
        Ok(prepared)
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.shelf.used(&self.warm.take_uses());
        self.shelf.keep_order();
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Functions").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

fn compile_error(error: CompileError) -> FunctionError {
    match error {
        CompileError::Failed { reason } => FunctionError::Compile { reason },
        CompileError::TookTooLong { after } | CompileError::Busy { after, .. } => {
            FunctionError::CompileTookTooLong { after }
        }
        CompileError::NoThread => FunctionError::CompilerFailed,
    }
}

#[cfg(test)]
mod tests;
