//! Random hot swaps under traffic and crashes: one provider whose lives come and go beside each other, callers that never
//! fall, and an operator that swaps, updates, goes back, releases, restarts and stops at any moment.
//!
//! # What must hold
//! - A call goes only to the life that routes point at, and per caller in the order in which the calls were made, each
//!   once: whatever is held, moved or handed back.
//! - Each call is answered once; well only if a life handled it, and then with what that life said.
//! - The state that a new life gets is the one that the old one gave.
//! - What a life gives before a planned end is what the next one is offered, once at most, in every second run.
//! - A cut holds what the life that answers gave for it, and loses no call either.
//! - Few lives are beside each other, and every swap ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use abi::{ExitKind, Generation, ModuleId, Name, Payload, Permissions, RequestId, Slot, Time};
use kernel::{
    Answer, CallContext, Capabilities, Carry, Discovered, Door, Effect, Ensemble, Event, Fate, Features,
    Grants, Incoming, Keeps, Manner, Order, Outcome, Outgoing, Signal, Spec, Word,
};

use crate::random::Random;

/// 3 callers: enough that what is held is of several.
const CALLERS: u64 = 3;

/// 5 lives of one module: the one that answers, one that is to, a warm one, two that end.
const LIVES_MAX: usize = 5;

/// One process of the provider.
#[derive(Debug, Default)]
struct Life {
    inbox: VecDeque<Outgoing>,
    /// Calls that it has not answered: its number, and what to answer.
    open: Vec<(u64, Payload)>,
    /// What it has handled, over the lives before it too: its state.
    count: u64,
}

