//! The world around the kernel: a virtual clock, an agenda, fake processes, and a host that carries out what the kernel
//! wants, late, twice, or not at all, as far as a host may.

use core::time::Duration;
use std::collections::BTreeMap;

use abi::{ExitKind, Generation, ModuleId, RequestId, Slot, Time};
use kernel::{
    Discovered, Effect, Ensemble, Event, Incoming, Order, Outgoing, Settings, Signal, SpawnFault, Strays,
    Undelivered,
};

use crate::house;
use crate::observer::{Cause, Observer};
use crate::operator::Operator;
use crate::process::{Deed, Process, Temper};
use crate::random::Random;
use crate::trace::Trace;

/// 1,000 times in a row at one moment: a kernel that still wants to be woken then would never let time pass.
const WAKES_MAX: u32 = 1000;

/// 10 of 100 steps: often enough that each kind of moment in a life is met in few seeds, seldom enough to be quick.
const HANDOVERS_PER_CENT: u64 = 10;

#[derive(Debug)]
enum Due {
    /// The kernel is told.
    Tell(Event),
    /// The host does.
    Do(Effect),
    /// A process does what it decided.
    Deed(Generation, Deed),
    /// A process decides something by itself.
    Chat(Generation),
    /// Something happens from outside.
    Operator,
}

/// How a world goes wrong, drawn once per world; numbers are per hundred.
#[derive(Debug, Clone)]
struct Weather {
    spawn_fails: u64,
    repeats: u64,
    queue_full: u64,
    late_news: u64,
    lag_ms: u64,
    reap_ms: u64,
    badness: Vec<u64>,
    operator_ms: u64,
    chatter_ms_max: u64,
}

impl Weather {
    fn draw(random: &mut Random) -> Self {
        Self {
            spawn_fails: *random.pick(&[0, 0, 2, 20]),
            repeats: *random.pick(&[0, 5, 30]),
            queue_full: *random.pick(&[0, 0, 10, 40]),
            late_news: *random.pick(&[0, 10, 50]),
            lag_ms: *random.pick(&[0, 0, 5, 60]),
            reap_ms: *random.pick(&[0, 5, 500]),
            badness: (0..house::MODULES).map(|_| *random.pick(&[0, 0, 0, 30, 95])).collect(),
            operator_ms: *random.pick(&[100, 2000, 10_000, 60_000]),
            chatter_ms_max: *random.pick(&[100, 1000, 10_000, 60_000]),
        }
    }

    /// Nothing goes wrong that is not meant to.
    fn fair() -> Self {
        Self {
            spawn_fails: 0,
            repeats: 0,
            queue_full: 0,
            late_news: 0,
            lag_ms: 0,
            reap_ms: 1,
            badness: vec![0; usize::try_from(house::MODULES).unwrap_or_default()],
            operator_ms: 0,
            chatter_ms_max: u64::MAX,
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) kernel: Ensemble,
    pub(crate) observer: Observer,
    pub(crate) trace: Trace,
    /// How many times the kernel was told something.
    pub(crate) steps: u64,
    random: Random,
    weather: Weather,
    operator: Operator,
    agenda: BTreeMap<(Time, u64), Due>,
    entries: u64,
    processes: BTreeMap<Generation, Process>,
    /// How often a module of this name was forgotten: a new one of that name is another module.
    forgotten: BTreeMap<ModuleId, u64>,
    incarnations: BTreeMap<Generation, u64>,
    host_free_at: Time,
    wakes: u32,
    /// Lives end by themselves after about this long, instead of by temper.
    quiet_life: Option<Duration>,
    pub(crate) operator_rests: bool,
    /// When the kernel is changed for another that goes on from what the first one saved.
    handovers: Option<Random>,
}

impl World {
    /// A world in which everything goes wrong that can.
    pub(crate) fn rough(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let settings = house::settings(&mut random);
        let operator = Operator::new(&mut random);
        let weather = Weather::draw(&mut random);
        let mut world = Self::new(random, settings, operator, weather);
        world.plan(Duration::from_millis(1), Due::Operator);
        world
    }

