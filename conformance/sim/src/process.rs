//! Fake processes: each life has a temper drawn from the seed, and does what its temper says.

use abi::{ExitKind, Generation, ModuleId, Payload, Scope, Slot};
use kernel::{CallContext, ContextCall, ContextVerb, Incoming, KernelCall, Outcome, Outgoing, Word};

use crate::house;
use crate::random::Random;

/// How one life behaves. Times are in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Temper {
    /// From being greeted to being ready; never, if none.
    ready_ms: Option<u64>,
    /// From its start to an end of its own, if any.
    pub(crate) crash_ms: Option<u64>,
    /// How many of a hundred pings it answers.
    pongs_percent: u64,
    /// From being told to end to its end; it does not listen, if none.
    pub(crate) stop_ms: Option<u64>,
    /// From SIGKILL to being gone; more than the kernel's patience for what hangs in the operating system.
    pub(crate) kill_ms: u64,
    /// Between two things it does by itself; it does none, if none.
    pub(crate) chatter_ms: Option<u64>,
    /// Whether its ends are successes.
    clean_exits: bool,
}

impl Temper {
    /// A bad module is bad in all its lives, in different ways.
    pub(crate) fn draw(random: &mut Random, badness_percent: u64, chatter_ms_max: u64) -> Self {
        let bad = random.happens(badness_percent);
        let crash_ms = match random.below(10) {
            0..=2 if bad => Some(random.below(2000)),
            4 => Some(random.between(59_000, 90_000)),
            5 => Some(random.below(60_000)),
            _ => None,
        };
        Self {
            ready_ms: (!(bad && random.happens(15))).then(|| random.below(if bad { 3000 } else { 300 })),
            crash_ms,
            pongs_percent: if bad && random.happens(30) { random.below(100) } else { 100 },
            stop_ms: (!(bad && random.happens(40))).then(|| random.below(1500)),
            kill_ms: if random.happens(3) { random.between(5001, 20_000) } else { random.below(30) },
            chatter_ms: random.happens(70).then(|| random.between(5, chatter_ms_max)),
            clean_exits: random.happens(30),
        }
    }

    /// Does nothing but what it must, for as long as it is let.
    pub(crate) fn quiet(random: &mut Random, crash_ms: Option<u64>) -> Self {
        Self {
            ready_ms: Some(random.below(300)),
            crash_ms,
            pongs_percent: 100,
            stop_ms: Some(random.below(1000)),
            kill_ms: 1,
            chatter_ms: None,
            clean_exits: false,
        }
    }
}

/// What a process does, after a while.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Say(Incoming),
    /// A plain command shows that it is ready.
    Show,
    Die(ExitKind),
}

/// One life of one module, as the operating system sees it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) id: ModuleId,
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
    pub(crate) alive: bool,
    pub(crate) temper: Temper,
    works: bool,
    told_to_end: bool,
    asked: Vec<Word>,
    serving: Vec<Word>,
}

impl Process {
    pub(crate) fn new(id: ModuleId, slot: Slot, generation: Generation, temper: Temper) -> Self {
        Self {
            id,
            slot,
            generation,
            alive: true,
            temper,
            works: false,
            told_to_end: false,
            asked: Vec::new(),
            serving: Vec::new(),
        }
    }

    pub(crate) fn exit(&self, random: &mut Random) -> ExitKind {
        match random.below(4) {
            0 => ExitKind::Signal(11),
            _ if self.temper.clean_exits => ExitKind::Code(0),
            _ => ExitKind::Code(1),
        }
    }

    /// A plain command is watched from now on.
    pub(crate) fn watched(&self) -> Vec<(u64, Deed)> {
        self.temper.ready_ms.map(|after| (after, Deed::Show)).into_iter().collect()
    }

    /// It is told to end, by a frame or by its stop signal.
    pub(crate) fn told_to_end(&mut self) -> Vec<(u64, Deed)> {
        if core::mem::replace(&mut self.told_to_end, true) {
            return Vec::new();
        }
        self.temper.stop_ms.map(|after| (after, Deed::Die(ExitKind::Code(0)))).into_iter().collect()
    }

