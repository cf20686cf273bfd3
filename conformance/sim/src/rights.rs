//! Who may do what on the bus, decided by the real kernel and by a model that is too simple to be wrong.
//!
//! A few modules with manifests and grants that follow from a seed become ready in a kernel; then every request that any
//! of them could make is decided by its [`Routes`](kernel::Routes) and by reading the lists one by one. In between,
//! what is approved changes, so that compiled tables are changed by differences and not only made.

use std::collections::BTreeSet;

use abi::{ExitKind, Generation, ModuleId, Name, Permissions, Slot, Time};
use kernel::{
    Address, Capabilities, Decision, Discovered, Door, Effect, Ensemble, Event, Forbidden, Grants, Header,
    Incoming, Outgoing, Refusal, Spec,
};

use crate::random::Random;

/// 5 modules: enough that every rule meets every other.
const MODULES: usize = 5;

/// 3 times what is approved changes before the next house.
const CHANGES: usize = 3;

/// 2,000 effects follow from one event at the most; more would be a kernel that never rests.
const EFFECTS_MAX: usize = 2000;

/// Services and topics that are asked for. Some begin alike, some end at a border, some are the kernel's.
const NAMES: [&str; 16] = [
    "a", "a.b", "a.b.c", "a.b:c", "a.", "ab", "ab.c", "b", "b:x", "b:x.y", "b:x.z", "b:", "c", "",
    "system:x", "kernel.y",
];

/// What lists are made of: the names, patterns of them, and texts that only look like patterns.
const PATTERNS: [&str; 10] = ["a.*", "a.b.*", "a.b:*", "b:*", "b:x.*", "ab.*", "*", "a*", "b*:", "system:*"];

/// Decides about this many requests or a few more.
///
/// # Errors
/// The first request about which the two don't agree, with the house's number.
pub fn rights(seed: u64, triples: u64) -> Result<u64, String> {
    let (mut decided, mut house) = (0, seed);
    while decided < triples {
        decided += one_house(house).map_err(|why| format!("house {house}: {why}"))?;
        house = house.wrapping_add(1);
    }
    Ok(decided)
}

fn one_house(number: u64) -> Result<u64, String> {
    let mut random = Random::new(number);
    let mut found: Vec<Discovered> = (0..MODULES).map(|at| module(&mut random, at)).collect();
    give_services(&mut random, &mut found);
    let mut kernel = Ensemble::new(number);
    tell(&mut kernel, Event::Discovered(found.clone()))?;
    let mut decided = compare(&kernel, &found)?;
    for _ in 0..CHANGES {
        let at = usize::try_from(random.below(MODULES as u64)).unwrap_or_default();
        found[at].grants = grants(&mut random);
        let changed = vec![(found[at].spec.id.clone(), Some(found[at].grants.clone()))];
        tell(&mut kernel, Event::GrantsChanged(changed))?;
        decided += compare(&kernel, &found)?;
    }
    Ok(decided)
}

fn module(random: &mut Random, at: usize) -> Discovered {
    let id = ModuleId::parse(&format!("module-{at}")).expect("a short slug");
    let mut spec = Spec { door: Door::Lines, ..Spec::plain(id) };
    spec.optional_requires = exact(random).into_iter().collect();
    spec.subscribes = list(random);
    spec.publishes = exact(random);
    spec.capabilities = random.happens(60).then(|| capabilities(random));
    Discovered { spec, grants: grants(random), refused: None }
}

/// Each service has one provider or none.
fn give_services(random: &mut Random, found: &mut [Discovered]) {
    for name in NAMES {
        if random.happens(70) {
            let at = usize::try_from(random.below(found.len() as u64)).unwrap_or_default();
            found[at].spec.provides.push(Name::literal(name));
        }
    }
}

fn grants(random: &mut Random) -> Grants {
    let capabilities = random.happens(30).then(|| capabilities(random));
    let forbid = if random.happens(40) { forbidden(random) } else { Forbidden::default() };
    Grants { base: Some(Permissions::default()), capabilities, forbid, ..Grants::default() }
}

fn capabilities(random: &mut Random) -> Capabilities {
    let forbid = if random.happens(40) { forbidden(random) } else { Forbidden::default() };
    Capabilities { services: list(random), topics: list(random), forbid }
}

fn forbidden(random: &mut Random) -> Forbidden {
    Forbidden { services: list(random), topics: list(random) }
}

fn list(random: &mut Random) -> BTreeSet<Name> {
    let mut all = exact(random);
    all.extend(PATTERNS.iter().filter(|_| random.happens(15)).map(|pattern| Name::literal(pattern)));
    all
}

fn exact(random: &mut Random) -> BTreeSet<Name> {
    NAMES.iter().filter(|_| random.happens(15)).map(|name| Name::literal(name)).collect()
}

/// Tells the kernel something, and does what follows: starts are ready at once, ends come at once.
fn tell(kernel: &mut Ensemble, event: Event) -> Result<(), String> {
    kernel.handle(Time(0), event);
    for _ in 0..EFFECTS_MAX {
        let Some(effect) = kernel.poll_effect() else { return Ok(()) };
        match effect {
            Effect::Spawn(slot, generation) => {
                kernel.handle(Time(0), Event::Spawned(slot, generation));
                kernel.handle(Time(0), Event::Said(slot, generation, Incoming::Ready));
            }
            Effect::Send(slot, generation, Outgoing::Shutdown) => {
                kernel.handle(Time(0), Event::Exited(slot, generation, ExitKind::Code(0)));
            }
            _ => {}
        }
    }
    Err(String::from("the kernel never rests"))
}