    /// A world of modules that work, each for about this long at a time, and of nobody who disturbs them.
    pub(crate) fn quiet(seed: u64, settings: Settings, found: Vec<Discovered>, life: Duration) -> Self {
        let mut random = Random::new(seed);
        let mut operator = Operator::new(&mut random);
        operator.found = found;
        let mut world = Self::new(random, settings, operator, Weather::fair());
        world.quiet_life = Some(life);
        world
    }

    fn new(mut random: Random, settings: Settings, operator: Operator, weather: Weather) -> Self {
        let mut world = Self {
            now: Time(0),
            kernel: Ensemble::new(random.next()),
            observer: Observer::default(),
            trace: Trace::default(),
            steps: 0,
            random,
            weather,
            operator,
            agenda: BTreeMap::new(),
            entries: 0,
            processes: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            incarnations: BTreeMap::new(),
            host_free_at: Time(0),
            wakes: 0,
            quiet_life: None,
            operator_rests: false,
            handovers: None,
        };
        let found = world.operator.found.clone();
        world.plan(Duration::ZERO, Due::Tell(Event::Settings(settings)));
        world.plan(Duration::ZERO, Due::Tell(Event::Discovered(found)));
        world
    }

    fn plan(&mut self, wait: Duration, due: Due) {
        self.entries += 1;
        self.agenda.insert((self.now + wait, self.entries), due);
    }

    fn plan_ms(&mut self, wait_ms: u64, due: Due) {
        self.plan(Duration::from_millis(wait_ms), due);
    }

    /// An order of the simulator's own, at once.
    pub(crate) fn order(&mut self, order: Order) -> RequestId {
        let request = self.operator.request();
        self.plan(Duration::ZERO, Due::Tell(Event::Ordered(request, order)));
        request
    }

    /// When the next thing happens; never, if nothing will.
    pub(crate) fn next(&self) -> Option<Time> {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let timer = self.kernel.poll_timeout().map(|at| at.max(self.now));
        planned.into_iter().chain(timer).min()
    }

