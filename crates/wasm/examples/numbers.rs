//! Measures what this room promises, and prints one JSON line for each work: `cargo run --release --example numbers`.
//!
//! Each work runs for several rounds and gives its median; memory is the difference of the resident set.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/it/guests.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod guests;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use abi::{Generation, ModuleId, Name};
use guests::Guest;
use wasm::{
    BusRefusal, CallFailure, Called, ConfigRefusal, Context, Engine, EngineOptions, Grant, Identity,
    Instance, Level, Limits, Module, Outcome, Purpose, Request, SecretRefusal, Services, Ticket, Wished,
    swap,
};

/// 11 rounds: the median of an odd number is one that was measured.
const ROUNDS: usize = 11;

/// A route as a kernel keeps it: checked for every message, by generation and right.
#[derive(Debug, Clone, Copy)]
struct Route {
    target: u32,
    generation: u32,
    rights: u8,
}

const MAY_PUBLISH: u8 = 1;

/// What all instances of one work share: routes of a thousand modules, and the messages on their way.
#[derive(Debug, Default)]
struct Bus {
    generations: Vec<u32>,
    queue: Vec<(u32, [u8; 32])>,
    refused: u64,
}

struct Side {
    routes: Vec<Route>,
    bus: Arc<Mutex<Bus>>,
    start: Instant,
}

impl Services for Side {
    fn log(&mut self, _: Level, _: &str) {}

    fn config(&mut self, _: &Name) -> Result<Option<String>, ConfigRefusal> {
        Ok(None)
    }

    fn open(&mut self, _: u32, _: &Name, _: Purpose) -> Result<(), BusRefusal> {
        Ok(())
    }

    fn publish(&mut self, topic: u32, payload: &[u8]) -> Result<(), BusRefusal> {
        let mut bus = self.bus.lock().map_err(|_| BusRefusal::Full)?;
        let route = self.routes.get(topic as usize).copied().ok_or(BusRefusal::Denied)?;
        let current = bus.generations.get(route.target as usize).copied();
        if current != Some(route.generation) || route.rights & MAY_PUBLISH == 0 {
            bus.refused += 1;
            return Err(BusRefusal::Denied);
        }
        let payload = payload.try_into().map_err(|_| BusRefusal::TooLarge)?;
        bus.queue.push((route.target, payload));
        Ok(())
    }

    fn call(&mut self, _: Request<'_>) -> Called {
        Called::Waiting
    }

    fn secret(&mut self, _: Ticket, _: &str) -> Wished {
        Wished::Answered(Err(SecretRefusal::Missing))
    }

    fn secret_of(&mut self, _: Result<Vec<u8>, CallFailure>) -> Result<Vec<u8>, SecretRefusal> {
        Err(SecretRefusal::Missing)
    }

