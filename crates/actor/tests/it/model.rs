//! The actor system against a naive model of one: the same messages, the same final states.
//!
//! What an actor does with a message follows from the message alone, not from the order in which messages of several
//! senders come; so whatever order a system chooses, each actor must end with the state that the model's has. Order
//! is checked apart: each message carries its number within its pair of sender and receiver. While the messages flow,
//! actors are moved between cores; nobody may notice.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actor::dice::Dice;
use actor::hosted::Running;
use actor::platform::Core;
use actor::{Actor, Address, Bound, Config, Context, Policy, Spawn, StopAll, System};
use proptest::prelude::*;

/// For reports that come at once unless messages were lost.
const DEADLINE: Duration = Duration::from_secs(30);

/// More messages than any plan here makes.
const STEPS: u64 = 1_000_000;

/// The most messages that follow from one message.
const FAN_OUT: usize = 3;

/// What is to happen: how many actors, on how many cores, and the messages it begins with.
#[derive(Debug, Clone)]
struct Plan {
    actors: usize,
    cores: usize,
    ring_entries: usize,
    seeds: Vec<(usize, Content)>,
    /// Actors that are moved on the way, after so many steps each, and where to.
    moves: Vec<(u64, usize, usize)>,
}

/// What a message says; everything that follows from it follows from this.
#[derive(Debug, Clone, Copy)]
struct Content {
    value: u64,
    /// How many generations of messages follow.
    hops: u32,
}

impl Content {
    /// The receivers and contents of what is sent in answer to this.
    fn children(self, actors: usize) -> impl Iterator<Item = (usize, Self)> {
        let mut state = self.value | 1;
        let mut draw = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let count = if self.hops == 0 { 0 } else { draw() as usize % (FAN_OUT + 1) };
        (0..count).map(move |_| (draw() as usize % actors, Self { value: draw(), hops: self.hops - 1 }))
    }
}

/// The final state of an actor: does not depend on the order of messages, but on each of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct State {
    count: u64,
    sum: u64,
    mixed: u64,
}

impl State {
    fn take(&mut self, content: Content) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(content.value);
        self.mixed ^= content.value.rotate_left(content.hops).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// One queue, one loop.
fn model(plan: &Plan) -> Vec<State> {
    let mut states = vec![State::default(); plan.actors];
    let mut queue: VecDeque<_> = plan.seeds.iter().copied().collect();
    while let Some((to, content)) = queue.pop_front() {
        states[to].take(content);
        queue.extend(content.children(plan.actors));
    }
    states
}

/// A message of the real system. Longer than what fits inline for every third value, so that both ways are taken.
struct Wire {
    from: usize,
    /// Which message of its sender to its receiver this is.
    number: u64,
    content: Content,
    long: Option<Box<[u64; 16]>>,
}

/// What an actor tells the test about a message.
struct Report {
    to: usize,
    content: Content,
    in_order: bool,
    whole: bool,
}

type Peers = Arc<OnceLock<Vec<Address<Wire>>>>;

struct Node {
    me: usize,
    peers: Peers,
    sent: Vec<u64>,
    received: Vec<u64>,
    reports: Sender<Report>,
}

impl Actor for Node {
    type Message = Wire;