    /// What it does about a frame.
    pub(crate) fn receive(&mut self, frame: &Outgoing, random: &mut Random) -> Vec<(u64, Deed)> {
        match frame {
            Outgoing::Init => self.init(random),
            Outgoing::Ping => {
                let answers = random.happens(self.temper.pongs_percent);
                answers.then(|| (random.below(600), Deed::Say(Incoming::Pong))).into_iter().collect()
            }
            Outgoing::DepsReady => {
                self.works = true;
                Vec::new()
            }
            Outgoing::Shutdown => self.told_to_end(),
            Outgoing::Call { hop, .. } => self.serve(*hop, random),
            Outgoing::Cancel { hop } => {
                self.serving.retain(|id| id.as_str() != hop.to_string());
                Vec::new()
            }
            Outgoing::Answer { id, .. } => {
                self.asked.retain(|asked| asked != id);
                Vec::new()
            }
            Outgoing::Deliver { id, .. } if random.happens(20) => {
                let id = Word::parse(&id.to_string()).expect("a number is short");
                let error = String::from("no");
                let said = if random.happens(50) { Incoming::Ack } else { Incoming::Nack { id, error } };
                vec![(random.below(10), Deed::Say(said))]
            }
            _ => Vec::new(),
        }
    }

    fn init(&self, random: &mut Random) -> Vec<(u64, Deed)> {
        if random.happens(3) {
            let nack = Incoming::Nack { id: Word::literal("init"), error: String::from("can't") };
            return vec![(5, Deed::Say(nack)), (9, Deed::Die(ExitKind::Code(1)))];
        }
        self.temper.ready_ms.map(|after| (after, Deed::Say(Incoming::Ready))).into_iter().collect()
    }

    /// Answers in time, late, wrongly, twice, in parts, never, or dies of it.
    fn serve(&mut self, hop: u64, random: &mut Random) -> Vec<(u64, Deed)> {
        let id = Word::parse(&hop.to_string()).expect("a number is short");
        let say = |after, said| (after, Deed::Say(said));
        let answer = |random: &mut Random, id: &Word| {
            let outcome = match random.below(4) {
                0 => Outcome::Error(format!("error {}", random.next())),
                1 => Outcome::Result(None),
                _ => Outcome::Result(Some(payload(random))),
            };
            Incoming::Answer { id: id.clone(), outcome }
        };
        self.serving.push(id.clone());
        match random.below(20) {
            0 => Vec::new(),
            1 => vec![(random.below(50), Deed::Die(ExitKind::Signal(11)))],
            2 => {
                let wrong = Word::parse(&random.below(hop + 5).to_string()).expect("a number is short");
                vec![
                    say(random.below(50), answer(random, &wrong)),
                    say(random.below(90), answer(random, &id)),
                ]
            }
            3 => vec![say(random.below(50), answer(random, &id)), say(random.below(90), answer(random, &id))],
            4 | 5 => {
                let mut deeds: Vec<_> = (0..random.below(24))
                    .map(|seq| say(5 * seq, Incoming::Chunk { id: id.clone(), seq, data: payload(random) }))
                    .collect();
                deeds.push(say(130, Incoming::End { id: id.clone() }));
                deeds.push(say(140, answer(random, &id)));
                deeds
            }
            6 | 7 => {
                let progress =
                    |random: &mut Random| Incoming::Progress { id: id.clone(), payload: payload(random) };
                let mut deeds: Vec<_> =
                    (1..4).map(|part| say(part * random.below(1500), progress(random))).collect();
                deeds.push(say(random.below(6000), answer(random, &id)));
                deeds
            }
            8 => vec![say(random.below(9000), answer(random, &id))],
            _ => vec![say(random.below(100), answer(random, &id))],
        }
    }