    fn monotonic_ns(&mut self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn wall_ms(&mut self) -> u64 {
        0
    }
}

fn main() {
    let before = resident_bytes();
    let engine = Engine::try_new(EngineOptions::STANDARD).expect("this machine has room for the pool");
    say("engine alone: resident", resident_bytes().saturating_sub(before) as f64 / 1024.0, "KiB");
    compiling(&engine);
    entries(&engine);
    messages(&engine);
    host_calls(&engine);
    waits(&engine);
    swaps(&engine);
    many("", &module(&engine, &Guest::new()), 10_000);
    many("that can wait, ", &module(&engine, &Guest::new().calling()), 10_000);
}

fn say(work: &str, value: f64, unit: &str) {
    println!("{{\"work\":\"{work}\",\"value\":{value:.1},\"unit\":\"{unit}\"}}");
}

/// The median of `ROUNDS` measurements of `count` steps, in nanoseconds for each step.
fn median_ns(count: u32, mut steps: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            steps();
            start.elapsed().as_nanos() as f64 / f64::from(count)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn module(engine: &Engine, guest: &Guest) -> Module {
    let grant = Grant::nothing(ModuleId::parse("bench").expect("a slug"));
    Module::compile(engine, guest.text().as_bytes(), grant).expect("the guest is a module")
}

fn instance(module: &Module, target: u32, bus: &Arc<Mutex<Bus>>) -> Instance {
    let route = Route { target, generation: 1, rights: MAY_PUBLISH };
    let side = Side { routes: vec![route], bus: Arc::clone(bus), start: Instant::now() };
    let identity = Identity { module: ModuleId::parse("bench").expect("a slug"), generation: Generation(1) };
    let mut instance =
        Instance::try_new(module, identity, Limits::MODULE, Box::new(side)).expect("the pool has room");
    assert!(matches!(instance.init(Context::default()), Ok(Outcome::Done(_))), "init works");
    instance
}

fn bus() -> Arc<Mutex<Bus>> {
    Arc::new(Mutex::new(Bus { generations: vec![1; 1_000], ..Bus::default() }))
}

fn compiling(engine: &Engine) {
    let guest = Guest::new();
    let ns = median_ns(1, || drop(module(engine, &guest)));
    say("compile a small module", ns / 1e3, "us");
    let ready = module(engine, &guest);
    let ns = median_ns(100, || {
        for _ in 0..100 {
            drop(instance(&ready, 0, &bus()));
        }
    });
    say("make, init and drop an instance", ns / 1e3, "us");
}

const COUNT: u32 = 100_000;

fn entries(engine: &Engine) {
    let mut plain = instance(&module(engine, &Guest::new()), 0, &bus());
    let ns = median_ns(COUNT, || {
        for _ in 0..COUNT {
            plain.health(Context::default()).expect("it is well");
        }
    });
    say("entry without payload", ns, "ns");
    let ns = median_ns(COUNT, || {
        for _ in 0..COUNT {
            plain.message(Context::default(), 0, &[7; 32]).expect("it takes it");
        }
    });
    say("entry with 32 bytes", ns, "ns");
}

fn messages(engine: &Engine) {
    let guest = Guest::new()
        .with("init", "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512)) (call $ok)")
        .with(
            "on-message",
            "(call $publish (local.get $topic) (local.get $at) (local.get $len) (i32.const 520)) (call $ok)",
        );
    let module = module(engine, &guest);
    let bus = bus();
    let mut pair = [instance(&module, 1, &bus), instance(&module, 0, &bus)];
    let ns = median_ns(COUNT, || {
        bus.lock().expect("nobody panicked").queue.push((0, [7; 32]));
        for _ in 0..COUNT {
            let next = bus.lock().expect("nobody panicked").queue.pop();
            let (target, payload) = next.expect("one message is always on its way");
            pair[target as usize].message(Context::default(), 0, &payload).expect("it takes it");
        }
        bus.lock().expect("nobody panicked").queue.clear();
    });
    assert_eq!(bus.lock().expect("nobody panicked").refused, 0);
    say("wasm to wasm, 32 bytes, checked", ns, "ns");
}

fn host_calls(engine: &Engine) {
    let guest = Guest::new()
        .with("init", "(call $subscribe (i32.const 1024) (i32.const 7) (i32.const 512)) (call $ok)")
        .with(
            "health",
            "(local $n i32) (local.set $n (i32.const 4096))
             (loop $again (drop (call $monotonic))
               (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (call $ok)",
        )
        .with(
            "on-message",
            "(local $n i32) (local.set $n (i32.const 4096))
             (loop $again (call $publish (i32.const 0) (i32.const 1088) (i32.const 32) (i32.const 520))
               (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (call $ok)",
        );
    let bus = bus();
    let mut caller = instance(&module(engine, &guest), 0, &bus);
    let ns = median_ns(4_096 * 10, || {
        for _ in 0..10 {
            caller.health(Context::default()).expect("it is well");
        }
    });
    say("host call from wasm: clock", ns, "ns");
    let ns = median_ns(4_096 * 10, || {
        for _ in 0..10 {
            caller.message(Context::default(), 0, b"x").expect("it takes it");
            bus.lock().expect("nobody panicked").queue.clear();
        }
    });
    say("host call from wasm: publish 32 bytes, checked", ns, "ns");
}

fn waits(engine: &Engine) {
    let guest = Guest::new().calling().with(
        "on-call",
        "(call $call (i32.const 1120) (i32.const 5) (i32.const 1128) (i32.const 3)
           (local.get $at) (local.get $len) (i32.const 0) (i32.const 512))
         (call $bytes (i32.load (i32.const 516)) (i32.load (i32.const 520)))",
    );
    let mut asker = instance(&module(engine, &guest), 0, &bus());
    let ns = median_ns(COUNT, || {
        for _ in 0..COUNT {
            asker.health(Context::default()).expect("it is well");
        }
    });
    say("entry on a stack of its own", ns, "ns");
    let ns = median_ns(COUNT, || {
        for _ in 0..COUNT {
            let outcome = asker.call(Context::default(), "front", "ask", &[7; 32]).expect("it takes it");
            let Outcome::Waiting(ticket) = outcome else { continue };
            asker.resume(ticket, Ok(vec![7; 32])).expect("it goes on");
        }
    });
    say("entry that waits for an answer once", ns, "ns");
}

/// Swaps while messages come at one million a second: each pause is what the message that meets it waits.
fn swaps(engine: &Engine) {
    let module = module(engine, &Guest::new());
    let bus = bus();
    let mut current = instance(&module, 0, &bus);
    let mut pauses: Vec<Duration> = Vec::new();
    let (start, mut sent) = (Instant::now(), 0_u64);
    while start.elapsed() < Duration::from_secs(2) {
        // Whatever has become due since the last look is handled now.
        let due = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        while sent < due {
            current.message(Context::default(), 0, &[7; 32]).expect("it takes it");
            sent += 1;
        }
        let new = instance(&module, 0, &bus);
        let swapped = swap(&mut current, new, &Context::default()).expect("it takes the state");
        pauses.push(swapped.pause);
    }
    pauses.sort_unstable();
    let at = |part: usize| pauses[(pauses.len() - 1) * part / 1_000].as_nanos() as f64 / 1e3;
    say("hot swap under 1 M messages/s: pause p50", at(500), "us");
    say("hot swap under 1 M messages/s: pause p99", at(990), "us");
    let outcome = current.save(Context::default()).expect("it saves");
    let Outcome::Done(wasm::Answer::Saved(saved)) = outcome else { panic!("it saves") };
    let counted = u32::from_le_bytes(saved.data.try_into().expect("a count"));
    say("hot swap: messages lost", sent as f64 - f64::from(counted), "messages");
    say("hot swap: swaps", pauses.len() as f64, "swaps");
    say("hot swap: messages each second", sent as f64 / start.elapsed().as_secs_f64(), "1/s");
}

fn many(kind: &str, module: &Module, count: u32) {
    let bus = bus();
    let mut instances = Vec::with_capacity(count as usize);
    drop(instance(module, 0, &bus));
    let before = resident_bytes();
    let start = Instant::now();
    for _ in 0..count {
        instances.push(instance(module, 0, &bus));
    }
    let elapsed = start.elapsed();
    for instance in &mut instances {
        instance.message(Context::default(), 0, &[7; 32]).expect("it takes it");
    }
    let each = resident_bytes().saturating_sub(before) as f64 / f64::from(count);
    say(&format!("instances {kind}at once"), f64::from(count), "instances");
    say(&format!("instances {kind}resident for each, its own touched memory included"), each, "bytes");
    say(
        &format!("instances {kind}time to make and init each"),
        elapsed.as_nanos() as f64 / 1e3 / f64::from(count),
        "us",
    );
    say(&format!("instances {kind}mappings of the process"), mappings() as f64, "mappings");
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap_or_default().lines().count()
}
