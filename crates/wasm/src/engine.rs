//! The engine: one configuration of wasmtime for the whole process, its pool of instances, and the clock that ends
//! what runs too long.
//!
//! # How a deadline works
//! Compiled code compares a counter (the epoch) at every loop and every function entry. One thread of this engine
//! moves that counter by wall-clock time, whatever the guest is doing: a guest that waits in a slow host function
//! uses up its deadline as well. The thread runs only while a guest runs, so that an idle kernel stays idle.
//!
//! One engine serves modules and commands: they share one pool and one clock. Cached functions can use it as well, and
//! have one of their own for speed (see [`EngineOptions::FUNCTIONS`]).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use abi::Explain;
use wasmtime::{
    Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm,
    WasmBacktraceDetails,
};

use crate::clock::{Clock, Held, Running};

/// 1 ms: the grain of deadlines. Finer costs wake-ups while a guest runs; coarser would let a short call overrun.
pub const TICK: Duration = Duration::from_millis(1);

/// 512 KiB: how deep a guest may recurse. Small enough that 2 MiB host thread stacks hold it and the host's own frames.
pub const STACK_BYTES_MAX: usize = 512 << 10;

/// 1 MiB: the stack of a guest that may wait, which holds its own 512 KiB and the host functions it calls.
pub const FIBER_BYTES: usize = 1 << 20;

/// 32 frames of a guest's backtrace are kept: enough to see who called whom, small enough for a log line.
pub const BACKTRACE_FRAMES_MAX: usize = 32;

/// 12,000 instances: three for each module that a kernel may have, and the 10,000 that one kind may take.
pub const INSTANCES_MAX_DEFAULT: u32 = 12_000;

/// 64 calls of functions at the same time: each keeps a thread, and at most 64 KiB when it is over.
pub const FUNCTION_CALLS_MAX: u32 = 64;

/// 256 MiB: the most memory any one instance can be given. The pool keeps address space for it, not memory.
pub const MEMORY_BYTES_CEILING: u64 = 256 << 20;

/// 10,000 elements: the largest table. Compilers make tables of a few hundred; the pool keeps 80 KiB of address space.
pub const TABLE_ELEMENTS_CEILING: usize = 10_000;

/// 8 core instances in one component: a program, its adapters, and room for a composed one.
pub const CORE_INSTANCES_PER_COMPONENT: u32 = 8;

/// 64 KiB of a core instance's or a component's own bookkeeping; a component with more imports and globals is refused.
pub const BOOKKEEPING_BYTES_MAX: usize = 64 << 10;

/// How far a guest's memory may reach in the address space, decided once for all code of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// 4 GiB of address space for each memory: no bounds checks in compiled code. 12,000 of them take 48 TiB of 128.
    Whole,
    /// Only the ceiling: compiled code checks bounds. For machines that limit the address space.
    Checked,
}

/// What else is counted while a guest runs, beside wall-clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    /// Nothing: the deadline alone ends a guest.
    Deadline,
    /// Every instruction: budgets that are the same on every machine, for about a third of the speed.
    Fuel,
}

/// What an engine is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// How many instances may be there at the same time; 1 to 16,000.
    pub instances_max: u32,
    /// How memories lie in the address space.
    pub reach: Reach,
    /// What is counted.
    pub metering: Metering,
}

impl EngineOptions {
    /// What the kernel uses.
    pub const STANDARD: Self =
        Self { instances_max: INSTANCES_MAX_DEFAULT, reach: Reach::Whole, metering: Metering::Deadline };

    /// For an engine that runs cached functions and nothing else. Its pool is small, so that a place keeps its first page
    /// of memory between calls: with the pool of modules a call takes several times as long, for page faults.
    pub const FUNCTIONS: Self = Self { instances_max: FUNCTION_CALLS_MAX, ..Self::STANDARD };
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This machine does not offer what the options ask for, usually address space.
    #[error("webassembly can't be run with {instances_max} instances on this machine")]
    Refused {
        /// What was asked for.
        instances_max: u32,
        /// What wasmtime said.
        #[source]
        source: wasmtime::Error,
    },
    /// The thread that moves deadlines could not be started.
    #[error("the clock of webassembly deadlines could not be started")]
    Clock(#[source] std::io::Error),
}

impl Explain for EngineError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "wasm::engine::refused",
            Self::Clock(_) => "wasm::engine::clock",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Refused { .. } => Some("check `ulimit -v` and `sysctl vm.max_map_count`".to_owned()),
            Self::Clock(_) => Some("check `ulimit -u`: the process may start no further thread".to_owned()),
        }
    }
}

/// Everything that compiles and runs guests. Cheap to clone; the pool and the clock live as long as the last clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    clock: Arc<Clock>,
    options: EngineOptions,
}

