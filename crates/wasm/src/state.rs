//! What belongs to one instance beside its memory: the seam to its host, its bounds, and what this entry has used.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use abi::{Generation, ModuleId, Name};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, StoreContext};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::engine::{Engine, Metering, ticks_of};
use crate::limits::{LOG_LINES_PER_ENTRY, Limits, PUBLISHES_PER_ENTRY, TOPICS_MAX, kept};
use crate::services::{BusRefusal, CallFailure, Level, Purpose, Services, Ticket};
use crate::stop::{STOP_CHECK_TICKS, Stop};

/// What one entry is about. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// Who called or published; nothing when it was the kernel.
    pub sender: Option<Name>,
    /// W3C Trace Context.
    pub trace: Option<Name>,
    /// A shorter deadline than the instance's own, in milliseconds.
    pub deadline_ms: Option<u64>,
}

/// Who an instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The module.
    pub module: ModuleId,
    /// Its life.
    pub generation: Generation,
}

/// The bound that a guest ran into, kept to explain the trap that usually follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Bytes of linear memory; the value is the limit.
    Memory(u64),
    /// Elements of tables; the value is the limit.
    Table(u64),
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Memory(max) => write!(f, "its memory limit of {max} bytes (memory_bytes_max)"),
            Self::Table(max) => write!(f, "its limit of {max} table elements (table_elements_max)"),
        }
    }
}

/// The answer to a call, between who brings it and the stack that waits for it.
#[derive(Debug, Default)]
pub(crate) struct Letterbox {
    slot: Mutex<Letter>,
}

#[derive(Debug, Default)]
struct Letter {
    waiting: Option<Ticket>,
    answer: Option<Result<Vec<u8>, CallFailure>>,
}

impl Letterbox {
    pub(crate) fn expect(&self, ticket: Ticket) {
        let mut slot = self.lock();
        slot.waiting = Some(ticket);
        slot.answer = None;
    }

    /// Whose answer is waited for.
    pub(crate) fn waiting(&self) -> Option<Ticket> {
        self.lock().waiting
    }

    pub(crate) fn put(&self, answer: Result<Vec<u8>, CallFailure>) {
        self.lock().answer = Some(answer);
    }