fn compare(kernel: &Ensemble, found: &[Discovered]) -> Result<u64, String> {
    let model: Vec<Model> = found.iter().map(|one| Model::of(kernel, one)).collect::<Result<_, _>>()?;
    let routes = kernel.routes();
    let mut decided = 0;
    for sender in &model {
        for name in NAMES.iter().chain(&PATTERNS) {
            let is = told(routes.decide(sender.life, Header::Call { service: name }));
            let meant = call(&model, sender, name);
            agree(sender, "calls", name, &is, &meant)?;
            let is = told(routes.decide(sender.life, Header::Publish { topic: name }));
            let meant = publish(&model, sender, name);
            agree(sender, "publishes", name, &is, &meant)?;
            decided += 2;
        }
    }
    Ok(decided)
}

/// What was decided, in a form that can be compared.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Refused(Refusal),
    To(Vec<Address>),
}

fn told(decision: Decision<'_>) -> Told {
    match decision {
        Decision::Refuse(refusal) => Told::Refused(refusal),
        Decision::Forward(target) => Told::To(vec![target]),
        Decision::Spread(hearers) => Told::To(hearers.collect()),
    }
}

fn agree(sender: &Model, does: &str, name: &str, is: &Told, meant: &Told) -> Result<(), String> {
    if is == meant {
        return Ok(());
    }
    let Model { calls, hears, forbid, .. } = sender;
    Err(format!(
        "{} {does} `{name}`: {is:?}, and should {meant:?}; it may call {calls:?}, hears {hears:?}, not {forbid:?}",
        sender.id
    ))
}

/// What is so of one module, as its files say it.
struct Model {
    id: ModuleId,
    life: Address,
    offers: Vec<Name>,
    calls: Vec<Name>,
    hears: Vec<Name>,
    forbid: Vec<Forbidden>,
}

impl Model {
    fn of(kernel: &Ensemble, one: &Discovered) -> Result<Self, String> {
        let Discovered { spec, grants, .. } = one;
        let slot = kernel.find(spec.id.as_str()).ok_or("a module is missing")?;
        let generation = kernel.view(slot).and_then(|view| view.generation).ok_or("a module does not run")?;
        let stated = grants.capabilities.as_ref().or(spec.capabilities.as_ref());
        let (calls, topics): (Vec<Name>, Vec<Name>) = match stated {
            Some(stated) => {
                (stated.services.iter().cloned().collect(), stated.topics.iter().cloned().collect())
            }
            None => {
                let topics = spec.subscribes.iter().chain(&spec.publishes).cloned().collect();
                (spec.optional_requires.clone(), topics)
            }
        };
        let forbid = [grants.capabilities.as_ref(), spec.capabilities.as_ref()];
        let forbid = forbid.into_iter().flatten().map(|stated| stated.forbid.clone());
        Ok(Self {
            id: spec.id.clone(),
            life: life(slot, generation),
            offers: spec.provides.clone(),
            calls,
            hears: topics.into_iter().chain(spec.subscribes.iter().cloned()).collect(),
            forbid: forbid.chain([grants.forbid.clone()]).collect(),
        })
    }

    fn must_not(&self, name: &str, of: fn(&Forbidden) -> &BTreeSet<Name>) -> bool {
        self.forbid.iter().any(|forbidden| of(forbidden).iter().any(|one| means(one.as_str(), name)))
    }
}

fn life(slot: Slot, generation: Generation) -> Address {
    Address { slot, generation }
}

fn call(model: &[Model], sender: &Model, name: &str) -> Told {
    let allowed = sender.calls.iter().any(|one| means(one.as_str(), name));
    if !allowed || sender.must_not(name, |forbidden| &forbidden.services) {
        return Told::Refused(Refusal::Forbidden);
    }
    let provider = model.iter().find(|one| one.offers.iter().any(|service| service.as_str() == name));
    provider.map_or(Told::Refused(Refusal::NoService), |provider| Told::To(vec![provider.life]))
}

fn publish(model: &[Model], sender: &Model, name: &str) -> Told {
    let is_reserved = name.starts_with("system:") || name.starts_with("kernel.");
    if is_reserved || sender.must_not(name, |forbidden| &forbidden.topics) {
        return Told::Refused(Refusal::Forbidden);
    }
    let hears = |one: &&Model| {
        one.life != sender.life
            && one.hears.iter().any(|topic| means(topic.as_str(), name))
            && !one.must_not(name, |forbidden| &forbidden.topics)
    };
    Told::To(model.iter().filter(hears).map(|one| one.life).collect())
}

/// What one text of a list means.
fn means(text: &str, name: &str) -> bool {
    match text.strip_suffix('*') {
        Some(stem) if stem.ends_with([':', '.']) && !stem.contains('*') => {
            name.starts_with(stem) && name != stem
        }
        _ => text == name,
    }
}