#[derive(Debug)]
struct Swapping {
    random: Random,
    kernel: Ensemble,
    now: Time,
    provider: Slot,
    callers: Vec<(Slot, Generation)>,
    lives: BTreeMap<Generation, Life>,
    /// By caller: the last call that it made, the last that reached a life, and how each was answered.
    made: Vec<u64>,
    reached: Vec<u64>,
    answered: BTreeMap<(u64, u64), bool>,
    /// Calls that a life handled.
    handled: BTreeMap<(u64, u64), u32>,
    /// What the provider said last of its state.
    saved: Option<Payload>,
    /// What is kept for its next life.
    kept: Option<Payload>,
    /// Whether its state outlives planned restarts.
    keeps: Keeps,
    print: u64,
    told: Swaps,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swaps {
    /// Flips to a new life.
    pub done: u64,
    /// Swaps that left the old life as it was.
    pub refused: u64,
    /// Flips back to the life before.
    pub fell_back: u64,
    /// Calls that were answered well.
    pub served: u64,
    /// States that outlived a planned restart.
    pub kept: u64,
    /// Cuts that hold a state.
    pub cut: u64,
}

/// Lives through so many steps.
///
/// # Errors
/// The rule that was broken.
pub fn swaps(seed: u64, steps: u64) -> Result<Swaps, String> {
    let mut world = Swapping::new(seed)?;
    for _ in 0..steps {
        world.step()?;
    }
    world.come_to_rest()?;
    Ok(world.told)
}

fn module(name: &str) -> Discovered {
    let mut spec = Spec::plain(ModuleId::parse(name).expect("a slug"));
    spec.door = Door::Lines;
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

fn provider(print: u64, keeps: Keeps) -> Discovered {
    let mut one = module("count");
    one.spec.provides = vec![Name::literal("count")];
    one.spec.features = Features { state: true, cancel: true, ..Features::default() };
    one.spec.keeps = keeps;
    one.spec.max_restarts = Some(1_000_000);
    one.spec.fingerprint = print;
    one
}

fn caller(number: u64) -> Discovered {
    let mut one = module(&format!("caller-{number}"));
    let services = [Name::literal("count")].into();
    one.spec.capabilities = Some(Capabilities { services, ..Capabilities::default() });
    one
}

fn text(number: u64) -> Payload {
    Payload::new(number.to_string().as_bytes())
}

impl Swapping {
    fn new(seed: u64) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let mut world = Self {
            kernel: Ensemble::new(random.next()),
            random,
            now: Time(0),
            provider: Slot(0),
            callers: Vec::new(),
            lives: BTreeMap::new(),
            made: vec![0; CALLERS as usize],
            reached: vec![0; CALLERS as usize],
            answered: BTreeMap::new(),
            handled: BTreeMap::new(),
            saved: None,
            kept: None,
            keeps: if seed.is_multiple_of(2) { Keeps::State } else { Keeps::Unsaid },
            print: 1,
            told: Swaps::default(),
        };
        world.discover()?;
        Ok(world)
    }

    fn discover(&mut self) -> Result<(), String> {
        let mut found = vec![provider(self.print, self.keeps)];
        found.extend((0..CALLERS).map(caller));
        self.tell(Event::Discovered(found))
    }

    fn step(&mut self) -> Result<(), String> {
        if self.random.happens(20) {
            // Mostly no deadline passes; sometimes all do.
            let passed = if self.random.happens(4) { 31_000 } else { self.random.between(1, 200) };
            self.pass(passed)?;
        }
        match self.random.below(20) {
            0..8 => self.call(),
            8..16 => (0..self.random.between(1, 8)).try_for_each(|_| self.some_life_goes_on()),
            16 => self.some_life_falls(),
            17 => self.answer_something(),
            18 => self.order(),
            _ => self.change_files(),
        }
    }

    fn pass(&mut self, ms: u64) -> Result<(), String> {
        self.now = self.now + Duration::from_millis(ms);
        self.kernel.handle_timeout(self.now);
        self.carry_out()
    }

    fn call(&mut self) -> Result<(), String> {
        let at = self.random.below(CALLERS);
        let (slot, generation) = self.callers[at as usize];
        self.made[at as usize] += 1;
        let number = self.made[at as usize];
        let said = Incoming::Call {
            id: Word::from(Name::parse(&number.to_string()).expect("a number is a name")),
            service: Word::literal("count"),
            method: Word::literal("next"),
            params: Some(Payload::new(format!("{at} {number}").as_bytes())),
            context: CallContext::default(),
        };
        self.tell(Event::Said(slot, generation, said))
    }

    fn order(&mut self) -> Result<(), String> {
        let id = ModuleId::parse("count").expect("a slug");
        let order = match self.random.below(14) {
            12 | 13 => Order::Cut,
            0..5 => Order::Swap(id, Carry::AsOffered),
            5 => Order::Swap(id, Carry::Nothing),
            6 => Order::AwaitSwap(id),
            7 => Order::Release(id),
            8 => Order::Restart(id),
            9 => Order::Stop(id),
            _ => Order::Start(id),
        };
        self.tell(Event::Ordered(RequestId(1), order))
    }

    /// Other files, or those before: what runs is swapped, falls back, or is stopped and started.
    fn change_files(&mut self) -> Result<(), String> {
        let manner =
            *self.random.pick(&[Manner::Swap, Manner::SwapAndKeep, Manner::SwapAndKeep, Manner::Restart]);
        self.print =
            if self.random.happens(50) { self.print + 1 } else { self.print.saturating_sub(1).max(1) };
        self.tell(Event::Manner(ModuleId::parse("count").expect("a slug"), manner))?;
        self.discover()
    }

    fn some_life(&mut self) -> Option<Generation> {
        let all: Vec<Generation> = self.lives.keys().copied().collect();
        (!all.is_empty()).then(|| *self.random.pick(&all))
    }

    fn some_life_falls(&mut self) -> Result<(), String> {
        if !self.random.happens(30) {
            return Ok(());
        }
        match self.some_life() {
            Some(generation) => self.end(generation, ExitKind::Code(1)),
            None => Ok(()),
        }
    }

    fn end(&mut self, generation: Generation, exit: ExitKind) -> Result<(), String> {
        match self.lives.remove(&generation) {
            Some(_) => self.tell(Event::Exited(self.provider, generation, exit)),
            None => Ok(()),
        }
    }

    fn answer_something(&mut self) -> Result<(), String> {
        let Some(generation) = self.some_life() else { return Ok(()) };
        let Some(life) = self.lives.get_mut(&generation).filter(|life| !life.open.is_empty()) else {
            return Ok(());
        };
        let at = self.random.below(life.open.len() as u64) as usize;
        let (hop, result) = life.open.remove(at);
        self.say(generation, answer(hop, result))
    }

    /// A life takes the next frame that waits for it.
    fn some_life_goes_on(&mut self) -> Result<(), String> {
        let Some(generation) = self.some_life() else { return Ok(()) };
        let Some(life) = self.lives.get_mut(&generation) else { return Ok(()) };
        let Some(frame) = life.inbox.pop_front() else { return Ok(()) };
        let number = |number: u64| Word::from(Name::parse(&number.to_string()).expect("a number is a name"));
        let (is_refused, is_ignored) = (self.random.happens(5), self.random.happens(5));
        let said = match frame {
            Outgoing::Init => Incoming::Ready,
            Outgoing::Ping if is_ignored => return Ok(()),
            Outgoing::Ping => Incoming::Pong,
            Outgoing::Shutdown => return self.end(generation, ExitKind::Code(0)),
            Outgoing::StateSave { .. } | Outgoing::StateRestore { .. } if is_ignored => return Ok(()),
            Outgoing::StateSave { number: id } | Outgoing::StateRestore { number: id, .. } if is_refused => {
                Incoming::Nack { id: number(id), error: String::from("no") }
            }
            Outgoing::StateSave { number: id } => {
                let state = text(life.count);
                self.saved = Some(state.clone());
                Incoming::StateSaved { id: number(id), state, version: Word::literal("1") }
            }
            Outgoing::StateRestore { number: id, state, .. } => {
                let count = core::str::from_utf8(state.as_bytes()).ok().and_then(|text| text.parse().ok());
                life.count = count.ok_or("a state that nobody gave")?;
                Incoming::StateRestored { id: number(id) }
            }
            Outgoing::Call { hop, params, .. } => return self.handle_call(generation, hop, params),
            _ => return Ok(()),
        };
        self.say(generation, said)
    }

    fn handle_call(&mut self, by: Generation, hop: u64, params: Option<Payload>) -> Result<(), String> {
        let which = which(params.as_ref())?;
        let times = self.handled.entry(which).or_default();
        *times += 1;
        if *times > 1 {
            return Err(format!("call {which:?} was handled twice"));
        }
        let Some(life) = self.lives.get_mut(&by) else { return Ok(()) };
        life.count += 1;
        let result = text(which.1);
        if self.random.happens(40) {
            life.open.push((hop, result));
            return Ok(());
        }
        self.say(by, answer(hop, result))
    }

    fn say(&mut self, generation: Generation, said: Incoming) -> Result<(), String> {
        self.tell(Event::Said(self.provider, generation, said))
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.kernel.handle(self.now, event);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Result<(), String> {
        while let Some(effect) = self.kernel.poll_effect() {
            match effect {
                Effect::Spawn(slot, generation) => self.spawn(slot, generation)?,
                Effect::Send(slot, generation, Outgoing::Answer { id, outcome }) if slot != self.provider => {
                    self.take_answer((slot, generation), &id, &outcome)?;
                }
                Effect::Send(slot, generation, Outgoing::Ping) if slot != self.provider => {
                    self.kernel.handle(self.now, Event::Said(slot, generation, Incoming::Pong));
                }
                Effect::Send(slot, generation, frame) if slot == self.provider => {
                    self.take_frame(generation, frame)?;
                }
                Effect::Signal(slot, generation, Signal::Kill)
                    if slot == self.provider && self.lives.remove(&generation).is_some() =>
                {
                    let exited = Event::Exited(slot, generation, ExitKind::Signal(9));
                    self.kernel.handle(self.now, exited);
                }
                Effect::KeepState(_, _, state, _) => {
                    if self.saved.as_ref() != Some(&state) {
                        return Err(String::from("a state that nobody gave is kept"));
                    }
                    self.kept = Some(state);
                }
                // Now and then a disk takes longer than anybody waits.
                Effect::Recall(..) if self.random.happens(5) => {}
                Effect::Recall(slot, generation) => {
                    let left = self.kept.clone().map(|state| (state, Word::literal("1")));
                    self.kernel.handle(self.now, Event::Recalled(slot, generation, left));
                }
                Effect::Settle(_, _, fate) => {
                    self.kept.take().ok_or("a state is settled that is not kept")?;
                    self.told.kept += u64::from(fate == Fate::Taken);
                }
                Effect::Reply(_, Answer::Cut(cut)) => self.check_cut(&cut)?,
                Effect::Record(record) => match record.code {
                    "swap.done" => self.told.done += 1,
                    "swap.refused" => self.told.refused += 1,
                    "swap.fell_back" => self.told.fell_back += 1,
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(())
    }

    /// Its own word is what a cut holds of it, and nobody else was asked.
    fn check_cut(&mut self, cut: &kernel::Cut) -> Result<(), String> {
        for given in &cut.modules {
            if let Ok((state, _)) = &given.state {
                if self.saved.as_ref() != Some(state) || given.module.as_str() != "count" {
                    return Err(String::from("a cut holds a state that nobody gave"));
                }
                self.told.cut += 1;
            }
        }
        Ok(())
    }

    fn spawn(&mut self, slot: Slot, generation: Generation) -> Result<(), String> {
        if self.kernel.find("count") != Some(slot) {
            self.kernel.handle(self.now, Event::Spawned(slot, generation));
            self.kernel.handle(self.now, Event::Said(slot, generation, Incoming::Ready));
            self.callers.push((slot, generation));
            return Ok(());
        }
        self.provider = slot;
        self.lives.insert(generation, Life::default());
        if self.lives.len() > LIVES_MAX {
            return Err(format!("{} lives of one module", self.lives.len()));
        }
        self.kernel.handle(self.now, Event::Spawned(slot, generation));
        Ok(())
    }

    fn take_frame(&mut self, to: Generation, frame: Outgoing) -> Result<(), String> {
        if let Outgoing::Call { params, .. } = &frame {
            let (caller, number) = which(params.as_ref())?;
            let active = self.kernel.view(self.provider).and_then(|view| view.generation);
            if active != Some(to) {
                return Err(format!("a call went to {to}, and {active:?} answers"));
            }
            let last = &mut self.reached[caller as usize];
            if *last >= number {
                return Err(format!("call {number} of {caller} came after {last}"));
            }
            *last = number;
        }
        if let Outgoing::StateRestore { state, .. } = &frame
            && ![&self.saved, &self.kept].into_iter().flatten().any(|given| given == state)
        {
            return Err(String::from("a state that nobody gave goes over"));
        }
        if let Some(life) = self.lives.get_mut(&to) {
            life.inbox.push_back(frame);
        }
        Ok(())
    }

    fn take_answer(&mut self, to: (Slot, Generation), id: &Word, outcome: &Outcome) -> Result<(), String> {
        let caller = self.callers.iter().position(|caller| *caller == to).ok_or("an answer for nobody")?;
        let number: u64 = id.as_str().parse().map_err(|_| "an answer to no call")?;
        let which = (caller as u64, number);
        let is_well = matches!(outcome, Outcome::Result(_));
        if self.answered.insert(which, is_well).is_some() {
            return Err(format!("call {which:?} was answered twice"));
        }
        if let Outcome::Result(result) = outcome {
            self.told.served += 1;
            if !self.handled.contains_key(&which) || result.as_ref() != Some(&text(number)) {
                return Err(format!("call {which:?} got an answer that is not its own"));
            }
        }
        Ok(())
    }

    /// Everything that waits is done, and all deadlines pass.
    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..200 {
            for generation in self.lives.keys().copied().collect::<Vec<_>>() {
                let waiting = self.lives.get(&generation).map_or(0, |life| life.inbox.len());
                for _ in 0..waiting {
                    self.some_life_goes_on()?;
                }
            }
            self.pass(1000)?;
        }
        let view = self.kernel.view(self.provider).ok_or("the provider is gone")?;
        if let Some(step) = view.swap {
            return Err(format!("a swap has not ended: {step:?}"));
        }
        for (caller, made) in self.made.iter().enumerate() {
            let unanswered =
                (1..=*made).find(|number| !self.answered.contains_key(&(caller as u64, *number)));
            if let Some(number) = unanswered {
                return Err(format!("call {number} of {caller} was never answered"));
            }
        }
        Ok(())
    }
}

fn answer(hop: u64, result: Payload) -> Incoming {
    let id = Word::from(Name::parse(&hop.to_string()).expect("a number is a name"));
    Incoming::Answer { id, outcome: Outcome::Result(Some(result)) }
}

/// Whose call it is, and which.
fn which(params: Option<&Payload>) -> Result<(u64, u64), String> {
    let text =
        params.and_then(|params| core::str::from_utf8(params.as_bytes()).ok()).ok_or("no call of ours")?;
    let (caller, number) = text.split_once(' ').ok_or("no call of ours")?;
    let parse = |text: &str| text.parse().map_err(|_| String::from("no call of ours"));
    Ok((parse(caller)?, parse(number)?))
}
