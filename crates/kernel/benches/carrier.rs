//! What it costs to carry a call between two proxies: by the ensemble's own list, by actors whose messages are boxed, and
//! by actors whose messages say where in a table a letter lies. Decision 0005 was made by these numbers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use abi::{ModuleId, Name, Payload, Permissions, Slot, Time};
use actor::platform::hosted::Hosted;
use actor::pumped::{Pump, Pumped};
use actor::{Actor, Config, Context, StopAll};
use criterion::{Criterion, criterion_group, criterion_main};
use kernel::{
    Act, Address, CallContext, Capabilities, Discovered, Door, Effect, Ensemble, Event, Grants, Incoming,
    Kernel, Letter, Note, Outcome, Outgoing, Proxy, Routes, Spec, Turn, Word,
};

/// Both proxies' names for each other.
const MODULES: u32 = 2;

fn discovered(number: u32) -> Discovered {
    let mut spec = Spec::plain(ModuleId::parse(&format!("module-{number}")).expect("a slug"));
    spec.door = Door::Lines;
    spec.provides = vec![Name::parse(&format!("service-{number}")).expect("short")];
    let services = [Name::literal("service-1")].into();
    spec.capabilities = Some(Capabilities { services, ..Capabilities::default() });
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

fn call() -> Incoming {
    Incoming::Call {
        id: Word::literal("7"),
        service: Word::literal("service-1"),
        method: Word::literal("echo"),
        params: Some(Payload::new(b"{\"text\":\"hello\"}")),
        context: CallContext::default(),
    }
}

fn answer(hop: u64) -> Incoming {
    Incoming::Answer { id: Word::parse(&hop.to_string()).expect("short"), outcome: Outcome::Result(None) }
}

/// What one of the two is told.
enum Mail {
    Said(Incoming),
    Letter(Letter),
}

thread_local! {
    static ROUTES: RefCell<Arc<Routes>> = RefCell::default();
    static OUT: RefCell<VecDeque<(Address, Outgoing)>> = RefCell::default();
    static BOXED: Cell<Option<[actor::Address<Mail>; 2]>> = const { Cell::new(None) };
    static PLACED: Cell<Option<[actor::Address<u32>; 2]>> = const { Cell::new(None) };
    static TABLE: RefCell<Table> = const { RefCell::new(Table { places: Vec::new(), free: Vec::new() }) };
}

/// Letters that are on their way.
struct Table {
    places: Vec<Option<Mail>>,
    free: Vec<u32>,
}

impl Table {
    fn put(&mut self, mail: Mail) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(mail);
                place
            }
            None => {
                self.places.push(Some(mail));
                u32::try_from(self.places.len() - 1).expect("few")
            }
        }
    }

    fn take(&mut self, place: u32) -> Mail {
        self.free.push(place);
        self.places[place as usize].take().expect("it was put there")
    }
}

struct Carried {
    proxy: Proxy,
    acts: Vec<Act>,
}

impl Carried {
    fn step(&mut self, mail: Mail, mut post: impl FnMut(Slot, Mail)) {
        ROUTES.with_borrow(|routes| {
            let mut turn = Turn { now: Time(1), routes, acts: &mut self.acts };
            match mail {
                Mail::Said(said) => self.proxy.hear(&mut turn, said),
                Mail::Letter(letter) => self.proxy.read(&mut turn, letter),
            }
        });
        let life = self.proxy.life();
        for act in self.acts.drain(..) {
            match act {
                Act::Post(to, letter) => post(to.slot, Mail::Letter(letter)),
                Act::Frame(frame) => OUT.with_borrow_mut(|out| out.push_back((life, frame))),
                other => drop(black_box(other)),
            }
        }
    }
}

/// Its messages are the letters themselves, which the core boxes.
struct Boxed(Carried);

impl Actor for Boxed {
    type Message = Mail;
    fn handle(&mut self, mail: Mail, ctx: &mut Context<'_>) {
        let peers = BOXED.get().expect("both were spawned");
        self.0.step(mail, |slot, mail| {
            ctx.send(peers[slot.0 as usize], mail).expect("it lives");
        });
    }
}

/// Its messages are places in the table.
struct Placed(Carried);

impl Actor for Placed {
    type Message = u32;
    fn handle(&mut self, place: u32, ctx: &mut Context<'_>) {
        let peers = PLACED.get().expect("both were spawned");
        let mail = TABLE.with_borrow_mut(|table| table.take(place));
        self.0.step(mail, |slot, mail| {
            let place = TABLE.with_borrow_mut(|table| table.put(mail));
            ctx.send(peers[slot.0 as usize], place).expect("it lives");
        });
    }
}