    fn handle(&mut self, message: Wire, ctx: &mut Context<'_>) {
        let Wire { from, number, content, long } = message;
        let in_order = number == self.received[from];
        self.received[from] += 1;
        let whole = long.is_none_or(|long| long.iter().all(|word| *word == content.value));
        // A test that has failed no longer listens.
        let _ = self.reports.send(Report { to: self.me, content, in_order, whole });
        let peers = self.peers.get().expect("set before the first message");
        for (to, content) in content.children(peers.len()) {
            let wire = wire(self.me, &mut self.sent[to], content);
            // By turns in the two ways, which together have one order.
            if content.value.is_multiple_of(2) {
                ctx.tell(peers[to], wire);
            } else {
                ctx.send(peers[to], wire).expect("nobody ends here and no bound is near");
            }
        }
    }
}

fn wire(from: usize, number: &mut u64, content: Content) -> Wire {
    let long = content.value.is_multiple_of(3).then(|| Box::new([content.value; 16]));
    *number += 1;
    Wire { from, number: *number - 1, content, long }
}

/// Spawns the actors and sends the first messages, all as from one more sender outside.
fn begin(plan: &Plan, system: &System) -> (Receiver<Report>, Vec<Address<Wire>>) {
    let (reports, receiver) = channel();
    let peers = Peers::default();
    let spawn = |me: usize| {
        let counts = || vec![0; plan.actors + 1];
        let (peers, reports) = (peers.clone(), reports.clone());
        let node = Node { me, peers, sent: counts(), received: counts(), reports };
        system.spawn(Spawn::default().on(Core((me % plan.cores) as u8)), node).expect("there is room")
    };
    let addresses: Vec<_> = (0..plan.actors).map(spawn).collect();
    peers.set(addresses.clone()).expect("set once");
    let mut sent = vec![0; plan.actors];
    for (to, content) in &plan.seeds {
        let wire = wire(plan.actors, &mut sent[*to], *content);
        assert!(system.send(addresses[*to], wire).is_ok(), "it lives and has room");
    }
    (receiver, addresses)
}

fn move_one(system: &System, addresses: &[Address<Wire>], (_, actor, core): (u64, usize, usize)) {
    system.move_to(addresses[actor].addr(), Core(core as u8)).expect("it lives, and there is such a core");
}

fn config(plan: &Plan, seed: u64) -> Config {
    Config { cores: plan.cores, ring_entries: plan.ring_entries, seed, ..Config::default() }
}

/// Adds up what was reported; fails on a message out of order.
fn collect(plan: &Plan, reports: impl IntoIterator<Item = Report>) -> Result<Vec<State>, TestCaseError> {
    let mut states = vec![State::default(); plan.actors];
    for report in reports {
        prop_assert!(report.in_order, "a message to {} is lost, doubled or out of order", report.to);
        prop_assert!(report.whole, "a long message arrived damaged");
        states[report.to].take(report.content);
    }
    Ok(states)
}

fn plan() -> impl Strategy<Value = Plan> {
    (1_usize..9, 1_usize..4, prop_oneof![Just(1), Just(4), Just(64)]).prop_flat_map(
        |(actors, cores, ring_entries)| {
            let content = (any::<u64>(), 0_u32..6).prop_map(|(value, hops)| Content { value, hops });
            let seeds = prop::collection::vec((0..actors, content), 0..12);
            let moves = prop::collection::vec((0_u64..40, 0..actors, 0..cores), 0..24);
            (seeds, moves).prop_map(move |(seeds, moves)| Plan { actors, cores, ring_entries, seeds, moves })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn under_every_seed_actors_end_as_in_the_model(plan in plan(), seed in any::<u64>()) {
        let mut dice = Dice::assemble(config(&plan, seed), |_| Box::new(StopAll));
        let (reports, addresses) = begin(&plan, dice.system());
        for one in &plan.moves {
            dice.run(one.0);
            move_one(dice.system(), &addresses, *one);
        }
        dice.run(STEPS);
        prop_assert_eq!(collect(&plan, reports.try_iter())?, model(&plan));
    }

    #[test]
    fn a_bounded_queue_takes_its_bound_and_gives_the_rest_back(
        bound in 1_u32..200, offered in 0_u32..400, seed in any::<u64>(),
    ) {
        let mut dice = Dice::assemble(Config { seed, ..Config::default() }, |_| Box::new(StopAll));
        let (tx, rx) = channel();
        let how = Spawn::default().with_bound(Bound::new(bound, Policy::Refuse));
        let to = dice.system().spawn(how, Keep(tx)).expect("there is room");
        let (accepted_tx, accepted) = channel();
        let flood = dice.system().spawn(Spawn::default(), Flood { to, accepted: accepted_tx }).expect("there is room");
        prop_assert!(dice.system().send(flood, offered).is_ok());
        dice.run(STEPS);
        let accepted: Vec<u32> = accepted.try_iter().collect();
        prop_assert_eq!(rx.try_iter().collect::<Vec<_>>(), accepted.clone());
        prop_assert_eq!(accepted, (0..offered.min(bound)).collect::<Vec<_>>());
    }
}

proptest! {
    // Each starts threads.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn on_threads_actors_end_as_in_the_model(plan in plan()) {
        let expected = model(&plan);
        let count = expected.iter().map(|state| state.count).sum::<u64>();
        let running = Running::start(config(&plan, 1)).expect("threads can be started");
        let (reports, addresses) = begin(&plan, running.system());
        let mut got = Vec::new();
        let mut moves = plan.moves.iter();
        for _ in 0..count {
            if let Some(one) = moves.next() {
                move_one(running.system(), &addresses, *one);
            }
            got.push(reports.recv_timeout(DEADLINE).map_err(|_| TestCaseError::fail("a message is lost"))?);
        }
        running.shutdown();
        got.extend(reports.try_iter());
        prop_assert_eq!(collect(&plan, got)?, expected);
    }
}

/// Passes on what it gets.
struct Keep(Sender<u32>);

impl Actor for Keep {
    type Message = u32;

    fn handle(&mut self, message: u32, _ctx: &mut Context<'_>) {
        let _ = self.0.send(message);
    }
}

/// Tries to send as many messages in one turn as it is told, and says which were accepted.
struct Flood {
    to: Address<u32>,
    accepted: Sender<u32>,
}

impl Actor for Flood {
    type Message = u32;

    fn handle(&mut self, offered: u32, ctx: &mut Context<'_>) {
        for number in 0..offered {
            match ctx.try_send(self.to, number) {
                Ok(_) => drop(self.accepted.send(number)),
                Err(refused) => assert_eq!(refused.message, number),
            }
        }
    }
}