    /// Something that it does by itself, mostly while it is ready.
    pub(crate) fn chat(&mut self, random: &mut Random) -> Vec<Incoming> {
        let in_place = self.works && !self.told_to_end;
        if !in_place && !random.happens(10) {
            return Vec::new();
        }
        match random.below(100) {
            0..=39 => vec![self.call(random)],
            40..=59 => vec![publish(random)],
            60..=69 => vec![kernel_call(random)],
            70..=76 => self.asked.first().map(|id| Incoming::Cancel { id: id.clone() }).into_iter().collect(),
            77..=81 => {
                let parts = u32::try_from(random.below(40)).unwrap_or(1);
                self.asked.last().map(|id| Incoming::Credit { id: id.clone(), parts }).into_iter().collect()
            }
            82..=84 => (0..20).map(|_| self.call(random)).collect(),
            85..=87 => (0..20).map(|_| publish(random)).collect(),
            88..=90 => vec![Incoming::Ready],
            91 => vec![Incoming::Pong],
            92 => vec![Incoming::KernelAnswer { id: Word::literal("1") }],
            93 => vec![Incoming::Cancel { id: Word::literal("never asked") }],
            _ => self.serving.pop().map(|id| Incoming::End { id }).into_iter().collect(),
        }
    }

    fn call(&mut self, random: &mut Random) -> Incoming {
        // Few numbers, so that one module often uses one twice and two modules often use the same.
        let id: Word = house::name('c', random.below(6));
        self.asked.push(id.clone());
        let deadline_ms = random.happens(30).then(|| random.below(3000));
        Incoming::Call {
            id,
            service: house::service(random),
            method: Word::literal("do"),
            params: random.happens(50).then(|| payload(random)),
            context: CallContext { deadline_ms, traceparent: None },
        }
    }
}

pub(crate) fn payload(random: &mut Random) -> Payload {
    // Each is its own, so that one that arrives at the wrong place is seen.
    Payload::new(format!("{:016x}", random.next()).as_bytes())
}

fn publish(random: &mut Random) -> Incoming {
    Incoming::Publish {
        topic: house::topic(random),
        payload: payload(random),
        context: CallContext {
            deadline_ms: None,
            traceparent: random.happens(20).then(|| Word::literal("00-1")),
        },
    }
}

fn kernel_call(random: &mut Random) -> Incoming {
    let key = Word::parse(&format!("{}.x", house::section(random))).expect("a key is short");
    let call = match random.below(15) {
        0 => KernelCall::ConfigGet(key),
        1 => KernelCall::ConfigSet(key, payload(random)),
        2 => KernelCall::ConfigSections,
        3 => KernelCall::ModuleList,
        4 => KernelCall::ModuleCommands,
        5 => KernelCall::ServiceDiscover,
        6 => KernelCall::ServiceResolve(house::service(random)),
        7 => KernelCall::PermissionsCheck(house::permissions(random)),
        8 => KernelCall::PermissionsRequest(house::permissions(random), None),
        9 => KernelCall::PermissionsPending,
        10 => KernelCall::MonitorSnapshot,
        11 | 12 => KernelCall::Context(context_call(random)),
        13 => KernelCall::SecretGet(house::name('s', random.below(3))),
        _ => KernelCall::Unknown(Word::literal("kernel.reboot")),
    };
    Incoming::KernelCall { id: house::name('k', random.below(100)), call }
}

/// Few keys and few scopes, so that modules meet at them; ends that come within a run.
fn context_call(random: &mut Random) -> ContextCall {
    let scope = match random.below(3) {
        0 => None,
        1 => Some(house::session(random)),
        _ => Some(Scope::Module(house::module_id(random.below(house::MODULES)))),
    };
    ContextCall { scope, verb: context_verb(random) }
}

/// What is done with a variable.
pub(crate) fn context_verb(random: &mut Random) -> ContextVerb {
    let key = house::name('v', random.below(4));
    match random.below(7) {
        0 => ContextVerb::Get(key),
        1 | 2 => {
            let ttl_ms = random.happens(60).then(|| random.below(20_000));
            ContextVerb::Set { key, value: payload(random), ttl_ms }
        }
        3 => ContextVerb::Delete(key),
        4 => ContextVerb::List(None),
        5 => ContextVerb::Watch(None),
        _ => ContextVerb::Unwatch(random.below(30)),
    }
}
