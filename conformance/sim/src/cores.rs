//! The same proxies on several cores, which nothing but letters and published routes ties together: each core decides
//! by routes that may be old, letters between two lives keep their order and no other, and lives end while letters to
//! them are on their way.
//!
//! The rest of the simulator runs the [`kernel::Ensemble`], where every letter is read at once. Here the kernel, the
//! proxies and their acts are the same and the order is drawn. What must hold whatever the order is:
//! - a call of a life that goes on is answered exactly once, with what its target made of its own parameters;
//! - a number that a target is given for a call never comes twice in its life;
//! - messages of one sender on one topic reach a hearer in their order, at most once, and never their sender;
//! - a life that is over is given nothing and nothing of it is left open anywhere;
//! - nobody calls what it has no capability for, however old the routes are.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use abi::{ExitKind, Name, Payload, Permissions, Slot, Time};
use kernel::{
    Act, Address, CallContext, Capabilities, Discovered, Door, Effect, Enforcement, Event, Grants, Incoming,
    Kernel, Letter, Note, Outcome, Outgoing, Proxy, Routes, Settings, Spec, Turn, Undelivered, Word,
};

use crate::house;
use crate::random::Random;

mod module;

use module::Module;

/// 6 modules: enough that some end while others talk.
const MODULES: u64 = 6;

/// 3 cores: a letter's writer, its reader and somebody with other routes than both.
const CORES: u64 = 3;

/// 24 letters: so few that mailboxes are full now and then.
const MAILBOX_LETTERS_MAX: usize = 24;

/// Where control's notes and frames come from; no life has this number.
const CONTROL: Address = Address { slot: Slot(u32::MAX - 1), generation: abi::Generation(0) };

/// 100,000 steps to come to rest: a thousand times what is on its way.
const REST_STEPS_MAX: u64 = 100_000;

/// What is on its way.
#[derive(Debug)]
enum Parcel {
    Letter(Letter),
    Note(Note),
    Frame(Outgoing),
    Event(Event),
}

/// A proxy where it runs, and the process behind it.
#[derive(Debug)]
struct Seat {
    core: usize,
    proxy: Proxy,
    module: Module,
}

#[derive(Debug)]
struct Cores {
    now: Time,
    random: Random,
    kernel: Kernel,
    truth: Arc<Routes>,
    /// What each core knows.
    routes: Vec<Arc<Routes>>,
    seats: BTreeMap<Address, Seat>,
    /// By writer and reader; never an empty one.
    links: BTreeMap<(Address, Address), VecDeque<Parcel>>,
    /// Lives whose processes run.
    alive: BTreeSet<Address>,
    answers: u64,
    lost: u64,
}

/// What one seed came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// Calls that were answered by their targets.
    pub answers: u64,
    /// Letters that found their reader's life over, or its mailbox full.
    pub lost: u64,
}

/// Lives through this many steps of a seed on several cores, then comes to rest.
///
/// # Errors
/// The broken rule, in one sentence.
pub fn cores(seed: u64, steps: u64) -> Result<Crossing, String> {
    let mut cores = Cores::new(seed);
    for _ in 0..steps {
        cores.step()?;
    }
    cores.rest()?;
    Ok(Crossing { answers: cores.answers, lost: cores.lost })
}

