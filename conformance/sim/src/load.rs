//! The governor under random load: modules that use what they like, as far as the kernel's grip lets them, and rules
//! that must hold at every look.
//!
//! A load here is an appetite for one resource, drawn per life and drawn anew now and then. What a module uses follows from its
//! appetite and the grip: a slowed one sends no more than its rate, a throttled one gets its share of a processor, a
//! frozen one does nothing and keeps its memory. The machine is strained when all together want more than it has. Some
//! houses have pools with caps, and in some of these the system itself holds a pool to its cap of processor.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use abi::{ExitKind, Generation, ModuleId, Permissions, RequestId, Slot, State, Time, Zone};
use kernel::{
    Amounts, Bounds, Discovered, Effect, Ensemble, Event, Grants, Grip, Measured, Order, Reading, Resource,
    Settings, Spec, Step, Watchdog,
};

use crate::random::Random;

/// 6 modules: two or three a zone, so that each has somebody to get in the way of.
const MODULES: u64 = 6;

/// 2 processors, in thousandths.
const MACHINE_PERMILLE: u64 = 2000;

/// 1 s between two looks, as the host has it.
const LOOK_MS: u64 = 1000;

/// 600 calm looks at the end: more than the longest patience for every step of the ladder.
const CALM_LOOKS: u64 = 600;

/// 700 looks of the same load, after which every module has met the longest patience at least once.
const STEADY_LOOKS: u64 = 700;

/// 60 steps of one module in as many looks of the same load: a ladder that swung with each look would take ten times as many.
const STEADY_STEPS_MAX: u64 = 60;

/// 950: from here on a pool counts as full.
const CROWDED_PERMILLE: u64 = 950;

/// What a run of loads came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loads {
    /// Steps up.
    pub ups: u64,
    /// Steps down.
    pub downs: u64,
    /// Modules killed for their load.
    pub kills: u64,
    /// Modules held because their pool was full.
    pub pooled: u64,
    /// Every decision in order.
    pub trace: String,
}

#[derive(Debug)]
struct Life {
    slot: Slot,
    generation: Generation,
    zone: Zone,
    bounds: Bounds,
    appetite: Amounts,
    grip: Grip,
    /// What it held when it was frozen.
    used: Amounts,
}

#[derive(Debug)]
struct Looks {
    random: Random,
    kernel: Ensemble,
    now: Time,
    lives: BTreeMap<Slot, Life>,
    /// How many of each zone the last look saw.
    members: BTreeMap<Zone, u64>,
    /// What they used together.
    sums: BTreeMap<Zone, Amounts>,
    settings: Settings,
    /// The system itself keeps pools at their caps of processor.
    has_groups: bool,
    /// Steps of each module while its load stays as it is.
    steps: BTreeMap<Slot, u64>,
    dying: Vec<(Slot, Generation)>,
    watchdog: Watchdog,
    told: Loads,
}

/// Lives through so many looks of random load and then through calm.
///
/// # Errors
/// The rule that was broken.
pub fn loads(seed: u64, looks: u64) -> Result<Loads, String> {
    let mut world = Looks::new(seed);
    for _ in 0..looks {
        world.change_appetites();
        world.change_mode()?;
        world.look()?;
    }
    world.resume();
    world.be_steady()?;
    for _ in 0..CALM_LOOKS {
        world.be_calm();
        world.look()?;
    }
    world.all_free()?;
    Ok(world.told)
}

