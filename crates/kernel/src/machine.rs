//! The kernel's state and its front door: events in, effects out.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::{Generation, ModuleId, Name, Record, Slot, Time, Zone};

use crate::context::{Context, Watches};
use crate::cut::Cutting;
use crate::governor::{Resource, Strain};
use crate::module::{Module, Phase};
use crate::orders::Waiters;
use crate::proxy::Badge;
use crate::random::Random;
use crate::restart::{Bucket, HEALTHY_AFTER};
use crate::routes::{Board, Facts, Routes};
use crate::shutdown::Shutdown;
use crate::swap::Together;
use crate::table::Table;
use crate::timers::{Timer, Timers};
use crate::topics::Topics;
use crate::turnover::Turnover;
use crate::zones::Buses;
use crate::{Door, Effect, Event, Grants, Incoming, Outgoing, Settings, Spec, View, Word};

/// The kernel. Total: every method accepts every input in every state.
#[derive(Debug, Clone)]
pub struct Kernel {
    pub(crate) now: Time,
    pub(crate) settings: Settings,
    pub(crate) table: Table,
    /// Who offers a service right now: from `ready` until its process is gone.
    pub(crate) directory: BTreeMap<Name, Slot>,
    pub(crate) topics: Topics,
    pub(crate) context: Context,
    pub(crate) watches: Watches,
    /// What the data plane decides by.
    board: Board,
    /// Calls that are open on the data plane, as it last said.
    pub(crate) calls_pending: u64,
    seed: u64,
    pub(crate) timers: Timers,
    pub(crate) waiters: Waiters,
    pub(crate) shutdown: Option<Shutdown>,
    /// Modules that the next discovery changes together, told right before it.
    pub(crate) together: Option<Together>,
    /// Modules that are stopped together to be started together.
    pub(crate) turnovers: Vec<Turnover>,
    /// A cut through everything, under way.
    pub(crate) cut: Option<Cutting>,
    /// Restarts whose wait is over, in the order in which they are begun: depth, priority, seat.
    pub(crate) due: BTreeSet<(u32, u32, Slot)>,
    /// Of each zone's restarts, by [`Settings::budget_of`]; full where there is none yet.
    pub(crate) zone_buckets: BTreeMap<Zone, Bucket>,
    pub(crate) random: Random,
    pub(crate) strain: Strain,
    /// Why no module may run, in safe mode.
    pub(crate) safe: Option<String>,
    /// The life whose end is being dealt with: nothing is to be said to it.
    pub(crate) over: Option<Generation>,
    generations: u64,
    effects: VecDeque<Effect>,
}

impl Kernel {
    /// A kernel that knows no module; the same seed and events give the same effects.
    pub fn new(seed: u64) -> Self {
        let settings = Settings::default();
        Self {
            now: Time(0),
            zone_buckets: BTreeMap::new(),
            settings,
            table: Table::default(),
            directory: BTreeMap::new(),
            topics: Topics::default(),
            context: Context::default(),
            watches: Watches::default(),
            board: Board::default(),
            calls_pending: 0,
            seed,
            timers: Timers::default(),
            waiters: Waiters::default(),
            shutdown: None,
            together: None,
            turnovers: Vec::new(),
            cut: None,
            due: BTreeSet::new(),
            random: Random::new(seed),
            strain: Strain::default(),
            safe: None,
            over: None,
            generations: 0,
            effects: VecDeque::new(),
        }
    }

    /// Numbers its lives from the one after this, so that no two runs on one home share a number.
    #[must_use]
    pub fn after(mut self, last: Generation) -> Self {
        self.generations = last.0;
        self
    }

    /// The number of the life that began last.
    pub fn last_life(&self) -> Generation {
        Generation(self.generations)
    }

    /// Something happened.
    pub fn handle(&mut self, now: Time, event: Event) {
        self.now = self.now.max(now);
        match event {
            Event::Said(slot, generation, said) => self.handle_said(slot, generation, said),
            Event::Tried(slot, generation, attempt) => self.handle_tried(slot, generation, attempt),
            Event::Counted(calls) => self.calls_pending = calls,
            // Traffic: it lies with the proxies.
            Event::Undelivered(..) => {}
            Event::Discovered(found) => self.handle_discovered(found),
            Event::Added(found) => self.handle_added(found),
            Event::Settings(settings) => self.handle_settings(settings),
            Event::ConfigChanged(sections) => self.handle_config_changed(&sections),
            Event::GrantsChanged(changes) => self.handle_grants_changed(changes),
            Event::ContextRestored(all) => self.restore_context(all),
            Event::Spawned(slot, generation) => self.handle_spawned(slot, generation),
            Event::SpawnFailed(slot, generation, fault, why) => {
                self.handle_spawn_failed(slot, generation, fault, why);
            }
            Event::NetCarried(slot, generation, bearer) => self.handle_net_carried(slot, generation, bearer),
            Event::NetStillOpen(slot, generation, places) => {
                self.handle_net_still_open(slot, generation, &places);
            }
            Event::ReadySeen(slot, generation) => self.handle_ready(slot, generation),
            Event::Exited(slot, generation, exit) => self.handle_exited(slot, generation, exit),
            Event::Measured(measured) => self.handle_measured(&measured),
            Event::Drained(slot, generation) => self.side_drained(slot, generation),
            Event::Recalled(slot, generation, left) => self.handle_recalled(slot, generation, left),
            Event::Overran(slot, _) => self.cut_overran(slot),
            Event::Manner(id, manner) => self.set_manner(&id, manner),
            Event::Together(modules, manner) => self.set_together(modules, manner),
            Event::Ordered(request, order) => self.handle_order(request, order),
            Event::Departed(request) => self.handle_departed(request),
        }
        self.pump();
    }