impl Cores {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut kernel = Kernel::new(random.next());
        let truth = kernel.routes();
        let routes = (0..CORES).map(|_| truth.clone()).collect();
        let settings = Settings {
            restart_base: Duration::from_millis(20),
            // Who may not is refused, and lives on to be refused again.
            enforcement: Enforcement::Off,
            rpc_timeout: Duration::from_millis(random.between(50, 2000)),
            ..Settings::default()
        };
        kernel.handle(Time(0), Event::Settings(settings));
        let found = (0..MODULES).map(|number| discovered(&mut random, number)).collect();
        kernel.handle(Time(0), Event::Discovered(found));
        let mut cores = Self {
            now: Time(0),
            random,
            kernel,
            truth,
            routes,
            seats: BTreeMap::new(),
            links: BTreeMap::new(),
            alive: BTreeSet::new(),
            answers: 0,
            lost: 0,
        };
        cores.take_effects();
        cores
    }

    fn step(&mut self) -> Result<(), String> {
        match self.random.below(100) {
            0..=54 => self.deliver_one(),
            55..=64 => {
                let core = self.random.below(CORES);
                self.routes[usize::try_from(core).unwrap_or_default()] = self.truth.clone();
                Ok(())
            }
            65..=92 => self.speak(),
            93..=97 => self.time_passes(),
            98 => {
                self.die();
                Ok(())
            }
            _ => self.forge(),
        }
    }

    /// One parcel arrives: the first of its link.
    fn deliver_one(&mut self) -> Result<(), String> {
        let at = self.random.below(self.links.len().max(1) as u64);
        let Some(link) = self.links.keys().nth(usize::try_from(at).unwrap_or_default()).copied() else {
            return Ok(());
        };
        let Some(queue) = self.links.get_mut(&link) else { return Ok(()) };
        let parcel = queue.pop_front();
        if queue.is_empty() {
            self.links.remove(&link);
        }
        parcel.map_or(Ok(()), |parcel| self.arrive(link.0, link.1, parcel))
    }

    fn arrive(&mut self, from: Address, to: Address, parcel: Parcel) -> Result<(), String> {
        match parcel {
            Parcel::Event(event) => {
                self.kernel.handle(self.now, event);
                self.take_effects();
                Ok(())
            }
            Parcel::Letter(letter) => {
                let back = letter.returned();
                if self.with(to, |proxy, turn| proxy.read(turn, letter))? {
                    return Ok(());
                }
                self.lost += 1;
                back.map_or(Ok(()), |(writer, letter)| {
                    self.send(to, writer, Parcel::Letter(letter));
                    Ok(())
                })
            }
            Parcel::Frame(frame) => self.frame(to, frame).map_err(|rule| format!("{rule}, from {from:?}")),
            Parcel::Note(note) => {
                self.with(to, |proxy, turn| proxy.note(turn, &note))?;
                if note == Note::Gone
                    && let Some(seat) = self.seats.remove(&to)
                    && (seat.proxy.calls_pending(), seat.proxy.calls_served()) != (0, 0)
                {
                    return Err(format!("{to:?} is over and has calls open"));
                }
                Ok(())
            }
        }
    }

    fn send(&mut self, from: Address, to: Address, parcel: Parcel) {
        if let Parcel::Letter(letter) = &parcel
            && letter.needs_room()
            && self.waiting_for(to) >= MAILBOX_LETTERS_MAX
        {
            self.lost += 1;
            if let Some((writer, refusal)) = letter.refused() {
                self.links.entry((to, writer)).or_default().push_back(Parcel::Letter(refusal));
            }
            return;
        }
        self.links.entry((from, to)).or_default().push_back(parcel);
    }

    fn waiting_for(&self, to: Address) -> usize {
        self.links.iter().filter(|((_, reader), _)| *reader == to).map(|(_, queue)| queue.len()).sum()
    }

    /// One step of a proxy with what its core knows; says whether there is one.
    fn with(&mut self, life: Address, act: impl FnOnce(&mut Proxy, &mut Turn<'_>)) -> Result<bool, String> {
        let Some(seat) = self.seats.get_mut(&life) else { return Ok(false) };
        let mut acts = Vec::new();
        act(&mut seat.proxy, &mut Turn { now: self.now, routes: &self.routes[seat.core], acts: &mut acts });
        for act in acts {
            self.carry_out(life, act)?;
        }
        Ok(true)
    }

    fn carry_out(&mut self, life: Address, act: Act) -> Result<(), String> {
        let Address { slot, generation } = life;
        match act {
            Act::Frame(frame) => self.frame(life, frame)?,
            Act::Post(to, letter) => {
                self.may_post(life, &letter)?;
                self.send(life, to, Parcel::Letter(letter));
            }
            Act::Control(said) => {
                self.send(life, CONTROL, Parcel::Event(Event::Said(slot, generation, said)));
            }
            Act::Tried(attempt) => {
                self.send(life, CONTROL, Parcel::Event(Event::Tried(slot, generation, attempt)));
            }
            Act::Overran => {
                self.send(life, CONTROL, Parcel::Event(Event::Overran(slot, generation)));
            }
            Act::Drained => {
                self.send(life, CONTROL, Parcel::Event(Event::Drained(slot, generation)));
            }
            Act::Warn(_) => {}
            Act::Reply(..) | Act::Show(..) => {
                return Err(String::from("a module's proxy answered an operator"));
            }
        }
        Ok(())
    }

    fn may_post(&self, life: Address, letter: &Letter) -> Result<(), String> {
        let Letter::Call { service, .. } = letter else { return Ok(()) };
        let may = self.seats.get(&life).is_some_and(|seat| seat.module.may.contains(service.as_str()));
        if may { Ok(()) } else { Err(format!("{life:?} called {service}, which it may not")) }
    }

    /// A frame for the process, if that still runs.
    fn frame(&mut self, life: Address, frame: Outgoing) -> Result<(), String> {
        if !self.alive.contains(&life) {
            return Ok(());
        }
        let Some(seat) = self.seats.get_mut(&life) else { return Ok(()) };
        let full = matches!(frame, Outgoing::Call { .. } | Outgoing::Chunk { .. }) && self.random.happens(3);
        if full {
            let what = match frame {
                Outgoing::Call { hop, .. } => Undelivered::Call(hop),
                Outgoing::Chunk { hop, .. } => Undelivered::Part(hop),
                _ => return Ok(()),
            };
            // The call was numbered, though its module does not hear of it.
            return self.with(life, |proxy, turn| proxy.undelivered(turn, what)).map(|_| ());
        }
        if matches!(frame, Outgoing::Answer { outcome: Outcome::Result(_), .. }) {
            self.answers += 1;
        }
        seat.module.receive(frame, &mut self.random).map_err(|rule| format!("{life:?}: {rule}"))
    }

    /// Some process says what it has to say.
    fn speak(&mut self) -> Result<(), String> {
        let Some(life) = self.somebody() else { return Ok(()) };
        let Some(seat) = self.seats.get_mut(&life) else { return Ok(()) };
        let said = seat.module.speak(&mut self.random, MODULES);
        said.map_or(Ok(()), |said| self.with(life, |proxy, turn| proxy.hear(turn, said)).map(|_| ()))
    }

    fn somebody(&mut self) -> Option<Address> {
        let at = self.random.below(self.alive.len().max(1) as u64);
        self.alive.iter().nth(usize::try_from(at).ok()?).copied()
    }

    fn time_passes(&mut self) -> Result<(), String> {
        self.now = self.now + Duration::from_millis(self.random.between(1, 100));
        let lives: Vec<Address> = self.seats.keys().copied().collect();
        for life in lives {
            let due = self.seats.get(&life).and_then(|seat| seat.proxy.next_deadline());
            if due.is_some_and(|at| at <= self.now) {
                self.with(life, Proxy::time_passed)?;
            }
        }
        if self.kernel.poll_timeout().is_some_and(|at| at <= self.now) {
            self.kernel.handle_timeout(self.now);
            self.take_effects();
        }
        Ok(())
    }

    /// A process ends by itself.
    fn die(&mut self) {
        if let Some(life) = self.somebody() {
            self.alive.remove(&life);
            self.kernel.handle(self.now, Event::Exited(life.slot, life.generation, ExitKind::Code(1)));
            self.take_effects();
        }
    }

    /// A process answers what others were asked.
    fn forge(&mut self) -> Result<(), String> {
        let Some(life) = self.somebody() else { return Ok(()) };
        let Some(seat) = self.seats.get(&life) else { return Ok(()) };
        let said = seat.module.forged(&mut self.random);
        self.with(life, |proxy, turn| proxy.hear(turn, said)).map(|_| ())
    }

    fn take_effects(&mut self) {
        self.truth = self.kernel.routes();
        while let Some(effect) = self.kernel.poll_effect() {
            match effect {
                Effect::Note(slot, generation, Note::Began(badge)) => {
                    let life = Address { slot, generation };
                    let spec = self.kernel.spec(slot).cloned();
                    let module = Module::new(spec, life);
                    let core = usize::try_from(self.random.below(CORES)).unwrap_or_default();
                    self.seats.insert(life, Seat { core, proxy: Proxy::new(life, badge), module });
                    self.alive.insert(life);
                }
                Effect::Note(slot, generation, note) => {
                    self.send(CONTROL, Address { slot, generation }, Parcel::Note(note));
                }
                Effect::Send(slot, generation, frame) => {
                    self.send(CONTROL, Address { slot, generation }, Parcel::Frame(frame));
                }
                Effect::Spawn(slot, generation) => {
                    let event = Event::Spawned(slot, generation);
                    self.send(Address { slot, generation }, CONTROL, Parcel::Event(event));
                }
                Effect::Signal(slot, generation, _) => {
                    self.alive.remove(&Address { slot, generation });
                    let event = Event::Exited(slot, generation, ExitKind::Signal(9));
                    self.send(Address { slot, generation }, CONTROL, Parcel::Event(event));
                }
                _ => {}
            }
        }
    }

    /// Nobody dies and nothing new is said; everything on its way arrives, and everything open ends.
    fn rest(&mut self) -> Result<(), String> {
        for seat in self.seats.values_mut() {
            seat.module.rest();
        }
        for round in 0..REST_STEPS_MAX {
            if self.links.is_empty() {
                self.routes.fill(self.truth.clone());
                self.time_passes()?;
                self.speak()?;
            } else {
                self.deliver_one()?;
            }
            let open =
                self.seats.values().any(|seat| seat.proxy.calls_pending() + seat.proxy.calls_served() > 0);
            if !open && self.links.is_empty() && round > 1000 {
                return self.farewell();
            }
        }
        Err(String::from("calls never end"))
    }

    fn farewell(&self) -> Result<(), String> {
        for (life, seat) in self.seats.iter().filter(|(life, _)| self.alive.contains(life)) {
            seat.module.farewell().map_err(|rule| format!("{life:?}: {rule}"))?;
        }
        Ok(())
    }
}

fn discovered(random: &mut Random, number: u64) -> Discovered {
    let mut spec = Spec::plain(house::module_id(number));
    spec.door = Door::Lines;
    spec.provides = vec![house::name('s', number)];
    spec.features.cancel = random.happens(50);
    spec.features.progress = random.happens(50);
    spec.features.stream = random.happens(50);
    let services: BTreeSet<Name> =
        (0..MODULES).filter(|_| random.happens(80)).map(|number| house::name('s', number)).collect();
    let topics = (0..2).filter(|_| random.happens(70)).map(|number| house::name('t', number)).collect();
    spec.capabilities = Some(Capabilities { services, topics, ..Capabilities::default() });
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

/// A call as fake processes make them.
fn call(id: Word, service: Word, deadline_ms: Option<u64>) -> Incoming {
    let context = CallContext { deadline_ms, traceparent: None };
    let params = Some(Payload::new(id.as_str().as_bytes()));
    Incoming::Call { id, service, method: Word::literal("echo"), params, context }
}