    /// The next thing happens.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        let Some(at) = self.next() else { return Ok(()) };
        self.wakes = if at > self.now { 0 } else { self.wakes + 1 };
        self.now = at;
        // Timers go first, so that what they bound is never late by the world's own fault.
        if self.kernel.poll_timeout().is_some_and(|timer| timer <= at) {
            if self.wakes > WAKES_MAX {
                return Err(String::from("the kernel wants to be woken again and again at one moment"));
            }
            return self.tell(Cause::TimeCame);
        }
        match self.agenda.pop_first() {
            Some((_, Due::Tell(event))) => self.tell(Cause::Happened(event)),
            Some((_, Due::Do(effect))) => self.carry_out(&effect),
            Some((_, Due::Deed(generation, deed))) => {
                self.deed(generation, deed);
                Ok(())
            }
            Some((_, Due::Chat(generation))) => {
                self.chat(generation);
                Ok(())
            }
            Some((_, Due::Operator)) => {
                self.operator_acts();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// From now on the kernel is changed now and then. The moments are drawn apart, so that all else stays as it is without.
    pub(crate) fn hand_over_now_and_then(&mut self, seed: u64) {
        self.handovers = Some(Random::new(seed));
    }

    fn hand_over(&mut self) -> Result<(), String> {
        let saved = self.kernel.save();
        let mut next = Ensemble::new(0);
        next.handle(self.now, Event::Settings(self.kernel.settings().clone()));
        while next.poll_effect().is_some() {}
        let strays = next.restore(&saved, self.kernel.known()).map_err(|error| error.to_string())?;
        if strays != Strays::default() || next.poll_effect().is_some() {
            return Err(String::from("a handover loses a life, or leads to something"));
        }
        if next.save() != saved {
            return Err(String::from("what was restored saves as something else"));
        }
        self.kernel = next;
        Ok(())
    }

    fn tell(&mut self, cause: Cause) -> Result<(), String> {
        if self.handovers.as_mut().is_some_and(|random| random.happens(HANDOVERS_PER_CENT)) {
            // What is on its way between two lives is not handed over.
            if self.kernel.between_lives().is_empty() {
                self.hand_over()?;
            }
        }
        self.steps += 1;
        self.trace.cause(self.now, &cause);
        let seats_change = matches!(cause, Cause::Happened(Event::Discovered(_) | Event::Added(_)));
        let mut step = self.observer.begin(self.now, cause.clone(), &self.kernel);
        match cause {
            Cause::Happened(event) => self.kernel.handle(self.now, event),
            Cause::TimeCame => self.kernel.handle_timeout(self.now),
        }
        if seats_change {
            self.trace.learn(&self.kernel);
        }
        while let Some(effect) = self.kernel.poll_effect() {
            self.trace.effect(self.now, &effect);
            self.observer.effect(&mut step, &effect, &self.kernel)?;
            self.pass_to_host(effect);
        }
        self.observer.end(&step, &self.kernel)
    }

    /// The host takes effects in their order, each when it is done with the one before.
    fn pass_to_host(&mut self, effect: Effect) {
        let lag = self.random.below(self.weather.lag_ms + 1);
        let at = self.host_free_at.max(self.now) + Duration::from_millis(lag);
        self.host_free_at = at;
        let repeatable = matches!(effect, Effect::Spawn(..) | Effect::Signal(..) | Effect::Watch(..));
        if repeatable && self.random.happens(self.weather.repeats) {
            let later = at.since(self.now) + Duration::from_millis(self.random.below(50));
            self.plan(later, Due::Do(effect.clone()));
        }
        self.plan(at.since(self.now), Due::Do(effect));
    }

    fn carry_out(&mut self, effect: &Effect) -> Result<(), String> {
        match effect {
            Effect::Spawn(slot, generation) => self.spawn(*slot, *generation)?,
            Effect::Send(slot, generation, frame) => self.send(*slot, *generation, frame),
            Effect::Signal(_, generation, signal) => self.signal(*generation, *signal),
            Effect::Watch(_, generation) => {
                let deeds = self.processes.get(generation).map(Process::watched).unwrap_or_default();
                self.plan_deeds(*generation, deeds);
            }
            Effect::SaveGrants(id, grants) => self.operator.keep(id, grants.clone()),
            Effect::Forgotten(_, id) => *self.forgotten.entry(id.clone()).or_default() += 1,
            // No module here says that its state outlives its restarts.
            Effect::KeepState(..) | Effect::Recall(..) | Effect::Settle(..) => {}
            Effect::Record(_)
            | Effect::Perform(..)
            | Effect::Warn(..)
            | Effect::Reply(..)
            | Effect::Show(..)
            | Effect::Grip(..)
            | Effect::Promoted(..)
            | Effect::Reach(..)
            | Effect::Note(..)
            | Effect::Finished => {}
        }
        Ok(())
    }

    fn spawn(&mut self, slot: Slot, generation: Generation) -> Result<(), String> {
        // A repeated start is known by its generation.
        if self.incarnations.contains_key(&generation) {
            return Ok(());
        }
        let Some(id) = self.trace.life(generation).cloned() else { return Ok(()) };
        let incarnation = self.forgotten.get(&id).copied().unwrap_or_default();
        self.incarnations.insert(generation, incarnation);
        let twin = self.processes.values().find(|other| {
            other.alive && other.id == id && self.incarnations.get(&other.generation) == Some(&incarnation)
        });
        if let Some(twin) = twin {
            return Err(format!("{id} runs twice: generations {} and {generation}", twin.generation));
        }
        if self.random.happens(self.weather.spawn_fails) {
            let fault = *self.random.pick(&[SpawnFault::Failed, SpawnFault::Refused]);
            let event = Event::SpawnFailed(slot, generation, fault, String::from("no"));
            let after = self.random.below(20);
            self.plan_ms(after, Due::Tell(event));
            return Ok(());
        }
        let temper = self.temper(&id);
        if let Some(after) = temper.crash_ms {
            let exit = ExitKind::Code(i32::from(self.random.happens(80)));
            self.plan_ms(after, Due::Deed(generation, Deed::Die(exit)));
        }
        if let Some(every) = temper.chatter_ms {
            // Most wait with it until they are ready; some can't.
            let first = if self.random.happens(20) { every } else { every + 400 };
            self.plan_ms(first, Due::Chat(generation));
        }
        self.processes.insert(generation, Process::new(id, slot, generation, temper));
        self.plan(Duration::ZERO, Due::Tell(Event::Spawned(slot, generation)));
        if self.random.happens(self.weather.repeats) {
            self.plan_ms(1, Due::Tell(Event::Spawned(slot, generation)));
        }
        Ok(())
    }

    fn temper(&mut self, id: &ModuleId) -> Temper {
        if let Some(life) = self.quiet_life {
            let life_ms = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
            let crash_ms = self.random.between(life_ms / 2, life_ms.saturating_mul(3) / 2);
            return Temper::quiet(&mut self.random, Some(crash_ms));
        }
        let number: usize = id.as_str()[1..].parse().unwrap_or_default();
        let badness = self.weather.badness.get(number).copied().unwrap_or_default();
        Temper::draw(&mut self.random, badness, self.weather.chatter_ms_max)
    }

    fn send(&mut self, slot: Slot, generation: Generation, frame: &Outgoing) {
        let Some(process) = self.processes.get_mut(&generation).filter(|process| process.alive) else {
            return;
        };
        let droppable = match frame {
            Outgoing::Call { hop, .. } => Some(Some(Undelivered::Call(*hop))),
            Outgoing::Chunk { hop, .. } => Some(Some(Undelivered::Part(*hop))),
            Outgoing::Deliver { .. } => Some(None),
            _ => None,
        };
        if let Some(report) = droppable
            && self.random.happens(self.weather.queue_full)
        {
            if let Some(what) = report {
                self.plan(Duration::ZERO, Due::Tell(Event::Undelivered(slot, generation, what)));
            }
            return;
        }
        let deeds = process.receive(frame, &mut self.random);
        self.plan_deeds(generation, deeds);
    }

    fn signal(&mut self, generation: Generation, signal: Signal) {
        let Some(process) = self.processes.get_mut(&generation).filter(|process| process.alive) else {
            return;
        };
        let deeds = match signal {
            Signal::Stop => process.told_to_end(),
            Signal::Kill => vec![(process.temper.kill_ms, Deed::Die(ExitKind::Signal(9)))],
        };
        self.plan_deeds(generation, deeds);
    }

    fn plan_deeds(&mut self, generation: Generation, deeds: Vec<(u64, Deed)>) {
        for (after, deed) in deeds {
            self.plan_ms(after, Due::Deed(generation, deed));
        }
    }

    fn deed(&mut self, generation: Generation, deed: Deed) {
        let Some(process) = self.processes.get_mut(&generation) else { return };
        let slot = process.slot;
        // What a dead process wrote before its end may be read after it.
        if !process.alive && !self.random.happens(self.weather.late_news) {
            return;
        }
        match deed {
            Deed::Say(said) => self.plan(Duration::ZERO, Due::Tell(Event::Said(slot, generation, said))),
            Deed::Show => self.plan(Duration::ZERO, Due::Tell(Event::ReadySeen(slot, generation))),
            Deed::Die(exit) => {
                if !process.alive {
                    return;
                }
                process.alive = false;
                let exit = if exit.is_success() { exit } else { process.exit(&mut self.random) };
                let after = self.random.below(self.weather.reap_ms + 1);
                self.plan_ms(after, Due::Tell(Event::Exited(slot, generation, exit)));
                if self.random.happens(self.weather.repeats) {
                    self.plan_ms(after + 3, Due::Tell(Event::Exited(slot, generation, exit)));
                }
            }
        }
    }

    fn chat(&mut self, generation: Generation) {
        let Some(process) = self.processes.get_mut(&generation) else { return };
        if !process.alive {
            return;
        }
        let said: Vec<Incoming> = process.chat(&mut self.random);
        let (slot, every) = (process.slot, process.temper.chatter_ms.unwrap_or(u64::MAX));
        for one in said {
            self.plan(Duration::ZERO, Due::Tell(Event::Said(slot, generation, one)));
        }
        let again = self.random.between(1, every.saturating_mul(2));
        self.plan_ms(again, Due::Chat(generation));
    }

    fn operator_acts(&mut self) {
        if self.operator_rests {
            return;
        }
        let event = self.operator.act(&mut self.random, self.kernel.settings());
        self.plan(Duration::ZERO, Due::Tell(event));
        let again = self.random.between(1, self.weather.operator_ms * 2);
        self.plan_ms(again, Due::Operator);
    }
}
