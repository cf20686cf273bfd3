//! Faults in the sandbox zone, at random, and the rule that nothing above it ever feels one.
//!
//! The house is drawn from a seed: modules in both zones with every strategy, every way of giving up and needs across the
//! border. Then sandbox modules crash, use too much, are reset and restarted, and nothing else happens. No life in the
//! stable zone may be signalled, and the system may not end. Some houses let modules move to the stable zone by probation:
//! then none may move that this world has seen fail, or not seen well for long enough.

use std::collections::BTreeMap;
use std::time::Duration;

use abi::{ExitKind, Generation, ModuleId, Permissions, Record, RequestId, Slot, Time, Zone};
use kernel::{
    Amounts, Bounds, Discovered, Effect, Ensemble, Event, GiveUp, Grants, Measured, Order, Reading, Resource,
    Settings, Spec, Strategy, Watchdog,
};

use crate::random::Random;

/// 8 modules: enough for rows of needs that cross the border twice.
const MODULES: u64 = 8;

#[derive(Debug)]
struct Border {
    random: Random,
    kernel: Ensemble,
    now: Time,
    lives: BTreeMap<Slot, (Generation, Zone)>,
    dying: Vec<(Slot, Generation)>,
    faults: u64,
    probation: Option<Duration>,
    /// By seat, since when nothing has gone wrong with it.
    well_from: BTreeMap<Slot, Time>,
    /// Modules that passed their probation.
    passed: u64,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Borders {
    /// Faults in the sandbox zone.
    pub faults: u64,
    /// Modules that moved to the stable zone by their conduct.
    pub passed: u64,
}

/// Lives through so many faults and orders of the sandbox zone.
///
/// # Errors
/// What a fault did beyond its zone.
pub fn zones(seed: u64, steps: u64) -> Result<Borders, String> {
    let mut border = Border::new(seed)?;
    let stable = border.stable();
    for _ in 0..steps {
        border.step()?;
    }
    let now = border.stable();
    if let Some(lost) = stable.iter().find(|life| !now.contains(life)) {
        return Err(format!("{lost:?} of the stable zone is not there any more"));
    }
    Ok(Borders { faults: border.faults, passed: border.passed })
}

impl Border {
    fn new(seed: u64) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let watchdog = *random.pick(&[Watchdog::Active, Watchdog::Strict]);
        let kernel = Ensemble::new(random.next());
        let probation = random.happens(50).then(|| Duration::from_secs(random.between(5, 60)));
        let mut border = Self {
            random,
            kernel,
            now: Time(0),
            lives: BTreeMap::new(),
            dying: Vec::new(),
            faults: 0,
            probation,
            well_from: BTreeMap::new(),
            passed: 0,
        };
        let mut settings = Settings { watchdog, probation, ..Settings::default() };
        if border.random.happens(50) {
            let pool = &mut settings.pools.sandbox;
            pool.cap = pool.cap.with(Resource::Cpu, Some(500)).with(Resource::Memory, Some(1 << 20));
        }
        border.tell(Event::Settings(settings))?;
        let found = (0..MODULES).map(|number| border.module(number)).collect();
        border.tell(Event::Discovered(found))?;
        Ok(border)
    }

    fn module(&mut self, number: u64) -> Discovered {
        let mut spec = Spec::plain(id(number));
        spec.zone = *self.random.pick(&[Zone::Sandbox, Zone::Stable]);
        spec.strategy = *self.random.pick(&[Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll]);
        let substitute = GiveUp::Start(id(self.random.below(MODULES)));
        let ways = [GiveUp::Nothing, GiveUp::StopDependents, GiveUp::Shutdown, substitute];
        spec.on_give_up = self.random.pick(&ways).clone();
        spec.max_restarts = u32::try_from(self.random.below(3)).ok();
        spec.needs = (0..number).filter(|_| self.random.happens(30)).map(id).collect();
        spec.bounds = Bounds::default().with(Resource::Cpu, Some(100));
        let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
        Discovered { spec, grants, refused: None }
    }

    fn stable(&self) -> Vec<(Slot, Generation)> {
        let of_zone = self.lives.iter().filter(|(_, (_, zone))| *zone == Zone::Stable);
        of_zone.map(|(slot, (generation, _))| (*slot, *generation)).collect()
    }