impl Engine {
    /// Reserves the pool and starts the clock.
    ///
    /// # Errors
    /// `EngineError::Refused` when the machine has no room for the pool, `EngineError::Clock` when it starts no thread.
    pub fn try_new(options: EngineOptions) -> Result<Self, EngineError> {
        let refused = |source| EngineError::Refused { instances_max: options.instances_max, source };
        let inner = wasmtime::Engine::new(&config(options)).map_err(refused)?;
        let clock = Clock::try_new(inner.clone(), TICK).map_err(EngineError::Clock)?;
        Ok(Self { inner, clock: Arc::new(clock), options })
    }

    /// wasmtime's own engine, to compile and instantiate with.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// What it was made from.
    pub fn options(&self) -> EngineOptions {
        self.options
    }

    /// Keeps the clock running until the returned value is dropped. Every entry into a guest holds one; without it
    /// a deadline is never reached.
    pub fn running(&self) -> Running<'_> {
        self.clock.running()
    }

    /// The same for a guest that waits for another's answer, across entries.
    pub(crate) fn hold(&self) -> Held {
        self.clock.hold()
    }

    /// How many ticks the clock has made. Compare two readings to see whether a deadline in ticks has passed.
    pub fn now_ticks(&self) -> u64 {
        self.clock.now_ticks()
    }
}

/// How many whole ticks a deadline lasts: at least one, and never less than the time asked for.
pub fn ticks_of(deadline: Duration) -> u64 {
    // In 64 bits, as this is done for every call: a tick divides a second, which is asserted below.
    let whole = deadline.as_secs().saturating_mul(1_000_000_000 / u64::from(TICK.subsec_nanos()));
    let ticks = whole.saturating_add(u64::from(deadline.subsec_nanos().div_ceil(TICK.subsec_nanos()))).max(1);
    // One more, because the tick that is under way counts as a whole one.
    ticks.saturating_add(1).min(u64::MAX / 2)
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

fn config(options: EngineOptions) -> Config {
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)))
        .epoch_interruption(true)
        .consume_fuel(options.metering == Metering::Fuel)
        .max_wasm_stack(STACK_BYTES_MAX)
        .async_stack_size(FIBER_BYTES)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES_MAX))
        // An environment variable of the kernel must not change what a guest's error says.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        // Unwind tables for native debuggers would be kept beside all compiled code, and nobody reads them.
        .native_unwind_info(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false);
    match options.reach {
        Reach::Whole => config.memory_reservation(4 << 30).memory_guard_size(32 << 20),
        Reach::Checked => config.memory_reservation(MEMORY_BYTES_CEILING).memory_guard_size(64 << 10),
    };
    config
}

fn pool(options: EngineOptions) -> PoolingAllocationConfig {
    let instances = options.instances_max;
    let mut pool = PoolingAllocationConfig::new();
    #[expect(clippy::cast_possible_truncation, reason = "the ceiling is far below what a usize holds")]
    let memory_bytes_max = MEMORY_BYTES_CEILING as usize;
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(2))
        // An instance that may wait keeps the stack it had last, so each needs one.
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_tables_per_component(4)
        .max_memories_per_module(1)
        .max_tables_per_module(2)
        .max_component_instance_size(BOOKKEEPING_BYTES_MAX)
        .max_core_instance_size(BOOKKEEPING_BYTES_MAX)
        .max_memory_size(memory_bytes_max)
        .table_elements(TABLE_ELEMENTS_CEILING)
        // What an instance leaves behind is given back at once: thousands of idle slots must hold no memory. A small
        // pool, as for cached functions, clears the first page itself instead: a call must not pay for page faults.
        .linear_memory_keep_resident(if instances <= FEW_INSTANCES { PAGE_BYTES_KEPT } else { 0 })
        .table_keep_resident(0)
        .async_stack_keep_resident(0)
        .max_unused_warm_slots(UNUSED_WARM_SLOTS);
    pool
}

/// 256 instances: up to here a pool may keep a page of each, which is 16 MiB in all.
const FEW_INSTANCES: u32 = 256;

/// 64 KiB, one page of WebAssembly: clearing it takes less than giving it back and faulting it in again.
const PAGE_BYTES_KEPT: usize = 64 << 10;

/// 64 free slots keep the mapping of the module that was in them last, which makes its next instance quick.
const UNUSED_WARM_SLOTS: u32 = 64;

const _: () =
    assert!(TICK.as_secs() == 0 && 1_000_000_000 % TICK.subsec_nanos() == 0, "ticks divide a second");
const _: () = assert!(FUNCTION_CALLS_MAX <= FEW_INSTANCES, "a call of a function pays for no page faults");
const _: () = assert!(STACK_BYTES_MAX < FIBER_BYTES, "a guest's own stack fits into its fiber");
const _: () = assert!(MEMORY_BYTES_CEILING <= 4 << 30, "a memory fits into the reserved address space");

#[cfg(test)]
mod tests;