/// Both proxies, ready, and the routes that they decide by.
fn proxies() -> Vec<Carried> {
    let mut kernel = Kernel::new(1);
    kernel.handle(Time(0), Event::Discovered((0..MODULES).map(discovered).collect()));
    let mut proxies: Vec<Carried> = Vec::new();
    while let Some(effect) = kernel.poll_effect() {
        match effect {
            Effect::Spawn(slot, generation) => {
                kernel.handle(Time(0), Event::Spawned(slot, generation));
                kernel.handle(Time(0), Event::Said(slot, generation, Incoming::Ready));
            }
            Effect::Note(slot, generation, Note::Began(badge)) => {
                proxies.push(Carried {
                    proxy: Proxy::new(Address { slot, generation }, badge),
                    acts: Vec::new(),
                });
            }
            Effect::Note(slot, _, note) => {
                let mut acts = Vec::new();
                let routes = kernel.routes();
                let mut turn = Turn { now: Time(0), routes: &routes, acts: &mut acts };
                proxies[slot.0 as usize].proxy.note(&mut turn, &note);
            }
            other => drop(black_box(other)),
        }
    }
    ROUTES.set(kernel.routes());
    proxies
}

fn pump() -> Pump {
    Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll)).1
}

/// One call and its answer, told by `tell`; gives how many frames there were.
fn round(mut tell: impl FnMut(usize, Incoming)) -> usize {
    let mut frames = 0;
    tell(0, call());
    while let Some((life, frame)) = OUT.with_borrow_mut(VecDeque::pop_front) {
        frames += 1;
        match frame {
            Outgoing::Call { hop, .. } => tell(life.slot.0 as usize, answer(hop)),
            other => drop(black_box(other)),
        }
    }
    frames
}

fn carrier(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("call and answer");
    let mut ensemble = Ensemble::new(1);
    ensemble.handle(Time(0), Event::Discovered((0..MODULES).map(discovered).collect()));
    let mut lives = Vec::new();
    while let Some(effect) = ensemble.poll_effect() {
        if let Effect::Spawn(slot, generation) = effect {
            lives.push((slot, generation));
            ensemble.handle(Time(0), Event::Spawned(slot, generation));
            ensemble.handle(Time(0), Event::Said(slot, generation, Incoming::Ready));
        }
    }
    group.bench_function("ensemble", |run| {
        run.iter(|| {
            round(|at, said| {
                ensemble.handle(Time(1), Event::Said(lives[at].0, lives[at].1, said));
                while let Some(effect) = ensemble.poll_effect() {
                    if let Effect::Send(slot, generation, frame) = effect {
                        OUT.with_borrow_mut(|out| out.push_back((Address { slot, generation }, frame)));
                    }
                }
            })
        });
    });
    let mut boxed = pump();
    let spawned: Vec<_> =
        proxies().into_iter().map(|proxy| boxed.with(|ctx| ctx.spawn(Boxed(proxy))).expect("room")).collect();
    BOXED.set(Some([spawned[0], spawned[1]]));
    let mut by_box = |at: usize, said| {
        boxed.with(|ctx| ctx.send(spawned[at], Mail::Said(said)).expect("it lives"));
        assert_eq!(boxed.pump(), Pumped::Idle);
    };
    assert_eq!(round(&mut by_box), 2);
    group.bench_function("actors, boxed", |run| run.iter(|| round(&mut by_box)));
    let mut placed = pump();
    let spawned: Vec<_> = proxies()
        .into_iter()
        .map(|proxy| placed.with(|ctx| ctx.spawn(Placed(proxy))).expect("room"))
        .collect();
    PLACED.set(Some([spawned[0], spawned[1]]));
    let mut by_place = |at: usize, said| {
        let place = TABLE.with_borrow_mut(|table| table.put(Mail::Said(said)));
        placed.with(|ctx| ctx.send(spawned[at], place).expect("it lives"));
        assert_eq!(placed.pump(), Pumped::Idle);
    };
    assert_eq!(round(&mut by_place), 2);
    group.bench_function("actors, in a table", |run| run.iter(|| round(&mut by_place)));
    group.finish();
}

criterion_group!(benches, carrier);
criterion_main!(benches);