    fn step(&mut self) -> Result<(), String> {
        self.now = Time(self.now.0 + self.random.between(1, 5000));
        self.kernel.handle_timeout(self.now);
        self.carry_out()?;
        for (slot, generation) in core::mem::take(&mut self.dying) {
            self.tell(Event::Exited(slot, generation, ExitKind::Signal(15)))?;
        }
        let sandbox: Vec<(Slot, Generation)> = self
            .lives
            .iter()
            .filter(|(_, life)| life.1 == Zone::Sandbox)
            .map(|(slot, life)| (*slot, life.0))
            .collect();
        match self.random.below(10) {
            0 => self.tell(Event::Ordered(RequestId(1), Order::ResetZone(Zone::Sandbox))),
            1 => self.tell(Event::Ordered(RequestId(1), Order::RestartZone(Zone::Sandbox))),
            2..5 => self.overload(&sandbox),
            _ if sandbox.is_empty() => Ok(()),
            _ => {
                let (slot, generation) = *self.random.pick(&sandbox);
                self.faults += 1;
                self.lives.remove(&slot);
                self.well_from.insert(slot, self.now);
                self.tell(Event::Exited(slot, generation, ExitKind::Code(1)))
            }
        }
    }

    /// A look at which every sandbox life uses far too much, in a machine that is strained; those of the stable zone use
    /// what they always do.
    fn overload(&mut self, sandbox: &[(Slot, Generation)]) -> Result<(), String> {
        self.faults += 1;
        let used = Amounts::default().with(Resource::Cpu, 2000);
        let rows =
            sandbox.iter().map(|(slot, generation)| Reading { slot: *slot, generation: *generation, used });
        let usual = Amounts::default().with(Resource::Cpu, 100).with(Resource::Memory, 64 << 20);
        let stable = self.stable();
        let others = stable.iter().map(|(slot, generation)| Reading {
            slot: *slot,
            generation: *generation,
            used: usual,
        });
        let measured = Measured { rows: rows.chain(others).collect(), strain_permille: 1000, cores: 2 };
        self.tell(Event::Measured(measured))
    }

    /// Who passes its probation must have been well for all of it, as this world saw it.
    fn look_at(&mut self, record: &Record) -> Result<(), String> {
        let Some(slot) = record.module.as_ref().and_then(|id| self.kernel.find(id.as_str())) else {
            return Ok(());
        };
        if record.code.starts_with("governor.") && record.code != "governor.eased" {
            self.well_from.insert(slot, self.now);
        }
        if record.code != "zone.probation_passed" {
            return Ok(());
        }
        self.passed += 1;
        let well = self.now.since(self.well_from.get(&slot).copied().unwrap_or(self.now));
        match self.probation {
            Some(wanted) if well >= wanted => Ok(()),
            wanted => Err(format!("{slot:?} was well for {well:?}, passed, and should be so for {wanted:?}")),
        }
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.kernel.handle(self.now, event);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Result<(), String> {
        while let Some(effect) = self.kernel.poll_effect() {
            match effect {
                Effect::Spawn(slot, generation) => {
                    let zone = self.kernel.view(slot).map_or(Zone::Sandbox, |view| view.zone);
                    self.lives.insert(slot, (generation, zone));
                    self.well_from.insert(slot, self.now);
                    self.kernel.handle(self.now, Event::Spawned(slot, generation));
                    self.kernel.handle(self.now, Event::ReadySeen(slot, generation));
                }
                Effect::Record(record) => self.look_at(&record)?,
                Effect::Signal(slot, generation, _) => match self.lives.remove(&slot) {
                    Some((_, Zone::Sandbox)) => self.dying.push((slot, generation)),
                    Some((_, zone)) => return Err(format!("{slot:?} in {zone} was told to end")),
                    None => {}
                },
                Effect::Grip(slot, _, grip)
                    if grip != kernel::Grip::default()
                        && self.lives.get(&slot).is_some_and(|life| life.1 != Zone::Sandbox) =>
                {
                    return Err(format!("{slot:?} is held as {grip:?}"));
                }
                Effect::Finished => return Err(String::from("the system was shut down")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn id(number: u64) -> ModuleId {
    ModuleId::parse(&format!("m{number}")).expect("a letter and a number are a slug")
}