    pub(crate) fn take(&self) -> Option<Result<Vec<u8>, CallFailure>> {
        let mut slot = self.lock();
        let answer = slot.answer.take();
        if answer.is_some() {
            slot.waiting = None;
        }
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Letter> {
        // A panic while it was held can't have left it half changed: both fields are set one by one and checked alone.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The data of an instance's store.
pub(crate) struct State {
    /// Nothing only while a host function has it in hand.
    services: Option<Box<dyn Services>>,
    pub(crate) identity: Identity,
    pub(crate) context: Context,
    pub(crate) secrets: Arc<BTreeSet<String>>,
    pub(crate) letterbox: Arc<Letterbox>,
    /// Ends whatever entry runs.
    pub(crate) stop: Stop,
    pub(crate) limits: Limits,
    pub(crate) limiter: Limiter,
    engine: Engine,
    /// How long an entry lasts at most.
    ticks_max: u64,
    /// The tick at which the present entry is over.
    deadline_tick: u64,
    publishes_left: u32,
    log_lines_left: u32,
    log_lines_lost: u32,
    next_ticket: u64,
    topics: Vec<Name>,
    wasi: Option<Box<World>>,
}

/// The part of a state that only those have who import WASI.
struct World {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl State {
    pub(crate) fn new(
        engine: Engine,
        identity: Identity,
        limits: Limits,
        secrets: Arc<BTreeSet<String>>,
        services: Box<dyn Services>,
    ) -> Self {
        Self {
            services: Some(services),
            identity,
            context: Context::default(),
            secrets,
            letterbox: Arc::default(),
            stop: Stop::default(),
            limits,
            limiter: Limiter::new(limits.memory_bytes_max, limits.table_elements_max),
            engine,
            ticks_max: ticks_of(limits.deadline),
            deadline_tick: 0,
            publishes_left: PUBLISHES_PER_ENTRY,
            log_lines_left: LOG_LINES_PER_ENTRY,
            log_lines_lost: 0,
            next_ticket: 1,
            topics: Vec::new(),
            wasi: None,
        }
    }

    pub(crate) fn give_world(&mut self, ctx: WasiCtx) {
        self.wasi = Some(Box::new(World { ctx, table: ResourceTable::new() }));
    }

    /// The host's side.
    pub(crate) fn services(&mut self) -> &mut dyn Services {
        self.services.as_deref_mut().expect("it is put back before the host function that took it ends")
    }

    /// Takes the host's side out, so that it can be used while guest memory is borrowed. To be put back at once.
    pub(crate) fn take_services(&mut self) -> Box<dyn Services> {
        self.services.take().expect("it is put back before the host function that took it ends")
    }

    pub(crate) fn put_services(&mut self, services: Box<dyn Services>) {
        self.services = Some(services);
    }

    /// Prepares for an entry and gives how many ticks it may last.
    pub(crate) fn begin(&mut self, context: Context) -> u64 {
        let own = context.deadline_ms.map(|own| ticks_of(Duration::from_millis(own)));
        let ticks = own.map_or(self.ticks_max, |own| own.min(self.ticks_max));
        self.context = context;
        self.deadline_tick = self.engine.now_ticks().saturating_add(ticks);
        self.publishes_left = PUBLISHES_PER_ENTRY;
        self.log_lines_left = LOG_LINES_PER_ENTRY;
        ticks
    }

    /// Says what was lost, once the entry is over.
    pub(crate) fn end(&mut self) {
        if self.log_lines_lost > 0 {
            let lost = std::mem::take(&mut self.log_lines_lost);
            self.services().log(Level::Warn, &format!("{lost} log lines of one entry were dropped"));
        }
    }

    /// Whether the present entry is past its deadline.
    pub(crate) fn is_late(&self) -> bool {
        self.engine.now_ticks() >= self.deadline_tick
    }

    /// Stands still for as long as a guest of its pace has to. Its deadline is about its own time, and moves with it.
    pub(crate) fn keep_pace(&mut self) {
        let before = self.engine.now_ticks();
        self.stop.look();
        let rested = self.engine.now_ticks().saturating_sub(before);
        self.deadline_tick = self.deadline_tick.saturating_add(rested);
    }

    /// How many ticks the present entry may go on before it is looked at again; none when it has to end.
    pub(crate) fn ticks_to_next_look(&self) -> Option<u64> {
        let left = self.ticks_left();
        (left > 0 && !self.stop.is_wanted()).then(|| left.min(STOP_CHECK_TICKS))
    }

    /// Whether instructions are counted.
    pub(crate) fn counts_fuel(&self) -> bool {
        self.engine.options().metering == Metering::Fuel
    }

    /// Ticks left of the present entry.
    pub(crate) fn ticks_left(&self) -> u64 {
        self.deadline_tick.saturating_sub(self.engine.now_ticks())
    }

    pub(crate) fn log(&mut self, level: Level, line: &str) {
        if self.log_lines_left == 0 {
            self.log_lines_lost = self.log_lines_lost.saturating_add(1);
            return;
        }
        self.log_lines_left -= 1;
        self.services().log(level, kept(line));
    }

    pub(crate) fn open(&mut self, topic: &str, purpose: Purpose) -> Result<u32, BusRefusal> {
        let name = Name::parse(topic).map_err(|_| BusRefusal::Invalid)?;
        let known = self.topics.iter().position(|open| *open == name);
        if known.is_none() && self.topics.len() >= TOPICS_MAX {
            return Err(BusRefusal::Full);
        }
        let number = u32::try_from(known.unwrap_or(self.topics.len())).map_err(|_| BusRefusal::Full)?;
        self.services().open(number, &name, purpose)?;
        if known.is_none() {
            self.topics.push(name);
        }
        Ok(number)
    }

    /// Whether one more message may be sent on this topic now.
    pub(crate) fn may_publish(&mut self, topic: u32) -> Result<(), BusRefusal> {
        if topic as usize >= self.topics.len() {
            return Err(BusRefusal::Invalid);
        }
        if self.publishes_left == 0 {
            return Err(BusRefusal::Full);
        }
        self.publishes_left -= 1;
        Ok(())
    }

    pub(crate) fn next_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }
}

/// Counts what an instance grows by, and refuses what is above its limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes_max: u64,
    table_elements_max: u64,
    memory_bytes: u64,
    table_elements: u64,
    /// Which bound was hit last, if any.
    hit: Option<Bound>,
}

impl Limiter {
    pub(crate) fn new(memory_bytes_max: u64, table_elements_max: u64) -> Self {
        Self { memory_bytes_max, table_elements_max, memory_bytes: 0, table_elements: 0, hit: None }
    }

    pub(crate) fn hit(&self) -> Option<Bound> {
        self.hit
    }

    /// Bytes of linear memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A component may hold several memories one after another; all of them count.
        let together = self.memory_bytes.saturating_add((desired as u64).saturating_sub(current as u64));
        if together > self.memory_bytes_max {
            self.hit = Some(Bound::Memory(self.memory_bytes_max));
            return Ok(false);
        }
        self.memory_bytes = together;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let together = self.table_elements.saturating_add((desired as u64).saturating_sub(current as u64));
        if together > self.table_elements_max {
            self.hit = Some(Bound::Table(self.table_elements_max));
            return Ok(false);
        }
        self.table_elements = together;
        Ok(true)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let world = self.wasi.get_or_insert_with(|| {
            // A component that imports WASI was given its world when it was made; this one reaches nothing.
            Box::new(World { ctx: WasiCtx::builder().build(), table: ResourceTable::new() })
        });
        WasiCtxView { ctx: &mut world.ctx, table: &mut world.table }
    }
}

/// Bytes that the guest handed over, borrowed from its memory for as long as the store is.
pub(crate) fn bytes_of<'a>(
    list: &wasmtime::component::WasmList<u8>,
    store: StoreContext<'a, State>,
) -> &'a [u8] {
    list.as_le_slice(store)
}