    /// The moment that [`Kernel::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = self.now.max(now);
        for (at, timer) in self.timers.take_due(self.now) {
            match timer {
                Timer::Ready(slot, generation) => self.ready_timed_out(slot, generation),
                Timer::Requires(slot, generation) => self.requires_timed_out(slot, generation),
                Timer::Ping(slot, generation) => self.ping(slot, generation),
                Timer::Pong(slot, generation, number) => self.pong_due(slot, generation, number),
                Timer::Grace(slot, generation) => self.grace_over(slot, generation),
                Timer::Reap(slot, generation) => self.reap_overdue(slot, generation),
                Timer::Swap(slot, generation, step) => self.swap_overdue(slot, generation, step),
                Timer::Drain(slot, generation) => self.side_drained(slot, generation),
                Timer::Held(slot) => self.held_too_long(slot),
                Timer::Cut => self.cut_overdue(),
                Timer::State(slot, generation) => self.state_overdue(slot, generation),
                Timer::Refusals(slot) => self.refusals_due(slot),
                Timer::Restart(slot) => self.restart_due(slot, at),
                Timer::Probation(slot) => self.probation_due(slot),
                Timer::Context => self.context_due(),
                Timer::Pace => {}
            }
        }
        self.pump();
    }

    /// What messages are decided by from now on; the same value as before, if nothing changed. To be asked after every
    /// event, and given to the proxies before the effects are carried out.
    pub fn routes(&mut self) -> Arc<Routes> {
        for slot in self.table.take_touched() {
            let facts = self.facts_of(slot);
            self.board.put(slot, facts);
        }
        if self.topics.take_changed() {
            self.board.watch(self.topics.watchers());
        }
        self.board.set_rpc_timeout(self.settings.rpc_timeout);
        self.board.publish()
    }

    fn facts_of(&self, slot: Slot) -> Option<Facts> {
        let module = self.table.get(slot)?;
        let generation = module.generation()?;
        let is_ready = module.is_ready();
        let has_lines = module.spec.door == Door::Lines;
        let own = |service: &&Name| self.directory.get(*service) == Some(&slot);
        let hears = module.spec.subscribes.union(&module.capabilities.topics);
        Some(Facts {
            generation,
            is_ready,
            has_lines,
            name: Name::from(&module.spec.id),
            may: module.capabilities.services.clone(),
            offers: module.spec.provides.iter().filter(own).cloned().collect(),
            hears: if is_ready && has_lines { hears.cloned().collect() } else { BTreeSet::new() },
            forbid: module.capabilities.forbid.clone(),
            buses: Buses::of(module.zone()),
            bridges: self.bridges_of(module),
        })
    }

    /// What the proxy of a life is told when it begins.
    pub(crate) fn badge_of(&self, slot: Slot, generation: Generation) -> Option<Badge> {
        let module = self.table.get(slot)?;
        let (spec, bounds) = (&module.spec, self.bounds_of(module));
        // No two lives have one number, so that no two proxies draw the same ids.
        let seed = Random::new(self.seed ^ generation.0.rotate_left(32)).next();
        Some(Badge {
            name: Word::from(&spec.id),
            features: spec.features,
            seed,
            calls_per_s: bounds.of(Resource::Calls),
        })
    }

    /// The next thing to do; call until there is none.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Kernel::handle_timeout`] must be called at the latest, if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timers.next()
    }

    /// What would be decided if this happened now; nothing is changed.
    pub fn preview(&self, now: Time, event: Event) -> Vec<Record> {
        let mut copy = self.clone();
        copy.effects.clear();
        copy.handle(now, event);
        let record = |effect| if let Effect::Record(record) = effect { Some(record) } else { None };
        copy.effects.into_iter().filter_map(record).collect()
    }

    /// The seat of a module.
    pub fn find(&self, id: &str) -> Option<Slot> {
        self.table.find(id)
    }

    /// What a module is.
    pub fn spec(&self, slot: Slot) -> Option<&Spec> {
        Some(&self.table.get(slot)?.spec)
    }

    /// Where a module lives now.
    pub fn zone(&self, slot: Slot) -> Option<Zone> {
        Some(self.table.get(slot)?.zone())
    }

    /// What is approved for a module.
    pub fn grants(&self, id: &ModuleId) -> Option<&Grants> {
        Some(&self.table.get(self.table.find(id.as_str())?)?.grants)
    }

    /// Services that a module may call and topics it hears now; empty while it does not run.
    pub fn capabilities(&self, slot: Slot) -> Option<&crate::Capabilities> {
        Some(&self.table.get(slot)?.capabilities)
    }

    /// The context variables.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// How a module is now. The calls that it waits for are known on the data plane alone: see [`crate::Ensemble::view`].
    pub fn view(&self, slot: Slot) -> Option<View> {
        let module = self.table.get(slot)?;
        let well = module.ready_at().is_some_and(|at| self.now.since(at) >= HEALTHY_AFTER);
        Some(View {
            slot,
            id: module.spec.id.clone(),
            version: module.spec.version.clone(),
            state: module.state(),
            is_completed: module.is_completed(),
            generation: module.generation(),
            since: module.since,
            restart_count: if well { 0 } else { module.restart_count },
            restarts_total: module.lives.saturating_sub(1),
            restart_at: if let Phase::Queued(at) = module.phase { Some(at) } else { None },
            reason: module.reason,
            note: self.note_of(module),
            provides: module.spec.provides.clone(),
            waiting_for: self.missing(module),
            zone: module.zone(),
            bounds: self.bounds_of(module),
            step: module.ladder.step(),
            probation: self.probation_of(slot),
            swap: module.swap.as_ref().map(|swap| swap.step),
            warm: module.warm(),
            falls_back: module.falls_back,
            calls_pending: 0,
        })
    }

    /// How all modules are now, by name.
    pub fn views(&self) -> Vec<View> {
        self.table.slots().into_iter().filter_map(|slot| self.view(slot)).collect()
    }

    /// The rules in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn note_of(&self, module: &Module) -> String {
        match (&module.phase, &module.refused) {
            (Phase::Running(_, crate::module::Stage::Ready), Some(why)) => {
                alloc::format!("keeps running as it was: {why}")
            }
            (Phase::Held | Phase::Running(_, crate::module::Stage::Waiting), _) => {
                match self.cause_of_wait(module) {
                    Some(cause) => alloc::format!("{}; {cause}", module.note),
                    None => module.note.clone(),
                }
            }
            _ => module.note.clone(),
        }
    }

    fn handle_said(&mut self, slot: Slot, generation: Generation, said: Incoming) {
        let Some(module) = self.table.get(slot) else { return };
        if module.generation() != Some(generation) {
            return self.side_said(slot, generation, said);
        }
        match said {
            Incoming::StateSaved { id, state, version } => self.state_saved(slot, &id, state, version),
            Incoming::StateRestored { id } => self.state_taken(slot, generation, &id),
            Incoming::Ready => self.handle_ready(slot, generation),
            Incoming::Pong => self.handle_pong(slot),
            Incoming::Nack { id, error } => self.handle_nack(slot, generation, &id, error),
            Incoming::KernelCall { id, call } => self.handle_kernel_call(slot, generation, id, call),
            // Traffic: it lies with the proxies.
            Incoming::Ack
            | Incoming::KernelAnswer { .. }
            | Incoming::Call { .. }
            | Incoming::Answer { .. }
            | Incoming::Publish { .. }
            | Incoming::Cancel { .. }
            | Incoming::Progress { .. }
            | Incoming::Chunk { .. }
            | Incoming::End { .. }
            | Incoming::Credit { .. } => {}
        }
    }

    fn handle_settings(&mut self, settings: Settings) {
        if settings != self.settings {
            self.change_settings(settings);
            self.begin_all_probations();
        }
    }

    pub(crate) fn next_generation(&mut self) -> Generation {
        self.generations += 1;
        Generation(self.generations)
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.push(Effect::Record(record));
    }

    /// A record about a module, with its present life.
    pub(crate) fn record_of(&self, slot: Slot, code: &'static str) -> Record {
        match self.table.get(slot) {
            Some(module) => Record::new(code).of(&module.spec.id, module.generation()),
            None => Record::new(code),
        }
    }

    /// Queues a frame for a module's present life; a module without a process gets nothing.
    pub(crate) fn send(&mut self, slot: Slot, frame: Outgoing) {
        let generation = self.table.get(slot).and_then(Module::generation);
        if let Some(generation) = generation {
            self.push(Effect::Send(slot, generation, frame));
        }
    }

    /// What every event may have made possible: restarts that may begin, orders that can be answered.
    fn pump(&mut self) {
        self.begin_due_restarts();
        self.advance_turnovers();
        self.answer_settled();
        self.advance_shutdown();
        // The next tier may have ended what was still on its way; nothing is said after the shutdown is done.
        self.answer_settled();
    }
}

// What is left out comes from the files, or follows from the rest.
crate::saved::keep_parts!(Kernel {
    now,
    directory,
    topics,
    context,
    watches,
    calls_pending,
    seed,
    timers,
    waiters,
    shutdown,
    turnovers,
    due,
    zone_buckets,
    random,
    strain,
    safe,
    generations,
});

#[cfg(test)]
mod tests;
