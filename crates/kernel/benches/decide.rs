//! What one decision costs, among few and many modules: a call and its answer through both proxies, a publication, and
//! the decision alone where a message goes.

use std::hint::black_box;

use abi::{ModuleId, Name, Payload, Permissions, Time};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kernel::{
    Address, CallContext, Capabilities, Discovered, Door, Effect, Ensemble, Event, Grants, Header, Incoming,
    Outcome, Outgoing, Spec, Word,
};

/// 1,000 modules: what the promise about one decision is given for.
const MODULES: usize = 1000;

fn discovered(number: usize) -> Discovered {
    let mut spec = Spec::plain(ModuleId::parse(&format!("module-{number}")).expect("a slug"));
    spec.door = Door::Lines;
    spec.provides = vec![Name::parse(&format!("service-{number}")).expect("short")];
    spec.subscribes.insert(Name::parse(&format!("topic-{}", number % 8)).expect("short"));
    // Some of what it may call is far from it in every table.
    let far = Name::parse(&format!("service-{}", number * 37 % MODULES)).expect("short");
    let services = [Name::literal("service-0"), far].into();
    let mut capabilities =
        Capabilities { services, topics: spec.subscribes.clone(), ..Capabilities::default() };
    // Some are allowed by a pattern, and some of that is forbidden.
    if number % 8 == 5 {
        spec.provides.push(Name::parse(&format!("db.{number}")).expect("short"));
        capabilities.services.insert(Name::literal("db.*"));
        capabilities.forbid.services.insert(Name::literal("db.13"));
    }
    spec.capabilities = Some(capabilities);
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}

/// A kernel with this many modules, all ready, and nothing left to do.
fn busy_kernel(modules: usize) -> Ensemble {
    let mut kernel = Ensemble::new(1);
    kernel.handle(Time(0), Event::Discovered((0..modules).map(discovered).collect()));
    while let Some(effect) = kernel.poll_effect() {
        if let Effect::Spawn(slot, generation) = effect {
            kernel.handle(Time(0), Event::Spawned(slot, generation));
            kernel.handle(Time(0), Event::Said(slot, generation, Incoming::Ready));
        }
    }
    kernel
}

fn call_and_answer(kernel: &mut Ensemble, call: &Event) {
    kernel.handle(Time(1), call.clone());
    while let Some(effect) = kernel.poll_effect() {
        if let Effect::Send(slot, generation, Outgoing::Call { hop, .. }) = effect {
            let id = Word::parse(&hop.to_string()).expect("short");
            let answer = Incoming::Answer { id, outcome: Outcome::Result(None) };
            kernel.handle(Time(1), Event::Said(slot, generation, answer));
        } else {
            black_box(&effect);
        }
    }
}

fn decide(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("decide");
    for modules in [10, MODULES] {
        let mut kernel = busy_kernel(modules);
        let slot = kernel.find("module-1").expect("it was added");
        let generation = kernel.view(slot).and_then(|view| view.generation).expect("it runs");
        let said = |incoming| Event::Said(slot, generation, incoming);
        let call = said(Incoming::Call {
            id: Word::literal("7"),
            service: Word::literal("service-0"),
            method: Word::literal("echo"),
            params: Some(Payload::new(b"{\"text\":\"hello\"}")),
            context: CallContext::default(),
        });
        group.bench_function(BenchmarkId::new("call and answer", modules), |run| {
            run.iter(|| call_and_answer(&mut kernel, &call));
        });
        let publish = said(Incoming::Publish {
            topic: Word::literal("topic-9"),
            payload: Payload::new(b"1"),
            context: CallContext::default(),
        });
        group.bench_function(BenchmarkId::new("publish to nobody", modules), |run| {
            run.iter(|| kernel.handle(Time(1), black_box(publish.clone())));
        });
    }
    group.finish();
}

/// Each sender in turn calls what is far from it, so that no table is read at one place only.
fn route(bench: &mut Criterion) {
    let kernel = busy_kernel(MODULES);
    let wanted: Vec<(Address, String)> = (0..MODULES)
        .map(|number| {
            let slot = kernel.find(&format!("module-{number}")).expect("it was added");
            let generation = kernel.view(slot).and_then(|view| view.generation).expect("it runs");
            (Address { slot, generation }, format!("service-{}", number * 37 % MODULES))
        })
        .collect();
    let (sender, service) = &wanted[37];
    bench.bench_function("routes decide at 1000, one pair", |run| {
        run.iter(|| black_box(kernel.routes().decide(black_box(*sender), Header::Call { service })));
    });
    for (what, service) in [("allowed by a pattern", "db.29"), ("forbidden within a pattern", "db.13")] {
        bench.bench_function(&format!("routes decide at 1000, {what}"), |run| {
            run.iter(|| black_box(kernel.routes().decide(black_box(*sender), Header::Call { service })));
        });
    }
    let mut at = 0;
    bench.bench_function("routes decide at 1000", |run| {
        run.iter(|| {
            at = if at + 1 == MODULES { 0 } else { at + 1 };
            let (sender, service) = &wanted[at];
            black_box(kernel.routes().decide(*sender, Header::Call { service }))
        });
    });
}

criterion_group!(benches, decide, route);
criterion_main!(benches);