impl Looks {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let watchdog =
            *random.pick(&[Watchdog::Active, Watchdog::Active, Watchdog::Strict, Watchdog::Passive]);
        let mut world = Self {
            kernel: Ensemble::new(random.next()),
            random,
            now: Time(0),
            lives: BTreeMap::new(),
            members: BTreeMap::new(),
            sums: BTreeMap::new(),
            settings: Settings { watchdog, ..Settings::default() },
            has_groups: false,
            steps: BTreeMap::new(),
            dying: Vec::new(),
            watchdog,
            told: Loads::default(),
        };
        world.draw_pools();
        world.kernel.handle(world.now, Event::Settings(world.settings.clone()));
        let found = (0..MODULES).map(|number| world.module(number)).collect();
        world.kernel.handle(world.now, Event::Discovered(found));
        // Nothing here can break a rule: no look has been made.
        let _nothing = world.carry_out(&BTreeMap::new());
        world
    }

    /// Half of the houses have caps of some resources in some zones.
    fn draw_pools(&mut self) {
        self.has_groups = self.random.happens(50);
        if self.random.happens(50) {
            return;
        }
        for zone in Zone::ALL {
            for resource in Resource::ALL {
                if self.random.happens(25) {
                    let pools = &mut self.settings.pools;
                    let pool = match zone {
                        Zone::Sandbox => &mut pools.sandbox,
                        Zone::Stable => &mut pools.stable,
                        Zone::System => &mut pools.system,
                    };
                    pool.cap = pool.cap.with(resource, Some(self.random.between(100, 3000)));
                }
            }
        }
    }

    /// The load stays as it is: who is held and let go again and again takes ever longer rounds.
    fn be_steady(&mut self) -> Result<(), String> {
        for _ in 0..STEADY_LOOKS {
            self.look()?;
        }
        self.steps.clear();
        for _ in 0..STEADY_LOOKS {
            self.look()?;
        }
        match self.steps.iter().find(|(_, steps)| **steps > STEADY_STEPS_MAX) {
            Some((slot, steps)) => {
                let lines: Vec<&str> = self.told.trace.lines().collect();
                let last = lines[lines.len().saturating_sub(20)..].join("\n");
                Err(format!("{slot:?} took {steps} steps though its load stayed the same:\n{last}"))
            }
            None => Ok(()),
        }
    }

    fn module(&mut self, number: u64) -> Discovered {
        let id = ModuleId::parse(&format!("m{number}")).expect("a letter and a number are a slug");
        let mut spec = Spec::plain(id);
        spec.zone = *self.random.pick(&Zone::ALL);
        spec.max_restarts = Some(1000);
        for resource in Resource::ALL {
            if self.random.happens(30) {
                spec.bounds = spec.bounds.with(resource, Some(self.random.between(10, 1000)));
            }
        }
        let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
        Discovered { spec, grants, refused: None }
    }

    fn change_appetites(&mut self) {
        for life in self.lives.values_mut() {
            if self.random.happens(8) {
                let resource = *self.random.pick(&Resource::ALL);
                let most = if resource == Resource::Cpu { MACHINE_PERMILLE } else { 3000 };
                let amount = if self.random.happens(50) { 0 } else { self.random.below(most) };
                life.appetite = life.appetite.with(resource, amount);
            }
        }
    }

    /// Now and then there is an alarm, or an operator goes to safe mode, and back. The rule: a passive watchdog lets an alarm be.
    fn change_mode(&mut self) -> Result<(), String> {
        if self.random.happens(2) {
            let (why, was_safe) = (String::from("a whim"), self.kernel.safe_mode().is_some());
            let is_alarm = self.random.happens(50);
            let order = if is_alarm { Order::Alarm(why) } else { Order::SafeMode(why) };
            self.kernel.handle(self.now, Event::Ordered(RequestId(1), order));
            let wanted = was_safe || !is_alarm || self.watchdog != Watchdog::Passive;
            if self.kernel.safe_mode().is_some() != wanted {
                return Err(format!(
                    "safe mode is not what a {:?} watchdog makes of an alarm",
                    self.watchdog
                ));
            }
        } else if self.random.happens(10) {
            self.resume();
        }
        Ok(())
    }

    fn resume(&mut self) {
        self.kernel.handle(self.now, Event::Ordered(RequestId(2), Order::Resume));
    }

    fn be_calm(&mut self) {
        for life in self.lives.values_mut() {
            life.appetite = Amounts::default();
        }
    }

    /// What a life uses under its grip.
    fn used(life: &Life) -> Amounts {
        let wants = life.appetite;
        if life.grip.step == Step::Frozen {
            let nothing = [Resource::Cpu, Resource::Messages, Resource::Calls, Resource::Births];
            return nothing.into_iter().fold(life.used, |used, resource| used.with(resource, 0));
        }
        let cpu = wants.of(Resource::Cpu).min(life.grip.cpu_permille.unwrap_or(u64::MAX));
        let rate = life.grip.messages_per_s.unwrap_or(u64::MAX);
        let messages = wants.of(Resource::Messages).min(rate);
        let calls = wants.of(Resource::Calls).min(rate);
        wants.with(Resource::Cpu, cpu).with(Resource::Messages, messages).with(Resource::Calls, calls)
    }

    /// What a zone's modules use together.
    fn sum(&self, zone: Zone) -> Amounts {
        let members = self.lives.values().filter(|life| life.zone == zone);
        members.fold(Amounts::default(), |sum, life| {
            Resource::ALL.into_iter().fold(sum, |sum, one| sum.with(one, sum.of(one) + life.used.of(one)))
        })
    }

    /// Where there are groups, a pool that wants more of a processor than its cap gets its cap, in equal parts of what each wants.
    fn keep_within_groups(&mut self) {
        for zone in Zone::ALL.into_iter().filter(|_| self.has_groups) {
            let Some(cap) = self.settings.pools.of(zone).cap.of(Resource::Cpu) else { continue };
            let sum = self.sum(zone).of(Resource::Cpu);
            for life in self.lives.values_mut().filter(|life| life.zone == zone && sum > cap) {
                life.used = life.used.with(Resource::Cpu, life.used.of(Resource::Cpu) * cap / sum);
            }
        }
    }

    /// Whether a life's pool is full of something of which it uses more than its equal share.
    fn is_to_blame(&self, zone: Zone, used: Amounts) -> bool {
        let members = self.members.get(&zone).copied().unwrap_or(0).max(1);
        let sum = self.sums.get(&zone).copied().unwrap_or_default();
        let cap = self.settings.pools.of(zone).cap;
        Resource::ALL.into_iter().any(|resource| {
            cap.of(resource).is_some_and(|cap| {
                sum.of(resource) * 1000 / cap.max(1) >= CROWDED_PERMILLE && used.of(resource) > cap / members
            })
        })
    }

    fn look(&mut self) -> Result<(), String> {
        self.now = Time(self.now.0 + LOOK_MS);
        self.kernel.handle_timeout(self.now);
        self.carry_out(&BTreeMap::new())?;
        for (slot, generation) in core::mem::take(&mut self.dying) {
            self.kernel.handle(self.now, Event::Exited(slot, generation, ExitKind::Signal(9)));
            self.carry_out(&BTreeMap::new())?;
        }
        for life in self.lives.values_mut() {
            life.used = Self::used(life);
        }
        self.keep_within_groups();
        let row = |life: &Life| Reading { slot: life.slot, generation: life.generation, used: life.used };
        let rows: Vec<Reading> = self.lives.values().map(row).collect();
        let wanted: u64 = self.lives.values().map(|life| life.appetite.of(Resource::Cpu)).sum();
        let strain_permille = (wanted * 500 / MACHINE_PERMILLE).min(1000);
        let used = rows.iter().map(|row| (row.slot, row.used)).collect();
        // Those of the look: one that is ended in the middle of it has had its share.
        let count = |zone| self.lives.values().filter(|life| life.zone == zone).count() as u64;
        self.members = Zone::ALL.into_iter().map(|zone| (zone, count(zone))).collect();
        self.sums = Zone::ALL.into_iter().map(|zone| (zone, self.sum(zone))).collect();
        let measured = Measured { rows, strain_permille, cores: MACHINE_PERMILLE / 1000 };
        self.kernel.handle(self.now, Event::Measured(measured));
        self.carry_out(&used)
    }

    fn carry_out(&mut self, used: &BTreeMap<Slot, Amounts>) -> Result<(), String> {
        let mut recorded: Option<(Generation, &'static str)> = None;
        while let Some(effect) = self.kernel.poll_effect() {
            match effect {
                Effect::Record(record) => {
                    if record.code.starts_with("governor.") {
                        self.note(&record);
                    }
                    recorded = record.generation.map(|generation| (generation, record.code));
                }
                Effect::Spawn(slot, generation) => self.spawn(slot, generation)?,
                Effect::Signal(slot, generation, _) if self.lives.remove(&slot).is_some() => {
                    self.dying.push((slot, generation));
                }
                Effect::Grip(slot, generation, grip) => {
                    let code = recorded.filter(|(life, _)| *life == generation).map(|(_, code)| code);
                    self.grip((slot, generation), grip, code, used)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn note(&mut self, record: &abi::Record) {
        match record.code {
            "governor.eased" => self.told.downs += 1,
            "governor.killed" => (self.told.ups, self.told.kills) = (self.told.ups + 1, self.told.kills + 1),
            "governor.reported" => {}
            _ => self.told.ups += 1,
        }
        // Writing into a String can't fail.
        let _written = writeln!(self.told.trace, "{} {record:?}", self.now);
    }

    fn spawn(&mut self, slot: Slot, generation: Generation) -> Result<(), String> {
        let Some(spec) = self.kernel.spec(slot).cloned() else { return Ok(()) };
        if self.kernel.safe_mode().is_some() && spec.zone != Zone::System {
            return Err(format!("{} starts in safe mode", spec.id));
        }
        let bounds = spec.bounds.over(self.kernel.settings().pools.of(spec.zone).each);
        let life = Life {
            slot,
            generation,
            zone: spec.zone,
            bounds,
            appetite: Amounts::default(),
            grip: Grip::default(),
            used: Amounts::default(),
        };
        self.lives.insert(slot, life);
        self.kernel.handle(self.now, Event::Spawned(slot, generation));
        self.kernel.handle(self.now, Event::ReadySeen(slot, generation));
        Ok(())
    }

    /// The rules: every grip is recorded before it; nobody is held without being past a bound of its own or, in a strained
    /// machine, past its share; and nobody is held tighter than its zone and the watchdog allow.
    fn grip(
        &mut self,
        (slot, generation): (Slot, Generation),
        grip: Grip,
        code: Option<&'static str>,
        used: &BTreeMap<Slot, Amounts>,
    ) -> Result<(), String> {
        let members = &self.members;
        let zone = self.lives.get(&slot).map_or(Zone::System, |life| life.zone);
        let pooled = self.is_to_blame(zone, used.get(&slot).copied().unwrap_or_default());
        let Some(life) = self.lives.get_mut(&slot).filter(|life| life.generation == generation) else {
            return Ok(());
        };
        if grip.step != life.grip.step {
            *self.steps.entry(slot).or_default() += 1;
        }
        if grip.step > life.grip.step {
            if !code.is_some_and(|code| code.starts_with("governor.")) {
                return Err(format!("{slot:?} is held as {grip:?} without a record"));
            }
            let used = used.get(&slot).copied().unwrap_or_default();
            let past = |resource| life.bounds.of(resource).is_some_and(|bound| used.of(resource) > bound);
            let own = Resource::ALL.into_iter().any(past);
            let share = match life.zone {
                Zone::Sandbox => {
                    MACHINE_PERMILLE / 2 / members.get(&Zone::Sandbox).copied().unwrap_or(0).max(1)
                }
                Zone::Stable => {
                    MACHINE_PERMILLE * 9 / 10 / members.get(&Zone::Stable).copied().unwrap_or(0).max(1)
                }
                Zone::System => u64::MAX,
            };
            self.told.pooled += u64::from(!own && pooled);
            if !own && !pooled && used.of(Resource::Cpu) <= share {
                return Err(format!("{slot:?} in {} is held for another's load: {used:?}", life.zone));
            }
            if self.watchdog == Watchdog::Passive {
                return Err(String::from("a passive watchdog held somebody"));
            }
            if life.zone == Zone::System && grip.step > Step::Throttled {
                return Err(format!("a system module is {}", grip.step.as_str()));
            }
        }
        life.grip = grip;
        Ok(())
    }

    /// When the pressure is gone, so is every step.
    fn all_free(&self) -> Result<(), String> {
        if self.watchdog == Watchdog::Active
            && let Some(down) = self.kernel.views().into_iter().find(|view| view.state != State::Ready)
        {
            return Err(format!("{} is {} in the calm: {}", down.id, down.state, down.note));
        }
        for view in self.kernel.views() {
            if view.step != Step::Free {
                return Err(format!("{} is still {} in the calm", view.id, view.step.as_str()));
            }
        }
        match self.lives.values().find(|life| life.grip != Grip::default()) {
            Some(life) => Err(format!("{:?} is still held as {:?} in the calm", life.slot, life.grip)),
            None => Ok(()),
        }
    }
}
